"""Views for people who look with psql: names instead of codes, decimal amounts, times."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SIDE = "CASE {column} WHEN 0 THEN 'buy' ELSE 'sell' END"
TIME = "to_timestamp({column} / 1000000000) + {column} % 1000000000 / 1000 * interval '1 microsecond'"


def _side(column: str) -> str:
    return SIDE.format(column=column)


def _time(column: str) -> str:
    return TIME.format(column=column)


def _steps(column: str, size: str) -> str:
    return f"trim_scale({column} * m.{size}::numeric)"


def _amount(column: str, asset: str) -> str:
    """An amount of minor units. It is multiplied and not divided, which would round."""
    return f"trim_scale({column} * ('1e-' || {asset}.decimals)::numeric)"


STATEMENTS = [
    f"""
    CREATE VIEW readable_orders AS
    SELECT o.order_id, o.user_id, o.market, o.client_order_id, {_side("o.side")} AS side,
           (ARRAY['limit', 'market'])[o.order_type + 1] AS order_type,
           (ARRAY['gtc', 'ioc', 'fok'])[o.time_in_force + 1] AS time_in_force, o.post_only,
           {_steps("o.price_ticks", "tick_size")} AS price,
           {_steps("o.quantity_lots", "lot_size")} AS quantity,
           {_steps("o.executed_lots", "lot_size")} AS executed_quantity,
           {_amount("o.executed_quote_minor", "q")} AS executed_quote_quantity,
           (ARRAY['open', 'partially_filled', 'filled', 'canceled', 'expired'])[o.status + 1] AS status,
           (ARRAY['unfilled', 'fok_unfillable', 'self_trade', 'max_fills'])[o.expire_reason + 1] AS expire_reason,
           {_time("o.created_ns")} AS created_at, {_time("o.updated_ns")} AS updated_at
    FROM orders o JOIN markets m ON m.symbol = o.market JOIN assets q ON q.symbol = m.quote
    """,
    f"""
    CREATE VIEW readable_trades AS
    SELECT t.trade_id, t.market, t.market_trade_id, t.aggregate_id,
           {_steps("t.price_ticks", "tick_size")} AS price,
           {_steps("t.quantity_lots", "lot_size")} AS quantity,
           {_amount("t.quote_minor", "q")} AS quote_quantity,
           {_side("t.taker_side")} AS taker_side,
           t.maker_order_id, t.taker_order_id, t.maker_user_id, t.taker_user_id, {_time("t.time_ns")} AS traded_at
    FROM trades t JOIN markets m ON m.symbol = t.market JOIN assets q ON q.symbol = m.quote
    """,
    f"""
    CREATE VIEW readable_fills AS
    SELECT f.trade_id, f.order_id, f.user_id, f.market, {_side("f.side")} AS side,
           {_steps("f.price_ticks", "tick_size")} AS price,
           {_steps("f.quantity_lots", "lot_size")} AS quantity,
           {_amount("f.quote_minor", "q")} AS quote_quantity,
           {_amount("f.fee_minor", "p")} AS fee, p.symbol AS fee_asset,
           CASE WHEN f.is_taker THEN 'taker' ELSE 'maker' END AS liquidity, {_time("f.time_ns")} AS traded_at
    FROM fills f JOIN markets m ON m.symbol = f.market JOIN assets q ON q.symbol = m.quote
    JOIN assets p ON p.symbol = CASE WHEN f.side = 0 AND m.fee_asset = 0 THEN m.base ELSE m.quote END
    """,
    f"""
    CREATE VIEW readable_balances AS
    SELECT a.user_id, a.asset, {_amount("a.available_minor", "s")} AS available,
           {_amount("a.locked_minor", "s")} AS locked,
           {_amount("(a.available_minor + a.locked_minor)", "s")} AS total
    FROM accounts a JOIN assets s ON s.symbol = a.asset
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for name in ("balances", "fills", "trades", "orders"):
        op.execute(f"DROP VIEW readable_{name}")
