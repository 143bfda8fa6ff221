"""Fields of requests: from text to the venue's integers and members."""

import re
from typing import Any

from exchange.api.native.errors import ApiError
from exchange.core.instrument import Asset, Instrument, InvalidNumber, OffGrid

_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")


def choice(name: str, text: str, choices: dict[str, Any]) -> Any:
    """The member of that name. Raises ApiError."""
    found = choices.get(text)
    if found is None and text.isascii():  # a Kelvin sign is a small k, too
        found = choices.get(text.lower())
    if found is None:
        raise ApiError("INVALID_FIELD", f"{name} must be one of {', '.join(choices)}.")
    return found


def client_order_id(text: str | None, field: str = "client_order_id") -> str | None:
    """A client order id, if there is one. Raises ApiError."""
    if text is not None and not _CLIENT_ORDER_ID.fullmatch(text):
        raise ApiError("INVALID_FIELD", f"{field} must be 1 to 36 of A-Z a-z 0-9 . _ -")
    return text


def minor(asset: Asset, text: str, field: str = "amount") -> int:
    """An amount in minor units. Raises ApiError."""
    try:
        return asset.minor(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", f"{field} must be a plain decimal number.") from None
    except OffGrid:
        raise ApiError(
            "INVALID_NUMBER", f"{field} is finer than the {asset.decimals} decimals of {asset.symbol}."
        ) from None


def ticks(text: str, rules: Instrument, field: str = "price") -> int:
    """A price in ticks. Raises ApiError."""
    try:
        return rules.ticks(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", f"{field} must be a plain decimal number.") from None
    except OffGrid:
        step = rules.price_text(1)
        raise ApiError("OFF_TICK", f"{field} must be a multiple of {rules.symbol}'s tick_size, {step}.") from None


def lots(text: str, rules: Instrument, field: str = "quantity") -> int:
    """A quantity in lots. Raises ApiError."""
    try:
        return rules.lots(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", f"{field} must be a plain decimal number.") from None
    except OffGrid:
        step = rules.quantity_text(1)
        raise ApiError("OFF_LOT", f"{field} must be a multiple of {rules.symbol}'s lot_size, {step}.") from None
