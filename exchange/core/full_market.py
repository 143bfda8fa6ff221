"""A market with the orders that wait beside its book, and those that end by themselves.

What was triggered is not entered by the command that triggered it, so that a cascade cannot hold everybody up: it is
`ready`, and enters by commands of its own (`run_triggered`), before the market takes any other. In the same way what is
due ends by a command (`expire_due`) before another could trade with it, and what is bound to a socket that has ended
(`end_socket`).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from exchange.core.book import Order, Trader
from exchange.core.bound_orders import BoundOrders
from exchange.core.client_ids import ClientIds
from exchange.core.commands import Command, EndSocket, ExpireDue, PlaceOrder, RunTriggered, Side, TimeInForce
from exchange.core.conditions import Pending, Progress, SelfTrade
from exchange.core.counts import Counts
from exchange.core.deadlines import Deadlines, expire_ns
from exchange.core.effects import Effects, updated
from exchange.core.events import (
    REFUSED_NUMBERS,
    Event,
    ExpireReason,
    OrderStatus,
    OrderUpdated,
    RejectReason,
    Trade,
    UpdateReason,
)
from exchange.core.fees import Rates, needs_minor
from exchange.core.filtering import refused_at_price
from exchange.core.following import FOLLOWING_MAX, Following, follows
from exchange.core.iceberg import hide
from exchange.core.ledger import Ledger
from exchange.core.market import Market
from exchange.core.matching import NOTHING, Plan
from exchange.core.open_counts import Everywhere
from exchange.core.outcome import Applied
from exchange.core.pegs import at_its_price, peg_ticks, pegged, refusal_at, take_price
from exchange.core.state import MarketState
from exchange.core.triggers import TRADES, Triggers, reached
from exchange.core.waiting import as_entered, refusal_of_waiting, waits

BUY: Final = Side.BUY
MAY_REST: Final = (TimeInForce.GTC, TimeInForce.GTD)
PENDING: Final = OrderStatus.PENDING
Released = dict[int, list[Order]]  # by the id of a trade
NONE: Final[Released] = {}  # never written to
TOLD_MAX: Final = 250  # orders that begin to follow the price, or are triggered, in one command
RUN_EVENTS_MAX: Final = 1_000  # of the orders that enter in one command, so that none of them holds up other markets


class FullMarket(Market):
    """The market, with what waits."""

    def __init__(
        self, state: MarketState, ledger: Ledger, ids: ClientIds, counts: Counts, everywhere: Everywhere
    ) -> None:
        super().__init__(state, ledger, ids, counts, everywhere)
        # A round of those that follow the book comes first, with a number below zero.
        between = 2 if state.tracks and TRADES < state.tracks[0] < 0 else 0
        self.following = Following((-state.tracks[0], state.tracks[1]) if between else ())
        self.triggers = Triggers(state.tracks[between:])
        self.deadlines = Deadlines()
        self.bound = BoundOrders()
        self.money_first = False  # see Venue.replay
        self.told_max = TOLD_MAX

    @property
    def has_more(self) -> bool:
        """Whether a command of the exchange itself (`run_triggered`) must come before any other."""
        return bool(self.triggers.ready or self.triggers.trades or self.following.round)

    def find(self, order_id: int) -> Order | None:
        """The open order of that id, in the book or waiting."""
        order = self.book.orders.get(order_id)
        return self.triggers.orders.get(order_id) if order is None else order

    def all_open(self) -> Iterator[Order]:
        """All open orders, in the book or waiting."""
        yield from self.book.orders.values()
        yield from self.triggers.orders.values()

    # --- orders that wait

    def judged(
        self, terms: PlaceOrder, trader: Trader, mode: SelfTrade, rates: Rates | None, now_ns: int
    ) -> Plan | RejectReason:
        """What the order would meet, which is nothing if it waits; or why it may not enter, or not wait."""
        if not waits(terms):
            if terms.conditions is not None and pegged(terms):
                rules, filters = self.instrument, self.filters
                priced = at_its_price(rules, filters, rates, self._average, self.book, terms, trader, now_ns)
                if isinstance(priced, RejectReason):
                    return priced
                if follows(terms):
                    return self._judged_following(terms, priced, trader, mode, rates, now_ns)
                terms = priced
            return super().judged(terms, trader, mode, rates, now_ns)
        rules, average, filters = self.instrument, self._average, self.filters
        reason = refusal_of_waiting(
            rules, filters, rates, average, self.book, terms, trader, now_ns, money_first=self.money_first
        )
        return NOTHING if reason is None else reason

    def _judged_following(
        self,
        terms: PlaceOrder,
        priced: PlaceOrder,
        trader: Trader,
        mode: SelfTrade,
        rates: Rates | None,
        now_ns: int,
    ) -> Plan | RejectReason:
        """The same for an order that follows the book: there are not too many, and it can pay what it may cost."""
        found = super().judged(priced, trader, mode, rates, now_ns)
        if isinstance(found, RejectReason):
            return found
        if len(self.following.orders) >= FOLLOWING_MAX:
            return RejectReason.TOO_MANY_OPEN_ORDERS
        rules, limit_ticks = self.instrument, terms.price_ticks
        assert limit_ticks is not None
        needs = needs_minor(rules, rates, terms.side, limit_ticks, terms.quantity_lots)
        gives = trader.quote if terms.side is BUY else trader.base
        return found if needs <= gives.available else RejectReason.INSUFFICIENT_BALANCE

    def let_in(
        self, terms: PlaceOrder, trader: Trader, mode: SelfTrade, found: Plan, now_ns: int, effects: Effects
    ) -> None:
        """Carry out an order that was judged, or let it wait."""
        if not waits(terms):
            super().let_in(terms, trader, mode, found, now_ns, effects)
            return
        order = self._made(terms, trader, now_ns)
        self._queue(order)
        order.progress = self._first_progress(terms, now_ns)
        self._ids.accepted(order.order_id, terms)
        effects.order = accepted = updated(UpdateReason.ACCEPTED, order, PENDING, now_ns)
        effects.events.append(accepted)
        self._pays_from(order, effects).lock(self.needs_minor(order))
        self._wait(order)
        self._note_tracks(effects)

    def _first_progress(self, terms: PlaceOrder, now_ns: int) -> Progress:
        """What an order that waits begins with: one that trails begins at once, if it may and there is a last price."""
        progress, conditions = Progress(self.mode_of(terms), pending=Pending.TRIGGER), terms.conditions
        assert conditions is not None
        if not conditions.trails or not self._average:
            return progress
        activation_ticks = conditions.activation_ticks
        if activation_ticks is not None and not reached(terms, activation_ticks, self._average[0]):
            return progress
        return replace(progress, tracking_ns=now_ns, tracking_trade=self._trade_sequence)

    def _wait(self, order: Order) -> None:
        order.trader.open_orders[order] = None
        order.trader.counts.opened(order.order_id, order.terms, waits=True)
        self.triggers.add(order, self._average[0] if self._average else 0)
        self._keep(order)
        self._ids.rested(order)

    def _note_tracks(self, effects: Effects) -> None:
        tracks, round_ = self.triggers.stored, self.following.round
        if round_:
            tracks = (-round_[0], round_[1], *tracks)
        if self.tracks is not tracks and self.tracks != tracks:
            self.tracks = tracks
            effects.tracks = True

    def _traded(self, now_ns: int, effects: Effects) -> None:
        """Judge what waits by each new trade in order."""
        triggers, events = self.triggers, effects.events
        if not triggers.orders:
            return
        new = events[effects.judged :]
        released = self._note_filled(new) if self.lists else NONE
        for event in new:
            if isinstance(event, Trade):
                self._judge(event, released.get(event.trade_id) if released else None, now_ns, effects)
        effects.judged = len(events)
        self._note_tracks(effects)

    def _note_filled(self, events: list[Event]) -> Released:
        """The orders that trades let enter, since the order that they wait for is filled."""
        return NONE

    def _end_partner(self, order: Order, now_ns: int, effects: Effects) -> None:
        """The order is triggered, and may have a partner."""

    def _judge(self, trade: Trade, released: list[Order] | None, now_ns: int, effects: Effects) -> None:
        """Judge by the trade, or later if what an earlier one triggers is not told yet. What it releases is told."""
        triggers, price_ticks, count = self.triggers, trade.price_ticks, trade.market_trade_id
        if triggers.trades:
            triggers.later(price_ticks, count)
        elif triggers.judge(price_ticks, count, released):
            self._tell(now_ns, effects)
        if released and triggers.trades:
            for order in released:
                if order.progress is not None and not order.progress.triggered_ns:
                    triggers.tell_early(order)
                    self._triggered(order, price_ticks, count, now_ns, effects)

    def _tell(self, now_ns: int, effects: Effects) -> None:
        """Tell what trades have triggered, but no more than a command may."""
        triggers = self.triggers
        while triggers.trades:
            price_ticks, count = triggers.trades[0]
            while effects.told < self.told_max:
                order = triggers.next_begun()
                if order is None:
                    break
                assert order.progress is not None
                order.progress = replace(order.progress, tracking_ns=now_ns, tracking_trade=count)
                self._step(UpdateReason.TRACKING, order, now_ns, effects)
                effects.told += 1
            while effects.told < self.told_max:
                order = triggers.next_met()
                if order is None:
                    break
                self._triggered(order, price_ticks, count, now_ns, effects)
                effects.told += 1
            if effects.told >= self.told_max:
                return
            triggers.done()

    def _triggered(self, order: Order, price_ticks: int, count: int, now_ns: int, effects: Effects) -> None:
        """That trade has triggered the order: it is ready to enter, and its partner ends."""
        self.triggers.ready[order.order_id] = order
        if self.partners:
            self._end_partner(order, now_ns, effects)
        assert order.progress is not None
        order.progress = replace(order.progress, triggered_ns=now_ns, triggered_trade=count, trigger_ticks=price_ticks)
        self._step(UpdateReason.TRIGGERED, order, now_ns, effects)

    def _step(self, reason: UpdateReason, order: Order, now_ns: int, effects: Effects) -> None:
        """Tell a step of an order that stays open."""
        order.updated_ns = now_ns
        self._pays_from(order, effects)
        effects.events.append(updated(reason, order, order.status, now_ns))

    # --- orders that enter

    def run_triggered(self, command: RunTriggered, sequence: int, now_ns: int) -> Applied | None:
        """Tell what is triggered; when all of it is told, enter what is ready, and no further order after one that had
        very many fills. None if there is nothing of that."""
        effects, triggers = Effects(sequence), self.triggers
        if triggers.trades:
            self._tell(now_ns, effects)
            self._note_tracks(effects)
        elif self.following.round and not triggers.ready:
            self._price_again(command.orders_max, now_ns, effects)
        else:
            for _ in range(command.orders_max):
                if not triggers.ready or triggers.trades or len(effects.events) >= RUN_EVENTS_MAX:
                    break
                self._run(triggers.take(), now_ns, effects)
        effects.order = None
        return self.applied(command, effects, now_ns) if effects.events or effects.tracks else None

    def _price_again(self, orders_max: int, now_ns: int, effects: Effects) -> None:
        """Give orders that follow the book the price that they would take now, at the back of its level.

        One that there is no price for, or none that it may have, stays where it is.
        """
        rules = self.instrument
        for order in self.following.next_due(orders_max):
            price_ticks = peg_ticks(self.book, order.terms)
            if price_ticks is None or price_ticks <= 0 or price_ticks == order.price_ticks:
                continue
            if refusal_at(rules, price_ticks, order.terms.quantity_lots) is not None:
                continue
            if self.filters is not None:
                priced = replace(order.terms, price_ticks=price_ticks)
                if refused_at_price(rules, self.filters, self._average, priced, now_ns) is not None:
                    continue
            assert order.progress is not None
            effects.touch_level(self.book.remove(order))
            order.price_ticks = price_ticks
            order.progress = replace(order.progress, pegged_ticks=price_ticks)
            self._queue(order)
            effects.touch_level(self.book.add(order))
            self._step(UpdateReason.REPRICED, order, now_ns, effects)
        self._note_tracks(effects)

    def _trade(self, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """Carry the plan out. A buy that follows the book has locked what its limit costs: it gets back the rest."""
        if self.following.orders:
            rules = self.instrument
            for maker, lots in found.fills:
                if maker.terms.side is BUY and follows(maker.terms):
                    locked = needs_minor(rules, maker.rates, BUY, maker.terms.price_ticks or 0, lots)
                    maker.trader.quote.release(locked - needs_minor(rules, maker.rates, BUY, maker.price_ticks, lots))
        super()._trade(taker, found, now_ns, effects)

    def applied(self, command: Command, effects: Effects, now_ns: int) -> Applied:
        """The outcome, once it is known whether what some orders follow has changed: see also _tell_lists."""
        if not self.lists or self.before_7:
            self._look(effects)
        return super().applied(command, effects, now_ns)

    def _look(self, effects: Effects) -> None:
        """If the command has changed what some orders follow, they are to be priced again."""
        following = self.following
        if effects.levels and (following.orders or (self.tracks and self.tracks[0] < 0)):
            following.look(self.book)
            self._note_tracks(effects)

    def _run(self, order: Order, now_ns: int, effects: Effects) -> None:
        """Enter an order that has waited, or end it if it may not enter any more."""
        terms, progress = order.terms, order.progress
        assert progress is not None
        self._pays_from(order, effects).release(self.needs_minor(order))
        del order.trader.open_orders[order]
        order.trader.counts.left(order.order_id)
        entering = as_entered(terms)
        asked = entering.conditions
        if asked is not None and asked.visible_lots is not None and asked.visible_lots >= terms.quantity_lots:
            entering.conditions = replace(asked, visible_lots=None)  # since it was amended to less than that
        found = self.judged(entering, order.trader, progress.self_trade, order.rates, now_ns)
        order.updated_ns = now_ns
        if isinstance(found, RejectReason):
            order.progress = replace(progress, pending=Pending.NOTHING, refused=REFUSED_NUMBERS[found])
            self.closed(order)
            self._expire(order, ExpireReason.REFUSED_AT_TRIGGER, now_ns, effects)
            return
        order.progress = replace(progress, pending=Pending.NOTHING, working_ns=now_ns)
        take_price(order, self.book)
        hide(order, found.matched_lots + found.prevented_lots)
        order.priority = 0
        if terms.time_in_force in MAY_REST:
            self._queue(order)
        effects.events.append(updated(UpdateReason.WORKING, order, OrderStatus.OPEN, now_ns))
        self.enter(order, found, now_ns, effects)
        if order.level is None:
            self.closed(order)

    # --- orders that end

    def expire_due(self, command: ExpireDue, sequence: int, now_ns: int) -> Applied | None:
        """End what is due; None if nothing is."""
        effects = Effects(sequence)
        for _ in range(command.orders_max):
            order = self.deadlines.due(now_ns)
            if order is None:
                break
            self._withdraw(order, effects)
            self._expire(order, ExpireReason.EXPIRE_AT, now_ns, effects)
        effects.order = None
        return self.applied(command, effects, now_ns) if effects.events else None

    def end_socket(self, command: EndSocket, sequence: int, now_ns: int) -> Applied | None:
        """Cancel what is bound to a socket; None if nothing is."""
        effects = Effects(sequence)
        for order in self.bound.of(command.socket, command.orders_max):
            if order in order.trader.open_orders:  # not yet gone with another order of its list
                begin = len(effects.events)
                self.take_out(order, now_ns, effects)
                for event in effects.events[begin:]:
                    if isinstance(event, OrderUpdated):
                        event.expire_reason = ExpireReason.DISCONNECT
        return self.applied(command, effects, now_ns) if effects.events else None

    def _withdraw(self, order: Order, effects: Effects) -> None:
        if order.level is not None:
            super()._withdraw(order, effects)
            return
        self._pays_from(order, effects).release(self.held_minor(order))
        self.triggers.remove(order)
        self._note_tracks(effects)
        del order.trader.open_orders[order]
        self._separate(order)
        self.closed(order)

    def held_minor(self, order: Order) -> int:
        """What is released if the open order leaves alone: nothing if it waits for its list."""
        if order.progress is not None and order.progress.pending is Pending.LIST:
            return 0
        return super().held_minor(order)

    def _rest(self, order: Order, effects: Effects) -> None:
        super()._rest(order, effects)
        if order.terms.conditions is not None:
            order.trader.counts.opened(order.order_id, order.terms, waits=False)
            self._keep(order)
            if follows(order.terms):
                self.following.add(order, self.book)

    def closed(self, order: Order) -> None:
        """An order that was open is not any more."""
        super().closed(order)
        if order.terms.conditions is not None:
            order.trader.counts.left(order.order_id)
            self.deadlines.remove(order)
            self.bound.remove(order)
            self.following.remove(order)

    def _keep(self, order: Order) -> None:
        """The order is open, until its time is over or its socket ends."""
        self.deadlines.add(order)
        self.bound.add(order)

    # --- the state as a whole

    def restore_order(self, order: Order) -> None:
        """Put an open order back where it was; its funds are locked already."""
        if order.status is PENDING:
            self._wait(order)
            return
        super().restore_order(order)
        order.trader.counts.opened(order.order_id, order.terms, waits=False)
        self._keep(order)
        if follows(order.terms):
            self.following.put_back(order)

    def restored(self) -> None:
        """All open orders are back."""
        super().restored()
        self.triggers.restored()
        self.following.restored(self.book)

    def check(self) -> None:
        """Assert what must hold between commands."""
        self.book.check()
        self.triggers.check()
        self.following.check(self.book)
        round_ = self.following.round
        assert self.tracks == (*((-round_[0], round_[1]) if round_ else ()), *self.triggers.stored)
        self.deadlines.check({order.order_id for order in self.all_open() if expire_ns(order) is not None})
        self.bound.check({order.order_id: order for order in self.all_open()})


def _by_id(order: Order) -> int:
    return order.order_id
