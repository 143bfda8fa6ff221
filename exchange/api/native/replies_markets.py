"""The replies about assets and markets, as types."""

from typing import Annotated

import msgspec

from exchange.api.native.exchange_filters import ExchangeFilters
from exchange.api.native.market_filters import MarketFilters
from exchange.api.native.replies import _RATE, Count, FeeAsset, MarketStatus, Number, Reply, SelfTradePrevention


class Market(Reply):
    """The rules of a market."""

    market: str
    base: str
    quote: str
    base_decimals: Count
    quote_decimals: Count
    tick_size: Number
    lot_size: Number
    min_notional: Number
    maker_fee: Annotated[str, _RATE]
    taker_fee: Annotated[Number, msgspec.Meta(description="a fraction of what is received, or of the quote")]
    max_open_orders: Count
    status: MarketStatus
    fee_asset: Annotated[FeeAsset, msgspec.Meta(description="what a side pays its fee in")]
    min_price: Annotated[Number, msgspec.Meta(description="the least price of an order")]
    max_fills_per_order: Annotated[Count, msgspec.Meta(description="the rest of an order expires")]
    min_notional_applies_to_market: bool
    avg_price_mins: Annotated[Count, msgspec.Meta(description="of the average price; 0: the last price")]
    self_trade_prevention: Annotated[SelfTradePrevention, msgspec.Meta(description="of an order that names none")]
    allowed_self_trade_prevention: list[SelfTradePrevention]
    filters: MarketFilters


class Asset(Reply):
    """An asset."""

    asset: str
    decimals: Count


class Markets(Reply):
    """All markets, and what holds over all of them."""

    markets: list[Market]
    filters: ExchangeFilters
