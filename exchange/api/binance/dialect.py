"""The Binance-compatible dialect as a whole: its paths, its routes and its errors, over the same service."""

from collections import Counter
from typing import Final

from exchange.api.binance.errors import BinanceRefusals
from exchange.api.binance.symbols import Symbols
from exchange.api.http.dialect import Dialect
from exchange.api.http.routes import Route
from exchange.service.service import Service

PREFIXES: Final = ("/api/", "/sapi/", "/fapi/", "/dapi/")


class Binance:
    """What the server is given of this dialect. `by_code` counts refusals."""

    def __init__(self, service: Service, by_code: Counter[str]) -> None:
        self.service = service
        self.symbols = Symbols(service.engine.venue.markets)
        self.refusals = BinanceRefusals(by_code)
        self.dialect = Dialect(PREFIXES, self.refusals.refuse, self.refusals.no_route)

    def routes(self) -> list[Route]:
        """The routes of this dialect."""
        return []
