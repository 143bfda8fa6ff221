"""Icebergs: what the book shows of them, who is met when, and that nothing else tells of what is hidden."""

from dataclasses import replace

import pytest

from exchange.core.commands import PlaceOrder
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.events import LevelChanged, OrderUpdated
from exchange.core.instrument import instrument_of
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    USDC,
    amend,
    balance,
    book_of,
    cancel,
    do,
    events_of,
    makers,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    shown,
    status,
    venue_of,
)


def iceberg(venue: Venue, text: str, visible: str, mode: SelfTrade | None = None) -> Outcome:
    """Somebody places an order of which so much is shown."""
    terms: PlaceOrder = order_of(venue, text)
    lots = venue.markets[terms.market].instrument.lots(visible)
    return do(venue, replace(terms, conditions=Conditions(mode, visible_lots=lots)))


def reasons(outcome: Outcome) -> list[str]:
    return [event.reason.name.lower() for event in events_of(outcome) if isinstance(event, OrderUpdated)]


def ice_between() -> Venue:
    """Alice sells 5, of which 2 are shown, before Bob, who sells 1."""
    venue = venue_of()
    iceberg(venue, "alice sell 5 @ 100", "2")
    placed(venue, "bob sell 1 @ 100")
    return venue


def test_only_a_part_is_shown_and_all_is_locked() -> None:
    venue = ice_between()
    assert shown(venue) == ["ask 3 @ 100"]
    assert balance(venue, "alice SOL") == "999995 + 5 locked"


def test_each_refill_goes_to_the_back_of_the_level() -> None:
    venue = ice_between()
    outcome = place(venue, "carol buy 4 @ 100")
    assert list(zip(makers(venue, outcome), shown(outcome), strict=True)) == [
        ("alice", "2 @ 100"),
        ("bob", "1 @ 100"),
        ("alice", "1 @ 100"),
    ]
    assert shown(venue) == ["ask 1 @ 100"]
    assert resting(venue) == ["alice ask 2 @ 100"]


def test_a_refill_is_told_and_has_a_new_place() -> None:
    venue = ice_between()
    outcome = place(venue, "carol buy 2 @ 100")
    assert reasons(outcome) == ["accepted", "filled", "filled", "refilled"]
    assert makers(venue, place(venue, "carol buy 2 @ 100")) == ["bob", "alice"]


def test_a_level_that_shows_the_same_again_is_not_told() -> None:
    venue = venue_of()
    iceberg(venue, "alice sell 5 @ 100", "2")
    outcome = place(venue, "carol buy 2 @ 100")
    assert shown(venue) == ["ask 2 @ 100"]
    assert not any(isinstance(event, LevelChanged) for event in events_of(outcome))


def test_fok_and_costs_see_what_is_hidden() -> None:
    venue = ice_between()
    assert status(place(venue, "carol buy 6.001 @ 100 FOK")) == "expired 0 of 6.001, fok_unfillable"
    outcome = place(venue, "carol buy 6 @ 100 FOK")
    assert status(outcome) == "filled 6 of 6"
    assert shown(outcome) == ["2 @ 100", "1 @ 100", "2 @ 100", "1 @ 100"]


def test_a_market_order_by_a_sum_meets_what_is_hidden() -> None:
    venue = ice_between()
    outcome = place(venue, "carol buy for 450 at market")
    assert shown(outcome) == ["2 @ 100", "1 @ 100", "1.5 @ 100"]
    assert (shown(venue), resting(venue)) == (["ask 0.5 @ 100"], ["alice ask 1.5 @ 100"])


def test_when_it_takes_all_of_it_takes_and_the_rest_is_hidden() -> None:
    venue = book_of("ask 3 @ 100")
    outcome = iceberg(venue, "alice buy 10 @ 100", "2")
    assert status(outcome) == "partially_filled 3 of 10"
    assert shown(venue) == ["bid 2 @ 100"]


