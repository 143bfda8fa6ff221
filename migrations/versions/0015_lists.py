"""Lists of orders."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = "to_timestamp({column} / 1000000000) + {column} % 1000000000 / 1000 * interval '1 microsecond'"


def _time(column: str) -> str:
    return TIME.format(column=column)


STATEMENTS = [
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
            NULL, 'other_leg', 'working_order_ended'])[o.expire_reason + 1] AS expire_reason,
           {_time("o.created_ns")} AS created_at, {_time("o.updated_ns")} AS updated_at
    FROM orders o JOIN markets m ON m.symbol = o.market JOIN assets q ON q.symbol = m.quote
    """,
    "ALTER TABLE projection ADD COLUMN last_list_id bigint NOT NULL DEFAULT 0",
    "ALTER TABLE projection ALTER COLUMN last_list_id DROP DEFAULT",
    """
    CREATE TABLE order_lists (
        list_id bigint NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        market text COLLATE "C" NOT NULL,
        list_type smallint NOT NULL,
        client_list_id text COLLATE "C",
        status smallint NOT NULL,
        end_reason smallint,
        created_ns bigint NOT NULL,
        updated_ns bigint NOT NULL,
        legs text COLLATE "C" NOT NULL,
        content text COLLATE "C" NOT NULL,
        PRIMARY KEY (user_id, list_id)
    )
    """,
    "CREATE INDEX order_lists_open ON order_lists (list_id) WHERE status = 0",
    "CREATE INDEX order_lists_with_names ON order_lists (list_id) WHERE client_list_id IS NOT NULL",
    """
    CREATE INDEX order_lists_by_name ON order_lists (user_id, client_list_id, list_id)
    WHERE client_list_id IS NOT NULL
    """,
    """
    CREATE TABLE list_counts (
        user_id text COLLATE "C" PRIMARY KEY,
        lists_sequence bigint NOT NULL
    )
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know how these orders depend on each other: restore a backup")
