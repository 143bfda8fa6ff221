"""The filters of a market by the names of this dialect: those that are enforced, and no others.

The band around the best price at entry (`fill_band`) has no name here: an order that it ends is EXPIRED.
"""

from typing import Any

from exchange.api.binance import numbers
from exchange.api.binance.order_codec import DELTA_MAX
from exchange.core.filters import NO_FILTERS, Filters
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Instrument
from exchange.core.venue_filters import VenueFilters

Json = dict[str, Any]


def filters(rules: Instrument) -> list[Json]:
    """All that bound an order: those that every market has, then those that this one has."""
    bounds = rules.filters or NO_FILTERS
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": numbers.price(rules, max(rules.min_price_ticks, 1)),
            "maxPrice": numbers.price(rules, bounds.max_price_ticks or UNITS_MAX - 1),
            "tickSize": numbers.price(rules, 1),
        },
        _lot_size("LOT_SIZE", rules, bounds.min_quantity_lots, bounds.max_quantity_lots),
        _lot_size("MARKET_LOT_SIZE", rules, bounds.market_min_quantity_lots, bounds.market_max_quantity_lots),
        {
            "filterType": "NOTIONAL",
            "minNotional": numbers.amount(rules.quote, rules.min_notional_minor),
            "applyMinToMarket": rules.min_notional_applies_to_market,
            "maxNotional": numbers.amount(rules.quote, bounds.max_notional_minor or AMOUNT_MAX - 1),
            "applyMaxToMarket": bool(bounds.max_notional_applies_to_market),
            "avgPriceMins": rules.avg_price_mins,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": max(bounds.min_trailing_above_bps, 1),
            "maxTrailingAboveDelta": bounds.max_trailing_above_bps or DELTA_MAX,
            "minTrailingBelowDelta": max(bounds.min_trailing_below_bps, 1),
            "maxTrailingBelowDelta": bounds.max_trailing_below_bps or DELTA_MAX,
        },
        *_price_band(rules, bounds),
        *account_filters(rules),
        *_counted("ICEBERG_PARTS", "limit", bounds.max_iceberg_parts),
        *_counted("MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends", bounds.max_amends_per_order),
    ]


def account_filters(rules: Instrument) -> list[Json]:
    """Those that count what the user has."""
    bounds = rules.filters or NO_FILTERS
    position = [{"filterType": "MAX_POSITION", "maxPosition": numbers.amount(rules.base, bounds.max_position_minor)}]
    return [
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_open_orders},
        *_counted("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", bounds.max_open_stops),
        *_counted("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", bounds.max_open_icebergs),
        *_counted("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", bounds.max_open_lists),
        *(position if bounds.max_position_minor else ()),
    ]


def exchange_filters(bounds: VenueFilters) -> list[Json]:
    """Those that count what the user has in all markets."""
    return [
        *_counted("EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders", bounds.max_open_orders),
        *_counted("EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", bounds.max_open_stops),
        *_counted("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders", bounds.max_open_icebergs),
        *_counted("EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists", bounds.max_open_lists),
    ]


def asset_filters(rules: Instrument) -> list[Json]:
    """What one order may move of an asset."""
    bounds = rules.filters or NO_FILTERS
    pairs = ((rules.base, bounds.max_base_minor), (rules.quote, bounds.max_quote_minor))
    return [
        {"filterType": "MAX_ASSET", "asset": asset.symbol, "limit": numbers.amount(asset, most_minor)}
        for asset, most_minor in pairs
        if most_minor
    ]


def _lot_size(name: str, rules: Instrument, least: int, most: int) -> Json:
    lots_max = min(UNITS_MAX, AMOUNT_MAX // rules.lot_minor) - 1
    return {
        "filterType": name,
        "minQty": numbers.quantity(rules, max(least, 1)),
        "maxQty": numbers.quantity(rules, most or lots_max),
        "stepSize": numbers.quantity(rules, 1),
    }


def _price_band(rules: Instrument, bounds: Filters) -> list[Json]:
    multipliers = {
        "bidMultiplierUp": bounds.bid_multiplier_up,
        "bidMultiplierDown": bounds.bid_multiplier_down,
        "askMultiplierUp": bounds.ask_multiplier_up,
        "askMultiplierDown": bounds.ask_multiplier_down,
    }
    if not any(multipliers.values()):
        return []
    shown = {name: rules.ratio_text(ratio) for name, ratio in multipliers.items()}
    return [{"filterType": "PERCENT_PRICE_BY_SIDE", **shown, "avgPriceMins": rules.avg_price_mins}]


def _counted(name: str, field: str, most: int) -> list[Json]:
    return [{"filterType": name, field: most}] if most else []
