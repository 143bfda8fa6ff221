"""The requests, as types: what validates them is what `/openapi.json` describes."""

from typing import Annotated

import msgspec

from exchange.api.native.market_filters import GivenFilters
from exchange.api.native.names import (
    FEE_ASSET_NAMES,
    LOG_LEVELS,
    MARKET_STATUS_NAMES,
    ORDER_TYPE_NAMES,
    PEG_NAMES,
    REPLACE_MODES,
    SELF_TRADE_NAMES,
    TIME_IN_FORCE_NAMES,
)
from exchange.core.candles import INTERVAL_NAMES
from exchange.core.timers import TIMEOUT_MAX_MS

BATCH_MAX = 100
PAGE_MAX = 1000
PAGE_DEFAULT = 100
DEPTH_MAX = 5000


def _enum(*values: str) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"enum": list(values)}, description="case-insensitive")


_INTERVALS = msgspec.Meta(extra_json_schema={"enum": list(INTERVAL_NAMES)}, description="case-sensitive")
_USER = msgspec.Meta(max_length=64, description="who asks; the header X-User-Id says the same")
_MARKET = msgspec.Meta(max_length=40, examples=["SOL_USDC"])
_NUMBER = msgspec.Meta(
    extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$"}, description="a decimal number as text", examples=["150.02"]
)
_CLIENT_ORDER_ID = msgspec.Meta(
    max_length=36, extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,36}$"}, description="your own name for the order"
)
_ORDER_ID = msgspec.Meta(max_length=20, extra_json_schema={"pattern": "^[0-9]{1,19}$"})
_MILLIS = msgspec.Meta(extra_json_schema={"minimum": 0}, description="milliseconds since the epoch")
_PAGE = msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": PAGE_MAX})

_ONLY_IF = msgspec.Meta(
    extra_json_schema={"enum": ["open", "partially_filled"]}, description="case-insensitive; only in that status"
)
_TRAILING_DELTA = msgspec.Meta(ge=1, le=9999, description="basis points from the best last price")
_EXPIRE_AT = msgspec.Meta(ge=0, le=9_000_000_000_000, description="of a gtd order, in milliseconds since the epoch")
_KEY = msgspec.Meta(extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,64}$"}, description="goes with reduce_by")
_PEG_LEVELS = msgspec.Meta(ge=0, le=100, description="how many price levels deeper in the book")
_CANCEL_ID = msgspec.Meta(
    max_length=36, extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,36}$"}, description="your own name for the cancel"
)
_TIMEOUT = msgspec.Meta(ge=0, le=TIMEOUT_MAX_MS, description="0 takes it back")
_WHOLE = msgspec.Meta(ge=0, le=2**63 - 1, description="nobody interprets it")

User = Annotated[str, _USER] | None
MarketName = Annotated[str, _MARKET]
Number = Annotated[str, _NUMBER]
ClientOrderId = Annotated[str, _CLIENT_ORDER_ID] | None
OrderId = Annotated[str, _ORDER_ID] | None
Millis = Annotated[int, _MILLIS]


class Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body or a query; fields it does not have are refused by name."""


class PegRequest(Request, kw_only=True):
    """Where the price of an order comes from: the best of a side of the book, and one of the other two, if any."""

    to: Annotated[str, _enum(*PEG_NAMES)]
    offset: Annotated[Number | None, msgspec.Meta(description="how far from the other side")] = None
    levels: Annotated[int, _PEG_LEVELS] | None = None
    follow: Annotated[bool, msgspec.Meta(description="priced again when the book changes")] = False


class PlainOrderRequest(Request, kw_only=True):
    """Enter an order that asks nothing further, as most do. To have fewer fields costs less."""

    user_id: User = None
    market: MarketName
    side: Annotated[str, _enum("buy", "sell")]
    order_type: Annotated[str, _enum(*ORDER_TYPE_NAMES)]
    quantity: Number | None = None
    price: Number | None = None
    client_order_id: ClientOrderId = None
    time_in_force: Annotated[str, _enum(*TIME_IN_FORCE_NAMES)] | None = None
    post_only: bool = False


class PlaceOrderRequest(PlainOrderRequest, kw_only=True):
    """Enter an order."""

    quote_quantity: Annotated[Number | None, msgspec.Meta(description="of a market order, instead of quantity")] = None
    expire_at: Annotated[int, _EXPIRE_AT] | None = None
    stop_price: Annotated[Number | None, msgspec.Meta(description="the last price that a stop waits for")] = None
    trailing_delta: Annotated[int, _TRAILING_DELTA] | None = None
    trailing_amount: Annotated[Number | None, msgspec.Meta(description="instead of trailing_delta: a price")] = None
    activation_price: Annotated[Number | None, msgspec.Meta(description="where trailing begins")] = None
    self_trade_prevention: Annotated[str, _enum(*SELF_TRADE_NAMES)] | None = None
    visible_quantity: Annotated[Number | None, msgspec.Meta(description="of an iceberg: what the book shows")] = None
    peg: Annotated[PegRequest | None, msgspec.Meta(description="the price comes from the book")] = None
    strategy_id: Annotated[int, _WHOLE] | None = None
    strategy_type: Annotated[int, _WHOLE] | None = None


class OrderRequest(Request, kw_only=True):
    """Name an order, by one of its ids."""

    user_id: User = None
    market: MarketName
    order_id: OrderId = None
    client_order_id: ClientOrderId = None


class CancelRequest(OrderRequest, kw_only=True):
    """Cancel an order, named by one of its ids, or by both: then they must be of one order."""

    only_if: Annotated[str, _ONLY_IF] | None = None
    cancel_id: Annotated[str, _CANCEL_ID] | None = None


class AmendRequest(OrderRequest, kw_only=True):
    """Change an open order, named by one of its ids: at least one of the four.

    `quantity` is the new total; `reduce_by` is what it loses of that, once for each `key`.
    """

    quantity: Number | None = None
    reduce_by: Number | None = None
    key: Annotated[str, _KEY] | None = None
    price: Number | None = None
    new_client_order_id: ClientOrderId = None


class BatchCancel(Request, kw_only=True):
    """Name an order to cancel in a batch."""

    market: MarketName
    order_id: OrderId = None
    client_order_id: ClientOrderId = None
    only_if: Annotated[str, _ONLY_IF] | None = None
    cancel_id: Annotated[str, _CANCEL_ID] | None = None


class ReplaceRequest(Request, kw_only=True):
    """Cancel an order and place another in the same market, in one step."""

    user_id: User = None
    cancel: BatchCancel
    place: PlaceOrderRequest
    mode: Annotated[str, _enum(*REPLACE_MODES)] = "atomic"


class CancelAllRequest(Request, kw_only=True):
    """Cancel all open orders, of one market or of all."""

    user_id: User = None
    market: MarketName | None = None


class CancelAllAfterRequest(Request, kw_only=True):
    """Cancel all open orders of one market, or of all, after a time, unless this is asked again before."""

    user_id: User = None
    market: MarketName | None = None
    timeout_ms: Annotated[int, _TIMEOUT]


class OpenOrdersQuery(Request, kw_only=True):
    """Whose open orders."""

    user_id: User = None
    market: MarketName | None = None


class PageQuery(Request, kw_only=True):
    """A page: rows with ids after `after` and before `before`, of times from `start` to before `end`.

    The newest rows, newest first; with `after`, or with `start` and no `before`, the oldest, oldest first.
    """

    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    before: OrderId = None
    after: OrderId = None
    start: Millis | None = None
    end: Millis | None = None


class OrderHistoryQuery(PageQuery, kw_only=True):
    """A page of a user's orders; ids are order ids, and the time of an order is its creation."""

    user_id: User = None
    market: MarketName | None = None


class DepthQuery(Request, kw_only=True):
    """A market's book, `limit` levels a side."""

    market: MarketName
    limit: Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 1, "maximum": DEPTH_MAX})] = PAGE_DEFAULT


