"""The filters of the venue: how many open orders and lists a user may have over all markets together.

0 is no bound. What they count is in `open_counts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from exchange.core.administration import Origin
from exchange.core.filters import NUMBER_MAX


@dataclass(frozen=True, slots=True)
class VenueFilters:
    """Bounds on what a user may have open, each 0 where there is none: orders of all kinds, those that wait for a
    price, icebergs, and lists."""

    max_open_orders: int = 0
    max_open_stops: int = 0
    max_open_icebergs: int = 0
    max_open_lists: int = 0


NO_VENUE_FILTERS: Final = VenueFilters()
VENUE_FILTERS: Final = tuple([field.name for field in fields(VenueFilters)])


@dataclass(slots=True)
class SetVenueFilters:
    """Change the filters of the venue. `origin` is who asked for it, None for the configuration."""

    filters: VenueFilters
    origin: Origin | None = None


@dataclass(slots=True)
class VenueFiltersSet:
    """The venue has other filters. `by_call`: somebody has set them while the venue ran, so those of a configuration
    count no more."""

    filters: VenueFilters
    by_call: bool


def venue_filters_with(filters: VenueFilters, given: Mapping[str, int]) -> VenueFilters:
    """The filters with some given anew, by name. Raises ValueError with what is wrong."""
    for name, number in given.items():
        if name not in VENUE_FILTERS:
            raise ValueError(f"there is no filter {name[:40]}; known are {', '.join(VENUE_FILTERS)}")
        if not 0 <= number <= NUMBER_MAX:
            raise ValueError(f"{name} = {number} must be 0 to {NUMBER_MAX}")
    return replace(filters, **given)


def differing_filters(before: VenueFilters, after: VenueFilters) -> dict[str, str]:
    """The filters that differ from those before, by name, as text; one that is there no more is `none`."""
    found = ((name, getattr(before, name), getattr(after, name)) for name in VENUE_FILTERS)
    return {name: str(number or "none") for name, old, number in found if old != number}


def venue_filters_text(filters: VenueFilters) -> str:
    """The text that stores them: `name:number`, with spaces between."""
    numbers = ((name, getattr(filters, name)) for name in VENUE_FILTERS)
    return " ".join(f"{name}:{number}" for name, number in numbers if number)


def venue_filters_from(text: str) -> VenueFilters:
    """The filters of a text."""
    return VenueFilters(**{name: int(number) for name, _, number in (part.partition(":") for part in text.split())})
