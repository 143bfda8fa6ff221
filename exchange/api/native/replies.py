"""The replies, as types: what is sent, and what `/openapi.json` describes.

`encode` makes them with their fields in order, which costs half of what naming the fields does.
"""

from typing import Annotated, Any

import msgspec

from exchange.api.native import names

_ID = msgspec.Meta(extra_json_schema={"pattern": "^[1-9][0-9]*$"}, examples=["42"])
_MARKET_ID = msgspec.Meta(
    extra_json_schema={"pattern": "^[1-9][0-9]*$"}, description="counts the market's trades from 1", examples=["7"]
)
_AGGREGATE_ID = msgspec.Meta(
    extra_json_schema={"pattern": "^[1-9][0-9]*$"},
    description="counts the market's aggregates from 1: consecutive trades of one taker order at one price",
    examples=["3"],
)
_NUMBER = msgspec.Meta(
    extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$"}, description="exact, as text", examples=["150.02"]
)
_CHANGE = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, description="last minus open", examples=["-1.5"]
)
_FEE = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, description="negative: a rebate", examples=["0.015002"]
)
_RATE = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    description="a fraction of what is received, or of the quote; negative: a rebate",
    examples=["-0.0001"],
)
_SIGNED = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, description="negative: it has left", examples=["-150.02"]
)
_MILLIS = msgspec.Meta(ge=0, description="milliseconds since the epoch", examples=[1_800_000_000_000])
_COUNT = msgspec.Meta(ge=0)


def _enum(*values: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(values)})


Id = Annotated[str, _ID]
Number = Annotated[str, _NUMBER]
Fee = Annotated[str, _FEE]
Millis = Annotated[int, _MILLIS]
Count = Annotated[int, _COUNT]
Side = Annotated[str, _enum(*names.SIDE_NAMES)]
Liquidity = Annotated[str, _enum("maker", "taker")]
OrderType = Annotated[str, _enum(*names.ORDER_TYPE_NAMES)]
TimeInForce = Annotated[str, _enum(*names.TIME_IN_FORCE_NAMES)]
Status = Annotated[str, _enum(*names.STATUS_NAMES)]
ExpireReason = Annotated[str, _enum(*filter(None, names.EXPIRE_REASON_NAMES))]
CancelReason = Annotated[str, _enum(*names.CANCEL_REASON_NAMES)]
MarketStatus = Annotated[str, _enum(*names.MARKET_STATUS_NAMES)]
SelfTradePrevention = Annotated[str, _enum(*names.SELF_TRADE_NAMES)]
FeeAsset = Annotated[str, _enum(*names.FEE_ASSET_NAMES)]
Level = Annotated[tuple[Number, Number], msgspec.Meta(description="price and total quantity")]
PageNext = Annotated[
    Annotated[str, _ID] | None,
    msgspec.Meta(description="`before` of the next page, or its `after` if oldest first; null on the last one"),
]


