"""One channel as it arrives: counted, so that nothing can be missing unnoticed, and read at the reader's own pace."""

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
    """What happened on a channel; `data` is as the contract has it for that channel.

    `sequence` counts the commands of the whole exchange, `channel_sequence` the events of the channel. An event that
    stands for several has an earlier `first_channel_sequence`, any other has the same.
    """

    channel: str
    sequence: int
    channel_sequence: int
    first_channel_sequence: int
    data: Json


@dataclass(frozen=True, slots=True)
class Gap:
    """Events `first` to `last` of a channel that did not arrive.

    `reason`: they passed while the socket was `reconnected`; they were `lost` under way, which should not happen; the
    reader left them `unread`; or, with `reset`, the exchange counts from the beginning: it is another one, or a new
    database. After `reconnected` and `reset` a channel that begins with a state (a snapshot) sends that next.
    """

    channel: str
    first: int
    last: int
    reason: Reason


class Listener(Protocol):
    """Who gets the events of a channel."""

    def take(self, item: Event | Gap) -> None:
        """The next of the channel."""

    def lost(self) -> None:
        """The connection is gone; another is being made."""

    def end(self, error: Exception | None) -> None:
        """Nothing more comes, because of `error` or because the socket was closed."""


class Channel:
    """Checks the count of one channel and hands on what comes."""

    def __init__(self, name: str, listener: Listener, on_gap: Callable[[Gap], None] | None) -> None:
        self.name = name
        self.listener = listener
        self._on_gap = on_gap
        self._last: int | None = None
        self._begins = False  # the next event may be the state that the channel begins with

    def greet(self, channel_sequence: int) -> None:
        """It is subscribed, and has counted so far."""
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
                return  # older than what is known already
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
    """The events of one or more channels, in the order of their arrival: `async for event in feed`.

    Where something is missing there is a `Gap` instead. At most `unread_max` items wait to be read; more fold into a
    `Gap` for each channel. The iteration ends when the socket is closed, and raises ApiError if the exchange refuses
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
        """Called by the socket; what was missed will show as a Gap."""

    def end(self, error: Exception | None) -> None:
        """Called by the socket."""
        self._ended, self._error = True, self._error or error
        self._arrived.set()

    def _fold(self) -> None:
        """All that waits, as one Gap a channel."""
        missed: dict[str, tuple[int, int]] = {}
        for item in self._unread:
            first, last = (item.first, item.last) if isinstance(item, Gap) else _counts(item)
            since = missed[item.channel][0] if item.channel in missed else first
            missed[item.channel] = (since, last)
        self._unread.clear()
        self._unread.extend(Gap(channel, first, last, "unread") for channel, (first, last) in missed.items())


def _counts(event: Event) -> tuple[int, int]:
    return event.first_channel_sequence, event.channel_sequence
