"""One running market: refuse, draw the line, change.

`place`, `cancel`, `cancel_all` and `set_status` return the outcome of the command. The first three move money on the
ledger that all markets share. What waits, or ends by itself, is in `full_market`, which builds on this.
"""

from dataclasses import replace
from typing import Final

from exchange.core.administration import Administered
from exchange.core.affordable import affordable
from exchange.core.average import traded
from exchange.core.book import Best, Book, Order, Trader, best_of, is_best
from exchange.core.candles import begun
from exchange.core.client_ids import ClientIds
from exchange.core.commands import (
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Progress, SelfTrade
from exchange.core.counts import Counts
from exchange.core.effects import CanceledById, Effects, filled, updated
from exchange.core.events import (
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
from exchange.core.fees import QUOTE, Rates, needs_minor, rates_of, tier_rates_of
from exchange.core.filtering import filtered
from exchange.core.filters import Filters
from exchange.core.following import locking_ticks
from exchange.core.iceberg import hide, next_lots, note_hidden
from exchange.core.instrument import Instrument
from exchange.core.ledger import Account, Ledger
from exchange.core.lists import OrderList
from exchange.core.matching import Plan
from exchange.core.open_counts import Everywhere
from exchange.core.outcome import Applied
from exchange.core.pegs import take_price
from exchange.core.prevention import prevent
from exchange.core.refusal import refusal
from exchange.core.refusal_detail import refusal_detail
from exchange.core.settlement import Settlement
from exchange.core.state import MarketState
from exchange.core.status import TRADING, refuses

# Looking up a member in its enum costs more than a comparison, and every order needs several.
BUY: Final = Side.BUY
GTC: Final = TimeInForce.GTC
FOK: Final = TimeInForce.FOK
GTD: Final = TimeInForce.GTD
OPEN: Final = OrderStatus.OPEN
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED
BY_ACCEPTING: Final = UpdateReason.ACCEPTED
BY_CANCELING: Final = UpdateReason.CANCELED
BY_EXPIRING: Final = UpdateReason.EXPIRED
BY_PREVENTING: Final = UpdateReason.PREVENTED
BY_REFILLING: Final = UpdateReason.REFILLED
BY_SELF_TRADE: Final = ExpireReason.SELF_TRADE
EXPIRE_TAKER: Final = SelfTrade.EXPIRE_TAKER


class Market:
    """The book of an instrument and the users who trade on it."""

    def __init__(
        self, state: MarketState, ledger: Ledger, ids: ClientIds, counts: Counts, everywhere: Everywhere
    ) -> None:
        instrument = state.instrument
        self.everywhere = everywhere
        self._settlement = Settlement(instrument, ledger)
        self.set_rules(instrument)
        self.book = Book(state.book_sequence)
        self._depth_sequence = state.depth_sequence
        self._best_sequence = state.best_sequence
        self._trade_sequence = state.trade_sequence
        self._last_aggregate_id = state.last_aggregate_id
        self._last_trade_ns = state.last_trade_ns
        self.last_match_id = state.last_match_id
        self.by_call = state.by_call  # see MarketState
        self.tracks = state.tracks  # for the orders that follow the price
        self.notes_prevented, self.before_7 = True, False  # other than while an old command is replayed: see Venue
        self._candles = state.candles
        self._average = state.average
        self._best_bid: Best = None
        self._best_ask: Best = None
        self._ledger = ledger
        self._ids = ids
        self.counts = counts
        self._traders: dict[str, Trader] = {}
        self.lists: dict[int, OrderList] = {}  # that are open: see list_market
        self.partners: dict[Order, Order] = {}  # orders of which either ends the other

    def set_rules(self, instrument: Instrument) -> None:
        """The rules from now on, as they are or with other filters of the venue. Open orders keep their fees."""
        self.instrument = instrument
        self._settlement.set_rules(instrument)
        self._in_quote = instrument.fee_asset is QUOTE
        self.rates: Rates | None = rates_of(instrument)  # of orders that enter; None: see Venue.replay
        self._tier_rates = tier_rates_of(instrument)
        self.filters: Filters | None = instrument.filters or self.everywhere.of_market

    def rates_for(self, trader: Trader) -> Rates | None:
        """The rates of an order of that user which enters now."""
        return self.rates if trader.user.tier is None else self._tier_rates.get(trader.user.tier, self.rates)

    def trader(self, user_id: str) -> Trader:
        """The user as this market sees them."""
        trader = self._traders.get(user_id)
        if trader is None:
            ledger, rules = self._ledger, self.instrument
            base, quote = (ledger.account(user_id, asset.symbol) for asset in (rules.base, rules.quote))
            self._traders[user_id] = trader = Trader(ledger.user(user_id), base, quote, self.everywhere)
        return trader

    def has_trader(self, user_id: str) -> bool:
        """Whether the user has traded here, or asked to."""
        return user_id in self._traders

    def open_orders(self, user_id: str) -> list[Order]:
        """The user's open orders here, in priority order."""
        trader = self._traders.get(user_id)
        return list(trader.open_orders) if trader else []

    def needs_minor(self, order: Order) -> int:
        """What an order of the book keeps locked: quote for a buy, base for a sell."""
        terms, rules = order.terms, self.instrument
        price_ticks = order.price_ticks if terms.conditions is None else locking_ticks(terms, order.progress)
        if self._in_quote:
            return needs_minor(rules, order.rates, terms.side, price_ticks, order.remaining_lots)
        if terms.side is BUY:
            return price_ticks * order.remaining_lots * rules.notional_unit
        return order.remaining_lots * rules.lot_minor

    # --- place

    def place(self, terms: PlaceOrder, sequence: int, now_ns: int) -> Applied | Rejected:
        """Match the order and rest, or expire, what remains."""
        trader, mode = self.trader(terms.user_id), self.mode_of(terms)
        found = self.judged(terms, trader, mode, self.rates_for(trader), now_ns)
        if isinstance(found, RejectReason):
            return Rejected(found, refusal_detail(found, terms, trader, self.instrument))
        effects = Effects(sequence)
        self.let_in(terms, trader, mode, found, now_ns, effects)
        return self.applied(terms, effects, now_ns)

    def let_in(
        self, terms: PlaceOrder, trader: Trader, mode: SelfTrade, found: Plan, now_ns: int, effects: Effects
    ) -> None:
        """Carry out an order that was judged. It must succeed: nothing here may refuse."""
        order = self._made(terms, trader, now_ns)
        if terms.time_in_force is GTC or terms.time_in_force is GTD:
            self._queue(order)
        if mode is not EXPIRE_TAKER or terms.conditions is not None:
            order.progress = Progress(mode)
            if not order.remaining_lots:
                order.remaining_lots = found.matched_lots + found.prevented_lots
                order.progress = Progress(mode, 0, 0, order.remaining_lots)
            hide(order, found.matched_lots + found.prevented_lots)
            take_price(order, self.book)
        self._ids.accepted(order.order_id, terms)
        effects.order = accepted = updated(BY_ACCEPTING, order, OPEN, now_ns)
        effects.events.append(accepted)
        self._pays_from(order, effects)
        self.enter(order, found, now_ns, effects)

    def _made(self, terms: PlaceOrder, trader: Trader, now_ns: int) -> Order:
        """The order, with an id of its own."""
        self.counts.last_order_id += 1
        price_ticks = terms.price_ticks if terms.price_ticks is not None else 0
        return Order(self.counts.last_order_id, terms, trader, price_ticks, now_ns, self.rates_for(trader))

    def _queue(self, order: Order) -> None:
        """The order is behind all others of its price."""
        self.counts.last_priority += 1
        order.priority = self.counts.last_priority

    def enter(self, order: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """Carry the plan of an order out, and rest, or expire, what remains of it."""
        terms = order.terms
        if terms.time_in_force is FOK and found.matched_lots < terms.quantity_lots:
            self._expire(order, found.why_unfilled(terms), now_ns, effects)
            return
        if self.partners and (found.fills or found.prevented is not None):
            self._part(order, found, now_ns, effects)
        if found.prevented is not None and not found.met_own_order:
            prevent(self, order, found, now_ns, effects)
        if found.fills:
            self._trade(order, found, now_ns, effects)
        if found.prevented is not None and found.met_own_order:
            prevent(self, order, found, now_ns, effects)
            self._expire(order, BY_SELF_TRADE, now_ns, effects)
        elif order.remaining_lots:
            if order.priority and not found.met_fills_max and not found.met_band:
                self._rest(order, effects)
            else:
                self._expire(order, found.why_unfilled(terms), now_ns, effects)
        if found.fills:
            self._traded(now_ns, effects)

    def _traded(self, now_ns: int, effects: Effects) -> None:
        """An order has entered, and has traded."""

    def _part(self, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """Orders are about to trade that may have partners."""

    def _shared(self, order: Order) -> int:
        """What the order and its partner lock together."""
        return 0

    def _separate(self, order: Order) -> None:
        """The order leaves, and may have had a partner."""

    def would_refuse(self, terms: PlaceOrder, now_ns: int) -> Rejected | None:
        """Why the order would be refused now, or None."""
        trader = self.trader(terms.user_id)
        found = self.judged(terms, trader, self.mode_of(terms), self.rates_for(trader), now_ns)
        if not isinstance(found, RejectReason):
            return None
        return Rejected(found, refusal_detail(found, terms, trader, self.instrument))

    def judged(
        self, terms: PlaceOrder, trader: Trader, mode: SelfTrade, rates: Rates | None, now_ns: int
    ) -> Plan | RejectReason:
        """What the order would meet, or why it may not enter."""
        rules, book = self.instrument, self.book
        if rules.status is not TRADING and refuses(rules.status, terms, book):
            return RejectReason.MARKET_NOT_TRADING
        reason = refusal(rules, rates, self._average, book, terms, trader, now_ns)
        if self.filters is not None:
            return filtered(rules, self.filters, reason, self._average, book, terms, trader, mode, rates, now_ns)
        return affordable(rules, book, terms, trader, mode, rates) if reason is None else reason

    def mode_of(self, terms: PlaceOrder) -> SelfTrade:
        """What happens when the order meets one of its own user."""
        conditions = terms.conditions
        mode = None if conditions is None else conditions.self_trade
        return self.instrument.self_trade if mode is None else mode

    def _trade(self, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        """Carry the plan out, fill by fill."""
        rules, terms = self.instrument, taker.terms
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
                taker_fee, maker_fee = self._settlement.settle_in_quote(taker, maker, lots, quote_minor, effects)
            else:
                taker_fee, maker_fee = self._settlement.settle(taker, maker, lots, quote_minor, effects)

            taker.remaining_lots -= lots
            taker.executed_quote_minor += quote_minor
            maker.executed_quote_minor += quote_minor
            maker.updated_ns = now_ns
            self.book.reduce(maker, lots)
            if not maker.remaining_lots:
                self.closed(maker)
            trade = self._trade_event(taker, maker, lots, quote_minor, taker_fee, maker_fee, now_ns)
            effects.events.append(trade)
            effects.events.append(filled(maker, trade, now_ns))
            effects.order = done = filled(taker, trade, now_ns)
            effects.events.append(done)
            if maker.hidden_lots and maker.remaining_lots == maker.hidden_lots:
                self.refill(maker, now_ns, effects)
        effects.touch(taker.trader.base if buying else taker.trader.quote)
        if self.rates is not None:
            self._average = traded(
                self._average, rules.avg_price_mins, now_ns, aggregate_ticks, found.cost_tick_lots, found.matched_lots
            )

    def refill(self, maker: Order, now_ns: int, effects: Effects) -> None:
        """Show more of an iceberg that shows nothing, at the back of its level."""
        self.counts.last_priority += 1
        maker.priority = self.counts.last_priority
        self.book.refill(maker, next_lots(maker, maker.hidden_lots))
        note_hidden(maker)
        effects.events.append(updated(BY_REFILLING, maker, maker.status, now_ns))

    def _trade_event(
        self, taker: Order, maker: Order, lots: int, quote_minor: int, taker_fee: int, maker_fee: int, now_ns: int
    ) -> Trade:
        counts = self.counts
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
            now_ns,
            self._trade_sequence,
            self._last_aggregate_id,
        )

    def _begin_candles(self, now_ns: int) -> None:
        """Count the candles that a trade at this time begins."""
        last_ns, self._last_trade_ns = self._last_trade_ns, now_ns
        if now_ns // MINUTE_NS != last_ns // MINUTE_NS:
            self._candles = begun(self._candles, last_ns, now_ns)

    def _rest(self, order: Order, effects: Effects) -> None:
        side = order.terms.side
        gives = order.trader.quote if side is BUY else order.trader.base
        needs_minor = self.needs_minor(order)
        gives.lock(needs_minor - self._shared(order) if self.partners else needs_minor)
        effects.touch_level(self.book.add(order))
        self._ids.rested(order)

    def closed(self, order: Order) -> None:
        """An order that was open is not any more."""
        self._ids.closed(order)

    @staticmethod
    def _expire(order: Order, why: ExpireReason, now_ns: int, effects: Effects) -> None:
        effects.order = expired = updated(BY_EXPIRING, order, EXPIRED, now_ns, why)
        effects.events.append(expired)

    # --- cancel

    def cancel(self, command: CancelOrder, order: Order, sequence: int, now_ns: int) -> Applied:
        """Take the order that the command names out of the book."""
        effects = Effects(sequence)
        effects.order = self.take_out(order, now_ns, effects, command.cancel_id)
        return self.applied(command, effects, now_ns)

    def cancel_all(self, command: CancelAll, sequence: int, now_ns: int) -> Applied | None:
        """Take all open orders of a user out of the book; None if there are none."""
        orders = self.open_orders(command.user_id)
        if not orders:
            return None
        effects = Effects(sequence)
        for order in orders:
            if order in order.trader.open_orders:  # else its list has ended with an order before it
                self.take_out(order, now_ns, effects)
        return self.applied(command, effects, now_ns)

    def _withdraw(self, order: Order, effects: Effects) -> None:
        """Take an open order from where it is, with what it has locked."""
        self._pays_from(order, effects).release(self.held_minor(order))
        effects.touch_level(self.book.remove(order))
        if self.partners:
            self._separate(order)
        self.closed(order)

    def held_minor(self, order: Order) -> int:
        """What is released if the open order leaves alone."""
        needs_minor = self.needs_minor(order)
        return needs_minor - self._shared(order) if self.partners else needs_minor

    @staticmethod
    def _pays_from(order: Order, effects: Effects) -> Account:
        """The account that the order pays from. It is stored even if it stays the same: it has its user's counts."""
        account = order.trader.quote if order.terms.side is BUY else order.trader.base
        effects.touch(account)
        return account

    def take_out(self, order: Order, now_ns: int, effects: Effects, cancel_id: str | None = None) -> OrderUpdated:
        """Cancel an open order."""
        self._withdraw(order, effects)
        canceled = updated(BY_CANCELING, order, CANCELED, now_ns)
        if cancel_id is not None:
            canceled = CanceledById(canceled, cancel_id)
        effects.events.append(canceled)
        return canceled

    # --- status

    def set_status(self, command: SetMarketStatus, sequence: int, now_ns: int) -> Applied | None:
        """Change what the market takes; None if it is so already."""
        if self.instrument.status is command.status:
            return None
        self.set_rules(replace(self.instrument, status=command.status))
        self._best_sequence += 1
        events: list[Event] = [self.changed()]
        if command.origin is not None:
            detail = f"{command.market} {command.status.name.lower()}"
            events.append(Administered("set_market_status", None, detail, command.origin))
        return Applied(sequence, now_ns, command, events)

    # --- shared

    def applied(self, command: Command, effects: Effects, now_ns: int) -> Applied:
        """The outcome, with an event for every level and account that changed, now that the command is done."""
        events = effects.events
        told = self._tell_lists(now_ns, effects) if self.lists else None
        if effects.levels:
            book, symbol = self.book, self.instrument.symbol
            before = book.sequence
            for level in effects.levels:
                lots = level.total_lots
                if lots != level.told_lots:
                    level.told_lots, side = lots, level.book_side.side
                    book.sequence += 1
                    events.append(LevelChanged(symbol, side, level.price_ticks, lots, book.sequence))
            if book.sequence != before:
                self._depth_sequence += 1
            if not (is_best(self._best_bid, book.bids) and is_best(self._best_ask, book.asks)):
                self._best_bid, self._best_ask = best_of(book.bids), best_of(book.asks)
                self._best_sequence += 1
            events.append(self.changed())
        elif effects.prevented is not None or effects.tracks:
            events.append(self.changed())
        for account in effects.accounts:
            events.append(account.captured(effects.sequence))
        if effects.prevented is not None:
            events.extend(effects.prevented)
        if told:
            events.extend(told)
        return Applied(effects.sequence, now_ns, command, events, effects.order)

    def _tell_lists(self, now_ns: int, effects: Effects) -> list[Event]:
        """What became of the open lists, now that the command is done."""
        return []

    def changes_with(self, order: Order, changed: PlaceOrder) -> tuple[Order, PlaceOrder] | None:
        """The order that must change if this one becomes so, and what it becomes."""
        return None

    def more_minor(self, order: Order, changed: PlaceOrder, needs_minor: int) -> int:
        """How much more is locked if the order becomes so, and needs so much then."""
        return needs_minor - self.needs_minor(order)

    def leaves_with(self, order: Order) -> list[tuple[Order, int]]:
        """The open orders that leave if this one does, it among them, with what each releases then."""
        return [(order, self.needs_minor(order))]

    # --- the state as a whole

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
            self.last_match_id,
            self.tracks,
        )

    def state(self) -> MarketState:
        """The market's rules and counts, without its orders."""
        return MarketState(
            self.instrument,
            *(self.book.sequence, self._depth_sequence, self._best_sequence, self._trade_sequence),
            *(self._last_aggregate_id, self._last_trade_ns),
            self._candles,
            self._average,
            self.last_match_id,
            self.by_call,
            self.tracks,
        )

    def restore_order(self, order: Order) -> None:
        """Put an open order back where it rested; its funds are locked already."""
        self.book.add(order)
        self._ids.rested(order)

    def restored(self) -> None:
        """All open orders are back."""
        self._best_bid, self._best_ask = best_of(self.book.bids), best_of(self.book.asks)
        self.book.restored()
