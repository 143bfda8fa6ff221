"""One running market: refuse, draw the line, change.

`place`, `cancel`, `cancel_all` and `set_status` return the outcome of the command. The first three move money on the
ledger that all markets share.
"""

from dataclasses import replace
from typing import Final

from exchange.core.average import average_price, traded
from exchange.core.book import Book, BookSide, Order, Trader
from exchange.core.client_ids import ClientIds
from exchange.core.commands import (
    CancelAll,
    CancelOrder,
    Command,
    OrderType,
    PlaceOrder,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.counts import Counts
from exchange.core.effects import Effects, filled, updated
from exchange.core.events import (
    INTERVALS_S,
    MINUTE_NS,
    ExpireReason,
    LevelChanged,
    MarketChanged,
    OrderStatus,
    OrderUpdated,
    Rejected,
    RejectReason,
    Trade,
    UpdateReason,
)
from exchange.core.fees import QUOTE, Rates, fee_minor, needs_minor, rates_of
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument
from exchange.core.ledger import FEES, Ledger
from exchange.core.matching import Plan, crosses, plan
from exchange.core.outcome import Applied
from exchange.core.refusal_detail import refusal_detail
from exchange.core.state import MarketState
from exchange.core.status import TRADING, refuses

Best = tuple[int, int] | None  # (price_ticks, total_lots)
# Looking up a member in its enum costs more than a comparison, and every order needs several.
BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT
GTC: Final = TimeInForce.GTC
FOK: Final = TimeInForce.FOK
OPEN: Final = OrderStatus.OPEN
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED
BY_ACCEPTING: Final = UpdateReason.ACCEPTED
BY_CANCELING: Final = UpdateReason.CANCELED
BY_EXPIRING: Final = UpdateReason.EXPIRED


class Market:
    """The book of an instrument and the users who trade on it."""

    def __init__(self, state: MarketState, ledger: Ledger, ids: ClientIds, counts: Counts) -> None:
        instrument = state.instrument
        self.set_rules(instrument)
        self.book = Book(state.book_sequence)
        self._depth_sequence = state.depth_sequence
        self._best_sequence = state.best_sequence
        self._trade_sequence = state.trade_sequence
        self._last_aggregate_id = state.last_aggregate_id
        self._last_trade_ns = state.last_trade_ns
        self._candles = state.candles
        self._average = state.average
        self._best_bid: Best = None
        self._best_ask: Best = None
        self._ledger = ledger
        self._ids = ids
        self._counts = counts
        self._traders: dict[str, Trader] = {}
        ledger.add_user(FEES)
        self._base_fees = ledger.account(FEES, instrument.base.symbol)
        self._quote_fees = ledger.account(FEES, instrument.quote.symbol)

    def set_rules(self, instrument: Instrument) -> None:
        """The rules from now on. Open orders keep their fees."""
        self.instrument = instrument
        self._in_quote = instrument.fee_asset is QUOTE
        self.rates: Rates | None = rates_of(instrument)  # of orders that enter; None: see Venue.replay

    def trader(self, user_id: str) -> Trader:
        """The user as this market sees them."""
        trader = self._traders.get(user_id)
        if trader is None:
            ledger, rules = self._ledger, self.instrument
            base, quote = (ledger.account(user_id, asset.symbol) for asset in (rules.base, rules.quote))
            trader = Trader(ledger.user(user_id), base, quote)
            self._traders[user_id] = trader
        return trader

    def open_orders(self, user_id: str) -> list[Order]:
        """The user's open orders here, in priority order."""
        trader = self._traders.get(user_id)
        return list(trader.open_orders) if trader else []

    def needs_minor(self, order: Order) -> int:
        """What an order of the book keeps locked: quote for a buy, base for a sell."""
        side, rules = order.terms.side, self.instrument
        if self._in_quote:
            return needs_minor(rules, order.rates, side, order.price_ticks, order.remaining_lots)
        if side is BUY:
            return order.price_ticks * order.remaining_lots * rules.notional_unit
        return order.remaining_lots * rules.lot_minor

    # --- place

    def place(self, terms: PlaceOrder, sequence: int, now_ns: int) -> Applied | Rejected:
        """Match the order and rest, or expire, what remains."""
        trader = self.trader(terms.user_id)
        reason = self._refusal(terms, trader, now_ns)
        if reason is not None:
            return Rejected(reason, refusal_detail(reason, terms, trader, self.instrument))
        found = self._plan(terms, trader)
        if isinstance(found, RejectReason):
            return Rejected(found, refusal_detail(found, terms, trader, self.instrument))

        # Past this line the order must succeed: nothing below may refuse.
        price_ticks = terms.price_ticks if terms.price_ticks is not None else 0
        counts, may_rest = self._counts, terms.time_in_force is GTC
        counts.last_order_id += 1
        order = Order(counts.last_order_id, terms, trader, price_ticks, now_ns, self.rates)
        if may_rest:
            counts.last_priority += 1
            order.priority = counts.last_priority
        self._ids.accepted(order.order_id, terms)
        effects = Effects(sequence)
        effects.order = accepted = updated(BY_ACCEPTING, order, OPEN, now_ns)
        effects.events.append(accepted)
        # The account it pays from is stored even if it stays the same: the count of the user's order events is with it.
        effects.touch(trader.quote if terms.side is BUY else trader.base)
        if terms.time_in_force is FOK and found.matched_lots < terms.quantity_lots:
            self._expire(order, _why_unfilled(terms, found), now_ns, effects)
            return self._applied(terms, effects, now_ns)
        if found.fills:
            self._trade(order, found, effects)
        if order.remaining_lots:
            if may_rest and not found.met_own_order and not found.met_fills_max:
                self._rest(order, effects)
            else:
                self._expire(order, _why_unfilled(terms, found), now_ns, effects)
        return self._applied(terms, effects, now_ns)

    def _refusal(self, terms: PlaceOrder, trader: Trader, now_ns: int) -> RejectReason | None:
        """The first reason to refuse that needs no walk through the book."""
        rules, lots, price_ticks = self.instrument, terms.quantity_lots, terms.price_ticks
        if rules.status is not TRADING and refuses(rules.status, terms, self.book):
            return RejectReason.MARKET_NOT_TRADING
        if not 0 < lots < UNITS_MAX or (price_ticks is not None and not 0 <= price_ticks < UNITS_MAX):
            return RejectReason.OUT_OF_RANGE
        if lots * rules.lot_minor >= AMOUNT_MAX:
            return RejectReason.OUT_OF_RANGE
        if terms.order_type is LIMIT:
            assert price_ticks is not None
            notional_minor = price_ticks * lots * rules.notional_unit
            if notional_minor >= AMOUNT_MAX:
                return RejectReason.OUT_OF_RANGE
            if notional_minor < rules.min_notional_minor:
                return RejectReason.MIN_NOTIONAL
            if price_ticks < rules.min_price_ticks:
                return RejectReason.OUT_OF_RANGE
            if terms.time_in_force is GTC and len(trader.open_orders) >= rules.max_open_orders:
                return RejectReason.TOO_MANY_OPEN_ORDERS
            if terms.post_only and crosses(self.book, terms):
                return RejectReason.WOULD_TAKE
            if terms.side is BUY:
                if self._in_quote:
                    notional_minor = needs_minor(rules, self.rates, BUY, price_ticks, lots)
                return None if notional_minor <= trader.quote.available else RejectReason.INSUFFICIENT_BALANCE
        elif price_ticks is not None and price_ticks < rules.min_price_ticks:
            return RejectReason.OUT_OF_RANGE
        elif rules.min_notional_applies_to_market and self._worth_too_little(lots, now_ns):
            return RejectReason.MIN_NOTIONAL
        if terms.side is not BUY and lots * rules.lot_minor > trader.base.available:
            return RejectReason.INSUFFICIENT_BALANCE
        return None

    def _worth_too_little(self, lots: int, now_ns: int) -> bool:
        """Whether a market order is below min_notional at the average price; not where there is no price yet."""
        rules = self.instrument
        average = average_price(self._average, rules.avg_price_mins, now_ns)
        return average is not None and lots * average[0] * rules.notional_unit < rules.min_notional_minor * average[1]

    def _plan(self, terms: PlaceOrder, trader: Trader) -> Plan | RejectReason:
        """What the order would meet, or why a market order that would meet it is refused."""
        rules = self.instrument
        if terms.order_type is LIMIT:
            return plan(self.book, terms, rules.max_fills_per_order)
        if terms.side is not BUY:
            return plan(self.book, terms, rules.max_fills_per_order, rules.min_price_ticks)
        available_minor = trader.quote.available
        cost_max = available_minor // rules.notional_unit
        found = plan(self.book, terms, rules.max_fills_per_order, 0, cost_max)
        if found.cost_tick_lots > cost_max:
            return RejectReason.INSUFFICIENT_BALANCE
        if self._in_quote and found.cost_tick_lots * rules.notional_unit + self._taker_fees(found) > available_minor:
            return RejectReason.INSUFFICIENT_BALANCE
        return found

    def _taker_fees(self, found: Plan) -> int:
        """What the taker of the plan pays in fees in the quote."""
        rules = self.instrument
        unit, taker_ppm = rules.notional_unit, rules.taker_fee_ppm
        return sum([fee_minor(maker.price_ticks * lots * unit, taker_ppm) for maker, lots in found.fills])

    def _trade(self, taker: Order, found: Plan, effects: Effects) -> None:
        """Carry the plan out, fill by fill."""
        rules, terms, now_ns = self.instrument, taker.terms, taker.created_ns
        self._begin_candles(now_ns)
        buying, in_quote = terms.side is BUY, self._in_quote
        aggregate_ticks = -1  # the price of the aggregate that the last trade belongs to
        for maker, lots in found.fills:
            level = maker.level
            assert level is not None
            effects.touch_level(level)
            price_ticks = level.price_ticks
            if price_ticks != aggregate_ticks:
                aggregate_ticks = price_ticks
                self._last_aggregate_id += 1
            quote_minor = price_ticks * lots * rules.notional_unit
            if in_quote:
                taker_fee, maker_fee = self._settle_in_quote(taker, maker, lots, quote_minor, effects)
            else:
                taker_fee, maker_fee = self._settle(taker, maker, lots, quote_minor, effects)

            taker.remaining_lots -= lots
            taker.executed_quote_minor += quote_minor
            maker.executed_quote_minor += quote_minor
            maker.updated_ns = now_ns
            self.book.reduce(maker, lots)
            if not maker.remaining_lots:
                self._ids.closed(maker)
            trade = self._trade_event(taker, maker, lots, quote_minor, taker_fee, maker_fee)
            effects.events.append(trade)
            effects.events.append(filled(maker, trade, now_ns))
            effects.order = done = filled(taker, trade, now_ns)
            effects.events.append(done)
        effects.touch(taker.trader.base if buying else taker.trader.quote)
        if self.rates is not None:
            self._average = traded(
                self._average,
                rules.avg_price_mins,
                now_ns,
                aggregate_ticks,
                found.cost_tick_lots,
                found.matched_lots,
            )

    def _settle(self, taker: Order, maker: Order, lots: int, quote_minor: int, effects: Effects) -> tuple[int, int]:
        """Move base one way and quote the other, less each side's fee in what it receives; the taker's and the maker's.

        The taker's funds were never locked: what it gives comes out of what is available, at the maker's price.
        """
        rules, rates = self.instrument, maker.rates
        base_minor = lots * rules.lot_minor
        taker_ppm = rules.taker_fee_ppm
        maker_ppm = rules.maker_fee_ppm if rates is None else rates.maker_ppm
        of_taker, of_maker = taker.trader, maker.trader
        if taker.terms.side is BUY:
            taker_fee = fee_minor(base_minor, taker_ppm) if taker_ppm else 0
            maker_fee = fee_minor(quote_minor, maker_ppm) if maker_ppm else 0
            taker_gives, maker_gives, maker_gets = of_taker.quote, of_maker.base, of_maker.quote
            taker_gives.available -= quote_minor
            of_taker.base.available += base_minor - taker_fee
            maker_gives.locked -= base_minor
            maker_gets.available += quote_minor - maker_fee
            taker_fees, maker_fees = self._base_fees, self._quote_fees
        else:
            taker_fee = fee_minor(quote_minor, taker_ppm) if taker_ppm else 0
            maker_fee = fee_minor(base_minor, maker_ppm) if maker_ppm else 0
            taker_gives, maker_gives, maker_gets = of_taker.base, of_maker.quote, of_maker.base
            taker_gives.available -= base_minor
            of_taker.quote.available += quote_minor - taker_fee
            maker_gives.locked -= quote_minor
            maker_gets.available += base_minor - maker_fee
            taker_fees, maker_fees = self._quote_fees, self._base_fees
        assert taker_gives.available >= 0
        assert maker_gives.locked >= 0
        effects.touch(maker_gives)
        effects.touch(maker_gets)
        if taker_fee:
            taker_fees.available += taker_fee
            effects.touch(taker_fees)
        if maker_fee:
            maker_fees.available += maker_fee
            effects.touch(maker_fees)
        return taker_fee, maker_fee

    def _settle_in_quote(
        self, taker: Order, maker: Order, lots: int, quote_minor: int, effects: Effects
    ) -> tuple[int, int]:
        """The same where both fees are in the quote: a buyer pays its fee besides, a seller out of what it receives.

        A rebate comes out of the taker's fee. What a buying maker had locked beyond what it pays is released.
        """
        rules, buying = self.instrument, taker.terms.side is BUY
        base_minor = lots * rules.lot_minor
        maker_ppm = rules.maker_fee_ppm if maker.rates is None else maker.rates.maker_ppm
        taker_fee = fee_minor(quote_minor, rules.taker_fee_ppm)
        maker_fee = max(fee_minor(quote_minor, maker_ppm), -taker_fee)
        of_taker, of_maker = taker.trader, maker.trader
        if buying:
            of_taker.quote.available -= quote_minor + taker_fee
            of_taker.base.available += base_minor
            of_maker.base.locked -= base_minor
            of_maker.quote.available += quote_minor - maker_fee
            assert of_taker.quote.available >= 0
            assert of_maker.base.locked >= 0
        else:
            of_taker.base.available -= base_minor
            of_taker.quote.available += quote_minor - taker_fee
            left_over_minor = needs_minor(rules, maker.rates, BUY, maker.price_ticks, lots) - quote_minor - maker_fee
            assert left_over_minor >= 0
            of_maker.quote.locked -= quote_minor + maker_fee + left_over_minor
            of_maker.quote.available += left_over_minor
            of_maker.base.available += base_minor
            assert of_taker.base.available >= 0
            assert of_maker.quote.locked >= 0
        effects.touch(of_maker.quote)
        effects.touch(of_maker.base)
        if taker_fee or maker_fee:
            self._quote_fees.available += taker_fee + maker_fee
            effects.touch(self._quote_fees)
        return taker_fee, maker_fee

    def _trade_event(
        self, taker: Order, maker: Order, lots: int, quote_minor: int, taker_fee: int, maker_fee: int
    ) -> Trade:
        counts = self._counts
        counts.last_trade_id += 1
        self._trade_sequence += 1
        return Trade(
            counts.last_trade_id,
            self.instrument.symbol,
            maker.price_ticks,
            lots,
            quote_minor,
            taker.terms.side,
            maker.order_id,
            taker.order_id,
            maker.user_id,
            taker.user_id,
            maker_fee,
            taker_fee,
            taker.created_ns,
            self._trade_sequence,
            self._last_aggregate_id,
        )

    def _begin_candles(self, now_ns: int) -> None:
        """Count the candles that a trade at this time begins."""
        last_ns, self._last_trade_ns = self._last_trade_ns, now_ns
        if now_ns // MINUTE_NS != last_ns // MINUTE_NS:
            now_s, last_s = now_ns // 1_000_000_000, last_ns // 1_000_000_000
            self._candles = tuple(
                count + (now_s // interval_s != last_s // interval_s)
                for count, interval_s in zip(self._candles, INTERVALS_S, strict=True)
            )

    def _rest(self, order: Order, effects: Effects) -> None:
        side = order.terms.side
        gives = order.trader.quote if side is BUY else order.trader.base
        gives.lock(self.needs_minor(order))
        effects.touch_level(self.book.add(order))
        self._ids.rested(order)

    @staticmethod
    def _expire(order: Order, why: ExpireReason, now_ns: int, effects: Effects) -> None:
        effects.order = expired = updated(BY_EXPIRING, order, EXPIRED, now_ns, why)
        effects.events.append(expired)

    # --- cancel

    def cancel(self, command: CancelOrder, order: Order, sequence: int, now_ns: int) -> Applied:
        """Take the order that the command names out of the book."""
        effects = Effects(sequence)
        effects.order = self._take_out(order, now_ns, effects)
        return self._applied(command, effects, now_ns)

    def cancel_all(self, command: CancelAll, sequence: int, now_ns: int) -> Applied | None:
        """Take all open orders of a user out of the book; None if there are none."""
        orders = self.open_orders(command.user_id)
        if not orders:
            return None
        effects = Effects(sequence)
        for order in orders:
            self._take_out(order, now_ns, effects)
        return self._applied(command, effects, now_ns)

    def _take_out(self, order: Order, now_ns: int, effects: Effects) -> OrderUpdated:
        side = order.terms.side
        gives = order.trader.quote if side is BUY else order.trader.base
        gives.release(self.needs_minor(order))
        effects.touch(gives)
        effects.touch_level(self.book.remove(order))
        self._ids.closed(order)
        canceled = updated(BY_CANCELING, order, CANCELED, now_ns)
        effects.events.append(canceled)
        return canceled

    # --- status

    def set_status(self, command: SetMarketStatus, sequence: int, now_ns: int) -> Applied | None:
        """Change what the market takes; None if it is so already."""
        if self.instrument.status is command.status:
            return None
        self.set_rules(replace(self.instrument, status=command.status))
        self._best_sequence += 1
        return Applied(sequence, now_ns, command, [self.changed()])

    # --- shared

    def _applied(self, command: Command, effects: Effects, now_ns: int) -> Applied:
        """The outcome, with an event for every level and account that changed, now that the command is done."""
        events = effects.events
        if effects.levels:
            book, symbol = self.book, self.instrument.symbol
            for level in effects.levels:
                book.sequence += 1
                events.append(
                    LevelChanged(symbol, level.book_side.side, level.price_ticks, level.total_lots, book.sequence)
                )
            self._depth_sequence += 1
            if not (_is_best(self._best_bid, book.bids) and _is_best(self._best_ask, book.asks)):
                self._best_bid, self._best_ask = _best(book.bids), _best(book.asks)
                self._best_sequence += 1
            events.append(self.changed())
        for account in effects.accounts:
            events.append(account.captured(effects.sequence))
        return Applied(effects.sequence, now_ns, command, events, effects.order)

    def changed(self) -> MarketChanged:
        """The market's best and its counts as they are now."""
        return MarketChanged(
            self.instrument.symbol,
            self._best_bid,
            self._best_ask,
            self.book.sequence,
            self._depth_sequence,
            self._best_sequence,
            self._trade_sequence,
            self._last_aggregate_id,
            self._last_trade_ns,
            self._candles,
            self.instrument.status,
            self._average,
        )

    def state(self) -> MarketState:
        """The market's rules and counts, without its orders."""
        return MarketState(
            self.instrument,
            self.book.sequence,
            self._depth_sequence,
            self._best_sequence,
            self._trade_sequence,
            self._last_aggregate_id,
            self._last_trade_ns,
            self._candles,
            self._average,
        )

    def restore_order(self, order: Order) -> None:
        """Put an open order back where it rested; its funds are locked already."""
        self.book.add(order)
        self._ids.rested(order)

    def restored(self) -> None:
        """All open orders are back."""
        self._best_bid, self._best_ask = _best(self.book.bids), _best(self.book.asks)


def _best(side: BookSide) -> Best:
    level = side.best
    return None if level is None else (level.price_ticks, level.total_lots)


def _is_best(known: Best, side: BookSide) -> bool:
    """Whether that is the best of the side. Every command asks this, so it makes no tuple to compare with."""
    level = side.best
    if level is None or known is None:
        return level is None and known is None
    return known[0] == level.price_ticks and known[1] == level.total_lots


def _why_unfilled(terms: PlaceOrder, found: Plan) -> ExpireReason:
    if found.met_own_order:
        return ExpireReason.SELF_TRADE
    if found.met_fills_max:
        return ExpireReason.MAX_FILLS
    return ExpireReason.FOK_UNFILLABLE if terms.time_in_force is FOK else ExpireReason.UNFILLED
