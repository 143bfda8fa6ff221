"""What the model makes of cancels and replacements; see `tests/model.py`."""

from dataclasses import replace

from exchange.core.commands import CancelOrder, OrderType, PlaceOrder, ReplaceMode, ReplaceOrder
from exchange.core.conditions import SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, RejectReason, UpdateReason
from tests.model_amend import Amendments
from tests.model_filters import OF_FILTERS
from tests.model_records import Order, Told, asks_the_same

# Judged with the old order still there, in the modes in which a part may fail alone.
FILTERS = OF_FILTERS | {
    RejectReason.MARKET_NOT_TRADING,
    RejectReason.SELF_TRADE_PREVENTION,
    RejectReason.OUT_OF_RANGE,
    RejectReason.MIN_NOTIONAL,
    RejectReason.TOO_MANY_OPEN_ORDERS,
    RejectReason.USER_DISABLED,
    RejectReason.WOULD_TRIGGER,
}
# Of a market order, before it is known what it meets.
BEFORE_THE_WALK = {RejectReason.INSUFFICIENT_BALANCE, RejectReason.NO_LIQUIDITY}


class Replacements(Amendments):
    """Cancels an order, and perhaps places another."""

    def cancel(self, command: CancelOrder, now_ns: int, told: Told) -> None:
        """Carry a cancel out."""
        told.refusals = self._unknown(command.user_id, command.market)
        if told.refusals:
            return
        order, told.refusals = self._to_cancel(command)
        if order is not None and not told.refusals:
            self.take_out(order, now_ns, told)
            told.primary = order.number

    def replace(self, command: ReplaceOrder, now_ns: int, told: Told) -> None:
        """Carry a replacement out."""
        place = command.place
        told.refusals = self._unknown(command.user_id, command.market)
        if told.refusals:
            return
        order, unable = self._to_cancel(command.cancel)
        known = self.known_as(place, None if unable else order)
        if known is not None and asks_the_same(known.asked_as(place.client_order_id), place) and not _once_more(place):
            told.duplicate, told.duplicate_of = True, known.number
            return
        taken = {RejectReason.CLIENT_ORDER_ID_CONFLICT} if known is not None else set()
        if place.user_id in self.disabled:
            taken.add(RejectReason.USER_DISABLED)
        if command.mode is ReplaceMode.ATOMIC:
            told.refusals = taken | unable or self._refusals_without(order, place, now_ns)
            if not told.refusals and order is not None:
                self.take_out(order, now_ns, told)
                self._replaced_by(place, order, now_ns, told)
            return
        reasons = self.all_refusals(place, now_ns)
        told.refusals = taken | (reasons & FILTERS)
        if place.order_type is OrderType.MARKET and reasons & BEFORE_THE_WALK:
            told.refusals = taken | (reasons & FILTERS - OF_FILTERS) | self.broken_unwalked(place, now_ns)
        if unable and (reasons or command.mode is ReplaceMode.STOP_ON_FAILURE):
            told.refusals |= unable
        if told.refusals:
            return
        told.not_canceled = unable
        if order is not None and not unable:
            self.take_out(order, now_ns, told)
            told.primary = order.number
        told.not_placed = self.all_refusals(place, now_ns)
        if not told.not_placed:
            self._replaced_by(place, None if unable else order, now_ns, told)

    def _replaced_by(self, place: PlaceOrder, order: Order | None, now_ns: int, told: Told) -> None:
        """Take the new order; the one that it replaces, if there is any, has been canceled."""
        if order is not None:
            order.expire_reason = ExpireReason.REPLACED
            last = told.updates[order.number].pop()
            told.updates[order.number].append(replace(last, expire_reason=ExpireReason.REPLACED))
        self.accept(place, now_ns, told)

    def known_as(self, terms: PlaceOrder, leaving: Order | None = None) -> Order | None:
        """The order that keeps the client order id of a new one from being used, if there is any."""
        known = self.under_name(terms.user_id, terms.client_order_id)
        if known is not None and _once_more(terms):
            is_open = known.is_open and known.terms.client_order_id == terms.client_order_id
            return known if is_open and known is not leaving else None
        return known

    def _unknown(self, user: str, market: str) -> set[RejectReason]:
        unknown = {RejectReason.UNKNOWN_MARKET} if market not in self.rules else set()
        return unknown | ({RejectReason.UNKNOWN_USER} if user not in self.users else set())

    def _to_cancel(self, command: CancelOrder) -> tuple[Order | None, set[RejectReason]]:
        """The open order that is meant, and why it may not be canceled."""
        for order in (*self.resting, *self.waiting):
            ours = (order.user, order.terms.market) == (command.user_id, command.market)
            named = command.client_order_id in (None, order.terms.client_order_id)
            if ours and named and command.order_id in (None, order.number):
                as_wanted = command.only_if_filled in (None, order.executed_lots > 0)
                return order, set() if as_wanted else {RejectReason.CANCEL_CONDITION}
        return None, {RejectReason.UNKNOWN_ORDER}

    def _refusals_without(self, order: Order | None, place: PlaceOrder, now_ns: int) -> set[RejectReason]:
        there, waiting = self.resting, self.waiting
        leaving = [order] if order is None or order.of is None else order.of.legs
        self.resting = [other for other in there if other not in leaving]
        self.waiting = [other for other in waiting if other not in leaving]
        reasons = self.all_refusals(place, now_ns)
        self.resting, self.waiting = there, waiting
        return reasons

    def there(self, order: Order, terms: PlaceOrder) -> tuple[int, int]:
        """What of a resting order meets a new one at once, and what it hides until then."""
        if order.user == terms.user_id and self.mode_of(terms) is not SelfTrade.NONE:
            return order.remaining, 0
        return order.shown, order.hidden

    def refill(self, order: Order, now_ns: int, told: Told) -> None:
        """Show more of an iceberg, behind all others."""
        self.priorities += 1
        order.priority = self.priorities
        order.hidden -= min(order.hidden, order.visible)
        self.resting.remove(order)
        self.resting.append(order)
        told.touched.add((order.terms.market, order.terms.side, order.limit))
        self.step(order, UpdateReason.REFILLED, now_ns, told)

    def take_out(self, order: Order, now_ns: int, told: Told) -> None:
        """Cancel an order of the book."""
        if order in self.resting:
            told.touched.add((order.terms.market, order.terms.side, order.limit))
        for orders in (self.resting, self.waiting, self.ready):
            if order in orders:
                orders.remove(order)
        order.status = OrderStatus.CANCELED
        self.step(order, UpdateReason.CANCELED, now_ns, told)

    def mode_of(self, terms: PlaceOrder) -> SelfTrade:
        """The mode that the order names, or else that of its market."""
        raise NotImplementedError

    def all_refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse the order, whether or not it waits."""
        raise NotImplementedError

    def accept(self, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """Take an order that nothing refuses."""
        raise NotImplementedError


def _once_more(terms: PlaceOrder) -> bool:
    """Whether only an open order keeps the client order id from being used."""
    return terms.conditions is not None and terms.conditions.refuse_while_open is not None
