"""Filters in the judge's stories."""

from dataclasses import replace

from exchange.core.filters import Filters
from exchange.core.instrument import Instrument

# Bounds near what most orders ask: prices of 1 to 6 ticks, quantities of 1 to 9 lots.
BOUNDS: tuple[dict[str, int], ...] = (
    {"max_price_ticks": 5, "min_quantity_lots": 2, "max_quantity_lots": 8, "max_amends_per_order": 2},
    {"market_min_quantity_lots": 2, "market_max_quantity_lots": 6, "max_iceberg_parts": 2, "max_amends_per_order": 1},
    {"max_notional_minor": 12, "max_notional_applies_to_market": 1},
    {
        "bid_multiplier_up": 1_200_000,
        "bid_multiplier_down": 500_000,
        "ask_multiplier_up": 1_500_000,
        "ask_multiplier_down": 900_000,
    },
    {"fill_band": 400_000, "fill_band_applies_to_limit": 1, "max_open_icebergs": 1},
    {"max_open_stops": 1, "min_trailing_above_bps": 3_000, "max_trailing_below_bps": 4_500},
    {"max_position_minor": 14, "max_base_minor": 7},
    {"max_quote_minor": 12, "max_amends_per_order": 2},
)


def filtered(rules: Instrument, price: int, which: int) -> Instrument:
    """Some filters; amounts are so many lots, or ticks times lots. Mostly none."""
    if price > 4:
        return replace(rules, filters=None)
    bounds = dict(BOUNDS[which % len(BOUNDS)])
    for name, unit in (("max_position_minor", rules.lot_minor), ("max_base_minor", rules.lot_minor)):
        if name in bounds:
            bounds[name] *= unit
    for name in ("max_notional_minor", "max_quote_minor"):
        if name in bounds:
            bounds[name] *= rules.notional_unit
    return replace(rules, filters=Filters(**bounds))
