"""Pegged orders: their price comes from the book when they enter it.

A peg is to the best price of the order's own side (primary) or of the other one (market). From there it keeps an offset
away from the other side, or goes some price levels deeper into the side that it is pegged to. The order's own price, if
it has one, is its limit. What the order was pegged at stays its price, unless it follows the book: see following. Such
an order never takes, so it stays at least a tick away from the best of the other side.
"""

from dataclasses import replace
from typing import Final

from exchange.core.book import Book, BookSide, Order, Trader
from exchange.core.commands import PlaceOrder, Side
from exchange.core.conditions import Progress
from exchange.core.events import RejectReason
from exchange.core.fees import Rates
from exchange.core.filter_counts import refused_counts
from exchange.core.filtering import AFTER_FILTERS, refused_at_price, refused_by_filter
from exchange.core.filters import Filters
from exchange.core.following import counted_ticks, follows, of_bids
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument
from exchange.core.refusal import MAY_REST, refusal
from exchange.core.status import POST_ONLY, TRADING

BUY: Final = Side.BUY
LEVELS_MAX: Final = 100  # how deep into the book a peg may go


def pegged(terms: PlaceOrder) -> bool:
    """Whether the price of the order comes from the book."""
    return terms.conditions is not None and terms.conditions.peg_to is not None


def standing_ticks(terms: PlaceOrder, progress: Progress | None) -> int:
    """The price of an open order in the book; of one that waits, its limit, and 0 if it has none."""
    if progress is not None and progress.pegged_ticks:
        return progress.pegged_ticks
    return terms.price_ticks or 0


def peg_ticks(book: Book, terms: PlaceOrder) -> int | None:
    """The price that the order takes from the book as it is now, which may be out of range; None if there is none."""
    conditions = terms.conditions
    assert conditions is not None
    side, levels = book.bids if of_bids(terms) else book.asks, conditions.peg_levels or 0
    found = counted_ticks(side, levels) if follows(terms) else level_ticks(side, levels)
    if found is None:
        return None
    buys = terms.side is BUY
    prices = [found - (conditions.peg_offset_ticks or 0) if buys else found + (conditions.peg_offset_ticks or 0)]
    if terms.price_ticks is not None:
        prices.append(terms.price_ticks)
    other = (book.asks if buys else book.bids).best
    if follows(terms) and other is not None:
        prices.append(other.price_ticks - 1 if buys else other.price_ticks + 1)
    return min(prices) if buys else max(prices)


def level_ticks(side: BookSide, levels: int) -> int | None:
    """The price of the level that is so many behind the best, if there is one."""
    found = side.best
    for _ in range(levels):
        if found is None:
            break
        found = found.next_best()
    return None if found is None else found.price_ticks


def at_its_price(
    rules: Instrument,
    filters: Filters | None,
    rates: Rates | None,
    average: tuple[int, ...],
    book: Book,
    terms: PlaceOrder,
    trader: Trader,
    now_ns: int,
) -> PlaceOrder | RejectReason:
    """The order at the price that it takes from the book, still to be judged; or why it may not enter.

    What holds whatever else is open comes first: a replacement asks for it. So the filters come before a missing level,
    at the order's own price; at what it is pegged at they are judged with the order. `filters` are those of the market,
    None where neither it nor the venue has any.
    """
    limit_ticks, lots = terms.price_ticks, terms.quantity_lots
    if limit_ticks is not None:
        reason = refusal_at(rules, limit_ticks, lots)
        if reason is None and filters is not None:
            reason = refused_at_price(rules, filters, average, terms, now_ns)
        if reason is not None:
            return reason
    price_ticks = peg_ticks(book, terms)
    if price_ticks is not None:
        if not 0 < price_ticks < UNITS_MAX:
            return RejectReason.OUT_OF_RANGE
        return replace(terms, price_ticks=price_ticks)
    if rules.status is not TRADING and (rules.status is not POST_ONLY or terms.time_in_force not in MAY_REST):
        return RejectReason.MARKET_NOT_TRADING
    unpriced = replace(terms, price_ticks=None)
    reason = refusal(rules, rates, average, book, unpriced, trader, now_ns)
    if filters is not None and (reason is None or reason in AFTER_FILTERS):
        refused = refused_by_filter(rules, filters, average, unpriced, trader, now_ns)
        reason = refused or refused_counts(filters, (terms,), trader) or reason
    return RejectReason.NO_PRICE_LEVEL if reason is None else reason


def refusal_at(rules: Instrument, price_ticks: int, lots: int) -> RejectReason | None:
    """Why an order may not have that price, whatever the book is."""
    if not rules.min_price_ticks <= price_ticks < UNITS_MAX or not 0 < lots < UNITS_MAX:
        return RejectReason.OUT_OF_RANGE
    notional_minor = price_ticks * lots * rules.notional_unit
    if notional_minor >= AMOUNT_MAX:
        return RejectReason.OUT_OF_RANGE
    return RejectReason.MIN_NOTIONAL if notional_minor < rules.min_notional_minor else None


def take_price(order: Order, book: Book) -> None:
    """If the order is pegged, have it take its price from the book, as it was judged with."""
    if not pegged(order.terms):
        return
    price_ticks = peg_ticks(book, order.terms)
    assert price_ticks is not None
    assert order.progress is not None
    order.price_ticks = price_ticks
    order.progress = replace(order.progress, pegged_ticks=price_ticks)
