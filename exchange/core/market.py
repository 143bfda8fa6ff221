"""One running market: refuse, draw the line, change.

`place`, `cancel`, `cancel_all` and `set_status` return the outcome of the command. The first three move money on the
ledger that all markets share.
"""

from dataclasses import replace
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.book import Book, BookSide, Level, Order, Trader
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
from exchange.core.events import (
    INTERVALS_S,
    MINUTE_NS,
    Event,
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
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, fee_minor
from exchange.core.ledger import FEES, Account, Ledger
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
PARTIALLY_FILLED: Final = OrderStatus.PARTIALLY_FILLED
FILLED: Final = OrderStatus.FILLED
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED
BY_ACCEPTING: Final = UpdateReason.ACCEPTED
BY_FILLING: Final = UpdateReason.FILLED
BY_CANCELING: Final = UpdateReason.CANCELED
BY_EXPIRING: Final = UpdateReason.EXPIRED


class Counts:
    """The venue-wide counts, each by the last number that it gave. Every order has an id of its own and, if it may
    rest, a priority; neither is the sequence of a command."""

    __slots__ = ("last_order_id", "last_priority", "last_trade_id")

    def __init__(self, last_order_id: int = 0, last_priority: int = 0, last_trade_id: int = 0) -> None:
        self.last_order_id = last_order_id
        self.last_priority = last_priority
        self.last_trade_id = last_trade_id


@mypyc_attr(acyclic=True)
class Effects:
    """What one command does: its events so far, its primary order as it is now, and each level and account that it
    changed, once, in order."""

    __slots__ = ("accounts", "events", "levels", "order", "sequence")

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.order: OrderUpdated | None = None
        self.events: list[Event] = []
        self.levels: list[Level] = []
        self.accounts: list[Account] = []

    def touch_level(self, level: Level) -> None:
        """The command has changed the level."""
        if level.touched_sequence != self.sequence:
            level.touched_sequence = self.sequence
            self.levels.append(level)

    def touch(self, account: Account) -> None:
        """The command has changed the account."""
        if account.touched_sequence != self.sequence:
            account.touched_sequence = self.sequence
            self.accounts.append(account)


class Market:
    """The book of an instrument and the users who trade on it."""

    def __init__(self, state: MarketState, ledger: Ledger, ids: ClientIds, counts: Counts) -> None:
        instrument = self.instrument = state.instrument
        self.book = Book(state.book_sequence)
        self._depth_sequence = state.depth_sequence
        self._best_sequence = state.best_sequence
        self._trade_sequence = state.trade_sequence
        self._last_aggregate_id = state.last_aggregate_id
        self._last_trade_ns = state.last_trade_ns
        self._candles = state.candles
        self._best_bid: Best = None
        self._best_ask: Best = None
        self._ledger = ledger
        self._ids = ids
        self._counts = counts
        self._traders: dict[str, Trader] = {}
        ledger.add_user(FEES)
        self._base_fees = ledger.account(FEES, instrument.base.symbol)
        self._quote_fees = ledger.account(FEES, instrument.quote.symbol)

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

    def needs_minor(self, side: Side, price_ticks: int, lots: int) -> int:
        """What an order of these terms keeps locked: quote for a buy, base for a sell."""
        rules = self.instrument
        return price_ticks * lots * rules.notional_unit if side is BUY else lots * rules.lot_minor

    # --- place

    def place(self, terms: PlaceOrder, sequence: int, now_ns: int) -> Applied | Rejected:
        """Match the order and rest, or expire, what remains."""
        trader = self.trader(terms.user_id)
        reason = self._refusal(terms, trader)
        if reason is not None:
            return Rejected(reason, refusal_detail(reason, terms, trader, self.instrument))
        found = self._plan(terms, trader)
        if isinstance(found, RejectReason):
            return Rejected(found, refusal_detail(found, terms, trader, self.instrument))

        # Past this line the order must succeed: nothing below may refuse.
        price_ticks = terms.price_ticks if terms.price_ticks is not None else 0
        counts, may_rest = self._counts, terms.time_in_force is GTC
        counts.last_order_id += 1
        order = Order(counts.last_order_id, terms, trader, price_ticks, now_ns)
        if may_rest:
            counts.last_priority += 1
            order.priority = counts.last_priority
        self._ids.accepted(order.order_id, terms)
        effects = Effects(sequence)
        effects.order = accepted = _updated(BY_ACCEPTING, order, OPEN, now_ns)
        effects.events.append(accepted)
        # The account it pays from is stored even if it stays the same: the count of the user's order events is with it.
        effects.touch(trader.quote if terms.side is BUY else trader.base)
        if terms.time_in_force is FOK and found.matched_lots < terms.quantity_lots:
            self._expire(order, _why_unfilled(terms, found), now_ns, effects)
            return self._applied(terms, effects, now_ns)
        if found.fills:
            self._trade(order, found, effects)
        if order.remaining_lots:
            if may_rest and not found.met_own_order:
                self._rest(order, effects)
            else:
                self._expire(order, _why_unfilled(terms, found), now_ns, effects)
        return self._applied(terms, effects, now_ns)

    def _refusal(self, terms: PlaceOrder, trader: Trader) -> RejectReason | None:
        """The first reason to refuse that needs no walk through the book."""
        rules, lots, price_ticks = self.instrument, terms.quantity_lots, terms.price_ticks
        if rules.status is not TRADING and refuses(rules.status, terms, self.book):
            return RejectReason.MARKET_NOT_TRADING
        # A price of zero is in range: real books hold such bids, and any min_notional above zero refuses it.
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
            if terms.time_in_force is GTC and len(trader.open_orders) >= rules.max_open_orders:
                return RejectReason.TOO_MANY_OPEN_ORDERS
            if terms.post_only and crosses(self.book, terms):
                return RejectReason.WOULD_TAKE
            if terms.side is BUY:
                return None if notional_minor <= trader.quote.available else RejectReason.INSUFFICIENT_BALANCE
        if terms.side is not BUY and lots * rules.lot_minor > trader.base.available:
            return RejectReason.INSUFFICIENT_BALANCE
        return None

    def _plan(self, terms: PlaceOrder, trader: Trader) -> Plan | RejectReason:
        """What the order would meet, or why a market order that would meet it is refused."""
        if terms.order_type is LIMIT:
            return plan(self.book, terms)
        rules = self.instrument
        cost_max = trader.quote.available // rules.notional_unit if terms.side is BUY else None
        found = plan(self.book, terms, cost_max)
        if cost_max is not None and found.cost_tick_lots > cost_max:
            return RejectReason.INSUFFICIENT_BALANCE
        if found.fills and found.cost_tick_lots * rules.notional_unit < rules.min_notional_minor:
            return RejectReason.MIN_NOTIONAL
        return found

    def _trade(self, taker: Order, found: Plan, effects: Effects) -> None:
        """Carry the plan out: each fill moves base one way and quote the other, less each side's fee."""
        rules, terms, now_ns = self.instrument, taker.terms, taker.created_ns
        self._begin_candles(now_ns)
        buying = terms.side is BUY
        taker_gets, taker_gives = _sides(taker.trader, buying)
        taker_fees, maker_fees = (self._base_fees, self._quote_fees) if buying else (self._quote_fees, self._base_fees)
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
            base_minor = lots * rules.lot_minor
            to_taker, to_maker = (base_minor, quote_minor) if buying else (quote_minor, base_minor)
            taker_fee = fee_minor(to_taker, rules.taker_fee_ppm) if rules.taker_fee_ppm else 0
            maker_fee = fee_minor(to_maker, rules.maker_fee_ppm) if rules.maker_fee_ppm else 0
            maker_gets, maker_gives = _sides(maker.trader, not buying)

            # The taker's funds were never locked: what it gives comes out of what is available, at the maker's price.
            taker_gives.available -= to_maker
            taker_gets.available += to_taker - taker_fee
            maker_gives.locked -= to_taker
            maker_gets.available += to_maker - maker_fee
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

            taker.remaining_lots -= lots
            taker.executed_quote_minor += quote_minor
            maker.executed_quote_minor += quote_minor
            maker.updated_ns = now_ns
            self.book.reduce(maker, lots)
            if not maker.remaining_lots:
                self._ids.closed(maker)
            trade = self._trade_event(taker, maker, lots, quote_minor, taker_fee, maker_fee)
            effects.events.append(trade)
            effects.events.append(_filled(maker, trade, now_ns))
            effects.order = filled = _filled(taker, trade, now_ns)
            effects.events.append(filled)
        effects.touch(taker_gets)

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
        gives.lock(self.needs_minor(side, order.price_ticks, order.remaining_lots))
        effects.touch_level(self.book.add(order))
        self._ids.rested(order)

    @staticmethod
    def _expire(order: Order, why: ExpireReason, now_ns: int, effects: Effects) -> None:
        effects.order = expired = _updated(BY_EXPIRING, order, EXPIRED, now_ns, why)
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
        gives.release(self.needs_minor(side, order.price_ticks, order.remaining_lots))
        effects.touch(gives)
        effects.touch_level(self.book.remove(order))
        self._ids.closed(order)
        canceled = _updated(BY_CANCELING, order, CANCELED, now_ns)
        effects.events.append(canceled)
        return canceled

    # --- status

    def set_status(self, command: SetMarketStatus, sequence: int, now_ns: int) -> Applied | None:
        """Change what the market takes; None if it is so already."""
        if self.instrument.status is command.status:
            return None
        self.instrument = replace(self.instrument, status=command.status)
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


def as_read(order: Order) -> OrderUpdated:
    """A copy of an open order as it is now."""
    return OrderUpdated(
        UpdateReason.READ,
        order.order_id,
        order.terms,
        order.status,
        order.executed_lots,
        order.executed_quote_minor,
        None,
        order.created_ns,
        order.updated_ns,
        order.priority,
        None,
        0,
    )


def _sides(trader: Trader, buying: bool) -> tuple[Account, Account]:
    """The account that receives and the one that pays."""
    return (trader.base, trader.quote) if buying else (trader.quote, trader.base)


def _why_unfilled(terms: PlaceOrder, found: Plan) -> ExpireReason:
    if found.met_own_order:
        return ExpireReason.SELF_TRADE
    return ExpireReason.FOK_UNFILLABLE if terms.time_in_force is FOK else ExpireReason.UNFILLED


def _updated(
    reason: UpdateReason,
    order: Order,
    status: OrderStatus,
    now_ns: int,
    expire_reason: ExpireReason | None = None,
    trade: Trade | None = None,
) -> OrderUpdated:
    user = order.trader.user
    user.orders_sequence += 1
    return OrderUpdated(
        reason,
        order.order_id,
        order.terms,
        status,
        order.terms.quantity_lots - order.remaining_lots,
        order.executed_quote_minor,
        expire_reason,
        order.created_ns,
        now_ns,
        order.priority,
        trade,
        user.orders_sequence,
    )


def _filled(order: Order, trade: Trade, now_ns: int) -> OrderUpdated:
    status = PARTIALLY_FILLED if order.remaining_lots else FILLED
    return _updated(BY_FILLING, order, status, now_ns, None, trade)
