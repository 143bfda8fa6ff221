"""What a participant sees before it decides, and what it may decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from exchange.demo.scenario import Scenario

Side = Literal["buy", "sell"]
Levels = Sequence[tuple[int, int]]  # (price_ticks, quantity_lots), the best first
LEVELS_SEEN = 5


@dataclass(slots=True)
class BookSeen:
    """The best levels of a book, and what the price should be."""

    bids: Levels
    asks: Levels
    fair_ticks: float

    def best(self, side: Side) -> tuple[int, int] | None:
        """The best level that an order of this side would take."""
        levels = self.asks if side == "buy" else self.bids
        return levels[0] if levels else None

    @property
    def mid_ticks(self) -> float:
        """The middle between the best prices; the fair price where one is missing."""
        if not self.bids or not self.asks:
            return self.fair_ticks
        return (self.bids[0][0] + self.asks[0][0]) / 2


@dataclass(slots=True)
class Seen:
    """The markets at `now_s` seconds since the beginning."""

    now_s: float
    books: Mapping[str, BookSeen]
    scenario: Scenario
    activity: float


@dataclass(slots=True)
class Place:
    """Place a limit order; one that `rests` stays in the book, any other takes what it can at once."""

    market: str
    side: Side
    price_ticks: int
    quantity_lots: int
    rests: bool
    client_order_id: str


@dataclass(slots=True)
class Cancel:
    """Cancel an order of one's own."""

    market: str
    client_order_id: str


Decision = Place | Cancel


def other(side: Side) -> Side:
    """The opposite side."""
    return "sell" if side == "buy" else "buy"
