"""Decimal texts as whole numbers, exactly: for those who want to count ticks and lots, or to compare."""

from exchange.core.instrument import decimal_text, parse_scaled


class Step:
    """A market's `tick_size` or `lot_size`, to count in: `Step("0.01").text(15002)` is `"150.02"`."""

    __slots__ = ("_decimals", "_size", "size")

    def __init__(self, size: str) -> None:
        self.size = size
        self._decimals = len(size.partition(".")[2])
        self._size = parse_scaled(size, self._decimals)

    def text(self, count: int) -> str:
        """So many steps, as decimal text."""
        return decimal_text(count * self._size, self._decimals)

    def count(self, text: str) -> int:
        """How many steps the text is. ValueError if it is no decimal text, or no whole number of them."""
        steps, off = divmod(parse_scaled(text, self._decimals), self._size)
        if off:
            raise ValueError(f"{text} is no multiple of {self.size}")
        return steps


def decimal_key(text: str) -> tuple[int, str]:
    """Orders decimal texts (without a sign) by their value; equal for `"1.5"` and `"1.50"`."""
    whole, _, fraction = text.partition(".")
    return int(whole), fraction.rstrip("0")
