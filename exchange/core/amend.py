"""Amends an open order: refuse, draw the line, change it where it stands, or let it enter again.

Less quantity at the same price keeps the order's place, and so does a new name. A new price or more quantity loses it:
the order leaves the book and enters again under its id, with the fees of that moment. It takes what it meets then.
"""

from dataclasses import replace
from typing import Final

from exchange.core.amendments import Amended, AmendOrder, Reductions
from exchange.core.band import plan_in_band
from exchange.core.book import Order
from exchange.core.client_ids import ClientIds
from exchange.core.commands import PlaceOrder, Side
from exchange.core.conditions import Progress, SelfTrade
from exchange.core.effects import Effects, updated
from exchange.core.events import Duplicate, Event, Rejected, RejectReason, UpdateReason
from exchange.core.fees import needs_minor
from exchange.core.filtering import refused_amendment
from exchange.core.following import follows
from exchange.core.iceberg import hide, take_hidden
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument, MarketStatus
from exchange.core.market import Market
from exchange.core.matching import crosses
from exchange.core.outcome import Applied
from exchange.core.pegs import pegged, refusal_at
from exchange.core.status import why_refused

BUY: Final = Side.BUY
TRADING: Final = MarketStatus.TRADING


class Amending:
    """Amends the orders of all markets; `reductions` are those of the past that a retry must not repeat."""

    def __init__(self, client_ids: ClientIds, reductions_max: int) -> None:
        self._client_ids = client_ids
        self.reductions = Reductions(reductions_max)

    def apply(
        self, market: Market, command: AmendOrder, order: Order | None, sequence: int, now_ns: int
    ) -> Applied | Rejected | Duplicate:
        """Change the open order that the command names, which is None where it names none."""
        if command.key is not None:
            before = self.reductions.find(command.user_id, command.key)
            if before is not None:
                return Duplicate(before.order_id) if before.is_by(command) else Rejected(RejectReason.KEY_CONFLICT)
        if order is None:
            order = self._renamed(market, command)
        if order is None:
            return Rejected(RejectReason.UNKNOWN_ORDER, None, market.counts.last_order_id)
        outcome = self._amend(market, command, order, sequence, now_ns)
        if command.key is not None and isinstance(outcome, Applied):
            amended = outcome.events[-1]
            assert isinstance(amended, Amended)
            self.reductions.remember(amended)
        return outcome

    def _renamed(self, market: Market, command: AmendOrder) -> Order | None:
        """The order of a retry that names it by the id that it had before."""
        user_id, name, new_name = command.user_id, command.client_order_id, command.new_client_order_id
        if name is None or new_name is None or command.order_id is not None:
            return None
        taken, order = self._client_ids.taken_by(user_id, name), self._client_ids.open_order(user_id, new_name)
        same = taken is not None and order is not None and taken[0] == order.order_id
        return order if same and order is not None and order.terms.market == command.market else None

    def _amend(
        self, market: Market, command: AmendOrder, order: Order, sequence: int, now_ns: int
    ) -> Applied | Rejected | Duplicate:
        """Change the order. One that is so already is a retry."""
        terms = order.terms
        if command.reduce_lots is not None and command.reduce_lots <= 0:
            return Rejected(RejectReason.OUT_OF_RANGE)
        if pegged(terms) and command.price_ticks not in (None, terms.price_ticks):
            return Rejected(RejectReason.OUT_OF_RANGE, "The price of a pegged order cannot be changed.")
        if terms.price_ticks is None and not pegged(terms) and _asks_a_price(market, command):
            return Rejected(RejectReason.OUT_OF_RANGE, "An order that takes any price has none to change.")
        quantity_lots, price_ticks = _asked(command, order)
        name = terms.client_order_id if command.new_client_order_id is None else command.new_client_order_id
        if (quantity_lots, price_ticks, name) == (terms.quantity_lots, order.price_ticks, terms.client_order_id):
            return Duplicate(order.order_id)
        price = terms.price_ticks if terms.price_ticks is None or pegged(terms) else price_ticks
        changed = replace(terms, quantity_lots=quantity_lots, price_ticks=price, client_order_id=name)
        rejected = _refusal(market, changed, order, self._client_ids, now_ns)
        other = market.changes_with(order, changed)
        if other is not None and rejected is None:
            rejected = _refusal(market, other[1], other[0], self._client_ids, now_ns)
            if rejected is not None and rejected.reason is RejectReason.INSUFFICIENT_BALANCE:
                rejected = None  # what both lock was judged with the first
        if rejected is not None:
            return rejected

        # Past this line the order must change: nothing below may refuse.
        effects, amended = Effects(sequence), list[Event]()
        if other is not None:
            amended.append(_event(market, replace(command, key=None), *other, now_ns))
            _become(market, *other, self._client_ids, now_ns, effects)
        amended.append(_event(market, command, order, changed, now_ns))
        _become(market, order, changed, self._client_ids, now_ns, effects)
        applied = market.applied(command, effects, now_ns)
        applied.events.extend(amended)
        return applied


