"""A user's withdrawals are found by an index."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX withdrawals_by_user ON withdrawals (user_id, sequence)")


def downgrade() -> None:
    op.execute("DROP INDEX withdrawals_by_user")
