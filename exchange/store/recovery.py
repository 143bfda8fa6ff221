"""Reads the state of a venue: what is open and what is counted, not its history."""

from dataclasses import fields, replace
from functools import lru_cache
from sys import intern
from typing import Any

import asyncpg

from exchange.core.administration import ApiKey, KeyType
from exchange.core.amendments import REDUCTIONS_MAX, Amended
from exchange.core.candles import Candle
from exchange.core.client_ids import RECENT_MAX, as_placed
from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import INTERVALS_S, BalanceChanged
from exchange.core.fees import Rates
from exchange.core.instrument import Asset
from exchange.core.state import MarketState, OpenOrder, VenueState
from exchange.core.timers import Timer
from exchange.core.venue_filters import VenueFilters
from exchange.failure import Failure
from exchange.pipeline.commits import Journaled
from exchange.store import journal, recovery_lists, recovery_money
from exchange.store.numbers_text import conditions_from, progress_from
from exchange.store.rows import ALL_MARKETS

_TERMS = (
    "user_id, market, side, order_type, time_in_force, post_only, price_ticks, quantity_lots, client_order_id, "
    "conditions"
)
PAGE = 10_000
RULES = 21  # of a market, which are the first columns of its row
_SIDES, _TYPES, _TIMES = tuple(Side), tuple(OrderType), tuple(TimeInForce)


async def load(connection: "asyncpg.Connection[Any]", *, remembered: bool = True) -> VenueState:
    """The state, as of one snapshot; without what is `remembered` of closed orders and of keys if so asked.

    Amounts travel as text: it costs a fraction of asyncpg's numeric decoding.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        venue = await connection.fetchrow(
            "SELECT sequence, time_ns, last_order_id, last_priority, last_trade_id, last_match_id, "
            "last_amendment_id, last_list_id FROM projection"
        )
        assert venue is not None
        assets = {
            row["symbol"]: Asset(row["symbol"], row["decimals"])
            for row in await connection.fetch("SELECT symbol, decimals FROM assets ORDER BY symbol")
        }
        bounds = await connection.fetch("SELECT name, bound, by_call FROM filters")
        recent_keys, withdrawals = await recovery_money.load(connection, remembered=remembered)
        return VenueState(
            sequence=venue["sequence"],
            time_ns=venue["time_ns"],
            last_order_id=venue["last_order_id"],
            last_priority=venue["last_priority"],
            last_trade_id=venue["last_trade_id"],
            last_match_id=venue["last_match_id"],
            last_amendment_id=venue["last_amendment_id"],
            last_list_id=venue["last_list_id"],
            assets=list(assets.values()),
            markets=await _markets(connection, assets),
            users=[row[0] for row in await connection.fetch("SELECT user_id FROM users ORDER BY user_id")],
            disabled_users=[
                row[0] for row in await connection.fetch("SELECT user_id FROM users WHERE status = 1 ORDER BY user_id")
            ],
            user_tiers=[
                tuple(row)
                for row in await connection.fetch(
                    "SELECT user_id, fee_tier FROM user_tiers WHERE fee_tier IS NOT NULL ORDER BY user_id"
                )
            ],
            keys=await _keys(connection),
            accounts=await _accounts(connection),
            orders=await _open_orders(connection),
            recent_client_orders=await _recent_client_orders(connection) if remembered else [],
            recent_keys=recent_keys,
            withdrawals=withdrawals,
            recent_reductions=await _recent_reductions(connection) if remembered else [],
            timers=await _timers(connection),
            lists=await recovery_lists.open_lists(connection),
            recent_client_lists=await recovery_lists.recent(connection, RECENT_MAX) if remembered else [],
            list_counts=await recovery_lists.counts(connection),
            filters=VenueFilters(**{row["name"]: row["bound"] for row in bounds}),
            filters_by_call=any(row["by_call"] for row in bounds),
        )


async def _keys(connection: "asyncpg.Connection[Any]") -> list[ApiKey]:
    rows = await connection.fetch(
        "SELECT api_key, user_id, key_type, material, permissions, label, allowed_addresses, expires_ns, created_ns "
        "FROM keys WHERE revoked_ns IS NULL ORDER BY api_key"
    )
    return [
        ApiKey(
            *(row["api_key"], row["user_id"], KeyType(row["key_type"]), row["material"]),
            *(tuple(row["permissions"].split()), row["label"], tuple((row["allowed_addresses"] or "").split())),
            *(row["expires_ns"], row["created_ns"]),
        )
        for row in rows
    ]


async def _accounts(connection: "asyncpg.Connection[Any]") -> list[BalanceChanged]:
    """Every account, with its user's counts: the highest that any account of theirs was stored with."""
    rows = await connection.fetch(
        "SELECT user_id, asset, available_minor::text, locked_minor::text, "
        "max(balances_sequence) OVER (PARTITION BY user_id), max(orders_sequence) OVER (PARTITION BY user_id) "
        "FROM accounts ORDER BY user_id, asset"
    )
    return [
        BalanceChanged(user_id, asset, int(available), int(locked), *counts)
        for user_id, asset, available, locked, *counts in rows
    ]


