"""The Tape of a PostgreSQL.

Numbers of a market's trades and aggregates grow with trade ids, so a number is found by halving the range of ids, as a
time is: no index by number is needed.
"""

from functools import cache
from typing import Any, Final

from exchange.core.candles import Candle
from exchange.core.commands import Side
from exchange.service.history import ID_MAX, Fill, Page, PublicTrade
from exchange.service.tape import Aggregate, OwnTrade
from exchange.store.queries import PostgresHistory
from exchange.store.statements import first_since

AGGREGATED_MAX: Final = 10_000  # trades that one call reads to make aggregates of
SECONDS_MAX: Final = 100_000  # trades that one call reads to make seconds of
_SIDES: Final = tuple(Side)
_FOUND: Final = "(SELECT max(high) FILTER (WHERE high - low = 1) FROM {name})"
_TRADE: Final = (
    "trade_id, price_ticks, quantity_lots, quote_minor::text, taker_side, time_ns, market_trade_id, aggregate_id"
)


def _since(name: str, value: str, column: str) -> tuple[str, str]:
    """A part of a statement that finds the first trade of market $1 with at least that value, and its id."""
    return first_since(name, value, "trades", "market = $1", "trade_id", column), _FOUND.format(name=name)


@cache
def _trades_from() -> str:
    found, first = _since("found", "$2", "market_trade_id")
    where = f"market = $1 AND trade_id >= {first}"
    return f"WITH RECURSIVE {found} SELECT {_TRADE} FROM trades WHERE {where} ORDER BY trade_id LIMIT $3"


@cache
def _aggregates(by: str, end: bool) -> str:
    """Of market $1, $2 trades at most and $3 aggregates: from $4, an id or a time, or the last ones; before time $5."""
    parts, bounds = [], ["market = $1"]
    last = by == "last"
    if not last:
        found, first = _since("first", "$4", "aggregate_id" if by == "id" else "time_ns")
        parts.append(found)
        bounds.append(f"trade_id >= {first}")
    if end:
        found, beyond = _since("beyond", "$4" if last else "$5", "time_ns")
        parts.append(found)
        bounds.append(f"trade_id < {beyond}")
    order = "DESC" if last else "ASC"
    parts.append(
        f"picked AS (SELECT * FROM trades WHERE {' AND '.join(bounds)} ORDER BY trade_id {order} "
        "LIMIT $2::bigint + 1), "
        "cut AS (SELECT CASE WHEN count(*) > $2::bigint AND min(aggregate_id) < max(aggregate_id) THEN "
        f"{'min' if last else 'max'}(aggregate_id) ELSE 0 END AS aggregate_id FROM picked)"
    )
    # The aggregate at the cut may not be whole.
    return (
        f"WITH RECURSIVE {', '.join(parts)} SELECT picked.aggregate_id, min(price_ticks), sum(quantity_lots)::text, "
        "min(market_trade_id), max(market_trade_id), min(taker_side), min(time_ns) FROM picked, cut "
        f"WHERE picked.aggregate_id <> cut.aggregate_id GROUP BY 1 ORDER BY 1 {order} LIMIT $3"
    )


@cache
def _seconds() -> str:
    (found, first), (ended, beyond) = _since("found", "$2", "time_ns"), _since("ended", "$3", "time_ns")
    return (
        f"WITH RECURSIVE {found}, {ended}, picked AS (SELECT *, time_ns / 1000000000 AS open_s FROM trades "
        f"WHERE market = $1 AND trade_id >= {first} AND trade_id < {beyond} ORDER BY trade_id LIMIT {SECONDS_MAX}) "
        "SELECT open_s, (array_agg(price_ticks ORDER BY trade_id))[1], max(price_ticks), min(price_ticks), "
        "(array_agg(price_ticks ORDER BY trade_id DESC))[1], sum(quantity_lots)::text, sum(quote_minor)::text, "
        "count(*), min(market_trade_id), max(market_trade_id), "
        "COALESCE(sum(quantity_lots) FILTER (WHERE taker_side = 0), 0)::text, "
        "COALESCE(sum(quote_minor) FILTER (WHERE taker_side = 0), 0)::text FROM picked GROUP BY 1 ORDER BY 1"
    )