def test_two_icebergs_take_turns_at_a_price() -> None:
    venue = venue_of()
    iceberg(venue, "alice sell 3 @ 100", "1")
    iceberg(venue, "bob sell 5 @ 100", "2")
    outcome = place(venue, "carol buy 7 @ 100")
    assert list(zip(makers(venue, outcome), shown(outcome), strict=True)) == [
        ("alice", "1 @ 100"),
        ("bob", "2 @ 100"),
        ("alice", "1 @ 100"),
        ("bob", "2 @ 100"),
        ("alice", "1 @ 100"),
    ]


def test_the_most_fills_end_the_walk_among_the_refills_too() -> None:
    venue = venue_of(instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", max_fills_per_order=3))
    iceberg(venue, "alice sell 5 @ 100", "0.001")
    assert status(place(venue, "carol buy 5 @ 100")) == "expired 0.003 of 5, max_fills"
    assert status(place(venue, "carol buy for 500 at market")) == "filled 0.003 of 0"


@pytest.mark.parametrize("visible", ["0", "5", "6"])
def test_what_is_shown_is_a_part(visible: str) -> None:
    assert refusal(iceberg(venue_of(), "alice sell 5 @ 100", visible)) == "OUT_OF_RANGE"


def test_less_of_it_takes_from_what_is_hidden_and_tells_nobody() -> None:
    venue = ice_between()
    outcome = amend(venue, "alice", 1, "to 3")
    assert not any(isinstance(event, LevelChanged) for event in events_of(outcome))
    assert shown(venue) == ["ask 3 @ 100"]
    amend(venue, "alice", 1, "to 1")
    assert shown(venue) == ["ask 2 @ 100"]
    assert makers(venue, place(venue, "carol buy 2 @ 100")) == ["alice", "bob"]


def test_self_trade_prevention_counts_what_is_hidden() -> None:
    venue = ice_between()
    outcome = place(venue, "alice buy 1 @ 100 stp expire_maker")
    assert makers(venue, outcome) == ["bob"]
    assert resting(venue) == []
    iceberg(venue, "alice sell 5 @ 100", "2")
    outcome = place(venue, "alice buy 3 @ 100 stp decrement")
    assert reasons(outcome) == ["accepted", "prevented", "refilled", "expired"]
    assert resting(venue) == ["alice ask 2 @ 100"]
    assert shown(venue) == ["ask 2 @ 100"]


def test_it_goes_on_after_a_restart() -> None:
    venue = ice_between()
    place(venue, "carol buy 0.5 @ 100")
    again = retold(venue)
    assert shown(again) == ["ask 2.5 @ 100"]
    assert makers(again, place(again, "carol buy 3 @ 100")) == ["alice", "bob", "alice"]
    assert order_after(cancel(again, "alice", 1)).executed_lots == 2_500 - 500 + 500


def test_a_stop_limit_hides_once_it_has_entered() -> None:
    venue = book_of("bid 1 @ 100", "bid 1 @ 99")
    place(venue, "carol sell 1 @ 100")
    stop = order_of(venue, "alice sell 5 @ 101 stop 99")
    assert stop.conditions is not None
    asked = replace(stop, conditions=replace(stop.conditions, visible_lots=2_000))
    assert refusal(do(venue, replace(asked, quantity_lots=2_000))) == "OUT_OF_RANGE"
    order_id = order_after(do(venue, asked)).order_id
    smaller = order_after(do(venue, replace(asked, user_id="bob"))).order_id
    assert order_after(amend(venue, "bob", smaller, "to 1")).terms.quantity_lots == 1_000
    assert balance(venue, "alice SOL") == "999995 + 5 locked"
    place(venue, "carol sell 1 @ 99")
    run(venue, 2)
    assert shown(venue) == ["ask 3 @ 101"]
    retold(venue)
    assert shown(place(venue, "carol buy 6 @ 101")) == ["2 @ 101", "1 @ 101", "2 @ 101", "1 @ 101"]
    assert order_id < smaller
