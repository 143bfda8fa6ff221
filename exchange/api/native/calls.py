"""The calls: one row each, which the router, `/openapi.json`, the documents and the tests read."""

from collections.abc import Iterable
from dataclasses import dataclass

from exchange.api.native import models, replies
from exchange.service.read_lane import HISTORY, MEMORY

EVERYWHERE = (
    "INVALID_FIELD", "REQUEST_TIMEOUT", "TOO_LARGE", "WRONG_HOST", "RATE_LIMITED", "INTERNAL",
    "HTTP_VERSION_NOT_SUPPORTED",
)  # fmt: skip
BODY = ("MALFORMED_JSON", "FORBIDDEN", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
USER = ("UNAUTHENTICATED", "UNKNOWN_USER")
MARKET = ("UNKNOWN_MARKET",)
ENGINE = ("NOT_READY", "OVERLOADED", "OUTCOME_UNKNOWN")  # what waits for a commit
TABLES = ("NOT_READY", "OVERLOADED")
PLACING = (
    "INVALID_NUMBER", "CLIENT_ORDER_ID_CONFLICT", "INSUFFICIENT_BALANCE", "OFF_TICK", "OFF_LOT", "MIN_NOTIONAL",
    "OUT_OF_RANGE", "TOO_MANY_OPEN_ORDERS", "WOULD_TAKE", "MARKET_NOT_TRADING",
)  # fmt: skip
CHEAP = ("health", "time", "tickers")
PAGES = ("orders", "trades", "fills", "candles")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its operation (a method of Rest), what it takes, and what it can be answered with."""

    method: str
    path: str
    operation: str
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
    summary: str,
    request: type[models.Request],
    reply: type[replies.Reply],
    *codes: Iterable[str],
) -> Call:
    body = () if method == "GET" else BODY
    return Call(method, path, operation, summary, request, reply, frozenset(EVERYWHERE).union(body, *codes))


CALLS = (
    _call("GET", "/health", "health", "Whether the exchange can trade", models.NoQuery, replies.Health, ("NOT_READY",)),
    _call("GET", "/time", "time", "The exchange's clock", models.NoQuery, replies.Time),
    _call(
        "POST", "/order", "place", "Place an order", models.PlaceOrderRequest, replies.OrderWithFills,
        USER, MARKET, ENGINE, PLACING,
    ),
    _call(
        "DELETE", "/order", "cancel", "Cancel an order", models.OrderRequest, replies.Order,
        USER, MARKET, ENGINE, ("UNKNOWN_ORDER", "ORDER_CLOSED"),
    ),
    _call(
        "GET", "/order", "order", "An order, open or closed", models.OrderRequest, replies.OrderWithFills,
        USER, MARKET, ENGINE, ("UNKNOWN_ORDER",),
    ),
    _call(
        "GET", "/orders/open", "open_orders", "Open orders, oldest first", models.OpenOrdersQuery, replies.Orders,
        USER, MARKET, ENGINE,
    ),
    _call(
        "GET", "/orders/history", "orders", "Orders, open and closed, by page", models.OrderHistoryQuery,
        replies.OrderPage, USER, MARKET, ENGINE,
    ),
    _call(
        "POST", "/order/cancel_all", "cancel_all", "Cancel all orders", models.CancelAllRequest, replies.Canceled,
        USER, MARKET, ENGINE,
    ),
    _call(
        "POST", "/orders", "batch", "Place and cancel, up to 100", models.BatchRequest, replies.BatchResults,
        USER, ENGINE,
    ),
    _call("GET", "/depth", "depth", "The book of a market", models.DepthQuery, replies.Depth, MARKET, ENGINE),
    _call("GET", "/balance", "balance", "A user's balances", models.BalanceQuery, replies.Balances, USER, ENGINE),
    _call(
        "GET", "/trade/history", "trades", "Trades, by page", models.TradeHistoryQuery, replies.TradePage,
        MARKET, TABLES,
    ),
    _call(
        "GET", "/fills", "fills", "A user's fills, by page", models.FillsQuery, replies.FillPage,
        USER, MARKET, TABLES,
    ),
    _call("GET", "/markets", "markets", "The markets and their rules", models.NoQuery, replies.Markets, ENGINE),
    _call("GET", "/ticker", "tickers", "The last 24 hours", models.TickerQuery, replies.Tickers, MARKET),
    _call("GET", "/candles", "candles", "Candles, oldest first", models.CandlesQuery, replies.Candles, MARKET, TABLES),
    _call(
        "POST", "/admin/deposit", "deposit", "Credit a user", models.DepositRequest, replies.Balances,
        ENGINE, ("INVALID_NUMBER", "KEY_CONFLICT", "OUT_OF_RANGE"),
    ),
    _call(
        "POST", "/admin/markets/status", "market_status", "Change what a market takes", models.MarketStatusRequest,
        replies.Market, MARKET, ENGINE,
    ),
)  # fmt: skip