async def _markets(connection: "asyncpg.Connection[Any]", assets: dict[str, Asset]) -> list[MarketState]:
    rows = await connection.fetch(
        "SELECT symbol, base, quote, tick_size, lot_size, min_notional_minor::text, maker_fee_ppm, taker_fee_ppm, "
        "max_open_orders, status, fee_asset, min_price_ticks, max_fills_per_order, min_notional_applies_to_market, "
        "avg_price_mins, fills_may_leave_nothing, self_trade, self_trade_modes, set_min_price_ticks, tiers, filters, "
        "book_sequence, depth_sequence, "
        "best_sequence, trade_sequence, last_aggregate_id, last_trade_ns, candles, average, last_match_id, by_call, "
        "tracks "
        "FROM markets ORDER BY symbol"
    )
    return [
        MarketState(
            journal.instrument_from(tuple(row)[:RULES], assets),
            row["book_sequence"],
            row["depth_sequence"],
            row["best_sequence"],
            row["trade_sequence"],
            row["last_aggregate_id"],
            row["last_trade_ns"],
            tuple(int(count) for count in row["candles"].split()),
            tuple(int(number) for number in (row["average"] or "").split()),
            row["last_match_id"],
            row["by_call"],
            tuple(int(number) for number in (row["tracks"] or "").split()),
        )
        for row in rows
    ]


async def _open_orders(connection: "asyncpg.Connection[Any]") -> list[OpenOrder]:
    cursor = await connection.cursor(
        "SELECT order_id, executed_lots, executed_quote_minor::text, priority, created_ns, updated_ns, "
        f"maker_fee_ppm, taker_fee_ppm, progress, {_TERMS} FROM open_orders ORDER BY priority"
    )
    orders: list[OpenOrder] = []
    # A page at a time: all rows at once would weigh as much again as the orders made of them.
    while rows := await cursor.fetch(PAGE):
        orders += [
            OpenOrder(
                order_id,
                _terms(terms[1:]),
                lots,
                int(executed_quote),
                # Most orders are as they came: numbers that are equal share one object.
                order_id if priority == order_id else priority,
                created_ns,
                created_ns if updated_ns == created_ns else updated_ns,
                _rates(maker_ppm, taker_ppm),
                progress_from(terms[0]),
            )
            for order_id, lots, executed_quote, priority, created_ns, updated_ns, maker_ppm, taker_ppm, *terms in rows
        ]
    return orders


@lru_cache(maxsize=1024)  # many orders share few rates
def _rates(maker_ppm: int | None, taker_ppm: int | None) -> Rates | None:
    return None if maker_ppm is None or taker_ppm is None else Rates(maker_ppm, taker_ppm)


def _terms(fields: list[Any]) -> PlaceOrder:
    user_id, market, side, order_type, time_in_force, post_only, price_ticks, lots, client_order_id, more = fields
    return PlaceOrder(
        intern(user_id),  # every row brings its own copy; a million orders share what few users and markets there are
        intern(market),
        _SIDES[side],
        _TYPES[order_type],
        _TIMES[time_in_force],
        post_only,
        price_ticks,
        lots,
        client_order_id,
        conditions_from(more),
    )


async def _recent_client_orders(connection: "asyncpg.Connection[Any]") -> list[tuple[int, PlaceOrder]]:
    """The last client order ids that were accepted: of orders that were placed, and of those that were renamed."""
    newest = " UNION ALL ".join(
        f"(SELECT order_id, progress, {_TERMS} FROM {table} WHERE client_order_id IS NOT NULL "
        "ORDER BY order_id DESC LIMIT $1)"
        for table in ("open_orders", "closed_orders")
    )
    placed = await connection.fetch(f"SELECT * FROM ({newest}) newest ORDER BY order_id DESC LIMIT $1", RECENT_MAX)
    renamed = await connection.fetch(
        "SELECT a.after_order_id, a.amendment_id, a.client_order_id, a.new_client_order_id, o.* FROM ("
        "SELECT * FROM amendments WHERE new_client_order_id IS NOT NULL ORDER BY amendment_id DESC LIMIT $1) AS a, "
        f"LATERAL (SELECT order_id, progress, {_TERMS} FROM orders "
        "WHERE user_id = a.user_id AND order_id = a.order_id) AS o ORDER BY a.amendment_id",
        RECENT_MAX,
    )
    renamed_orders: set[int] = set()
    # In the order in which they were accepted: by the order id that was the last one then, and then by the amendment.
    accepted: list[tuple[int, int, int, PlaceOrder]] = []
    for after_order_id, amendment_id, old_name, new_name, order_id, progress, *terms in renamed:
        accepted.append((after_order_id, amendment_id, order_id, _as_placed(terms, progress, new_name)))
        if order_id not in renamed_orders and old_name is not None:  # what it was placed under
            accepted.append((order_id, 0, order_id, _as_placed(terms, progress, old_name)))
        renamed_orders.add(order_id)
    for order_id, progress, *terms in placed:
        if order_id not in renamed_orders:
            accepted.append((order_id, 0, order_id, _as_placed(terms, progress, terms[8])))
    accepted.sort(key=lambda found: found[:2])
    return [(order_id, terms) for _, _, order_id, terms in accepted[-RECENT_MAX:]]


