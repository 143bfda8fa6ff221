"""What the model does with orders that wait for a price, and with those that have a time to end.

It looks at every waiting order for every trade, in the order of their numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from exchange.core.commands import ExpireDue, OrderType, PlaceOrder, RunTriggered, Side, TimeInForce
from exchange.core.conditions import Conditions
from exchange.core.events import ExpireReason, OrderStatus, RejectReason, UpdateReason
from exchange.core.instrument import MarketStatus
from tests.model_pegs import Pegs
from tests.model_records import Order, Told

STEPS_MAX = 2**63  # ticks and lots stay below it
ABOVE = (
    (OrderType.STOP_LOSS, Side.BUY),
    (OrderType.STOP_LOSS_LIMIT, Side.BUY),
    (OrderType.TAKE_PROFIT, Side.SELL),
    (OrderType.TAKE_PROFIT_LIMIT, Side.SELL),
)
RESTS = (TimeInForce.GTC, TimeInForce.GTD)


def waits(terms: PlaceOrder) -> bool:
    """Whether it waits for a price."""
    return terms.order_type not in (OrderType.LIMIT, OrderType.MARKET)


def plain(terms: PlaceOrder) -> PlaceOrder:
    """What it is once it enters."""
    with_limit = terms.order_type in (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
    return replace(terms, order_type=OrderType.LIMIT if with_limit else OrderType.MARKET)


def asked(terms: PlaceOrder) -> Conditions:
    """What it asks; every waiting order asks something."""
    assert terms.conditions is not None
    return terms.conditions


def shown_of(terms: PlaceOrder) -> Conditions | None:
    """What an order that enters still asks: to show a part, if it was not made smaller than that."""
    visible = None if terms.conditions is None else terms.conditions.visible_lots
    return None if visible is None or visible >= terms.quantity_lots else Conditions(visible_lots=visible)


def met(terms: PlaceOrder, wanted: int, price: int) -> bool:
    """Whether a price is where the order wants it."""
    return price >= wanted if (terms.order_type, terms.side) in ABOVE else price <= wanted


class Waiting(Pegs):
    """The model, with what waits."""

    def refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse a plain order."""
        raise NotImplementedError

    def enter(self, order: Order, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """Match a plain order, and what comes of it."""
        raise NotImplementedError

    def step(self, order: Order, reason: UpdateReason, now_ns: int, told: Told, trade: int | None = None) -> None:
        """Tell a step."""
        raise NotImplementedError

    def expire(self, order: Order, reason: ExpireReason, now_ns: int, told: Told) -> None:
        """End it."""
        raise NotImplementedError

    def last_price(self, market: str) -> int | None:
        """The price of the last trade."""
        return self.prices[market][-1][1] if self.prices[market] else None

    def refusals_of_waiting(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason not to let it wait: those of an order that would rest, but for what the book has to do with."""
        if terms.user_id not in self.users or terms.market not in self.rules:
            return self.refusals(plain(terms), now_ns)
        rules, wish = self.rules[terms.market], asked(terms)
        as_resting = replace(plain(terms), post_only=False)
        if as_resting.order_type is OrderType.LIMIT:
            as_resting = replace(as_resting, time_in_force=TimeInForce.GTC)
        books, self.resting = self.resting, []  # a walk through the book is not of it
        if self.is_pegged(terms) and terms.price_ticks is None:
            reasons = self.refusals_at_any_price(as_resting, now_ns)
        else:
            reasons = self.refusals(as_resting, now_ns)
        self.resting = books
        reasons -= {RejectReason.MARKET_NOT_TRADING, RejectReason.INSUFFICIENT_BALANCE}
        reasons |= self.broken_by_waiting(terms) | self.broken(as_resting, now_ns, terms.quantity_lots, 0)
        asset, need = self.needs_of(terms)
        if need > self.available(terms.user_id, asset):
            reasons.add(RejectReason.INSUFFICIENT_BALANCE)
        if rules.status in (MarketStatus.HALTED, MarketStatus.CANCEL_ONLY):
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        if self.open_count(terms) >= rules.max_open_orders:
            reasons.add(RejectReason.TOO_MANY_OPEN_ORDERS)
        for price in (wish.stop_ticks, wish.activation_ticks):
            if price is not None and not max(1, rules.min_price_ticks) <= price < STEPS_MAX:
                reasons.add(RejectReason.OUT_OF_RANGE)
        last = self.last_price(terms.market)
        if wish.stop_ticks is not None and last is not None and met(terms, wish.stop_ticks, last):
            reasons.add(RejectReason.WOULD_TRIGGER)
        return reasons

    def place_waiting(self, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """The order waits from now on."""
        rules = self.rules[terms.market]
        order = Order(len(self.orders) + 1, terms, now_ns, now_ns, status=OrderStatus.PENDING)
        order.maker_ppm, order.taker_ppm = self.rates_of(terms)
        mode = asked(terms).self_trade
        order.mode = rules.self_trade if mode is None else mode
        self.priorities += 1
        order.priority = self.priorities
        self.orders.append(order)
        self.waiting.append(order)
        if terms.client_order_id is not None:
            self.names.append((order, terms.client_order_id))
        told.primary = order.number
        last, wish = self.last_price(terms.market), asked(terms)
        begins = wish.activation_ticks is None or (last is not None and met(terms, wish.activation_ticks, last))
        if wish.trails and last is not None and begins:
            order.best, order.tracking_ns = last, now_ns
        self.step(order, UpdateReason.ACCEPTED, now_ns, told)

    def judge_waiting(self, market: str, price: int, now_ns: int, told: Told, released: Sequence[Order] = ()) -> None:
        """A trade at that price: what begins to follow it, and what is triggered, or is released by a list.

        Behind trades of which not everything is told yet, a trade waits; what it releases is told at once.
        """
        self.judged += 1
        is_first = market not in self.unjudged
        self.unjudged.setdefault(market, []).append((price, self.judged))
        if is_first:
            self._judge_on(market, now_ns, told, released)
        for order in released if market in self.unjudged else ():
            if not order.triggered_ns:
                self._ready(order, price, self.judged, now_ns, told)

    def _judge_on(self, market: str, now_ns: int, told: Told, released: Sequence[Order] = ()) -> None:
        """Tell what the trades that are not done with trigger, up to the most that one command may tell."""
        for price, at in list(self.unjudged[market]):
            for tell in self._met(market, price, at, now_ns, told, released):
                if told.triggers == self.told_max:
                    break
                told.triggers += 1
                tell()
            if told.triggers == self.told_max:
                return
            self.unjudged[market].pop(0)
            told.rounds.add(market)
        del self.unjudged[market]
        mine = [order for order in self.ready if order.terms.market == market]
        others = [order for order in self.ready if order.terms.market != market]
        self.ready = others + sorted(mine, key=lambda order: (order.triggered_at, order.number))

    def _met(
        self, market: str, price: int, at: int, now_ns: int, told: Told, released: Sequence[Order]
    ) -> Iterator[Callable[[], None]]:
        """Each order that a trade makes follow the price, then each that it triggers or releases, to be told."""
        mine = sorted([order for order in self.waiting if order.terms.market == market], key=lambda each: each.number)
        begun = [order for order in mine if self._begins(order, price)]
        for order in begun:
            yield partial(self._begin, order, price, now_ns, told)
        for order in mine:
            if order.triggered_ns or order in begun or order not in self.waiting:
                continue
            if order.for_list:
                if order in released:
                    yield partial(self._ready, order, price, at, now_ns, told)
                continue
            wish = asked(order.terms)
            if not wish.trails:
                assert wish.stop_ticks is not None
                triggered = met(order.terms, wish.stop_ticks, price)
            elif order.best is None:
                continue
            else:
                order.best = (min if order.terms.side is Side.BUY else max)(order.best, price)
                triggered = _turned(order.terms, order.best, price)
            if triggered:
                yield partial(self._trigger, order, price, at, now_ns, told)

    def _begin(self, order: Order, price: int, now_ns: int, told: Told) -> None:
        order.best, order.tracking_ns = price, now_ns
        self.step(order, UpdateReason.TRACKING, now_ns, told)

    def _trigger(self, order: Order, price: int, at: int, now_ns: int, told: Told) -> None:
        self.triggered(order, now_ns, told)
        self._ready(order, price, at, now_ns, told)

    def _ready(self, order: Order, price: int, at: int, now_ns: int, told: Told) -> None:
        order.triggered_ns, order.triggered_at, order.trigger_price = now_ns, at, price
        self.ready.append(order)
        self.step(order, UpdateReason.TRIGGERED, now_ns, told)

    @staticmethod
    def _begins(order: Order, price: int) -> bool:
        """Whether an order that trails begins to, at that price."""
        if order.for_list or order.triggered_ns or order.best is not None or not asked(order.terms).trails:
            return False
        start = asked(order.terms).activation_ticks
        return start is None or met(order.terms, start, price)

    def triggered(self, order: Order, now_ns: int, told: Told) -> None:
        """A price has triggered an order; it may be of a list."""

    def run_triggered(self, command: RunTriggered, now_ns: int, told: Told) -> None:
        """Tell what was triggered; or else enter what is ready, in order; or else price again what follows the book."""
        if command.market in self.unjudged:
            self._judge_on(command.market, now_ns, told)
            return
        if command.market in self.rounds and not any(o.terms.market == command.market for o in self.ready):
            self.price_again(command.market, command.orders_max, now_ns, told)
            return
        for _ in range(command.orders_max):
            mine = [order for order in self.ready if order.terms.market == command.market]
            if mine and command.market not in self.unjudged:
                self.run_one(mine[0], now_ns, told)

    def run_one(self, order: Order, now_ns: int, told: Told) -> None:
        """Enter an order that is ready, or end it if it cannot enter any more."""
        self.ready.remove(order)
        self.waiting.remove(order)
        terms = plain(order.terms)
        rules = self.rules[terms.market]
        # It is judged with the fees and the mode that it entered with.
        fees = replace(rules, maker_fee_ppm=order.maker_ppm, taker_fee_ppm=order.taker_ppm, self_trade=order.mode)
        self.rules[terms.market], tiers = fees, self.tiers
        self.tiers = {}
        reasons = self.refusals_at_entry(terms, now_ns)
        if asked(terms).self_trade is not None and not rules.self_trade_modes >> order.mode & 1:
            reasons.add(RejectReason.SELF_TRADE_PREVENTION)
        reasons.discard(RejectReason.USER_DISABLED)
        self.rules[terms.market], self.tiers = rules, tiers
        if reasons:
            order.refused = reasons
            self.expire(order, ExpireReason.REFUSED_AT_TRIGGER, now_ns, told)
            return
        order.status, order.working_ns, order.priority = OrderStatus.OPEN, now_ns, 0
        terms = self.priced(terms)
        order.pegged = (terms.price_ticks or 0) if self.is_pegged(terms) else 0
        self.begin_following(order)
        if terms.time_in_force in RESTS:
            self.priorities += 1
            order.priority = self.priorities
        self.step(order, UpdateReason.WORKING, now_ns, told)
        self.enter(order, terms, now_ns, told)

    def refusals_at_entry(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason why what has waited may not enter, but for its self-trade prevention."""
        if not self.is_pegged(terms):
            return self.refusals(replace(plain(terms), conditions=shown_of(terms)), now_ns)
        visible = None if (shown := shown_of(terms)) is None else shown.visible_lots
        peg = replace(asked(terms), self_trade=None, expire_ns=None, visible_lots=visible)
        return self.refusals_of_pegged(replace(plain(terms), conditions=peg), now_ns)

    def expire_due(self, command: ExpireDue, now_ns: int, told: Told) -> None:
        """End what is due, the earliest first."""
        due = [
            (asked(order.terms).expire_ns or 0, order.number, order)
            for order in (*self.resting, *self.waiting)
            if order.terms.market == command.market and order.terms.time_in_force is TimeInForce.GTD
        ]
        for expire_ns, _, order in sorted(due, key=lambda each: each[:2])[: command.orders_max]:
            if expire_ns <= now_ns:
                for orders in (self.resting, self.waiting, self.ready):
                    if order in orders:
                        orders.remove(order)
                self.expire(order, ExpireReason.EXPIRE_AT, now_ns, told)


def _turned(terms: PlaceOrder, best: int, price: int) -> bool:
    wish, sign = asked(terms), -1 if terms.side is Side.BUY else 1
    if wish.trailing_bps is not None:
        return sign * 10_000 * price <= sign * best * (10_000 - sign * wish.trailing_bps)
    assert wish.trailing_ticks is not None
    return sign * price <= sign * best - wish.trailing_ticks
