"""The dialect beside the native one, if the configuration asks for it."""

from collections.abc import Callable, Container, Sequence
from typing import Final

from exchange.api.binance.dialect import Binance
from exchange.api.binance.streams_choice import SocketPaths
from exchange.api.http.dialect import Dialect
from exchange.api.http.routes import Route
from exchange.api.http.sockets import OpenSession


class Beside:
    """What a server needs of the dialect that `make` makes: routes, sockets and errors, and the task of its streams."""

    def __init__(self, make: Callable[[], Binance] | None, native: OpenSession, socket_paths: Sequence[str]) -> None:
        self._binance = binance = None if make is None else make()
        self.routes: Final[list[Route]] = [] if binance is None else binance.routes()
        self.open: OpenSession = native if binance is None else binance.sockets(native).open
        self.socket_paths: Container[str] = frozenset(socket_paths) if binance is None else SocketPaths(*socket_paths)
        self.dialects: Final[tuple[Dialect, ...]] = () if binance is None else (binance.dialect,)

    async def run(self) -> None:
        """Tell streams by the clock, until cancelled."""
        if self._binance is not None:
            await self._binance.streams.run()
