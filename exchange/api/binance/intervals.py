"""The intervals of candles in this dialect, and which stored candles each is made of.

Weeks begin on Monday, months are those of the calendar, three days are counted from the epoch. Another time zone moves
where they begin.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exchange.api.binance.errors import BinanceError
from exchange.core.events import INTERVALS_S

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
MONDAY_S: Final = 4 * DAY_S  # the first one after the epoch
LENGTHS_S: Final = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": DAY_S,
    "3d": 3 * DAY_S,
    "1w": WEEK_S,
    "1M": 0,  # they differ
}
YEAR_MAX: Final = 9000


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval in a time zone. Times are seconds since the epoch."""

    name: str
    zone_s: int

    @property
    def length_s(self) -> int:
        """How long it is; 0 for months."""
        return LENGTHS_S[self.name]

    @property
    def stored_s(self) -> int:
        """The stored candles that it is made of: the longest that fit; 1 for seconds, which are not stored."""
        length_s = self.length_s or DAY_S
        if length_s == 1:
            return 1
        return max(stored for stored in INTERVALS_S if length_s % stored == 0 and self.zone_s % stored == 0)

    @property
    def pieces(self) -> int:
        """How many stored candles one is made of, at most."""
        return (self.length_s or 31 * DAY_S) // self.stored_s

    def begin_s(self, time_s: int) -> int:
        """When the one that holds a time begins."""
        length_s = self.length_s
        if length_s:
            shift_s = (MONDAY_S if length_s == WEEK_S else 0) - self.zone_s
            return (time_s - shift_s) // length_s * length_s + shift_s
        local = datetime.fromtimestamp(time_s + self.zone_s, UTC)
        return int(datetime(local.year, local.month, 1, tzinfo=UTC).timestamp()) - self.zone_s

    def next_s(self, begin_s: int) -> int:
        """When the one after that begins."""
        if self.length_s:
            return begin_s + self.length_s
        return self.begin_s(begin_s + 32 * DAY_S)

    def back_s(self, begin_s: int, count: int) -> int:
        """When the one that is `count` before that begins."""
        if self.length_s:
            return begin_s - count * self.length_s
        local = datetime.fromtimestamp(begin_s + self.zone_s, UTC)
        months = max(local.year * 12 + local.month - 1 - count, 1970 * 12)
        return int(datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()) - self.zone_s


def interval_of(name: str, zone_s: int = 0) -> Interval:
    """The interval of that name. Raises BinanceError."""
    if name not in LENGTHS_S:
        raise BinanceError(-1120, "Invalid interval.")
    return Interval(name, zone_s)
