"""The Binance-compatible dialect as a whole: its paths, its routes and its errors, over the same service."""

import time
from collections import Counter
from typing import Final

from exchange.api.binance.calls import REST, Calls
from exchange.api.binance.errors import BinanceRefusals
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.rest import BinanceRest
from exchange.api.binance.security import Guard
from exchange.api.binance.streams_choice import BELOW, COMBINED, SocketChoice
from exchange.api.binance.streams_hub import Streams
from exchange.api.binance.streams_session import StreamSessions
from exchange.api.binance.symbols import Symbols
from exchange.api.http.dialect import Dialect
from exchange.api.http.routes import Route
from exchange.api.http.sockets import OpenSession
from exchange.config import BinanceConfig
from exchange.service.service import Service
from exchange.service.signers import Signers
from exchange.service.tape import Tape

PREFIXES: Final = ("/api/", "/sapi/", "/fapi/", "/dapi/", BELOW, COMBINED)


class Binance:
    """What the server is given of this dialect. `by_code` counts refusals."""

    def __init__(
        self, service: Service, signers: Signers, tape: Tape, by_code: Counter[str], config: BinanceConfig
    ) -> None:
        self.service = service
        self.symbols = Symbols(service.engine.venue.markets)
        self.streams = Streams(service, self.symbols)
        self._stream_sessions = StreamSessions(self.streams, config)
        self.refusals = BinanceRefusals(by_code)
        self.limits = BinanceLimits(time.monotonic, enabled=service.limits.enabled)
        self.guard = Guard(signers, service.reading.time_ns)
        self.calls = Calls(service, self.symbols, tape, self.limits)
        self.dialect = Dialect(PREFIXES, self.refusals.refuse, self.refusals.no_route)

    def sockets(self, native: OpenSession) -> SocketChoice:
        """What opens sockets, those of the native dialect too."""
        return SocketChoice(native, self._stream_sessions)

    def routes(self) -> list[Route]:
        """The routes of this dialect."""
        rest = BinanceRest(self.service, self.calls, self.guard, self.limits, self.refusals)
        return [rest.route(method, path, call) for (method, path), call in REST.items()]
