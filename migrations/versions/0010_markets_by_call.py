"""Markets whose rules a call has set; administrative actions that are about no user."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE markets ADD COLUMN by_call boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE markets ALTER COLUMN by_call DROP DEFAULT")
    op.execute("ALTER TABLE audit ALTER COLUMN user_id DROP NOT NULL")


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know these markets and actions: restore a backup")
