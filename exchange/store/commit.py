"""The commit: one statement, one round trip, fenced.

Its first part moves `venue` from the batch's first sequence to its last, but only under this writer's epoch; every
other part writes only if that row was found. So a writer that has been replaced, or a statement that is sent a second
time, changes nothing at all.
"""

from typing import Any

from exchange.core.events import INTERVALS_S
from exchange.store import journal
from exchange.store.rows import (
    Rows,
    account_row,
    candle_rows,
    columns,
    fold,
    is_open,
    market_row,
    order_row,
    trade_row,
)
from exchange.writer import Batch

FENCED = "WHERE EXISTS (SELECT 1 FROM fence)"

_ORDER_TYPES = (
    "bigint[]", "text[]", "text[]", "text[]", "smallint[]", "smallint[]", "smallint[]", "boolean[]", "bigint[]",
    "bigint[]", "bigint[]", "text[]", "smallint[]", "bigint[]", "bigint[]",
)  # fmt: skip
_ORDER_NAMES = (
    "order_id, user_id, market, client_order_id, side, order_type, time_in_force, post_only, price_ticks, "
    "quantity_lots, executed_lots, executed_quote_minor, status, created_ns, updated_ns"
)
_ORDER_VALUES = _ORDER_NAMES.replace("executed_quote_minor", "executed_quote_minor::numeric")
_TRADE_TYPES = (
    "bigint[]", "text[]", "bigint[]", "bigint[]", "text[]", "smallint[]", "bigint[]", "bigint[]", "text[]", "text[]",
    "text[]", "text[]", "bigint[]",
)  # fmt: skip
_TRADE_NAMES = (
    "trade_id, market, price_ticks, quantity_lots, quote_minor, taker_side, maker_order_id, taker_order_id, "
    "maker_user_id, taker_user_id, maker_fee_minor, taker_fee_minor, time_ns"
)
_TRADE_VALUES = (
    "trade_id, market, price_ticks, quantity_lots, quote_minor::numeric, taker_side, maker_order_id, taker_order_id, "
    "maker_user_id, taker_user_id, maker_fee_minor::numeric, taker_fee_minor::numeric, time_ns"
)
_COUNTS = ("book_sequence", "depth_sequence", "best_sequence", "trade_sequence", "last_trade_ns", "candles")
_NO_CANDLES = " ".join("0" for _ in INTERVALS_S)
_COUNT_TYPES = ("text[]", *("bigint[]",) * 5, "text[]")
_CANDLE_NAMES = (
    "market", "interval_s", "open_s", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots",
    "quote_minor", "trades",
)  # fmt: skip
_CANDLE_TYPES = ("text[]", "integer[]", *("bigint[]",) * 5, "text[]", "text[]", "bigint[]")
_CANDLE_VALUES = ", ".join(
    f"{name}::numeric" if kind == "text[]" and name != "market" else name
    for name, kind in zip(_CANDLE_NAMES, _CANDLE_TYPES, strict=True)
)


