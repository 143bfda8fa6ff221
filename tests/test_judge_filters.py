"""Who judges the judge of filters: each broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.core import amend, band, filter_counts, filtering, list_market, triggers, waiting
from exchange.core.book import Book
from exchange.core.commands import PlaceOrder, Side
from exchange.core.events import RejectReason
from exchange.core.filters import Filters
from exchange.core.instrument import Instrument
from exchange.core.open_counts import OpenCounts
from exchange.core.venue_filters import VenueFilters
from tests.judging import Error, assert_caught, of_sources, planted


def with_other_filters(name: str, change: Callable[[Filters], Filters]) -> Error:
    """An error of that name: orders that enter are judged by other filters than those of their market."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        rightly = filtering.refused_by_filter

        def refused(rules: Instrument, filters: Filters, *of: Any) -> RejectReason | None:
            return rightly(rules, change(filters), *of)

        patch.setattr(filtering, "refused_by_filter", refused)
        patch.setattr(waiting, "refused_by_filter", refused)

    plant.__name__ = name
    return plant


def with_other_bounds(name: str, change: Callable[[VenueFilters], VenueFilters]) -> Error:
    """An error of that name: orders are judged by other filters of the venue than it has."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        rightly = filter_counts._refused_everywhere
        patch.setattr(filter_counts, "_refused_everywhere", lambda filters, *of: rightly(change(filters), *of))

    plant.__name__ = name
    return plant


def with_other_bounds_of(kind: str) -> list[Error]:
    """Two errors: no bound of a kind, and one more than it says."""

    def one_more(filters: VenueFilters) -> VenueFilters:
        most = getattr(filters, kind)
        return replace(filters, **{kind: most + 1 if most else 0})

    return [
        with_other_bounds(f"have_no_{kind}_of_the_venue", lambda filters: replace(filters, **{kind: 0})),
        with_other_bounds(f"let_one_above_{kind}_of_the_venue", one_more),
    ]


def count_in_one_market_only(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filter_counts, "_elsewhere", lambda trader: [])


def count_what_has_left(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(OpenCounts, "left", lambda self, order_id: None)


def count_what_a_replacement_takes_away(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filter_counts, "_open_stops", lambda trader: len(trader.counts.stops))


def with_other_lists(name: str, change: Callable[[int], int]) -> Error:
    """An error of that name: lists are judged by another bound than their market has."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        rightly = filter_counts.refused_counts

        def refused(filters: Filters, *of: Any) -> RejectReason | None:
            return rightly(replace(filters, max_open_lists=change(filters.max_open_lists)), *of)

        patch.setattr(list_market, "refused_counts", refused)

    plant.__name__ = name
    return plant


def let_a_tick_more(plant: pytest.MonkeyPatch) -> None:
    rightly = band.edge_of

    def edge_of(rules: Instrument, book: Book, terms: PlaceOrder) -> int | None:
        edge = rightly(rules, book, terms)
        return None if edge is None else edge + (1 if terms.side is Side.BUY else -1)

    plant.setattr(band, "edge_of", edge_of)


