"""Who reads streams slowly, and streams with a bug, without a server: nobody else is affected."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import orjson
import pytest
import structlog

from exchange.api.binance.asked import MILLISECOND_NS
from exchange.api.binance.streams_base import Shape
from exchange.api.binance.streams_hub import Streams
from exchange.api.binance.streams_sockets import NoChannels
from exchange.api.binance.symbols import Symbols
from exchange.core.commands import AddAsset, Deposit, SetMarket
from exchange.pipeline import subscriber
from exchange.pipeline.subscriber import Subscriber
from tests.core.stories import SOL_EUR
from tests.feeds.stage import Stage, payloads


class Reader:
    """A connection that listens to streams, and may not read."""

    def __init__(self, streams: Streams, *names: str, combined: bool = False) -> None:
        self.streams = streams
        self.shape = Shape(MILLISECOND_NS, combined)
        self.subscriber = Subscriber(self, NoChannels())
        self.reads = True
        self.unread: list[bytes] = []
        self.heard: list[Any] = []
        self.ended: tuple[int, str] | None = None
        for name in names:
            assert streams.join(self, name)

    def write(self, frames: list[bytes]) -> None:
        self.unread += frames
        if self.reads:
            self.read()

    def read(self) -> None:
        self.heard += payloads(b"".join(self.unread))
        self.unread = []

    def unsent_bytes(self) -> int:
        return 0 if self.reads else sum(map(len, self.unread)) + (1 << 20)

    def close(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def fail(self) -> None:
        self.ended = (1011, "internal error")


class World:
    """A venue and its streams."""

    def __init__(self) -> None:
        self.stage = Stage()
        engine = SimpleNamespace(
            venue=self.stage.venue,
            now_ns=lambda: self.stage.now_ns,
            time_ns=lambda: self.stage.now_ns,
            durable_sequence=0,
            applied_sequence=0,
        )
        service: Any = SimpleNamespace(engine=engine, feeds=self.stage.feeds, reading=Mock(), tasks=Mock())
        self.streams = Streams(service, Symbols(self.stage.venue.markets))

    def reader(self, *names: str) -> Reader:
        return Reader(self.streams, *names)

    def trade(self, *prices: int) -> None:
        for price in prices:
            self.stage.tell(f"alice sell 1 @ {price}", f"bob buy 1 @ {price}")

    def seconds(self, count: int) -> None:
        for _ in range(count * 10):
            self.stage.now_ns += 100_000_000
            self.streams.tick()


def test_what_shows_a_state_comes_once_to_who_was_slow() -> None:
    world = World()
    slow, quick = (world.reader("solusdc@bookTicker", "solusdc@miniTicker") for _ in range(2))
    slow.reads = False
    world.trade(100)
    assert slow.subscriber.slow
    world.trade(*range(101, 120))
    world.seconds(2)
    assert len(slow.unread) == 1
    slow.reads = True
    slow.read()
    world.stage.feeds.catch_up()
    world.seconds(1)
    assert [one for one in slow.heard[1:] if "u" in one] == [quick.heard[-2]] or slow.heard[-1] == quick.heard[-1]
    assert {one.get("e", "best") for one in slow.heard[1:]} == {"best", "24hrMiniTicker"}
    assert [one["c"] for one in slow.heard if "e" in one] == ["119.00000000"]


def test_trades_and_changes_wait_for_who_is_slow() -> None:
    world = World()
    names = ("solusdc@trade", "solusdc@aggTrade", "solusdc@depth@100ms")
    slow, quick = world.reader(*names), world.reader(*names)
    slow.reads = False
    world.trade(*range(100, 120))
    world.seconds(1)
    slow.reads = True
    slow.read()
    world.stage.feeds.catch_up()
    assert slow.heard == quick.heard


def test_who_is_too_slow_is_closed_and_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    slow, quick = world.reader("solusdc@trade"), world.reader("solusdc@trade")
    slow.reads = False
    monkeypatch.setattr(subscriber, "QUEUE_BYTES_MAX", 2000)
    world.trade(*range(100, 120))
    assert slow.ended is not None
    assert slow.ended[0] == 1013
    assert slow.subscriber.waiting_bytes == 0
    assert len(quick.heard) == 20


def test_a_stream_with_a_bug_ends_for_those_who_listen_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    broken, sound = world.reader("solusdc@trade"), world.reader("solusdc@aggTrade")
    stream = world.streams._streams["solusdc@trade"]
    monkeypatch.setattr(stream, "take", Mock(side_effect=RuntimeError("a bug")))
    with structlog.testing.capture_logs() as logged:
        world.trade(100, 101)
    assert [entry["event"] for entry in logged] == ["a stream failed"]
    assert broken.ended == (1011, "internal error")
    assert [one["p"] for one in sound.heard] == ["100.00000000", "101.00000000"]


def test_nothing_is_made_when_nobody_listens() -> None:
    world = World()
    reader = world.reader("solusdc@trade", "solusdc@depth", "solusdc@bookTicker", "nosuch@trade")
    for name in ("solusdc@trade", "solusdc@depth", "solusdc@bookTicker", "nosuch@trade"):
        world.streams.leave(reader, name)
    assert len(world.streams) == 0
    assert world.stage.feeds._taps == []
    assert world.stage.data.market("SOL_USDC").any_wanted == 0
    world.trade(100)
    assert reader.heard == []


def test_an_event_is_wrapped_for_combined_connections() -> None:
    world = World()
    plain, wrapped = world.reader("solusdc@trade"), Reader(world.streams, "solusdc@trade", combined=True)
    world.trade(100)
    assert wrapped.heard == [{"stream": "solusdc@trade", "data": plain.heard[0]}]
    assert orjson.dumps(plain.heard[0])


def test_a_stream_begins_to_speak_when_its_market_is_opened() -> None:
    world = World()
    reader = world.reader("soleur@trade")
    world.seconds(1)
    for command in (AddAsset(SOL_EUR.quote), SetMarket(SOL_EUR), Deposit("bob", "EUR", 10**9, "euros")):
        world.stage.do(command)
    world.stage.release()
    world.seconds(1)
    world.stage.tell("alice sell 1 @ 100 on SOL_EUR", "bob buy 1 @ 100 on SOL_EUR")
    assert [one["s"] for one in reader.heard] == ["SOLEUR"]
