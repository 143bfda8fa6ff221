"""The calls about markets that memory answers: rules, books, prices."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError, illegal
from exchange.api.binance.exchange_info import PERMISSION, exchange_info, symbol_info
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.pieces import listed
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.api.binance.words import MARKET_STATUS_WORDS
from exchange.core.average import average_price
from exchange.core.events import MarketChanged
from exchange.core.instrument import Instrument
from exchange.service.queries import Depth
from exchange.service.service import Service

DEPTH_MAX: Final = 5000
DEPTH_USUAL: Final = 100
SYMBOLS_MAX: Final = 100  # of the calls that need them
PIECE: Final = 50  # markets that are shown in one turn of the loop


class MarketCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols
        self._infos: dict[tuple[str, bool], tuple[Instrument, orjson.Fragment]] = {}

    async def ping(self, asked: Asked) -> Any:
        """Nothing."""
        asked.params.done()
        return {}

    async def time(self, asked: Asked) -> Any:
        """The exchange's time."""
        asked.params.done()
        return {"serverTime": asked.time(self._service.reading.time_ns())}

    async def exchange_info(self, asked: Asked) -> Any:
        """The rules of some markets, or of all."""
        params = asked.params
        symbol, symbols = params.text("symbol"), params.symbols()
        permissions, permission_sets = _permissions(params), params.flag("showPermissionSets")
        status = _status(params)
        params.done()
        if sum(value is not None for value in (symbol, symbols, permissions)) > 1:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if status is not None and (symbol is not None or symbols is not None):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        named = [symbol] if symbol is not None else symbols
        if named is not None:
            markets = [self._symbols.rules(name) for name in named]
        elif permissions is not None and PERMISSION not in permissions:
            markets = []
        else:
            markets = [rules for rules in self._symbols if status in (None, MARKET_STATUS_WORDS[rules.status])]
        shown = [self._info(rules, permission_sets=permission_sets is not False) async for rules in in_pieces(markets)]
        return exchange_info(shown, self._service.filters, asked.time(self._service.reading.time_ns()))

    async def depth(self, asked: Asked) -> Any:
        """The best levels of a book."""
        params, rules = asked.params, self._rules(asked.params)
        limit = params.limit(DEPTH_USUAL, DEPTH_MAX)
        self._check_status(params, rules)
        params.done()
        found = await self._service.reading.depth(Depth(rules.symbol, limit))

        def level(best: tuple[int, int]) -> list[str]:
            return [numbers.price(rules, best[0]), numbers.quantity(rules, best[1])]

        bids, asks = await listed(found.bids, level), await listed(found.asks, level)
        return {"lastUpdateId": found.last_sequence, "bids": bids, "asks": asks}

    async def price(self, asked: Asked) -> Any:
        """The last price of some markets, or of all."""
        markets, single = self.chosen(asked.params)
        asked.params.done()
        made = []
        async for rules in in_pieces(markets):
            last_ticks = self._service.reading.view(rules.symbol).last_ticks
            made.append({"symbol": symbol_of(rules), "price": numbers.price(rules, last_ticks or 0)})
        return made[0] if single else made

    async def book_ticker(self, asked: Asked) -> Any:
        """The best of the book of some markets, or of all."""
        markets, single = self.chosen(asked.params)
        asked.params.done()
        made = []
        async for rules in in_pieces(markets):
            view = self._service.reading.view(rules.symbol)
            made.append({"symbol": symbol_of(rules)} | best(view.changed, rules))
        return made[0] if single else made

    async def average_price(self, asked: Asked) -> Any:
        """The average price of a market."""
        rules = self._rules(asked.params)
        asked.params.done()
        view = self._service.reading.view(rules.symbol)
        now_ns = self._service.reading.time_ns()
        found = average_price(view.changed.average, rules.avg_price_mins, now_ns)
        numerator, denominator = found or (0, 1)
        return {
            "mins": rules.avg_price_mins,
            "price": numbers.price_ratio(rules, numerator, denominator),
            "closeTime": asked.time(view.changed.last_trade_ns),
        }

    # --- parts

    def _info(self, rules: Instrument, *, permission_sets: bool) -> orjson.Fragment:
        """The rules of a market, which are encoded again only when they change."""
        key = (rules.symbol, permission_sets)
        known = self._infos.get(key)
        if known is None or known[0] is not rules:
            encoded = orjson.Fragment(orjson.dumps(symbol_info(rules, permission_sets=permission_sets)))
            known = self._infos[key] = (rules, encoded)
        return known[1]

    def chosen(self, params: Parameters, *, needed: bool = False) -> tuple[list[Instrument], bool]:
        """The markets that are asked for, and whether it is a single one. Raises BinanceError."""
        symbol, symbols = params.text("symbol"), params.symbols(SYMBOLS_MAX if needed else None)
        status = _status(params)
        if symbol is not None and symbols is not None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if symbol is not None:
            rules = self._symbols.rules(symbol)
            _check(rules, status)
            return [rules], True
        if symbols is None:
            if needed:
                raise BinanceError(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!")
            return [rules for rules in self._symbols if status in (None, MARKET_STATUS_WORDS[rules.status])], False
        markets = [self._symbols.rules(name) for name in symbols]
        return [rules for rules in markets if status in (None, MARKET_STATUS_WORDS[rules.status])], False

    def _rules(self, params: Parameters) -> Instrument:
        return self._symbols.rules(params.needed("symbol"))

    def _check_status(self, params: Parameters, rules: Instrument) -> None:
        _check(rules, _status(params))


async def in_pieces(markets: Sequence[Instrument]) -> AsyncIterator[Instrument]:
    """Markets one after the other, with a turn of the loop for others now and then."""
    for number, rules in enumerate(markets, 1):
        yield rules
        if number % PIECE == 0:
            await asyncio.sleep(0)


def best(changed: MarketChanged, rules: Instrument) -> dict[str, str]:
    """The best of a book; zeros where a side is empty."""
    made = {}
    for side, level in (("bid", changed.best_bid), ("ask", changed.best_ask)):
        price_ticks, lots = level or (0, 0)
        made[f"{side}Price"] = numbers.price(rules, price_ticks)
        made[f"{side}Qty"] = numbers.quantity(rules, lots)
    return made


def _status(params: Parameters) -> str | None:
    """A status of markets that is asked for. Raises BinanceError."""
    status = params.text("symbolStatus")
    if status is not None and status != "BREAK" and status not in MARKET_STATUS_WORDS.values():
        raise BinanceError(-1122, "Invalid symbolStatus.")
    return status


def _check(rules: Instrument, status: str | None) -> None:
    if status is not None and status != MARKET_STATUS_WORDS[rules.status]:
        raise BinanceError(-1220, "The symbol's status does not match the requested symbolStatus.")


def _permissions(params: Parameters) -> list[str] | None:
    text = params.text("permissions")
    if text is None:
        return None
    names = [name.strip(' "') for name in text.strip("[]").split(",")]
    if not all(name.isascii() and name.replace("_", "").isalnum() for name in names):
        raise illegal("permissions", "^[A-Z0-9_]{1,100}$")
    return names
