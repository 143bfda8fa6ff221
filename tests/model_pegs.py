"""What the model makes of pegged orders; see `tests/model.py`."""

from dataclasses import replace

from exchange.core.commands import PlaceOrder, Side, TimeInForce
from exchange.core.conditions import PegTo
from exchange.core.events import RejectReason
from exchange.core.instrument import MarketStatus
from tests.model_known import Known

STEPS_MAX = 2**63  # ticks and lots stay below it
MONEY_MAX = 10**38  # every amount and balance stays below it
RESTS = (TimeInForce.GTC, TimeInForce.GTD)


class Pegs(Known):
    """The model, with orders whose price comes from the book."""

    def refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse an order that has a price or is a market order."""
        raise NotImplementedError

    @staticmethod
    def is_pegged(terms: PlaceOrder) -> bool:
        """Whether its price comes from the book."""
        return terms.conditions is not None and terms.conditions.peg_to is not None

    def peg_price(self, terms: PlaceOrder) -> int | None:
        """What its price would be now; None if the book has no such level."""
        wish = terms.conditions
        assert wish is not None
        side = terms.side if wish.peg_to is PegTo.PRIMARY else Side(1 - terms.side)
        of_side = {o.limit for o in self.resting if (o.terms.market, o.terms.side) == (terms.market, side)}
        prices = sorted(of_side, reverse=side is Side.BUY)[wish.peg_levels or 0 :]
        if not prices:
            return None
        price = prices[0] + (wish.peg_offset_ticks or 0) * (-1 if terms.side is Side.BUY else 1)
        if terms.price_ticks is None:
            return price
        return min(price, terms.price_ticks) if terms.side is Side.BUY else max(price, terms.price_ticks)

    def priced(self, terms: PlaceOrder) -> PlaceOrder:
        """A pegged order with the price that it takes from the book; any other as it is."""
        return replace(terms, price_ticks=self.peg_price(terms)) if self.is_pegged(terms) else terms

    def refusals_of_pegged(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse an order that would take its price from the book now."""
        if terms.user_id not in self.users or terms.market not in self.rules:
            return self.refusals(replace(terms, price_ticks=1), now_ns)
        reasons = set() if terms.price_ticks is None else self._filters_at(terms.price_ticks, terms)
        price = self.peg_price(terms)
        if price is None:
            return reasons | self._refusals_without_level(terms, now_ns)
        if not 0 < price < STEPS_MAX:
            return reasons | {RejectReason.OUT_OF_RANGE}
        return reasons | self.refusals(replace(terms, price_ticks=price), now_ns)

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
        return reasons | {RejectReason.NO_PRICE_LEVEL}

    def refusals_at_any_price(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """The reasons that need neither a price nor a book nor money."""
        books, self.resting = self.resting, []
        at_least = replace(terms, price_ticks=max(1, self.rules[terms.market].min_price_ticks))
        reasons = self.refusals(at_least, now_ns)
        self.resting = books
        return reasons - {RejectReason.INSUFFICIENT_BALANCE, RejectReason.MIN_NOTIONAL}

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
