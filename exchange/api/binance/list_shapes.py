"""Lists of orders as this dialect shows them."""

from typing import Any, Final

from exchange.api.binance import order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.symbols import symbol_of
from exchange.core.commands import ListType
from exchange.core.instrument import Instrument
from exchange.core.list_events import Leg, ListUpdated
from exchange.service.history import ListRead

CONTINGENCIES: Final = {ListType.OCO: "OCO", ListType.OTO: "OTO", ListType.OTOCO: "OTO"}


def client_list_id(told: ListUpdated) -> str:
    """The client id of a list; one that was placed without an id is shown with one made of its number."""
    return told.placed.client_list_id or f"l{told.list_id}"


def read(told: ListUpdated, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A list, with the ids of its orders."""
    return {
        "orderListId": told.list_id,
        "contingencyType": CONTINGENCIES[told.placed.list_type],
        "listStatusType": "ALL_DONE" if told.done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if told.done else "EXECUTING",
        "listClientOrderId": client_list_id(told),
        "transactionTime": asked.time(told.updated_ns),
        "symbol": symbol_of(rules),
        "orders": [
            {"symbol": symbol_of(rules), "orderId": leg.order_id, "clientOrderId": client_order_id(leg)}
            for leg in told.legs
        ],
    }


def client_order_id(leg: Leg) -> str:
    """The client id of an order of a list."""
    return leg.client_order_id or f"o{leg.order_id}"


def placed(found: ListRead, rules: Instrument, asked: Asked, kind: str) -> dict[str, Any]:
    """A new list, with its orders in as many words as were asked for."""
    make = order_shapes.acknowledged if kind == "ACK" else order_shapes.placed
    reports = [make(order, rules, asked) for order in found.orders]
    if kind == "FULL":
        for order, report in zip(found.orders, reports, strict=True):
            taken = [trade for trade in found.trades if trade.taker_order_id == order.order_id]
            report["fills"] = order_shapes.fills(taken, rules)
    return read(found.told, rules, asked) | {"orderReports": reports}


def canceled(found: ListRead, rules: Instrument, cancel_id: str, asked: Asked) -> dict[str, Any]:
    """A list that was canceled."""
    reports = [order_shapes.canceled(order, rules, cancel_id, asked) for order in found.orders]
    return read(found.told, rules, asked) | {"orderReports": reports}


def status(told: ListUpdated, rules: Instrument) -> dict[str, Any]:
    """A list beside an order of it that was amended."""
    shown = read(told, rules, Asked(order_shapes.NO_PARAMETERS))
    names = ("orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol", "orders")
    return {name: shown[name] for name in names}
