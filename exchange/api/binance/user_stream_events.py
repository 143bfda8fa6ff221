"""The events of a user's stream, made of one released command: orders, balances and deposits.

Times are in the unit that the listener wants. An execution id counts the steps of a user's orders.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from exchange.api.binance import order_shapes
from exchange.api.binance.numbers import ZERO, amount, price, quantity
from exchange.api.binance.symbols import symbol_of
from exchange.api.binance.words import SELF_TRADE_WORDS
from exchange.core.commands import OrderType, Side
from exchange.core.conditions import Conditions, Progress
from exchange.core.events import (
    BalanceChanged,
    Deposited,
    ExpireReason,
    OrderStatus,
    OrderUpdated,
    PreventedMatch,
    UpdateReason,
)
from exchange.core.instrument import Asset, Instrument
from exchange.core.outcome import Applied

EXECUTIONS: Final[Mapping[UpdateReason, str]] = {
    UpdateReason.ACCEPTED: "NEW",
    UpdateReason.FILLED: "TRADE",
    UpdateReason.CANCELED: "CANCELED",
    UpdateReason.EXPIRED: "EXPIRED",
    UpdateReason.PREVENTED: "TRADE_PREVENTION",
}
EXPIRY_REASONS: Final[Mapping[ExpireReason, str]] = {
    ExpireReason.UNFILLED: "UNFILLED_IOC_QUANTITY_EXPIRED",
    ExpireReason.FOK_UNFILLABLE: "UNFILLED_FOK_ORDER_EXPIRED",
    ExpireReason.MAX_FILLS: "EXCHANGE_CANCELED",
    ExpireReason.USER_DISABLED: "EXCHANGE_CANCELED",
}
NOT_A_TRADE: Final = -1
NOTHING_ASKED: Final = Conditions()
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
                if event.terms.user_id == self._user_id:
                    rules = self._rules(event.terms.market)
                    if rules is not None:
                        yield self._report(event, rules, unit_ns)
            elif isinstance(event, BalanceChanged):
                if event.user_id == self._user_id:
                    changed.append(event)
            elif isinstance(event, Deposited) and event.user_id == self._user_id:
                yield self._deposit(event, unit_ns)
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

    def _deposit(self, event: Deposited, unit_ns: int) -> Json:
        return {
            "e": "balanceUpdate",
            "E": self._now_ns // unit_ns,
            "a": event.asset,
            "d": amount(self._assets[event.asset], event.amount_minor),
            "T": self._applied.time_ns // unit_ns,
        }

    def _report(self, update: OrderUpdated, rules: Instrument, unit_ns: int) -> Json:
        shown, progress = order_shapes.amounts(update, rules), update.progress or NOTHING_BECAME
        named, prevents = order_shapes.client_order_id(update), _prevents(update)
        canceled = update.reason is UpdateReason.CANCELED
        return (
            {
                "e": "executionReport",
                "E": self._now_ns // unit_ns,
                "s": symbol_of(rules),
                "c": named,
                "S": shown["side"],
                "o": shown["type"],
                "f": shown["timeInForce"],
                "q": shown["origQty"],
                "p": shown["price"],
                "P": shown.get("stopPrice", ZERO),
                "F": shown.get("icebergQty", ZERO),
                "g": shown.get("orderListId", -1),
                "C": named if canceled else "",
                "x": "TRADE_PREVENTION" if prevents else EXECUTIONS.get(update.reason, "NEW"),
                "X": shown["status"],
                "r": "NONE",
                "i": update.order_id,
            }
            | _trade(update, rules)
            | {
                "z": shown["executedQty"],
                "T": update.updated_ns // unit_ns,
                "I": update.orders_sequence,
                "w": update.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED),
                "O": update.created_ns // unit_ns,
                "Z": shown["cummulativeQuoteQty"],
                "Q": shown["origQuoteOrderQty"],
                "W": update.created_ns // unit_ns,
                "V": SELF_TRADE_WORDS[progress.self_trade],
            }
            | self._further(update, rules, prevents=prevents)
        )

    def _further(self, update: OrderUpdated, rules: Instrument, *, prevents: bool) -> Json:
        """What only some reports have."""
        made: Json = {}
        asked = update.terms.conditions or NOTHING_ASKED
        if asked.strategy_id is not None:
            made["j"] = asked.strategy_id
        if asked.strategy_type is not None:
            made["J"] = asked.strategy_type
        why = update.expire_reason
        if update.reason is UpdateReason.EXPIRED and why is not None and why in EXPIRY_REASONS:
            market = why is ExpireReason.UNFILLED and update.terms.order_type is OrderType.MARKET
            made["eR"] = "INSUFFICIENT_LIQUIDITY" if market else EXPIRY_REASONS[why]
        match = self._match(update) if prevents else None
        return made if match is None else made | _prevented(update, match, rules)

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
