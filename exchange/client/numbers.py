"""Decimal text as whole numbers of ticks and lots, exactly, and its order."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

AMOUNTS = ("price", "quantity", "amount")  # the fields that are decimal text

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


def decimal_text(value: str | int | Decimal) -> str:
    """Exact decimal text of a Decimal or an int; text stays as it is.

    TypeError for anything else, a float included, because it is not exact. ValueError for a Decimal that is not finite.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(
            f"{value!r} is a {type(value).__name__}; give decimal text such as '150.02', a Decimal or an int, "
            "which are exact"
        )
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{value} is not a finite number")
    return str(value) if isinstance(value, int) else format(value, "f")


def with_decimal_text(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an order or a deposit, with prices, quantities and amounts as decimal text."""
    return {
        name: decimal_text(value) if name in AMOUNTS and value is not None else value for name, value in fields.items()
    }


def _scaled(text: str, decimals: int) -> int:
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not decimal text such as 150.02")
    whole, _, fraction = text.partition(".")
    if fraction[decimals:].strip("0"):
        raise ValueError(f"{text} has more than {decimals} decimals")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))
