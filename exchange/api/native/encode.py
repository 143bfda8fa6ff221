"""Results and events as they are sent: from the venue's integers to the typed replies and events, and these to JSON.

Nothing here looks at live state. The fields of a reply are given in its order.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from exchange.api.native import events, replies, replies_markets
from exchange.api.native.further import say_further
from exchange.api.native.market_filters import filters_of
from exchange.api.native.names import (
    CANCEL_REASONS,
    EXPIRE_REASON_NAMES,
    FEE_ASSET_NAMES,
    LIST_CHANGE_NAMES,
    MARKET_STATUS_NAMES,
    ORDER_TYPE_NAMES,
    SELF_TRADE_NAMES,
    SIDE_NAMES,
    STATUS_NAMES,
    TIME_IN_FORCE_NAMES,
    UPDATE_REASON_NAMES,
    name_of,
)
from exchange.api.native.told_lists import told_list
from exchange.core.amendments import Amended
from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.core.conditions import SelfTrade
from exchange.core.effects import CanceledById
from exchange.core.events import (
    BalanceChanged,
    MarketChanged,
    OrderStatus,
    OrderUpdated,
    PreventedMatch,
    Trade,
)
from exchange.core.instrument import Asset, Instrument, decimal_text
from exchange.core.list_events import ListUpdated
from exchange.core.public import CandleUpdate, DepthDiff, Ticker
from exchange.pipeline.subscriber import (
    BalancesSnapshot,
    BalancesUpdate,
    DepthSnapshot,
    ListsSnapshot,
    Message,
    OrdersSnapshot,
)
from exchange.service.history import Fill, OrderRead, PublicTrade
from exchange.service.results import Canceled, Changed, Placed, Single

CANCELED: Final = OrderStatus.CANCELED
BUY: Final = Side.BUY  # looking a member up in its enum costs more than a comparison
NS_PER_MS: Final = 1_000_000
PLAIN_MODE: Final = SELF_TRADE_NAMES[SelfTrade.EXPIRE_TAKER]

# To find a name in its module costs as much as to index a tuple, and an answer needs a dozen.
_SIDES: Final = SIDE_NAMES
_ORDER_TYPES: Final = ORDER_TYPE_NAMES
_TIMES: Final = TIME_IN_FORCE_NAMES
_STATUSES: Final = STATUS_NAMES
_EXPIRE_REASONS: Final = EXPIRE_REASON_NAMES
_Order: Final = replies.Order
_OrderWithFills: Final = replies.OrderWithFills
_OrderFill: Final = replies.OrderFill
_Fill: Final = replies.Fill
_encode: Final = msgspec.json.Encoder().encode
Rules = Callable[[str], Instrument]


def json_of(reply: Any) -> bytes:
    """The JSON of a reply or an event."""
    return _encode(reply)


# --- orders


def order(update: OrderUpdated, rules: Instrument) -> replies.Order:
    """An order, without its fills."""
    terms = update.terms
    made = _Order(
        str(update.order_id),
        terms.client_order_id,
        terms.user_id,
        terms.market,
        _SIDES[terms.side],
        _ORDER_TYPES[terms.order_type],
        _TIMES[terms.time_in_force],
        terms.post_only,
        None if terms.price_ticks is None else rules.price_text(terms.price_ticks),
        rules.quantity_text(terms.quantity_lots or _determined_lots(update)),
        rules.quantity_text(update.executed_lots),
        rules.quote.text(update.executed_quote_minor),
        _STATUSES[update.status],
        None if update.expire_reason is None else _EXPIRE_REASONS[update.expire_reason],
        None if update.status is not CANCELED else _cancel_reason(update),
        update.created_ns // NS_PER_MS,
        update.updated_ns // NS_PER_MS,
        update.created_ns // NS_PER_MS,
        PLAIN_MODE,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    )
    if terms.conditions is not None or update.progress is not None:
        say_further(made, update, rules)
    return made


def orders(some: Sequence[OrderUpdated], rules: Rules) -> list[replies.Order]:
    """Orders, without their fills."""
    return [order(update, rules(update.terms.market)) for update in some]


def _determined_lots(update: OrderUpdated) -> int:
    """The quantity of an order by its sum of the quote."""
    return 0 if update.progress is None else update.progress.determined_lots


def _cancel_reason(update: OrderUpdated) -> str:
    """Why a canceled order was canceled: by its owner, unless it says otherwise."""
    return "owner" if update.expire_reason is None else CANCEL_REASONS[update.expire_reason]


def order_with_fills(update: OrderUpdated, fills: list[replies.OrderFill], rules: Instrument) -> replies.OrderWithFills:
    """An order, and the trades that made it what it is."""
    terms = update.terms
    made = _OrderWithFills(
        str(update.order_id),
        terms.client_order_id,
        terms.user_id,
        terms.market,
        _SIDES[terms.side],
        _ORDER_TYPES[terms.order_type],
        _TIMES[terms.time_in_force],
        terms.post_only,
        None if terms.price_ticks is None else rules.price_text(terms.price_ticks),
        rules.quantity_text(terms.quantity_lots or _determined_lots(update)),
        rules.quantity_text(update.executed_lots),
        rules.quote.text(update.executed_quote_minor),
        _STATUSES[update.status],
        None if update.expire_reason is None else _EXPIRE_REASONS[update.expire_reason],
        None if update.status is not CANCELED else _cancel_reason(update),
        update.created_ns // NS_PER_MS,
        update.updated_ns // NS_PER_MS,
        update.created_ns // NS_PER_MS,
        PLAIN_MODE,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        fills,
    )
    if terms.conditions is not None or update.progress is not None:
        say_further(made, update, rules)
    return made


def order_fill(trade: Trade, is_taker: bool, rules: Instrument) -> replies.OrderFill:
    """A trade as it stands in one of its two orders."""
    paid_in = rules.fees_in((trade.taker_side is BUY) is is_taker)
    return _OrderFill(
        str(trade.trade_id),
        rules.price_text(trade.price_ticks),
        rules.quantity_text(trade.quantity_lots),
        paid_in.text(trade.taker_fee_minor if is_taker else trade.maker_fee_minor),
        paid_in.symbol,
        "taker" if is_taker else "maker",
        trade.time_ns // NS_PER_MS,
    )


def placed(result: Placed) -> replies.OrderWithFills:
    """An order as its command left it, with what it took."""
    rules = result.rules
    fills = [order_fill(trade, True, rules) for trade in result.trades()]
    return order_with_fills(result.order, fills, rules)


def order_read(read: OrderRead, rules: Instrument) -> replies.OrderWithFills:
    """An order as it was read, with its fills."""
    paid_in = rules.fees_in(read.order.terms.side is BUY)
    fills = [
        replies.OrderFill(
            str(fill.trade_id),
            rules.price_text(fill.price_ticks),
            rules.quantity_text(fill.quantity_lots),
            paid_in.text(fill.fee_minor),
            paid_in.symbol,
            "taker" if fill.is_taker else "maker",
            fill.time_ns // NS_PER_MS,
        )
        for fill in read.fills
    ]
    return order_with_fills(read.order, fills, rules)


def result(made: Single) -> replies.Order:
    """What an order or a cancel came to."""
    if isinstance(made, Placed):
        return placed(made)
    if isinstance(made, (Canceled, Changed)):
        return order(made.order, made.rules)
    return order_read(made.read, made.rules)


async def cancels_at(market: str | None, awaited: Awaitable[int | None]) -> replies.CancelAllAfter:
    """When all orders will be canceled."""
    due_ns = await awaited
    return replies.CancelAllAfter(market, None if due_ns is None else due_ns // NS_PER_MS)


# --- what is read


def fill(made: Fill, rules: Instrument) -> replies.Fill:
    """A fill that stands alone."""
    paid_in = rules.fees_in(made.side is BUY)
    return _Fill(
        str(made.trade_id),
        rules.price_text(made.price_ticks),
        rules.quantity_text(made.quantity_lots),
        paid_in.text(made.fee_minor),
        paid_in.symbol,
        "taker" if made.is_taker else "maker",
        made.time_ns // NS_PER_MS,
        str(made.order_id),
        made.client_order_id,
        rules.symbol,
        _SIDES[made.side],
        rules.quote.text(made.quote_minor),
    )


def fills(some: Sequence[Fill], rules: Rules) -> list[replies.Fill]:
    """Fills, of which most are of one market."""
    made: list[replies.Fill] = []
    of: Instrument | None = None
    for one in some:
        if of is None or of.symbol != one.market:
            of = rules(one.market)
        made.append(fill(one, of))
    return made


def trade(made: PublicTrade, rules: Instrument) -> replies.Trade:
    """A trade as everybody sees it."""
    return replies.Trade(
        str(made.trade_id),
        made.market,
        rules.price_text(made.price_ticks),
        rules.quantity_text(made.quantity_lots),
        rules.quote.text(made.quote_minor),
        SIDE_NAMES[made.taker_side],
        made.time_ns // NS_PER_MS,
        str(made.market_trade_id),
        str(made.aggregate_id),
    )


def levels(some: Sequence[tuple[int, int]], rules: Instrument) -> list[tuple[str, str]]:
    """Price levels as pairs of texts."""
    return [(rules.price_text(price_ticks), rules.quantity_text(lots)) for price_ticks, lots in some]


def balances(accounts: Sequence[BalanceChanged], assets: Mapping[str, Asset]) -> list[replies.Balance]:
    """Balances, by asset."""
    rows = []
    for account in sorted(accounts, key=lambda account: account.asset):
        asset = assets[account.asset]
        free, locked = account.available_minor, account.locked_minor
        rows.append(replies.Balance(asset.symbol, asset.text(free), asset.text(locked), asset.text(free + locked)))
    return rows


def market(rules: Instrument) -> replies_markets.Market:
    """A market's rules."""
    return replies_markets.Market(
        rules.symbol,
        rules.base.symbol,
        rules.quote.symbol,
        rules.base.decimals,
        rules.quote.decimals,
        rules.price_text(1),
        rules.quantity_text(1),
        rules.quote.text(rules.min_notional_minor),
        decimal_text(rules.maker_fee_ppm, 6),
        decimal_text(rules.taker_fee_ppm, 6),
        rules.max_open_orders,
        MARKET_STATUS_NAMES[rules.status],
        FEE_ASSET_NAMES[rules.fee_asset],
        rules.price_text(rules.min_price_ticks),
        rules.max_fills_per_order,
        rules.min_notional_applies_to_market,
        rules.avg_price_mins,
        SELF_TRADE_NAMES[rules.self_trade],
        [SELF_TRADE_NAMES[mode] for mode in SelfTrade if rules.self_trade_modes >> mode & 1],
        filters_of(rules),
    )


