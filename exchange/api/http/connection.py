"""One HTTP connection: plain orders go straight to the desk, everything else to aiohttp.

What aiohttp answers by itself is put into the one error shape, and makes no noise in the log: a request may fail before
it reaches a handler. It is not HTTP, a line of it is too long, its path is no path. That is the client's fault, so the
client is told, and the log stays for ours.
"""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from exchange.api.http.desk import Desk
from exchange.api.http.request_id import RequestIds
from exchange.api.native import models
from exchange.api.native.errors import ApiError, error_response

log = structlog.get_logger(__name__)

CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}


HELD_MAX_BYTES = 1 << 16  # what a client may send ahead while an order of it is under way; then it is not read


class HttpConnection(web.RequestHandler):
    """aiohttp's connection, with our errors and a short way for orders.

    `_in_step`: all bytes so far were whole requests, so those that come begin another. `_ordering`: an order is at the
    desk, or what came meanwhile is not taken yet; what comes is held, so that replies keep the order of requests.
    """

    __slots__ = ("_desk", "_held", "_in_step", "_ordering", "_request_ids")

    def __init__(self, server: web.Server, request_ids: RequestIds, desk: Desk) -> None:
        super().__init__(server, loop=asyncio.get_running_loop())
        self._request_ids = request_ids
        self._desk = desk
        self._in_step = True
        self._ordering = False
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        if self._ordering:
            self._hold(data)
            return
        if not self._in_step:
            super().data_received(data)
            return
        waiter = self._waiter
        # aiohttp waits for a request, and the client takes its replies: else they are aiohttp's to keep in order.
        if waiter is not None and not waiter.done() and not self._paused and not self._close:
            order = self._desk.plain_order(data)
            if order is not None:
                self._begin_order()
                self._desk.place(self, *order, self._address())
                return
        before = len(self._messages)
        super().data_received(data)
        found = self._messages
        self._in_step = len(found) == before + 1 and self._desk.is_whole(found[-1][0], data)

    def _begin_order(self) -> None:
        self._ordering = self._request_in_progress = True
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout

    def _address(self) -> str | None:
        peer = self.peername
        return peer[0] if isinstance(peer, tuple) else peer

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD_MAX_BYTES and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def answer(self, order: models.Json) -> None:
        """The order at the desk is durable."""
        self._end_order(self._desk.answered(order))

    def refuse(self, error: BaseException) -> None:
        """There is no order."""
        self._end_order(self._desk.refused(error))

    def _end_order(self, reply: bytes) -> None:
        self._request_in_progress = False
        # What the client has sent meanwhile is read in a step of its own: here the writer is at work for everybody.
        self._ordering = bool(self._held)
        if self._handler_waiter is not None:
            self._handler_waiter.set_result(None)
        if self.transport is None or self.transport.is_closing():
            return  # the client has left
        self.transport.write(reply)
        if self._ordering:
            self._loop.call_soon(self._take_held)

    def _take_held(self) -> None:
        self._ordering, held, self._held = False, self._held, b""
        if self.transport is None or self.transport.is_closing():
            return
        if self._buffer_paused:
            self._resume_reading_for_buffer()
        try:
            self.data_received(held)
        except Exception:
            self.transport.abort()  # as it does itself with what comes straight from it
            raise

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send the response; one that aiohttp made for a failure is put into our shape first."""
        if isinstance(resp, web.HTTPException):
            error = ApiError(CODES.get(resp.status, "INVALID_FIELD"), f"{resp.reason}.")
            resp = error_response(error, self._request_ids.of(request))
        return super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what never became a request, or broke within aiohttp. The connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was half sent already")
        request_id = self._request_ids.of(request)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            what = f"{request.method} {request.path}"
            log.error("request failed", what=what, request_id=request_id, exc_info=exc)
            error = ApiError("INTERNAL")
        elif isinstance(exc, LineTooLong):
            error = ApiError("TOO_LARGE", "A line of the request is too long.")
        else:
            reason = (message or "").partition("\n")[0].strip(" :.") or "Bad request"
            error = ApiError("INVALID_FIELD", f"The request cannot be read: {reason}.")
        response = error_response(error, request_id)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Keep what aiohttp stumbles over, unless the client has put it there."""
        error = kw.get("exc_info")
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError):
            log.error(str(args[0]), exc_info=error)


async def expect(request: web.Request) -> None:
    """Let a client that asks first go on; other expectations may be ignored, and are."""
    if request.version == (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # this was no part of the answer


def factory(runner: web.AppRunner, request_ids: RequestIds, desk: Desk) -> "asyncio.Protocol":
    """The protocol of one accepted connection."""
    assert runner.server is not None
    return HttpConnection(runner.server, request_ids, desk)
