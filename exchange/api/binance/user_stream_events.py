"""The events of a user's stream, made of one released command: orders, balances and deposits.

Times are in the unit that the listener wants. An execution id counts the steps of a user's orders.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from exchange.api.binance import list_shapes, order_shapes
from exchange.api.binance.asked import Asked
from exchange.api.binance.numbers import ZERO, amount, price, quantity
from exchange.api.binance.symbols import symbol_of
from exchange.core.commands import Side
from exchange.core.conditions import Progress
from exchange.core.effects import CanceledById
from exchange.core.events import (
    BalanceChanged,
    ExpireReason,
    OrderStatus,
    OrderUpdated,
    PreventedMatch,
    UpdateReason,
)
from exchange.core.instrument import Asset, Instrument
from exchange.core.list_events import ListChange, ListUpdated
from exchange.core.money import Transferred
from exchange.core.outcome import Applied

EXECUTIONS: Final[Mapping[str, str]] = {
    "FILLED": "TRADE",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
    "PREVENTED": "TRADE_PREVENTION",
    "AMENDED": "REPLACED",
}
"""What a step of an order is called, by the name of its reason; every other step is NEW."""
# After most of them another step follows that is told; Binance knows nothing of the others.
UNTOLD: Final = ("TRIGGERED", "REFILLED", "WAITING", "REPRICED")
TOLD: Final = (ListChange.PLACED, ListChange.DONE)  # of a list; its orders tell the rest
NOT_A_TRADE: Final = -1
SOME_HAVE: Final = (
    *(("d", "trailingDelta"), ("D", "trailingTime"), ("j", "strategyId"), ("J", "strategyType")),
    *(("gP", "pegPriceType"), ("gOT", "pegOffsetType"), ("gOV", "pegOffsetValue"), ("gp", "peggedPrice")),
    ("eR", "expiryReason"),
)
NOTHING_BECAME: Final = Progress()

Json = dict[str, Any]
Rules = Callable[[str], Instrument | None]
"""The rules of a market by its name, if it is in this dialect."""


class Happened:
    """What a command did for one user, and how it is told."""

    __slots__ = ("_applied", "_assets", "_now_ns", "_rules", "_user_id")

    def __init__(self, applied: Applied, user_id: str, now_ns: int, rules: Rules, assets: Mapping[str, Asset]) -> None:
        self._applied = applied
        self._user_id = user_id
        self._now_ns = now_ns
        self._rules = rules
        self._assets = assets

    def events(self, unit_ns: int) -> Iterator[Json]:
        """The events in order: orders step by step, deposits, then the balances that have changed."""
        changed: list[BalanceChanged] = []
        for event in self._applied.events:
            if isinstance(event, OrderUpdated):
                if event.terms.user_id == self._user_id and event.reason.name not in UNTOLD:
                    rules = self._rules(event.terms.market)
                    if rules is not None:
                        yield self._report(event, rules, unit_ns)
            elif isinstance(event, BalanceChanged):
                if event.user_id == self._user_id:
                    changed.append(event)
            elif isinstance(event, ListUpdated):
                if event.placed.user_id == self._user_id and event.change in TOLD:
                    rules = self._rules(event.placed.market)
                    if rules is not None:
                        yield self._list(event, rules, unit_ns)
            elif isinstance(event, Transferred) and self._user_id in (event.to_user_id, event.from_user_id):
                yield self._moved(event, unit_ns)
        if changed:
            yield self._balances(changed, unit_ns)

    def _balances(self, changed: list[BalanceChanged], unit_ns: int) -> Json:
        return {
            "e": "outboundAccountPosition",
            "E": self._now_ns // unit_ns,
            "u": self._applied.time_ns // unit_ns,
            "B": [
                {
                    "a": account.asset,
                    "f": amount(self._assets[account.asset], account.available_minor),
                    "l": amount(self._assets[account.asset], account.locked_minor),
                }
                for account in changed
            ],
        }

    def _moved(self, event: Transferred, unit_ns: int) -> Json:
        sign = "" if event.to_user_id == self._user_id else "-"
        return {
            "e": "balanceUpdate",
            "E": self._now_ns // unit_ns,
            "a": event.asset,
            "d": sign + amount(self._assets[event.asset], event.amount_minor),
            "T": self._applied.time_ns // unit_ns,
        }

    def _list(self, told: ListUpdated, rules: Instrument, unit_ns: int) -> Json:
        shown = list_shapes.read(told, rules, Asked(order_shapes.NO_PARAMETERS, unit_ns=unit_ns))
        return {
            "e": "listStatus",
            "E": self._now_ns // unit_ns,
            "s": shown["symbol"],
            "g": shown["orderListId"],
            "c": shown["contingencyType"],
            "l": shown["listStatusType"],
            "L": shown["listOrderStatus"],
            "r": "NONE",
            "C": shown["listClientOrderId"],
            "T": shown["transactionTime"],
            "O": [{"s": leg["symbol"], "i": leg["orderId"], "c": leg["clientOrderId"]} for leg in shown["orders"]],
        }

    def _report(self, update: OrderUpdated, rules: Instrument, unit_ns: int) -> Json:
        shown = order_shapes.read(update, rules, Asked(order_shapes.NO_PARAMETERS, unit_ns=unit_ns))
        prevents = _prevents(update)
        made = (
            {
                "e": "executionReport",
                "E": self._now_ns // unit_ns,
                "s": shown["symbol"],
                "c": update.cancel_id if isinstance(update, CanceledById) else shown["clientOrderId"],
                "S": shown["side"],
                "o": shown["type"],
                "f": shown["timeInForce"],
                "q": shown["origQty"],
                "p": shown["price"],
                "P": shown["stopPrice"],
                "F": shown["icebergQty"],
                "g": shown["orderListId"],
                "C": shown["clientOrderId"] if update.reason is UpdateReason.CANCELED else "",
                "x": "TRADE_PREVENTION" if prevents else EXECUTIONS.get(update.reason.name, "NEW"),
                "X": shown["status"],
                "r": "NONE",
                "i": update.order_id,
            }
            | _trade(update, rules)
            | {
                "z": shown["executedQty"],
                "T": shown["updateTime"],
                "I": update.orders_sequence,
                "w": shown["isWorking"] and update.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED),
                "O": shown["time"],
                "Z": shown["cummulativeQuoteQty"],
                "Q": shown["origQuoteOrderQty"],
                "V": shown["selfTradePreventionMode"],
            }
        )
        for letter, name in SOME_HAVE:
            if name in shown:
                made[letter] = shown[name]
        if shown["isWorking"]:
            made["W"] = shown["workingTime"]
        return made | self._prevention(update, rules) if prevents else made

    def _prevention(self, update: OrderUpdated, rules: Instrument) -> Json:
        """What self-trade prevention kept the order from."""
        match = self._match(update)
        return {} if match is None else _prevented(update, match, rules)

    def _match(self, update: OrderUpdated) -> PreventedMatch | None:
        """The match that was prevented."""
        match_id = (update.progress or NOTHING_BECAME).last_match_id
        for event in self._applied.events:
            if isinstance(event, PreventedMatch) and event.match_id == match_id:
                return event
        return None


def _prevents(update: OrderUpdated) -> bool:
    """Whether the step is that self-trade prevention kept the order from a match."""
    return update.reason is UpdateReason.PREVENTED or (
        update.reason is UpdateReason.EXPIRED and update.expire_reason is ExpireReason.SELF_TRADE
    )


def _trade(update: OrderUpdated, rules: Instrument) -> Json:
    """The trade of a step, or that there was none."""
    trade = update.trade
    if trade is None:
        return {"l": ZERO, "L": ZERO, "n": "0", "N": None, "t": NOT_A_TRADE, "m": False, "M": False, "Y": ZERO}
    makes = trade.maker_order_id == update.order_id
    paid_in = rules.fees_in(update.terms.side is Side.BUY)
    return {
        "l": quantity(rules, trade.quantity_lots),
        "L": price(rules, trade.price_ticks),
        "n": amount(paid_in, trade.maker_fee_minor if makes else trade.taker_fee_minor),
        "N": paid_in.symbol,
        "t": trade.market_trade_id,
        "m": makes,
        "M": True,
        "Y": amount(rules.quote, trade.quote_minor),
    }


def _prevented(update: OrderUpdated, match: PreventedMatch, rules: Instrument) -> Json:
    takes = match.taker_order_id == update.order_id
    lots = match.taker_prevented_lots if takes else match.maker_prevented_lots
    # What the two would have traded: neither lost less, unless it lost nothing.
    traded = min(filter(None, (match.taker_prevented_lots, match.maker_prevented_lots)), default=0)
    return {
        "v": match.match_id,
        "A": quantity(rules, (update.progress or NOTHING_BECAME).prevented_lots),
        "B": quantity(rules, lots),
        "u": 1,
        "U": match.maker_order_id if takes else match.taker_order_id,
        "Cs": symbol_of(rules),
        "pl": quantity(rules, traded),
        "pL": price(rules, match.price_ticks),
        "pY": amount(rules.quote, traded * match.price_ticks * rules.notional_unit),
    }