def prevented_match(match: PreventedMatch, rules: Instrument) -> replies.PreventedMatch:
    """A prevented match."""
    return replies.PreventedMatch(
        str(match.match_id),
        str(match.market_match_id),
        match.market,
        str(match.taker_order_id),
        str(match.maker_order_id),
        SELF_TRADE_NAMES[match.mode],
        rules.price_text(match.price_ticks),
        rules.quantity_text(match.taker_prevented_lots),
        rules.quantity_text(match.maker_prevented_lots),
        match.time_ns // NS_PER_MS,
    )


def amendment(amended: Amended, rules: Instrument) -> replies.Amendment:
    """An amendment."""
    return replies.Amendment(
        str(amended.amendment_id),
        amended.market,
        str(amended.order_id),
        amended.client_order_id,
        amended.new_client_order_id,
        _optional(rules.price_text, amended.price_ticks),
        _optional(rules.price_text, amended.new_price_ticks),
        rules.quantity_text(amended.quantity_lots),
        _optional(rules.quantity_text, amended.new_quantity_lots),
        amended.key,
        amended.time_ns // NS_PER_MS,
    )


def _optional(text: Callable[[int], str], value: int | None) -> str | None:
    return None if value is None else text(value)


def best(
    best_bid: tuple[int, int] | None, best_ask: tuple[int, int] | None, rules: Instrument
) -> tuple[str | None, str | None, str | None, str | None]:
    """The best of a book: bid, its quantity, ask, its quantity; None where a side is empty."""
    (bid, bid_lots), (ask, ask_lots) = best_bid or (None, None), best_ask or (None, None)
    price, quantity = rules.price_text, rules.quantity_text
    return _optional(price, bid), _optional(quantity, bid_lots), _optional(price, ask), _optional(quantity, ask_lots)


