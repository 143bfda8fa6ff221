"""The statements that read history, as text. There are some dozens of them, and each connection prepares them once.

A page by time becomes a page by id. Ids grow with time, so the first row at or after a time is found by halving the
range of ids, with one step in an index each: no index by time is needed, and no row outside the page is read.
"""

from functools import cache

from exchange.service.history import Page

_ORDER = (
    "o.order_id, o.user_id, o.market, o.client_order_id, o.side, o.order_type, o.time_in_force, o.post_only, "
    "o.price_ticks, o.quantity_lots, o.executed_lots, o.executed_quote_minor::text, o.status, o.created_ns, "
    "o.updated_ns, o.expire_reason, o.conditions, o.progress"
)
_TRADE = (
    "trade_id, market, price_ticks, quantity_lots, quote_minor::text, taker_side, time_ns, market_trade_id, "
    "aggregate_id"
)
_TAKER = (
    "trade_id, taker_order_id AS order_id, market, taker_side AS side, true AS is_taker, "
    "price_ticks, quantity_lots, quote_minor, taker_fee_minor AS fee_minor, time_ns"
)
_MAKER = (
    "trade_id, maker_order_id AS order_id, market, (1 - taker_side)::smallint AS side, false AS is_taker, "
    "price_ticks, quantity_lots, quote_minor, maker_fee_minor AS fee_minor, time_ns"
)
_OF_ORDER = "f.trade_id, f.is_taker, f.price_ticks, f.quantity_lots, f.quote_minor::text, f.fee_minor::text, f.time_ns"


def _fills_of(order_id: str) -> str:
    return (
        f"SELECT {_TAKER} FROM trades WHERE taker_order_id = {order_id} "
        f"UNION ALL SELECT {_MAKER} FROM trades WHERE maker_order_id = {order_id}"
    )


# $1 is the order's id, $2 the last trade's.
FILLS_OF_ORDER = f"SELECT {_OF_ORDER} FROM ({_fills_of('$1')}) AS f WHERE trade_id <= $2 ORDER BY trade_id"


@cache
def closed_order(*, by_id: bool, market: bool) -> str:
    """One order ($1 the user, $2 the id of either kind, $3 the market), in a row for each of its fills, or in one."""
    which = "order_id = $2" if by_id else "client_order_id = $2"
    there = " AND market = $3" if market else ""
    return (
        f"WITH o AS MATERIALIZED (SELECT * FROM closed_orders WHERE user_id = $1 AND {which}{there} "
        "ORDER BY order_id DESC LIMIT 1) "
        f"SELECT {_ORDER}, {_OF_ORDER} "
        f"FROM o LEFT JOIN LATERAL ({_fills_of('o.order_id')}) AS f ON o.executed_lots > 0 ORDER BY f.trade_id"
    )


class Pages:
    """The bounds of a page as text: $1 its limit, $2 `after`, $3 `before`, then the times that it has."""

    def __init__(self, start: bool, end: bool, oldest_first: bool) -> None:
        self._start = "$4" if start else None
        self._end = f"${4 + start}" if end else None
        self._direction = "ASC" if oldest_first else "DESC"
        self.next = 4 + start + end  # the number of the next parameter
        self._found: list[str] = []

    def of(self, columns: str, table: str, where: str, id_column: str, time_column: str) -> str:
        """The page of the rows of a table that fulfil a condition, which an index has in the order of their ids."""
        bounds = [f"{id_column} > $2", f"{id_column} < $3"]
        for time, sign in ((self._start, ">="), (self._end, "<")):
            if time is not None:
                name = f"found_{len(self._found)}"
                self._found.append(first_since(name, time, table, where, id_column, time_column))
                bounds.append(f"{id_column} {sign} (SELECT max(high) FILTER (WHERE high - low = 1) FROM {name})")
        condition = " AND ".join([where, *bounds] if where else bounds)
        return f"SELECT {columns} FROM {table} WHERE {condition} {self.ordered(id_column)}"

    def ordered(self, id_column: str) -> str:
        """The end of the statement."""
        return f"ORDER BY {id_column} {self._direction} LIMIT $1"

    def statement(self, page: str) -> str:
        """The whole."""
        return f"WITH RECURSIVE {', '.join(self._found)} {page}" if self._found else page


