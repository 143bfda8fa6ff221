"""One HTTP connection of aiohttp's, with our errors.

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

from exchange.api.http.request_id import HEADER, RequestIds
from exchange.api.native.errors import ApiError, error_response

log = structlog.get_logger(__name__)

CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE"}


class HttpConnection(web.RequestHandler):
    """aiohttp's connection, with our errors."""

    __slots__ = ("_request_ids",)

    def __init__(self, server: web.Server, request_ids: RequestIds) -> None:
        super().__init__(server, loop=asyncio.get_running_loop())
        self._request_ids = request_ids

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send the response; one that aiohttp made for a failure is put into our shape first."""
        if isinstance(resp, web.HTTPException):
            error = ApiError(CODES.get(resp.status, "INVALID_FIELD"), f"{resp.reason}.")
            resp = _error_reply(error, self._request_ids.of(request.headers.get(HEADER)))
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
        request_id = self._request_ids.of(request.headers.get(HEADER))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            what = f"{request.method} {request.path}"
            log.error("request failed", what=what, request_id=request_id, exc_info=exc)
            error = ApiError("INTERNAL")
        elif isinstance(exc, LineTooLong):
            error = ApiError("TOO_LARGE", "A line of the request is too long.")
        else:
            reason = (message or "").partition("\n")[0].strip(" :.") or "Bad request"
            error = ApiError("INVALID_FIELD", f"The request cannot be read: {reason}.")
        response = _error_reply(error, request_id)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Keep what aiohttp stumbles over, unless the client has put it there."""
        error = kw.get("exc_info")
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError):
            log.error(str(args[0]), exc_info=error)


def _error_reply(error: ApiError, request_id: str) -> web.Response:
    made = error_response(error)
    headers = {"Content-Type": made.content_type, HEADER: request_id, **dict(made.headers)}
    return web.Response(body=made.body, status=made.status, headers=headers)


def factory(runner: web.AppRunner, request_ids: RequestIds) -> "asyncio.Protocol":
    """The protocol of one accepted connection."""
    assert runner.server is not None
    return HttpConnection(runner.server, request_ids)
