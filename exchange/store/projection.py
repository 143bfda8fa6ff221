"""The projector's transaction: writes changes to the tables, fenced.

Its statement moves `projection` from the first sequence of the changes to the last, but only under the epoch of this
process; every other part of it writes only if that row was found, and nothing is copied otherwise. So a process that
has been replaced, or a transaction that is sent a second time, changes nothing.

A part is there only when there are rows for it. The rows of a part are one parameter, the text of an array of the
table's own records, which the server reads in less than half the time that JSON takes, and faster than an array a
column. Rows that are only ever new, which is most of them, are copied: a page at a time instead of a row at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any

from exchange.core.events import OrderUpdated
from exchange.pipeline.changes import Changes
from exchange.store.rows import (
    Row,
    account_row,
    amendment_row,
    asset_row,
    audit_row,
    candle_row,
    changed_row,
    charts,
    closed_row,
    filter_row,
    instrument_row,
    is_open,
    key_row,
    list_count_row,
    list_row,
    market_row,
    numbers,
    prevented_row,
    records,
    reset_row,
    resting_row,
    timer_row,
    trade_row,
    transfer_row,
    user_row,
    user_tier_row,
    withdrawal_row,
)
from exchange.store.transaction import Copy, Transaction

FENCED = "EXISTS (SELECT 1 FROM fence)"
PROGRESS = ("executed_lots", "executed_quote_minor", "status", "updated_ns", "priority", "progress")
AMENDED = (*PROGRESS, "client_order_id", "price_ticks", "quantity_lots", "maker_fee_ppm", "taker_fee_ppm")
COUNTS = (
    *("book_sequence", "depth_sequence", "best_sequence", "trade_sequence", "last_trade_ns"),
    *("candles", "last_aggregate_id", "average", "last_match_id", "tracks"),
)
CHANGES = (*COUNTS, "status")
# All columns but the keys; a test compares them with the schema, whose library takes long to import.
OF_ACCOUNT = ("available_minor", "locked_minor", "balances_sequence", "orders_sequence")
RULES = (
    *("base", "quote", "tick_size", "lot_size", "min_notional_minor", "maker_fee_ppm", "taker_fee_ppm"),
    *("max_open_orders", "status", "fee_asset", "min_price_ticks", "max_fills_per_order"),
    *("min_notional_applies_to_market", "avg_price_mins", "fills_may_leave_nothing", "self_trade", "self_trade_modes"),
    *("by_call", "set_min_price_ticks", "tiers", "filters"),
)
SUMS = ("volume_lots", "quote_minor", "trades", "taker_buy_lots", "taker_buy_quote_minor")


def _insert(table: str, then: str = "") -> tuple[str, str]:
    return table, f"INSERT INTO {table} SELECT t.* FROM {{rows}} WHERE {FENCED} {then}"


def _assign(names: tuple[str, ...], source: str) -> str:
    return ", ".join(f"{name} = {source}.{name}" for name in names)


# By name: the table whose rows the part takes, and what it does with them.
PARTS: dict[str, tuple[str, str]] = {
    "changed": (
        "open_orders",
        f"UPDATE open_orders AS o SET {_assign(PROGRESS, 't')} "
        f"FROM {{rows}} WHERE o.order_id = t.order_id AND {FENCED}",
    ),
    "amended": (
        "open_orders",
        f"UPDATE open_orders AS o SET {_assign(AMENDED, 't')} FROM {{rows}} WHERE o.order_id = t.order_id AND {FENCED}",
    ),
    "gone": (
        "bigint",
        f"DELETE FROM open_orders AS o USING {{rows}} (order_id) WHERE o.order_id = t.order_id AND {FENCED}",
    ),
    "accounted": _insert(
        "accounts",
        "ON CONFLICT (user_id, asset) DO UPDATE SET " + _assign(OF_ACCOUNT, "EXCLUDED"),
    ),
    "counted": (
        "markets",
        f"UPDATE markets AS m SET {_assign(CHANGES, 't')} FROM {{rows}} WHERE m.symbol = t.symbol AND {FENCED}",
    ),
    "charted": _insert(
        "candles",
        "ON CONFLICT (market, interval_s, open_s) DO UPDATE SET "
        "high_ticks = GREATEST(candles.high_ticks, EXCLUDED.high_ticks), "
        "low_ticks = LEAST(candles.low_ticks, EXCLUDED.low_ticks), close_ticks = EXCLUDED.close_ticks, "
        "last_market_trade_id = EXCLUDED.last_market_trade_id, "
        + ", ".join(f"{name} = candles.{name} + EXCLUDED.{name}" for name in SUMS),
    ),
    "transferred": _insert("transfers"),
    "withdrawn": _insert(
        "withdrawals", "ON CONFLICT (sequence) DO UPDATE SET status = EXCLUDED.status, ended_ns = EXCLUDED.ended_ns"
    ),
    "reset": _insert("resets"),
    "grouped": _insert(
        "order_lists",
        "ON CONFLICT (user_id, list_id) DO UPDATE SET "
        + _assign(("status", "end_reason", "updated_ns", "legs"), "EXCLUDED"),
    ),
    "groups_counted": _insert(
        "list_counts", "ON CONFLICT (user_id) DO UPDATE SET lists_sequence = EXCLUDED.lists_sequence"
    ),
    "joined": _insert("users", "ON CONFLICT (user_id) DO UPDATE SET status = EXCLUDED.status"),
    "timed": _insert("timers", "ON CONFLICT (user_id, market) DO UPDATE SET due_ns = EXCLUDED.due_ns"),
    "tiered": _insert("user_tiers", "ON CONFLICT (user_id) DO UPDATE SET fee_tier = EXCLUDED.fee_tier"),
    "bounded": _insert(
        "filters", "ON CONFLICT (name) DO UPDATE SET bound = EXCLUDED.bound, by_call = EXCLUDED.by_call"
    ),
    "keyed": _insert("keys", "ON CONFLICT (api_key) DO UPDATE SET revoked_ns = EXCLUDED.revoked_ns"),
    "audited": _insert("audit"),
    "listed": _insert("assets"),
    "ruled": _insert("markets", "ON CONFLICT (symbol) DO UPDATE SET " + _assign(RULES, "EXCLUDED")),
}


def statement(parts: tuple[str, ...]) -> str:
    """The statement that writes these parts. It returns 1, or 0 if the fence refused it."""
    made = [
        "fence AS (UPDATE projection SET sequence = $3, time_ns = $4, last_trade_id = GREATEST(last_trade_id, $5), "
        "last_order_id = GREATEST(last_order_id, $6), last_priority = GREATEST(last_priority, $7), "
        "last_match_id = GREATEST(last_match_id, $8), last_amendment_id = GREATEST(last_amendment_id, $9), "
        "last_list_id = GREATEST(last_list_id, $10) "
        "WHERE epoch = $1 AND sequence = $2 RETURNING 1)",
    ]
    for number, name in enumerate(parts, 11):
        table, sql = PARTS[name]
        rows = f"unnest(${number}::text::{table}[]) AS t"
        made.append(f"{name} AS ({sql.format(rows=rows)})")
    return f"WITH {', '.join(made)} SELECT count(*) FROM fence"


async def transaction(changes: Changes, epoch: int) -> Transaction:
    """The parts that the changes need, their parameters, made with pauses for others, and what is to be copied."""
    # Both would write the market's row, and of two writes in one statement one is lost without a word.
    assert not changes.instruments.keys() & changes.markets.keys()
    rested, changed, amended, gone, closed = _orders(changes)
    written: dict[str, tuple[Sequence[Any], Callable[[Any], Row]]] = {
        "changed": (changed, changed_row),
        "amended": (amended, resting_row),
        "accounted": (
            [account for of_asset in changes.accounts.values() for account in of_asset.values()],
            account_row,
        ),
        "counted": (list(changes.markets.values()), market_row),
        "charted": (await charts(changes.trades), candle_row),
        "transferred": (changes.transfers, transfer_row),
        "withdrawn": (list(changes.withdrawals.values()), withdrawal_row),
        "reset": (changes.resets, reset_row),
        "grouped": (list(changes.lists.values()), list_row),
        "groups_counted": (changes.list_counts(), list_count_row),
        "joined": (list(changes.users.items()), user_row),
        "timed": (list(changes.timers.values()), timer_row),
        "tiered": (list(changes.user_tiers.items()), user_tier_row),
        "bounded": (changes.filter_bounds(), filter_row),
        "keyed": (list(changes.keys.values()), key_row),
        "audited": (changes.audited, audit_row),
        "listed": (changes.assets, asset_row),
        "ruled": (list(changes.instruments.values()), instrument_row),
    }
    copies = [
        Copy("open_orders", rested, resting_row),
        Copy("closed_orders", closed, closed_row),
        Copy("trades", changes.trades, trade_row),
        Copy("prevented_matches", changes.prevented, prevented_row),
        Copy("amendments", changes.amendments, amendment_row),
    ]
    texts = {name: await records(items, row) for name, (items, row) in written.items() if items}
    if gone:
        texts["gone"] = numbers(gone)
    last_trade_id = changes.trades[-1].trade_id if changes.trades else 0
    return Transaction(
        parts=tuple(texts),
        parameters=[
            *(epoch, changes.from_sequence, changes.to_sequence, changes.time_ns, last_trade_id),
            *changes.last_given(),
            changes.prevented[-1].match_id if changes.prevented else 0,
            changes.amendments[-1].amendment_id if changes.amendments else 0,
            max(changes.lists, default=0),
            *texts.values(),
        ],
        copies=[copy for copy in copies if copy.items],
    )


Orders = list[OrderUpdated]


def _orders(changes: Changes) -> tuple[Orders, Orders, Orders, list[int], Orders]:
    """Orders by what becomes of their row: rested, changed, amended, gone and closed.

    An order that had a row before is gone as well as closed.
    """
    terms_changed = {amended.order_id for amended in changes.amendments}
    amended: list[OrderUpdated] = []
    rested: list[OrderUpdated] = []
    changed: list[OrderUpdated] = []
    gone: list[int] = []
    closed: list[OrderUpdated] = []
    first = changes.first_order_id
    for order in changes.orders.values():
        new = 0 < first <= order.order_id
        if not is_open(order):
            closed.append(order)
            if not new:
                gone.append(order.order_id)
        elif new:
            rested.append(order)
        elif terms_changed and order.order_id in terms_changed:
            amended.append(order)
        else:
            changed.append(order)
    return rested, changed, amended, gone, closed
