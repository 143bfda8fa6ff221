"""The filters of the whole exchange on the wire: in the request that changes them and in the reply that shows them."""

from typing import Annotated

import msgspec

from exchange.api.native.models import Request
from exchange.api.native.replies import Count, Reply
from exchange.core.filters import NUMBER_MAX
from exchange.core.venue_filters import VENUE_FILTERS, VenueFilters

Bound = Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)] | None


class FiltersRequest(Request, kw_only=True):
    """The bounds to change; null leaves one as it is, and 0 takes it away."""

    max_open_orders: Bound = None
    max_open_stops: Bound = None
    max_open_icebergs: Bound = None
    max_open_lists: Bound = None

    def given(self) -> dict[str, int]:
        """Those that the request names."""
        found = {name: getattr(self, name) for name in VENUE_FILTERS}
        return {name: number for name, number in found.items() if number is not None}


class ExchangeFilters(Reply):
    """Bounds on what a user has open in all markets together; null where there is none."""

    max_open_orders: Count | None
    max_open_stops: Count | None
    max_open_icebergs: Count | None
    max_open_lists: Count | None


def shown(filters: VenueFilters) -> ExchangeFilters:
    """The filters that the exchange has."""
    return ExchangeFilters(*[getattr(filters, name) or None for name in VENUE_FILTERS])
