"""A stream: who listens to it, and how its events become frames.

An event is encoded once for each shape that somebody listens in: the unit of its times, and whether it is wrapped in
the name of its stream.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import orjson

from exchange.api.http.frames import text_frame
from exchange.core.instrument import Instrument
from exchange.core.market_data import MarketView
from exchange.core.public import Kind, PublicData
from exchange.pipeline.engine import Engine
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.subscriber import Subscriber
from exchange.service.reading import Reading
from exchange.service.tasks import Tasks

TICKS_PER_S: Final = 10


class Shape(NamedTuple):
    """How a connection gets its events: the unit of times in nanoseconds, and whether they are wrapped."""

    unit_ns: int
    combined: bool


class Listener(Protocol):
    """A connection that listens to streams."""

    @property
    def shape(self) -> Shape:
        """How it gets its events."""

    @property
    def subscriber(self) -> Subscriber:
        """What its frames are sent by."""

    def fail(self) -> None:
        """End the connection: a stream of it has a bug."""


@dataclass(frozen=True, slots=True)
class Source:
    """What streams are made of."""

    engine: Engine
    feeds: Feeds
    reading: Reading
    tasks: Tasks

    def view(self, rules: Instrument) -> MarketView:
        """A market as the public sees it."""
        return self.feeds.data.market(rules.symbol)


@dataclass(frozen=True, slots=True)
class Tick:
    """A tenth of a second has passed. `count` counts them; all that happened before `past_ns` is released."""

    count: int
    now_ns: int
    past_ns: int

    def every(self, seconds: int) -> bool:
        """Whether so many seconds have passed since it last was so."""
        return self.count % (TICKS_PER_S * seconds) == 0


def wrapped(name: str, payload: bytes) -> bytes:
    """The payload of a combined stream."""
    return b'{"stream":' + orjson.dumps(name) + b',"data":' + payload + b"}"


class Stream:
    """One stream by its name. `kind` is the public channel that it is made of, None if it only looks now and then."""

    kind: Kind | None = None

    def __init__(self, source: Source, name: str) -> None:
        self.source = source
        self.name = name
        self.listeners: dict[Listener, None] = {}
        self._newest: Callable[[int], Any] | None = None
        self._missed: dict[Listener, None] = {}  # those that were too slow for the newest event

    def joined(self) -> None:
        """Somebody new listens."""

    def take(self, data: PublicData) -> None:
        """Take an event of the channel."""

    def flush(self) -> None:
        """The events of this step have been taken."""

    def tick(self, tick: Tick) -> None:
        """Time has passed."""

    def publish(self, payload: Callable[[int], Any], *, newest: bool = False) -> None:
        """Send an event, made for a unit of time. `newest`: it says all that earlier ones did, so who reads slowly
        gets only the last one, later."""
        if not self.listeners:
            return
        if newest:
            self._newest = payload
        frames: dict[Shape, bytes] = {}
        for listener in self.listeners:
            if newest and listener.subscriber.slow:
                self.source.feeds.conflations += 1
                self._missed[listener] = None
            else:
                self._send(listener, payload, frames)

    def catch_up(self) -> None:
        """Send the newest event to those who missed it and read again."""
        if not self._missed or self._newest is None:
            return
        frames: dict[Shape, bytes] = {}
        for listener in list(self._missed):
            if listener not in self.listeners:
                del self._missed[listener]
            elif not listener.subscriber.slow:
                del self._missed[listener]
                self._send(listener, self._newest, frames)

    def _send(self, listener: Listener, payload: Callable[[int], Any], frames: dict[Shape, bytes]) -> None:
        shape = listener.shape
        frame = frames.get(shape)
        if frame is None:
            frame = frames[shape] = self._frame(orjson.dumps(payload(shape.unit_ns)), shape)
        self.source.feeds.send(listener.subscriber, frame)

    def _frame(self, payload: bytes, shape: Shape) -> bytes:
        return text_frame(wrapped(self.name, payload) if shape.combined else payload)


class MarketStream(Stream):
    """A stream of one market."""

    def __init__(self, source: Source, name: str, rules: Instrument, symbol: str) -> None:
        super().__init__(source, name)
        self.rules = rules
        self.symbol = symbol

    @property
    def view(self) -> MarketView:
        """The market as the public sees it."""
        return self.source.view(self.rules)
