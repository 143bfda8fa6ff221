"""Orders in the words of the contract and in those of the Binance-compatible dialect, so that one judge reads both."""

from decimal import Decimal
from typing import Any, Final

from exchange.torture.record import OrderRow

TIMES: Final = {"ioc": "IOC", "fok": "FOK"}
MARKET_TYPES: Final = ("MARKET", "STOP_LOSS", "TAKE_PROFIT")  # those without a price
PEGS: Final = {"primary": "PRIMARY_PEG", "market": "MARKET_PEG"}
PEG_WORDS: Final = {theirs: ours for ours, theirs in PEGS.items()}
STATUSES: Final = {
    "NEW": "open",
    "PENDING_NEW": "pending",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}


def shortest(text: str) -> str:
    """A number without zeros that say nothing, as the contract has it."""
    return f"{Decimal(text).normalize():f}"


def symbol_of(market: str) -> str:
    """The symbol of a market."""
    return market.replace("_", "")


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """What a bot asks for in the place of an order that the dialect has no words for."""
    made = dict(body)
    if made.pop("expire_at", None) is not None:
        del made["time_in_force"]
    if "peg" in made:  # there it neither follows the book nor keeps a distance in money
        made["peg"] = {name: value for name, value in made["peg"].items() if name in ("to", "levels")}
    if made.pop("trailing_amount", None) is not None:
        made["order_type"] = "market"
        for name in ("price", "peg"):
            made.pop(name, None)
    return made


def parameters(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The parameters of a new order."""
    kind = "LIMIT_MAKER" if body.get("post_only") else body["order_type"].upper()
    made = {"symbol": symbol_of(body["market"]), "side": body["side"].upper(), "type": kind}
    if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        made["timeInForce"] = TIMES.get(body.get("time_in_force", ""), "GTC")
    for ours, theirs in (
        ("quantity", "quantity"),
        ("quote_quantity", "quoteOrderQty"),
        ("price", "price"),
        ("stop_price", "stopPrice"),
    ):
        if ours in body:
            made[theirs] = body[ours]
    if "peg" in body:
        made |= _peg(body["peg"])
    if "self_trade_prevention" in body:
        made["selfTradePreventionMode"] = body["self_trade_prevention"].upper()
    return made | {"newClientOrderId": name, "newOrderRespType": "FULL"}


def _peg(peg: dict[str, Any]) -> dict[str, Any]:
    made = {"pegPriceType": PEGS[peg["to"]]}
    return made | ({"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": peg["levels"]} if "levels" in peg else {})


def _pegged(order: dict[str, Any]) -> dict[str, Any] | None:
    if "pegPriceType" not in order:
        return None
    levels = order.get("pegOffsetValue")
    return {"to": PEG_WORDS[order["pegPriceType"]]} | ({} if levels is None else {"levels": levels})


def named_in(canceled: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The order of that name in the answer to its cancel, which tells of all orders if it was one of a list."""
    reports = canceled.get("orderReports", [canceled])
    return next(report for report in reports if name in (None, report["origClientOrderId"]))


def row(order: dict[str, Any], user_id: str, market: str) -> OrderRow:
    """An order as the dialect shows it, in the words of the contract."""
    kind, status = order["type"], STATUSES[order["status"]]
    if order.get("workingTime") == -1 and status == "open":
        status = "pending"
    no_price, by_quote = kind in MARKET_TYPES, Decimal(order["origQuoteOrderQty"])
    prevented, stop = order.get("preventedQuantity"), order.get("stopPrice")
    peg, pegged = _pegged(order), order.get("peggedPrice")
    no_price = no_price or (peg is not None and not Decimal(order["price"]))
    return OrderRow(
        str(order["orderId"]),
        order.get("origClientOrderId") or order["clientOrderId"],
        user_id,
        market,
        order["side"].lower(),
        "limit" if kind == "LIMIT_MAKER" else kind.lower(),
        "ioc" if kind in MARKET_TYPES else order["timeInForce"].lower(),
        kind == "LIMIT_MAKER",
        None if no_price else shortest(order["price"]),
        shortest(order["origQty"]),
        shortest(order["executedQty"]),
        shortest(order["cummulativeQuoteQty"]),
        status,
        order["selfTradePreventionMode"].lower(),
        None if prevented is None else shortest(prevented),
        shortest(order["origQuoteOrderQty"]) if by_quote else None,
        None if stop is None or not Decimal(stop) else shortest(stop),
        pegged_price=None if pegged is None else shortest(pegged),
        peg=peg,
    )
