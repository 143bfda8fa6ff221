"""Lists of orders in the words of the Binance-compatible dialect."""

from typing import Any, Final

from exchange.torture.bot_words import parameters, plain, symbol_of

OCO: Final = ("POST", "/api/v3/orderList/oco", "orderList.place.oco")
OTO: Final = ("POST", "/api/v3/orderList/oto", "orderList.place.oto")
OTOCO: Final = ("POST", "/api/v3/orderList/otoco", "orderList.place.otoco")
CANCEL_LIST: Final = ("DELETE", "/api/v3/orderList", "orderList.cancel")
QUERY_LIST: Final = ("GET", "/api/v3/orderList", "orderList.status")
PLACE_LIST: Final = {"oco": OCO, "oto": OTO, "otoco": OTOCO}
SHARED: Final = {"symbol": "symbol", "selfTradePreventionMode": "selfTradePreventionMode"}
PAIR: Final = ("side", "quantity")  # both legs have one of each
LOSSES: Final = ("stop_loss", "stop_loss_limit")

Body = dict[str, Any]


def plain_orders(bodies: list[Body]) -> list[Body]:
    """What a bot asks for in the place of orders that the dialect has no words for."""
    return [plain(body) for body in bodies]


def list_parameters(kind: str, bodies: list[Body], names: list[str], list_name: str) -> Body:
    """The parameters of a new list."""
    made: Body = {"symbol": symbol_of(bodies[0]["market"]), "listClientOrderId": list_name, "newOrderRespType": "FULL"}
    together = kind == "oco"
    pair, above, below = ("", "above", "below") if together else ("pending", "pendingAbove", "pendingBelow")
    if not together:
        made |= _named("working", "working", bodies[0], names[0])
    if kind == "oto":
        return made | _named("pending", "pending", bodies[1], names[1])
    first = 0 if together else 1
    for body, name in zip(bodies[first:], names[first:], strict=True):
        high = (body["order_type"] in LOSSES) is (body["side"] == "buy")
        made |= _named(above if high else below, pair, body, name)
    return made


def _named(own: str, pair: str, body: Body, name: str) -> Body:
    """The parameters of one order, under the names that a list has for them."""
    found = parameters(body, name)
    del found["newOrderRespType"]
    made = {f"{own}ClientOrderId": found.pop("newClientOrderId")}
    for each, value in found.items():
        prefix = pair if each in PAIR else own
        made[SHARED.get(each) or (prefix + each[0].upper() + each[1:] if prefix else each)] = value
    return made