def _as_placed(fields: list[Any], progress: str | None, name: str | None) -> PlaceOrder:
    """The terms as the order was placed with, under this client order id."""
    terms = as_placed(_terms(fields), progress_from(progress))
    return terms if terms.client_order_id == name else replace(terms, client_order_id=name)


async def _timers(connection: "asyncpg.Connection[Any]") -> list[Timer]:
    rows = await connection.fetch(
        "SELECT user_id, market, due_ns FROM timers WHERE due_ns IS NOT NULL ORDER BY due_ns, user_id, market"
    )
    return [(user_id, None if market == ALL_MARKETS else market, due_ns) for user_id, market, due_ns in rows]


async def _recent_reductions(connection: "asyncpg.Connection[Any]") -> list[Amended]:
    columns = ", ".join(field.name for field in fields(Amended))
    rows = await connection.fetch(
        f"SELECT {columns} FROM amendments WHERE key IS NOT NULL ORDER BY amendment_id DESC LIMIT $1", REDUCTIONS_MAX
    )
    return [Amended(*row) for row in reversed(rows)]


async def candles(connection: "asyncpg.Connection[Any]", since_s: int) -> list[tuple[str, int, Candle]]:
    """(market, interval_s, candle): the minutes since then, and the last candle of each market and interval."""
    rows = await connection.fetch(
        "SELECT * FROM (SELECT candles.* FROM candles WHERE interval_s = $1 AND open_s >= $2 "
        "UNION SELECT last.* FROM markets CROSS JOIN unnest($3::integer[]) AS wanted (interval_s) CROSS JOIN LATERAL "
        "(SELECT * FROM candles WHERE market = symbol AND candles.interval_s = wanted.interval_s "
        "ORDER BY open_s DESC LIMIT 1) last) AS found ORDER BY market, interval_s, open_s",
        INTERVALS_S[0],
        since_s,
        list(INTERVALS_S),
    )
    return [(row["market"], row["interval_s"], candle_of(row)) for row in rows]


def candle_of(row: Any) -> Candle:
    """A stored candle."""
    candle = Candle(row["open_s"], row["open_ticks"], row["first_market_trade_id"])
    candle.high_ticks, candle.low_ticks, candle.close_ticks = row["high_ticks"], row["low_ticks"], row["close_ticks"]
    candle.volume_lots, candle.quote_minor = int(row["volume_lots"]), int(row["quote_minor"])
    candle.taker_buy_lots = int(row["taker_buy_lots"])
    candle.taker_buy_quote_minor = int(row["taker_buy_quote_minor"])
    candle.trades, candle.last_market_trade_id = row["trades"], row["last_market_trade_id"]
    return candle


async def unprojected(connection: "asyncpg.Connection[Any]", state: VenueState) -> list[Journaled]:
    """The commands that the journal has beyond that state of the tables. Raises Failure."""
    assets = {asset.symbol: asset for asset in state.assets}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        end = await connection.fetchval("SELECT sequence FROM venue")
        rows = await connection.fetch(
            "SELECT first_sequence, last_sequence, codec_version, rules_version, commands FROM journal "
            "WHERE last_sequence > $1 ORDER BY last_sequence",
            state.sequence,
        )
    found: list[Journaled] = []
    reached = state.sequence
    for row in rows:
        versions = row["codec_version"], row["rules_version"]
        if not journal.readable(*versions):
            raise Failure(
                f"The journal after {reached} has codec version {versions[0]} and rules version {versions[1]}, which "
                "this version of the exchange cannot read: start the version that wrote it."
            )
        if row["first_sequence"] > reached + 1:
            raise Failure(f"The journal goes from {reached} to {row['first_sequence']}: commands are missing.")
        entries = journal.decode(*versions, row["commands"], assets)
        found += [entry for entry in entries if entry.sequence > state.sequence]
        reached = row["last_sequence"]
    if reached != end:
        raise Failure(f"The journal ends at {reached}, and not at {end}: commands are missing.")
    return found
