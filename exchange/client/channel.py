"""One channel: its count is checked, so every missing event is reported, and its events wait for the reader."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from exchange.client.types import Json

UNREAD_MAX = 10_000

Reason = Literal["lost", "reconnected", "reset", "unread"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a channel; `data` is the channel's own, as `docs/api.md` describes it.

    `sequence` counts the commands of the whole exchange, `channel_sequence` the events of the channel. An event that
    stands for several has a smaller `first_channel_sequence`; otherwise the two are equal.
    """

    channel: str
    sequence: int
    channel_sequence: int
    first_channel_sequence: int
    data: Json


@dataclass(frozen=True, slots=True)
class Gap:
    """Events `first` to `last` of a channel that did not arrive.

    `reason` is `reconnected` (they happened while there was no connection), `lost` (the count has a hole, which is a
    fault), `unread` (the reader was too slow), or `reset` (the count began again: another exchange, or a new database).
    After `reconnected` and `reset`, a channel that begins with a snapshot sends a new one next.
    """

    channel: str
    first: int
    last: int
    reason: Reason


class Listener(Protocol):
    """What receives the events of a channel."""

    def take(self, item: Event | Gap) -> None:
        """Take the next event or gap."""

    def lost(self) -> None:
        """The connection is lost; the socket is connecting again."""

    def end(self, error: Exception | None) -> None:
        """Nothing more arrives, because of `error` or because the socket was closed."""


class Channel:
    """Checks the count of one channel and passes its events on."""

    def __init__(self, name: str, listener: Listener, on_gap: Callable[[Gap], None] | None) -> None:
        self.name = name
        self.listener = listener
        self._on_gap = on_gap
        self._last: int | None = None
        self._begins = False  # the next event may be the channel's first snapshot

    def greet(self, channel_sequence: int) -> None:
        """The channel is subscribed, and its count is at `channel_sequence`."""
        last, self._last, self._begins = self._last, channel_sequence, True
        if last is not None and channel_sequence > last:
            self._gap(last + 1, channel_sequence, "reconnected")
        elif last is not None and channel_sequence < last:
            self._gap(1, channel_sequence, "reset")

    def event(self, event: Event) -> None:
        """An event has arrived."""
        last, begins = self._last, self._begins
        self._begins = False
        if last is not None and not (begins and event.channel_sequence == last):
            if event.channel_sequence <= last:
                return  # older than the last event
            if event.first_channel_sequence > last + 1:
                self._gap(last + 1, event.first_channel_sequence - 1, "lost")
        self._last = event.channel_sequence
        self.listener.take(event)

    def _gap(self, first: int, last: int, reason: Reason) -> None:
        gap = Gap(self.name, first, last, reason)
        self.listener.take(gap)
        if self._on_gap is not None:
            self._on_gap(gap)


class Feed:
    """The events of one or more channels, in the order of arrival: `async for event in feed`.

    A `Gap` stands for missing events. At most `unread_max` items wait to be read; beyond that they become one `Gap` for
    each channel. The iteration ends when the socket is closed, and raises ApiError if the exchange refuses
    a channel after a reconnection.
    """

    def __init__(self, unread_max: int = UNREAD_MAX) -> None:
        self._unread: deque[Event | Gap] = deque()
        self._unread_max = unread_max
        self._arrived = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> Event | Gap:
        while not self._unread:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._unread.popleft()

    def take(self, item: Event | Gap) -> None:
        """Called by the socket."""
        if len(self._unread) >= self._unread_max:
            self._fold()
        self._unread.append(item)
        self._arrived.set()

    def lost(self) -> None:
        """Called by the socket; missed events will be reported as a Gap."""

    def end(self, error: Exception | None) -> None:
        """Called by the socket."""
        self._ended, self._error = True, self._error or error
        self._arrived.set()

    def _fold(self) -> None:
        """Replace all waiting items by one Gap for each channel."""
        missed: dict[str, tuple[int, int]] = {}
        for item in self._unread:
            first, last = (item.first, item.last) if isinstance(item, Gap) else _counts(item)
            since = missed[item.channel][0] if item.channel in missed else first
            missed[item.channel] = (since, last)
        self._unread.clear()
        self._unread.extend(Gap(channel, first, last, "unread") for channel, (first, last) in missed.items())


def _counts(event: Event) -> tuple[int, int]:
    return event.first_channel_sequence, event.channel_sequence
