"""What orders ask beyond a plain one and what became of it; self-trade prevention, and the prevented matches."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (
    "order_id, user_id, market, client_order_id, side, order_type, time_in_force, post_only, price_ticks, "
    "quantity_lots, executed_lots, executed_quote_minor, status"
)

STATEMENTS = [
    'ALTER TABLE open_orders ADD COLUMN conditions text COLLATE "C", ADD COLUMN progress text COLLATE "C"',
    'ALTER TABLE closed_orders ADD COLUMN conditions text COLLATE "C", ADD COLUMN progress text COLLATE "C"',
    f"""
    CREATE OR REPLACE VIEW orders AS
    SELECT {COLUMNS}, NULL::smallint AS expire_reason, created_ns, updated_ns, conditions, progress FROM open_orders
    UNION ALL
    SELECT {COLUMNS}, expire_reason, created_ns, updated_ns, conditions, progress FROM closed_orders
    """,
    # Every market of before expires the incoming order, and allows orders to name any mode from now on.
    """
    ALTER TABLE markets
        ADD COLUMN self_trade smallint NOT NULL DEFAULT 0,
        ADD COLUMN self_trade_modes smallint NOT NULL DEFAULT 31,
        ADD COLUMN last_match_id bigint NOT NULL DEFAULT 0
    """,
    """
    ALTER TABLE markets
        ALTER COLUMN self_trade DROP DEFAULT,
        ALTER COLUMN self_trade_modes DROP DEFAULT,
        ALTER COLUMN last_match_id DROP DEFAULT
    """,
    "ALTER TABLE projection ADD COLUMN last_match_id bigint NOT NULL DEFAULT 0",
    "ALTER TABLE projection ALTER COLUMN last_match_id DROP DEFAULT",
    """
    CREATE TABLE prevented_matches (
        match_id bigint NOT NULL,
        market_match_id bigint NOT NULL,
        market text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        taker_order_id bigint NOT NULL,
        maker_order_id bigint NOT NULL,
        mode smallint NOT NULL,
        price_ticks bigint NOT NULL,
        taker_prevented_lots bigint NOT NULL,
        maker_prevented_lots bigint NOT NULL,
        time_ns bigint NOT NULL,
        PRIMARY KEY (user_id, match_id)
    )
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know what these orders asked: restore a backup")
