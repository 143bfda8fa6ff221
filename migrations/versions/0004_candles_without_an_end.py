"""Candles that hold what any number of trades add up to.

The same money may be traded back and forth for a whole day, so a candle's sums have no bound but the number of trades.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = [
    "ALTER TABLE candles ALTER COLUMN volume_lots TYPE numeric",
    "ALTER TABLE candles ALTER COLUMN quote_minor TYPE numeric",
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an exchange of before would have no room for what candles hold: restore a backup instead")
