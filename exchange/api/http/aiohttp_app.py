"""The aiohttp application: serves the whole route table by aiohttp's public interface.

The HTTP protocol hands connections over to it for pages. It can serve every call, which a test compares.
"""

import asyncio

from aiohttp import web

from exchange.api.http.aiohttp_socket import AiohttpSocket
from exchange.api.http.body import decoded
from exchange.api.http.head import path_of
from exchange.api.http.request import Request
from exchange.api.http.request_id import HEADER
from exchange.api.http.response import Response
from exchange.api.http.routes import Route
from exchange.api.http.site import Site
from exchange.api.native.errors import ApiError


async def expect(request: web.Request) -> None:
    """Send `100 Continue` to a client that waits for it; other expectations are ignored."""
    if request.version == (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the interim response is not part of the reply


class _Reply:
    """A responder that a coroutine waits for."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        self.response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def send(self, response: Response) -> None:
        """Take the reply; a client that has left has cancelled the future."""
        if not self.response.done():
            self.response.set_result(response)


class AiohttpApp:
    """Makes the application over a route table."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._routes = site.routes
        self._admission = site.admission
        self._request_ids = site.request_ids
        self._config = site.config

    def application(self) -> web.Application:
        """The application. The one route of its router takes every path: the route table knows the paths."""
        app = web.Application(client_max_size=self._config.body_max_bytes)
        app.router.add_route("*", "/{path:.*}", self._serve, expect_handler=expect)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        request_id = self._request_ids.of(request.headers.get(HEADER))
        try:
            if _path(request) in self._site.socket_paths and request.method == "GET" and _upgrades(request):
                made = request_made(request, b"", request_id, self._address(request))
                self._admission.admit(made.address, made.headers, changes=True)
                return await AiohttpSocket(self._site, made).serve(request)
            return _sent(await self._answer(request, request_id), request_id)
        except Exception as error:
            what = f"{request.method} {_path(request)}"
            return _sent(self._site.refuse(_api_error(error), what, request_id, _path(request)), request_id)

    async def _answer(self, request: web.Request, request_id: str) -> Response:
        route = self._routes.find(request.method, _path(request))
        address = self._address(request)
        self._admission.admit(address, lower_case(request), changes=route is not None and route.changes)
        if route is None:
            return self._site.no_route(_path(request), request_id)
        try:
            async with asyncio.timeout(self._config.body_timeout_s):
                raw_body = await request.read()
        except TimeoutError:
            raise ApiError("REQUEST_TIMEOUT", "The body of the request did not arrive in time.") from None
        made = request_made(request, raw_body, request_id, address)
        made.body = decoded(made.headers.get("content-encoding"), raw_body, self._config.body_max_bytes)
        return await self._handled(route, made)

    def _address(self, request: web.Request) -> str | None:
        proxies, peer = self._site.proxies, request.remote
        return proxies.client(peer, lower_case(request)) if proxies.trusts(peer) else peer

    async def _handled(self, route: Route, request: Request) -> Response:
        reply = _Reply()
        route.handle(request, reply)
        return await reply.response


def _path(request: web.Request) -> str:
    return path_of(request.raw_path.partition("?")[0])


def _upgrades(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def lower_case(request: web.Request) -> dict[str, str]:
    """The headers by lower-case names; the values of one that came several times are joined."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def request_made(request: web.Request, raw_body: bytes, request_id: str, address: str | None) -> Request:
    """The request as a route gets it, but for the content coding of its body."""
    _, _, query = request.raw_path.partition("?")
    return Request(
        method=request.method,
        target=request.raw_path.encode("utf-8", "surrogateescape"),
        path=_path(request),
        query=query,
        headers=lower_case(request),
        raw_body=raw_body,
        body=raw_body,
        address=address,
        request_id=request_id,
    )


def _sent(response: Response, request_id: str) -> web.Response:
    sent = web.Response(body=response.body, status=response.status)
    sent.headers["Content-Type"] = response.content_type
    sent.headers[HEADER] = request_id
    for name, value in response.headers:
        sent.headers[name] = value
    return sent


def _api_error(error: Exception) -> Exception:
    """What aiohttp raises, as an error of the table."""
    match error:
        case web.HTTPRequestEntityTooLarge():
            return ApiError("TOO_LARGE", "The body is too large.")
        case web.HTTPException():
            return ApiError("INVALID_FIELD", f"{error.reason}.")
        case web.RequestPayloadError() | ConnectionError():  # or the client left before its body was whole
            return ApiError("MALFORMED_JSON", "The body does not arrive as its headers say.")
    return error