class Reply(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A reply; all of its fields are always there."""


class Health(Reply):
    """The exchange can trade."""

    status: Annotated[str, _enum("ok")]
    version: str
    sequence: Annotated[int, msgspec.Meta(ge=0, description="the last durable one")]
    clock_offset_ms: Annotated[
        int, msgspec.Meta(description="the exchange's time less the machine's clock; 0 while they agree")
    ]
    markets: dict[str, MarketStatus]


class Time(Reply):
    """The exchange's clock."""

    timestamp: Millis


class OrderFill(Reply):
    """A fill as it stands in its order."""

    trade_id: Id
    price: Number
    quantity: Number
    fee: Fee
    fee_asset: str
    liquidity: Liquidity
    timestamp: Millis


class Peg(Reply):
    """Where the price of a pegged order comes from."""

    to: Annotated[str, _enum(*names.PEG_NAMES)]
    offset: Number | None
    levels: int | None
    follow: bool


class Order(Reply):
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
    cancel_reason: CancelReason | None
    created_at: Millis
    updated_at: Millis
    working_at: Annotated[Millis | None, msgspec.Meta(description="when it entered; null while it is pending")]
    self_trade_prevention: SelfTradePrevention
    prevented_quantity: Annotated[Number | None, msgspec.Meta(description="what met orders of the same user")]
    last_prevented_match_id: Id | None
    quote_quantity: Annotated[Number | None, msgspec.Meta(description="of a market order by its sum of the quote")]
    visible_quantity: Annotated[Number | None, msgspec.Meta(description="of an iceberg: what the book shows at a time")]
    peg: Annotated[Peg | None, msgspec.Meta(description="where its price comes from, of a pegged order")]
    pegged_price: Annotated[Number | None, msgspec.Meta(description="what a pegged order stands in the book at")]
    strategy_id: int | None
    strategy_type: int | None
    stop_price: Number | None
    trailing_delta: Annotated[int | None, msgspec.Meta(description="basis points")]
    trailing_amount: Number | None
    activation_price: Number | None
    expire_at: Millis | None
    pending_for: Annotated[Annotated[str, _enum("trigger", "list")] | None, msgspec.Meta(description="while pending")]
    tracking_at: Annotated[Millis | None, msgspec.Meta(description="since when a trailing order follows the price")]
    trigger_price: Annotated[Number | None, msgspec.Meta(description="of the trade that triggered it")]
    triggered_at: Millis | None
    refused_code: Annotated[str | None, msgspec.Meta(description="with refused_at_trigger: why it could not enter")]
    list_id: Annotated[Id | None, msgspec.Meta(description="of an order of a list")]


class OrderWithFills(Order):
    """An order, and the trades that made it what it is."""

    fills: list[OrderFill]


class Nothing(Reply):
    """An empty object."""


class LogLevel(Reply):
    """What is logged: lines of this level, and more serious ones."""

    level: str


class Orders(Reply):
    """Orders."""

    orders: list[Order]


class OrderPage(Reply):
    """A page of orders."""

    orders: list[Order]
    next: PageNext


class Canceled(Reply):
    """The orders that were canceled."""

    canceled: list[Order]


class CancelAllAfter(Reply):
    """When all open orders will be canceled, of one market or of all (null)."""

    market: str | None
    cancel_at: Millis | None


class CancelOnDisconnect(Reply):
    """Whether the orders that this socket places from now on are canceled when it ends."""

    enabled: bool


class Depth(Reply):
    """A book, best first on both sides."""

    market: str
    last_sequence: Annotated[int, msgspec.Meta(ge=0, description="how many changes of this book it holds")]
    bids: list[Level]
    asks: list[Level]


class Balance(Reply):
    """A user's money in one asset."""

    asset: str
    available: Number
    locked: Number
    total: Number


class Balances(Reply):
    """Every asset that the user ever had, or tried to trade."""

    user_id: str
    balances: list[Balance]


class Trade(Reply):
    """One match."""

    trade_id: Id
    market: str
    price: Number
    quantity: Number
    quote_quantity: Number
    taker_side: Side
    timestamp: Millis
    market_trade_id: Annotated[str, _MARKET_ID]
    aggregate_id: Annotated[str, _AGGREGATE_ID]


class TradePage(Reply):
    """A page of trades."""

    trades: list[Trade]
    next: PageNext


class Fill(OrderFill):
    """One order's side of a trade."""

    order_id: Id
    client_order_id: str | None
    market: str
    side: Side
    quote_quantity: Number


class FillPage(Reply):
    """A page of fills."""

    fills: list[Fill]
    next: PageNext


class PreventedMatch(Reply):
    """Two orders of one user that would have traded with each other."""

    match_id: Id
    market_match_id: Annotated[str, _ID]
    market: str
    taker_order_id: Id
    maker_order_id: Id
    mode: SelfTradePrevention
    price: Number
    taker_prevented_quantity: Number
    maker_prevented_quantity: Number
    timestamp: Millis


class PreventedMatchPage(Reply):
    """A page of prevented matches."""

    prevented_matches: list[PreventedMatch]
    next: PageNext


class Replaced(Reply):
    """What became of both parts of a replacement."""

    canceled: Annotated[
        Any, msgspec.Meta(description="the order, or its error; null in a retry if it is not there any more")
    ]
    placed: Annotated[Any, msgspec.Meta(description="the order with its fills, or its error")]


class Amendment(Reply):
    """What an order had before it was changed, and what it had after that; null where it stayed the same."""

    amendment_id: Id
    market: str
    order_id: Id
    client_order_id: str | None
    new_client_order_id: str | None
    price: Number | None
    new_price: Number | None
    quantity: Number
    new_quantity: Number | None
    key: Annotated[str | None, msgspec.Meta(description="of a reduce_by")]
    timestamp: Millis


class AmendmentPage(Reply):
    """A page of amendments."""

    amendments: list[Amendment]
    next: PageNext


class Ticker(Reply):
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
    status: MarketStatus


class Tickers(Reply):
    """Tickers."""

    tickers: list[Ticker]


class Candle(Reply):
    """One interval."""

    open_at: Millis
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    quote_volume: Number
    trades: Count
    first_market_trade_id: Annotated[str, _MARKET_ID]
    last_market_trade_id: Annotated[str, _MARKET_ID]
    taker_buy_volume: Annotated[Number, msgspec.Meta(description="of the volume, what takers bought")]
    taker_buy_quote_volume: Annotated[Number, msgspec.Meta(description="of the quote volume, what takers bought for")]


class Candles(Reply):
    """Candles, oldest first."""

    candles: list[Candle]


UserStatus = Annotated[str, _enum("enabled", "disabled")]
KeyType = Annotated[str, _enum("hmac", "ed25519", "rsa")]
Permission = Annotated[str, _enum("read", "trade", "admin")]
NameNext = Annotated[str | None, msgspec.Meta(description="`after` of the next page; null on the last one")]


class User(Reply):
    """A user."""

    user_id: str
    status: UserStatus
    fee_tier: Annotated[str | None, msgspec.Meta(description="null: the fees of each market")]


class UserPage(Reply):
    """A page of users."""

    users: list[User]
    next: NameNext


class UserStatusSet(Reply):
    """A user's status, and the orders that the change canceled."""

    user_id: str
    status: UserStatus
    canceled: list[Order]


class CreatedKey(Reply):
    """A new key. The secret is shown only here."""

    api_key: str
    secret: Annotated[str | None, msgspec.Meta(description="of an hmac key; else null")]


class Key(Reply):
    """A key, without its secret."""

    api_key: str
    user_id: str
    type: KeyType
    permissions: list[Permission]
    label: str | None
    allowed_addresses: list[str]
    expires_at: Millis | None
    created_at: Millis
    public_key: Annotated[str | None, msgspec.Meta(description="base64url; null of an hmac key")]


class KeyPage(Reply):
    """A page of keys."""

    keys: list[Key]
    next: NameNext


class AuditedAction(Reply):
    """What an administrator did."""

    sequence: Id
    timestamp: Millis
    actor: str
    address: str | None
    action: str
    user_id: Annotated[str | None, msgspec.Meta(description="null: it was about no user")]
    detail: str | None


class AuditPage(Reply):
    """A page of the audit."""

    actions: list[AuditedAction]
    next: PageNext


class BatchResults(Reply):
    """One for each item, in order: the order it placed (with fills) or canceled (without), or its error."""

    results: list[Any]


class Error(msgspec.Struct, omit_defaults=True, gc=False):
    """Why a call, or an item of a batch, was refused."""

    code: str
    message: str
    order: OrderWithFills | msgspec.UnsetType = msgspec.UNSET
    retry_after_s: int | msgspec.UnsetType = msgspec.UNSET