def _asks_a_price(market: Market, command: AmendOrder) -> bool:
    """Whether the price is to change. Before version 7 of the rules zero was none."""
    return command.price_ticks is not None and (command.price_ticks != 0 or not market.before_7)


def _asked(command: AmendOrder, order: Order) -> tuple[int, int]:
    """The total and the price that the order shall have."""
    quantity_lots = order.terms.quantity_lots
    if command.reduce_lots is not None:
        quantity_lots -= command.reduce_lots
    elif command.quantity_lots is not None:
        quantity_lots = command.quantity_lots
    if command.price_ticks is None or pegged(order.terms):
        return quantity_lots, order.price_ticks
    return quantity_lots, command.price_ticks


def _stands_at(order: Order, changed: PlaceOrder) -> int:
    """The price of the order once it is changed: a pegged one keeps what it has."""
    return order.price_ticks if pegged(changed) else changed.price_ticks or 0


def _keeps_its_place(order: Order, changed: PlaceOrder) -> bool:
    return _stands_at(order, changed) == order.price_ticks and changed.quantity_lots <= order.terms.quantity_lots


# --- refuse


def _refusal(market: Market, changed: PlaceOrder, order: Order, client_ids: ClientIds, now_ns: int) -> Rejected | None:
    """Why the order may not become this, or None."""
    rules, terms, price_ticks = market.instrument, order.terms, _stands_at(order, changed)
    in_place = _keeps_its_place(order, changed)
    meets = order.level is not None and price_ticks != order.price_ticks and crosses(market.book, changed)
    reason = None
    if rules.status is not TRADING and _status_refuses(rules.status, in_place, meets and not terms.post_only):
        return Rejected(RejectReason.MARKET_NOT_TRADING, why_refused(rules))
    name = changed.client_order_id
    if name is not None and name != terms.client_order_id and client_ids.taken_by(terms.user_id, name) is not None:
        reason = RejectReason.CLIENT_ORDER_ID_CONFLICT
    elif (changed.quantity_lots, price_ticks) == (terms.quantity_lots, order.price_ticks):
        reason = _refused_by_filter(market, changed, order, now_ns)
    elif changed.quantity_lots <= _done_lots(order):
        done = rules.quantity_text(_done_lots(order))
        return Rejected(
            RejectReason.OUT_OF_RANGE, f"The quantity must stay above {done}, what is executed or prevented."
        )
    elif _out_of_range(rules, changed):
        reason = RejectReason.OUT_OF_RANGE
    else:
        reason = _refused_by_filter(market, changed, order, now_ns)
        reason = reason or _refusal_of_money(market, changed, order, meets)
    return None if reason is None else Rejected(reason)


def _refused_by_filter(market: Market, changed: PlaceOrder, order: Order, now_ns: int) -> RejectReason | None:
    rules = market.instrument
    if rules.filters is None:
        return None
    return refused_amendment(rules, rules.filters, market.state().average, changed, order, now_ns)


def _out_of_range(rules: Instrument, changed: PlaceOrder) -> bool:
    price_ticks = changed.price_ticks
    if price_ticks is not None and not rules.min_price_ticks <= price_ticks < UNITS_MAX:
        return True
    return changed.quantity_lots >= UNITS_MAX


def _status_refuses(status: MarketStatus, in_place: bool, takes: bool) -> bool:
    """A market that is cancel-only takes what only reduces, and one that is post-only what does not trade."""
    if status is MarketStatus.CANCEL_ONLY:
        return not in_place
    return status is not MarketStatus.POST_ONLY or takes


def _refusal_of_money(market: Market, changed: PlaceOrder, order: Order, meets: bool) -> RejectReason | None:
    rules, lots, price_ticks = market.instrument, changed.quantity_lots, _stands_at(order, changed)
    notional_minor = price_ticks * lots * rules.notional_unit
    if lots * rules.lot_minor >= AMOUNT_MAX or notional_minor >= AMOUNT_MAX:
        return RejectReason.OUT_OF_RANGE
    if (changed.price_ticks is not None or price_ticks) and notional_minor < rules.min_notional_minor:
        return RejectReason.MIN_NOTIONAL
    if pegged(changed) and changed.price_ticks is not None:
        reason = refusal_at(rules, changed.price_ticks, lots)
        if reason is not None:
            return reason
    if changed.post_only and meets:
        return RejectReason.WOULD_TAKE
    stays = order.level is None or _keeps_its_place(order, changed)
    rates = order.rates if stays else market.rates_for(order.trader)
    locks_ticks = (changed.price_ticks or 0) if follows(changed) else price_ticks
    needs = needs_minor(rules, rates, changed.side, locks_ticks, lots - _done_lots(order))
    gives = order.trader.quote if changed.side is BUY else order.trader.base
    more_minor = market.more_minor(order, changed, needs)
    return RejectReason.INSUFFICIENT_BALANCE if more_minor > gives.available else None


