"""JSON in and out: the only file that knows public names.

In: text becomes a request, and a request a command in the venue's integers. Out: what the core says becomes plain dicts
for orjson. Nothing here looks at live state.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import orjson

from exchange.api.native.channels import name_of
from exchange.api.native.errors import ApiError
from exchange.api.native.models import BatchCancelItem, BatchItemKind, Json, PlaceOrderRequest
from exchange.core.candles import INTERVAL_NAMES, Candle
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import (
    INTERVALS_S,
    BalanceChanged,
    ExpireReason,
    MarketChanged,
    OrderStatus,
    OrderUpdated,
    Trade,
)
from exchange.core.instrument import Asset, Instrument, InvalidNumber, MarketStatus, OffGrid, decimal_text
from exchange.core.outcome import Applied
from exchange.core.public import CandleUpdate, DepthDiff, Ticker
from exchange.pipeline.subscriber import BalancesSnapshot, BalancesUpdate, DepthSnapshot, Message, OrdersSnapshot
from exchange.service.history import ID_MAX, Fill, OrderRead, PublicTrade

# Looking a member up in its enum costs more than a comparison.
BUY: Final = Side.BUY
LIMIT: Final = OrderType.LIMIT
GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES = {"limit": OrderType.LIMIT, "market": OrderType.MARKET}
TIMES_IN_FORCE = {"gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}

# Names by value: the values count from zero, and a tuple is found faster than an enumeration's hash.
SIDE_NAMES = tuple(SIDES)
ORDER_TYPE_NAMES = tuple(ORDER_TYPES)
TIME_IN_FORCE_NAMES = tuple(TIMES_IN_FORCE)
STATUS_NAMES = tuple(status.name.lower() for status in OrderStatus)
OPEN_NAMES = ("open", "partially_filled")
EXPIRE_REASON_NAMES = tuple(reason.name.lower() for reason in ExpireReason)
MARKET_STATUS_NAMES = tuple(status.name.lower() for status in MarketStatus)

_NUMBER_FIELDS = ("`$.price`", "`$.quantity`", "`$.amount`")
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[0-9]{1,19}")
_WHOLE = re.compile(r"[0-9]{1,18}")  # a converter would also take 1e2 and 5.0 for whole numbers
_WHOLE_FIELDS = ("limit", "start", "end")

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
_decoders: dict[type[msgspec.Struct], "msgspec.json.Decoder[Any]"] = {}


# --- in


def is_json(content_type: str) -> bool:
    """Whether a body of this type can be read."""
    return content_type == "application/json" or content_type.partition(";")[0].strip().lower() == "application/json"


def decode(body: bytes | str | msgspec.Raw, model: type[RequestT]) -> RequestT:
    """The request that the JSON text is. Raises ApiError."""
    decoder = _decoders.get(model)
    if decoder is None:
        decoder = _decoders[model] = msgspec.json.Decoder(model)
    try:
        request: RequestT = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError("MALFORMED_JSON", f"The body is not the JSON this call takes: {error}.") from None
    return request


def decode_query(query: Sequence[tuple[str, str]], model: type[RequestT]) -> RequestT:
    """The request that the query string is. Raises ApiError."""
    fields = dict(query)
    if len(fields) != len(query):
        raise ApiError("INVALID_FIELD", "A field is given twice.")
    for name in _WHOLE_FIELDS:
        if name in fields and not _WHOLE.fullmatch(fields[name]):
            raise ApiError("INVALID_FIELD", f"{name} must be digits, 18 at most.")
    try:
        return msgspec.convert(fields, model, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: msgspec.ValidationError) -> ApiError:
    text = str(error)
    if text.startswith("Expected `str") and text.endswith(_NUMBER_FIELDS):
        return ApiError("INVALID_NUMBER", f"A number must be decimal text: {text}.")
    return ApiError("INVALID_FIELD", f"{text}.")


def page_limit(limit: int, limit_max: int) -> int:
    """The page size, refused rather than clamped."""
    if not 1 <= limit <= limit_max:
        raise ApiError("INVALID_FIELD", f"limit must be from 1 to {limit_max}.")
    return limit


def interval_s(name: str) -> int:
    """The length of a candle. Raises ApiError."""
    length: int = _choice("interval", name, dict(zip(INTERVAL_NAMES, INTERVALS_S, strict=True)))
    return length


def time_range_s(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """A range of times in whole seconds, from milliseconds. Raises ApiError."""
    for name, value in (("start", start), ("end", end)):
        if value is not None:
            decode_millis(name, value)
    return (None if start is None else -(-start // 1000)), (None if end is None else -(-end // 1000))


def decode_millis(name: str, value: int) -> int:
    """A time in milliseconds since the epoch. Raises ApiError."""
    if not 0 <= value < ID_MAX:
        raise ApiError("INVALID_FIELD", f"{name} must be milliseconds since the epoch.")
    return value


def decode_id(name: str, text: str) -> int:
    """An id from its digits; one beyond all ids is the last, which nothing has. Raises ApiError."""
    if not _ID.fullmatch(text):
        raise ApiError("INVALID_FIELD", f"{name} must be digits.")
    return min(int(text), ID_MAX)


def decode_name(name: str, text: str) -> str:
    """A user or a key: what may stand in the database and in a log as it is. Raises ApiError."""
    if not _NAME.fullmatch(text):
        raise ApiError("INVALID_FIELD", f"{name} must be 1 to 64 of A-Z a-z 0-9 . _ -")
    return text


def _choice(name: str, text: str, choices: dict[str, Any]) -> Any:
    choice = choices.get(text)
    if choice is None and text.isascii():  # a Kelvin sign is a small k, too
        choice = choices.get(text.lower())
    if choice is None:
        raise ApiError("INVALID_FIELD", f"{name} must be one of {', '.join(choices)}.")
    return choice


def _client_order_id(text: str | None) -> str | None:
    if text is not None and not _CLIENT_ORDER_ID.fullmatch(text):
        raise ApiError("INVALID_FIELD", "client_order_id must be 1 to 36 of A-Z a-z 0-9 . _ -")
    return text


def minor(asset: Asset, text: str) -> int:
    """An amount in minor units. Raises ApiError."""
    try:
        return asset.minor(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", "amount must be a plain decimal number.") from None
    except OffGrid:
        raise ApiError(
            "INVALID_NUMBER", f"amount is finer than the {asset.decimals} decimals of {asset.symbol}."
        ) from None


def place_order(request: PlaceOrderRequest, user_id: str, rules: Instrument) -> PlaceOrder:
    """The command to place this order. Raises ApiError."""
    side: Side = _choice("side", request.side, SIDES)
    order_type: OrderType = _choice("order_type", request.order_type, ORDER_TYPES)
    limit = order_type is LIMIT
    time_in_force = GTC if limit else IOC
    if request.time_in_force is not None:
        time_in_force = _choice("time_in_force", request.time_in_force, TIMES_IN_FORCE)
        if not limit and time_in_force is not IOC:
            raise ApiError("INVALID_FIELD", "time_in_force of a market order is ioc.")
    if request.post_only and (not limit or time_in_force is not GTC):
        raise ApiError("INVALID_FIELD", "post_only goes with limit orders that are gtc.")
    if limit and request.price is None:
        raise ApiError("INVALID_FIELD", "price is missing: a limit order has one.")
    return PlaceOrder(
        user_id,
        rules.symbol,
        side,
        order_type,
        time_in_force,
        request.post_only,
        None if request.price is None else _steps("price", "OFF_TICK", request.price, rules.ticks),
        _steps("quantity", "OFF_LOT", request.quantity, rules.lots),
        _client_order_id(request.client_order_id),
    )


def _steps(name: str, off: str, text: str, steps: Any) -> int:
    try:
        count: int = steps(text)
    except InvalidNumber:
        raise ApiError("INVALID_NUMBER", f"{name} must be a plain decimal number.") from None
    except OffGrid:
        raise ApiError(off) from None
    return count


def order_ids(order_id: str | None, client_order_id: str | None) -> tuple[int | None, str | None]:
    """Either id of an order, exactly one of them given. Raises ApiError."""
    if (order_id is None) == (client_order_id is None):
        raise ApiError("INVALID_FIELD", "Give order_id or client_order_id, one of the two.")
    return (None if order_id is None else decode_id("order_id", order_id)), _client_order_id(client_order_id)


def batch_item(raw: msgspec.Raw) -> PlaceOrderRequest | BatchCancelItem:
    """One item of a batch. Raises ApiError."""
    try:
        return decode(raw, PlaceOrderRequest)
    except ApiError:
        if b'"cancel"' in memoryview(raw).tobytes() and decode(raw, BatchItemKind).cancel is not msgspec.UNSET:
            return decode(raw, BatchCancelItem)
        raise


# --- out


def millis(time_ns: int) -> int:
    """Milliseconds since the epoch."""
    return time_ns // 1_000_000


def order_json(order: OrderUpdated, rules: Instrument) -> Json:
    """An order, without its fills."""
    terms = order.terms
    return {
        "order_id": str(order.order_id),
        "client_order_id": terms.client_order_id,
        "user_id": terms.user_id,
        "market": terms.market,
        "side": SIDE_NAMES[terms.side],
        "order_type": ORDER_TYPE_NAMES[terms.order_type],
        "time_in_force": TIME_IN_FORCE_NAMES[terms.time_in_force],
        "post_only": terms.post_only,
        "price": None if terms.price_ticks is None else rules.price_text(terms.price_ticks),
        "quantity": rules.quantity_text(terms.quantity_lots),
        "executed_quantity": rules.quantity_text(order.executed_lots),
        "executed_quote_quantity": rules.quote.text(order.executed_quote_minor),
        "status": STATUS_NAMES[order.status],
        "expire_reason": None if order.expire_reason is None else EXPIRE_REASON_NAMES[order.expire_reason],
        "created_at": millis(order.created_ns),
        "updated_at": millis(order.updated_ns),
    }


def order_fill_json(trade: Trade, is_taker: bool, rules: Instrument) -> Json:
    """A trade as it stands in one of its two orders."""
    # The taker's side says who receives what: the buyer base, the seller quote, each less a fee in it.
    received = rules.base if (trade.taker_side is BUY) is is_taker else rules.quote
    return {
        "trade_id": str(trade.trade_id),
        "price": rules.price_text(trade.price_ticks),
        "quantity": rules.quantity_text(trade.quantity_lots),
        "fee": received.text(trade.taker_fee_minor if is_taker else trade.maker_fee_minor),
        "fee_asset": received.symbol,
        "liquidity": "taker" if is_taker else "maker",
        "timestamp": millis(trade.time_ns),
    }


def fill_json(fill: Fill, rules: Instrument) -> Json:
    """A fill that stands alone."""
    received = rules.base if fill.side is BUY else rules.quote
    return {
        "trade_id": str(fill.trade_id),
        "price": rules.price_text(fill.price_ticks),
        "quantity": rules.quantity_text(fill.quantity_lots),
        "fee": received.text(fill.fee_minor),
        "fee_asset": received.symbol,
        "liquidity": "taker" if fill.is_taker else "maker",
        "timestamp": fill.time_ns // 1_000_000,
        "order_id": str(fill.order_id),
        "client_order_id": fill.client_order_id,
        "market": rules.symbol,
        "side": SIDE_NAMES[fill.side],
        "quote_quantity": rules.quote.text(fill.quote_minor),
    }


def placed_json(applied: Applied, rules: Instrument) -> Json:
    """The answer to a placed order: the primary order of its command, and what that took."""
    order = applied.order
    assert order is not None
    fills: list[Json] = []
    for event in applied.events:
        if isinstance(event, Trade):
            if event.taker_order_id == order.order_id:
                fills.append(order_fill_json(event, True, rules))
        elif not isinstance(event, OrderUpdated):
            break  # of levels and accounts, which come behind all orders
    answer = order_json(order, rules)
    answer["fills"] = fills
    return answer


def order_with_fills(read: OrderRead, rules: Instrument) -> Json:
    """An order with the fills that made it what it is."""
    answer = order_json(read.order, rules)
    received = rules.base if read.order.terms.side is BUY else rules.quote
    answer["fills"] = [
        {
            "trade_id": str(fill.trade_id),
            "price": rules.price_text(fill.price_ticks),
            "quantity": rules.quantity_text(fill.quantity_lots),
            "fee": received.text(fill.fee_minor),
            "fee_asset": received.symbol,
            "liquidity": "taker" if fill.is_taker else "maker",
            "timestamp": fill.time_ns // 1_000_000,
        }
        for fill in read.fills
    ]
    return answer


def trade_json(trade: Trade | PublicTrade, rules: Instrument) -> Json:
    """A trade as everybody sees it."""
    return {
        "trade_id": str(trade.trade_id),
        "market": trade.market,
        "price": rules.price_text(trade.price_ticks),
        "quantity": rules.quantity_text(trade.quantity_lots),
        "quote_quantity": rules.quote.text(trade.quote_minor),
        "taker_side": SIDE_NAMES[trade.taker_side],
        "timestamp": millis(trade.time_ns),
        "market_trade_id": str(trade.market_trade_id),
        "aggregate_id": str(trade.aggregate_id),
    }


def levels_json(levels: Sequence[tuple[int, int]], rules: Instrument) -> list[list[str]]:
    """Price levels as pairs of texts."""
    return [[rules.price_text(price_ticks), rules.quantity_text(lots)] for price_ticks, lots in levels]


def account_rows(accounts: Sequence[BalanceChanged], assets: Mapping[str, Asset]) -> list[Json]:
    """Balances, by asset."""
    rows = []
    for account in sorted(accounts, key=lambda account: account.asset):
        asset = assets[account.asset]
        rows.append(
            {
                "asset": asset.symbol,
                "available": asset.text(account.available_minor),
                "locked": asset.text(account.locked_minor),
                "total": asset.text(account.available_minor + account.locked_minor),
            }
        )
    return rows


def market_json(rules: Instrument) -> Json:
    """A market's rules."""
    return {
        "market": rules.symbol,
        "base": rules.base.symbol,
        "quote": rules.quote.symbol,
        "base_decimals": rules.base.decimals,
        "quote_decimals": rules.quote.decimals,
        "tick_size": rules.price_text(1),
        "lot_size": rules.quantity_text(1),
        "min_notional": rules.quote.text(rules.min_notional_minor),
        "maker_fee": decimal_text(rules.maker_fee_ppm, 6),
        "taker_fee": decimal_text(rules.taker_fee_ppm, 6),
        "max_open_orders": rules.max_open_orders,
        "status": MARKET_STATUS_NAMES[rules.status],
    }


