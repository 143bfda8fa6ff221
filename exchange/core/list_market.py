"""A market with lists of orders: OCO, OTO and OTOCO.

What ends or releases an order of a list is a step of another one, and happens in the same command: a fill or a trigger
of a leg ends its partner before it trades; a working order that is filled makes the pending ones ready to enter, as a
trigger does; any other end of an order ends its list.
"""

from dataclasses import replace
from typing import Final

from exchange.core.book import Order, Trader
from exchange.core.client_ids import ClientIds
from exchange.core.commands import CancelList, ListType, PlaceList, PlaceOrder, Side
from exchange.core.conditions import Pending, Progress
from exchange.core.counts import Counts
from exchange.core.effects import Effects, updated
from exchange.core.events import (
    REFUSED_NUMBERS,
    Event,
    ExpireReason,
    OrderStatus,
    OrderUpdated,
    Rejected,
    RejectReason,
    UpdateReason,
)
from exchange.core.filter_counts import check_counts, refused_counts
from exchange.core.filtering import AFTER_FILTERS, refused_by_filter
from exchange.core.full_market import MAY_REST, FullMarket, Released
from exchange.core.iceberg import hide
from exchange.core.instrument import AMOUNT_MAX
from exchange.core.ledger import Account, Ledger
from exchange.core.list_events import ENDED, Leg, ListChange, ListEnd
from exchange.core.list_rules import apart
from exchange.core.lists import FOLLOWED, ListIds, OrderList, check, may_work, waits_for_list
from exchange.core.matching import Plan
from exchange.core.open_counts import Everywhere
from exchange.core.outcome import Applied
from exchange.core.pegs import take_price
from exchange.core.refusal import refusal
from exchange.core.refusal_detail import refusal_detail
from exchange.core.state import MarketState
from exchange.core.waiting import as_entered, refusal_of_waiting, waits

BUY: Final = Side.BUY
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED
FILLED: Final = OrderStatus.FILLED
OPEN: Final = OrderStatus.OPEN
PENDING: Final = OrderStatus.PENDING


