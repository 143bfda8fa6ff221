"""Order ids and priorities of their own, trades and aggregates counted per market, and a baseline of the journal.

Until now the id of an order and its priority were the sequence of its command; from here on both are counts, which go
on from the largest that were given. Trades get their place in their market and their aggregate, candles the ids of
their trades and what takers bought. Both tables are written anew, which is many times faster than to update each row.

Indexes serve paging both ways by id. Ids and times grow together, so a page by time is a page by id: the functions
`first_trade_since` and `first_order_since` find where it begins, and no index by time has to be kept.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HEAD = [
    "ALTER TABLE filled RENAME TO projection",
    "ALTER INDEX filled_pkey RENAME TO projection_pkey",
    "ALTER TABLE projection RENAME CONSTRAINT filled_one_check TO projection_one_check",
    "ALTER TABLE open_orders RENAME COLUMN rested_sequence TO priority",
    "ALTER TABLE projection ADD COLUMN last_order_id bigint, ADD COLUMN last_priority bigint",
    # An order that may rest is good till canceled (0): these were given a priority, which was their id.
    """
    UPDATE projection SET
        last_order_id = (
            SELECT COALESCE(max(order_id), 0) FROM (
                SELECT max(order_id) AS order_id FROM open_orders UNION ALL SELECT max(order_id) FROM closed_orders
            ) given
        ),
        last_priority = (
            SELECT COALESCE(max(order_id), 0) FROM (
                SELECT max(order_id) AS order_id FROM open_orders WHERE time_in_force = 0
                UNION ALL SELECT max(order_id) FROM closed_orders WHERE time_in_force = 0
            ) given
        )
    """,
    "ALTER TABLE projection ALTER COLUMN last_order_id SET NOT NULL, ALTER COLUMN last_priority SET NOT NULL",
    # The state that the journal begins from, in parts; a content of {} is the empty venue.
    """
    CREATE TABLE baseline (
        part integer PRIMARY KEY,
        sequence bigint NOT NULL,
        codec_version smallint NOT NULL,
        content text NOT NULL
    )
    """,
    "INSERT INTO baseline (part, sequence, codec_version, content) VALUES (0, 0, 1, '{}')",
]

TRADES = [
    "DROP VIEW postings",
    "DROP VIEW fills",
    "ALTER TABLE trades RENAME TO trades_before",
    """
    CREATE TABLE trades (
        trade_id bigint NOT NULL,
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
        time_ns bigint NOT NULL,
        market_trade_id bigint NOT NULL,
        aggregate_id bigint NOT NULL
    )
    """,
    # An order took only in the command that placed it, so consecutive trades of one taker are of one command. The
    # rows stay in the order of their ids, on which the summaries of pages below depend.
    """
    INSERT INTO trades
    SELECT trade_id, market, price_ticks, quantity_lots, quote_minor, taker_side, maker_order_id, taker_order_id,
           maker_user_id, taker_user_id, maker_fee_minor, taker_fee_minor, time_ns,
           row_number() OVER by_market,
           count(*) FILTER (WHERE begins) OVER by_market
    FROM (
        SELECT *, (lag(taker_order_id) OVER by_market, lag(price_ticks) OVER by_market)
                  IS DISTINCT FROM (taker_order_id, price_ticks) AS begins
        FROM trades_before
        WINDOW by_market AS (PARTITION BY market ORDER BY trade_id)
    ) found
    WINDOW by_market AS (PARTITION BY market ORDER BY trade_id)
    ORDER BY trade_id
    """,
    "DROP TABLE trades_before",
    "ALTER TABLE trades ADD PRIMARY KEY (market, trade_id)",
    "CREATE INDEX trades_by_maker ON trades (maker_user_id, trade_id)",
    "CREATE INDEX trades_by_taker ON trades (taker_user_id, trade_id)",
    "CREATE INDEX trades_by_maker_order ON trades (maker_order_id)",
    # Ids, times and takers grow with the table, so a summary of its pages finds them and costs next to nothing to keep.
    # Of takers it keeps several ranges, since an order may take long after it was placed.
    """
    CREATE INDEX trades_by_place ON trades USING brin (trade_id, time_ns, taker_order_id int8_minmax_multi_ops)
    WITH (pages_per_range = 32, autosummarize = on)
    """,
    "ALTER TABLE trades SET (autovacuum_analyze_scale_factor = 1.0)",
    "ALTER TABLE markets ADD COLUMN last_aggregate_id bigint NOT NULL DEFAULT 0",
    """
    UPDATE markets SET last_aggregate_id = (
        SELECT aggregate_id FROM trades WHERE market = symbol ORDER BY trade_id DESC LIMIT 1
    ) WHERE EXISTS (SELECT FROM trades WHERE market = symbol)
    """,
    "ALTER TABLE markets ALTER COLUMN last_aggregate_id DROP DEFAULT",
    "CREATE INDEX transfers_by_user ON transfers (user_id, sequence)",
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
        SELECT trim_scale(f.quantity_lots * m.lot_size::numeric * 10::numeric ^ b.decimals) AS base_minor
    ) q
    CROSS JOIN LATERAL (VALUES
        (f.user_id, m.base, CASE WHEN f.side = 0 THEN q.base_minor - f.fee_minor ELSE -q.base_minor END),
        (f.user_id, m.quote, CASE WHEN f.side = 0 THEN -f.quote_minor ELSE f.quote_minor - f.fee_minor END),
        ('@fees', CASE WHEN f.side = 0 THEN m.base ELSE m.quote END, f.fee_minor)
    ) AS p (user_id, asset, amount_minor)
    WHERE p.amount_minor <> 0
    """,
]