class BalanceQuery(Request, kw_only=True):
    """Whose balances."""

    user_id: User = None


class TradeHistoryQuery(PageQuery, kw_only=True):
    """A page of the trades of a market, or of all; ids are trade ids."""

    market: MarketName | None = None


class TickerQuery(Request, kw_only=True):
    """Which market; all of them when none is named."""

    market: MarketName | None = None


class CandlesQuery(Request, kw_only=True):
    """Candles from `start` to before `end`, in milliseconds: the first `limit`, or the last without a start."""

    market: MarketName
    interval: Annotated[str, _INTERVALS]
    start: int | None = None
    end: int | None = None
    limit: Annotated[int, _PAGE] = PAGE_DEFAULT


class FillsQuery(PageQuery, kw_only=True):
    """A page of a user's fills; ids are trade ids."""

    user_id: User = None
    market: MarketName | None = None
    order_id: OrderId = None


class DepositRequest(Request, kw_only=True):
    """Credit a user; the same key with the same content is credited once."""

    user_id: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,64}$"})]
    asset: Annotated[str, msgspec.Meta(max_length=20)]
    amount: Number
    key: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,64}$"})]


class MarketStatusRequest(Request, kw_only=True):
    """Change what a market takes."""

    market: MarketName
    status: Annotated[str, _enum(*MARKET_STATUS_NAMES)]


_RATE = msgspec.Meta(
    extra_json_schema={"pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    description="a fraction of what is received, or of the quote; negative: a rebate",
    examples=["-0.0001"],
)
_COUNT = msgspec.Meta(extra_json_schema={"minimum": 0})
SelfTradePrevention = Annotated[str, _enum(*SELF_TRADE_NAMES)]


class AssetRequest(Request, kw_only=True):
    """Add an asset; nothing if it is there already, with the same decimals."""

    asset: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^[A-Za-z0-9]{1,16}$"})]
    decimals: Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": 30})]


class MarketRequest(Request, kw_only=True):
    """Open a market, or change its rules: those that are not given stay, or have their defaults in a new market."""

    market: MarketName
    base: Annotated[str, msgspec.Meta(description="as in the market's name")] | None = None
    quote: Annotated[str, msgspec.Meta(description="as in the market's name")] | None = None
    base_decimals: Annotated[int, _COUNT] | None = None
    quote_decimals: Annotated[int, _COUNT] | None = None
    tick_size: Number | None = None
    lot_size: Number | None = None
    min_notional: Number | None = None
    maker_fee: Annotated[str, _RATE] | None = None
    taker_fee: Number | None = None
    max_open_orders: Annotated[int, _COUNT] | None = None
    status: Annotated[str, _enum(*MARKET_STATUS_NAMES)] | None = None
    fee_asset: Annotated[str, _enum(*FEE_ASSET_NAMES)] | None = None
    min_price: Number | None = None
    max_fills_per_order: Annotated[int, _COUNT] | None = None
    min_notional_applies_to_market: bool | None = None
    avg_price_mins: Annotated[int, _COUNT] | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    allowed_self_trade_prevention: list[SelfTradePrevention] | None = None
    filters: GivenFilters | None = None


class LogLevelRequest(Request, kw_only=True):
    """Change what is logged."""

    level: Annotated[str, _enum(*LOG_LEVELS)]


_NAME = msgspec.Meta(extra_json_schema={"pattern": "^[A-Za-z0-9._-]{1,64}$"})
Name = Annotated[str, _NAME]
ApiKeyId = Annotated[str, msgspec.Meta(max_length=64)]


class CreateUserRequest(Request, kw_only=True):
    """Add a user, unless there is one of that name, and credit the balances once."""

    user_id: Name
    balances: dict[str, Number] = {}


class UserRequest(Request, kw_only=True):
    """Name a user."""

    user_id: Name


class UsersQuery(Request, kw_only=True):
    """A page of users by name, those after `after`."""

    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    after: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class CreateKeyRequest(Request, kw_only=True):
    """Add an API key. `public_key` (PEM or base64) goes with the types ed25519 and rsa."""

    user_id: Name
    type: Annotated[str, _enum("hmac", "ed25519", "rsa")]
    permissions: list[Annotated[str, _enum("read", "trade", "admin")]]
    public_key: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    label: Name | None = None
    allowed_addresses: Annotated[list[str], msgspec.Meta(description="addresses or networks; none: from anywhere")] = []
    expires_at: Millis | None = None


class KeysQuery(Request, kw_only=True):
    """A page of keys by id, those after `after`; of one user or of all."""

    user_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    after: ApiKeyId | None = None


class OwnKeysQuery(Request, kw_only=True):
    """A page of a user's own keys by id, those after `after`."""

    user_id: User = None
    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    after: ApiKeyId | None = None


class RevokeOwnKeyRequest(Request, kw_only=True):
    """Name one of a user's own keys."""

    user_id: User = None
    api_key: ApiKeyId


class RevokeKeyRequest(Request, kw_only=True):
    """Name a key."""

    api_key: ApiKeyId


Account = Annotated[
    str,
    msgspec.Meta(
        extra_json_schema={"pattern": "^([A-Za-z0-9._-]{1,64}|@fees)$"}, description="a user, or @fees: the fee account"
    ),
]
AssetName = Annotated[str, msgspec.Meta(max_length=20)]


PendingOnly = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["pending"]})] | None