@cache
def _own_trades(by_id: bool, start: bool, end: bool, order: bool, oldest_first: bool) -> str:
    """Of market $1 and user $2, $3 at most; then the first number, the times and the order."""
    number, parts, bounds = 4, [], ["market = $1"]
    for name, there, column, sign in (
        ("numbered", by_id, "market_trade_id", ">="),
        ("started", start, "time_ns", ">="),
        ("ended", end, "time_ns", "<"),
    ):
        if there:
            found, trade_id = _since(name, f"${number}", column)
            parts.append(found)
            bounds.append(f"trade_id {sign} {trade_id}")
            number += 1
    direction = "ASC" if oldest_first else "DESC"
    sides = []
    for side, taker in (("taker", True), ("maker", False)):
        where = [*bounds, f"{side}_user_id = $2", *([f"{side}_order_id = ${number}"] if order else [])]
        side_of = "taker_side" if taker else "(1 - taker_side)::smallint"
        sides.append(
            f"(SELECT trade_id, {side}_order_id AS order_id, {side_of} AS side, {str(taker).lower()} AS is_taker, "
            f"price_ticks, quantity_lots, quote_minor::text, {side}_fee_minor::text AS fee_minor, time_ns, "
            f"market_trade_id FROM trades WHERE {' AND '.join(where)} ORDER BY trade_id {direction} LIMIT $3)"
        )
    together = f"{' UNION ALL '.join(sides)} ORDER BY trade_id {direction}, is_taker LIMIT $3"
    return f"WITH RECURSIVE {', '.join(parts)} {together}" if parts else together


class PostgresTape:
    """Answers from the tables, by the connections of a history."""

    def __init__(self, history: PostgresHistory) -> None:
        self._rows = history.rows

    async def trades_from(self, market: str, market_trade_id: int, limit: int) -> list[PublicTrade]:
        """The trades of that number and later, oldest first."""
        rows = await self._rows(_trades_from(), market, market_trade_id, limit)
        return [
            PublicTrade(trade_id, market, price, lots, int(quote), _SIDES[side], time_ns, number, aggregate)
            for trade_id, price, lots, quote, side, time_ns, number, aggregate in rows
        ]

    async def aggregates(
        self, market: str, first_id: int | None, start_ns: int | None, end_ns: int | None, limit: int
    ) -> list[Aggregate]:
        """Aggregates in order: from an id or a time on, else the last ones before the end."""
        by = "id" if first_id is not None else "time" if start_ns is not None else "last"
        first = first_id if first_id is not None else start_ns
        bounds = [value for value in (first, end_ns) if value is not None]
        statement = _aggregates(by, end_ns is not None)
        rows = await self._rows(statement, market, AGGREGATED_MAX, limit, *bounds)
        found = [_aggregate(row) for row in rows]
        return found[::-1] if by == "last" else found

    async def seconds(self, market: str, start_s: int, end_s: int) -> list[Candle]:
        """The seconds that had trades, oldest first."""
        start_ns, end_ns = (min(time_s * 1_000_000_000, ID_MAX) for time_s in (start_s, end_s))
        return [_second(row) for row in await self._rows(_seconds(), market, start_ns, end_ns)]

    async def own_trades(
        self, user_id: str, market: str, order_id: int | None, first_id: int | None, page: Page
    ) -> list[OwnTrade]:
        """A user's fills in a market; the ids of the page are not used."""
        oldest_first = first_id is not None or page.start_ns is not None
        there = first_id is not None, page.start_ns is not None, page.end_ns is not None, order_id is not None
        bounds = [value for value in (first_id, page.start_ns, page.end_ns, order_id) if value is not None]
        rows = await self._rows(_own_trades(*there, oldest_first), market, user_id, page.limit, *bounds)
        return [_own_trade(row, market) for row in rows]


def _aggregate(row: Any) -> Aggregate:
    aggregate_id, price_ticks, lots, first, last, side, time_ns = row
    return Aggregate(aggregate_id, price_ticks, int(lots), first, last, _SIDES[side], time_ns)


def _second(row: Any) -> Candle:
    open_s, opened, high, low, close, lots, quote, trades, first, last, buy_lots, buy_quote = row
    candle = Candle(open_s, opened, first)
    candle.high_ticks, candle.low_ticks, candle.close_ticks = high, low, close
    candle.volume_lots, candle.quote_minor, candle.trades = int(lots), int(quote), trades
    candle.last_market_trade_id = last
    candle.taker_buy_lots, candle.taker_buy_quote_minor = int(buy_lots), int(buy_quote)
    return candle


def _own_trade(row: Any, market: str) -> OwnTrade:
    trade_id, order_id, side, is_taker, price, lots, quote, fee, time_ns, number = row
    fill = Fill(trade_id, order_id, None, market, _SIDES[side], is_taker, price, lots, int(quote), int(fee), time_ns)
    return OwnTrade(fill, number)
