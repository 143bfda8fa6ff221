"""Timers that cancel all orders of a user."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    CREATE TABLE timers (
        user_id text COLLATE "C" NOT NULL,
        market text COLLATE "C" NOT NULL,
        due_ns bigint,
        PRIMARY KEY (user_id, market)
    ) WITH (fillfactor = 50)
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know timers: restore a backup")
