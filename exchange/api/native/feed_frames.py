"""The native dialect of the feeds: frames of events, and of where subscriptions begin and end."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from exchange.api.http.frames import text_frame, text_frame_of
from exchange.api.native import encode, events
from exchange.api.native.names import name_of
from exchange.core.events import OrderUpdated
from exchange.core.instrument import Instrument
from exchange.core.public import Channel
from exchange.core.venue import Venue
from exchange.pipeline.subscriber import Data, DepthSnapshot, Message, OrdersSnapshot


def answer_frame(answer: Any) -> bytes:
    """The frame of an answer."""
    return text_frame(encode.json_of(answer))


class NativeFrames:
    """Makes frames. What an instrument scales by never changes."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def _rules(self, market: str) -> Instrument:
        return self._venue.markets[market].instrument

    def encode(self, message: Message) -> bytes:
        """The frame of an event."""
        data = message.data
        if isinstance(data, DepthSnapshot):
            empty = DepthSnapshot(data.market, data.last_sequence, [], [])
            return self._filled(message, empty, ((b'"bids":[', data.bids), (b'"asks":[', data.asks)))
        if isinstance(data, OrdersSnapshot) and data.parts is not None:
            return self._filled(message, OrdersSnapshot([]), ((b'"orders":[', data.parts),))
        return answer_frame(encode.event(message, self._rules, self._venue.assets))

    def _filled(self, message: Message, empty: Data, lists: Sequence[tuple[bytes, list[bytes]]]) -> bytes:
        """The frame of a snapshot whose lists are encoded: each is put where it begins in the empty one."""
        rest = encode.json_of(encode.event(replace(message, data=empty), self._rules, self._venue.assets))
        parts: list[bytes] = []
        for begin, items in lists:
            before, begin, rest = rest.partition(begin)
            parts += [before, begin]
            for item in items:
                parts += [item, b","]
            if items:
                parts.pop()
        return text_frame_of([*parts, rest])

    def levels(self, market: str, levels: Sequence[tuple[int, int]]) -> bytes:
        """Some levels of a book, without the brackets around them."""
        return encode.json_of(encode.levels(levels, self._rules(market)))[1:-1]

    def orders(self, orders: Sequence[OrderUpdated]) -> bytes:
        """Some open orders, without the brackets around them."""
        return encode.json_of(encode.orders(orders, self._rules))[1:-1]

    def subscribed(self, channel: Channel, channel_sequence: int, tag: Any) -> bytes:
        """The frame of SUBSCRIBED; the tag is the id of the request."""
        return answer_frame(events.Subscribed(name_of(channel), channel_sequence, events.sent_id(tag)))

    def unsubscribed(self, channel: Channel, tag: Any) -> bytes:
        """The frame of UNSUBSCRIBED."""
        return answer_frame(events.Unsubscribed(name_of(channel), events.sent_id(tag)))