def _optional(text: Any, value: int | None) -> str | None:
    return None if value is None else text(value)


def ticker_json(ticker: Ticker, rules: Instrument) -> Json:
    """A market over 24 hours; `change` is last minus open."""
    last_ticks, open_ticks = ticker.last_ticks, ticker.open_ticks
    moved = None if last_ticks is None or open_ticks is None else last_ticks - open_ticks
    return {
        "market": ticker.market,
        "last": _optional(rules.price_text, last_ticks),
        **best_json(ticker.best_bid, ticker.best_ask, rules),
        "open": _optional(rules.price_text, open_ticks),
        "high": _optional(rules.price_text, ticker.high_ticks),
        "low": _optional(rules.price_text, ticker.low_ticks),
        "volume": rules.quantity_text(ticker.volume_lots),
        "quote_volume": rules.quote.text(ticker.quote_minor),
        "change": _optional(rules.price_text, moved),
        "trades": ticker.trades,
        "timestamp": millis(ticker.time_ns),
    }


def best_json(best_bid: tuple[int, int] | None, best_ask: tuple[int, int] | None, rules: Instrument) -> Json:
    """The best of a book; null where a side is empty."""
    (bid, bid_lots), (ask, ask_lots) = best_bid or (None, None), best_ask or (None, None)
    return {
        "best_bid": _optional(rules.price_text, bid),
        "best_bid_quantity": _optional(rules.quantity_text, bid_lots),
        "best_ask": _optional(rules.price_text, ask),
        "best_ask_quantity": _optional(rules.quantity_text, ask_lots),
    }