class ListMarket(FullMarket):
    """The market, with its open lists."""

    def __init__(
        self,
        state: MarketState,
        ledger: Ledger,
        ids: ClientIds,
        counts: Counts,
        everywhere: Everywhere,
        list_ids: ListIds,
    ) -> None:
        super().__init__(state, ledger, ids, counts, everywhere)
        self.list_ids = list_ids

    # --- place

    def place_list(self, command: PlaceList, sequence: int, now_ns: int) -> Applied | Rejected:
        """Let the orders of the list in, or refuse them all."""
        trader = self.trader(command.user_id)
        found = self._judged_list(command, trader, now_ns)
        if isinstance(found, Rejected):
            return found

        # Past this line the list must be there: nothing below may refuse.
        effects = Effects(sequence)
        self._let_list_in(command, trader, found, now_ns, effects)
        effects.order = None
        return self.applied(command, effects, now_ns)

    def _judged_list(self, command: PlaceList, trader: Trader, now_ns: int) -> Plan | Rejected:
        """What its first order that enters now would meet, or why not all of them may be placed."""
        orders, is_oco = command.orders, command.list_type is ListType.OCO
        legs = orders if is_oco else orders[1:]
        if len(legs) == 2 and not apart(legs, self._average[0] if is_oco and self._average else None):
            return _wrong_prices(legs)
        entering = [terms for terms in orders if not waits(terms)][:1]
        trader.leaving -= len(orders) - 1
        found: Plan | RejectReason = Plan()
        refused = orders[0]
        for terms in orders if is_oco else orders[:1]:
            judged = self.judged(terms, trader, self.mode_of(terms), self.rates_for(trader), now_ns)
            if isinstance(judged, RejectReason):
                found, refused = judged, terms
                break
            if entering and terms is entering[0]:
                found = judged
        trader.leaving += len(orders) - 1
        if not is_oco and not isinstance(found, RejectReason):
            for terms in legs:
                reason = self._refusal_for_later(terms, trader, now_ns)
                if reason is not None:
                    found, refused = reason, terms
                    break
        if self.filters is not None and (not isinstance(found, RejectReason) or found in AFTER_FILTERS):
            found = refused_counts(self.filters, orders, trader, 1) or found
        if isinstance(found, RejectReason):
            return Rejected(found, refusal_detail(found, refused, trader, self.instrument))
        return found

    def _refusal_for_later(self, terms: PlaceOrder, trader: Trader, now_ns: int) -> RejectReason | None:
        """Why an order could never enter, whatever its user has and the book holds by then."""
        rules, rich = self.instrument, Account(trader.user, "")
        rich.available = AMOUNT_MAX * AMOUNT_MAX
        poor = Account(trader.user, "")
        anybody = Trader(trader.user, poor if terms.side is BUY else rich, rich, Everywhere())
        later, rates = replace(terms, post_only=False), self.rates_for(trader)
        if waits(terms):
            return refusal_of_waiting(rules, rules.filters, rates, (), self.book, later, anybody, now_ns)
        reason = refusal(rules, rates, (), self.book, later, anybody, now_ns)
        if reason is None and rules.filters is not None:
            return refused_by_filter(rules, rules.filters, (), later, anybody, now_ns)
        return reason

    def _let_list_in(self, command: PlaceList, trader: Trader, found: Plan, now_ns: int, effects: Effects) -> None:
        self.counts.last_list_id += 1
        made = OrderList(self.counts.last_list_id, command, now_ns)
        self.lists[made.list_id] = made
        trader.counts.lists[made.list_id] = None
        self.list_ids.accepted(made.list_id, command)
        self.list_ids.opened(made)
        is_oco = command.list_type is ListType.OCO
        legs: list[Order] = []
        for index, terms in enumerate(command.orders):
            order = self._made(terms, trader, now_ns)
            now = is_oco or not index
            order.progress = replace(self._begin_of(terms, now, now_ns), list_id=made.list_id)
            if now and not waits(terms):
                hide(order, found.matched_lots + found.prevented_lots)
                take_price(order, self.book)
            self._ids.accepted(order.order_id, terms)
            legs.append(order)
            made.open[order.order_id] = order
        # What waits is there first, so its priority is before that of what enters.
        for order in legs:
            if order.status is PENDING:
                self._queue(order)
        for order in legs:
            if order.status is not PENDING and order.terms.time_in_force in MAY_REST:
                self._queue(order)
        made.legs = tuple([Leg(order.order_id, order.terms.client_order_id, order.status) for order in legs])
        for order in legs:
            effects.events.append(updated(UpdateReason.ACCEPTED, order, order.status, now_ns))
            self._pays_from(order, effects)
        self._begin(legs, found, now_ns, effects)

    def _begin_of(self, terms: PlaceOrder, now: bool, now_ns: int) -> Progress:
        if not now:
            return Progress(self.mode_of(terms), pending=Pending.LIST)
        return self._first_progress(terms, now_ns) if waits(terms) else Progress(self.mode_of(terms))

    def _begin(self, legs: list[Order], found: Plan, now_ns: int, effects: Effects) -> None:
        """Let orders wait, or enter: what waits begins first, so that it is there when another one trades."""
        working = [order for order in legs if order.status is not PENDING or _waits_for_price(order)]
        if len(working) == 2:
            self.partners[working[0]], self.partners[working[1]] = working[1], working[0]
        for order in legs:
            if order.status is PENDING:
                if _waits_for_price(order):
                    self._lock(order)
                self._wait(order)
        self._note_tracks(effects)
        for order in legs:
            if order.status is not PENDING:
                self.enter(order, found, now_ns, effects)

    def _lock(self, order: Order) -> None:
        """Lock what the order needs beyond what its partner has locked."""
        gives = order.trader.quote if order.terms.side is BUY else order.trader.base
        gives.lock(self.needs_minor(order) - self._shared(order))

    # --- partners

    def _shared(self, order: Order) -> int:
        """What the order and its partner lock together: the smaller of their needs."""
        partner = self.partners.get(order)
        if partner is None or partner not in partner.trader.open_orders:
            return 0
        return min(self.needs_minor(order), self.needs_minor(partner))

    def _part(self, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """Orders are about to trade, or to be prevented from it: that ends their partners."""
        if found.fills or found.prevented_lots:
            self._end_partner(taker, now_ns, effects)
        for maker, _ in found.fills:
            self._end_partner(maker, now_ns, effects)
        for maker, _, lots in found.prevented or ():
            if lots:
                self._end_partner(maker, now_ns, effects)

    def _end_partner(self, order: Order, now_ns: int, effects: Effects) -> None:
        """The order trades, or was triggered: its partner ends."""
        partner = self.partners.get(order)
        if partner is not None:
            self._withdraw(partner, effects)
            _end(partner, EXPIRED, ExpireReason.OTHER_LEG, now_ns, effects)

    def _separate(self, order: Order) -> None:
        """The order leaves: it has no partner any more."""
        partner = self.partners.pop(order, None)
        if partner is not None:
            del self.partners[partner]

    # --- working orders that are filled

    def _note_filled(self, events: list[Event]) -> Released:
        """The pending orders that the trades release: those whose working order is filled."""
        released: Released = {}
        for event in events:
            if isinstance(event, OrderUpdated) and event.status is FILLED and event.progress is not None:
                found = self.lists.get(event.progress.list_id)
                if found is not None and found.working_id == event.order_id and event.trade is not None:
                    released.setdefault(event.trade.trade_id, []).extend(found.pending())
        return released

    def _run(self, order: Order, now_ns: int, effects: Effects) -> None:
        """Enter an order that has waited; pending orders of a list all together."""
        progress = order.progress
        assert progress is not None
        if progress.pending is not Pending.LIST:
            super()._run(order, now_ns, effects)
            return
        legs = [order]
        for other in self.lists[progress.list_id].pending():
            if other is not order:
                self.triggers.remove(other)
                legs.append(other)
        for leg in legs:
            self._pays_from(leg, effects)
            del leg.trader.open_orders[leg]
            leg.trader.counts.left(leg.order_id)
            leg.updated_ns = now_ns
        found = self._judged_legs(legs, now_ns)
        legs.sort(key=_enters)  # what waits is there first
        for leg in legs:
            assert leg.progress is not None
            if isinstance(found, RejectReason):
                leg.progress = replace(leg.progress, pending=Pending.NOTHING, refused=REFUSED_NUMBERS[found])
                self.closed(leg)
                _end(leg, EXPIRED, ExpireReason.REFUSED_AT_TRIGGER, now_ns, effects)
            else:
                self._release(leg, found, now_ns, effects)
        if not isinstance(found, RejectReason):
            self._begin(legs, found, now_ns, effects)
            for leg in legs:
                if leg.level is None and not waits(leg.terms):
                    self.closed(leg)

    def _judged_legs(self, legs: list[Order], now_ns: int) -> Plan | RejectReason:
        """What the order that enters now would meet, or why not all of them may."""
        trader, found = legs[0].trader, Plan()
        terms = tuple([order.terms for order in legs])
        if len(legs) == 2 and not apart(terms, self._average[0] if self._average else None):
            return RejectReason.LIST_PRICES
        trader.leaving -= len(legs) - 1
        refused: RejectReason | None = None
        for order in legs:
            assert order.progress is not None
            entering = order.terms if waits(order.terms) else _as_entered(order.terms)
            judged = self.judged(entering, trader, order.progress.self_trade, order.rates, now_ns)
            if isinstance(judged, RejectReason):
                refused = judged
                break
            if not waits(order.terms):
                found = judged
        trader.leaving += len(legs) - 1
        if refused is None and self.filters is not None:
            refused = refused_counts(self.filters, terms, trader)
        return found if refused is None else refused

    def _release(self, order: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """The order waits for its list no more: it waits for its price now, or works."""
        terms, progress = order.terms, order.progress
        assert progress is not None
        if waits(terms):
            first = self._first_progress(terms, now_ns)
            order.progress = replace(
                progress,
                pending=Pending.TRIGGER,
                tracking_ns=first.tracking_ns,
                tracking_trade=first.tracking_trade,
                triggered_ns=0,
                triggered_trade=0,
                trigger_ticks=0,
            )
            self._queue(order)
            effects.events.append(updated(UpdateReason.WAITING, order, PENDING, now_ns))
            return
        order.progress = replace(progress, pending=Pending.NOTHING, working_ns=now_ns)
        order.priority = 0
        if terms.time_in_force in MAY_REST:
            self._queue(order)
        hide(order, found.matched_lots + found.prevented_lots)
        take_price(order, self.book)
        effects.events.append(updated(UpdateReason.WORKING, order, OPEN, now_ns))

    # --- ends

    def cancel_list(self, command: CancelList, found: OrderList, sequence: int, now_ns: int) -> Applied:
        """Cancel the orders of a list that are open."""
        effects = Effects(sequence)
        if not self.before_7:
            found.end = ListEnd.CANCELED
        self._cancel_rest(found, now_ns, effects)
        return self.applied(command, effects, now_ns)

    def take_out(self, order: Order, now_ns: int, effects: Effects, cancel_id: str | None = None) -> OrderUpdated:
        """Cancel an open order, and its list."""
        canceled = super().take_out(order, now_ns, effects, cancel_id)
        if self.lists and order.progress is not None and order.progress.list_id:
            self._cancel_rest(self.lists[order.progress.list_id], now_ns, effects)
        return canceled

    def _cancel_rest(self, found: OrderList, now_ns: int, effects: Effects) -> None:
        for order in found.open.values():
            if order in order.trader.open_orders:
                self._withdraw(order, effects)
                _end(order, CANCELED, ExpireReason.LIST, now_ns, effects)

    def _tell_lists(self, now_ns: int, effects: Effects) -> list[Event]:
        """End the lists that have lost an order, and tell of those of which an order has another status."""
        index, events, told = 0, effects.events, dict[int, ListChange]()
        while index < len(events):  # an end may end others
            event = events[index]
            index += 1
            if not isinstance(event, OrderUpdated) or event.progress is None:
                continue
            found = self.lists.get(event.progress.list_id)
            if found is None:
                continue
            if found.note(event):
                told.setdefault(found.list_id, ListChange.UPDATED)
                if event.status >= ENDED and event.expire_reason not in FOLLOWED and found.open:
                    self._follow(found, event, now_ns, effects)
            if event.reason is UpdateReason.ACCEPTED:
                told[found.list_id] = ListChange.PLACED
        if not self.before_7:
            self._look(effects)
        return [self._told(self.lists[list_id], change, now_ns) for list_id, change in told.items()]

    def _follow(self, found: OrderList, ended: OrderUpdated, now_ns: int, effects: Effects) -> None:
        """An order has ended and others of its list have not."""
        if ended.status is FILLED:
            return
        if ended.status is not EXPIRED or ended.order_id != found.working_id:
            self._cancel_rest(found, now_ns, effects)
            return
        for order in found.open.values():
            if order in order.trader.open_orders:
                self._withdraw(order, effects)
                _end(order, EXPIRED, ExpireReason.WORKING_ORDER_ENDED, now_ns, effects)

    def _told(self, found: OrderList, change: ListChange, now_ns: int) -> Event:
        found.updated_ns = now_ns
        trader = self.trader(found.placed.user_id)
        if not found.open:
            change = ListChange.DONE
            del self.lists[found.list_id], trader.counts.lists[found.list_id]
            self.list_ids.closed(found)
        user = trader.user
        user.lists_sequence += 1
        return found.told(change, user.lists_sequence)

    def changes_with(self, order: Order, changed: PlaceOrder) -> tuple[Order, PlaceOrder] | None:
        """The other leg of a list, where the quantity changes."""
        if not self.lists or changed.quantity_lots == order.terms.quantity_lots:
            return None
        other = self.partners.get(order)
        if other is None and order.progress is not None and waits_for_list(order):
            legs = self.lists[order.progress.list_id].pending()
            other = next((leg for leg in legs if leg is not order), None)
        return None if other is None else (other, replace(other.terms, quantity_lots=changed.quantity_lots))

    def more_minor(self, order: Order, changed: PlaceOrder, needs_minor: int) -> int:
        """How much more is locked then: of partners, by both together."""
        if waits_for_list(order):
            return 0
        partner = self.partners.get(order)
        if partner is None:
            return super().more_minor(order, changed, needs_minor)
        other_minor = self.needs_minor(partner)
        # What an order needs grows with its lots.
        later_minor = other_minor // partner.remaining_lots * changed.quantity_lots
        return max(needs_minor, later_minor) - max(self.needs_minor(order), other_minor)

    def leaves_with(self, order: Order) -> list[tuple[Order, int]]:
        """The open orders that leave if this one does: it, and those of its list."""
        if not self.lists or order.progress is None or not order.progress.list_id:
            return super().leaves_with(order)
        leaving: list[tuple[Order, int]] = []
        for other in self.lists[order.progress.list_id].open.values():
            needs_minor = 0 if waits_for_list(other) else self.needs_minor(other)
            if leaving and self.partners.get(other) is leaving[0][0]:
                needs_minor -= self._shared(other)
            leaving.append((other, needs_minor))
        return leaving

    # --- the state as a whole

    def restore_list(self, found: OrderList) -> None:
        """Put an open list back, before its orders."""
        self.lists[found.list_id] = found
        self.trader(found.placed.user_id).counts.lists[found.list_id] = None
        self.list_ids.opened(found)

    def restore_order(self, order: Order) -> None:
        """Put an open order back where it was, and into its list."""
        super().restore_order(order)
        if order.progress is not None and order.progress.list_id:
            found = self.lists[order.progress.list_id]
            found.open[order.order_id] = order
            working = may_work(found)
            if len(working) == 2:
                self.partners[working[0]], self.partners[working[1]] = working[1], working[0]

    def restored(self) -> None:
        """All open orders are back."""
        super().restored()
        for found in self.lists.values():  # their orders come by priority, and stand in the list by their id
            found.open = {order.order_id: order for order in sorted(found.open.values(), key=_by_id)}

    def check(self) -> None:
        """Assert what must hold between commands."""
        super().check()
        check(self.lists, self.partners, self.all_open())
        orders: dict[str, list[Order]] = {}
        for order in self.all_open():
            orders.setdefault(order.user_id, []).append(order)
        lists: dict[str, list[int]] = {}
        for list_id, found in self.lists.items():
            lists.setdefault(found.placed.user_id, []).append(list_id)
        for user_id, trader in self._traders.items():
            check_counts(trader.counts, orders.get(user_id, []), lists.get(user_id, []))


def _end(order: Order, status: OrderStatus, why: ExpireReason, now_ns: int, effects: Effects) -> None:
    """Tell the end of an order that follows from another one's."""
    reason = UpdateReason.CANCELED if status is CANCELED else UpdateReason.EXPIRED
    effects.events.append(updated(reason, order, status, now_ns, why))


def _as_entered(terms: PlaceOrder) -> PlaceOrder:
    """The order as it enters: an iceberg that was made so small is none."""
    entering, asked = as_entered(terms), terms.conditions
    if asked is not None and asked.visible_lots is not None and asked.visible_lots >= terms.quantity_lots:
        entering.conditions = replace(asked, visible_lots=None)
    return entering


def _waits_for_price(order: Order) -> bool:
    return order.progress is not None and order.progress.pending is Pending.TRIGGER


def _enters(order: Order) -> bool:
    return not waits(order.terms)


def _by_id(order: Order) -> int:
    return order.order_id


def _wrong_prices(legs: tuple[PlaceOrder, ...]) -> Rejected:
    way = "above" if legs[0].side else "below"
    other = "below" if legs[0].side else "above"
    side = legs[0].side.name.lower()
    detail = f"To {side}, the price of the profit must be {way} the last price, and that of the loss {other} it."
    return Rejected(RejectReason.LIST_PRICES, detail)
