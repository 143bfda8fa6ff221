"""exchangeInfo: the rules of markets, with those filters that the exchange enforces."""

from collections.abc import Sequence
from typing import Any, Final

from exchange.api.binance import numbers
from exchange.api.binance.filters import exchange_filters, filters
from exchange.api.binance.limits import rate_limits
from exchange.api.binance.symbols import symbol_of
from exchange.api.binance.words import MARKET_STATUS_WORDS, ORDER_TYPES, SELF_TRADE_WORDS
from exchange.core.conditions import SelfTrade
from exchange.core.instrument import Instrument
from exchange.core.venue_filters import VenueFilters

PERMISSION: Final = "SPOT"


def exchange_info(symbols: Sequence[Any], bounds: VenueFilters, time_ms: int) -> dict[str, Any]:
    """The whole answer, given what is said of each market, and what holds over all of them."""
    return {
        "timezone": "UTC",
        "serverTime": time_ms,
        "rateLimits": rate_limits(),
        "exchangeFilters": exchange_filters(bounds),
        "symbols": symbols,
        "sors": [],
    }


def symbol_info(rules: Instrument, *, permission_sets: bool = True) -> dict[str, Any]:
    """One market."""
    base, quote = max(rules.base.decimals, numbers.DECIMALS), max(rules.quote.decimals, numbers.DECIMALS)
    return {
        "symbol": symbol_of(rules),
        "status": MARKET_STATUS_WORDS[rules.status],
        "baseAsset": rules.base.symbol,
        "baseAssetPrecision": base,
        "quoteAsset": rules.quote.symbol,
        "quotePrecision": quote,
        "quoteAssetPrecision": quote,
        "baseCommissionPrecision": base,
        "quoteCommissionPrecision": quote,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(rules),
        "permissions": [],
        "permissionSets": [[PERMISSION]] if permission_sets else [],
        "defaultSelfTradePreventionMode": SELF_TRADE_WORDS[rules.self_trade],
        "allowedSelfTradePreventionModes": [
            SELF_TRADE_WORDS[mode] for mode in SelfTrade if rules.self_trade_modes >> mode & 1
        ],
    }