class _Statement:
    """Parts of one statement; each array parameter gets the next number."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.parameters = 0

    def scalar(self, kind: str) -> str:
        self.parameters += 1
        return f"${self.parameters}::{kind}"

    def rows(self, names: str, kinds: tuple[str, ...]) -> str:
        """A row source with one array parameter a column."""
        return f"unnest({', '.join(self.scalar(kind) for kind in kinds)}) AS t ({names})"

    def part(self, name: str, sql: str) -> None:
        self.parts.append(f"{name} AS ({sql})")

    def text(self) -> str:
        return f"WITH {', '.join(self.parts)} SELECT count(*) FROM fence"


def statement(*, rare: bool) -> str:
    """The statement for every batch, or for one that also adds users, assets, markets or transfers."""
    made = _Statement()
    epoch, from_sequence, to_sequence, time_ns, last_trade_id = (made.scalar("bigint") for _ in range(5))
    made.part(
        "fence",
        f"UPDATE venue SET sequence = {to_sequence}, time_ns = {time_ns}, "
        f"last_trade_id = GREATEST(last_trade_id, {last_trade_id}) "
        f"WHERE epoch = {epoch} AND sequence = {from_sequence} RETURNING 1",
    )
    made.part(
        "journaled",
        "INSERT INTO journal (last_sequence, first_sequence, codec_version, rules_version, commands) "
        f"SELECT {to_sequence}, {from_sequence} + 1, {journal.CODEC_VERSION}, {journal.RULES_VERSION}, "
        f"{made.scalar('text')} {FENCED}",
    )
    _orders(made)
    made.part(
        "traded",
        f"INSERT INTO trades ({_TRADE_NAMES}) SELECT {_TRADE_VALUES} "
        f"FROM {made.rows(_TRADE_NAMES, _TRADE_TYPES)} {FENCED}",
    )
    made.part(
        "accounted",
        "INSERT INTO accounts (user_id, asset, available_minor, locked_minor, balances_sequence, orders_sequence) "
        "SELECT user_id, asset, available::numeric, locked::numeric, balances_sequence, orders_sequence FROM "
        + made.rows(
            "user_id, asset, available, locked, balances_sequence, orders_sequence",
            ("text[]",) * 4 + ("bigint[]",) * 2,
        )
        + f" {FENCED} ON CONFLICT (user_id, asset) DO UPDATE "
        "SET available_minor = EXCLUDED.available_minor, locked_minor = EXCLUDED.locked_minor, "
        "balances_sequence = EXCLUDED.balances_sequence, orders_sequence = EXCLUDED.orders_sequence",
    )
    made.part(
        "counted",
        "UPDATE markets SET " + ", ".join(f"{name} = t.{name}" for name in _COUNTS) + " "
        f"FROM {made.rows('symbol, ' + ', '.join(_COUNTS), _COUNT_TYPES)} "
        "WHERE markets.symbol = t.symbol AND EXISTS (SELECT 1 FROM fence)",
    )
    made.part(
        "charted",
        f"INSERT INTO candles ({', '.join(_CANDLE_NAMES)}) SELECT {_CANDLE_VALUES} "
        f"FROM {made.rows(', '.join(_CANDLE_NAMES), _CANDLE_TYPES)} {FENCED} "
        "ON CONFLICT (market, interval_s, open_s) DO UPDATE SET "
        "high_ticks = GREATEST(candles.high_ticks, EXCLUDED.high_ticks), "
        "low_ticks = LEAST(candles.low_ticks, EXCLUDED.low_ticks), close_ticks = EXCLUDED.close_ticks, "
        "volume_lots = candles.volume_lots + EXCLUDED.volume_lots, "
        "quote_minor = candles.quote_minor + EXCLUDED.quote_minor, trades = candles.trades + EXCLUDED.trades",
    )
    if rare:
        _rare(made)
    return made.text()


def _orders(made: _Statement) -> None:
    made.part(
        "rested",
        f"INSERT INTO open_orders ({_ORDER_NAMES}, rested_sequence) SELECT {_ORDER_VALUES}, rested_sequence "
        f"FROM {made.rows(_ORDER_NAMES + ', rested_sequence', (*_ORDER_TYPES, 'bigint[]'))} {FENCED}",
    )
    made.part(
        "changed",
        "UPDATE open_orders SET executed_lots = t.executed_lots, executed_quote_minor = t.executed::numeric, "
        "status = t.status, updated_ns = t.updated_ns "
        "FROM "
        + made.rows(
            "order_id, executed_lots, executed, status, updated_ns",
            ("bigint[]", "bigint[]", "text[]", "smallint[]", "bigint[]"),
        )
        + " WHERE open_orders.order_id = t.order_id AND EXISTS (SELECT 1 FROM fence)",
    )
    made.part(
        "gone",
        f"DELETE FROM open_orders WHERE order_id = ANY({made.scalar('bigint[]')}) AND EXISTS (SELECT 1 FROM fence)",
    )
    made.part(
        "closed",
        f"INSERT INTO closed_orders ({_ORDER_NAMES}, expire_reason) SELECT {_ORDER_VALUES}, expire_reason "
        f"FROM {made.rows(_ORDER_NAMES + ', expire_reason', (*_ORDER_TYPES, 'smallint[]'))} {FENCED}",
    )


def _rare(made: _Statement) -> None:
    made.part(
        "transferred",
        "INSERT INTO transfers (sequence, user_id, asset, amount_minor, key, time_ns) "
        "SELECT sequence, user_id, asset, amount::numeric, key, time_ns FROM "
        + made.rows(
            "sequence, time_ns, user_id, asset, amount, key",
            ("bigint[]", "bigint[]", "text[]", "text[]", "text[]", "text[]"),
        )
        + f" {FENCED}",
    )
    made.part("joined", f"INSERT INTO users (user_id) SELECT user_id FROM {made.rows('user_id', ('text[]',))} {FENCED}")
    made.part(
        "listed",
        "INSERT INTO assets (symbol, decimals) SELECT symbol, decimals "
        f"FROM {made.rows('symbol, decimals', ('text[]', 'smallint[]'))} {FENCED}",
    )
    names = (
        "symbol, base, quote, tick_size, lot_size, min_notional_minor, maker_fee_ppm, taker_fee_ppm, max_open_orders, "
        "status"
    )
    kinds = ("text[]",) * 6 + ("integer[]",) * 3 + ("smallint[]",)
    values = names.replace("min_notional_minor", "min_notional_minor::numeric")
    made.part(
        "ruled",
        f"INSERT INTO markets ({names}, {', '.join(_COUNTS)}) SELECT {values}, 0, 0, 0, 0, 0, '{_NO_CANDLES}' "
        f"FROM {made.rows(names, kinds)} {FENCED} "
        "ON CONFLICT (symbol) DO UPDATE SET min_notional_minor = EXCLUDED.min_notional_minor, "
        "maker_fee_ppm = EXCLUDED.maker_fee_ppm, taker_fee_ppm = EXCLUDED.taker_fee_ppm, "
        "max_open_orders = EXCLUDED.max_open_orders, status = EXCLUDED.status",
    )


def arguments(batch: Batch, epoch: int) -> tuple[bool, list[Any]]:
    """Whether the batch needs the rare statement, and the parameters in its order."""
    rows = fold(batch)
    rare = bool(rows.transfers or rows.users or rows.assets or rows.instruments)
    made: list[Any] = [
        epoch,
        batch.from_sequence,
        batch.to_sequence,
        batch.applied[-1].time_ns,
        rows.trades[-1].trade_id if rows.trades else 0,
        journal.encode(batch.applied),
        *_order_columns(rows, batch.from_sequence),
        *columns([trade_row(trade) for trade in rows.trades], len(_TRADE_TYPES)),
        *columns([account_row(account) for account in rows.accounts.values()], 6),
        *columns([market_row(changed) for changed in rows.markets.values()], len(_COUNT_TYPES)),
        *columns(candle_rows(rows.trades), len(_CANDLE_TYPES)),
    ]
    if rare:
        made += columns(
            [(seq, time_ns, d.user_id, d.asset, str(d.amount_minor), d.key) for seq, time_ns, d in rows.transfers], 6
        )
        made.append(rows.users)
        made += columns([(asset.symbol, asset.decimals) for asset in rows.assets], 2)
        # One statement cannot touch a market's row twice; its rules come before any of its orders, or alone.
        assert not rows.instruments.keys() & rows.markets.keys()
        made += columns([journal.rules(instrument) for instrument in rows.instruments.values()], 10)
    return rare, made


def _order_columns(rows: Rows, from_sequence: int) -> list[Any]:
    """Orders by what becomes of their row. One that was there before the batch has an id up to `from_sequence`."""
    rested, changed, gone, closed = [], [], [], []
    for order in rows.orders.values():
        new = order.order_id > from_sequence
        if not is_open(order):
            closed.append((*order_row(order), order.expire_reason))
            if not new:
                gone.append(order.order_id)
        elif new:
            rested.append((*order_row(order), order.order_id))
        else:
            changed.append(
                (order.order_id, order.executed_lots, str(order.executed_quote_minor), order.status, order.updated_ns)
            )
    width = len(_ORDER_TYPES) + 1
    return [*columns(rested, width), *columns(changed, 5), gone, *columns(closed, width)]
