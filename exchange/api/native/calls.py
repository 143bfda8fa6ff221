"""The calls: one row each, which the router, `/openapi.json`, the documents and the tests read."""

from collections.abc import Iterable
from dataclasses import dataclass

from exchange.api.native import (
    exchange_filters,
    models,
    models_batch,
    models_fees,
    models_lists,
    replies,
    replies_lists,
    replies_markets,
    replies_money,
)
from exchange.service.principal import Permission
from exchange.service.read_lane import HISTORY, MEMORY

EVERYWHERE = (
    "INVALID_FIELD", "REQUEST_TIMEOUT", "TOO_LARGE", "WRONG_HOST", "RATE_LIMITED", "INTERNAL",
    "HTTP_VERSION_NOT_SUPPORTED",
)  # fmt: skip
BODY = ("MALFORMED_JSON", "FORBIDDEN", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
SIGNED = ("UNAUTHENTICATED", "TIMESTAMP_OUT_OF_WINDOW", "REPLAYED", "FORBIDDEN")
USER = ("UNKNOWN_USER",)
MARKET = ("UNKNOWN_MARKET",)
ENGINE = ("NOT_READY", "OVERLOADED", "OUTCOME_UNKNOWN")  # what waits for a commit
TABLES = ("NOT_READY", "OVERLOADED")
OF_AMENDED = (
    "MAX_PRICE", "MIN_QUANTITY", "MAX_QUANTITY", "MARKET_MIN_QUANTITY", "MARKET_MAX_QUANTITY", "MAX_NOTIONAL",
    "PRICE_BAND", "ICEBERG_PARTS", "MAX_POSITION", "MAX_ASSET",
)  # fmt: skip
FILTERS = (
    *OF_AMENDED, "TOO_MANY_OPEN_STOPS", "TOO_MANY_OPEN_ICEBERGS", "TRAILING_RANGE", "TOO_MANY_OPEN_ORDERS_EVERYWHERE",
    "TOO_MANY_OPEN_STOPS_EVERYWHERE", "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE",
)  # fmt: skip
LISTS = ("TOO_MANY_OPEN_LISTS", "TOO_MANY_OPEN_LISTS_EVERYWHERE")
PLACING = (
    "INVALID_NUMBER", "CLIENT_ORDER_ID_CONFLICT", "INSUFFICIENT_BALANCE", "OFF_TICK", "OFF_LOT", "MIN_NOTIONAL",
    "OUT_OF_RANGE", "TOO_MANY_OPEN_ORDERS", "WOULD_TAKE", "MARKET_NOT_TRADING", "USER_DISABLED", "NO_LIQUIDITY",
    "SELF_TRADE_PREVENTION",
    "WOULD_TRIGGER", "NO_PRICE_LEVEL",
    *FILTERS,
)  # fmt: skip
AMENDING = (
    "INVALID_NUMBER", "CLIENT_ORDER_ID_CONFLICT", "INSUFFICIENT_BALANCE", "OFF_TICK", "OFF_LOT", "MIN_NOTIONAL",
    "OUT_OF_RANGE", "WOULD_TAKE", "MARKET_NOT_TRADING", *OF_AMENDED, "TOO_MANY_AMENDS",
)  # fmt: skip
MOVING = ("UNKNOWN_ASSET", "INVALID_NUMBER", "KEY_CONFLICT", "OUT_OF_RANGE", "INSUFFICIENT_BALANCE")
CHEAP = ("health", "time", "log_level")
PAGES = (
    *("order_list", "lists", "orders", "trades", "fills", "ledger", "prevented_matches", "amendments"),
    *("candles", "audit", "withdrawals", "all_withdrawals", "account_ledger"),
)


PUBLIC, READ, TRADE, ADMIN = None, Permission.READ, Permission.TRADE, Permission.ADMIN


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its operation (a method of Rest), what it takes, and what it can be answered with.

    `permission` is what the sender must have; with None the call is public, and its sender is not known.
    """

    method: str
    path: str
    operation: str
    permission: Permission | None
    summary: str
    request: type[models.Request]
    reply: type[replies.Reply]
    codes: frozenset[str]

    @property
    def lane(self) -> str | None:
        """What answers it, for the lane of reads; None for what changes something or is cheap."""
        if self.method != "GET" or self.operation in CHEAP:
            return None
        return HISTORY if self.operation in PAGES else MEMORY

    @property
    def in_body(self) -> bool:
        """Whether the request is a body; a DELETE may say it in the query as well."""
        return self.method != "GET"


def _call(
    method: str,
    path: str,
    operation: str,
    permission: Permission | None,
    summary: str,
    request: type[models.Request],
    reply: type[replies.Reply],
    *codes: Iterable[str],
) -> Call:
    body = () if method == "GET" else BODY
    signed = () if permission is None else SIGNED
    known = frozenset(EVERYWHERE).union(body, signed, *codes)
    return Call(method, path, operation, permission, summary, request, reply, known)


CALLS = (
    _call(
        "GET", "/health", "health", PUBLIC, "Whether the exchange can trade", models.NoQuery, replies.Health,
        ("NOT_READY",),
    ),
    _call("GET", "/time", "time", PUBLIC, "The exchange's clock", models.NoQuery, replies.Time),
    _call(
        "POST", "/order", "place", TRADE, "Place an order", models.PlaceOrderRequest, replies.OrderWithFills,
        USER, MARKET, ENGINE, PLACING,
    ),
    _call(
        "POST", "/order/test", "test", TRADE, "Check an order and place nothing", models.PlaceOrderRequest,
        replies.Nothing, USER, MARKET, ENGINE, PLACING,
    ),
    _call(
        "DELETE", "/order", "cancel", TRADE, "Cancel an order", models.CancelRequest, replies.Order,
        USER, MARKET, ENGINE, ("UNKNOWN_ORDER", "ORDER_CLOSED", "CANCEL_CONDITION"),
    ),
    _call(
        "PATCH", "/order", "amend", TRADE, "Change an open order", models.AmendRequest, replies.Order,
        USER, MARKET, ENGINE, AMENDING, ("UNKNOWN_ORDER", "ORDER_CLOSED", "KEY_CONFLICT"),
    ),
    _call(
        "POST", "/order/replace", "replace", TRADE, "Cancel an order and place another", models.ReplaceRequest,
        replies.Replaced, USER, MARKET, ENGINE, PLACING, ("UNKNOWN_ORDER", "ORDER_CLOSED", "CANCEL_CONDITION"),
    ),
    _call(
        "GET", "/order/amendments", "amendments", READ, "Amendments of orders, by page", models.AmendmentsQuery,
        replies.AmendmentPage, USER, MARKET, TABLES,
    ),
    _call(
        "POST", "/order/list", "place_list", TRADE, "Place orders that depend on each other", models_lists.ListRequest,
        replies_lists.OrderList, USER, MARKET, ENGINE, PLACING, ("LIST_PRICES",), LISTS,
    ),
    _call(
        "DELETE", "/order/list", "cancel_list", TRADE, "Cancel a list", models_lists.ListNameRequest,
        replies_lists.OrderList, USER, MARKET, ENGINE, ("UNKNOWN_LIST", "LIST_DONE"),
    ),
    _call(
        "GET", "/order/list", "order_list", READ, "A list, open or done", models_lists.ListNameRequest,
        replies_lists.OrderList, USER, MARKET, TABLES, ("UNKNOWN_LIST",),
    ),
    _call(
        "GET", "/order/lists", "lists", READ, "Lists, by page", models_lists.ListsQuery, replies_lists.ListPage,
        USER, MARKET, TABLES,
    ),
    _call(
        "GET", "/order", "order", READ, "An order, open or closed", models.OrderRequest, replies.OrderWithFills,
        USER, MARKET, ENGINE, ("UNKNOWN_ORDER",),
    ),
    _call(
        "GET", "/orders/open", "open_orders", READ, "Open orders, oldest first", models.OpenOrdersQuery, replies.Orders,
        USER, MARKET, ENGINE,
    ),
    _call(
        "GET", "/orders/history", "orders", READ, "Orders, open and closed, by page", models.OrderHistoryQuery,
        replies.OrderPage, USER, MARKET, ENGINE,
    ),
    _call(
        "POST", "/order/cancel_all", "cancel_all", TRADE, "Cancel all orders", models.CancelAllRequest,
        replies.Canceled, USER, MARKET, ENGINE,
    ),
    _call(
        "POST", "/order/cancel_all_after", "cancel_all_after", TRADE, "Cancel all orders after a time",
        models.CancelAllAfterRequest, replies.CancelAllAfter, USER, MARKET, ENGINE,
    ),
    _call(
        "POST", "/orders", "batch", TRADE, "Place and cancel, up to 100", models_batch.BatchRequest,
        replies.BatchResults, USER, ENGINE,
    ),
    _call("GET", "/depth", "depth", PUBLIC, "The book of a market", models.DepthQuery, replies.Depth, MARKET, ENGINE),
    _call("GET", "/balance", "balance", READ, "A user's balances", models.BalanceQuery, replies.Balances, USER, ENGINE),
    _call(
        "GET", "/trade/history", "trades", PUBLIC, "Trades, by page", models.TradeHistoryQuery, replies.TradePage,
        MARKET, TABLES,
    ),
    _call(
        "GET", "/fills", "fills", READ, "A user's fills, by page", models.FillsQuery, replies.FillPage,
        USER, MARKET, TABLES,
    ),
    _call(
        "GET", "/ledger", "ledger", READ, "A user's postings, by page", models.LedgerQuery, replies_money.LedgerPage,
        USER, TABLES, ("UNKNOWN_ASSET",),
    ),
    _call(
        "GET", "/withdrawals", "withdrawals", READ, "A user's withdrawals, by page", models.WithdrawalsQuery,
        replies_money.WithdrawalPage, USER, TABLES,
    ),
    _call(
        "POST", "/faucet", "faucet", TRADE, "Credit oneself, where the exchange has a faucet", models.FaucetRequest,
        replies.Balances, USER, ENGINE, ("NOT_FOUND", "UNKNOWN_ASSET", "OUT_OF_RANGE", "USER_DISABLED"),
    ),
    _call("GET", "/keys", "own_keys", READ, "A user's own API keys, by page", models.OwnKeysQuery, replies.KeyPage,
        USER, ENGINE,
    ),
    _call(
        "DELETE", "/keys", "revoke_own_key", TRADE, "Revoke one of a user's own API keys", models.RevokeOwnKeyRequest,
        replies.Key, USER, ENGINE, ("UNKNOWN_KEY",),
    ),
    _call(
        "GET", "/prevented_matches", "prevented_matches", READ, "Prevented matches, by page",
        models.PreventedMatchesQuery, replies.PreventedMatchPage, USER, MARKET, TABLES,
    ),
    _call(
        "GET", "/fees", "fees", READ, "What a user pays", models_fees.FeesQuery, replies_money.Fees,
        USER, MARKET, ENGINE,
    ),
    _call(
        "GET", "/markets", "markets", PUBLIC, "The markets and their rules", models.NoQuery, replies_markets.Markets,
        ENGINE,
    ),
    _call("GET", "/ticker", "tickers", PUBLIC, "The last 24 hours", models.TickerQuery, replies.Tickers, MARKET),
    _call(
        "GET", "/candles", "candles", PUBLIC, "Candles, oldest first", models.CandlesQuery, replies.Candles,
        MARKET, TABLES,
    ),
    _call(
        "POST", "/admin/deposit", "deposit", ADMIN, "Credit a user", models.DepositRequest, replies.Balances,
        ENGINE, ("INVALID_NUMBER", "KEY_CONFLICT", "OUT_OF_RANGE"),
    ),
    _call(
        "GET", "/admin/balance", "account", ADMIN, "Balances of a user, or of the fees", models.AccountQuery,
        replies.Balances, ENGINE, ("NOT_FOUND",),
    ),
    _call(
        "GET", "/admin/ledger", "account_ledger", ADMIN, "Postings of a user, or of the fees",
        models.AccountLedgerQuery, replies_money.LedgerPage, TABLES, ("NOT_FOUND", "UNKNOWN_ASSET"),
    ),
    _call(
        "GET", "/admin/withdrawals", "all_withdrawals", ADMIN, "Withdrawals, by page", models.AllWithdrawalsQuery,
        replies_money.WithdrawalPage, TABLES,
    ),
    _call(
        "POST", "/admin/withdrawals", "request_withdrawal", ADMIN, "Request a withdrawal", models.WithdrawalRequest,
        replies_money.Withdrawal, ENGINE, ("NOT_FOUND", "TOO_MANY_WITHDRAWALS"), MOVING,
    ),
    _call(
        "POST", "/admin/withdrawals/settle", "settle_withdrawal", ADMIN, "Settle a withdrawal",
        models.WithdrawalKeyRequest, replies_money.Withdrawal, ENGINE, ("UNKNOWN_WITHDRAWAL", "WITHDRAWAL_ENDED"),
    ),
    _call(
        "POST", "/admin/withdrawals/release", "release_withdrawal", ADMIN, "Release a withdrawal",
        models.WithdrawalKeyRequest, replies_money.Withdrawal, ENGINE, ("UNKNOWN_WITHDRAWAL", "WITHDRAWAL_ENDED"),
    ),
    _call(
        "POST", "/admin/transfers", "transfer", ADMIN, "Move money to a user", models.TransferRequest,
        replies_money.Transfer, ENGINE, ("NOT_FOUND",), MOVING,
    ),
    _call(
        "POST", "/admin/reset", "reset_user", ADMIN, "Cancel all of a user and set the balances", models.ResetRequest,
        replies_money.UserReset, ENGINE,
        ("NOT_FOUND", "UNKNOWN_ASSET", "INVALID_NUMBER", "KEY_CONFLICT", "OUT_OF_RANGE"),
    ),
    _call(
        "POST", "/admin/assets", "add_asset", ADMIN, "Add an asset", models.AssetRequest, replies_markets.Asset,
        ENGINE, ("RULE_FIXED", "TOO_MANY_MARKETS"),
    ),
    _call(
        "POST", "/admin/markets", "set_market", ADMIN, "Open a market, or change its rules", models.MarketRequest,
        replies_markets.Market, ENGINE,
        ("INVALID_NUMBER", "UNKNOWN_ASSET", "MARKET_NAME_TAKEN", "RULE_FIXED", "TOO_MANY_MARKETS"),
    ),
    _call(
        "POST", "/admin/filters", "set_filters", ADMIN, "Change the filters of the whole exchange",
        exchange_filters.FiltersRequest, exchange_filters.ExchangeFilters, ENGINE,
    ),
    _call(
        "POST", "/admin/markets/status", "market_status", ADMIN, "Change what a market takes",
        models.MarketStatusRequest, replies_markets.Market, MARKET, ENGINE,
    ),
    _call(
        "GET", "/admin/fee_tiers", "fee_tiers", ADMIN, "The fee tiers of a market", models_fees.FeeTiersQuery,
        replies_money.FeeTiers, MARKET, ENGINE,
    ),
    _call(
        "POST", "/admin/fee_tiers", "set_fee_tier", ADMIN, "Set what a fee tier pays", models_fees.FeeTierRequest,
        replies_money.FeeTiers, MARKET, ENGINE, ("INVALID_NUMBER", "OUT_OF_RANGE"),
    ),
    _call(
        "DELETE", "/admin/fee_tiers", "remove_fee_tier", ADMIN, "Forget what a fee tier pays",
        models_fees.RemoveFeeTierRequest, replies_money.FeeTiers, MARKET, ENGINE, ("OUT_OF_RANGE",),
    ),
    _call(
        "POST", "/admin/users/fee_tier", "set_user_tier", ADMIN, "Give a user a fee tier", models_fees.UserTierRequest,
        replies_money.Fees, ENGINE, ("NOT_FOUND",),
    ),
    _call(
        "GET", "/admin/log_level", "log_level", ADMIN, "What is logged", models.NoQuery, replies.LogLevel,
    ),
    _call(
        "POST", "/admin/log_level", "set_log_level", ADMIN, "Change what is logged", models.LogLevelRequest,
        replies.LogLevel,
    ),
    _call(
        "POST", "/admin/users", "create_user", ADMIN, "Create a user", models.CreateUserRequest, replies.Balances,
        ENGINE, ("INVALID_NUMBER", "KEY_CONFLICT", "OUT_OF_RANGE"),
    ),
    _call(
        "GET", "/admin/users", "users", ADMIN, "Users, by page", models.UsersQuery, replies.UserPage, ENGINE,
    ),
    _call(
        "POST", "/admin/users/disable", "disable_user", ADMIN, "Disable a user", models.UserRequest,
        replies.UserStatusSet, ENGINE, ("NOT_FOUND",),
    ),
    _call(
        "POST", "/admin/users/enable", "enable_user", ADMIN, "Enable a user", models.UserRequest,
        replies.UserStatusSet, ENGINE, ("NOT_FOUND",),
    ),
    _call(
        "POST", "/admin/keys", "create_key", ADMIN, "Create an API key", models.CreateKeyRequest, replies.CreatedKey,
        ENGINE, ("NOT_FOUND", "TOO_MANY_KEYS"),
    ),
    _call("GET", "/admin/keys", "keys", ADMIN, "API keys, by page", models.KeysQuery, replies.KeyPage, ENGINE),
    _call(
        "DELETE", "/admin/keys", "revoke_key", ADMIN, "Revoke an API key", models.RevokeKeyRequest, replies.Key,
        ENGINE, ("UNKNOWN_KEY",),
    ),
    _call(
        "GET", "/admin/audit", "audit", ADMIN, "Administrative actions, by page", models.PageQuery, replies.AuditPage,
        TABLES,
    ),
)  # fmt: skip
