"""The names of streams: which market a stream is about, and what it shows of it."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from exchange.api.binance.intervals import LENGTHS_S

WINDOWS: Final = {"1h": 3600, "4h": 14_400, "1d": 86_400}
"""The rolling windows of `ticker_<window>`, in seconds."""
FAST: Final = "100ms"
OF_ALL: Final = ("arr", "arr@1000ms")  # some clients name the speed, which Binance takes though no page says so

_SYMBOL = re.compile(r"[a-z0-9\-_.]{1,20}")
_KLINE = re.compile(r"kline_(?P<interval>[0-9]{1,2}[smhdwM])(?P<ahead>@\+08:00)?")
_DEPTH = re.compile(r"depth(?P<levels>5|10|20)?(?:@(?P<speed>100ms|1000ms))?")
_TICKER = re.compile(r"ticker_(?P<window>1h|4h|1d)")


class Shows(Enum):
    """What a stream shows."""

    TRADES = "trade"
    AGGREGATES = "aggTrade"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    WINDOW = "ticker_"
    BEST = "bookTicker"
    AVERAGE = "avgPrice"
    DIFFS = "depth"
    LEVELS = "depthN"


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream that there is. `symbol` is in upper case; None for all markets.

    `detail` is the interval of a kline or the window of a ticker, `offset_s` where its days begin; `levels` are those
    of a book, and `fast` says that it is told ten times a second.
    """

    shows: Shows
    symbol: str | None
    detail: str = ""
    offset_s: int = 0
    levels: int = 0
    fast: bool = False


_PLAIN: Final = {
    shows.value: shows
    for shows in (*(Shows.TRADES, Shows.AGGREGATES, Shows.MINI_TICKER, Shows.TICKER, Shows.BEST, Shows.AVERAGE),)
}


def parse_name(text: str) -> StreamName | None:
    """The stream of that name, or None: there is no such stream, whatever markets there are."""
    if text.startswith("!"):
        return _of_all(text)
    symbol, at, what = text.partition("@")
    if not at or not _SYMBOL.fullmatch(symbol):
        return None
    market = symbol.upper()
    if what in _PLAIN:
        return StreamName(_PLAIN[what], market)
    if found := _TICKER.fullmatch(what):
        return StreamName(Shows.WINDOW, market, found["window"])
    if (found := _KLINE.fullmatch(what)) and found["interval"] in LENGTHS_S:
        return StreamName(Shows.KLINE, market, found["interval"], 28_800 if found["ahead"] else 0)
    if found := _DEPTH.fullmatch(what):
        levels, fast = int(found["levels"] or 0), found["speed"] == FAST
        return StreamName(Shows.LEVELS if levels else Shows.DIFFS, market, levels=levels, fast=fast)
    return None


def _of_all(text: str) -> StreamName | None:
    what, _, arr = text[1:].partition("@")
    if arr not in OF_ALL:
        return None
    if what in (Shows.MINI_TICKER.value, Shows.TICKER.value):
        return StreamName(_PLAIN[what], None)
    found = _TICKER.fullmatch(what)
    return StreamName(Shows.WINDOW, None, found["window"]) if found else None
