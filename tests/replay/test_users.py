"""Whose order is whose, and what that costs."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.replay.recording import Command, RecordedTrade, Recording
from exchange.replay.users import Owners
from tests.replay.stories import commands, random_story, record

USERS = ("a", "b")


def owners_of(lines: list[str], trades: list[tuple[str, str]] | None) -> tuple[Owners, list[Command]]:
    """`trades` are (buyer, seller)."""
    made = None if trades is None else [RecordedTrade("0", 0, "buy", 100, 1, buy, sell) for buy, sell in trades]
    stream = commands(lines)
    return Owners(Recording(stream, made, "digest"), USERS), stream


def users_of(lines: list[str], trades: list[tuple[str, str]] | None) -> str:
    owners, stream = owners_of(lines, trades)
    return "".join(owners.user_of(command) for command in stream)


def switches(users: str) -> int:
    return sum(before != after for before, after in pairwise(users))


def test_without_trades_bids_are_one_users_and_asks_the_others() -> None:
    lines = ["1 bid limit 99 5", "2 ask limit 101 5", "3 bid post_only 102 5", "cancel 2 ask 101 5"]
    assert users_of(lines, None) == "abab"


def test_orders_in_no_trade_belong_to_the_first_user() -> None:
    assert users_of(["1 bid limit 99 5", "2 ask limit 101 5", "cancel 2 ask 101 5"], []) == "aaa"


def test_the_side_that_stands_alone_in_the_stream_is_the_second_users() -> None:
    lines = ["8 bid limit 90 1", "1 ask limit 100 2", "9 bid limit 90 1", "2 bid limit 100 2"]
    assert users_of(lines, [("2", "1")]) == "aaab"
    lines = ["8 bid limit 90 1", "1 bid limit 100 2", "9 bid limit 90 1", "2 ask limit 100 2"]
    assert users_of(lines, [("1", "2")]) == "aaab"


def test_a_cancel_goes_with_its_order() -> None:
    lines = ["1 ask limit 100 2", "9 bid limit 90 1", "8 bid limit 90 1", "2 bid limit 100 1", "cancel 1 ask 100 1"]
    users = users_of(lines, [("2", "1")])
    assert users[0] == users[4] != users[3]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sides_of_a_trade_differ_and_no_component_wants_to_be_turned(seed: int) -> None:
    lines = random_story(seed, 30)
    _, rows = record(lines)
    trades = [(str(row[6]), str(row[7])) for row in rows]
    owners, stream = owners_of(lines, trades)
    user_of = {command.order_id: owners.user_of(command) for command in stream}
    assert all(user_of[buy] != user_of[sell] for buy, sell in trades)
    best = switches("".join(user_of[command.order_id] for command in stream))
    for start in {buy for buy, _ in trades}:
        component = {start}
        while grown := {o for trade in trades for o in trade if set(trade) & component} - component:
            component |= grown
        turned = {o: "ab"[u == "a"] if o in component else u for o, u in user_of.items()}
        assert switches("".join(turned[command.order_id] for command in stream)) >= best


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), items_max=st.integers(1, 9))
def test_batches_keep_the_order_and_hold_one_user(seed: int, items_max: int) -> None:
    owners, stream = owners_of(random_story(seed, 25), None)
    sent: list[Command] = []
    while len(sent) < len(stream):
        batch = owners.batch_at(stream, len(sent), items_max)
        assert batch.position == len(sent)
        assert 1 <= len(batch.commands) <= items_max
        assert {owners.user_of(command) for command in batch.commands} == {batch.user_id}
        sent += batch.commands
        if len(batch.commands) < items_max and len(sent) < len(stream):
            assert owners.user_of(stream[len(sent)]) != batch.user_id
    assert sent == stream


def test_needs_cover_every_order_at_once() -> None:
    lines = [
        "1 bid limit 100 5",
        "2 ask limit 101 7",
        "3 bid post_only 200 1",
        "4 bid market 0 3",
        "cancel 1 bid 100 5",
    ]
    owners, stream = owners_of(lines, None)
    # The market buy is taken at 200, the highest price of the file.
    assert list(owners.needs(stream)) == [("a", True, 500 + 200 + 600), ("b", False, 7)]
