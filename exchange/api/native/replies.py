"""The replies, as types: what `/openapi.json` describes.

The codec makes them as plain dicts, which is faster; a test holds the replies of a running exchange against these,
field for field, so that neither can change alone.
"""

from typing import Annotated, Any

import msgspec

from exchange.api.native import codec

_ID = msgspec.Meta(extra_json_schema={"pattern": "^[1-9][0-9]*$"}, examples=["42"])
_NUMBER = msgspec.Meta(
    extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$"}, description="exact, as text", examples=["150.02"]
)
_CHANGE = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, description="last minus open", examples=["-1.5"]
)
_MILLIS = msgspec.Meta(ge=0, description="milliseconds since the epoch", examples=[1_800_000_000_000])
_COUNT = msgspec.Meta(ge=0)


def _enum(*values: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(values)})


Id = Annotated[str, _ID]
Number = Annotated[str, _NUMBER]
Millis = Annotated[int, _MILLIS]
Count = Annotated[int, _COUNT]
Side = Annotated[str, _enum(*codec.SIDE_NAMES)]
Liquidity = Annotated[str, _enum("maker", "taker")]
OrderType = Annotated[str, _enum(*codec.ORDER_TYPE_NAMES)]
TimeInForce = Annotated[str, _enum(*codec.TIME_IN_FORCE_NAMES)]
Status = Annotated[str, _enum(*codec.STATUS_NAMES)]
ExpireReason = Annotated[str, _enum(*codec.EXPIRE_REASON_NAMES)]
MarketStatus = Annotated[str, _enum(*codec.MARKET_STATUS_NAMES)]
Level = Annotated[tuple[Number, Number], msgspec.Meta(description="price and total quantity")]
PageNext = Annotated[
    Annotated[str, _ID] | None, msgspec.Meta(description="`before` of the next page; null on the last one")
]


class Reply(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A reply; all of its fields are always there."""


class Health(Reply, kw_only=True):
    """The exchange can trade."""

    status: Annotated[str, _enum("ok")]
    version: str
    sequence: Annotated[int, msgspec.Meta(ge=0, description="the last durable one")]
    clock_offset_ms: Annotated[
        int, msgspec.Meta(description="the exchange's time less the machine's clock; 0 while they agree")
    ]
    markets: dict[str, MarketStatus]


class Time(Reply, kw_only=True):
    """The exchange's clock."""

    timestamp: Millis


class OrderFill(Reply, kw_only=True):
    """A fill as it stands in its order."""

    trade_id: Id
    price: Number
    quantity: Number
    fee: Number
    fee_asset: str
    liquidity: Liquidity
    timestamp: Millis


class Order(Reply, kw_only=True):
    """An order."""

    order_id: Id
    client_order_id: str | None
    user_id: str
    market: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    price: Annotated[Number | None, msgspec.Meta(description="null in a market order without a worst price")]
    quantity: Number
    executed_quantity: Number
    executed_quote_quantity: Number
    status: Status
    expire_reason: ExpireReason | None
    created_at: Millis
    updated_at: Millis


class OrderWithFills(Order, kw_only=True):
    """An order, and the trades that made it what it is."""

    fills: list[OrderFill]


class Orders(Reply, kw_only=True):
    """Orders."""

    orders: list[Order]


class OrderPage(Reply, kw_only=True):
    """A page of orders."""

    orders: list[Order]
    next: PageNext


class Canceled(Reply, kw_only=True):
    """The orders that were canceled."""

    canceled: list[Order]


class Depth(Reply, kw_only=True):
    """A book, best first on both sides."""

    market: str
    last_sequence: Annotated[int, msgspec.Meta(ge=0, description="how many changes of this book it holds")]
    bids: list[Level]
    asks: list[Level]


class Balance(Reply, kw_only=True):
    """A user's money in one asset."""

    asset: str
    available: Number
    locked: Number
    total: Number


class Balances(Reply, kw_only=True):
    """Every asset that the user ever had, or tried to trade."""

    user_id: str
    balances: list[Balance]


class Trade(Reply, kw_only=True):
    """One match."""

    trade_id: Id
    market: str
    price: Number
    quantity: Number
    quote_quantity: Number
    taker_side: Side
    timestamp: Millis


class TradePage(Reply, kw_only=True):
    """A page of trades."""

    trades: list[Trade]
    next: PageNext


class Fill(OrderFill, kw_only=True):
    """One order's side of a trade."""

    order_id: Id
    client_order_id: str | None
    market: str
    side: Side
    quote_quantity: Number


class FillPage(Reply, kw_only=True):
    """A page of fills."""

    fills: list[Fill]
    next: PageNext


class Market(Reply, kw_only=True):
    """The rules of a market."""

    market: str
    base: str
    quote: str
    base_decimals: Count
    quote_decimals: Count
    tick_size: Number
    lot_size: Number
    min_notional: Number
    maker_fee: Annotated[Number, msgspec.Meta(description="a fraction of what is received")]
    taker_fee: Annotated[Number, msgspec.Meta(description="a fraction of what is received")]
    max_open_orders: Count
    status: MarketStatus


class Markets(Reply, kw_only=True):
    """All markets."""

    markets: list[Market]


class Ticker(Reply, kw_only=True):
    """A market over the last 24 hours; null where there is nothing."""

    market: str
    last: Number | None
    best_bid: Number | None
    best_bid_quantity: Number | None
    best_ask: Number | None
    best_ask_quantity: Number | None
    open: Number | None
    high: Number | None
    low: Number | None
    volume: Number
    quote_volume: Number
    change: Annotated[str, _CHANGE] | None
    trades: Count
    timestamp: Millis


class Tickers(Reply, kw_only=True):
    """Tickers."""

    tickers: list[Ticker]


class Candle(Reply, kw_only=True):
    """One interval."""

    open_at: Millis
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    quote_volume: Number
    trades: Count


class Candles(Reply, kw_only=True):
    """Candles, oldest first."""

    candles: list[Candle]


class BatchResults(Reply, kw_only=True):
    """One for each item, in order: the order it placed (with fills) or canceled (without), or its error."""

    results: list[dict[str, Any]]
