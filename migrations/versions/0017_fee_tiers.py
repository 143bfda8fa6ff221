"""What fee tiers pay in a market, and the users who have one."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE markets ADD COLUMN set_min_price_ticks bigint NOT NULL DEFAULT 0")
    op.execute('ALTER TABLE markets ADD COLUMN tiers text COLLATE "C"')
    op.execute("UPDATE markets SET set_min_price_ticks = min_price_ticks")
    op.execute("ALTER TABLE markets ALTER COLUMN set_min_price_ticks DROP DEFAULT")
    op.execute('CREATE TABLE user_tiers (user_id text COLLATE "C" PRIMARY KEY, fee_tier text COLLATE "C")')


def downgrade() -> None:
    op.execute("DROP TABLE user_tiers")
    op.execute("ALTER TABLE markets DROP COLUMN set_min_price_ticks, DROP COLUMN tiers")
