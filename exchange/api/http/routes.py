"""The one table of what is served: the HTTP protocol, the aiohttp application, OpenAPI and the tests read it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from exchange.api.http.request import Request
from exchange.api.http.response import Responder

Handler = Callable[[Request, Responder], None]
"""Takes a request and sees that the responder gets a reply, now or later. Never raises, never blocks."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    `changes`: it changes something, so a foreign Origin is refused. `in_order`: what it asks for is in line when
    `handle` returns, so a request that follows on the same connection need not wait for its reply. `cancels`: it is
    counted apart from other requests. `page`: the aiohttp application serves it.
    """

    method: str
    path: str
    handle: Handler
    changes: bool
    in_order: bool = False
    cancels: bool = False
    page: bool = False


class Routes:
    """Routes by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = self._by_path.setdefault(route.path, {})
            assert route.method not in methods, (route.method, route.path)
            methods[route.method] = route

    def __iter__(self) -> Iterator[Route]:
        return (route for methods in self._by_path.values() for route in methods.values())

    def find(self, method: str, path: str) -> Route | None:
        """The route of a request; `HEAD` is served by the route of `GET`."""
        methods = self._by_path.get(path)
        if methods is None:
            return None
        return methods.get("GET" if method == "HEAD" else method)

    def allowed(self, path: str) -> list[str]:
        """The methods of a path, for the header `Allow`; empty where there is no such path."""
        methods = list(self._by_path.get(path, ()))
        return [*methods, "HEAD"] if "GET" in methods else methods
