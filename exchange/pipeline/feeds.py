"""The feeds: released events go out on channels, to subscribers that may be slow.

A message is encoded once for each dialect in use, and the frame is shared by all who get it. A slow subscriber does not
delay the others. A dialect whose streams are not these channels makes them itself, of what its tap is given.
"""

from collections.abc import Sequence
from typing import Protocol

from exchange.core.events import BalanceChanged, OrderUpdated
from exchange.core.list_events import ListUpdated
from exchange.core.market_data import MarketData
from exchange.core.public import Channel, DepthDiff, Kind, PublicEvent
from exchange.pipeline.commits import Applied
from exchange.pipeline.depth import DepthSnapshots, Snapshot
from exchange.pipeline.outcomes import Passed
from exchange.pipeline.subscriber import BalancesUpdate, Data, Dialect, Message, Subscriber
from exchange.pipeline.writer import Entry


class Tap(Protocol):
    """Gets what is released, to publish it in streams of its own. Never waits, never raises."""

    def take(self, applied: Applied, public: Sequence[PublicEvent]) -> None:
        """A command, and its events on the public channels that somebody wants."""

    def flush(self) -> None:
        """All that is released in this step has been taken."""


class Feeds:
    """Channels, and their subscribers by dialect."""

    def __init__(self, market_data: MarketData) -> None:
        self.data = market_data
        self.snapshots = DepthSnapshots(market_data, self._begin_depth, self.flush)
        self._channels: dict[Channel, dict[Dialect, dict[Subscriber, None]]] = {}
        self._private = 0  # channels of users that have a subscriber
        self._slow: dict[Subscriber, None] = {}
        self._touched: dict[Subscriber, None] = {}
        self._taps: list[Tap] = []
        self.conflations = 0

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return sum(len(listening) for dialects in self._channels.values() for listening in dialects.values())

    # --- subscriptions

    def join(self, subscriber: Subscriber, channel: Channel) -> None:
        """Begin one subscription with the next event; what the subscriber had of the channel is over."""
        subscriber.channels.add(channel)
        dialects = self._channels.get(channel)
        if dialects is None:
            dialects = self._channels[channel] = {}
            self._count(channel, 1)
        dialects.setdefault(subscriber.dialect, {})[subscriber] = None

    def leave(self, subscriber: Subscriber, channel: Channel) -> None:
        """Stop one subscription."""
        subscriber.channels.discard(channel)
        subscriber.drop(channel)
        dialects = self._channels.get(channel)
        if dialects is None:
            return
        listening = dialects.get(subscriber.dialect)
        if listening is None:
            return
        listening.pop(subscriber, None)
        if not listening:
            del dialects[subscriber.dialect]
        if not dialects:
            del self._channels[channel]
            self._count(channel, -1)

    def forget(self, subscriber: Subscriber) -> None:
        """The connection is gone, and with it all that waits for it."""
        subscriber.end()
        for channel in list(subscriber.channels):
            self.leave(subscriber, channel)
        self._slow.pop(subscriber, None)
        self._touched.pop(subscriber, None)

    def _count(self, channel: Channel, change: int) -> None:
        """Only channels with a subscriber are made events of."""
        if channel.kind >= Kind.ORDERS:
            self._private += change
        else:
            self.data.want(channel, change)

    def _begin_depth(self, subscriber: Subscriber, snapshot: Snapshot, tag: object) -> None:
        """Send where a book stood, and what has changed since; from here on the subscriber gets every change."""
        if subscriber.closed:
            return
        channel = snapshot.channel
        subscriber.drop(channel)
        self.send(subscriber, subscriber.dialect.subscribed(channel, snapshot.channel_sequence, tag))
        for frame in snapshot.frames(self.data.sequence):
            self.send(subscriber, frame)
        self.join(subscriber, channel)

    def tap(self, tap: Tap) -> None:
        """Begin to give it what is released. It counts the public channels that it wants in `data` itself."""
        self._taps.append(tap)

    def untap(self, tap: Tap) -> None:
        """Give it nothing more."""
        self._taps.remove(tap)

    # --- sending

    def send(self, subscriber: Subscriber, frame: bytes) -> None:
        """Send one subscriber an answer, with the others of this step."""
        if not subscriber.closed:
            subscriber.send(frame)
            self._touched[subscriber] = None

    def flush(self) -> None:
        """Write the messages of this step."""
        touched, self._touched = self._touched, {}
        for subscriber in touched:
            if not subscriber.closed:
                subscriber.flush()
                if subscriber.slow:
                    self._slow[subscriber] = None

    def catch_up(self) -> None:
        """Write waiting messages to slow subscribers, as far as their connections have room."""
        for subscriber in list(self._slow):
            if subscriber.catch_up():
                del self._slow[subscriber]

    # --- releasing

    def released(self, entries: list[Entry]) -> None:
        """Publish what has become durable, in order; subscriptions begin and end where they stand in the line."""
        for _, _, outcome in entries:
            if isinstance(outcome, Applied):
                self._publish(outcome)
            elif isinstance(outcome, Passed):
                outcome.release()
        for tap in self._taps:
            tap.flush()
        self.flush()

    def _publish(self, applied: Applied) -> None:
        sequence = applied.sequence
        public = self.data.apply(sequence, applied.time_ns, applied.events)
        for event in public:
            data = event.data
            if isinstance(data, DepthDiff):
                self.snapshots.changed(event.channel_sequence, data)
            self._emit(event.channel, sequence, event.channel_sequence, data)
        if self._private:
            self._publish_private(applied)
        for tap in self._taps:
            tap.take(applied, public)

    def _publish_private(self, applied: Applied) -> None:
        sequence, channels = applied.sequence, self._channels
        balances: dict[Channel, list[BalanceChanged]] = {}
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                channel = Channel(Kind.ORDERS, event.terms.user_id)
                if channel in channels:
                    self._emit(channel, sequence, event.orders_sequence, event)
            elif isinstance(event, BalanceChanged):
                channel = Channel(Kind.BALANCES, event.user_id)
                if channel in channels:
                    balances.setdefault(channel, []).append(event)
            elif isinstance(event, ListUpdated):
                channel = Channel(Kind.LISTS, event.placed.user_id)
                if channel in channels:
                    self._emit(channel, sequence, event.lists_sequence, event)
        for channel, changed in balances.items():
            self._emit(channel, sequence, changed[-1].balances_sequence, BalancesUpdate(changed))

    def _emit(self, channel: Channel, sequence: int, channel_sequence: int, data: Data) -> None:
        dialects = self._channels.get(channel)
        if dialects is None:
            return
        message = Message(channel, sequence, channel_sequence, data)
        touched = self._touched
        for dialect, listening in dialects.items():
            frame = dialect.encode(message)
            for subscriber in listening:
                if subscriber.closed:
                    continue
                if subscriber.slow:
                    self.conflations += 1
                subscriber.offer(frame, message)
                touched[subscriber] = None
