"""Prices, quantities and amounts: as the decimal texts that the exchange takes, and as whole numbers of ticks and lots.

Everything is exact. A float is refused, since 0.1 is not one tenth there.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Number = str | int | Decimal
"""What a price, a quantity or an amount may be given as."""

AMOUNTS = frozenset(
    (
        *("price", "quantity", "quote_quantity", "stop_price", "activation_price", "trailing_amount"),
        *("visible_quantity", "reduce_by", "offset", "amount", "tick_size", "lot_size", "min_notional"),
    )
)
"""The fields of requests that are prices, quantities or amounts; the values of `balances` are too."""
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Step:
    """A market's `tick_size` or `lot_size` as a unit: `Step("0.01").text(15002)` is `"150.02"`.

    ValueError if the size is not decimal text above zero.
    """

    __slots__ = ("_decimals", "_scaled", "size")

    def __init__(self, size: Number) -> None:
        self.size = size = decimal_text("size", size)
        self._decimals = len(size.partition(".")[2])
        self._scaled = _scaled(size, self._decimals)
        if not self._scaled:
            raise ValueError(f"{size!r} is not a step above zero")

    def text(self, count: int) -> str:
        """`count` steps (0 or more) as decimal text, without trailing zeros."""
        digits = str(count * self._scaled).zfill(self._decimals + 1)
        whole, fraction = digits[: len(digits) - self._decimals], digits[len(digits) - self._decimals :].rstrip("0")
        return f"{whole}.{fraction}" if fraction else whole

    def fixed(self, number: Number) -> str:
        """The number with as many decimals as the size has, for columns: `Step("0.01").fixed("150.5")` is `"150.50"`.

        ValueError if it is no decimal text, or has more decimals than that.
        """
        text = decimal_text("number", number)
        digits = str(_scaled(text, self._decimals)).zfill(self._decimals + 1)
        whole, fraction = digits[: len(digits) - self._decimals], digits[len(digits) - self._decimals :]
        return f"{whole}.{fraction}" if fraction else whole

    def count(self, number: Number) -> int:
        """How many steps the number is. ValueError if it is no decimal text, or no whole number of them."""
        text = decimal_text("number", number)
        steps, off = divmod(_scaled(text, self._decimals), self._scaled)
        if off:
            raise ValueError(f"{text} is not a multiple of {self.size}")
        return steps


def decimal_text(name: str, number: Number) -> str:
    """The number as the exchange takes it, in plain digits; a text stays as it is.

    TypeError for anything but a str, an int or a Decimal, ValueError for a Decimal that is not finite; `name` is for
    their messages.
    """
    if isinstance(number, str):
        return number
    if isinstance(number, Decimal):
        if not number.is_finite():
            raise ValueError(f"{name} must be a finite number, not {number}")
        return format(number, "f")
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    kind = type(number).__name__
    why = f': a float is not exact; write {name}="0.1" or {name}=Decimal("0.1")' if isinstance(number, float) else ""
    raise TypeError(f"{name} must be a str, an int or a decimal.Decimal, not {kind}{why}")


def with_texts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request with every price, quantity and amount as decimal text. Raises as `decimal_text`."""
    return {name: _with_texts(name, value) for name, value in fields.items()}


def _with_texts(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        if name == "balances":
            return {asset: decimal_text(f"balances[{asset!r}]", amount) for asset, amount in value.items()}
        return with_texts(value)
    if isinstance(value, list | tuple):
        return [with_texts(item) if isinstance(item, Mapping) else item for item in value]
    return decimal_text(name, value) if name in AMOUNTS else value


def decimal_key(text: str) -> tuple[int, str]:
    """A sort key of decimal text (without a sign) by its value; equal for `"1.5"` and `"1.50"`."""
    whole, _, fraction = text.partition(".")
    return int(whole), fraction.rstrip("0")


def _scaled(text: str, decimals: int) -> int:
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal text")
    whole, _, fraction = text.partition(".")
    if fraction[decimals:].strip("0"):
        raise ValueError(f"{text} has more than {decimals} decimals")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))
