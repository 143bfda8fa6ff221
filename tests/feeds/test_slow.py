"""Slow subscribers: states are conflated, other events wait, and no other subscriber is affected."""

import pytest

from exchange.core.commands import CancelAll
from exchange.core.public import DepthDiff
from exchange.pipeline import subscriber as feeds
from tests.feeds.stage import EVERY_CANDLE, MARKET, MINUTE_NS, Listener, Stage

STATES = (f"depth@{MARKET}", f"ticker@{MARKET}", f"book_ticker@{MARKET}", *EVERY_CANDLE)
KEPT = (f"trade@{MARKET}", "orders@alice", "balances@alice")


def stuck(stage: Stage, *channels: str) -> Listener:
    """Somebody who listens, and has stopped reading."""
    listener = stage.listener(*channels)
    listener.reads = False
    stage.tell("alice sell 1 @ 500", "bob buy 1 @ 500")  # this still goes out to the connection, and fills it
    assert listener.subscriber.slow
    return listener


def wake(stage: Stage, listener: Listener) -> None:
    """The listener reads on, and the clock notices."""
    listener.read()
    listener.reads = True
    stage.feeds.catch_up()
    assert not listener.subscriber.slow


def test_what_shows_a_state_comes_once_for_all_that_was_missed() -> None:
    stage = Stage()
    listener = stuck(stage, *STATES)
    for price in range(100, 120):
        stage.tell(f"alice sell 1 @ {price}", f"bob buy 1 @ {price}")
    before = {channel: len(listener.events(channel)) for channel in STATES}
    listener.read()
    written = {channel: len(listener.events(channel)) for channel in STATES}
    wake(stage, listener)
    for channel in STATES:
        last = listener.events(channel)[-1]
        assert len(listener.events(channel)) == written[channel] + 1 > before[channel]
        assert last["channel_sequence"] - last["first_channel_sequence"] >= 19
    assert listener.book(MARKET) == stage.depth()
    assert listener.latest[f"ticker@{MARKET}"]["trades"] == 21
    assert [candle["trades"] for candle in listener.candles[f"candle_1d@{MARKET}"].values()] == [21]


def test_what_must_not_be_missed_waits() -> None:
    stage = Stage()
    listener = stuck(stage, *KEPT)
    quick = stage.listener(*KEPT)
    for price in range(100, 120):
        stage.tell(f"alice sell 1 @ {price}", f"bob buy 1 @ {price}")
    wake(stage, listener)
    assert listener.tape[MARKET][1:] == quick.tape[MARKET]
    assert listener.balances == quick.balances
    assert listener.orders == quick.orders
    assert not any("first_channel_sequence" in message for message in listener.heard)


def test_a_candle_that_ended_meanwhile_is_told_apart_from_the_next() -> None:
    stage = Stage()
    listener = stuck(stage, f"candle_1m@{MARKET}")
    for _ in range(2):
        stage.now_ns += MINUTE_NS
        stage.mark()
        stage.tell("alice sell 1 @ 100", "bob buy 1 @ 100", "alice sell 1 @ 99", "bob buy 1 @ 99")
    wake(stage, listener)
    assert [(c["trades"], c["closed"]) for c in listener.candles[f"candle_1m@{MARKET}"].values()] == [
        (1, True),
        (2, True),
        (2, False),
    ]


def test_two_that_are_slow_catch_up_each_for_itself() -> None:
    stage = Stage()
    first, second = stuck(stage, f"depth@{MARKET}"), stuck(stage, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 101")
    wake(stage, first)
    assert first.book(MARKET) == stage.depth()
    stage.tell("alice sell 1 @ 102")
    wake(stage, second)
    assert first.book(MARKET) == second.book(MARKET) == stage.depth()


def test_answers_wait_in_line_with_what_must_not_be_missed() -> None:
    stage = Stage()
    listener = stuck(stage, f"trade@{MARKET}")
    stage.ask(listener, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 101", "bob buy 1 @ 101")
    stage.leave(listener, f"trade@{MARKET}")
    stage.tell("alice sell 1 @ 101", "bob buy 1 @ 101")
    wake(stage, listener)
    assert len(listener.tape[MARKET]) == 2
    assert listener.book(MARKET) == stage.depth()


def test_who_leaves_while_slow_hears_no_more_of_the_channel() -> None:
    stage = Stage()
    listener = stuck(stage, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 101")
    stage.leave(listener, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 102")
    wake(stage, listener)
    assert listener.heard[-1] == {"message_type": "UNSUBSCRIBED", "channel": f"depth@{MARKET}"}


def test_who_begins_anew_while_slow_gets_a_snapshot_and_what_follows_it() -> None:
    stage = Stage()
    listener = stuck(stage, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 101")
    stage.ask(listener, f"depth@{MARKET}")
    stage.tell("alice sell 1 @ 102")
    wake(stage, listener)
    assert listener.book(MARKET) == stage.depth()


@pytest.mark.parametrize("channels", [KEPT, STATES], ids=["kept", "conflated"])
def test_past_its_bound_it_is_closed_and_nobody_else_notices(
    channels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES_MAX", 10_000)
    stage = Stage()
    quick = stage.listener(*KEPT, *STATES)
    listener, neighbour = stuck(stage, *channels), stuck(stage, f"book_ticker@{MARKET}")
    heard = len(listener.heard)
    for price in range(100, 400):
        stage.tell(f"alice sell 1 @ {price}", f"bob buy 0.5 @ {price}")
    assert listener.ended == (1013, "fell too far behind")
    assert neighbour.ended is None
    assert quick.ended is None
    assert quick.book(MARKET) == stage.depth()
    assert len(quick.tape[MARKET]) == 302
    stage.feeds.catch_up()
    wake(stage, neighbour)
    assert neighbour.latest == {f"book_ticker@{MARKET}": quick.latest[f"book_ticker@{MARKET}"]}
    assert len(listener.heard) == heard
    stage.feeds.forget(listener.subscriber)
    assert stage.feeds.subscribers == len(KEPT) + len(STATES) + 1


def test_levels_that_come_and_go_count_once_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES_MAX", 1_000)
    stage = Stage()
    listener = stuck(stage, f"depth@{MARKET}")
    for _ in range(100):
        stage.tell("carol buy 1 @ 50", "carol buy 1 @ 51")
        stage.do(CancelAll("carol", MARKET))
        stage.release()
    assert listener.ended is None
    wake(stage, listener)
    assert listener.book(MARKET) == stage.depth()


def test_conflating_costs_what_is_new_not_what_has_gathered() -> None:
    stage = Stage()
    listener = stuck(stage, f"depth@{MARKET}")
    waiting = listener.subscriber._conflated
    stage.tell("alice sell 1 @ 101")
    [gathered] = waiting.values()
    stage.tell("alice sell 1 @ 102", "alice sell 1 @ 103")
    assert list(waiting.values()) == [gathered]
    assert isinstance(gathered.data, DepthDiff)
    assert len(gathered.data.asks) == 3
