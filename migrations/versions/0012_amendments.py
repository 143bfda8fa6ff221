"""Amendments of open orders."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = [
    "ALTER TABLE projection ADD COLUMN last_amendment_id bigint NOT NULL DEFAULT 0",
    "ALTER TABLE projection ALTER COLUMN last_amendment_id DROP DEFAULT",
    """
    CREATE TABLE amendments (
        amendment_id bigint NOT NULL,
        market text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        order_id bigint NOT NULL,
        client_order_id text COLLATE "C",
        new_client_order_id text COLLATE "C",
        price_ticks bigint,
        new_price_ticks bigint,
        quantity_lots bigint NOT NULL,
        new_quantity_lots bigint,
        key text COLLATE "C",
        after_order_id bigint NOT NULL,
        time_ns bigint NOT NULL,
        PRIMARY KEY (user_id, amendment_id)
    )
    """,
    "CREATE INDEX amendments_by_order ON amendments (order_id, amendment_id)",
    "CREATE INDEX amendments_with_names ON amendments (amendment_id) WHERE new_client_order_id IS NOT NULL",
    "CREATE INDEX amendments_with_keys ON amendments (amendment_id) WHERE key IS NOT NULL",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know how these orders were changed: restore a backup")
