"""Changes as rows: a tuple of what the columns of a table hold, in their order.

Amounts too long for JSON's readers are text, and null is the empty text. Rows travel as lines to copy, or
as one text, the array of records that PostgreSQL would write, since it reads that in less than half the time that JSON
takes. Both hold names without quotes: the row that adds a name asserts that the name needs none. Rows may be many: they
are made in pieces.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from exchange.core.amendments import Amended
from exchange.core.candles import Candle, candles_of
from exchange.core.commands import OrderType, Side, TimeInForce
from exchange.core.events import (
    INTERVALS_S,
    BalanceChanged,
    MarketChanged,
    MarketSet,
    OrderStatus,
    OrderUpdated,
    PreventedMatch,
    Trade,
)
from exchange.core.filters import filters_text
from exchange.core.instrument import Asset
from exchange.core.list_events import ListUpdated
from exchange.core.money import Withdrawal
from exchange.core.timers import TimerSet
from exchange.pipeline.changes import Audited, KeyChange, Reset, Transfer
from exchange.store.journal import tiers_text
from exchange.store.journal_lists import content_text, legs_text
from exchange.store.numbers_text import numbers_text

Row = tuple[Any, ...]
Item = TypeVar("Item")

Charted = tuple[tuple[str, int, int], Candle]  # a candle, with its market, interval_s and open_s

PIECE_MAX: Final = 2048  # items gone through in one go; if there are more, the loop gets a turn
NUMBER_MAX: Final = (1 << 62) - 1  # the largest that is compared without becoming an object first
NULL: Final = ""
ALL_MARKETS: Final = "*"  # no market has that name
NO_CANDLES: Final = " ".join("0" for _ in INTERVALS_S)
_SAME_TERMS: Final = (NULL,) * 9  # of an order, between its id and what changes of it
_SAME_RULES: Final = (NULL,) * 8  # of a market, between its symbol and its status
_SAME_FURTHER_RULES: Final = (NULL,) * 6  # after its counts
_SAME_MODES: Final = (NULL,) * 2
_SAME_TIERS: Final = (NULL,) * 2
# Of a member of an enumeration, which costs JSON's writer ten times what a number does, its number.
_SIDES: Final = tuple(map(int, Side))
_TYPES: Final = tuple(map(int, OrderType))
_TIMES: Final = tuple(map(int, TimeInForce))
_STATUSES: Final = tuple(map(int, OrderStatus))
_BARE: Final = re.compile(r"[A-Za-z0-9@:._-]+")
_CONTENT: Final = re.compile(r"[A-Za-z0-9@:._/|; -]+")
_WORDS: Final = re.compile(r"[A-Za-z0-9@:._/-]+( [A-Za-z0-9@:._/-]+)*")


def is_open(order: OrderUpdated) -> bool:
    """Whether the order is still in the book after this update."""
    return order.status <= OrderStatus.PARTIALLY_FILLED


def bare(name: str) -> str:
    """The name, which a record may hold without quotes: the API and the configuration admit no other."""
    assert _BARE.fullmatch(name), name
    return name


def words(texts: Sequence[str]) -> str:
    """Names with spaces between, which a record may hold without quotes; null if there is none."""
    joined = " ".join(texts)
    assert not joined or _WORDS.fullmatch(joined), joined
    return joined


def lines(items: Sequence[Item], row: Callable[[Item], Row]) -> bytes:
    """The rows of the items, at least one, as lines to copy, with commas between the columns."""
    # As JSON first, which is made in one go: [[1,"a",""],[2,"b","c"]] becomes 1,a, and 2,b,c.
    made = orjson.dumps([row(item) for item in items])
    return b"\n".join(made[2:-2].translate(None, b'"').split(b"],[")) + b"\n"


async def records(items: Sequence[Item], row: Callable[[Item], Row]) -> str:
    """The rows of the items as the text of an array of records."""
    texts: list[str] = []
    for begin in range(0, len(items), PIECE_MAX):
        if begin:
            await asyncio.sleep(0)
        # As JSON first, which is made in one go: [[1,"a",""],[2,"b","c"]] becomes "(1,a,)","(2,b,c)".
        made = orjson.dumps([row(item) for item in items[begin : begin + PIECE_MAX]])
        text = b')","('.join(made[2:-2].translate(None, b'"').split(b"],["))
        texts.append(f'"({text.decode()})"')
    return f"{{{','.join(texts)}}}"


def amount(minor: int) -> int | str:
    """An amount, which is text only where it is too long for a number of JSON."""
    return minor if -NUMBER_MAX <= minor <= NUMBER_MAX else str(minor)


def numbers(ids: Sequence[int]) -> str:
    """The text of an array of numbers."""
    return f"{{{','.join(map(str, ids))}}}"


def resting_row(order: OrderUpdated) -> Row:
    """An order that has come into the book."""
    terms, rates = order.terms, order.rates
    return (
        order.order_id,
        terms.user_id,
        terms.market,
        NULL if terms.client_order_id is None else bare(terms.client_order_id),
        _SIDES[terms.side],
        _TYPES[terms.order_type],
        _TIMES[terms.time_in_force],
        terms.post_only,
        NULL if terms.price_ticks is None else terms.price_ticks,
        terms.quantity_lots,
        order.executed_lots,
        amount(order.executed_quote_minor),
        _STATUSES[order.status],
        order.created_ns,
        order.updated_ns,
        order.priority,
        NULL if rates is None else rates.maker_ppm,
        NULL if rates is None else rates.taker_ppm,
        NULL if terms.conditions is None else numbers_text(terms.conditions),
        NULL if order.progress is None else numbers_text(order.progress),
    )


def closed_row(order: OrderUpdated) -> Row:
    """An order that is over."""
    terms = order.terms
    return (
        order.order_id,
        terms.user_id,
        terms.market,
        NULL if terms.client_order_id is None else bare(terms.client_order_id),
        _SIDES[terms.side],
        _TYPES[terms.order_type],
        _TIMES[terms.time_in_force],
        terms.post_only,
        NULL if terms.price_ticks is None else terms.price_ticks,
        terms.quantity_lots,
        order.executed_lots,
        amount(order.executed_quote_minor),
        _STATUSES[order.status],
        order.created_ns,
        order.updated_ns,
        NULL if order.expire_reason is None else order.expire_reason,
        NULL if terms.conditions is None else numbers_text(terms.conditions),
        NULL if order.progress is None else numbers_text(order.progress),
    )


def changed_row(order: OrderUpdated) -> Row:
    """What changes of an order that stays in the book: its columns of `PROGRESS`, and null in the others."""
    return (
        order.order_id,
        *_SAME_TERMS,
        order.executed_lots,
        amount(order.executed_quote_minor),
        _STATUSES[order.status],
        NULL,
        order.updated_ns,
        order.priority,
        *(NULL, NULL, NULL),
        NULL if order.progress is None else numbers_text(order.progress),
    )


def trade_row(trade: Trade) -> Row:
    """A trade."""
    return (
        trade.trade_id,
        trade.market,
        trade.price_ticks,
        trade.quantity_lots,
        amount(trade.quote_minor),
        _SIDES[trade.taker_side],
        trade.maker_order_id,
        trade.taker_order_id,
        trade.maker_user_id,
        trade.taker_user_id,
        amount(trade.maker_fee_minor),
        amount(trade.taker_fee_minor),
        trade.time_ns,
        trade.market_trade_id,
        trade.aggregate_id,
    )


def prevented_row(match: PreventedMatch) -> Row:
    """A prevented match."""
    return (
        *(match.match_id, match.market_match_id, match.market, match.user_id),
        *(match.taker_order_id, match.maker_order_id, match.mode, match.price_ticks),
        *(match.taker_prevented_lots, match.maker_prevented_lots, match.time_ns),
    )


def amendment_row(amended: Amended) -> Row:
    """An amendment."""
    name, new_name, key = amended.client_order_id, amended.new_client_order_id, amended.key
    return (
        *(amended.amendment_id, amended.market, amended.user_id, amended.order_id),
        *(NULL if name is None else bare(name), NULL if new_name is None else bare(new_name)),
        NULL if amended.price_ticks is None else amended.price_ticks,
        NULL if amended.new_price_ticks is None else amended.new_price_ticks,
        amended.quantity_lots,
        NULL if amended.new_quantity_lots is None else amended.new_quantity_lots,
        *(NULL if key is None else bare(key), amended.after_order_id, amended.time_ns),
    )


def account_row(account: BalanceChanged) -> Row:
    """An account."""
    return (
        account.user_id,
        account.asset,
        amount(account.available_minor),
        amount(account.locked_minor),
        account.balances_sequence,
        account.orders_sequence,
    )


def market_row(changed: MarketChanged) -> Row:
    """How far a market has counted, and its status; null for its other rules."""
    return (
        changed.market,
        *_SAME_RULES,
        changed.status,
        changed.book_sequence,
        changed.depth_sequence,
        changed.best_sequence,
        changed.trade_sequence,
        changed.last_trade_ns,
        " ".join(map(str, changed.candles)),
        changed.last_aggregate_id,
        *_SAME_FURTHER_RULES,
        " ".join(map(str, changed.average)),
        *_SAME_MODES,
        changed.last_match_id,
        NULL,
        " ".join(map(str, changed.tracks)),
        *_SAME_TIERS,
        NULL,
    )


def instrument_row(changed: MarketSet) -> Row:
    """A market's rules, and the counts of one that is new."""
    rules = changed.instrument
    return (
        bare(rules.symbol),
        rules.base.symbol,
        rules.quote.symbol,
        rules.price_text(1),
        rules.quantity_text(1),
        str(rules.min_notional_minor),
        rules.maker_fee_ppm,
        rules.taker_fee_ppm,
        rules.max_open_orders,
        rules.status,
        *(0, 0, 0, 0, 0),
        NO_CANDLES,
        0,
        rules.fee_asset,
        rules.min_price_ticks,
        rules.max_fills_per_order,
        rules.min_notional_applies_to_market,
        rules.avg_price_mins,
        rules.fills_may_leave_nothing,
        NULL,
        rules.self_trade,
        rules.self_trade_modes,
        0,
        changed.by_call,
        NULL,
        rules.set_min_price_ticks,
        words(tiers_text(rules.tiers).split()),
        filters_text(rules.filters) or NULL,
    )


