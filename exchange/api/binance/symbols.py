"""Symbols of this dialect: `SOL_USDC` is `SOLUSDC`.

A market whose prices or quantities are finer than eight decimals is not in this dialect. Of two markets with one
symbol, `A_BC` and `AB_C`, only the first by name is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from exchange.api.binance.errors import BinanceError, illegal
from exchange.api.binance.numbers import DECIMALS
from exchange.core.instrument import Instrument

LEGAL: Final = "^[A-Z0-9-_.]{1,20}$"
_LEGAL = re.compile(r"[A-Z0-9\-_.]{1,20}")


class HasRules(Protocol):
    """A market."""

    @property
    def instrument(self) -> Instrument:
        """Its rules; a market gets others, but never another name or scale."""


def symbol_of(rules: Instrument) -> str:
    """The symbol of a market."""
    return rules.base.symbol + rules.quote.symbol


class Symbols:
    """The markets of this dialect. `markets` is live: a market is here as soon as it is there."""

    def __init__(self, markets: Mapping[str, HasRules]) -> None:
        self._markets = markets
        self._names: dict[str, str] = {}  # of markets, by symbol
        self._known = 0  # markets that `_names` was made of; none ever goes

    def find(self, symbol: str) -> Instrument | None:
        """The rules of a market, or None."""
        self._look_for_new()
        name = self._names.get(symbol)
        return None if name is None else self._markets[name].instrument

    def rules(self, symbol: str) -> Instrument:
        """The rules of a market. Raises BinanceError."""
        found = self.find(symbol)
        if found is not None:
            return found
        if not _LEGAL.fullmatch(symbol):
            raise illegal("symbol", LEGAL)
        raise BinanceError(-1121, "Invalid symbol.")

    def has(self, rules: Instrument) -> bool:
        """Whether a market is in this dialect."""
        self._look_for_new()
        return self._names.get(symbol_of(rules)) == rules.symbol

    def __iter__(self) -> Iterator[Instrument]:
        """All markets, by name."""
        self._look_for_new()
        return iter([self._markets[name].instrument for name in self._names.values()])

    def _look_for_new(self) -> None:
        if len(self._markets) == self._known:
            return
        self._names = {}
        for name, market in sorted(self._markets.items()):
            rules = market.instrument
            if rules.price_decimals <= DECIMALS and rules.quantity_decimals <= DECIMALS:
                self._names.setdefault(symbol_of(rules), name)
        self._known = len(self._markets)
