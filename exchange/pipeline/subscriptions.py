"""The begin and the end of a subscription, which stand in the line of the writer: so each is between two commands."""

import asyncio

from exchange.core.effects import as_read
from exchange.core.public import Channel, Kind
from exchange.core.venue import Venue
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.open_orders import OpenOrdersCopy
from exchange.pipeline.order_snapshots import LongSnapshot, is_long
from exchange.pipeline.outcomes import Outcome, OutcomeUnknown, Passed
from exchange.pipeline.subscriber import BalancesSnapshot, Data, ListsSnapshot, Message, OrdersSnapshot, Subscriber


class Change(Passed):
    """A subscription that begins or ends; its own ticket."""

    __slots__ = ("channel", "done", "feeds", "since", "subscriber", "tag")

    def __init__(
        self,
        feeds: Feeds,
        subscriber: Subscriber,
        channel: Channel,
        tag: object,
        done: "asyncio.Future[None]",
        since: float,
    ) -> None:
        self.feeds = feeds
        self.subscriber = subscriber
        self.channel = channel
        self.tag = tag
        self.done = done
        self.since = since

    def resolve(self, index: int, outcome: Outcome) -> None:
        """Nothing to do: `release` sets `done`, or a long snapshot does later."""

    def give_up(self) -> None:
        """It has not taken effect in time."""
        if not self.done.done():
            self.done.set_exception(OutcomeUnknown())

    def finish(self) -> None:
        """It has taken effect."""
        if not self.done.done():
            self.done.set_result(None)


class Leaving(Change):
    """The end of a subscription; its answer is the last that is heard of the channel."""

    __slots__ = ()

    def release(self) -> None:
        """Stop."""
        subscriber, channel = self.subscriber, self.channel
        self.feeds.snapshots.leave(subscriber, channel)
        self.feeds.leave(subscriber, channel)
        self.feeds.send(subscriber, subscriber.dialect.unsubscribed(channel, self.tag))
        self.finish()


class Joining(Change):
    """The begin of a subscription. `count` and `first`: the user's side of it, captured when it got in line."""

    __slots__ = ("count", "first", "now_ns")

    def __init__(
        self,
        feeds: Feeds,
        subscriber: Subscriber,
        channel: Channel,
        tag: object,
        done: "asyncio.Future[None]",
        since: float,
        venue: Venue,
        now_ns: int,
        copy: OpenOrdersCopy | None = None,
    ) -> None:
        super().__init__(feeds, subscriber, channel, tag, done, since)
        self.now_ns = now_ns
        self.count = 0
        self.first: Data | None = None
        if channel.kind >= Kind.ORDERS:
            self._capture(venue, copy)

    def _capture(self, venue: Venue, copy: OpenOrdersCopy | None) -> None:
        kind, user_id = self.channel
        user = venue.ledger.user(user_id)
        if copy is not None:
            assert kind == Kind.ORDERS
            self.first = OrdersSnapshot(copy.answer(venue))
            self.count = user.orders_sequence
        elif kind == Kind.ORDERS:
            orders = [as_read(order) for market in venue.markets.values() for order in market.open_orders(user_id)]
            self.first = OrdersSnapshot(sorted(orders, key=lambda order: order.order_id))
            self.count = user.orders_sequence
        elif kind == Kind.LISTS:
            self.first = ListsSnapshot(venue.lists_of(user_id))
            self.count = user.lists_sequence
        else:
            self.first = BalancesSnapshot([account.as_read() for account in venue.ledger.accounts_of(user_id)])
            self.count = user.balances_sequence

    def release(self) -> None:
        """Begin. The public view is now as the venue was when this got in line."""
        feeds, subscriber, channel = self.feeds, self.subscriber, self.channel
        if subscriber.closed:
            self.finish()
            return
        if channel.kind == Kind.DEPTH:
            feeds.snapshots.join(subscriber, channel, self.tag, self.done)
            return
        if channel.kind < Kind.ORDERS:
            self._look(feeds)
        subscriber.drop(channel)
        first = self.first
        if isinstance(first, OrdersSnapshot) and is_long(first.orders):
            LongSnapshot(feeds, subscriber, channel, self.count, first.orders, self.tag, self.finish)
            return
        feeds.send(subscriber, subscriber.dialect.subscribed(channel, self.count, self.tag))
        if self.first is not None:
            message = Message(channel, feeds.data.sequence, self.count, self.first)
            feeds.send(subscriber, subscriber.dialect.encode(message))
        feeds.join(subscriber, channel)
        self.finish()

    def _look(self, feeds: Feeds) -> None:
        """What the public view shows first."""
        view, kind = feeds.data.market(self.channel.subject), self.channel.kind
        self.count = view.channel_sequence(kind)
        if kind == Kind.BOOK_TICKER:
            self.first = view.changed
        elif kind == Kind.TICKER:
            self.first = view.ticker(self.now_ns)
