"""The Binance-compatible dialect as a whole: its paths, its routes and its errors, over the same service."""

import time
from collections import Counter
from typing import Final

from exchange.api.binance.calls import REST, Calls
from exchange.api.binance.errors import BinanceRefusals
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.order_fills import OrderFills
from exchange.api.binance.rest import BinanceRest
from exchange.api.binance.running import Runner
from exchange.api.binance.security import Guard
from exchange.api.binance.socket_api_session import ApiParts, SocketApi
from exchange.api.binance.streams_choice import BELOW, COMBINED, SocketChoice
from exchange.api.binance.streams_hub import Streams
from exchange.api.binance.streams_session import StreamSessions
from exchange.api.binance.streams_sockets import Sockets
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.user_stream_hub import UserStreams
from exchange.api.binance.user_stream_keys import ListenKeys
from exchange.api.http.dialect import Dialect
from exchange.api.http.routes import Route
from exchange.api.http.sockets import OpenSession
from exchange.config import BinanceConfig
from exchange.service.service import Service
from exchange.service.signers import Signers
from exchange.service.tape import Tape

PREFIXES: Final = ("/api/", "/sapi/", "/fapi/", "/dapi/", BELOW, COMBINED, "/ws-api/")


class Binance:
    """What the server is given of this dialect. `by_code` counts refusals."""

    def __init__(
        self, service: Service, signers: Signers, tape: Tape, by_code: Counter[str], config: BinanceConfig
    ) -> None:
        self.service = service
        self.symbols = Symbols(service.engine.venue.markets)
        self.streams = Streams(service, self.symbols)
        self.refusals = BinanceRefusals(by_code)
        self.limits = BinanceLimits(time.monotonic, enabled=service.limits.enabled)
        self._fills = OrderFills(self.limits, service.feeds)
        self.guard = Guard(signers, service.engine.time_ns)
        self._keys = ListenKeys(time.monotonic, self.guard.usable)
        self.calls = Calls(service, self.symbols, tape, self.limits, self._keys)
        self._runner = Runner(service, self.calls)
        users = UserStreams(service, self.symbols)
        self._sockets = Sockets(service.feeds, config.socket_max_s)
        self._stream_sessions = StreamSessions(self.streams, users, self._keys, self._sockets, service.limits, config)
        self._api = SocketApi(
            ApiParts(service, self._runner, self.guard, self.limits, self.refusals, users, self._sockets)
        )
        self.streams.sweep = self._sweep
        signers.when_revoked(self._end_revoked)
        self.dialect = Dialect(PREFIXES, self.refusals.refuse, self.refusals.no_route)

    def sockets(self, native: OpenSession) -> SocketChoice:
        """What opens sockets, those of the native dialect too."""
        return SocketChoice(native, self._stream_sessions, self._api)

    def _sweep(self) -> None:
        """A second has passed."""
        self._keys.sweep()
        self._sockets.sweep()
        self._fills.sweep()

    def _end_revoked(self) -> None:
        """Keys were revoked: nobody hears of their users by them any more."""
        self._keys.sweep()
        self._sockets.sweep()

    def routes(self) -> list[Route]:
        """The routes of this dialect."""
        rest = BinanceRest(self.service, self._runner, self.guard, self.limits, self.refusals)
        return [rest.route(method, path, call) for (method, path), call in REST.items()]