def user_row(user: tuple[str, bool]) -> Row:
    """A user, and whether they are disabled."""
    user_id, disabled = user
    return bare(user_id), 1 if disabled else 0


def timer_row(timer: TimerSet) -> Row:
    """A timer; null where it is there no more."""
    market = ALL_MARKETS if timer.market is None else timer.market
    return bare(timer.user_id), market, NULL if timer.due_ns is None else timer.due_ns


def user_tier_row(user: tuple[str, str | None]) -> Row:
    """A user, and their fee tier."""
    user_id, tier = user
    return bare(user_id), NULL if tier is None else bare(tier)


def filter_row(bound: tuple[str, int, bool]) -> Row:
    """A filter of the whole exchange, and whether a call has set them."""
    return bound


def key_row(change: KeyChange) -> Row:
    """A key, and when it was revoked."""
    key, revoked_ns = change
    return (
        *(bare(key.api_key), bare(key.user_id), key.key_type.value, bare(key.material), words(key.permissions)),
        NULL if key.label is None else bare(key.label),
        words(key.allowed_addresses),
        NULL if key.expires_ns is None else key.expires_ns,
        key.created_ns,
        NULL if revoked_ns is None else revoked_ns,
    )


def audit_row(audited: Audited) -> Row:
    """An administrative action, with its sequence and time_ns."""
    sequence, time_ns, done = audited
    origin = done.origin
    return (
        *(sequence, time_ns, bare(origin.actor), NULL if origin.address is None else bare(origin.address)),
        *(bare(done.action), NULL if done.user_id is None else bare(done.user_id)),
        NULL if done.detail is None else words((done.detail,)),
    )


