"""The tables: the only file that knows their columns (with the migrations, which make them).

`open_orders` is what recovery reads, so its time follows what is open; an order that closes moves to `closed_orders`,
which is only ever appended to. The view `orders` is both. Prices are ticks, quantities lots, money minor units, times
nanoseconds since the epoch. Fills and postings are views over trades and transfers: what one row says is not stored
twice.

Pages are by id, both ways: trades by (market, trade_id), over all markets by a range of trade_id, which has no holes;
fills by the maker's and the taker's index; closed orders by (user_id, order_id); transfers by (user_id, sequence).
Times grow with ids, so a page by time begins at an id, which the SQL functions `first_trade_since(market, time_ns)` and
`first_order_since(user_id, time_ns)` find.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

Text = sa.Text(collation="C")  # names compare by their bytes, whatever the server's locale
Money = sa.Numeric(38, 0)
Sum = sa.Numeric(40, 0)  # of several amounts, each in the range of Money
Turnover = sa.Numeric()  # of any number of trades: the same money may be traded for the whole day


def _order_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("order_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("user_id", Text, nullable=False),
        sa.Column("market", Text, nullable=False),
        sa.Column("client_order_id", Text),
        sa.Column("side", sa.SmallInteger, nullable=False),
        sa.Column("order_type", sa.SmallInteger, nullable=False),
        sa.Column("time_in_force", sa.SmallInteger, nullable=False),
        sa.Column("post_only", sa.Boolean, nullable=False),
        sa.Column("price_ticks", sa.BigInteger),
        sa.Column("quantity_lots", sa.BigInteger, nullable=False),
        sa.Column("executed_lots", sa.BigInteger, nullable=False),
        sa.Column("executed_quote_minor", Sum, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_ns", sa.BigInteger, nullable=False),
    ]


def _further_columns() -> list[sa.Column[object]]:
    """Null in most orders: see `numbers_text.py`."""
    return [sa.Column("conditions", Text), sa.Column("progress", Text)]


def _head_columns() -> list[sa.Column[object]]:
    """Of the one row that says how far something is, and whose it is."""
    return [
        sa.Column("one", sa.Boolean, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    ]


# How far the journal is.
venue = sa.Table("venue", metadata, *_head_columns())

# How far all other tables are, which follow the journal.
projection = sa.Table(
    "projection",
    metadata,
    *_head_columns(),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("last_trade_id", sa.BigInteger, nullable=False),
    sa.Column("last_order_id", sa.BigInteger, nullable=False),
    sa.Column("last_priority", sa.BigInteger, nullable=False),
    sa.Column("last_match_id", sa.BigInteger, nullable=False),
    sa.Column("last_amendment_id", sa.BigInteger, nullable=False),
    sa.Column("last_list_id", sa.BigInteger, nullable=False),
)

assets = sa.Table(
    "assets",
    metadata,
    sa.Column("symbol", Text, primary_key=True),
    sa.Column("decimals", sa.SmallInteger, nullable=False),
)

markets = sa.Table(
    "markets",
    metadata,
    sa.Column("symbol", Text, primary_key=True),
    sa.Column("base", Text, nullable=False),
    sa.Column("quote", Text, nullable=False),
    sa.Column("tick_size", Text, nullable=False),
    sa.Column("lot_size", Text, nullable=False),
    sa.Column("min_notional_minor", Money, nullable=False),
    sa.Column("maker_fee_ppm", sa.Integer, nullable=False),
    sa.Column("taker_fee_ppm", sa.Integer, nullable=False),
    sa.Column("max_open_orders", sa.Integer, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("book_sequence", sa.BigInteger, nullable=False),
    sa.Column("depth_sequence", sa.BigInteger, nullable=False),
    sa.Column("best_sequence", sa.BigInteger, nullable=False),
    sa.Column("trade_sequence", sa.BigInteger, nullable=False),
    sa.Column("last_trade_ns", sa.BigInteger, nullable=False),
    sa.Column("candles", Text, nullable=False),  # counts, an interval each, with spaces between
    sa.Column("last_aggregate_id", sa.BigInteger, nullable=False),
    sa.Column("fee_asset", sa.SmallInteger, nullable=False),
    sa.Column("min_price_ticks", sa.BigInteger, nullable=False),
    sa.Column("max_fills_per_order", sa.Integer, nullable=False),
    sa.Column("min_notional_applies_to_market", sa.Boolean, nullable=False),
    sa.Column("avg_price_mins", sa.SmallInteger, nullable=False),
    sa.Column("fills_may_leave_nothing", sa.Boolean, nullable=False),
    sa.Column("average", Text),  # the average price, see `core/average.py`, with spaces between; null: no trade yet
    sa.Column("self_trade", sa.SmallInteger, nullable=False),
    sa.Column("self_trade_modes", sa.SmallInteger, nullable=False),  # a bit each
    sa.Column("last_match_id", sa.BigInteger, nullable=False),
    sa.Column("by_call", sa.Boolean, nullable=False),  # whether a call has set the rules
    sa.Column("tracks", Text),  # see `core/triggers.py`, with spaces between; null: no order follows the price
    sa.Column("set_min_price_ticks", sa.BigInteger, nullable=False),  # as it was set: the fees may need more
    sa.Column("tiers", Text),  # what they pay: name:maker:taker, in ppm, with spaces between; null: there are none
    sa.Column("filters", Text),  # see `core/filters.py`; null: none
)

# Those that run: see `core/timers.py`.
timers = sa.Table(
    "timers",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("market", Text, primary_key=True),  # "*" is all of them
    sa.Column("due_ns", sa.BigInteger),  # null: it is there no more
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("status", sa.SmallInteger, nullable=False),  # 1 is disabled
)

user_tiers = sa.Table(
    "user_tiers",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("fee_tier", Text),  # null: the tier was taken away
)

# Of the whole exchange; those of a market are in its row.
filters = sa.Table(
    "filters",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("bound", sa.Integer, nullable=False),  # 0: none
    sa.Column("by_call", sa.Boolean, nullable=False),  # whether a call has set the filters
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("api_key", Text, primary_key=True),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("key_type", Text, nullable=False),
    sa.Column("material", Text, nullable=False),  # a sealed secret, or a public key
    sa.Column("permissions", Text, nullable=False),  # words, as allowed_addresses
    sa.Column("label", Text),
    sa.Column("allowed_addresses", Text),
    sa.Column("expires_ns", sa.BigInteger),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
    sa.Column("revoked_ns", sa.BigInteger),
)

# Only ever appended to.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("address", Text),
    sa.Column("action", Text, nullable=False),
    sa.Column("user_id", Text),  # null where it was about no user
    sa.Column("detail", Text),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("asset", Text, primary_key=True),
    sa.Column("available_minor", Money, nullable=False),
    sa.Column("locked_minor", Money, nullable=False),
    # As they were when the account last changed: a user's counts are the highest of their accounts'.
    sa.Column("balances_sequence", sa.BigInteger, nullable=False),
    sa.Column("orders_sequence", sa.BigInteger, nullable=False),
)

open_orders = sa.Table(
    "open_orders",
    metadata,
    *_order_columns(),
    sa.Column("priority", sa.BigInteger, nullable=False),
    # Null in an order that has the rates of its market.
    sa.Column("maker_fee_ppm", sa.Integer),
    sa.Column("taker_fee_ppm", sa.Integer),
    *_further_columns(),
    sa.PrimaryKeyConstraint("order_id"),
)

closed_orders = sa.Table(
    "closed_orders",
    metadata,
    *_order_columns(),
    sa.Column("expire_reason", sa.SmallInteger),
    *_further_columns(),
    sa.PrimaryKeyConstraint("user_id", "order_id"),
    sa.Index("closed_orders_with_client_order_id", "order_id", postgresql_where=sa.text("client_order_id IS NOT NULL")),
    sa.Index(
        "closed_orders_by_client_order_id",
        "user_id",
        "client_order_id",
        "order_id",
        postgresql_where=sa.text("client_order_id IS NOT NULL"),
    ),
    postgresql_partition_by="RANGE (order_id)",
)

trades = sa.Table(
    "trades",
    metadata,
    sa.Column("trade_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("market", Text, nullable=False),
    sa.Column("price_ticks", sa.BigInteger, nullable=False),
    sa.Column("quantity_lots", sa.BigInteger, nullable=False),
    sa.Column("quote_minor", Money, nullable=False),
    sa.Column("taker_side", sa.SmallInteger, nullable=False),
    sa.Column("maker_order_id", sa.BigInteger, nullable=False),
    sa.Column("taker_order_id", sa.BigInteger, nullable=False),
    sa.Column("maker_user_id", Text, nullable=False),
    sa.Column("taker_user_id", Text, nullable=False),
    sa.Column("maker_fee_minor", Money, nullable=False),
    sa.Column("taker_fee_minor", Money, nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("market_trade_id", sa.BigInteger, nullable=False),
    sa.Column("aggregate_id", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("market", "trade_id"),
    sa.Index("trades_by_maker", "maker_user_id", "trade_id"),
    sa.Index("trades_by_taker", "taker_user_id", "trade_id"),
    sa.Index("trades_by_maker_order", "maker_order_id"),
    sa.Index("trades_by_taker_order", "taker_order_id"),
    sa.Index(
        "trades_by_place",
        "trade_id",
        "time_ns",
        "taker_order_id",
        postgresql_using="brin",
        postgresql_ops={"taker_order_id": "int8_minmax_multi_ops"},
    ),
    postgresql_partition_by="RANGE (trade_id)",
)

# Only ever appended to.
prevented_matches = sa.Table(
    "prevented_matches",
    metadata,
    sa.Column("match_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("market_match_id", sa.BigInteger, nullable=False),
    sa.Column("market", Text, nullable=False),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("taker_order_id", sa.BigInteger, nullable=False),
    sa.Column("maker_order_id", sa.BigInteger, nullable=False),
    sa.Column("mode", sa.SmallInteger, nullable=False),
    sa.Column("price_ticks", sa.BigInteger, nullable=False),
    sa.Column("taker_prevented_lots", sa.BigInteger, nullable=False),
    sa.Column("maker_prevented_lots", sa.BigInteger, nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "match_id"),
)

# Only ever appended to. What is new is null where it stayed the same.
amendments = sa.Table(
    "amendments",
    metadata,
    sa.Column("amendment_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("market", Text, nullable=False),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("order_id", sa.BigInteger, nullable=False),
    sa.Column("client_order_id", Text),
    sa.Column("new_client_order_id", Text),
    sa.Column("price_ticks", sa.BigInteger),
    sa.Column("new_price_ticks", sa.BigInteger),
    sa.Column("quantity_lots", sa.BigInteger, nullable=False),
    sa.Column("new_quantity_lots", sa.BigInteger),
    sa.Column("key", Text),
    sa.Column("after_order_id", sa.BigInteger, nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("user_id", "amendment_id"),
    sa.Index("amendments_by_order", "order_id", "amendment_id"),
    sa.Index("amendments_with_names", "amendment_id", postgresql_where=sa.text("new_client_order_id IS NOT NULL")),
    sa.Index("amendments_with_keys", "amendment_id", postgresql_where=sa.text("key IS NOT NULL")),
)

order_lists = sa.Table(
    "order_lists",
    metadata,
    sa.Column("list_id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("market", Text, nullable=False),
    sa.Column("list_type", sa.SmallInteger, nullable=False),
    sa.Column("client_list_id", Text),
    sa.Column("status", sa.SmallInteger, nullable=False),  # 1: all its orders have ended
    sa.Column("end_reason", sa.SmallInteger),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
    sa.Column("updated_ns", sa.BigInteger, nullable=False),
    sa.Column("legs", Text, nullable=False),  # its orders with their status and name: see `journal_lists.py`
    sa.Column("content", Text, nullable=False),  # what was asked
    sa.PrimaryKeyConstraint("user_id", "list_id"),
    sa.Index("order_lists_open", "list_id", postgresql_where=sa.text("status = 0")),
    sa.Index("order_lists_with_names", "list_id", postgresql_where=sa.text("client_list_id IS NOT NULL")),
    sa.Index(
        "order_lists_by_name",
        "user_id",
        "client_list_id",
        "list_id",
        postgresql_where=sa.text("client_list_id IS NOT NULL"),
    ),
)

# Of those who ever had a list: how many events their lists had.
list_counts = sa.Table(
    "list_counts",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("lists_sequence", sa.BigInteger, nullable=False),
)

transfers = sa.Table(
    "transfers",
    metadata,
    sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("user_id", Text, nullable=False),  # who gets it
    sa.Column("asset", Text, nullable=False),
    sa.Column("amount_minor", Money, nullable=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("time_ns", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("from_user_id", Text, nullable=False),
    sa.PrimaryKeyConstraint("sequence", "asset"),  # a reset moves several assets
    sa.Index("transfers_by_user", "user_id", "sequence"),
    sa.Index("transfers_by_giver", "from_user_id", "sequence", postgresql_where=sa.text("from_user_id <> '@external'")),
    sa.Index("transfers_of_configurations", "sequence", postgresql_where=sa.text("key LIKE 'config:%'")),
)

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),  # of the request
    sa.Column("key", Text, nullable=False),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("asset", Text, nullable=False),
    sa.Column("amount_minor", Money, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("requested_ns", sa.BigInteger, nullable=False),
    sa.Column("ended_ns", sa.BigInteger),
    sa.Index("withdrawals_by_user", "user_id", "sequence"),
    sa.Index("withdrawals_pending", "sequence", postgresql_where=sa.text("status = 0")),
)

# Only ever appended to.
resets = sa.Table(
    "resets",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", Text, nullable=False),
    sa.Column("user_id", Text, nullable=False),
    sa.Column("balances", Text),  # amounts by asset, as USDC:1000 SOL:5
    sa.Column("time_ns", sa.BigInteger, nullable=False),
)

candles = sa.Table(
    "candles",
    metadata,
    sa.Column("market", Text, primary_key=True),
    sa.Column("interval_s", sa.Integer, primary_key=True),
    sa.Column("open_s", sa.BigInteger, primary_key=True),
    sa.Column("open_ticks", sa.BigInteger, nullable=False),
    sa.Column("high_ticks", sa.BigInteger, nullable=False),
    sa.Column("low_ticks", sa.BigInteger, nullable=False),
    sa.Column("close_ticks", sa.BigInteger, nullable=False),
    sa.Column("volume_lots", Turnover, nullable=False),
    sa.Column("quote_minor", Turnover, nullable=False),
    sa.Column("trades", sa.BigInteger, nullable=False),
    sa.Column("first_market_trade_id", sa.BigInteger, nullable=False),
    sa.Column("last_market_trade_id", sa.BigInteger, nullable=False),
    sa.Column("taker_buy_lots", Turnover, nullable=False),
    sa.Column("taker_buy_quote_minor", Turnover, nullable=False),
)

# How far each kind of history is dropped (`prune.py`): all trades up to `trade_id`, of which the last was at
# `trades_ns`; of the closed orders up to `order_id` all but some; the minutes of candles before `minutes_s`.
pruned = sa.Table(
    "pruned",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("trade_id", sa.BigInteger, nullable=False),
    sa.Column("trades_ns", sa.BigInteger, nullable=False),
    sa.Column("order_id", sa.BigInteger, nullable=False),
    sa.Column("orders_ns", sa.BigInteger, nullable=False),
    sa.Column("minutes_s", sa.BigInteger, nullable=False),
)

# What the dropped trades moved.
pruned_postings = sa.Table(
    "pruned_postings",
    metadata,
    sa.Column("user_id", Text, primary_key=True),
    sa.Column("asset", Text, primary_key=True),
    sa.Column("amount_minor", Turnover, nullable=False),
)

# The last counts of each market among the dropped trades.
pruned_markets = sa.Table(
    "pruned_markets",
    metadata,
    sa.Column("market", Text, primary_key=True),
    sa.Column("market_trade_id", sa.BigInteger, nullable=False),
    sa.Column("aggregate_id", sa.BigInteger, nullable=False),
)

# The state that the journal begins from, in parts, which `baseline.py` encodes.
baseline = sa.Table(
    "baseline",
    metadata,
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("codec_version", sa.SmallInteger, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("last_sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_sequence", sa.BigInteger, nullable=False),
    sa.Column("codec_version", sa.SmallInteger, nullable=False),
    sa.Column("rules_version", sa.SmallInteger, nullable=False),
    sa.Column("commands", sa.Text, nullable=False),
    postgresql_partition_by="RANGE (last_sequence)",
)
