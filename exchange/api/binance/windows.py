"""Ranges of time: the parameters `startTime` and `endTime`, and the pages of a history that they bound."""

from typing import Final

from exchange.api.binance.asked import MICROSECOND_NS, MILLISECOND_NS
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.parameters import Parameters
from exchange.service.history import ID_MAX, Page

DAY_NS: Final = 86_400_000_000_000
MICROSECONDS_FROM: Final = 10**15  # a time of so much is in microseconds


def time_ns(params: Parameters, name: str, *, end: bool = False) -> int | None:
    """A time in nanoseconds; with `end` the first instant after it. Raises BinanceError."""
    value = params.integer(name)
    if value is None:
        return None
    unit_ns = MICROSECOND_NS if value >= MICROSECONDS_FROM else MILLISECOND_NS
    return min((value + end) * unit_ns, ID_MAX)


def time_range(params: Parameters, most_ns: int | None = DAY_NS) -> tuple[int | None, int | None]:
    """Both times, the end exclusive. Raises BinanceError."""
    start_ns, end_ns = time_ns(params, "startTime"), time_ns(params, "endTime", end=True)
    if start_ns is not None and end_ns is not None:
        if end_ns <= start_ns:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if most_ns is not None and end_ns - start_ns > most_ns + MILLISECOND_NS:
            raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")
    return start_ns, end_ns


def page_in_time(params: Parameters, limit: int) -> Page:
    """A page of rows in a range of time of at most a day. Raises BinanceError."""
    start_ns, end_ns = time_range(params)
    return Page(limit, start_ns=start_ns, end_ns=end_ns)
