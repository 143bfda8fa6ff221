"""The filters of a market on the wire, by name: in the request that changes them and in the reply that shows them."""

from typing import Annotated

import msgspec

from exchange.core.filters import texts
from exchange.core.instrument import Instrument

_NUMBER = msgspec.Meta(extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$"}, examples=["1000"])
_COUNT = msgspec.Meta(extra_json_schema={"minimum": 0})

Bound = Annotated[str, _NUMBER] | None
Count = Annotated[int, _COUNT] | None


class GivenFilters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The bounds to change; null leaves one as it is, and 0 takes it away."""

    max_price: Bound = None
    min_quantity: Bound = None
    max_quantity: Bound = None
    market_min_quantity: Bound = None
    market_max_quantity: Bound = None
    max_notional: Bound = None
    max_notional_applies_to_market: bool | None = None
    bid_multiplier_up: Bound = None
    bid_multiplier_down: Bound = None
    ask_multiplier_up: Bound = None
    ask_multiplier_down: Bound = None
    fill_band: Bound = None
    fill_band_applies_to_limit: bool | None = None
    max_open_stops: Count = None
    max_open_icebergs: Count = None
    max_open_lists: Count = None
    max_iceberg_parts: Count = None
    min_trailing_above_bps: Count = None
    max_trailing_above_bps: Count = None
    min_trailing_below_bps: Count = None
    max_trailing_below_bps: Count = None
    max_amends_per_order: Count = None
    max_position: Bound = None
    max_base: Bound = None
    max_quote: Bound = None


class MarketFilters(msgspec.Struct, forbid_unknown_fields=True):
    """Bounds on the orders of a market; null where there is none."""

    max_price: Bound
    min_quantity: Bound
    max_quantity: Bound
    market_min_quantity: Bound
    market_max_quantity: Bound
    max_notional: Bound
    max_notional_applies_to_market: bool
    bid_multiplier_up: Bound
    bid_multiplier_down: Bound
    ask_multiplier_up: Bound
    ask_multiplier_down: Bound
    fill_band: Bound
    fill_band_applies_to_limit: bool
    max_open_stops: Count
    max_open_icebergs: Count
    max_open_lists: Count
    max_iceberg_parts: Count
    min_trailing_above_bps: Count
    max_trailing_above_bps: Count
    min_trailing_below_bps: Count
    max_trailing_below_bps: Count
    max_amends_per_order: Count
    max_position: Bound
    max_base: Bound
    max_quote: Bound


def filters_of(rules: Instrument) -> MarketFilters:
    """The filters that a market has."""
    return MarketFilters(**texts(rules))  # type: ignore[arg-type]
