"""WebSocket frames: what an answer, or an event of a channel, is on the wire."""

from collections.abc import Callable

import orjson

from exchange.api.http.frames import text_frame
from exchange.api.native import codec
from exchange.api.native.models import Json
from exchange.core.venue import Venue
from exchange.pipeline.feeds import Message


def answer_frame(answer: Json) -> bytes:
    """The frame of an answer."""
    return text_frame(orjson.dumps(answer))


def feed_encoder(venue: Venue) -> Callable[[Message], bytes]:
    """How the feeds make frames of their events. What an instrument scales by never changes."""
    markets, assets = venue.markets, venue.assets

    def encode(message: Message) -> bytes:
        return text_frame(orjson.dumps(codec.feed_json(message, lambda symbol: markets[symbol].instrument, assets)))

    return encode
