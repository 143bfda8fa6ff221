"""exchangeInfo: the rules of markets, with those filters that the exchange enforces."""

from collections.abc import Sequence
from typing import Any, Final

from exchange.api.binance import numbers
from exchange.api.binance.limits import rate_limits
from exchange.api.binance.order_codec import DELTA_MAX
from exchange.api.binance.symbols import symbol_of
from exchange.api.binance.words import MARKET_STATUS_WORDS, ORDER_TYPES, SELF_TRADE_WORDS
from exchange.core.conditions import SelfTrade
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument

PERMISSION: Final = "SPOT"


def exchange_info(symbols: Sequence[Any], time_ms: int) -> dict[str, Any]:
    """The whole answer, given what is said of each market."""
    return {
        "timezone": "UTC",
        "serverTime": time_ms,
        "rateLimits": rate_limits(),
        "exchangeFilters": [],
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


def filters(rules: Instrument) -> list[dict[str, Any]]:
    """The filters of a market."""
    lots_max = min(UNITS_MAX, AMOUNT_MAX // rules.lot_minor) - 1
    step = numbers.quantity(rules, 1)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": numbers.price(rules, max(rules.min_price_ticks, 1)),
            "maxPrice": numbers.price(rules, UNITS_MAX - 1),
            "tickSize": numbers.price(rules, 1),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": step,
            "maxQty": numbers.quantity(rules, lots_max),
            "stepSize": step,
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": step,
            "maxQty": numbers.quantity(rules, lots_max),
            "stepSize": step,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": numbers.amount(rules.quote, rules.min_notional_minor),
            "applyMinToMarket": rules.min_notional_applies_to_market,
            "maxNotional": numbers.amount(rules.quote, AMOUNT_MAX - 1),
            "applyMaxToMarket": False,
            "avgPriceMins": rules.avg_price_mins,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 1,
            "maxTrailingAboveDelta": DELTA_MAX,
            "minTrailingBelowDelta": 1,
            "maxTrailingBelowDelta": DELTA_MAX,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_open_orders},
    ]
