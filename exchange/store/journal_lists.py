"""Lists of orders as they are stored: their commands in the journal, and what was asked in one text."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from exchange.core.commands import CancelList, ListType, OrderType, PlaceList, PlaceOrder, Side, TimeInForce
from exchange.core.list_events import Leg, ListEnd
from exchange.core.state import ListState
from exchange.store.numbers_text import conditions_from, numbers_text

KINDS: Final = ("place_list", "cancel_list")
TermsFields = Callable[[PlaceOrder], tuple[Any, ...]]
TermsFrom = Callable[[Sequence[Any]], PlaceOrder]


def encode(command: PlaceList | CancelList, terms_fields: TermsFields) -> tuple[Any, ...]:
    """The fields of a command, its kind first."""
    if isinstance(command, CancelList):
        return ("cancel_list", command.user_id, command.market, command.list_id, command.client_list_id)
    return ("place_list", *placed_fields(command, terms_fields))


def decode(kind: str, fields: Sequence[Any], terms_from: TermsFrom) -> PlaceList | CancelList:
    """The command of its fields."""
    return placed_from(fields, terms_from) if kind == "place_list" else CancelList(*fields)


def placed_fields(placed: PlaceList, terms_fields: TermsFields) -> tuple[Any, ...]:
    """What was asked, in the order of `placed_from`."""
    orders = [terms_fields(terms) for terms in placed.orders]
    return (placed.user_id, placed.market, placed.list_type, placed.client_list_id, placed.refuse_while_open, orders)


def placed_from(fields: Sequence[Any], terms_from: TermsFrom) -> PlaceList:
    """What was asked."""
    user_id, market, list_type, name, refuse_while_open, orders = fields
    terms = tuple(terms_from(each) for each in orders)
    return PlaceList(user_id, market, ListType(list_type), terms, name, refuse_while_open)


def state_fields(found: ListState, terms_fields: TermsFields) -> tuple[Any, ...]:
    """An open list, in the order of `state_from`."""
    legs = [(leg.order_id, leg.client_order_id, leg.status) for leg in found.legs]
    return (
        *(found.list_id, legs, found.end, found.created_ns, found.updated_ns),
        *placed_fields(found.placed, terms_fields),
    )


def state_from(fields: Sequence[Any], terms_from: TermsFrom) -> ListState:
    """An open list."""
    list_id, legs, end, created_ns, updated_ns, *placed = fields
    return ListState(
        *(list_id, placed_from(placed, terms_from), tuple(Leg(*leg) for leg in legs)),
        *(None if end is None else ListEnd(end), created_ns, updated_ns),
    )


def legs_text(legs: Sequence[Leg]) -> str:
    """The orders of a list in a row of the tables: `12:0:name 13:-1:`."""
    return " ".join(f"{leg.order_id}:{int(leg.status)}:{leg.client_order_id or ''}" for leg in legs)


def legs_from(text: str) -> tuple[Leg, ...]:
    """The orders of such a text."""
    parts = (part.split(":", 2) for part in text.split(" "))
    return tuple(Leg(int(order_id), name or None, int(status)) for order_id, status, name in parts)


def content_text(placed: PlaceList) -> str:
    """What was asked beyond the columns of a row, without a character that a row must quote."""
    return ";".join((str(int(placed.refuse_while_open)), *(_terms_text(terms) for terms in placed.orders)))


def _terms_text(terms: PlaceOrder) -> str:
    numbers = terms.side, terms.order_type, terms.time_in_force, terms.post_only, terms.quantity_lots
    price = "" if terms.price_ticks is None else str(terms.price_ticks)
    further = numbers_text(terms.conditions) or ""
    return "|".join((*(str(int(number)) for number in numbers), price, terms.client_order_id or "", further))


def content_from(user_id: str, market: str, list_type: int, name: str | None, text: str) -> PlaceList:
    """What was asked, of a row."""
    refuse_while_open, *orders = text.split(";")
    terms = tuple(_terms_from(user_id, market, order.split("|")) for order in orders)
    return PlaceList(user_id, market, ListType(list_type), terms, name, refuse_while_open == "1")


def _terms_from(user_id: str, market: str, fields: Sequence[str]) -> PlaceOrder:
    side, order_type, time_in_force, post_only, lots, price, name, further = fields
    return PlaceOrder(
        *(user_id, market, Side(int(side)), OrderType(int(order_type)), TimeInForce(int(time_in_force))),
        *(post_only == "1", int(price) if price else None, int(lots), name or None, conditions_from(further or None)),
    )