def asset_row(asset: Asset) -> Row:
    """An asset."""
    return bare(asset.symbol), asset.decimals


def transfer_row(transfer: Transfer) -> Row:
    """What moved from one account to another, with its sequence and time_ns."""
    sequence, time_ns, moved = transfer
    return (
        *(sequence, bare(moved.to_user_id), moved.asset, amount(moved.amount_minor), bare(moved.key), time_ns),
        *(moved.kind, bare(moved.from_user_id)),
    )


def withdrawal_row(found: Withdrawal) -> Row:
    """A withdrawal."""
    return (
        *(found.sequence, bare(found.key), bare(found.user_id), found.asset, amount(found.amount_minor), found.status),
        *(found.requested_ns, NULL if found.ended_ns is None else found.ended_ns),
    )


def reset_row(reset: Reset) -> Row:
    """A reset of a user, with its sequence and time_ns."""
    sequence, time_ns, done = reset
    balances = words([f"{asset}:{amount_minor}" for asset, amount_minor in done.balances])
    return sequence, bare(done.key), bare(done.user_id), balances, time_ns


def list_row(found: ListUpdated) -> Row:
    """A list of orders."""
    placed, content = found.placed, content_text(found.placed)
    assert _CONTENT.fullmatch(content), content
    return (
        *(found.list_id, bare(placed.user_id), placed.market, int(placed.list_type)),
        NULL if placed.client_list_id is None else bare(placed.client_list_id),
        *(1 if found.done else 0, NULL if found.end is None else int(found.end)),
        *(found.created_ns, found.updated_ns, words([legs_text(found.legs)]), content),
    )


def list_count_row(count: tuple[str, int]) -> Row:
    """A user, and how many events their lists had."""
    return count


async def charts(trades: Sequence[Trade]) -> list[Charted]:
    """What the trades add to the candles of every interval."""
    candles: dict[tuple[str, int, int], Candle] = {}
    for begin in range(0, len(trades), PIECE_MAX):
        if begin:
            await asyncio.sleep(0)
        for key, candle in candles_of(trades[begin : begin + PIECE_MAX]).items():
            before = candles.get(key)
            if before is None:
                candles[key] = candle
            else:
                before.merge(candle)
    return list(candles.items())


def candle_row(charted: Charted) -> Row:
    """What trades add to a candle."""
    (market, interval_s, open_s), candle = charted
    return (
        *(market, interval_s, open_s),
        *(candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks),
        *(str(candle.volume_lots), str(candle.quote_minor), candle.trades),
        *(candle.first_market_trade_id, candle.last_market_trade_id),
        *(str(candle.taker_buy_lots), str(candle.taker_buy_quote_minor)),
    )