class WithdrawalRequest(Request, kw_only=True):
    """Lock an amount until the withdrawal is settled or released; the same key with the same content is locked once."""

    user_id: Account
    asset: AssetName
    amount: Number
    key: Name


class WithdrawalKeyRequest(Request, kw_only=True):
    """Name a withdrawal."""

    key: Name


class TransferRequest(Request, kw_only=True):
    """Move an amount to a user; the same key with the same content moves it once."""

    from_user_id: Account
    to_user_id: Name
    asset: AssetName
    amount: Number
    key: Name


class ResetRequest(Request, kw_only=True):
    """Cancel all orders of a user and set what is available; the same key with the same content does it once."""

    user_id: Name
    balances: dict[str, Number]
    key: Name


class AccountQuery(Request, kw_only=True):
    """Whose balances."""

    user_id: Account


class LedgerQuery(Request, kw_only=True):
    """A page of a user's postings, of one asset or of all, newest first."""

    user_id: User = None
    asset: AssetName | None = None
    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    before: Annotated[str, msgspec.Meta(max_length=64, description="the `next` of the page before")] | None = None


class AccountLedgerQuery(Request, kw_only=True):
    """A page of the postings of a user or of the fees, of one asset or of all, newest first."""

    user_id: Account
    asset: AssetName | None = None
    limit: Annotated[int, _PAGE] = PAGE_DEFAULT
    before: Annotated[str, msgspec.Meta(max_length=64, description="the `next` of the page before")] | None = None


class WithdrawalsQuery(PageQuery, kw_only=True):
    """A page of a user's withdrawals, by time or by the `next` of another page."""

    user_id: User = None
    status: PendingOnly = None


class AllWithdrawalsQuery(PageQuery, kw_only=True):
    """A page of withdrawals of all users, or of one, or of the fees."""

    user_id: Account | None = None
    status: PendingOnly = None


class FaucetRequest(Request, kw_only=True):
    """Credit oneself with what the faucet gives of an asset."""

    user_id: User = None
    asset: AssetName


class PreventedMatchesQuery(PageQuery, kw_only=True):
    """A page of a user's prevented matches; ids are match ids."""

    user_id: User = None
    market: MarketName | None = None
    order_id: OrderId = None


class AmendmentsQuery(PageQuery, kw_only=True):
    """A page of the amendments of a user's orders, or of one order; ids are amendment ids."""

    user_id: User = None
    market: MarketName | None = None
    order_id: OrderId = None


class NoQuery(Request, kw_only=True):
    """Nothing to ask for."""
