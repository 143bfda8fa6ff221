"""Filters in the judge's stories."""

from dataclasses import replace

from exchange.core.administration import Origin
from exchange.core.commands import Side
from exchange.core.filters import Filters
from exchange.core.instrument import Instrument
from exchange.core.venue_filters import SetVenueFilters, VenueFilters
from tests.judge_wish import Wish

# Bounds near what most orders ask: prices of 1 to 6 ticks, quantities of 1 to 9 lots.
BOUNDS: dict[str, dict[str, int]] = {
    "sizes": {"max_price_ticks": 5, "min_quantity_lots": 2, "max_quantity_lots": 8, "max_amends_per_order": 2},
    "market sizes": {
        "market_min_quantity_lots": 2,
        "market_max_quantity_lots": 6,
        "max_iceberg_parts": 2,
        "max_amends_per_order": 1,
    },
    "worth": {"max_notional_minor": 12, "max_notional_applies_to_market": 1},
    "prices": {
        "bid_multiplier_up": 1_200_000,
        "bid_multiplier_down": 500_000,
        "ask_multiplier_up": 1_500_000,
        "ask_multiplier_down": 900_000,
    },
    "band": {"fill_band": 400_000, "fill_band_applies_to_limit": 1, "max_open_icebergs": 1},
    "stops": {"max_open_stops": 1, "min_trailing_above_bps": 3_000, "max_trailing_below_bps": 4_500},
    "position": {"max_position_minor": 14, "max_base_minor": 7},
    "asset": {"max_quote_minor": 12, "max_amends_per_order": 2},
    "list counts": {"max_open_lists": 1},
}
# On what a user has open in all markets; mostly none.
EVERYWHERE: tuple[VenueFilters, ...] = (
    VenueFilters(),
    VenueFilters(max_open_orders=4),
    VenueFilters(max_open_stops=2, max_open_lists=1),
    VenueFilters(max_open_icebergs=1, max_open_orders=7),
    VenueFilters(max_open_lists=2),
    VenueFilters(max_open_icebergs=2, max_open_stops=1),
)


def filtered_everywhere(price: int, which: int) -> SetVenueFilters:
    """Some filters of the venue, by a call or by a configuration."""
    return SetVenueFilters(EVERYWHERE[price - 1], Origin("root", "127.0.0.1") if which % 2 else None)


def filtered(rules: Instrument, wish: Wish, which: int, held_minor: int) -> Instrument:
    """The filters of `BOUNDS` that the kind of the wish names, or some of them, or none.

    Amounts are so many lots, or ticks times lots; a position is at times counted from what the user has of the base.
    """
    if wish.price > 4:
        return replace(rules, filters=None)
    bounds = dict(BOUNDS.get(wish.kind) or tuple(BOUNDS.values())[which % len(BOUNDS)])
    for name, unit in (("max_position_minor", rules.lot_minor), ("max_base_minor", rules.lot_minor)):
        if name in bounds:
            bounds[name] *= unit
    for name in ("max_notional_minor", "max_quote_minor"):
        if name in bounds:
            bounds[name] *= rules.notional_unit
    if "max_position_minor" in bounds and wish.side is Side.BUY:
        bounds["max_position_minor"] += held_minor
    return replace(rules, filters=Filters(**bounds))
