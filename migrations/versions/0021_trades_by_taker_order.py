"""An index of trades by the order that took.

The block range index knows only where a taker may be. While the newest ranges have no summary, or the planner thinks
that a taker has many trades, all trades are read for one closed order. The ids of takers rise with those of trades, so
a new entry goes to the end of this index.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX trades_by_taker_order ON trades (taker_order_id)")


def downgrade() -> None:
    op.execute("DROP INDEX trades_by_taker_order")
