"""What one command does, collected while it is carried out: events, levels and accounts."""

from dataclasses import replace
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.book import Level, Order
from exchange.core.conditions import Progress, SelfTrade
from exchange.core.events import Event, ExpireReason, OrderStatus, OrderUpdated, PreventedMatch, Trade, UpdateReason
from exchange.core.ledger import Account

PARTIALLY_FILLED: Final = OrderStatus.PARTIALLY_FILLED
FILLED: Final = OrderStatus.FILLED
BY_FILLING: Final = UpdateReason.FILLED


@mypyc_attr(acyclic=True)
class Effects:
    """What one command does: its events so far, its primary order as it is now, and each level and account that it
    changed, once, in order. Prevented matches and amendments are told last: orders and trades come before all else.
    `tracks`: what the orders that follow the price need has changed. So many events are `judged`: their trades have
    been looked at. `told` counts the orders that they make follow the price, or trigger."""

    __slots__ = ("accounts", "events", "judged", "levels", "order", "prevented", "sequence", "told", "tracks")

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.order: OrderUpdated | None = None
        self.events: list[Event] = []
        self.levels: list[Level] = []
        self.accounts: list[Account] = []
        self.prevented: list[Event] | None = None
        self.tracks = False
        self.judged = 0
        self.told = 0

    def touch_level(self, level: Level) -> None:
        """The command has changed the level."""
        if level.touched_sequence != self.sequence:
            level.touched_sequence = self.sequence
            self.levels.append(level)

    def touch(self, account: Account) -> None:
        """The command has changed the account."""
        if account.touched_sequence != self.sequence:
            account.touched_sequence = self.sequence
            self.accounts.append(account)

    def prevent(self, match: PreventedMatch) -> None:
        """The command has prevented a match."""
        if self.prevented is None:
            self.prevented = []
        self.prevented.append(match)


@mypyc_attr(acyclic=True)
class CanceledById(OrderUpdated):
    """An order that was canceled, with the name of the cancel."""

    def __init__(self, update: OrderUpdated, cancel_id: str) -> None:
        OrderUpdated.__init__(
            self,
            update.reason,
            update.order_id,
            update.terms,
            update.status,
            update.executed_lots,
            update.executed_quote_minor,
            update.expire_reason,
            update.created_ns,
            update.updated_ns,
            update.priority,
            update.trade,
            update.orders_sequence,
            update.rates,
            update.progress,
        )
        self.cancel_id = cancel_id


def as_read(order: Order) -> OrderUpdated:
    """A copy of an open order as it is now."""
    return OrderUpdated(
        UpdateReason.READ,
        order.order_id,
        order.terms,
        order.status,
        order.executed_lots,
        order.executed_quote_minor,
        None,
        order.created_ns,
        order.updated_ns,
        order.priority,
        None,
        0,
        order.rates,
        order.progress,
    )


def updated(
    reason: UpdateReason,
    order: Order,
    status: OrderStatus,
    now_ns: int,
    expire_reason: ExpireReason | None = None,
    trade: Trade | None = None,
) -> OrderUpdated:
    """The order after one step of its life, which its user's count of steps includes."""
    user = order.trader.user
    user.orders_sequence += 1
    return OrderUpdated(
        reason,
        order.order_id,
        order.terms,
        status,
        order.executed_lots,
        order.executed_quote_minor,
        expire_reason,
        order.created_ns,
        now_ns,
        order.priority,
        trade,
        user.orders_sequence,
        order.rates,
        order.progress,
    )


def filled(order: Order, trade: Trade, now_ns: int) -> OrderUpdated:
    """The order after a fill."""
    status = PARTIALLY_FILLED if order.remaining_lots else FILLED
    return updated(BY_FILLING, order, status, now_ns, None, trade)


def prevented(progress: Progress | None, lots: int, match_id: int) -> Progress:
    """The progress of an order after so much of it was prevented."""
    if progress is None:
        return Progress(SelfTrade.EXPIRE_TAKER, lots, match_id)
    return replace(progress, prevented_lots=progress.prevented_lots + lots, last_match_id=match_id)
