"""The filters of the whole exchange."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        'CREATE TABLE filters (name text COLLATE "C" PRIMARY KEY, bound integer NOT NULL, by_call boolean NOT NULL)'
    )


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know filters of the exchange: restore a backup")
