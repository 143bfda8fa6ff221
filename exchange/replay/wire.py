"""Recorded integers and commands in the words of the contract, exactly.

`Units` says what the integers of a recording count. Its arithmetic may not round: where a digit would be lost, it
raises.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from exchange.replay.recording import Command

EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])


@dataclass(frozen=True)
class Units:
    """What a 1 in the columns `price` (quote per base) and `qty` (base) of a recording is worth."""

    price: Decimal
    quantity: Decimal

    def prices(self, count: int) -> Decimal:
        """The price of so many ticks."""
        return EXACT.multiply(Decimal(count), self.price)

    def quantities(self, count: int) -> Decimal:
        """The quantity of so many lots."""
        return EXACT.multiply(Decimal(count), self.quantity)

    def notionals(self, count: int) -> Decimal:
        """The worth in quote of a sum of price times quantity."""
        return EXACT.multiply(EXACT.multiply(Decimal(count), self.price), self.quantity)


def plain(value: Decimal) -> str:
    """Digits with at most one point, never an exponent, no zeros to spare."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def client_order_id(order_id: str, number: int | None = None) -> str:
    """The recording's order id as ours; `number` is that of the time, where it is replayed many times."""
    return f"r{'' if number is None else number}-{order_id}"


def item_of(command: Command, market: str, units: Units, number: int | None = None) -> dict[str, Any]:
    """The command as an item of `POST /orders`."""
    name = client_order_id(command.order_id, number)
    if command.action == "cancel":
        return {"cancel": {"market": market, "client_order_id": name}}
    item: dict[str, Any] = {
        "market": market,
        "side": "buy" if command.is_bid else "sell",
        "order_type": "market" if command.kind == "market" else "limit",
        "quantity": plain(units.quantities(command.quantity)),
        "client_order_id": name,
    }
    if command.kind != "market":
        item["price"] = plain(units.prices(command.price))
        item["time_in_force"] = "gtc"
        item["post_only"] = command.kind == "post_only"
    return item
