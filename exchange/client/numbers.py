"""Decimal texts as whole numbers, exactly: for those who want to count ticks and lots, or to compare."""

import re

_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Step:
    """A market's `tick_size` or `lot_size`, to count in: `Step("0.01").text(15002)` is `"150.02"`.

    ValueError for a size that is no decimal text above zero.
    """

    __slots__ = ("_decimals", "_scaled", "size")

    def __init__(self, size: str) -> None:
        self.size = size
        self._decimals = len(size.partition(".")[2])
        self._scaled = _scaled(size, self._decimals)
        if not self._scaled:
            raise ValueError(f"{size!r} is no step")

    def text(self, count: int) -> str:
        """So many steps (0 or more) as decimal text, without zeros to spare."""
        digits = str(count * self._scaled).zfill(self._decimals + 1)
        whole, fraction = digits[: len(digits) - self._decimals], digits[len(digits) - self._decimals :].rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole

    def count(self, text: str) -> int:
        """How many steps the text is. ValueError if it is no decimal text, or no whole number of them."""
        steps, off = divmod(_scaled(text, self._decimals), self._scaled)
        if off:
            raise ValueError(f"{text} is no multiple of {self.size}")
        return steps


def decimal_key(text: str) -> tuple[int, str]:
    """Orders decimal texts (without a sign) by their value; equal for `"1.5"` and `"1.50"`."""
    whole, _, fraction = text.partition(".")
    return int(whole), fraction.rstrip("0")


def _scaled(text: str, decimals: int) -> int:
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is no decimal text")
    whole, _, fraction = text.partition(".")
    if fraction[decimals:].strip("0"):
        raise ValueError(f"{text} has more than {decimals} decimals")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))
