"""Self-trade prevention: what a plan found of it is carried out."""

from typing import TYPE_CHECKING, Final

from exchange.core.book import Order
from exchange.core.commands import Side
from exchange.core.conditions import SelfTrade
from exchange.core.effects import Effects, prevented, updated
from exchange.core.events import ExpireReason, OrderStatus, PreventedMatch, UpdateReason
from exchange.core.iceberg import take_beyond
from exchange.core.matching import Plan

if TYPE_CHECKING:
    from exchange.core.market import Market

BUY: Final = Side.BUY
EXPIRED: Final = OrderStatus.EXPIRED
BY_EXPIRING: Final = UpdateReason.EXPIRED
BY_PREVENTING: Final = UpdateReason.PREVENTED
EXPIRE_TAKER: Final = SelfTrade.EXPIRE_TAKER


def prevent(market: "Market", taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
    """Take off both orders what they would have traded with each other."""
    if not market.notes_prevented:
        return
    counts, rules = market.counts, market.instrument
    assert found.prevented is not None
    for maker, taker_lots, maker_lots in found.prevented:
        counts.last_match_id += 1
        market.last_match_id += 1
        mode = EXPIRE_TAKER if taker.progress is None else taker.progress.self_trade
        effects.prevent(
            PreventedMatch(
                counts.last_match_id,
                market.last_match_id,
                rules.symbol,
                taker.user_id,
                taker.order_id,
                maker.order_id,
                mode,
                maker.price_ticks,
                taker_lots,
                maker_lots,
                now_ns,
            )
        )
        if maker_lots:
            _prevent_maker(market, maker, maker_lots, now_ns, effects)
        taker.remaining_lots -= taker_lots
        taker.progress = prevented(taker.progress, taker_lots, counts.last_match_id)
        if taker.remaining_lots:  # otherwise the step of its end says it
            effects.order = done = updated(BY_PREVENTING, taker, taker.status, now_ns)
            effects.events.append(done)


def _prevent_maker(market: "Market", maker: Order, lots: int, now_ns: int, effects: Effects) -> None:
    level, gives = maker.level, maker.trader.quote if maker.terms.side is BUY else maker.trader.base
    assert level is not None
    effects.touch_level(level)
    effects.touch(gives)
    gives.release(market.needs_minor(maker))
    maker.progress = prevented(maker.progress, lots, market.counts.last_match_id)
    maker.updated_ns = now_ns
    market.book.reduce(maker, take_beyond(maker, lots))
    if maker.remaining_lots:
        gives.lock(market.needs_minor(maker))
        effects.events.append(updated(BY_PREVENTING, maker, maker.status, now_ns))
        if maker.remaining_lots == maker.hidden_lots:
            market.refill(maker, now_ns, effects)
        return
    market.closed(maker)
    effects.events.append(updated(BY_EXPIRING, maker, EXPIRED, now_ns, ExpireReason.SELF_TRADE))
