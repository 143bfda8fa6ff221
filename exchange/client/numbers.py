"""Decimal text as whole numbers of ticks and lots, exactly, and its order."""

import re

_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Step:
    """A market's `tick_size` or `lot_size` as a unit: `Step("0.01").text(15002)` is `"150.02"`.

    ValueError if the size is not decimal text above zero.
    """

    __slots__ = ("_decimals", "_scaled", "size")

    def __init__(self, size: str) -> None:
        self.size = size
        self._decimals = len(size.partition(".")[2])
        self._scaled = _scaled(size, self._decimals)
        if not self._scaled:
            raise ValueError(f"{size!r} is not a step: it must be decimal text above zero")

    def text(self, count: int) -> str:
        """`count` steps (0 or more) as decimal text, without trailing zeros."""
        digits = str(count * self._scaled).zfill(self._decimals + 1)
        whole, fraction = digits[: len(digits) - self._decimals], digits[len(digits) - self._decimals :].rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole

    def count(self, text: str) -> int:
        """How many steps the text is. ValueError if it is not decimal text, or not a whole number of steps."""
        steps, off = divmod(_scaled(text, self._decimals), self._scaled)
        if off:
            raise ValueError(f"{text} is not a multiple of {self.size}")
        return steps


def decimal_key(text: str) -> tuple[int, str]:
    """A sort key of decimal text (without a sign) by its value; equal for `"1.5"` and `"1.50"`."""
    whole, _, fraction = text.partition(".")
    return int(whole), fraction.rstrip("0")


def _scaled(text: str, decimals: int) -> int:
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not decimal text such as 150.02")
    whole, _, fraction = text.partition(".")
    if fraction[decimals:].strip("0"):
        raise ValueError(f"{text} has more than {decimals} decimals")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))
