"""The filler: the journal goes ahead, and the tables follow it.

`venue` says how far the journal is, `filled` how far the tables are.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE filled (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        epoch bigint NOT NULL,
        sequence bigint NOT NULL,
        time_ns bigint NOT NULL,
        last_trade_id bigint NOT NULL
    ) WITH (
        fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
    "INSERT INTO filled (epoch, sequence, time_ns, last_trade_id) "
    "SELECT epoch, sequence, time_ns, last_trade_id FROM venue",
    "ALTER TABLE venue DROP COLUMN time_ns, DROP COLUMN last_trade_id",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("what the tables lack of the journal would be lost: restore a backup instead")