def first_since(name: str, time: str, table: str, where: str, id_column: str, time_column: str) -> str:
    """The first id, `high`, from which on all rows have at least that time: every row up to `low` has less."""
    rows = f"FROM {table} WHERE {where} AND" if where else f"FROM {table} WHERE"
    return (
        f"{name} (low, high) AS (SELECT 0::bigint, "
        f"1 + COALESCE((SELECT {id_column} {rows} true ORDER BY {id_column} DESC LIMIT 1), 0) UNION ALL "
        f"SELECT CASE WHEN at < {time}::bigint THEN id ELSE low END, "
        f"CASE WHEN at < {time}::bigint THEN high ELSE half END "
        f"FROM {name}, LATERAL (SELECT low + (high - low) / 2 AS half) AS middle LEFT JOIN LATERAL "
        f"(SELECT {id_column} AS id, {time_column} AS at {rows} {id_column} >= half ORDER BY {id_column} LIMIT 1) "
        "AS probe ON true WHERE high - low > 1)"
    )


def _pages(page: Page) -> tuple[bool, bool, bool]:
    return page.start_ns is not None, page.end_ns is not None, page.oldest_first


def closed_orders(page: Page, *, market: bool) -> str:
    """A page of a user's closed orders: after the bounds the user, and the market."""
    return _closed_orders(*_pages(page), market)


@cache
def _closed_orders(start: bool, end: bool, oldest_first: bool, market: bool) -> str:
    pages = Pages(start, end, oldest_first)
    where = f"user_id = ${pages.next}" + (f" AND market = ${pages.next + 1}" if market else "")
    return pages.statement(pages.of(_ORDER, "closed_orders AS o", where, "order_id", "created_ns"))


def trades(page: Page, *, market: bool) -> str:
    """A page of trades: after the bounds the market."""
    return _trades(*_pages(page), market)


@cache
def _trades(start: bool, end: bool, oldest_first: bool, market: bool) -> str:
    if not market:
        return _all_trades(start, end, oldest_first)
    pages = Pages(start, end, oldest_first)
    where = f"market = ${pages.next}"
    return pages.statement(pages.of(_TRADE, "trades", where, "trade_id", "time_ns"))


def _all_trades(start: bool, end: bool, oldest_first: bool) -> str:
    """A page of the trades of all markets, each of which has an index by id.

    The venue counts its trades without holes, so a page of so many trades is a range of so many ids, after those that
    were dropped.
    """
    last = _of_markets("max", "trade_id DESC", "true")
    found = [f"last (id) AS (SELECT COALESCE(({last}), 0))"]  # 0: there is none
    low, high = ["$2::bigint + 1"], ["$3::bigint", "(SELECT id + 1 FROM last)"]
    for number, (there, bounds) in enumerate(((start, low), (end, high))):
        if there:
            name, time = f"found_{number}", f"${4 + (number if start else 0)}::bigint"
            found += [
                f"{name} (symbol, low, high) AS (SELECT symbol, 0::bigint, (SELECT id + 1 FROM last) FROM markets "
                f"UNION ALL SELECT symbol, CASE WHEN at < {time} THEN id ELSE low END, "
                f"CASE WHEN at < {time} THEN high ELSE half END "
                f"FROM {name}, LATERAL (SELECT low + (high - low) / 2 AS half) AS middle LEFT JOIN LATERAL "
                "(SELECT trade_id AS id, time_ns AS at FROM trades WHERE market = symbol AND trade_id >= half "
                "ORDER BY trade_id LIMIT 1) AS probe ON true WHERE high - low > 1)",
                f"{name}_id (id) AS ({_of_markets('min', 'trade_id', 'trade_id >= m.high', f'{name} AS m')})",
            ]
            # None at or after that time: then all trades are before it.
            bounds.append(f"COALESCE((SELECT id FROM {name}_id), (SELECT id + 1 FROM last))")
    lowest = f"LEAST(GREATEST((SELECT trade_id + 1 FROM pruned), {', '.join(low)}), (SELECT id + 1 FROM last))"
    highest = f"LEAST({', '.join(high)})"
    if oldest_first:
        window = "low, LEAST(high, low + $1::bigint) AS high"
    else:
        window = "GREATEST(low, high - $1::bigint) AS low, high"
    return (
        f"WITH RECURSIVE {', '.join(found)}, "
        f"bounds AS (SELECT {window} FROM (SELECT {lowest} AS low, {highest} AS high) AS b) "
        f"SELECT t.* FROM bounds, markets AS m, LATERAL (SELECT {_TRADE} FROM trades WHERE market = m.symbol "
        "AND trade_id >= bounds.low AND trade_id < bounds.high) AS t "
        f"ORDER BY trade_id {'ASC' if oldest_first else 'DESC'} LIMIT $1"
    )


