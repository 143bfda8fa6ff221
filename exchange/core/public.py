"""What the public sees of markets, as data: channels, and the events on them.

A channel is a kind and what it is about. Names of channels are a matter of each dialect of the API.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from exchange.core.candles import Candle
from exchange.core.events import MarketChanged, Trade
from exchange.core.instrument import MarketStatus


class Kind(IntEnum):
    """The kinds of channels. Those of candles are in the order of INTERVALS_S; from ORDERS on they are private."""

    TRADE = 0
    DEPTH = 1
    BOOK_TICKER = 2
    TICKER = 3
    CANDLE_1M = 4
    CANDLE_5M = 5
    CANDLE_15M = 6
    CANDLE_1H = 7
    CANDLE_4H = 8
    CANDLE_1D = 9
    ORDERS = 10
    BALANCES = 11
    LISTS = 12


FIRST_CANDLE = int(Kind.CANDLE_1M)
PUBLIC_KINDS = int(Kind.ORDERS)  # how many kinds are public


class Channel(NamedTuple):
    """A stream of events; `subject` is a market, or the user of a private channel."""

    kind: int
    subject: str


@dataclass(slots=True)
class DepthDiff:
    """Level totals after changes `first_sequence` to `last_sequence` of a book; a total of 0 removes the level."""

    market: str
    first_sequence: int
    last_sequence: int
    bids: dict[int, int]
    asks: dict[int, int]


@dataclass(slots=True)
class CandleUpdate:
    """A candle as it is now, or as it ended."""

    market: str
    candle: Candle
    closed: bool


@dataclass(slots=True)
class Ticker:
    """A market over the last 24 hours, whole minutes of them; prices in ticks, None where there is none."""

    market: str
    last_ticks: int | None
    best_bid: tuple[int, int] | None
    best_ask: tuple[int, int] | None
    open_ticks: int | None
    high_ticks: int | None
    low_ticks: int | None
    volume_lots: int
    quote_minor: int
    trades: int
    time_ns: int
    status: MarketStatus


PublicData = Trade | DepthDiff | MarketChanged | Ticker | CandleUpdate


@dataclass(slots=True)
class PublicEvent:
    """One event of a public channel, with its place in the channel's count."""

    channel: Channel
    channel_sequence: int
    data: PublicData