def ticker(made: Ticker, rules: Instrument) -> replies.Ticker:
    """A market over 24 hours; `change` is last minus open."""
    last_ticks, open_ticks, price = made.last_ticks, made.open_ticks, rules.price_text
    moved = None if last_ticks is None or open_ticks is None else last_ticks - open_ticks
    bid, bid_quantity, ask, ask_quantity = best(made.best_bid, made.best_ask, rules)
    return replies.Ticker(
        made.market,
        _optional(price, last_ticks),
        bid,
        bid_quantity,
        ask,
        ask_quantity,
        _optional(price, open_ticks),
        _optional(price, made.high_ticks),
        _optional(price, made.low_ticks),
        rules.quantity_text(made.volume_lots),
        rules.quote.text(made.quote_minor),
        _optional(price, moved),
        made.trades,
        made.time_ns // NS_PER_MS,
        MARKET_STATUS_NAMES[made.status],
    )


def candle(made: Candle, rules: Instrument) -> replies.Candle:
    """A candle; `open_at` is when it begins."""
    return replies.Candle(*_candle_fields(made, rules))


def _candle_fields(made: Candle, rules: Instrument) -> tuple[Any, ...]:
    opened, high, low, close = (rules.price_text(ticks) for ticks in made.prices())
    return (
        made.open_s * 1000,
        opened,
        high,
        low,
        close,
        rules.quantity_text(made.volume_lots),
        rules.quote.text(made.quote_minor),
        made.trades,
        str(made.first_market_trade_id),
        str(made.last_market_trade_id),
        rules.quantity_text(made.taker_buy_lots),
        rules.quote.text(made.taker_buy_quote_minor),
    )