def _of_markets(choice: str, order: str, condition: str, markets: str = "markets AS m") -> str:
    """The lowest or highest of the ids that are first in each market."""
    settled = " WHERE m.high - m.low <= 1" if markets != "markets AS m" else ""
    return (
        f"SELECT {choice}(f.trade_id) FROM {markets}, LATERAL (SELECT trade_id FROM trades "
        f"WHERE market = m.symbol AND {condition} ORDER BY {order} LIMIT 1) AS f{settled}"
    )


def fills(page: Page, *, market: bool, order: bool) -> str:
    """A page of a user's fills: after the bounds the user, the market and the order."""
    return _fills(*_pages(page), market, order)


@cache
def _fills(start: bool, end: bool, oldest_first: bool, market: bool, order: bool) -> str:
    pages = Pages(start, end, oldest_first)
    sides = []
    for side, columns in (("taker", _TAKER), ("maker", _MAKER)):
        where = f"{side}_user_id = ${pages.next}"
        if market:
            where += f" AND market = ${pages.next + 1}"
        if order:
            where += f" AND {side}_order_id = ${pages.next + 1 + market}"
        sides.append(f"({pages.of(columns, 'trades', where, 'trade_id', 'time_ns')})")
    # An order is in one of the two tables, never in both; most are in the first of these, and then that is all.
    user = f"user_id = ${pages.next} AND order_id = f.order_id"
    name = (
        "("
        + " UNION ALL ".join(
            f"SELECT client_order_id FROM {table} WHERE {user}" for table in ("closed_orders", "open_orders")
        )
        + " LIMIT 1)"
    )
    return pages.statement(
        f"SELECT trade_id, order_id, {name}, market, side, is_taker, price_ticks, quantity_lots, quote_minor::text, "
        f"fee_minor::text, time_ns FROM ({' UNION ALL '.join(sides)} {pages.ordered('trade_id')}) AS f "
        f"{pages.ordered('trade_id')}"
    )


def prevented_matches(page: Page, *, market: bool, order: bool) -> str:
    """A page of a user's prevented matches: after the bounds the user, the market and the order."""
    return _prevented_matches(*_pages(page), market, order)


@cache
def _prevented_matches(start: bool, end: bool, oldest_first: bool, market: bool, order: bool) -> str:
    pages = Pages(start, end, oldest_first)
    where = f"user_id = ${pages.next}"
    if market:
        where += f" AND market = ${pages.next + 1}"
    if order:
        where += f" AND ${pages.next + 1 + market} IN (taker_order_id, maker_order_id)"
    columns = (
        "match_id, market_match_id, market, user_id, taker_order_id, maker_order_id, mode, price_ticks, "
        "taker_prevented_lots, maker_prevented_lots, time_ns"
    )
    return pages.statement(pages.of(columns, "prevented_matches", where, "match_id", "time_ns"))