def let_what_the_band_ends_rest(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(band, "_note_band", lambda *of: None)


def count_all_open_orders_as_stops(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filter_counts, "_open_stops", lambda trader: len(trader.open_orders))


def allow_one_iceberg_more(plant: pytest.MonkeyPatch) -> None:
    rightly = filter_counts._open_icebergs
    plant.setattr(filter_counts, "_open_icebergs", lambda trader: rightly(trader) - 1)


def count_only_some_of_a_list(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(list_market, "refused_counts", lambda *of: None)


def take_falling_for_rising(plant: pytest.MonkeyPatch) -> None:
    rightly = triggers.rises
    plant.setattr(filtering, "rises", lambda terms: not rightly(terms))


def round_the_parts_down(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filtering, "div_ceil", lambda lots, visible_lots: lots // visible_lots)


def allow_one_amendment_more(plant: pytest.MonkeyPatch) -> None:
    rightly = filtering.refused_amendment

    def refused(rules: Instrument, filters: Filters, *of: Any) -> RejectReason | None:
        most = filters.max_amends_per_order
        return rightly(rules, replace(filters, max_amends_per_order=most + 1 if most else 0), *of)

    plant.setattr(amend, "refused_amendment", refused)


def amend_without_filters(plant: pytest.MonkeyPatch) -> None:
    rightly = filtering.refused_amendment

    def refused(rules: Instrument, filters: Filters, *of: Any) -> RejectReason | None:
        return rightly(rules, Filters(max_amends_per_order=filters.max_amends_per_order), *of)

    plant.setattr(amend, "refused_amendment", refused)


def forget_the_open_buys(plant: pytest.MonkeyPatch) -> None:
    def position(rules: Instrument, trader: Any, lots: int, apart: Any = None) -> int:
        return int(trader.base.available + trader.base.locked + lots * rules.lot_minor)

    plant.setattr(filtering, "_position", position)


def forget_what_only_the_walk_says(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filtering, "refused_by_plan", lambda *of: None)


def take_the_last_price_for_the_average(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(filtering, "average_price", lambda average, *of: (average[0], 1) if average else None)


@of_sources
@planted(
    {
        "filters": [
            with_other_filters(
                "let_a_tick_above_max_price",
                lambda filters: replace(
                    filters, max_price_ticks=filters.max_price_ticks and filters.max_price_ticks + 1
                ),
            ),
            with_other_filters("have_no_max_price", lambda filters: replace(filters, max_price_ticks=0)),
            with_other_filters("let_a_lot_below_min_quantity", lambda filters: replace(filters, min_quantity_lots=1)),
            with_other_filters("have_no_max_quantity", lambda filters: replace(filters, max_quantity_lots=0)),
            with_other_filters("have_no_max_notional", lambda filters: replace(filters, max_notional_minor=0)),
            with_other_filters(
                "have_no_max_notional_of_market_orders",
                lambda filters: replace(filters, max_notional_applies_to_market=0),
            ),
            with_other_filters(
                "take_the_multipliers_of_the_other_side",
                lambda filters: replace(
                    filters, ask_multiplier_up=filters.bid_multiplier_up, bid_multiplier_up=filters.ask_multiplier_up
                ),
            ),
            with_other_filters("have_no_max_base", lambda filters: replace(filters, max_base_minor=0)),
            take_the_last_price_for_the_average,
            round_the_parts_down,
            forget_what_only_the_walk_says,
        ],
        "market sizes": [
            with_other_filters(
                "have_no_least_of_market_orders", lambda filters: replace(filters, market_min_quantity_lots=0)
            ),
            with_other_filters(
                "have_no_most_of_market_orders", lambda filters: replace(filters, market_max_quantity_lots=0)
            ),
        ],
        "band": [let_a_tick_more, let_what_the_band_ends_rest, allow_one_iceberg_more],
        "amendments filtered": [allow_one_amendment_more, amend_without_filters],
        "position": [forget_the_open_buys],
        "filters of what waits": [
            count_all_open_orders_as_stops,
            count_only_some_of_a_list,
            take_falling_for_rising,
        ],
        "filters of all markets": [
            *with_other_bounds_of("max_open_orders"),
            *with_other_bounds_of("max_open_stops"),
            *with_other_bounds_of("max_open_icebergs"),
            *with_other_bounds_of("max_open_lists"),
            count_in_one_market_only,
            count_what_has_left,
            count_what_a_replacement_takes_away,
        ],
        "counts of lists": [
            with_other_lists("have_no_max_open_lists", lambda most: 0),
            with_other_lists("let_one_above_max_open_lists", lambda most: most + 1 if most else 0),
        ],
    }
)
def test_the_judge_sees_a_wrong_filter(monkeypatch: pytest.MonkeyPatch, error: Error, about: str) -> None:
    assert_caught(monkeypatch, error, about)
