"""The average price of a market in whole minutes, as a tuple of integers that is stored with the market.

It is empty before the first trade. Then it has the last price, and for each minute that had trades, the newest first:
the minute, the sum of price times quantity and the sum of quantity, in ticks and lots.
"""

from typing import Final

from exchange.core.events import MINUTE_NS

Average = tuple[int, ...]
NO_PRICE: Final[Average] = ()


def traded(average: Average, minutes_max: int, now_ns: int, last_ticks: int, cost_tick_lots: int, lots: int) -> Average:
    """The average after one command's trades; it keeps the last `minutes_max` minutes."""
    if not minutes_max:
        return (last_ticks,)
    minute = now_ns // MINUTE_NS
    if len(average) > 1 and average[1] == minute:
        latest = (last_ticks, minute, average[2] + cost_tick_lots, average[3] + lots)
        return latest if len(average) == 4 else latest + average[4:]
    earlier = average[1:]
    while earlier and earlier[-3] <= minute - minutes_max:
        earlier = earlier[:-3]
    return (last_ticks, minute, cost_tick_lots, lots, *earlier)


def average_price(average: Average, minutes: int, now_ns: int) -> tuple[int, int] | None:
    """The average over the last minutes, this one included, as a fraction of ticks: numerator and denominator.

    It is the last price where nothing traded in them, or for no minutes; None where nothing ever traded.
    """
    if not average:
        return None
    since, cost_tick_lots, lots = now_ns // MINUTE_NS - minutes, 0, 0
    for at in range(1, len(average), 3):
        if average[at] <= since:
            break
        cost_tick_lots += average[at + 1]
        lots += average[at + 2]
    return (cost_tick_lots, lots) if lots else (average[0], 1)