CANDLES = [
    "ALTER TABLE candles RENAME TO candles_before",
    """
    CREATE TABLE candles (
        market text COLLATE "C" NOT NULL,
        interval_s integer NOT NULL,
        open_s bigint NOT NULL,
        open_ticks bigint NOT NULL,
        high_ticks bigint NOT NULL,
        low_ticks bigint NOT NULL,
        close_ticks bigint NOT NULL,
        volume_lots numeric NOT NULL,
        quote_minor numeric NOT NULL,
        trades bigint NOT NULL,
        first_market_trade_id bigint NOT NULL,
        last_market_trade_id bigint NOT NULL,
        taker_buy_lots numeric NOT NULL,
        taker_buy_quote_minor numeric NOT NULL
    ) WITH (fillfactor = 80)
    """,
    """
    INSERT INTO candles
    WITH minutes AS MATERIALIZED (
        SELECT market, time_ns / 1000000000 / 60 * 60 AS open_s,
               min(market_trade_id) AS first_id, max(market_trade_id) AS last_id,
               COALESCE(sum(quantity_lots) FILTER (WHERE taker_side = 0), 0) AS buy_lots,
               COALESCE(sum(quote_minor) FILTER (WHERE taker_side = 0), 0) AS buy_quote
        FROM trades GROUP BY 1, 2
    ), made AS (
        SELECT market, interval_s, open_s / interval_s * interval_s AS open_s, min(first_id) AS first_id,
               max(last_id) AS last_id, sum(buy_lots) AS buy_lots, sum(buy_quote) AS buy_quote
        FROM minutes CROSS JOIN unnest(ARRAY[60, 300, 900, 3600, 14400, 86400]) AS intervals (interval_s)
        GROUP BY 1, 2, 3
    )
    SELECT c.*, COALESCE(first_id, 0), COALESCE(last_id, 0), COALESCE(buy_lots, 0), COALESCE(buy_quote, 0)
    FROM candles_before c LEFT JOIN made USING (market, interval_s, open_s)
    ORDER BY c.open_s, c.market, c.interval_s
    """,
    "DROP TABLE candles_before",
    "ALTER TABLE candles ADD PRIMARY KEY (market, interval_s, open_s)",
]


def _first_since(function: str, of: str, table: str, column: str, key: str, time: str) -> str:
    """A function that finds the first row of a group whose time is not before another, by halving the range of ids."""
    return f"""
    CREATE FUNCTION {function}({of} text, since_ns bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
    DECLARE
        before bigint := 0;  -- it and all smaller ids are before that time
        since bigint;        -- it and all larger ids are not
        middle bigint;
        found record;
    BEGIN
        SELECT max({key}) + 1 INTO since FROM {table} WHERE {column} = {of};
        WHILE before + 1 < since LOOP
            middle := (before + since) / 2;
            SELECT {key} AS id, {time} AS at_ns INTO found FROM {table}
            WHERE {column} = {of} AND {key} >= middle ORDER BY {key} LIMIT 1;
            IF found.at_ns < since_ns THEN
                before := found.id;
            ELSE
                since := middle;
            END IF;
        END LOOP;
        RETURN since;  -- beyond all ids if there is none, NULL if the group is empty
    END
    $$
    """


FUNCTIONS = [
    _first_since("first_trade_since", "of_market", "trades", "market", "trade_id", "time_ns"),
    _first_since("first_order_since", "of_user", "closed_orders", "user_id", "order_id", "created_ns"),
]


def upgrade() -> None:
    # To sort a long history in memory; it ends with the transaction.
    op.execute("SET LOCAL work_mem = '128MB'")
    op.execute("SET LOCAL maintenance_work_mem = '128MB'")
    for statement in [*HEAD, *TRADES, *CANDLES, *FUNCTIONS]:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("an older exchange would give ids and priorities a second time: restore a backup instead")
