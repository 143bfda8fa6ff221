"""One HTTP connection: what aiohttp answers by itself, in the one error shape, and no noise in the log.

A request may fail before it reaches a handler: it is not HTTP, a line of it is too long, its path is no path. That is
the client's fault, so the client is told, and the log stays for ours.
"""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from exchange.api.errors import ApiError, error_response

log = structlog.get_logger(__name__)

CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}


class HttpConnection(web.RequestHandler):
    """aiohttp's connection, with our errors."""

    __slots__ = ()

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send the response; one that aiohttp made for a failure is put into our shape first."""
        if isinstance(resp, web.HTTPException):
            resp = error_response(ApiError(CODES.get(resp.status, "INVALID_FIELD"), f"{resp.reason}."))
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
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", method=request.method, path=request.path, exc_info=exc)
            response = error_response(ApiError("INTERNAL"))
        elif isinstance(exc, LineTooLong):
            response = error_response(ApiError("TOO_LARGE", "A line of the request is too long."))
        else:
            reason = (message or "").partition("\n")[0].strip(" :.") or "Bad request"
            response = error_response(ApiError("INVALID_FIELD", f"The request cannot be read: {reason}."))
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


def factory(runner: web.AppRunner) -> "asyncio.Protocol":
    """The protocol of one accepted connection."""
    assert runner.server is not None
    return HttpConnection(runner.server, loop=asyncio.get_running_loop())
