"""The REST calls: decode, ask the engine or the history, encode."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiohttp import web

from exchange import __version__
from exchange.api.http.auth import Gate
from exchange.api.http.reply import Reply
from exchange.api.http.request_id import HEADER, RequestIds
from exchange.api.native import codec, models
from exchange.api.native.errors import ApiError, error_response
from exchange.api.native.pages import Page, home_page
from exchange.api.native.trading import Trading, refused
from exchange.core.commands import Deposit
from exchange.core.events import BalanceChanged, OrderUpdated, Rejected
from exchange.core.instrument import Instrument
from exchange.core.market import as_read
from exchange.core.market_data import MarketData
from exchange.core.venue import Venue
from exchange.pipeline.engine import Engine, Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.pipeline.writer import OutcomeUnknown
from exchange.service.history import ID_MAX, History

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the API: what the router serves and what `/openapi.json` describes."""

    method: str
    path: str
    handler: Handler
    summary: str
    request: type[models.Request]
    in_body: bool


class Rest:
    """The handlers, over one engine and one history."""

    def __init__(
        self,
        gate: Gate,
        trading: Trading,
        engine: Engine,
        history: History,
        data: MarketData,
        ready: Callable[[], bool],
    ) -> None:
        self._gate = gate
        self._trading = trading
        self._rules = trading.rules
        self._data = data
        self._engine = engine
        self._venue = engine.venue
        self._history = history
        self._ready = ready
        self.request_ids = RequestIds()
        self._home = home_page()
        self.calls = [
            Call("GET", "/health", self.health, "Whether the exchange can trade", models.NoQuery, False),
            Call("GET", "/time", self.time, "The exchange's clock", models.NoQuery, False),
            Call("POST", "/order", self.place, "Place an order", models.PlaceOrderRequest, True),
            Call("DELETE", "/order", self.cancel, "Cancel an order", models.OrderRequest, True),
            Call("GET", "/order", self.order, "An order, open or closed", models.OrderRequest, False),
            Call("GET", "/orders/open", self.open_orders, "Open orders, oldest first", models.OpenOrdersQuery, False),
            Call("GET", "/orders/history", self.orders, "Orders, newest first", models.OrderHistoryQuery, False),
            Call("POST", "/order/cancel_all", self.cancel_all, "Cancel all orders", models.CancelAllRequest, True),
            Call("POST", "/orders", self.batch, "Place and cancel, up to 100", models.BatchRequest, True),
            Call("GET", "/depth", self.depth, "The book of a market", models.DepthQuery, False),
            Call("GET", "/balance", self.balance, "A user's balances", models.BalanceQuery, False),
            Call("GET", "/trade/history", self.trades, "Trades, newest first", models.TradeHistoryQuery, False),
            Call("GET", "/fills", self.fills, "A user's fills, newest first", models.FillsQuery, False),
            Call("GET", "/markets", self.markets, "The markets and their rules", models.NoQuery, False),
            Call("GET", "/ticker", self.tickers, "The last 24 hours", models.TickerQuery, False),
            Call("GET", "/candles", self.candles, "Candles, oldest first", models.CandlesQuery, False),
            Call("POST", "/admin/deposit", self.deposit, "Credit a user", models.DepositRequest, True),
        ]

    def endpoint(self, handler: Handler, *, changes: bool) -> Handler:
        """The handler behind the gate, with every failure in the one error shape."""
        admit, request_id_of = self._gate.admit, self.request_ids.of

        async def answer(request: web.Request) -> Reply | web.Response:
            request_id = request_id_of(request)
            try:
                admit(request, changes=changes)
                return Reply(orjson.dumps(await handler(request)), request_id)
            except Exception as error:
                return self.error_answer(error, f"{request.method} {request.path}", request_id)

        return answer

    def page(self, page: Page) -> Handler:
        """The page behind the gate."""
        admit, request_id_of = self._gate.admit, self.request_ids.of

        async def answer(request: web.Request) -> web.Response:
            request_id = request_id_of(request)
            try:
                admit(request, changes=False)
                return page_response(page, request, request_id)
            except Exception as error:
                return self.error_answer(error, f"{request.method} {request.path}", request_id)

        return answer

    def without_upgrade(self, request: web.Request, request_id: str) -> web.Response:
        """A socket's path, asked for as a page: at `/` that is the page to trade on."""
        self._gate.admit(request, changes=False)
        if request.path != "/":
            raise ApiError("INVALID_FIELD", f"{request.path} is a WebSocket: it takes requests to upgrade.")
        return page_response(self._home, request, request_id)

    def error_answer(self, error: Exception, what: str, request_id: str) -> web.Response:
        """What the client of a failed request gets."""
        told = api_error(error, what, request_id)
        self._trading.refusals[told.code] += 1
        return error_response(told, request_id)

    # --- reading a request

    async def _body(self, request: web.Request, model: type[codec.RequestT]) -> codec.RequestT:
        if not codec.is_json(request.headers.get("Content-Type", "")):
            raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body must come with Content-Type: application/json.")
        if request.query_string:
            raise ApiError("INVALID_FIELD", "What is asked stands in the body or in the query, not in both.")
        return codec.decode(await request.read(), model)

    def _query(self, request: web.Request, model: type[codec.RequestT]) -> codec.RequestT:
        return codec.decode_query(list(request.query.items()), model)

    def _known_market(self, market: str | None) -> str | None:
        return None if market is None else self._rules(market).symbol

    # --- changing

    async def place(self, request: web.Request) -> models.Json:
        """POST /order."""
        body = await self._body(request, models.PlaceOrderRequest)
        return await self._trading.place(body, self._gate.user(request, body.user_id))

    async def cancel(self, request: web.Request) -> models.Json:
        """DELETE /order."""
        if request.can_read_body:
            asked = await self._body(request, models.OrderRequest)
        else:
            asked = self._query(request, models.OrderRequest)
        return await self._trading.cancel(asked, self._gate.user(request, asked.user_id))

    async def cancel_all(self, request: web.Request) -> models.Json:
        """POST /order/cancel_all."""
        body = await self._body(request, models.CancelAllRequest)
        return await self._trading.cancel_all(body, self._gate.user(request, body.user_id))

    async def batch(self, request: web.Request) -> models.Json:
        """POST /orders."""
        body = await self._body(request, models.BatchRequest)
        return await self._trading.batch(body, self._gate.user(request, body.user_id))

    async def deposit(self, request: web.Request) -> models.Json:
        """POST /admin/deposit."""
        self._gate.admit_admin(request)
        body = await self._body(request, models.DepositRequest)
        asset = self._venue.assets.get(body.asset)
        if asset is None:
            raise ApiError("INVALID_FIELD", "asset names none that is traded here.")
        user_id = codec.decode_name("user_id", body.user_id)
        command = Deposit(user_id, asset.symbol, codec.minor(asset, body.amount), codec.decode_name("key", body.key))
        outcome = await self._engine.submit(command)
        if isinstance(outcome, Rejected):
            raise refused(outcome)
        return await self._balances(user_id)

    # --- reading memory

    async def health(self, request: web.Request) -> models.Json:
        """GET /health."""
        self._query(request, models.NoQuery)
        if not self._ready():
            raise ApiError("NOT_READY")
        markets = {symbol: market.instrument.status for symbol, market in sorted(self._venue.markets.items())}
        return {
            "status": "ok",
            "version": __version__,
            "sequence": self._engine.durable_sequence,
            "markets": {symbol: codec.MARKET_STATUS_NAMES[status] for symbol, status in markets.items()},
        }

    async def time(self, request: web.Request) -> models.Json:
        """GET /time."""
        self._query(request, models.NoQuery)
        return {"timestamp": codec.millis(self._engine.now_ns())}

    async def markets(self, request: web.Request) -> models.Json:
        """GET /markets."""
        self._query(request, models.NoQuery)

        def copy(venue: Venue) -> list[Instrument]:
            return [market.instrument for _, market in sorted(venue.markets.items())]

        return {"markets": [codec.market_json(rules) for rules in (await self._engine.read(copy))[0]]}

    async def depth(self, request: web.Request) -> models.Json:
        """GET /depth."""
        query = self._query(request, models.DepthQuery)
        limit = codec.page_limit(query.limit, models.DEPTH_MAX)
        rules = self._rules(query.market)

        def copy(venue: Venue) -> tuple[int, list[list[tuple[int, int]]]]:
            book = venue.markets[rules.symbol].book
            return book.sequence, [half.depth(limit) for half in book.sides]

        last_sequence, (bids, asks) = (await self._engine.read(copy))[0]
        return {
            "market": rules.symbol,
            "last_sequence": last_sequence,
            "bids": codec.levels_json(bids, rules),
            "asks": codec.levels_json(asks, rules),
        }

    async def balance(self, request: web.Request) -> models.Json:
        """GET /balance."""
        query = self._query(request, models.BalanceQuery)
        return await self._balances(self._gate.user(request, query.user_id))

    async def _balances(self, user_id: str) -> models.Json:
        def copy(venue: Venue) -> list[BalanceChanged]:
            return [account.as_read() for account in venue.ledger.accounts_of(user_id)]

        accounts = (await self._engine.read(copy))[0]
        return {"user_id": user_id, "balances": codec.account_rows(accounts, self._venue.assets)}

    async def open_orders(self, request: web.Request) -> models.Json:
        """GET /orders/open."""
        query = self._query(request, models.OpenOrdersQuery)
        user_id = self._gate.user(request, query.user_id)
        found = await self._open_orders(user_id, self._known_market(query.market))
        return {"orders": [codec.order_json(order, self._rules(order.terms.market)) for order in found]}

    async def _open_orders(self, user_id: str, market: str | None) -> list[OrderUpdated]:
        """Oldest first."""

        def copy(venue: Venue) -> list[OrderUpdated]:
            markets = [venue.markets[market]] if market is not None else venue.markets.values()
            return [as_read(order) for found in markets for order in found.open_orders(user_id)]

        return sorted((await self._engine.read(copy))[0], key=lambda order: order.order_id)

    async def tickers(self, request: web.Request) -> models.Json:
        """GET /ticker."""
        query = self._query(request, models.TickerQuery)
        market = self._known_market(query.market)
        views = [view for view in self._data if market is None or view.symbol == market]
        now_ns = self._engine.now_ns()
        return {"tickers": [codec.ticker_json(view.ticker(now_ns), self._rules(view.symbol)) for view in views]}

    # --- reading what has passed

    async def candles(self, request: web.Request) -> models.Json:
        """GET /candles."""
        query = self._query(request, models.CandlesQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        rules = self._rules(query.market)
        interval_s = codec.interval_s(query.interval)
        start_s, end_s = codec.time_range_s(query.start, query.end)
        candles = await self._history.candles(rules.symbol, interval_s, start_s, end_s, limit)
        return {"candles": [codec.candle_json(candle, rules) for candle in candles]}

    async def order(self, request: web.Request) -> models.Json:
        """GET /order."""
        query = self._query(request, models.OrderRequest)
        user_id = self._gate.user(request, query.user_id)
        rules = self._rules(query.market)
        ids = codec.order_ids(query.order_id, query.client_order_id)
        return await self._trading.find_order(user_id, rules, *ids)

    async def orders(self, request: web.Request) -> models.Json:
        """GET /orders/history."""
        query = self._query(request, models.OrderHistoryQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        user_id = self._gate.user(request, query.user_id)
        market = self._known_market(query.market)
        before = ID_MAX if query.before is None else codec.decode_id("before", query.before)
        # The open ones first: an order that closes in between is in the database by then, and that is the newer word.
        found = {order.order_id: order for order in await self._open_orders(user_id, market)}
        found.update(
            (order.order_id, order) for order in await self._history.closed_orders(user_id, market, limit + 1, before)
        )
        page = sorted((order for order in found.values() if order.order_id < before), key=lambda o: -o.order_id)
        rows = [codec.order_json(order, self._rules(order.terms.market)) for order in page[:limit]]
        return {"orders": rows, "next": rows[-1]["order_id"] if len(page) > limit else None}

    async def trades(self, request: web.Request) -> models.Json:
        """GET /trade/history."""
        query = self._query(request, models.TradeHistoryQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        rules = self._rules(query.market)
        before = ID_MAX if query.before is None else codec.decode_id("before", query.before)
        page = await self._history.trades(rules.symbol, limit + 1, before)
        rows = [codec.trade_json(trade, rules) for trade in page[:limit]]
        return {"trades": rows, "next": rows[-1]["trade_id"] if len(page) > limit else None}

    async def fills(self, request: web.Request) -> models.Json:
        """GET /fills."""
        query = self._query(request, models.FillsQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        user_id = self._gate.user(request, query.user_id)
        order_id = None if query.order_id is None else codec.decode_id("order_id", query.order_id)
        before = ID_MAX if query.before is None else codec.decode_id("before", query.before)
        market = self._known_market(query.market)
        page = await self._history.fills(user_id, market, order_id, limit + 1, before)
        rows = [codec.fill_json(fill, self._rules(fill.trade.market)) for fill in page[:limit]]
        return {"fills": rows, "next": rows[-1]["trade_id"] if len(page) > limit else None}


def page_response(page: Page, request: web.Request, request_id: str) -> web.Response:
    """The page, or 304 where the client has it."""
    headers = {**page.headers, "Content-Type": page.content_type, HEADER: request_id}
    if "ETag" in page.headers and request.headers.get("If-None-Match") == page.headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=page.body(), headers=headers)


def api_error(error: BaseException, what: str, request_id: str) -> ApiError:
    """What the client is told; a bug is logged, and told apart from what the outside world does."""
    match error:
        case ApiError():
            return error
        case Overloaded():
            return ApiError("OVERLOADED")
        case Stopping() | HistoryUnavailable():
            return ApiError("NOT_READY")
        case OutcomeUnknown():
            return ApiError("OUTCOME_UNKNOWN")
        case web.RequestPayloadError() | ConnectionError():  # or the client left before its body was whole
            return ApiError("MALFORMED_JSON", "The body does not arrive as its headers say.")
        case web.HTTPRequestEntityTooLarge():
            return ApiError("TOO_LARGE", "The body is too large.")
        case web.HTTPException():
            return ApiError("INVALID_FIELD", f"{error.reason}.")
    log.error("request failed", what=what, request_id=request_id, exc_info=error)
    return ApiError("INTERNAL")
