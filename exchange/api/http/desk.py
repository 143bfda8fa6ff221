"""The order desk: `POST /order` by the shortest way, from a connection's bytes to the engine and back.

A bot sends the same head over and over; only the body differs. aiohttp parses a head the first time, and the router
and the gate see it; if it was that of a plain order, the same bytes mean the same the next time, and the body can be
taken without a task, a request, and a response being made. Whatever is not known to be plain goes aiohttp's way.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import HttpVersion11, hdrs
from aiohttp.http_parser import RawRequestMessage

from exchange.api.http.auth import Gate
from exchange.api.http.reply import refusal_bytes, reply_bytes
from exchange.api.http.request_id import HEADER, RequestIds
from exchange.api.native import codec, models
from exchange.api.native.errors import ApiError
from exchange.api.native.rest import api_error
from exchange.api.native.trading import Asker, Trading

PATH = "/order"
HEADS_MAX = 4096  # known at a time; a client whose every head is another finds the usual way
HEAD_MAX_BYTES = 1024
LENGTH_DIGITS = 18
BODY_MAX_BYTES = 4096  # of a plain order, which has some hundreds
SPECIAL = (hdrs.EXPECT, hdrs.ORIGIN, hdrs.CONTENT_ENCODING, HEADER)  # what makes a request not plain


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a plain order says."""

    body_bytes: int
    user_id: str | None


class Desk:
    """Takes the plain orders of all connections."""

    def __init__(self, gate: Gate, trading: Trading, request_ids: RequestIds) -> None:
        self._gate = gate
        self._trading = trading
        self._request_ids = request_ids
        self._heads: dict[bytes, Head] = {}

    # --- heads

    def plain_order(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body, if the bytes are one whole order with a head that is known."""
        end = data.find(b"\r\n\r\n") + 4
        head = self._heads.get(data[:end])
        if head is None or len(data) != end + head.body_bytes:
            return None
        return head, data[end:]

    def is_whole(self, message: Any, data: bytes) -> bool:
        """Whether these bytes are exactly the message that aiohttp has found in them; a plain order is remembered."""
        if not isinstance(message, RawRequestMessage) or message.chunked or message.upgrade:
            return False
        length = message.headers.get(hdrs.CONTENT_LENGTH, "0")
        if len(length) > LENGTH_DIGITS:  # zeros, thousands perhaps, which Python would refuse to read
            return False
        body_bytes = int(length)
        end = data.find(b"\r\n\r\n") + 4
        if len(data) != end + body_bytes:
            return False
        if message.method == "POST" and message.path == PATH and self._is_plain(message, end, body_bytes):
            if len(self._heads) >= HEADS_MAX:
                self._heads.clear()
            self._heads[data[:end]] = Head(body_bytes, message.headers.get("X-User-Id"))
        return True

    def _is_plain(self, message: RawRequestMessage, head_bytes: int, body_bytes: int) -> bool:
        headers = message.headers
        if head_bytes > HEAD_MAX_BYTES or not 0 < body_bytes <= BODY_MAX_BYTES:
            return False
        if message.should_close or message.version != HttpVersion11 or any(name in headers for name in SPECIAL):
            return False
        try:
            self._gate.admit_headers(headers, changes=True)
        except ApiError:
            return False
        return codec.is_json(headers.get(hdrs.CONTENT_TYPE, ""))

    # --- orders

    def place(self, asker: Asker, head: Head, body: bytes, address: str | None) -> None:
        """Place the order that the body is; the asker is told at once, or when it is durable."""
        try:
            self._gate.limits.request(address)
            request = codec.decode(body, models.PlaceOrderRequest)
            user_id = self._gate.known(request.user_id if request.user_id is not None else head.user_id)
            self._trading.place_for(asker, request, user_id)
        except Exception as error:
            asker.refuse(error)

    def answered(self, order: models.Json) -> bytes:
        """The reply that tells of the order."""
        return reply_bytes(orjson.dumps(order), self._request_ids.next())

    def refused(self, error: BaseException) -> bytes:
        """The reply that tells why there is no order."""
        request_id = self._request_ids.next()
        told = api_error(error, "POST /order", request_id)
        self._trading.refusals[told.code] += 1
        return refusal_bytes(told, request_id)