def candle_json(candle: Candle, rules: Instrument) -> Json:
    """A candle; `open_at` is when it begins."""
    opened, high, low, close = (rules.price_text(ticks) for ticks in candle.prices())
    return {
        "open_at": candle.open_s * 1000,
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": rules.quantity_text(candle.volume_lots),
        "quote_volume": rules.quote.text(candle.quote_minor),
        "trades": candle.trades,
        "first_market_trade_id": str(candle.first_market_trade_id),
        "last_market_trade_id": str(candle.last_market_trade_id),
        "taker_buy_volume": rules.quantity_text(candle.taker_buy_lots),
        "taker_buy_quote_volume": rules.quote.text(candle.taker_buy_quote_minor),
    }


# --- the socket


def feed_json(message: Message, rules: Callable[[str], Instrument], assets: Mapping[str, Asset]) -> Json:
    """An event of a channel."""
    made: Json = {
        "channel": name_of(message.channel),
        "sequence": message.sequence,
        "channel_sequence": message.channel_sequence,
    }
    if message.first_channel_sequence is not None:
        made["first_channel_sequence"] = message.first_channel_sequence
    made["data"] = _feed_data(message.data, rules, assets)
    return made


def _feed_data(data: Any, rules: Callable[[str], Instrument], assets: Mapping[str, Asset]) -> Json:
    match data:
        case Trade():
            row = trade_json(data, rules(data.market))
            del row["market"], row["quote_quantity"]  # what the channel's name says, and what price and quantity do
            return row
        case DepthDiff(market, first_sequence, last_sequence, bids, asks):
            return {
                "type": "diff",
                "first_sequence": first_sequence,
                "last_sequence": last_sequence,
                "bids": levels_json(list(bids.items()), rules(market)),
                "asks": levels_json(list(asks.items()), rules(market)),
            }
        case DepthSnapshot(_, last_sequence, bid_parts, ask_parts):
            return {
                "type": "snapshot",
                "last_sequence": last_sequence,
                "bids": orjson.Fragment(b"[%b]" % b",".join(bid_parts)),
                "asks": orjson.Fragment(b"[%b]" % b",".join(ask_parts)),
            }
        case OrderUpdated():
            return _order_update_json(data, rules(data.terms.market))
        case OrdersSnapshot(orders):
            return {"type": "snapshot", "orders": [order_json(order, rules(order.terms.market)) for order in orders]}
        case BalancesUpdate(accounts):
            return {"type": "update", "balances": account_rows(accounts, assets)}
        case BalancesSnapshot(accounts):
            return {"type": "snapshot", "balances": account_rows(accounts, assets)}
        case Ticker():
            return ticker_json(data, rules(data.market))
        case MarketChanged():
            return best_json(data.best_bid, data.best_ask, rules(data.market))
        case CandleUpdate(market, candle, closed):
            return {**candle_json(candle, rules(market)), "closed": closed}
    raise AssertionError(data)


def _order_update_json(update: OrderUpdated, rules: Instrument) -> Json:
    trade = update.trade
    fill = None if trade is None else order_fill_json(trade, trade.taker_order_id == update.order_id, rules)
    return {
        "type": "update",
        "reason": update.reason.name.lower(),
        "order": order_json(update, rules),
        "fill": fill,
    }