def _done_lots(order: Order) -> int:
    """What an amendment cannot take back: what has traded, and what was prevented."""
    return order.terms.quantity_lots - order.remaining_lots


# --- change


def _event(market: Market, command: AmendOrder, order: Order, changed: PlaceOrder, now_ns: int) -> Amended:
    terms, counts = order.terms, market.counts
    counts.last_amendment_id += 1
    return Amended(
        counts.last_amendment_id,
        terms.market,
        terms.user_id,
        order.order_id,
        terms.client_order_id,
        None if changed.client_order_id == terms.client_order_id else changed.client_order_id,
        terms.price_ticks,
        None if changed.price_ticks == terms.price_ticks else changed.price_ticks,
        terms.quantity_lots,
        None if changed.quantity_lots == terms.quantity_lots else changed.quantity_lots,
        command.key,
        counts.last_order_id,
        now_ns,
    )


def _become(
    market: Market, order: Order, changed: PlaceOrder, client_ids: ClientIds, now_ns: int, effects: Effects
) -> None:
    if order.level is None or _keeps_its_place(order, changed):
        _change(market, order, changed, client_ids, now_ns, effects)
    else:
        _enter_again(market, order, changed, client_ids, now_ns, effects)


def _change(
    market: Market, order: Order, changed: PlaceOrder, client_ids: ClientIds, now_ns: int, effects: Effects
) -> None:
    """Change the order where it stands."""
    gives = order.trader.quote if changed.side is BUY else order.trader.base
    effects.touch(gives)
    client_ids.closed(order)
    gives.release(market.held_minor(order))
    less_lots = order.terms.quantity_lots - changed.quantity_lots
    if order.level is None:  # it waits, and hides nothing; it may also grow
        order.remaining_lots -= less_lots
    # What is hidden goes first: a change that nobody can see is told to nobody.
    elif shown_lots := take_hidden(order, less_lots):
        effects.touch_level(order.level)
        market.book.reduce(order, shown_lots)
        assert order.remaining_lots > order.hidden_lots
    _take_on(order, changed, client_ids, now_ns, effects)
    gives.lock(market.held_minor(order))
    client_ids.rested(order)


def _enter_again(
    market: Market, order: Order, changed: PlaceOrder, client_ids: ClientIds, now_ns: int, effects: Effects
) -> None:
    """Take the order out of its level, and let it meet the book with what it asks now."""
    gives = order.trader.quote if changed.side is BUY else order.trader.base
    effects.touch(gives)
    market.closed(order)
    gives.release(market.held_minor(order))
    effects.touch_level(market.book.remove(order))
    order.remaining_lots += changed.quantity_lots - order.terms.quantity_lots
    order.rates = market.rates_for(order.trader)
    market.counts.last_priority += 1
    order.priority = market.counts.last_priority
    mode = SelfTrade.EXPIRE_TAKER if order.progress is None else order.progress.self_trade
    wanted = replace(changed, quantity_lots=order.remaining_lots, price_ticks=_stands_at(order, changed))
    found = plan_in_band(market.instrument, market.book, wanted, 0, None, mode)
    hide(order, found.matched_lots + found.prevented_lots)
    _take_on(order, changed, client_ids, now_ns, effects)
    market.enter(order, found, now_ns, effects)


def _take_on(order: Order, changed: PlaceOrder, client_ids: ClientIds, now_ns: int, effects: Effects) -> None:
    """Give the order its new terms, and tell of it."""
    terms, before = order.terms, order.progress or Progress()
    if not before.amendments:
        before = replace(before, first_price_ticks=terms.price_ticks or 0, first_quantity_lots=terms.quantity_lots)
    order.progress = replace(before, amendments=before.amendments + 1, hidden_lots=order.hidden_lots)
    order.price_ticks = _stands_at(order, changed)
    order.terms, order.updated_ns = changed, now_ns
    if changed.client_order_id != terms.client_order_id:
        client_ids.renamed(order)
    effects.order = done = updated(UpdateReason.AMENDED, order, order.status, now_ns)
    effects.events.append(done)
