"""What a participant knows of a market before it trades there: its units, and what a usual order is."""

from collections.abc import Mapping
from fractions import Fraction

from exchange.client import Step
from exchange.config import MarketConfig

WORTH = {
    "BTC": "60000",
    "ETH": "3000",
    "SOL": "150",
    "JUP": "0.5",
    "BONK": "0.00002",
    "BNB": "600",
    "XRP": "2",
    "DOGE": "0.2",
    "ADA": "0.6",
}
START_TICKS = 10_000  # the price of an asset whose worth is not known
NOTIONAL = 500  # about what one order is worth, in units of account


class Terms:
    """One market. Prices are whole ticks and quantities whole lots; `tick_size` and `lot_size` say what they are."""

    __slots__ = ("base", "lot", "lot_size", "quote", "symbol", "tick", "tick_size", "usual_lots")

    def __init__(self, market: MarketConfig, worth: Mapping[str, float]) -> None:
        self.symbol = market.symbol
        self.base, _, self.quote = market.symbol.partition("_")
        self.tick, self.lot = Step(market.tick_size), Step(market.lot_size)
        self.tick_size = float(Fraction(market.tick_size))
        self.lot_size = float(Fraction(market.lot_size))
        least = 20 * float(Fraction(market.min_notional)) / (worth[self.base] / worth[self.quote])
        self.usual_lots = max(round(max(NOTIONAL / worth[self.base], least) / self.lot_size), 10)

    def fair_ticks(self, worth: Mapping[str, float]) -> float:
        """The fair price, given what the assets are worth."""
        return worth[self.base] / worth[self.quote] / self.tick_size


def start_worth(markets: list[MarketConfig]) -> dict[str, float]:
    """What the assets of these markets are worth at the beginning, in units of account."""
    worth: dict[str, float] = {}
    for market in markets:
        base, _, quote = market.symbol.partition("_")
        worth.setdefault(quote, float(WORTH.get(quote, "1")))
        known = WORTH.get(base)
        of_tick = START_TICKS * float(Fraction(market.tick_size)) * worth[quote]
        worth.setdefault(base, float(known) if known is not None else of_tick)
    return worth
