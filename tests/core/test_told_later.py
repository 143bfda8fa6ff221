"""What one trade triggers is told over several commands when it is very much, as if it had been told at once."""

import sys
from dataclasses import replace
from typing import Any

import pytest

from exchange.core.commands import CancelOrder, ListType, PlaceList, RunTriggered
from exchange.core.events import OrderUpdated, UpdateReason
from exchange.core.outcome import Applied, Outcome
from exchange.core.trailing import Trail
from exchange.core.venue import Venue
from exchange.runtime import compiled
from tests.copied import copied
from tests.core.stories import SOL_USDC, cancel, do, events_of, order_of, place, placed, run, venue_of

TOLD_MAX = 3
STEPS = (UpdateReason.TRACKING, UpdateReason.TRIGGERED)


def small(*, told_max: int = TOLD_MAX) -> Venue:
    """A market where a command tells little."""
    return venue_of(venue=Venue(told_max=told_max))


def restarted(venue: Venue) -> Venue:
    """The venue as a start finds it."""
    again = Venue.restore(copied(venue.state()), told_max=TOLD_MAX)
    again.check()
    assert again.state() == venue.state()
    return again


def trade_at(venue: Venue, price: str) -> Outcome:
    """Two people trade."""
    placed(venue, f"maker ask 0.1 @ {price}")
    return place(venue, f"carol buy 0.1 @ {price}")


def told(outcome: Outcome) -> list[tuple[str, int]]:
    """What it tells of orders that are triggered or begin to follow the price."""
    updates = [event for event in events_of(outcome) if isinstance(event, OrderUpdated) and event.reason in STEPS]
    return [(update.reason.name.lower(), update.order_id) for update in updates]


def told_to_the_end(venue: Venue, outcome: Outcome) -> tuple[Venue, list[list[tuple[str, int]]]]:
    """What each command tells until nothing is left to tell, with a restart after each; before anything enters."""
    found = [told(outcome)]
    venue = restarted(venue)
    while venue.markets["SOL_USDC"].triggers.trades:
        outcome = run(venue, 9)
        assert all(event.reason in STEPS for event in events_of(outcome) if isinstance(event, OrderUpdated))
        found.append(told(outcome))
        venue = restarted(venue)
    return venue, found


def entered(venue: Venue) -> list[int]:
    """The orders that enter, in order."""
    found: list[int] = []
    while venue.markets["SOL_USDC"].has_more:
        updates = [event for event in events_of(run(venue)) if isinstance(event, OrderUpdated)]
        found += [event.order_id for event in updates if event.reason is UpdateReason.WORKING]
    return found


def test_so_many_are_told_in_a_command_by_id_and_enter_when_all_are_told() -> None:
    venue = small()
    ids = [placed(venue, f"bob sell 0.1 at market stop {90 + number}") for number in range(8)]
    venue, found = told_to_the_end(venue, trade_at(venue, "90"))
    assert [len(each) for each in found] == [3, 3, 2]
    assert [order_id for each in found for _, order_id in each] == ids
    assert entered(venue) == ids


def test_exactly_as_many_as_a_command_tells_are_done_with_by_the_next() -> None:
    venue = small()
    ids = [placed(venue, "bob sell 0.1 at market stop 90") for _ in range(3)]
    venue, found = told_to_the_end(venue, trade_at(venue, "90"))
    assert [len(each) for each in found] == [3, 0]
    assert entered(venue) == ids


def test_later_trades_are_judged_when_those_before_them_are_done_with() -> None:
    venue = small()
    trade_at(venue, "100")
    first = [placed(venue, "bob sell 0.1 at market stop 98") for _ in range(4)]
    second = placed(venue, "bob sell 0.1 at market stop 97")
    follows = placed(venue, "bob buy 0.1 at market stop trail 1")
    third = placed(venue, "bob buy 0.1 at market take trail 1 from 97")
    for price in ("98", "98", "97"):
        placed(venue, f"maker bid 0.1 @ {price}")
    venue, found = told_to_the_end(venue, place(venue, "carol sell 0.3 @ 97"))
    assert [len(each) for each in found] == [3, 3, 0]
    assert [each for some in found for each in some] == [
        *(("triggered", order_id) for order_id in first),
        *(("tracking", third), ("triggered", second)),
    ]
    assert entered(venue) == [*first, second]
    trade_at(venue, "98")  # one above the lowest of all trades, those that waited included
    assert entered(venue) == [follows, third]


def test_one_that_begins_after_two_trades_at_one_price_of_which_one_had_to_wait_follows_like_those_before() -> None:
    venue = small()
    trade_at(venue, "100")
    before = placed(venue, "bob buy 0.1 at market stop trail 1")
    for _ in range(4):
        placed(venue, "bob sell 0.1 at market stop 98")
    for _ in range(2):
        placed(venue, "maker bid 0.1 @ 98")
    venue, _ = told_to_the_end(venue, place(venue, "carol sell 0.2 @ 98"))
    entered(venue)
    after = placed(venue, "bob buy 0.1 at market stop trail 1")
    other = placed(venue, "bob buy 0.1 at market stop trail 2")
    venue = restarted(venue)
    cancel(venue, "bob", other)
    assert told(trade_at(venue, "98.50")) == []
    venue = restarted(venue)
    assert told(trade_at(venue, "99")) == [("triggered", before), ("triggered", after)]
    venue = restarted(venue)


