"""The shapes of the contract's replies.

Prices (quote per base), quantities (base) and amounts are decimal texts, exact as the exchange wrote them; ids are
texts of digits; times are milliseconds since the epoch.
"""

from typing import Any, NotRequired, TypedDict, final

Json = dict[str, Any]


class Fill(TypedDict):
    """One order's side of a trade. Inside an order the optional fields are absent: the order says them."""

    trade_id: str
    price: str
    quantity: str
    fee: str
    fee_asset: str
    liquidity: str
    timestamp: int
    order_id: NotRequired[str]
    client_order_id: NotRequired[str | None]
    market: NotRequired[str]
    side: NotRequired[str]
    quote_quantity: NotRequired[str]


@final
class Peg(TypedDict):
    """Where the price of a pegged order comes from."""

    to: str
    offset: str | None
    levels: int | None
    follow: bool


@final
class Order(TypedDict):
    """An order as it stood when the reply was made. Prices in quote per base, quantities in base, times in ms."""

    order_id: str
    client_order_id: str | None
    user_id: str
    market: str
    side: str
    order_type: str
    time_in_force: str
    post_only: bool
    price: str | None
    quantity: str
    executed_quantity: str
    executed_quote_quantity: str
    status: str
    expire_reason: str | None
    cancel_reason: str | None
    created_at: int
    updated_at: int
    working_at: int | None
    self_trade_prevention: str
    prevented_quantity: str | None
    last_prevented_match_id: str | None
    quote_quantity: str | None
    visible_quantity: str | None
    peg: Peg | None
    pegged_price: str | None
    strategy_id: int | None
    strategy_type: int | None
    stop_price: str | None
    trailing_delta: int | None
    trailing_amount: str | None
    activation_price: str | None
    expire_at: int | None
    pending_for: str | None
    tracking_at: int | None
    trigger_price: str | None
    triggered_at: int | None
    refused_code: str | None
    list_id: str | None
    fills: NotRequired[list[Fill]]


@final
class Refusal(TypedDict):
    """One item of a batch that was refused; some codes come with the `order`."""

    code: str
    message: str
    order: NotRequired[Order]


class Trade(TypedDict):
    """A match, as everybody may see it. `market_trade_id` counts the trades of its market from 1; the trades of one
    `aggregate_id` are consecutive, of one taker order and at one price."""

    trade_id: str
    market: str
    price: str
    quantity: str
    quote_quantity: str
    taker_side: str
    timestamp: int
    market_trade_id: str
    aggregate_id: str


class PreventedMatch(TypedDict):
    """Two orders of one user that would have traded, and what each lost by it."""

    match_id: str
    market_match_id: str
    market: str
    taker_order_id: str
    maker_order_id: str
    mode: str
    price: str
    taker_prevented_quantity: str
    maker_prevented_quantity: str
    timestamp: int


class Replaced(TypedDict):
    """What became of a replacement: the orders, or why one was refused.

    `canceled` is None in a retry if that order is not there any more.
    """

    canceled: "Order | Refusal | None"
    placed: "Order | Refusal"


class OrderList(TypedDict):
    """Orders that depend on each other: an `oco`, `oto` or `otoco`. `status` is `executing` or `all_done`."""

    list_id: str
    client_list_id: str | None
    user_id: str
    market: str
    type: str
    status: str
    end_reason: str | None
    created_at: int
    updated_at: int
    orders: list[Order]


class Amendment(TypedDict):
    """How an order was changed; what is new is None where it stayed the same."""

    amendment_id: str
    market: str
    order_id: str
    client_order_id: str | None
    new_client_order_id: str | None
    price: str | None
    new_price: str | None
    quantity: str
    new_quantity: str | None
    key: str | None
    timestamp: int


class MarketFilters(TypedDict):
    """The filters of a market: bounds on its orders, None where there is none."""

    max_price: str | None
    min_quantity: str | None
    max_quantity: str | None
    market_min_quantity: str | None
    market_max_quantity: str | None
    max_notional: str | None
    max_notional_applies_to_market: bool
    bid_multiplier_up: str | None
    bid_multiplier_down: str | None
    ask_multiplier_up: str | None
    ask_multiplier_down: str | None
    fill_band: str | None
    fill_band_applies_to_limit: bool
    max_open_stops: int | None
    max_open_icebergs: int | None
    max_open_lists: int | None
    max_iceberg_parts: int | None
    min_trailing_above_bps: int | None
    max_trailing_above_bps: int | None
    min_trailing_below_bps: int | None
    max_trailing_below_bps: int | None
    max_amends_per_order: int | None
    max_position: str | None
    max_base: str | None
    max_quote: str | None


class Market(TypedDict):
    """The rules of one market and its status."""

    market: str
    base: str
    quote: str
    base_decimals: int
    quote_decimals: int
    tick_size: str
    lot_size: str
    min_notional: str
    maker_fee: str
    taker_fee: str
    max_open_orders: int
    status: str
    fee_asset: str
    min_price: str
    max_fills_per_order: int
    min_notional_applies_to_market: bool
    avg_price_mins: int
    self_trade_prevention: str
    allowed_self_trade_prevention: list[str]
    filters: MarketFilters


class ExchangeFilters(TypedDict):
    """Bounds on what a user has open in all markets together, None where there is none."""

    max_open_orders: int | None
    max_open_stops: int | None
    max_open_icebergs: int | None
    max_open_lists: int | None


class Depth(TypedDict):
    """Price levels as (price, quantity), the best first."""

    market: str
    last_sequence: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Balance(TypedDict):
    """A user's balance in one asset; total = available + locked."""

    asset: str
    available: str
    locked: str
    total: str


class Ticker(TypedDict):
    """A market over the last 24 hours; None where there is none. `change` is last minus open."""

    market: str
    last: str | None
    best_bid: str | None
    best_bid_quantity: str | None
    best_ask: str | None
    best_ask_quantity: str | None
    open: str | None
    high: str | None
    low: str | None
    volume: str
    quote_volume: str
    change: str | None
    trades: int
    timestamp: int
    status: str


class Candle(TypedDict):
    """The trades of one interval, which began at `open_at` (ms). `taker_buy_…` is what takers bought of the volumes."""

    open_at: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int
    first_market_trade_id: str
    last_market_trade_id: str
    taker_buy_volume: str
    taker_buy_quote_volume: str
