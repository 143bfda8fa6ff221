"""What the model makes of the filters of a market; see `tests/model.py`."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import OrderStatus, RejectReason
from tests.model_known import Known
from tests.model_records import Order

MILLION = 1_000_000
LIMITED = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
ENTERED = (OrderType.LIMIT, OrderType.MARKET)  # all other types wait for a price
RISING = (
    (OrderType.STOP_LOSS, Side.BUY),
    (OrderType.STOP_LOSS_LIMIT, Side.BUY),
    (OrderType.TAKE_PROFIT, Side.SELL),
    (OrderType.TAKE_PROFIT_LIMIT, Side.SELL),
)
OF_FILTERS = {
    *(RejectReason.MAX_PRICE, RejectReason.MIN_QUANTITY, RejectReason.MAX_QUANTITY, RejectReason.MARKET_MIN_QUANTITY),
    *(RejectReason.MARKET_MAX_QUANTITY, RejectReason.MAX_NOTIONAL, RejectReason.PRICE_BAND, RejectReason.MAX_ASSET),
    *(RejectReason.TOO_MANY_OPEN_STOPS, RejectReason.TOO_MANY_OPEN_ICEBERGS, RejectReason.ICEBERG_PARTS),
    *(RejectReason.TRAILING_RANGE, RejectReason.MAX_POSITION, RejectReason.TOO_MANY_OPEN_ORDERS_EVERYWHERE),
    *(RejectReason.TOO_MANY_OPEN_STOPS_EVERYWHERE, RejectReason.TOO_MANY_OPEN_ICEBERGS_EVERYWHERE),
}


def is_iceberg(terms: PlaceOrder) -> bool:
    """Whether it shows a part of itself."""
    return terms.conditions is not None and terms.conditions.visible_lots is not None


def _bound(filters: object, name: str) -> int:
    """A filter of a market by its name; 0 where it has none."""
    return 0 if filters is None else int(getattr(filters, name))


def _stays_open(terms: PlaceOrder) -> bool:
    """Whether it waits, or may rest."""
    return terms.order_type not in ENTERED or (
        terms.order_type is OrderType.LIMIT and terms.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
    )


def _is_stop(order: Order) -> bool:
    return order.status is OrderStatus.PENDING and order.terms.order_type not in ENTERED


class Filtering(Known):
    """Every filter that an order breaks."""

    def average_worth(self, terms: PlaceOrder, now_ns: int) -> Fraction | None:
        """What the order is worth at the average price, or at the last; None if nothing ever traded."""
        raise NotImplementedError

    def edge(self, terms: PlaceOrder) -> Fraction | None:
        """The worst price that the band lets the order fill at; None if there is none."""
        filters = self.rules[terms.market].filters
        if filters is None or filters.fill_band == 0:
            return None
        if terms.order_type is OrderType.LIMIT and not filters.fill_band_applies_to_limit:
            return None
        there = [o.limit for o in self.resting if o.terms.market == terms.market and o.terms.side is not terms.side]
        if not there:
            return None
        band = Fraction(filters.fill_band, MILLION)
        return min(there) * (1 + band) if terms.side is Side.BUY else max(there) * (1 - band)

    def broken(self, terms: PlaceOrder, now_ns: int, lots: int, cost: int) -> set[RejectReason]:
        """Every filter that refuses a limit or market order of so many lots; a market order pays or brings `cost`."""
        rules, found = self.rules[terms.market], self.broken_by_counts([terms])
        if (filters := rules.filters) is None:
            return found
        limited, price = terms.order_type is OrderType.LIMIT, terms.price_ticks
        lot_worth, unit = self.worth_of(terms.market)
        worth = (price or 0) * lots * unit if limited else cost
        found |= self._broken_quantity(terms, lots)
        if price is not None and 0 < filters.max_price_ticks < price:
            found.add(RejectReason.MAX_PRICE)
        if 0 < filters.max_base_minor < lots * lot_worth or 0 < filters.max_quote_minor < worth:
            found.add(RejectReason.MAX_ASSET)
        if terms.side is Side.BUY and 0 < filters.max_position_minor < self._position(terms, None) + lots * lot_worth:
            found.add(RejectReason.MAX_POSITION)
        if filters.max_notional_minor > 0 and self._notional(terms, now_ns, worth) > filters.max_notional_minor:
            found.add(RejectReason.MAX_NOTIONAL)
        if limited and self._far_off(terms, now_ns):
            found.add(RejectReason.PRICE_BAND)
        visible = None if terms.conditions is None else terms.conditions.visible_lots
        if visible and 0 < filters.max_iceberg_parts < -(-lots // visible):
            found.add(RejectReason.ICEBERG_PARTS)
        return found

    def broken_at(self, price: int, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every filter by which a limit order may not have that price."""
        filters, found = self.rules[terms.market].filters, set[RejectReason]()
        worth = price * terms.quantity_lots * self.worth_of(terms.market)[1]
        if 0 < _bound(filters, "max_price_ticks") < price:
            found.add(RejectReason.MAX_PRICE)
        if 0 < _bound(filters, "max_quote_minor") < worth:
            found.add(RejectReason.MAX_ASSET)
        if 0 < _bound(filters, "max_notional_minor") < worth:
            found.add(RejectReason.MAX_NOTIONAL)
        return found | (
            {RejectReason.PRICE_BAND} if self._far_off(replace(terms, price_ticks=price), now_ns) else set()
        )

    def broken_unwalked(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every filter that refuses a market order, but for what a walk through the book shows."""
        found = self.broken(terms, now_ns, terms.quantity_lots, 0)
        return found if terms.quantity_lots else found & {RejectReason.MAX_NOTIONAL}

    def broken_by_counts(self, coming: Sequence[PlaceOrder], *, as_list: bool = False) -> set[RejectReason]:
        """Every filter by which their user would have too much open, all these counted; `as_list`: they are a list."""
        market, user = coming[0].market, coming[0].user_id
        filters, bounds, found = self.rules[market].filters, self.bounds, set[RejectReason]()
        ours = [order for order in (*self.resting, *self.waiting) if order.terms.user_id == user]
        here = [order for order in ours if order.terms.market == market]
        orders = len(coming) if as_list else len([terms for terms in coming if _stays_open(terms)])
        if orders and 0 < bounds.max_open_orders < orders + self.coming + len(ours):
            found.add(RejectReason.TOO_MANY_OPEN_ORDERS_EVERYWHERE)
        stops = len([terms for terms in coming if terms.order_type not in ENTERED])
        if stops and 0 < _bound(filters, "max_open_stops") < stops + len(list(filter(_is_stop, here))):
            found.add(RejectReason.TOO_MANY_OPEN_STOPS)
        if stops and 0 < bounds.max_open_stops < stops + len(list(filter(_is_stop, ours))):
            found.add(RejectReason.TOO_MANY_OPEN_STOPS_EVERYWHERE)
        icebergs = len(list(filter(is_iceberg, coming)))
        if icebergs and 0 < _bound(filters, "max_open_icebergs") < icebergs + len(
            [o for o in here if is_iceberg(o.terms)]
        ):
            found.add(RejectReason.TOO_MANY_OPEN_ICEBERGS)
        if icebergs and 0 < bounds.max_open_icebergs < icebergs + len([o for o in ours if is_iceberg(o.terms)]):
            found.add(RejectReason.TOO_MANY_OPEN_ICEBERGS_EVERYWHERE)
        lists = [of.asked for of in self.lists if of.is_open and of.asked.user_id == user]
        if as_list and 0 < _bound(filters, "max_open_lists") <= len(
            [asked for asked in lists if asked.market == market]
        ):
            found.add(RejectReason.TOO_MANY_OPEN_LISTS)
        if as_list and 0 < bounds.max_open_lists <= len(lists):
            found.add(RejectReason.TOO_MANY_OPEN_LISTS_EVERYWHERE)
        return found

    def broken_by_waiting(self, terms: PlaceOrder) -> set[RejectReason]:
        """Every filter that an order breaks by what it waits for."""
        filters, found, wish = self.rules[terms.market].filters, self.broken_by_counts([terms]), terms.conditions
        if filters is None or wish is None:
            return found
        prices = [price for price in (wish.stop_ticks, wish.activation_ticks) if price is not None]
        if any(0 < filters.max_price_ticks < price for price in prices):
            found.add(RejectReason.MAX_PRICE)
        least, most = filters.min_trailing_below_bps, filters.max_trailing_below_bps
        if (terms.order_type, terms.side) in RISING:
            least, most = filters.min_trailing_above_bps, filters.max_trailing_above_bps
        if wish.trailing_bps is not None and (wish.trailing_bps < least or 0 < most < wish.trailing_bps):
            found.add(RejectReason.TRAILING_RANGE)
        return found

    def broken_by_amendment(self, order: Order, changed: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every filter that refuses what an open order is to become, of what changes."""
        filters, found, terms = self.rules[changed.market].filters, set[RejectReason](), order.terms
        if filters is None:
            return found
        if 0 < filters.max_amends_per_order <= order.amendments:
            found.add(RejectReason.TOO_MANY_AMENDS)
        lots, price = changed.quantity_lots, changed.price_ticks
        lot_worth, unit = self.worth_of(changed.market)
        if price is not None and price != terms.price_ticks:
            if 0 < filters.max_price_ticks < price:
                found.add(RejectReason.MAX_PRICE)
            if self._far_off(changed, now_ns):
                found.add(RejectReason.PRICE_BAND)
        if lots != terms.quantity_lots:
            found |= self._broken_quantity(changed, lots, limited=terms.order_type in LIMITED)
            if 0 < filters.max_base_minor < lots * lot_worth:
                found.add(RejectReason.MAX_ASSET)
        visible = None if terms.conditions is None else terms.conditions.visible_lots
        if visible and lots > terms.quantity_lots and 0 < filters.max_iceberg_parts < -(-lots // visible):
            found.add(RejectReason.ICEBERG_PARTS)
        if (lots, price) != (terms.quantity_lots, terms.price_ticks):
            worth = (price or 0) * lots * unit
            if 0 < filters.max_quote_minor < worth:
                found.add(RejectReason.MAX_ASSET)
            if 0 < filters.max_notional_minor < worth:
                found.add(RejectReason.MAX_NOTIONAL)
        if lots > terms.quantity_lots and terms.side is Side.BUY and filters.max_position_minor:
            left = (lots - order.executed_lots - order.prevented_lots) * lot_worth
            if self._position(changed, order) + left > filters.max_position_minor:
                found.add(RejectReason.MAX_POSITION)
        return found

    def _broken_quantity(self, terms: PlaceOrder, lots: int, *, limited: bool | None = None) -> set[RejectReason]:
        filters, found = self.rules[terms.market].filters, set[RejectReason]()
        assert filters is not None
        if lots < filters.min_quantity_lots:
            found.add(RejectReason.MIN_QUANTITY)
        if 0 < filters.max_quantity_lots < lots:
            found.add(RejectReason.MAX_QUANTITY)
        if terms.order_type is OrderType.LIMIT if limited is None else limited:
            return found
        if lots < filters.market_min_quantity_lots:
            found.add(RejectReason.MARKET_MIN_QUANTITY)
        if 0 < filters.market_max_quantity_lots < lots:
            found.add(RejectReason.MARKET_MAX_QUANTITY)
        return found

    def _notional(self, terms: PlaceOrder, now_ns: int, worth: int) -> Fraction:
        """What an order counts as for the largest notional; nothing where it is not judged."""
        filters = self.rules[terms.market].filters
        if terms.order_type is OrderType.LIMIT:
            return Fraction(worth)
        if filters is None or not filters.max_notional_applies_to_market:
            return Fraction(0)
        if not terms.quantity_lots and terms.conditions is not None:
            return Fraction(terms.conditions.quote_minor or 0)
        return self.average_worth(terms, now_ns) or Fraction(0)

    def _far_off(self, terms: PlaceOrder, now_ns: int) -> bool:
        """Whether the price is too far from the average price."""
        filters = self.rules[terms.market].filters
        worth = self.average_worth(replace(terms, quantity_lots=1), now_ns)
        if filters is None or worth is None or terms.price_ticks is None:
            return False
        average = worth / self.worth_of(terms.market)[1]
        up, down = filters.bid_multiplier_up, filters.bid_multiplier_down
        if terms.side is Side.SELL:
            up, down = filters.ask_multiplier_up, filters.ask_multiplier_down
        high, low = average * Fraction(up, MILLION), average * Fraction(down, MILLION)
        return (up > 0 and terms.price_ticks > high) or terms.price_ticks < low

    def _position(self, terms: PlaceOrder, apart: Order | None) -> int:
        """What the user has of the base, and may get by the buys that are open in the market."""
        rules, (lot_worth, _) = self.rules[terms.market], self.worth_of(terms.market)
        buys = [order.remaining for order in self._ours(terms) if order.terms.side is Side.BUY and order is not apart]
        return self.totals[terms.user_id, rules.base.symbol] + sum(buys) * lot_worth

    def _ours(self, terms: PlaceOrder) -> list[Order]:
        orders = (*self.resting, *self.waiting)
        return [o for o in orders if (o.terms.user_id, o.terms.market) == (terms.user_id, terms.market)]