def test_what_follows_the_price_and_is_triggered_by_one_trade_is_found_again_after_a_restart() -> None:
    venue = small()
    ids = []
    for price in ("100", "99.50", "99"):
        trade_at(venue, price)
        ids += [placed(venue, f"bob sell 0.1 at market stop trail {distance}") for distance in ("2", "150bps")]
    begins = [placed(venue, "bob sell 0.1 at market stop trail 1 from 97") for _ in range(2)]
    venue, found = told_to_the_end(venue, trade_at(venue, "97"))
    told_ids = [order_id for each in found for _, order_id in each]
    assert told_ids == begins + ids
    assert entered(venue) == ids
    assert told(trade_at(venue, "96"))[:2] == [("triggered", order_id) for order_id in begins]


def test_one_that_is_canceled_before_it_is_told_is_not_told_any_more() -> None:
    venue = small()
    ids = [placed(venue, "bob sell 0.1 at market stop 90") for _ in range(5)]
    follow = [placed(venue, "bob sell 0.1 at market stop trail 1 from 90") for _ in range(5)]
    trade_at(venue, "90")
    for order_id in (follow[-1], ids[0], ids[-1]):
        cancel(venue, "bob", order_id)
        venue = restarted(venue)
    venue, found = told_to_the_end(venue, run(venue))
    rest = [order_id for each in found for _, order_id in each]
    assert rest == [follow[3], *ids[1:4]]
    assert entered(venue) == ids[1:4]


def test_when_all_that_is_left_to_tell_is_canceled_the_trade_is_done_with() -> None:
    venue = small()
    ids = [placed(venue, "bob sell 0.1 at market stop 90") for _ in range(5)]
    trade_at(venue, "90")
    for order_id in ids:
        cancel(venue, "bob", order_id)
    venue, found = told_to_the_end(venue, run(venue))
    assert found == [[]]
    assert not venue.markets["SOL_USDC"].has_more


def test_a_list_that_such_a_trade_releases_is_told_at_once_and_enters_in_its_turn() -> None:
    venue = small()
    ids = [placed(venue, "bob sell 0.1 at market stop 90") for _ in range(4)]
    orders = (order_of(venue, "maker ask 0.1 @ 90"), order_of(venue, "maker bid 0.1 @ 50"))
    do(venue, PlaceList("maker", "SOL_USDC", ListType.OTO, orders, None))
    pending = ids[-1] + 2
    ids.append(placed(venue, "alice sell 0.1 at market stop 90"))
    venue, found = told_to_the_end(venue, place(venue, "carol buy 0.1 @ 90"))
    assert [[order_id for _, order_id in each] for each in found] == [[*ids[:3], pending], ids[3:]]
    assert entered(venue) == [*ids[:4], pending, ids[4]]


def test_a_journal_of_rules_before_version_6_tells_all_at_once() -> None:
    venue, again = small(told_max=100), small()
    outcomes = [place(venue, "bob sell 0.1 at market stop 90") for _ in range(8)]
    outcomes += [place(venue, "maker ask 0.1 @ 90"), place(venue, "carol buy 0.1 @ 90"), run(venue, 9)]
    for outcome in outcomes:
        assert isinstance(outcome, Applied)
        again.replay(outcome.command, outcome.sequence, outcome.time_ns, 5)
    assert again.state() == venue.state()


def test_a_cascade_has_no_long_command() -> None:
    venue = venue_of(replace(SOL_USDC, max_open_orders=10_000))
    stop = order_of(venue, "bob sell 0.001 at market stop 90")
    for _ in range(1_000):
        venue.apply(stop, venue.sequence + 1, venue.time_ns)
    placed(venue, "maker ask 0.1 @ 90")
    outcome = place(venue, "carol buy 0.1 @ 90")
    counts = []
    while isinstance(outcome, Applied):
        counts.append(len(told(outcome)))
        outcome = venue.apply(RunTriggered("SOL_USDC", 8), venue.sequence + 1, venue.time_ns)
    assert sum(counts) == 1_000
    assert max(counts) == 250
    assert len(counts) < 1_000 // 8 + 10


@pytest.mark.skipif(compiled.in_use(), reason="what is compiled has no steps to count")
def test_a_trade_looks_only_at_the_tracks_that_it_concerns() -> None:
    """With two hundred tracks, of which a trade passes one and triggers one order of another: calls are counted."""
    venue = venue_of()
    trade_at(venue, "300")
    for number in range(1, 200):
        placed(venue, "bob sell 0.1 at market stop trail 250")
        trade_at(venue, f"{300 - number / 4:.2f}")
    placed(venue, "bob sell 0.1 at market stop trail 2")
    trail = venue.markets["SOL_USDC"].triggers._trails[1]
    assert isinstance(trail, Trail)
    assert len(trail.tracks) == 200
    calls = 0

    def count(frame: Any, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.endswith("trailing.py")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = trail.traded(SOL_USDC.ticks("250.50"), 10**6, []) + trail.traded(SOL_USDC.ticks("248"), 10**6 + 1, [])
    finally:
        sys.setprofile(before)
    assert len(found) == 1
    assert 10 < calls < 100


def test_what_is_due_may_end_between_two_commands_that_tell() -> None:
    venue = small()
    ids = [placed(venue, "bob sell 0.1 at market stop 90") for _ in range(5)]
    outcome = trade_at(venue, "90")
    assert told(outcome) == [("triggered", order_id) for order_id in ids[:3]]
    canceled = venue.apply(CancelOrder("bob", "SOL_USDC", ids[3], None), venue.sequence + 1, venue.time_ns)
    assert isinstance(canceled, Applied)
    assert entered(restarted(venue)) == [*ids[:3], ids[4]]
