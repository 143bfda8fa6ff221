"""What the model makes of lists of orders; see `tests/model.py`.

After each command it looks at every list, for what has ended and what must follow from that.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from exchange.core.commands import CancelList, ListType, OrderType, PlaceList, PlaceOrder, Side
from exchange.core.events import ExpireReason, OrderStatus, RejectReason, UpdateReason
from tests.model_records import ListOf, Match, Order, Told
from tests.model_replace import Replacements
from tests.model_waiting import RESTS, Waiting, asked, met, waits

PROFITS = (OrderType.LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
# Of the future, or of what its user has, and not of the order itself.
LATER = {
    RejectReason.MARKET_NOT_TRADING,
    RejectReason.INSUFFICIENT_BALANCE,
    RejectReason.TOO_MANY_OPEN_ORDERS,
    RejectReason.WOULD_TAKE,
    RejectReason.WOULD_TRIGGER,
    RejectReason.NO_PRICE_LEVEL,
}


class Lists(Replacements, Waiting):
    """Orders that depend on each other."""

    # --- placed and canceled

    def place_list(self, command: PlaceList, now_ns: int, told: Told) -> None:
        """Take all orders of the list, or none."""
        told.refusals = self._unknown(command.user_id, command.market)
        if told.refusals:
            return
        known = self._list_known_as(command)
        if known is not None and known.asked == command and not command.refuse_while_open:
            told.duplicate, told.duplicate_list = True, known.number
            return
        orders = command.orders
        if known is not None or any(self.known_as(terms) is not None for terms in orders):
            told.refusals.add(RejectReason.CLIENT_ORDER_ID_CONFLICT)
        together = command.list_type is ListType.OCO
        legs = orders if together else orders[1:]
        last = self.last_price(command.market) if together else None
        if len(legs) == 2 and not _apart(legs, last):
            told.refusals.add(RejectReason.LIST_PRICES)
        self.coming = len(orders) - 1
        for terms in orders if together else orders[:1]:
            told.refusals |= self.all_refusals(terms, now_ns)
        self.coming = 0
        told.refusals |= self.broken_by_counts(orders, as_list=True)
        if not together:
            for terms in legs:
                told.refusals |= self._never(terms, now_ns)
        if not told.refusals:
            self._take_list(command, now_ns, told)

    def _list_known_as(self, command: PlaceList) -> ListOf | None:
        named = [of for of in self.lists if of.asked.client_list_id is not None]
        recent = named[-self.client_ids_max :]
        for of in reversed(named):
            same = (of.asked.user_id, of.asked.client_list_id) == (command.user_id, command.client_list_id)
            if same and (of.is_open or (of in recent and not command.refuse_while_open)):
                return of
        return None

    def _never(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Why an order could never enter, whoever has what."""
        there = self.resting, self.waiting, self.totals, self.prices[terms.market]
        self.resting, self.waiting, self.totals, self.prices[terms.market] = [], [], Counter(), []
        reasons = self.all_refusals(replace(terms, post_only=False), now_ns)
        self.resting, self.waiting, self.totals, self.prices[terms.market] = there
        return reasons - LATER

    def _take_list(self, command: PlaceList, now_ns: int, told: Told) -> None:
        of = ListOf(len(self.lists) + 1, command)
        self.lists.append(of)
        for at, terms in enumerate(command.orders):
            order = Order(len(self.orders) + 1, terms, now_ns, now_ns, of=of)
            order.for_list = at > 0 and command.list_type is not ListType.OCO
            order.maker_ppm, order.taker_ppm = self.rates_of(terms)
            order.mode = self.mode_of(terms)
            if order.for_list or waits(terms):
                order.status = OrderStatus.PENDING
            if waits(terms) and not order.for_list:
                self._begin_to_wait(order, now_ns)
            elif not order.for_list:
                self._take_price(order)
            self.orders.append(order)
            of.legs.append(order)
            if terms.client_order_id is not None:
                self.names.append((order, terms.client_order_id))
        for order in sorted(of.legs, key=lambda order: order.status is OrderStatus.OPEN):
            if order.status is OrderStatus.PENDING or order.terms.time_in_force in RESTS:
                self.priorities += 1
                order.priority = self.priorities
        for order in of.legs:
            self.step(order, UpdateReason.ACCEPTED, now_ns, told)
        self.waiting += [order for order in of.legs if order.status is OrderStatus.PENDING]
        for order in list(of.legs):
            if order.status is OrderStatus.OPEN:
                self.enter(order, self._at_its_price(order), now_ns, told)

    def _at_its_price(self, order: Order) -> PlaceOrder:
        """What enters: a pegged order with the price that it took from the book."""
        return replace(order.terms, price_ticks=order.pegged) if order.pegged else order.terms

    def _take_price(self, order: Order) -> None:
        """If it is pegged, it takes its price from the book now."""
        if self.is_pegged(order.terms):
            order.pegged = self.peg_price(order.terms) or 0
            self.begin_following(order)

    def _begin_to_wait(self, order: Order, now_ns: int) -> None:
        last, wish = self.last_price(order.terms.market), asked(order.terms)
        begins = wish.activation_ticks is None or (last is not None and met(order.terms, wish.activation_ticks, last))
        if wish.trails and last is not None and begins:
            order.best, order.tracking_ns = last, now_ns

    def cancel_list(self, command: CancelList, now_ns: int, told: Told) -> None:
        """Cancel what is open of a list."""
        told.refusals = self._unknown(command.user_id, command.market)
        if told.refusals:
            return
        for of in self.lists:
            mine = of.is_open and (of.asked.user_id, of.asked.market) == (command.user_id, command.market)
            named = command.client_list_id in (None, of.asked.client_list_id)
            if mine and named and command.list_id in (None, of.number):
                of.end = "canceled"
                self._cancel_rest(of, ExpireReason.LIST, now_ns, told)
                return
        told.refusals = {RejectReason.UNKNOWN_LIST}

    def take_out(self, order: Order, now_ns: int, told: Told) -> None:
        """Cancel an order, and its list."""
        super().take_out(order, now_ns, told)
        if order.of is not None:
            self._cancel_rest(order.of, order.expire_reason or ExpireReason.LIST, now_ns, told)

    def _cancel_rest(self, of: ListOf, why: ExpireReason, now_ns: int, told: Told) -> None:
        for order in of.legs:
            if order.is_open:
                order.expire_reason = why
                super().take_out(order, now_ns, told)

    # --- one order and another

    def partner(self, order: Order) -> Order | None:
        """The leg that this one may still end."""
        if order.of is None or order.for_list:
            return None
        return next((o for o in order.of.legs if o is not order and o.is_open and not o.for_list), None)

    def part(
        self, taker: Order, meets: list[tuple[Order, int]], own: list[tuple[Order, int, int]], now_ns: int, told: Told
    ) -> None:
        """Orders are about to trade, or lose something to their own: their partners end."""
        if meets or any(lots for _, lots, _ in own):
            self._end_partner(taker, now_ns, told)
        for maker in (*(maker for maker, _ in meets), *(maker for maker, _, lots in own if lots)):
            self._end_partner(maker, now_ns, told)

    def _end_partner(self, order: Order, now_ns: int, told: Told) -> None:
        other = self.partner(order)
        if other is not None:
            self._drop(other, told)
            self.expire(other, ExpireReason.OTHER_LEG, now_ns, told)

    def _drop(self, order: Order, told: Told) -> None:
        if order in self.resting:
            told.touched.add((order.terms.market, order.terms.side, order.limit))
        for orders in (self.resting, self.waiting, self.ready):
            if order in orders:
                orders.remove(order)

    def triggered(self, order: Order, now_ns: int, told: Told) -> None:
        """A price has triggered an order."""
        self._end_partner(order, now_ns, told)

    def released_by(self, trade: Match, told: Told) -> list[Order]:
        """The pending orders whose working order that trade has filled."""
        found: list[Order] = []
        for number in (trade.maker, trade.taker):
            order = self.orders[number - 1]
            last = [each for each in told.trades if number in (each.maker, each.taker)][-1]
            if order.of is None or order.status is not OrderStatus.FILLED or last is not trade:
                continue
            if order is order.of.legs[0] and order.of.asked.list_type is not ListType.OCO:
                found += [leg for leg in order.of.legs if leg.is_open and leg.for_list and not leg.triggered_ns]
        return found

    def run_one(self, order: Order, now_ns: int, told: Told) -> None:
        """Enter an order that is ready; pending orders of a list all together."""
        if not order.for_list:
            super().run_one(order, now_ns, told)
            return
        assert order.of is not None
        legs = [leg for leg in order.of.legs if leg.for_list and leg.is_open]
        for leg in legs:
            self.ready.remove(leg)
            self.waiting.remove(leg)
        reasons = self._cannot_enter(legs, now_ns)
        for leg in sorted(legs, key=lambda leg: not waits(leg.terms)):
            leg.for_list = False
            if reasons:
                leg.refused = reasons
                self.expire(leg, ExpireReason.REFUSED_AT_TRIGGER, now_ns, told)
            elif waits(leg.terms):
                leg.triggered_ns = leg.trigger_price = 0
                self._begin_to_wait(leg, now_ns)
                self.priorities += 1
                leg.priority = self.priorities
                self.step(leg, UpdateReason.WAITING, now_ns, told)
                self.waiting.append(leg)
            else:
                leg.status, leg.working_ns, leg.priority = OrderStatus.OPEN, now_ns, 0
                self._take_price(leg)
                if leg.terms.time_in_force in RESTS:
                    self.priorities += 1
                    leg.priority = self.priorities
                self.step(leg, UpdateReason.WORKING, now_ns, told)
        for leg in legs:
            if not reasons and leg.status is OrderStatus.OPEN:
                self.enter(leg, self._at_its_price(leg), now_ns, told)

    def _cannot_enter(self, legs: list[Order], now_ns: int) -> set[RejectReason]:
        market = legs[0].terms.market
        rules, tiers, reasons = self.rules[market], self.tiers, set[RejectReason]()
        self.tiers = {}
        if len(legs) == 2 and not _apart([leg.terms for leg in legs], self.last_price(market)):
            reasons.add(RejectReason.LIST_PRICES)
        self.coming = len(legs) - 1
        for leg in legs:
            terms = leg.terms
            fees = replace(rules, maker_fee_ppm=leg.maker_ppm, taker_fee_ppm=leg.taker_ppm, self_trade=leg.mode)
            self.rules[market] = fees
            if waits(terms):
                reasons |= self.refusals_of_waiting(terms, now_ns)
            else:
                reasons |= self.refusals_at_entry(terms, now_ns)
                named = terms.conditions is not None and terms.conditions.self_trade is not None
                if named and not rules.self_trade_modes >> leg.mode & 1:
                    reasons.add(RejectReason.SELF_TRADE_PREVENTION)
            self.rules[market] = rules
        self.coming, self.tiers = 0, tiers
        reasons |= self.broken_by_counts([leg.terms for leg in legs])
        return reasons - {RejectReason.USER_DISABLED}

    # --- amendments

    def changes_beside(self, order: Order, changed: PlaceOrder) -> tuple[Order, PlaceOrder] | None:
        """The other leg, where the quantity changes."""
        if order.of is None or changed.quantity_lots == order.terms.quantity_lots:
            return None
        legs = [leg for leg in order.of.legs if leg.is_open and leg.for_list is order.for_list and leg is not order]
        return (legs[0], replace(legs[0].terms, quantity_lots=changed.quantity_lots)) if legs else None

    def costs_too_much(self, order: Order, changed: PlaceOrder, left: int) -> bool:
        """Whether what would be locked is not there: for partners, what the larger of both needs."""
        if order.for_list:
            return False
        other = self.partner(order)
        if other is None:
            return super().costs_too_much(order, changed, left)
        both = self.costs_of(order, changed, left)
        later = replace(other.terms, quantity_lots=changed.quantity_lots)
        both = max(both, self.costs_of(other, later, changed.quantity_lots, as_it_is=True))
        return both > self.without((order, other), order)

    # --- after each command

    def follow_lists(self, now_ns: int, told: Told) -> None:
        """End what must end since another order of its list has, and tell of the lists of which something is new."""
        for of in self.lists:
            for order in of.legs:
                ended = order.status is OrderStatus.EXPIRED and order.expire_reason not in FOLLOWED
                if not ended or not of.is_open:
                    continue
                if order is of.legs[0] and of.asked.list_type is not ListType.OCO:
                    for leg in of.legs:
                        if leg.is_open:
                            self._drop(leg, told)
                            self.expire(leg, ExpireReason.WORKING_ORDER_ENDED, now_ns, told)
                else:
                    self._cancel_rest(of, ExpireReason.LIST, now_ns, told)
        for of in self.lists:
            statuses = [order.status for order in of.legs]
            if statuses != of.told:
                change = "done" if not of.is_open else "updated" if of.told else "placed"
                told.lists[of.number] = (change, statuses, of.end)
                of.told = statuses
                self.list_counts[of.asked.user_id] += 1


FOLLOWED = (ExpireReason.OTHER_LEG, ExpireReason.LIST, ExpireReason.WORKING_ORDER_ENDED)


def _apart(legs: Sequence[PlaceOrder], last: int | None) -> bool:
    """Whether the profit is on the good side of the last price and the loss on the bad one; or of each other."""
    [profit] = [terms for terms in legs if terms.order_type in PROFITS]
    [loss] = [terms for terms in legs if terms is not profit]
    high = _limit_of(profit) if profit.order_type is OrderType.LIMIT else asked(profit).stop_ticks
    low = asked(loss).stop_ticks
    if profit.side is Side.BUY:
        high, low = (None if price is None else -price for price in (high, low))
        last = None if last is None else -last
    if last is None:
        return high is None or low is None or high > low
    return (high is None or high > last) and (low is None or low < last)


def _limit_of(terms: PlaceOrder) -> int | None:
    """Its limit, but not of one whose price comes from the book."""
    return None if terms.conditions is not None and terms.conditions.peg_to is not None else terms.price_ticks
