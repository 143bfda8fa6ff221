"""Withdrawals, transfers between users, and resets."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATEMENTS = [
    # Every transfer of before is a deposit.
    """
    ALTER TABLE transfers
        ADD COLUMN kind smallint NOT NULL DEFAULT 0,
        ADD COLUMN from_user_id text COLLATE "C" NOT NULL DEFAULT '@external'
    """,
    "ALTER TABLE transfers ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN from_user_id DROP DEFAULT",
    "ALTER TABLE transfers DROP CONSTRAINT transfers_pkey, ADD PRIMARY KEY (sequence, asset)",
    """
    CREATE INDEX transfers_by_giver ON transfers (from_user_id, sequence) WHERE from_user_id <> '@external'
    """,
    """
    CREATE TABLE withdrawals (
        sequence bigint PRIMARY KEY,
        key text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        asset text COLLATE "C" NOT NULL,
        amount_minor numeric(38, 0) NOT NULL,
        status smallint NOT NULL,
        requested_ns bigint NOT NULL,
        ended_ns bigint
    )
    """,
    "CREATE INDEX withdrawals_pending ON withdrawals (sequence) WHERE status = 0",
    """
    CREATE TABLE resets (
        sequence bigint PRIMARY KEY,
        key text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        balances text COLLATE "C",
        time_ns bigint NOT NULL
    )
    """,
    # What each transfer moved goes from one account to the other.
    """
    CREATE OR REPLACE VIEW postings AS
    SELECT 'transfer' AS cause, t.sequence AS cause_id, p.user_id, t.asset, p.amount_minor
    FROM transfers t CROSS JOIN LATERAL (VALUES (t.user_id, t.amount_minor), (t.from_user_id, -t.amount_minor))
         AS p (user_id, amount_minor)
    UNION ALL
    SELECT 'trade', f.trade_id, p.user_id, p.asset, p.amount_minor
    FROM fills f
    JOIN markets m ON m.symbol = f.market
    JOIN assets b ON b.symbol = m.base
    CROSS JOIN LATERAL (
        SELECT trim_scale(f.quantity_lots * m.lot_size::numeric * 10::numeric ^ b.decimals) AS base_minor,
               CASE WHEN f.side = 0 AND m.fee_asset = 0 THEN f.fee_minor ELSE 0 END AS base_fee,
               CASE WHEN f.side = 0 AND m.fee_asset = 0 THEN 0 ELSE f.fee_minor END AS quote_fee
    ) q
    CROSS JOIN LATERAL (VALUES
        (f.user_id, m.base, CASE WHEN f.side = 0 THEN q.base_minor ELSE -q.base_minor END - q.base_fee),
        (f.user_id, m.quote, CASE WHEN f.side = 0 THEN -f.quote_minor ELSE f.quote_minor END - q.quote_fee),
        ('@fees', m.base, q.base_fee),
        ('@fees', m.quote, q.quote_fee)
    ) AS p (user_id, asset, amount_minor)
    WHERE p.amount_minor <> 0
    """,
]


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange does not know these withdrawals and transfers: restore a backup")
