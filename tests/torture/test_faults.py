"""The same seed is the same plan of faults, and the same commands."""

import itertools
from collections import Counter

from exchange.torture.faults import KINDS, counts_for, plan
from exchange.torture.intents import DOES, LIVES_STEPS, MARKETS, intent


def test_a_plan_has_as_many_of_each_kind_as_asked_for() -> None:
    counts = counts_for(2, kills=200, postgres_kills=50)
    faults = plan(7, counts)
    assert Counter(fault.kind for fault in faults) == {kind: counts.of(kind) for kind in KINDS}
    assert (counts.kills, counts.postgres_kills) == (200, 50)
    assert all(counts.of(kind) > 0 for kind in KINDS)


def test_minutes_decide_where_no_number_is_given() -> None:
    assert counts_for(4, None, None).kills == 2 * counts_for(2, None, None).kills
    assert counts_for(2, 0, 3).postgres_kills == 3


def test_the_same_seed_is_the_same_plan() -> None:
    counts = counts_for(2, 40, 10)
    assert plan(3, counts) == plan(3, counts)
    assert plan(3, counts) != plan(4, counts)


def test_some_faults_come_before_the_recovery_from_the_last() -> None:
    faults = [fault for seed in range(3) for fault in plan(seed, counts_for(2, 200, 50))]
    hasty = [fault for fault in faults if not fault.waits]
    assert {fault.kind for fault in hasty} == {"kill", "postgres kill", "postgres restart", "cut"}
    assert len(hasty) < len(faults) / 3
    assert {fault.first for fault in faults if fault.kind == "kill"} == {"nothing", "hold answers", "freeze"}


def test_the_same_seed_is_the_same_commands() -> None:
    steps = range(300)
    assert [intent(5, "trader-1", step) for step in steps] == [intent(5, "trader-1", step) for step in steps]
    assert [intent(5, "trader-1", step) for step in steps] != [intent(5, "trader-2", step) for step in steps]
    assert [intent(5, "trader-1", step) for step in steps] != [intent(6, "trader-1", step) for step in steps]


def test_a_trader_does_everything_and_names_no_order_twice() -> None:
    meant = [intent(1, "trader-1", step) for step in range(2000)]
    assert {one.does for one in meant} == set(DOES)
    assert all(one.market is not None and one.status != "trading" for one in meant if one.does == "status")
    placed = [asked for one in meant for asked in one.items if asked.kind == "place"]
    names = [asked.name for asked in placed]
    assert len(set(names)) == len(names)
    assert {asked.market for asked in placed} == set(MARKETS)
    waiting = {"stop_loss", "stop_loss_limit", "take_profit", "take_profit_limit"}
    assert {asked.body["order_type"] for asked in placed} == {"limit", "market", *waiting}
    assert {asked.body.get("time_in_force") for asked in placed} == {None, "ioc", "fok", "gtd"}
    assert any("post_only" in asked.body for asked in placed)
    resting = itertools.pairwise(sorted(len(one.items) for one in meant))
    assert all(one <= other <= 6 for one, other in resting)
    assert LIVES_STEPS * 6 < 1000  # what a user may have open