def amendments(page: Page, *, market: bool, order: bool) -> str:
    """A page of the amendments of a user's orders: after the bounds the user, the market and the order."""
    return _amendments(*_pages(page), market, order)


@cache
def _amendments(start: bool, end: bool, oldest_first: bool, market: bool, order: bool) -> str:
    pages = Pages(start, end, oldest_first)
    where = f"user_id = ${pages.next}"
    if market:
        where += f" AND market = ${pages.next + 1}"
    if order:
        where += f" AND order_id = ${pages.next + 1 + market}"
    columns = (
        "amendment_id, market, user_id, order_id, client_order_id, new_client_order_id, price_ticks, new_price_ticks, "
        "quantity_lots, new_quantity_lots, key, after_order_id, time_ns"
    )
    return pages.statement(pages.of(columns, "amendments", where, "amendment_id", "time_ns"))


_LIST = "list_id, user_id, market, list_type, client_list_id, end_reason, created_ns, updated_ns, legs, content, status"
# $1 is the user, $2 the ids.
ORDERS_BY_ID = f"SELECT {_ORDER} FROM orders AS o WHERE user_id = $1 AND order_id = ANY ($2::bigint[])"


@cache
def order_list(*, by_id: bool, by_name: bool) -> str:
    """One list: $1 the user, $2 the market, then the ids that are given."""
    where = "user_id = $1 AND market = $2" + (" AND list_id = $3" if by_id else "")
    where += f" AND client_list_id = ${3 + by_id}" if by_name else ""
    return f"SELECT {_LIST} FROM order_lists WHERE {where} ORDER BY list_id DESC LIMIT 1"


def lists(page: Page, *, market: bool, status: bool) -> str:
    """A page of a user's lists: after the bounds the user, the market and the status."""
    return _lists(*_pages(page), market, status)


@cache
def _lists(start: bool, end: bool, oldest_first: bool, market: bool, status: bool) -> str:
    pages = Pages(start, end, oldest_first)
    where = f"user_id = ${pages.next}"
    if market:
        where += f" AND market = ${pages.next + 1}"
    if status:
        where += f" AND status = ${pages.next + 1 + market}"
    return pages.statement(pages.of(_LIST, "order_lists", where, "list_id", "created_ns"))


def withdrawals(page: Page, *, user: bool, pending: bool) -> str:
    """A page of withdrawals: after the bounds the user."""
    return _withdrawals(*_pages(page), user, pending)


@cache
def _withdrawals(start: bool, end: bool, oldest_first: bool, user: bool, pending: bool) -> str:
    pages = Pages(start, end, oldest_first)
    where = [*([f"user_id = ${pages.next}"] if user else []), *(["status = 0"] if pending else [])]
    columns = "sequence, key, user_id, asset, amount_minor::text, status::int, requested_ns, ended_ns"
    return pages.statement(pages.of(columns, "withdrawals", " AND ".join(where), "sequence", "requested_ns"))


def audit(page: Page) -> str:
    """A page of what administrators did."""
    return _audit(*_pages(page))


@cache
def _audit(start: bool, end: bool, oldest_first: bool) -> str:
    pages = Pages(start, end, oldest_first)
    columns = "sequence, time_ns, actor, address, action, user_id, detail"
    return pages.statement(pages.of(columns, "audit", "", "sequence", "time_ns"))


@cache
def candles(*, first: bool) -> str:
    """Candles of a market ($1) and interval ($2) that begin from $3 to before $4, the first or the last $5 of them."""
    return (
        "SELECT open_s, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots::text, quote_minor::text, trades, "
        "first_market_trade_id, last_market_trade_id, taker_buy_lots::text, taker_buy_quote_minor::text "
        "FROM candles WHERE market = $1 AND interval_s = $2 AND open_s >= $3 AND open_s < $4 "
        f"ORDER BY open_s {'ASC' if first else 'DESC'} LIMIT $5"
    )
