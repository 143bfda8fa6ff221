"""Further rules of markets, the fees that are fixed in open orders, and the average price.

The markets of before keep what their rules were: fees in what is received, any price, any number of fills. Open orders
of before have the rates of their market, which is what null says, and no trade of before counts in an average price.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = [
    """
    ALTER TABLE markets
        ADD COLUMN fee_asset smallint NOT NULL DEFAULT 0,
        ADD COLUMN min_price_ticks bigint NOT NULL DEFAULT 0,
        ADD COLUMN max_fills_per_order integer NOT NULL DEFAULT 2147483647,
        ADD COLUMN min_notional_applies_to_market boolean NOT NULL DEFAULT false,
        ADD COLUMN avg_price_mins smallint NOT NULL DEFAULT 0,
        ADD COLUMN fills_may_leave_nothing boolean NOT NULL DEFAULT true,
        ADD COLUMN average text COLLATE "C"
    """,
    """
    ALTER TABLE markets
        ALTER COLUMN fee_asset DROP DEFAULT,
        ALTER COLUMN min_price_ticks DROP DEFAULT,
        ALTER COLUMN max_fills_per_order DROP DEFAULT,
        ALTER COLUMN min_notional_applies_to_market DROP DEFAULT,
        ALTER COLUMN avg_price_mins DROP DEFAULT,
        ALTER COLUMN fills_may_leave_nothing DROP DEFAULT
    """,
    "ALTER TABLE open_orders ADD COLUMN maker_fee_ppm integer, ADD COLUMN taker_fee_ppm integer",
    "DROP VIEW postings",
    # The fee is taken from what its side receives, or from its quote.
    """
    CREATE VIEW postings AS
    SELECT 'transfer' AS cause, t.sequence AS cause_id, p.user_id, t.asset, p.amount_minor
    FROM transfers t CROSS JOIN LATERAL (VALUES (t.user_id, t.amount_minor), ('@external', -t.amount_minor))
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
    raise RuntimeError("an older exchange does not know the rules that orders were placed under: restore a backup")
