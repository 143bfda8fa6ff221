"""What the model makes of pegged orders; see `tests/model.py`."""

from dataclasses import replace

from exchange.core.commands import PlaceOrder, Side, TimeInForce
from exchange.core.conditions import PegTo
from exchange.core.events import RejectReason, UpdateReason
from exchange.core.instrument import MarketStatus
from tests.model_filters import OF_FILTERS, Filtering
from tests.model_records import Order, Told

STEPS_MAX = 2**63  # ticks and lots stay below it
MONEY_MAX = 10**38  # every amount and balance stays below it
RESTS = (TimeInForce.GTC, TimeInForce.GTD)


def pegged_to(terms: PlaceOrder) -> Side:
    """The side of the book that it is pegged to."""
    wish = terms.conditions
    assert wish is not None
    return terms.side if wish.peg_to is PegTo.PRIMARY else Side(1 - terms.side)


class Pegs(Filtering):
    """The model, with orders whose price comes from the book."""

    def refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse an order that has a price or is a market order."""
        raise NotImplementedError

    @staticmethod
    def is_pegged(terms: PlaceOrder) -> bool:
        """Whether its price comes from the book."""
        return terms.conditions is not None and terms.conditions.peg_to is not None

    def counted(self, terms: PlaceOrder) -> int | None:
        """The price of the level that it is pegged to; None if the book has no such level. What follows the book is no
        part of what it follows."""
        wish = terms.conditions
        assert wish is not None
        side = pegged_to(terms)
        of_side = [o for o in self.resting if (o.terms.market, o.terms.side) == (terms.market, side)]
        prices = {o.limit for o in of_side if not (wish.peg_follows and o.follows)}
        of_levels = sorted(prices, reverse=side is Side.BUY)[wish.peg_levels or 0 :]
        return of_levels[0] if of_levels else None

    def peg_price(self, terms: PlaceOrder) -> int | None:
        """What its price would be now; None if the book has no such level."""
        wish, price = terms.conditions, self.counted(terms)
        assert wish is not None
        if price is None:
            return None
        sign = -1 if terms.side is Side.BUY else 1  # a buy goes no higher than any of these, a sell no lower
        bounds = [price * sign + (wish.peg_offset_ticks or 0)]
        if terms.price_ticks is not None:
            bounds.append(terms.price_ticks * sign)
        if wish.peg_follows:
            others = [o for o in self.resting if (o.terms.market, o.terms.side) == (terms.market, 1 - terms.side)]
            bounds += [order.limit * sign + 1 for order in others]
        return sign * max(bounds)

    def begin_following(self, order: Order) -> None:
        """It has its price, and follows the book from now on."""
        if not order.follows:
            return
        order.followed = self.counted(order.terms)
        for other in self.followers(order.terms.market):
            if self._key(other) == self._key(order) and other.followed != order.followed:
                self._begin_round(other)
                other.followed = order.followed

    def note_changes(self) -> None:
        """After each command: a round for those that follow what has changed, and for their whole side."""
        for market in self.rules:
            followers = self.followers(market)
            for order in followers:
                now = self.counted(order.terms)
                if now != order.followed:
                    order.followed = now
                    self._begin_round(order)
            if not followers:
                self.rounds.pop(market, None)

    def followers(self, market: str) -> list[Order]:
        """The orders of the book that follow it, by number."""
        found = [order for order in self.resting if order.terms.market == market and order.follows]
        return sorted(found, key=lambda order: order.number)

    @staticmethod
    def _key(order: Order) -> tuple[Side, int]:
        wish = order.terms.conditions
        assert wish is not None
        return pegged_to(order.terms), wish.peg_levels or 0

    def _begin_round(self, order: Order) -> None:
        sides, _ = self.rounds.get(order.terms.market, (set[Side](), 0))
        self.rounds[order.terms.market] = (sides | {pegged_to(order.terms)}, 0)

    def price_again(self, market: str, orders_max: int, now_ns: int, told: Told) -> None:
        """Give the next orders of the round the price that they would take now."""
        told.rounds.add(market)
        sides, after = self.rounds[market]
        due = [o for o in self.followers(market) if o.number > after and pegged_to(o.terms) in sides]
        for order in due[:orders_max]:
            price = self.peg_price(order.terms)
            if price is None or price < 1 or price == order.pegged:
                continue
            if self._filters_at(price, order.terms) or self.broken_at(price, order.terms, now_ns):
                continue
            self.priorities += 1
            order.pegged, order.priority = price, self.priorities
            self.resting.remove(order)
            self.resting.append(order)
            self.step(order, UpdateReason.REPRICED, now_ns, told)
        if len(due) > orders_max:
            self.rounds[market] = (sides, due[orders_max - 1].number)
        else:
            del self.rounds[market]

    def step(self, order: Order, reason: UpdateReason, now_ns: int, told: Told, trade: int | None = None) -> None:
        """Tell a step."""
        raise NotImplementedError

    def priced(self, terms: PlaceOrder) -> PlaceOrder:
        """A pegged order with the price that it takes from the book; any other as it is."""
        return replace(terms, price_ticks=self.peg_price(terms)) if self.is_pegged(terms) else terms

    def refusals_of_pegged(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse an order that would take its price from the book now."""
        if terms.user_id not in self.users or terms.market not in self.rules:
            return self.refusals(replace(terms, price_ticks=1), now_ns)
        reasons = set() if terms.price_ticks is None else self._filters_at(terms.price_ticks, terms)
        if terms.price_ticks is not None:
            reasons |= self.broken_at(terms.price_ticks, terms, now_ns)
        price = self.peg_price(terms)
        if price is None:
            return reasons | self._refusals_without_level(terms, now_ns)
        if not 0 < price < STEPS_MAX:
            return reasons | {RejectReason.OUT_OF_RANGE} | self.refusals_at_any_price(terms, now_ns)
        reasons |= self.refusals(replace(terms, price_ticks=price), now_ns)
        asset, need = self.needs_of(terms)
        if (
            terms.conditions is not None
            and terms.conditions.peg_follows
            and need > self.available(terms.user_id, asset)
        ):
            reasons.add(RejectReason.INSUFFICIENT_BALANCE)
        return reasons

    def _refusals_without_level(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        rules = self.rules[terms.market]
        reasons = self.refusals_at_any_price(terms, now_ns)
        if rules.status is MarketStatus.POST_ONLY and terms.time_in_force not in RESTS:
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        if self.open_count(terms) >= rules.max_open_orders and terms.time_in_force in RESTS:
            reasons.add(RejectReason.TOO_MANY_OPEN_ORDERS)
        needs = terms.quantity_lots * self.worth_of(terms.market)[0]
        if terms.side is Side.SELL and needs > self.available(terms.user_id, rules.base.symbol):
            reasons.add(RejectReason.INSUFFICIENT_BALANCE)
        reasons |= self.broken(replace(terms, price_ticks=None), now_ns, terms.quantity_lots, 0)
        return reasons | {RejectReason.NO_PRICE_LEVEL}

    def refusals_at_any_price(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """The reasons that need neither a price nor a book nor money, but for filters."""
        books, self.resting = self.resting, []
        at_least = replace(terms, price_ticks=max(1, self.rules[terms.market].min_price_ticks))
        reasons = self.refusals(at_least, now_ns)
        self.resting = books
        return reasons - OF_FILTERS - {RejectReason.INSUFFICIENT_BALANCE, RejectReason.MIN_NOTIONAL}

    def _filters_at(self, price: int, terms: PlaceOrder) -> set[RejectReason]:
        rules, lots = self.rules[terms.market], terms.quantity_lots
        worth = price * lots * self.worth_of(terms.market)[1]
        reasons = {RejectReason.MIN_NOTIONAL} if worth < rules.min_notional_minor else set()
        return reasons if self.in_range_at(price, terms) else reasons | {RejectReason.OUT_OF_RANGE}

    def in_range_at(self, price: int, terms: PlaceOrder) -> bool:
        """Whether the order may have that price, as far as numbers have ends."""
        rules, lots = self.rules[terms.market], terms.quantity_lots
        worth = price * lots * self.worth_of(terms.market)[1]
        return rules.min_price_ticks <= price < STEPS_MAX and 0 < lots < STEPS_MAX and worth < MONEY_MAX