# --- events


def event(message: Message, rules: Rules, assets: Mapping[str, Asset]) -> events.Event:
    """An event of a channel."""
    first = message.first_channel_sequence
    return events.Event(
        name_of(message.channel),
        message.sequence,
        message.channel_sequence,
        _event_data(message.data, rules, assets),
        msgspec.UNSET if first is None else first,
    )


def _event_data(data: Any, rules: Rules, assets: Mapping[str, Asset]) -> msgspec.Struct:
    if isinstance(data, Trade):
        of = rules(data.market)
        return events.TradeEvent(
            str(data.trade_id),
            of.price_text(data.price_ticks),
            of.quantity_text(data.quantity_lots),
            SIDE_NAMES[data.taker_side],
            data.time_ns // NS_PER_MS,
            str(data.market_trade_id),
            str(data.aggregate_id),
        )
    if isinstance(data, DepthDiff):
        of = rules(data.market)
        bids, asks = levels(list(data.bids.items()), of), levels(list(data.asks.items()), of)
        return events.DepthDiff(data.first_sequence, data.last_sequence, bids, asks)
    if isinstance(data, OrderUpdated):
        return _order_event(data, rules(data.terms.market))
    if isinstance(data, ListUpdated):
        return events.ListUpdate(LIST_CHANGE_NAMES[data.change], told_list(data))
    if isinstance(data, BalancesUpdate):
        return events.BalancesUpdate(balances(data.accounts, assets))
    if isinstance(data, MarketChanged):
        return events.BookTicker(*best(data.best_bid, data.best_ask, rules(data.market)))
    if isinstance(data, Ticker):
        return ticker(data, rules(data.market))
    if isinstance(data, CandleUpdate):
        return events.CandleEvent(*(*_candle_fields(data.candle, rules(data.market)), data.closed))
    return _snapshot(data, rules, assets)


def _snapshot(data: Any, rules: Rules, assets: Mapping[str, Asset]) -> msgspec.Struct:
    if isinstance(data, DepthSnapshot):
        bids, asks = (msgspec.Raw(b"[%b]" % b",".join(parts)) for parts in (data.bids, data.asks))
        return events.DepthSnapshot(data.last_sequence, bids, asks)
    if isinstance(data, OrdersSnapshot):
        return events.OrdersSnapshot(orders(data.orders, rules))
    if isinstance(data, ListsSnapshot):
        return events.ListsSnapshot([told_list(found) for found in data.lists])
    assert isinstance(data, BalancesSnapshot), data
    return events.BalancesSnapshot(balances(data.accounts, assets))


def _order_event(update: OrderUpdated, rules: Instrument) -> events.OrderUpdate:
    made = update.trade
    fill = None if made is None else order_fill(made, made.taker_order_id == update.order_id, rules)
    cancel_id = update.cancel_id if isinstance(update, CanceledById) else msgspec.UNSET
    return events.OrderUpdate(UPDATE_REASON_NAMES[update.reason], order(update, rules), fill, cancel_id)
