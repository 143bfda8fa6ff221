"""What the model makes of timers, and of sockets that end; see `tests/model.py`."""

from exchange.core.commands import CancelAll, EndSocket
from exchange.core.events import ExpireReason, RejectReason
from exchange.core.timers import CancelAllAfter, RunTimer
from tests.model_known import Known
from tests.model_records import Order, Told

DAY_MS = 24 * 3600 * 1000


class Endings(Known):
    """Cancels several orders at once, most of them when their owner does not ask for it."""

    def cancel_all(self, command: CancelAll, now_ns: int, told: Told) -> None:
        """Cancel all of a user in a market, in the order in which they came to rest."""
        if command.market not in self.rules:
            told.refusals.add(RejectReason.UNKNOWN_MARKET)
        if command.user_id not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        for order in sorted([*self.resting, *self.waiting], key=lambda order: order.priority):
            mine = (order.terms.user_id, order.terms.market) == (command.user_id, command.market)
            if mine and order.is_open:
                self.take_out(order, now_ns, told)

    def end(self, command: EndSocket | CancelAllAfter | RunTimer, now_ns: int, told: Told) -> None:
        """Carry one of these commands out."""
        if isinstance(command, EndSocket):
            self.end_socket(command, now_ns, told)
        elif isinstance(command, CancelAllAfter):
            self.set_timer(command, now_ns, told)
        else:
            self.run_timer(now_ns, told)

    def set_timer(self, command: CancelAllAfter, now_ns: int, told: Told) -> None:
        """Have everything canceled at a time, or take it back."""
        user, market, wait = command.user_id, command.market, command.timeout_ms
        if user not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        if market is not None and market not in self.rules:
            told.refusals.add(RejectReason.UNKNOWN_MARKET)
        if wait < 0 or wait > DAY_MS:
            told.refusals.add(RejectReason.OUT_OF_RANGE)
        if told.refusals:
            return
        self.timers = [timer for timer in self.timers if timer[:2] != (user, market)]
        if wait:
            self.timers.append((user, market, now_ns + wait * 1_000_000))

    def run_timer(self, now_ns: int, told: Told) -> None:
        """Do what the earliest timer says that is due; of several, first by user, then by market, then all markets."""
        due = [timer for timer in self.timers if timer[2] <= now_ns]
        if not due:
            return
        user, market, _ = first = min(due, key=lambda timer: (timer[2], timer[0], timer[1] or ""))
        self.timers.remove(first)
        for order in sorted((*self.resting, *self.waiting), key=lambda order: order.terms.market):
            if order.terms.user_id == user and market in (None, order.terms.market) and order.is_open:
                order.expire_reason = ExpireReason.CANCEL_ALL_AFTER
                self.take_out(order, now_ns, told)

    def end_socket(self, command: EndSocket, now_ns: int, told: Told) -> None:
        """Cancel what is bound to the socket, or to any, oldest orders first."""
        if command.market not in self.rules:
            told.refusals.add(RejectReason.UNKNOWN_MARKET)
            return
        bound = [
            order
            for order in (*self.resting, *self.waiting)
            if order.terms.market == command.market
            and order.socket is not None
            and command.socket in (None, order.socket)
        ]
        for order in sorted(bound, key=lambda order: order.number)[: command.orders_max]:
            if order.is_open:
                order.expire_reason = ExpireReason.DISCONNECT
                self.take_out(order, now_ns, told)

    def take_out(self, order: Order, now_ns: int, told: Told) -> None:
        """Cancel an order of the book."""
        raise NotImplementedError
