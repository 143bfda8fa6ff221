"""A user's open orders at the begin of a subscription. Many of them are encoded a piece at a time, with turns of the
loop in between; what happens to them meanwhile waits, and comes after them."""

import asyncio
from collections.abc import Callable

from exchange.core.events import OrderUpdated
from exchange.core.public import Channel
from exchange.pipeline.depth import PAUSE_S
from exchange.pipeline.feeds import Feeds
from exchange.pipeline.subscriber import Message, OrdersSnapshot, Subscriber

PIECE_ORDERS = 250  # are encoded in one turn of the loop


def is_long(orders: list[OrderUpdated]) -> bool:
    """Whether they are more than one piece."""
    return len(orders) > PIECE_ORDERS


class LongSnapshot:
    """The beginning of one subscription, while it is encoded."""

    __slots__ = (
        *("_at", "_channel", "_count", "_feeds", "_finish", "_held", "_message", "_orders", "_parts", "_subscriber"),
        "_tag",
    )

    def __init__(
        self,
        feeds: Feeds,
        subscriber: Subscriber,
        channel: Channel,
        count: int,
        orders: list[OrderUpdated],
        tag: object,
        finish: Callable[[], None],
    ) -> None:
        self._feeds = feeds
        self._subscriber = subscriber
        self._channel = channel
        self._count = count
        self._orders = orders
        self._tag = tag
        self._finish = finish
        self._at = 0
        self._parts: list[bytes] = []
        self._message = Message(channel, feeds.data.sequence, count, OrdersSnapshot([], self._parts))
        self._held = subscriber.hold(channel)
        feeds.join(subscriber, channel)
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Encode the next piece, or begin."""
        subscriber, feeds = self._subscriber, self._feeds
        if subscriber.closed or not subscriber.holds(self._channel, self._held):
            self._finish()
            return
        if self._at < len(self._orders):
            end = self._at + PIECE_ORDERS
            self._parts.append(subscriber.dialect.orders(self._orders[self._at : end]))
            self._at = end
            asyncio.get_running_loop().call_later(PAUSE_S, self._go_on)
            return
        feeds.send(subscriber, subscriber.dialect.subscribed(self._channel, self._count, self._tag))
        feeds.send(subscriber, subscriber.dialect.encode(self._message))
        subscriber.let_go(self._channel)
        feeds.flush()
        self._finish()
