"""The durable flow: state, history and journal of the venue."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ORDER_COLUMNS = """
    order_id bigint PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    market text COLLATE "C" NOT NULL,
    client_order_id text COLLATE "C",
    side smallint NOT NULL,
    order_type smallint NOT NULL,
    time_in_force smallint NOT NULL,
    post_only boolean NOT NULL,
    price_ticks bigint,
    quantity_lots bigint NOT NULL,
    executed_lots bigint NOT NULL,
    executed_quote_minor numeric(40, 0) NOT NULL,
    status smallint NOT NULL,
    created_ns bigint NOT NULL,
    updated_ns bigint NOT NULL
"""

# Small tables that every commit rewrites: room on the page keeps the updates in place, and their dead rows are swept
# often, without waiting for a share of the table.
BUSY = """
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
"""

STATEMENTS = [
    f"""
    CREATE TABLE venue (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        epoch bigint NOT NULL,
        sequence bigint NOT NULL,
        time_ns bigint NOT NULL,
        last_trade_id bigint NOT NULL
    ) WITH ({BUSY})
    """,
    "INSERT INTO venue (epoch, sequence, time_ns, last_trade_id) VALUES (0, 0, 0, 0)",
    """
    CREATE TABLE assets (symbol text COLLATE "C" PRIMARY KEY, decimals smallint NOT NULL)
    """,
    f"""
    CREATE TABLE markets (
        symbol text COLLATE "C" PRIMARY KEY,
        base text COLLATE "C" NOT NULL,
        quote text COLLATE "C" NOT NULL,
        tick_size text COLLATE "C" NOT NULL,
        lot_size text COLLATE "C" NOT NULL,
        min_notional_minor numeric(38, 0) NOT NULL,
        maker_fee_ppm integer NOT NULL,
        taker_fee_ppm integer NOT NULL,
        max_open_orders integer NOT NULL,
        status smallint NOT NULL,
        book_sequence bigint NOT NULL,
        depth_sequence bigint NOT NULL,
        best_sequence bigint NOT NULL,
        trade_sequence bigint NOT NULL,
        last_trade_ns bigint NOT NULL,
        candles text COLLATE "C" NOT NULL
    ) WITH ({BUSY})
    """,
    """
    CREATE TABLE users (user_id text COLLATE "C" PRIMARY KEY)
    """,
    f"""
    CREATE TABLE accounts (
        user_id text COLLATE "C" NOT NULL,
        asset text COLLATE "C" NOT NULL,
        available_minor numeric(38, 0) NOT NULL,
        locked_minor numeric(38, 0) NOT NULL,
        balances_sequence bigint NOT NULL,
        orders_sequence bigint NOT NULL,
        PRIMARY KEY (user_id, asset)
    ) WITH ({BUSY})
    """,
    f"""
    CREATE TABLE open_orders ({ORDER_COLUMNS}, rested_sequence bigint NOT NULL) WITH (
        fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
    )
    """,
    f"CREATE TABLE closed_orders ({ORDER_COLUMNS}, expire_reason smallint)",
    "CREATE INDEX closed_orders_by_user ON closed_orders (user_id, order_id)",
    """
    CREATE INDEX closed_orders_by_client_order_id ON closed_orders (user_id, client_order_id, order_id)
    WHERE client_order_id IS NOT NULL
    """,
    """
    CREATE TABLE trades (
        trade_id bigint PRIMARY KEY,
        market text COLLATE "C" NOT NULL,
        price_ticks bigint NOT NULL,
        quantity_lots bigint NOT NULL,
        quote_minor numeric(38, 0) NOT NULL,
        taker_side smallint NOT NULL,
        maker_order_id bigint NOT NULL,
        taker_order_id bigint NOT NULL,
        maker_user_id text COLLATE "C" NOT NULL,
        taker_user_id text COLLATE "C" NOT NULL,
        maker_fee_minor numeric(38, 0) NOT NULL,
        taker_fee_minor numeric(38, 0) NOT NULL,
        time_ns bigint NOT NULL
    )
    """,
    "CREATE INDEX trades_by_market ON trades (market, trade_id)",
    "CREATE INDEX trades_by_maker ON trades (maker_user_id, trade_id)",
    "CREATE INDEX trades_by_taker ON trades (taker_user_id, trade_id)",
    "CREATE INDEX trades_by_maker_order ON trades (maker_order_id)",
    # Takers' ids grow with the table, so a summary of its pages finds them, and costs a commit next to nothing.
    """
    CREATE INDEX trades_by_taker_order ON trades USING brin (taker_order_id)
    WITH (pages_per_range = 32, autosummarize = on)
    """,
    """
    CREATE TABLE transfers (
        sequence bigint PRIMARY KEY,
        user_id text COLLATE "C" NOT NULL,
        asset text COLLATE "C" NOT NULL,
        amount_minor numeric(38, 0) NOT NULL,
        key text COLLATE "C" NOT NULL,
        time_ns bigint NOT NULL
    )
    """,
    "CREATE INDEX transfers_of_configurations ON transfers (sequence) WHERE key LIKE 'config:%'",
    """
    CREATE TABLE candles (
        market text COLLATE "C" NOT NULL,
        interval_s integer NOT NULL,
        open_s bigint NOT NULL,
        open_ticks bigint NOT NULL,
        high_ticks bigint NOT NULL,
        low_ticks bigint NOT NULL,
        close_ticks bigint NOT NULL,
        volume_lots numeric(40, 0) NOT NULL,
        quote_minor numeric(40, 0) NOT NULL,
        trades bigint NOT NULL,
        PRIMARY KEY (market, interval_s, open_s)
    ) WITH (fillfactor = 80)
    """,
    # A row a commit: all its commands, as JSON. The exchange adds partitions ahead of need.
    """
    CREATE TABLE journal (
        last_sequence bigint PRIMARY KEY,
        first_sequence bigint NOT NULL,
        codec_version smallint NOT NULL,
        rules_version smallint NOT NULL,
        commands text NOT NULL
    ) PARTITION BY RANGE (last_sequence)
    """,
    # Compressing it cost more of a commit than writing it.
    "ALTER TABLE journal ALTER COLUMN commands SET STORAGE EXTERNAL",
    """
    CREATE VIEW orders AS
    SELECT order_id, user_id, market, client_order_id, side, order_type, time_in_force, post_only, price_ticks,
           quantity_lots, executed_lots, executed_quote_minor, status, NULL::smallint AS expire_reason,
           created_ns, updated_ns
    FROM open_orders
    UNION ALL
    SELECT order_id, user_id, market, client_order_id, side, order_type, time_in_force, post_only, price_ticks,
           quantity_lots, executed_lots, executed_quote_minor, status, expire_reason, created_ns, updated_ns
    FROM closed_orders
    """,
    """
    CREATE VIEW fills AS
    SELECT trade_id, market, taker_order_id AS order_id, taker_user_id AS user_id, taker_side AS side, price_ticks,
           quantity_lots, quote_minor, taker_fee_minor AS fee_minor, true AS is_taker, time_ns
    FROM trades
    UNION ALL
    SELECT trade_id, market, maker_order_id, maker_user_id, (1 - taker_side)::smallint, price_ticks,
           quantity_lots, quote_minor, maker_fee_minor, false, time_ns
    FROM trades
    """,
]

# What each trade and transfer moved, per account; it sums to zero per asset, and per account to what `accounts` says.
POSTINGS = """
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
        SELECT trim_scale(f.quantity_lots * m.lot_size::numeric * 10::numeric ^ b.decimals) AS base_minor
    ) q
    CROSS JOIN LATERAL (VALUES
        (f.user_id, m.base, CASE WHEN f.side = 0 THEN q.base_minor - f.fee_minor ELSE -q.base_minor END),
        (f.user_id, m.quote, CASE WHEN f.side = 0 THEN -f.quote_minor ELSE f.quote_minor - f.fee_minor END),
        ('@fees', CASE WHEN f.side = 0 THEN m.base ELSE m.quote END, f.fee_minor)
    ) AS p (user_id, asset, amount_minor)
    WHERE p.amount_minor <> 0
"""


def upgrade() -> None:
    for statement in [*STATEMENTS, POSTINGS]:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("there is nothing before the first migration")
