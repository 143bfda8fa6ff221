"""Cancels a user's orders in several markets in one step: for timers, and for a user who is disabled or reset."""

from collections.abc import Mapping

from exchange.core.commands import CancelAll
from exchange.core.events import (
    BalanceChanged,
    Event,
    ExpireReason,
    LevelChanged,
    MarketChanged,
    OrderUpdated,
    Rejected,
    RejectReason,
)
from exchange.core.ledger import Ledger
from exchange.core.list_events import ListUpdated
from exchange.core.market import Market
from exchange.core.timers import NS_PER_MS, TIMEOUT_MAX_MS, CancelAllAfter, Timers, TimerSet


def set_timer(
    timers: Timers, markets: Mapping[str, Market], ledger: Ledger, command: CancelAllAfter, now_ns: int
) -> list[Event] | Rejected | None:
    """Have all orders of a user end after a time, or take that back; None if there is nothing to take back."""
    user_id, market = command.user_id, command.market
    if market is not None and market not in markets:
        return Rejected(RejectReason.UNKNOWN_MARKET)
    if not ledger.has_user(user_id):
        return Rejected(RejectReason.UNKNOWN_USER)
    if not 0 <= command.timeout_ms <= TIMEOUT_MAX_MS:
        return Rejected(RejectReason.OUT_OF_RANGE)
    due_ns = now_ns + command.timeout_ms * NS_PER_MS if command.timeout_ms else None
    if due_ns is None and timers.due_ns(user_id, market) is None:
        return None
    timers.set(user_id, market, due_ns)
    return [TimerSet(user_id, market, due_ns)]


def run_timer(
    timers: Timers, markets: Mapping[str, Market], ledger: Ledger, sequence: int, now_ns: int
) -> list[Event] | None:
    """Carry out the first timer that is due; None if none is."""
    due = timers.due(now_ns)
    if due is None:
        return None
    user_id, market, _ = due
    timers.set(user_id, market, None)
    concerned = markets if market is None else {market: markets[market]}
    events, touched = cancel_everywhere(concerned, user_id, ExpireReason.CANCEL_ALL_AFTER, sequence, now_ns)
    events.append(TimerSet(user_id, market, None))
    events += [ledger.account(user_id, asset).captured(sequence) for asset in touched]
    return events


def cancel_everywhere(
    markets: Mapping[str, Market], user_id: str, why: ExpireReason, sequence: int, now_ns: int
) -> tuple[list[Event], dict[str, None]]:
    """Cancel a user's orders in these markets: the events of all orders, then of markets, then of lists.

    The other result is the assets whose account that changed. Several markets may have changed one, which is told
    once, by the caller, as all of them left it.
    """
    orders: list[Event] = []
    books: list[Event] = []
    lists: list[Event] = []
    accounts: dict[str, None] = {}
    for symbol, market in sorted(markets.items()):
        canceled = market.cancel_all(CancelAll(user_id, symbol), sequence, now_ns)
        for event in canceled.events if canceled is not None else ():
            if isinstance(event, OrderUpdated):
                event.expire_reason = why
                orders.append(event)
            elif isinstance(event, (LevelChanged, MarketChanged)):
                books.append(event)
            elif isinstance(event, ListUpdated):
                lists.append(event)
            else:
                assert isinstance(event, BalanceChanged)
                accounts[event.asset] = None
    return [*orders, *books, *lists], accounts
