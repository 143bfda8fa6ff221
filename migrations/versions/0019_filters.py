"""Filters of markets, and their word in the readable view."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = "to_timestamp({column} / 1000000000) + {column} % 1000000000 / 1000 * interval '1 microsecond'"


def _time(column: str) -> str:
    return TIME.format(column=column)


STATEMENTS = [
    'ALTER TABLE markets ADD COLUMN filters text COLLATE "C"',
    f"""
    CREATE OR REPLACE VIEW readable_orders AS
    SELECT o.order_id, o.user_id, o.market, o.client_order_id,
           CASE o.side WHEN 0 THEN 'buy' ELSE 'sell' END AS side,
           (ARRAY['limit', 'market', 'stop_loss', 'stop_loss_limit', 'take_profit', 'take_profit_limit']
           )[o.order_type + 1] AS order_type,
           (ARRAY['gtc', 'ioc', 'fok', 'gtd'])[o.time_in_force + 1] AS time_in_force, o.post_only,
           trim_scale(o.price_ticks * m.tick_size::numeric) AS price,
           trim_scale(o.quantity_lots * m.lot_size::numeric) AS quantity,
           trim_scale(o.executed_lots * m.lot_size::numeric) AS executed_quantity,
           trim_scale(o.executed_quote_minor * ('1e-' || q.decimals)::numeric) AS executed_quote_quantity,
           (ARRAY['pending', 'open', 'partially_filled', 'filled', 'canceled', 'expired'])[o.status + 2] AS status,
           (ARRAY['unfilled', 'fok_unfillable', 'self_trade', 'max_fills', NULL, 'refused_at_trigger', 'expire_at',
                  NULL, 'other_leg', 'working_order_ended', NULL, NULL, NULL, 'price_band']
           )[o.expire_reason + 1] AS expire_reason,
           {_time("o.created_ns")} AS created_at, {_time("o.updated_ns")} AS updated_at
    FROM orders o JOIN markets m ON m.symbol = o.market JOIN assets q ON q.symbol = m.quote
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know filters: restore a backup")
