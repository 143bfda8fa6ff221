"""Partitions of trades and closed orders, so that old ones can be dropped, and what remains of what was dropped.

A table that has rows becomes the first partition. The database reads it once for that. The views are made anew, because
they follow a table when it is renamed.
"""

from alembic import op
from sqlalchemy import Connection, text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROWS = 1 << 20  # ids in one partition
PARTITIONED = (("trades", "trade_id", "market, trade_id"), ("closed_orders", "order_id", "user_id, order_id"))
VIEWS = "SELECT oid::regclass::text, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v' AND relnamespace = "

PRUNED = [
    # How far each kind of history is dropped.
    """
    CREATE TABLE pruned (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        trade_id bigint NOT NULL,
        trades_ns bigint NOT NULL,
        order_id bigint NOT NULL,
        orders_ns bigint NOT NULL,
        minutes_s bigint NOT NULL
    )
    """,
    "INSERT INTO pruned (trade_id, trades_ns, order_id, orders_ns, minutes_s) VALUES (0, 0, 0, 0, 0)",
    """
    CREATE TABLE pruned_postings (
        user_id text COLLATE "C" NOT NULL,
        asset text COLLATE "C" NOT NULL,
        amount_minor numeric NOT NULL,
        PRIMARY KEY (user_id, asset)
    )
    """,
    """
    CREATE TABLE pruned_markets (
        market text COLLATE "C" PRIMARY KEY,
        market_trade_id bigint NOT NULL,
        aggregate_id bigint NOT NULL
    )
    """,
]
POSTED = "UNION ALL SELECT 'pruned', 0, user_id, asset, amount_minor FROM pruned_postings"


def upgrade() -> None:
    connection = op.get_bind()
    views = connection.execute(text(VIEWS + "'public'::regnamespace ORDER BY oid")).all()
    for name, _ in reversed(views):
        op.execute(f"DROP VIEW {name}")
    for statement in PRUNED:
        op.execute(statement)
    for table, key, primary_key in PARTITIONED:
        _partition(connection, table, key, primary_key)
    for name, definition in views:
        body = definition.rstrip().rstrip(";")
        op.execute(f"CREATE VIEW {name} AS {body} {POSTED if name == 'postings' else ''}".replace(":", r"\:"))


def _partition(connection: Connection, table: str, key: str, primary_key: str) -> None:
    """Let the table be the first partition of one of its name, which has the same indexes."""
    indexes = connection.execute(
        text(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary FROM pg_index i "
            f"JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '{table}'::regclass ORDER BY c.relname"
        )
    ).all()
    last = connection.execute(text(f"SELECT COALESCE(max({key}), 0) FROM {table}")).scalar_one()
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_first")
    for name, _, _ in indexes:
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace(table, f'{table}_first', 1)}")
    op.execute(f"CREATE TABLE {table} (LIKE {table}_first) PARTITION BY RANGE ({key})")
    op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({primary_key})")
    for _, definition, is_primary in indexes:
        if not is_primary:
            op.execute(definition.replace(":", r"\:"))
    if last:
        end = (last // ROWS + 1) * ROWS
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_first FOR VALUES FROM (MINVALUE) TO ({end})")
    else:
        op.execute(f"DROP TABLE {table}_first")
    # For what no other partition has, such as an order that closes after its own partition was dropped.
    op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def downgrade() -> None:
    raise RuntimeError("what was dropped does not come back: restore a backup instead")
