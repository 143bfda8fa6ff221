"""WebSocket frames: what an answer, or an event of a channel, is on the wire."""

from collections.abc import Sequence

import orjson

from exchange.api.http.frames import text_frame
from exchange.api.native import codec
from exchange.api.native.channels import name_of
from exchange.api.native.models import Json
from exchange.core.instrument import Instrument
from exchange.core.public import Channel
from exchange.core.venue import Venue
from exchange.pipeline.subscriber import Message


def answer_frame(answer: Json) -> bytes:
    """The frame of an answer."""
    return text_frame(orjson.dumps(answer))


class NativeFrames:
    """The dialect of the feeds. What an instrument scales by never changes."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def _rules(self, market: str) -> Instrument:
        return self._venue.markets[market].instrument

    def encode(self, message: Message) -> bytes:
        """The frame of an event."""
        return text_frame(orjson.dumps(codec.feed_json(message, self._rules, self._venue.assets)))

    def levels(self, market: str, levels: Sequence[tuple[int, int]]) -> bytes:
        """Some levels of a book, without the brackets around them."""
        return orjson.dumps(codec.levels_json(levels, self._rules(market)))[1:-1]

    def subscribed(self, channel: Channel, channel_sequence: int, tag: object) -> bytes:
        """The frame of SUBSCRIBED; the tag is the id of the request."""
        answer: Json = {
            "message_type": "SUBSCRIBED",
            "channel": name_of(channel),
            "channel_sequence": channel_sequence,
        }
        if tag is not None:
            answer["id"] = tag
        return answer_frame(answer)

    def unsubscribed(self, channel: Channel, tag: object) -> bytes:
        """The frame of UNSUBSCRIBED."""
        answer: Json = {"message_type": "UNSUBSCRIBED", "channel": name_of(channel)}
        if tag is not None:
            answer["id"] = tag
        return answer_frame(answer)
