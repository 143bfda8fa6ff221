"""Less work with history, which is most of what filling the tables costs.

A trade is looked up in its market and a closed order among its user's, so these are the primary keys, and each table
has one index less. A start reads the newest orders that have a client order id by an index of these alone, however many
others have closed since. And what is only appended to changes its nature slowly: statistics of it are made anew when it
has doubled, not when a tenth has been added.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = [
    "ALTER TABLE trades DROP CONSTRAINT trades_pkey",
    "ALTER TABLE trades ADD PRIMARY KEY (market, trade_id)",
    "DROP INDEX trades_by_market",
    "CREATE INDEX closed_orders_with_client_order_id ON closed_orders (order_id) WHERE client_order_id IS NOT NULL",
    "ALTER TABLE closed_orders DROP CONSTRAINT closed_orders_pkey",
    "ALTER TABLE closed_orders ADD PRIMARY KEY (user_id, order_id)",
    "DROP INDEX closed_orders_by_user",
    "ALTER TABLE trades SET (autovacuum_analyze_scale_factor = 1.0)",
    "ALTER TABLE closed_orders SET (autovacuum_analyze_scale_factor = 1.0)",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an exchange of before would need the indexes that are gone: restore a backup instead")
