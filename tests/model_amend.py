"""What the model makes of an amendment; see `tests/model.py`."""

from collections.abc import Sequence
from dataclasses import replace

from exchange.core.amendments import AmendOrder
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.conditions import Conditions
from exchange.core.events import RejectReason, UpdateReason
from exchange.core.instrument import FeeAsset, MarketStatus
from tests.model_known import fee
from tests.model_pegs import Pegs
from tests.model_records import Order, Told

STEPS_MAX = 2**63  # ticks and lots stay below it
MONEY_MAX = 10**38  # every amount and balance stays below it


class Amendments(Pegs):
    """Changes an open order: the same place for less of it, the back of the queue for anything else."""

    def amend(self, command: AmendOrder, now_ns: int, told: Told) -> None:
        """Carry an amendment out."""
        if command.market not in self.rules or command.user_id not in self.users:
            told.refusals = {RejectReason.UNKNOWN_MARKET} if command.market not in self.rules else set()
            told.refusals |= {RejectReason.UNKNOWN_USER} if command.user_id not in self.users else set()
            return
        if command.key is not None and self._reduced_before(command, told):
            return
        order = self._meant(command)
        if order is None:
            told.refusals = {RejectReason.UNKNOWN_ORDER}
            return
        terms = order.terms
        lots = terms.quantity_lots if command.quantity_lots is None else command.quantity_lots
        lots -= command.reduce_lots or 0
        price = terms.price_ticks if command.price_ticks is None else command.price_ticks
        if self._has_no_price_to_change(terms, command):
            told.refusals = {RejectReason.OUT_OF_RANGE}
            return
        price = None if terms.price_ticks is None else price
        changed = replace(
            terms,
            quantity_lots=lots,
            price_ticks=price,
            client_order_id=command.new_client_order_id or terms.client_order_id,
        )
        if changed == terms:
            told.duplicate, told.duplicate_of = True, order.number
            return
        told.refusals = self._refused(order, changed) | self.broken_by_amendment(order, changed, now_ns)
        other = self.changes_beside(order, changed)
        if other is not None:
            beside = self._refused(*other) | self.broken_by_amendment(*other, now_ns)
            told.refusals |= beside - {RejectReason.INSUFFICIENT_BALANCE}
        if told.refusals:
            return
        # Past this line the amendment happens.
        if other is not None:
            told.beside = other[0], other[0].terms
            self._become(*other, now_ns, told)
        told.primary, told.amended = order.number, terms
        if command.key is not None:
            self.reductions.append((command, order, terms))
        self._become(order, changed, now_ns, told)

    def _become(self, order: Order, changed: PlaceOrder, now_ns: int, told: Told) -> None:
        terms, lots = order.terms, changed.quantity_lots
        self.amendments += 1
        if changed.client_order_id != terms.client_order_id:
            assert changed.client_order_id is not None
            self.names.append((order, changed.client_order_id))
        order.first, order.amendments = order.first or terms, order.amendments + 1
        in_place = order in self.waiting or self._in_place(order, changed)
        less_lots = max(0, terms.quantity_lots - lots)  # what waits may grow, and hides nothing
        order.hidden = max(0, order.hidden - less_lots) if in_place else 0
        order.terms = changed
        if in_place:
            self.step(order, UpdateReason.AMENDED, now_ns, told)
            return
        self.priorities += 1
        order.priority = self.priorities
        order.maker_ppm, order.taker_ppm = self.rates_of(terms)
        self.resting.remove(order)
        told.touched.add((terms.market, terms.side, order.pegged or terms.price_ticks or 0))
        self.step(order, UpdateReason.AMENDED, now_ns, told)
        asked = replace(changed.conditions or Conditions(), self_trade=order.mode)
        # What is in the book is a limit order, also if it has waited.
        wanted = replace(changed, order_type=OrderType.LIMIT, conditions=asked)
        wanted = replace(wanted, quantity_lots=order.remaining, price_ticks=order.limit)
        self.enter(order, wanted, now_ns, told)

    def changes_beside(self, order: Order, changed: PlaceOrder) -> tuple[Order, PlaceOrder] | None:
        """Another order that must change with it, and what it becomes."""
        raise NotImplementedError

    def enter(self, order: Order, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """Let an order meet the book."""
        raise NotImplementedError

    def under_name(self, user: str, name: str | None) -> Order | None:
        """The user's order that keeps this client order id."""
        raise NotImplementedError

    def step(self, order: Order, reason: UpdateReason, now_ns: int, told: Told, trade: int | None = None) -> None:
        """Tell a step."""
        raise NotImplementedError

    def _reduced_before(self, command: AmendOrder, told: Told) -> bool:
        for before, order, terms in self.reductions[-self.reductions_max :]:
            if (before.user_id, before.key) != (command.user_id, command.key):
                continue
            names = {None, terms.client_order_id, before.new_client_order_id}
            same = (
                (before.market, before.reduce_lots) == (command.market, command.reduce_lots)
                and command.order_id in (None, order.number)
                and command.client_order_id in names
                and _price(command, terms) == _price(before, terms)
                and (command.new_client_order_id or terms.client_order_id)
                == (before.new_client_order_id or terms.client_order_id)
            )
            told.duplicate, told.duplicate_of = same, order.number if same else None
            told.refusals = set() if same else {RejectReason.KEY_CONFLICT}
            return True
        return False

    def _has_no_price_to_change(self, terms: PlaceOrder, command: AmendOrder) -> bool:
        if self.is_pegged(terms):
            return command.price_ticks not in (None, terms.price_ticks)
        return terms.price_ticks is None and command.price_ticks is not None

    def _meant(self, command: AmendOrder) -> Order | None:
        """The open order that is meant: under its own name, or, sent again, under the one it had before."""
        new_name = command.new_client_order_id
        open_orders = (*self.resting, *self.waiting)
        ours = [o for o in open_orders if (o.user, o.terms.market) == (command.user_id, command.market)]
        for order in ours:
            named = command.client_order_id in (None, order.terms.client_order_id)
            if named and command.order_id in (None, order.number):
                return order
        if command.order_id is None and new_name is not None:
            known = self.under_name(command.user_id, command.client_order_id)
            for order in ours:
                if order is known and order.terms.client_order_id == new_name:
                    return order
        return None

    @staticmethod
    def _in_place(order: Order, changed: PlaceOrder) -> bool:
        return changed.price_ticks == order.terms.price_ticks and changed.quantity_lots <= order.terms.quantity_lots

    def _refused(self, order: Order, changed: PlaceOrder) -> set[RejectReason]:
        rules, terms, price = self.rules[changed.market], order.terms, order.pegged or changed.price_ticks or 0
        before, waits = order.pegged or terms.price_ticks or 0, order in self.waiting
        others = [o for o in self.resting if (o.terms.market, o.terms.side) == (terms.market, 1 - terms.side)]
        crosses = any(o.limit <= price if terms.side is Side.BUY else o.limit >= price for o in others)
        meets = crosses and price != before and not waits
        reasons = set()
        if (
            rules.status is MarketStatus.HALTED
            or (rules.status is MarketStatus.CANCEL_ONLY and not self._in_place(order, changed))
            or (rules.status is MarketStatus.POST_ONLY and meets and not terms.post_only)
        ):
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        name = changed.client_order_id
        if name != terms.client_order_id and self.under_name(order.user, name) is not None:
            reasons.add(RejectReason.CLIENT_ORDER_ID_CONFLICT)
        if (price, changed.quantity_lots) == (before, terms.quantity_lots):
            return reasons
        least = 0 if terms.price_ticks is None else rules.min_price_ticks
        if not least <= price < STEPS_MAX or not 0 < changed.quantity_lots < STEPS_MAX:
            return reasons | {RejectReason.OUT_OF_RANGE}
        left = changed.quantity_lots - order.executed_lots - order.prevented_lots
        if left <= 0:
            return reasons | {RejectReason.OUT_OF_RANGE}
        lot_worth, unit = self.worth_of(terms.market)
        if changed.quantity_lots * max(lot_worth, price * unit) >= MONEY_MAX:
            reasons.add(RejectReason.OUT_OF_RANGE)
        limits = [
            each for each in (order.pegged or None, terms.price_ticks and changed.price_ticks) if each is not None
        ]
        if any(each * changed.quantity_lots * unit < rules.min_notional_minor for each in limits):
            reasons.add(RejectReason.MIN_NOTIONAL)
        if order.pegged and terms.price_ticks is not None and not self.in_range_at(terms.price_ticks, changed):
            reasons.add(RejectReason.OUT_OF_RANGE)
        if terms.post_only and meets:
            reasons.add(RejectReason.WOULD_TAKE)
        if self.costs_too_much(order, changed, left):
            reasons.add(RejectReason.INSUFFICIENT_BALANCE)
        return reasons

    def costs_too_much(self, order: Order, changed: PlaceOrder, left: int) -> bool:
        """Whether what the rest of the order would lock is not there."""
        return self.costs_of(order, changed, left) > self.without((order,), order)

    def costs_of(self, order: Order, changed: PlaceOrder, left: int, *, as_it_is: bool = False) -> int:
        """What the rest of the order would lock."""
        rules, (lot_worth, unit) = self.rules[changed.market], self.worth_of(changed.market)
        if changed.side is Side.SELL:
            return left * lot_worth
        price = (changed.price_ticks or 0) if order.follows else order.pegged or changed.price_ticks or 0
        need = price * left * unit
        if rules.fee_asset is FeeAsset.QUOTE:
            rates = self.rates_of(changed)
            if as_it_is or order in self.waiting or self._in_place(order, changed):
                rates = order.maker_ppm, order.taker_ppm
            need += left * fee(price * unit, max(rates))
        return need

    def without(self, orders: Sequence[Order], order: Order) -> int:
        """What is available to the order's user, with what these orders lock."""
        rules = self.rules[order.terms.market]
        asset = rules.quote.symbol if order.terms.side is Side.BUY else rules.base.symbol
        resting, waiting = self.resting, self.waiting
        self.resting = [other for other in resting if other not in orders]
        self.waiting = [other for other in waiting if other not in orders]
        available = self.available(order.user, asset)
        self.resting, self.waiting = resting, waiting
        return available


def _price(command: AmendOrder, terms: PlaceOrder) -> int | None:
    """The limit that an order of these terms shall have."""
    return terms.price_ticks if command.price_ticks is None else command.price_ticks
