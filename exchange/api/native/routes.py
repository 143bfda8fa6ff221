"""The routes of the native dialect: its calls, and the pages beside them."""

from collections.abc import Callable, Iterable

import orjson

from exchange.api.http.routes import Route, Routes
from exchange.api.native import asyncapi, openapi
from exchange.api.native.calls import CALLS, Call
from exchange.api.native.pages import (
    Visitors,
    asyncapi_page,
    docs_page,
    home_page,
    metrics_page,
    openapi_page,
    static_pages,
    websocket_page,
)
from exchange.api.native.rest import Rest

SOCKET_PATHS = ("/", "/ws")
NOBODY = Visitors()
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def native_routes(
    rest: Rest, metrics: Callable[[], bytes], more: Iterable[Route] = (), *, visitors: Visitors = NOBODY
) -> Routes:
    """All calls and pages, and `more`. A request to `/` without an upgrade gets the page to trade on."""
    pages = [
        openapi_page(lambda: document),
        asyncapi_page(lambda: of_sockets),
        docs_page(),
        websocket_page(),
        metrics_page(metrics),
    ]
    of_sockets = orjson.dumps(asyncapi.document())
    document = orjson.dumps(openapi.document(pages))
    pages += static_pages()
    home = rest.page_handler(home_page(visitors))
    return Routes(
        [
            *(_route(rest, call) for call in CALLS),
            *(Route("GET", page.path, rest.page_handler(page), False, page=True) for page in pages),
            Route("GET", "/", home, False, page=True),
            Route("GET", "/ws", rest.without_upgrade, False),
            *more,
        ]
    )


def _route(rest: Rest, call: Call) -> Route:
    in_order = call.operation in ("place", "cancel")
    cancels = call.operation in ("cancel", "cancel_all", "cancel_all_after", "cancel_list")
    changes = call.method in CHANGING
    return Route(call.method, call.path, rest.handler(call), changes, in_order=in_order, cancels=cancels)
