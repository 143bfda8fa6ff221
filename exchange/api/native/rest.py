"""The REST calls: decode, ask the engine or the history, encode."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog

from exchange import __version__
from exchange.api.http.auth import Gate
from exchange.api.http.request import Request
from exchange.api.http.response import Responder, Response
from exchange.api.http.routes import Handler
from exchange.api.native import codec, models
from exchange.api.native.errors import ApiError, error_response
from exchange.api.native.pages import Page
from exchange.api.native.paging import page_json, page_of
from exchange.api.native.trading import Trading, refused
from exchange.core.commands import Deposit
from exchange.core.events import Rejected
from exchange.core.market_data import MarketData
from exchange.pipeline.engine import Engine
from exchange.pipeline.outcomes import OutcomeUnknown, Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service import queries
from exchange.service.history import History
from exchange.service.tasks import Tasks

log = structlog.get_logger(__name__)

Answer = Callable[[Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the API: what the router serves and what `/openapi.json` describes."""

    method: str
    path: str
    handler: Answer
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
        self._tasks = Tasks()
        self.calls = [
            Call("GET", "/health", self.health, "Whether the exchange can trade", models.NoQuery, False),
            Call("GET", "/time", self.time, "The exchange's clock", models.NoQuery, False),
            Call("POST", "/order", self.place, "Place an order", models.PlaceOrderRequest, True),
            Call("DELETE", "/order", self.cancel, "Cancel an order", models.OrderRequest, True),
            Call("GET", "/order", self.order, "An order, open or closed", models.OrderRequest, False),
            Call("GET", "/orders/open", self.open_orders, "Open orders, oldest first", models.OpenOrdersQuery, False),
            Call(
                "GET",
                "/orders/history",
                self.orders,
                "A user's orders, open and closed",
                models.OrderHistoryQuery,
                False,
            ),
            Call("POST", "/order/cancel_all", self.cancel_all, "Cancel all orders", models.CancelAllRequest, True),
            Call("POST", "/orders", self.batch, "Place and cancel, up to 100", models.BatchRequest, True),
            Call("GET", "/depth", self.depth, "The book of a market", models.DepthQuery, False),
            Call("GET", "/balance", self.balance, "A user's balances", models.BalanceQuery, False),
            Call(
                "GET", "/trade/history", self.trades, "Trades of a market, or of all", models.TradeHistoryQuery, False
            ),
            Call("GET", "/fills", self.fills, "A user's fills", models.FillsQuery, False),
            Call("GET", "/markets", self.markets, "The markets and their rules", models.NoQuery, False),
            Call("GET", "/ticker", self.tickers, "The last 24 hours", models.TickerQuery, False),
            Call("GET", "/candles", self.candles, "Candles, oldest first", models.CandlesQuery, False),
            Call("POST", "/admin/deposit", self.deposit, "Credit a user", models.DepositRequest, True),
        ]

    def handler(self, call: Call) -> Handler:
        """What the route of a call does: `POST /order` answers from the writer's release, the others from a task."""
        if call.handler == self.place:
            return self.place_order
        name, tasks, answer, refuse = f"{call.method} {call.path}", self._tasks, call.handler, self.refuse

        async def reply(request: Request, responder: Responder) -> None:
            try:
                response = Response(orjson.dumps(await answer(request)))
            except Exception as error:
                response = refuse(error, name, request.request_id)
            responder.send(response)

        def handle(request: Request, responder: Responder) -> None:
            try:
                tasks.start(lambda: reply(request, responder), name)
            except Exception as error:
                responder.send(refuse(error, name, request.request_id))

        return handle

    def page_handler(self, page: Page) -> Handler:
        """What the route of a page does."""
        headers = list(page.headers.items())

        def handle(request: Request, responder: Responder) -> None:
            try:
                response = Response(page.body(), content_type=page.content_type, headers=headers)
            except Exception as error:
                response = self.refuse(error, f"GET {page.path}", request.request_id)
            responder.send(response)

        return handle

    def without_upgrade(self, request: Request, responder: Responder) -> None:
        """A socket's path, asked for as a page: a browser at `/` is sent to what there is to read."""
        if request.path == "/":
            responder.send(Response(b"", 302, "text/plain; charset=utf-8", [("Location", "/docs")]))
        else:
            error = ApiError("INVALID_FIELD", f"{request.path} is a WebSocket: it takes requests to upgrade.")
            responder.send(self.refuse(error, f"GET {request.path}", request.request_id))

    def refuse(self, error: BaseException, what: str, request_id: str) -> Response:
        """The reply to a request that failed, which is counted by its code."""
        told = api_error(error, what, request_id)
        self._trading.refusals[told.code] += 1
        return error_response(told)

    # --- reading a request

    def _body(self, request: Request, model: type[codec.RequestT]) -> codec.RequestT:
        if not codec.is_json(request.headers.get("content-type", "")):
            raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body must come with Content-Type: application/json.")
        if request.query:
            raise ApiError("INVALID_FIELD", "What is asked stands in the body or in the query, not in both.")
        return codec.decode(request.body, model)

    def _query(self, request: Request, model: type[codec.RequestT]) -> codec.RequestT:
        return codec.decode_query(parse_qsl(request.query, keep_blank_values=True), model)

    def _known_market(self, market: str | None) -> str | None:
        return None if market is None else self._rules(market).symbol

    # --- changing

    async def place(self, request: Request) -> models.Json:
        """POST /order, where the reply is waited for."""
        body = self._body(request, models.PlaceOrderRequest)
        return await self._trading.place(body, self._gate.user(request, body.user_id))

    def place_order(self, request: Request, responder: Responder) -> None:
        """POST /order: the reply goes out in the step that releases the order, without a task."""
        asker = _Placed(self, request, responder)
        try:
            body = self._body(request, models.PlaceOrderRequest)
            self._trading.place_for(asker, body, self._gate.user(request, body.user_id))
        except Exception as error:
            asker.refuse(error)

    async def cancel(self, request: Request) -> models.Json:
        """DELETE /order."""
        asked = self._body(request, models.OrderRequest) if request.body else self._query(request, models.OrderRequest)
        return await self._trading.cancel(asked, self._gate.user(request, asked.user_id))

    async def cancel_all(self, request: Request) -> models.Json:
        """POST /order/cancel_all."""
        body = self._body(request, models.CancelAllRequest)
        return await self._trading.cancel_all(body, self._gate.user(request, body.user_id))

    async def batch(self, request: Request) -> models.Json:
        """POST /orders."""
        body = self._body(request, models.BatchRequest)
        return await self._trading.batch(body, self._gate.user(request, body.user_id))

    async def deposit(self, request: Request) -> models.Json:
        """POST /admin/deposit."""
        self._gate.admit_admin(request)
        body = self._body(request, models.DepositRequest)
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

    async def health(self, request: Request) -> models.Json:
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

    async def time(self, request: Request) -> models.Json:
        """GET /time."""
        self._query(request, models.NoQuery)
        return {"timestamp": codec.millis(self._engine.now_ns())}

    async def markets(self, request: Request) -> models.Json:
        """GET /markets."""
        self._query(request, models.NoQuery)
        return {"markets": [codec.market_json(rules) for rules in await self._engine.read(queries.Markets())]}

    async def depth(self, request: Request) -> models.Json:
        """GET /depth."""
        query = self._query(request, models.DepthQuery)
        limit = codec.page_limit(query.limit, models.DEPTH_MAX)
        rules = self._rules(query.market)
        found = await self._engine.read(queries.Depth(rules.symbol, limit))
        return {
            "market": rules.symbol,
            "last_sequence": found.last_sequence,
            "bids": codec.levels_json(found.bids, rules),
            "asks": codec.levels_json(found.asks, rules),
        }

    async def balance(self, request: Request) -> models.Json:
        """GET /balance."""
        query = self._query(request, models.BalanceQuery)
        return await self._balances(self._gate.user(request, query.user_id))

    async def _balances(self, user_id: str) -> models.Json:
        accounts = await self._engine.read(queries.Balances(user_id))
        return {"user_id": user_id, "balances": codec.account_rows(accounts, self._venue.assets)}

    async def open_orders(self, request: Request) -> models.Json:
        """GET /orders/open."""
        query = self._query(request, models.OpenOrdersQuery)
        user_id = self._gate.user(request, query.user_id)
        found = await self._engine.read(queries.OpenOrders(user_id, self._known_market(query.market)))
        return {"orders": [codec.order_json(order, self._rules(order.terms.market)) for order in found]}

    async def tickers(self, request: Request) -> models.Json:
        """GET /ticker."""
        query = self._query(request, models.TickerQuery)
        market = self._known_market(query.market)
        views = [view for view in self._data if market is None or view.symbol == market]
        now_ns = self._engine.now_ns()
        return {"tickers": [codec.ticker_json(view.ticker(now_ns), self._rules(view.symbol)) for view in views]}

    # --- reading what has passed

    async def candles(self, request: Request) -> models.Json:
        """GET /candles."""
        query = self._query(request, models.CandlesQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        rules = self._rules(query.market)
        interval_s = codec.interval_s(query.interval)
        start_s, end_s = codec.time_range_s(query.start, query.end)
        candles = await self._history.candles(rules.symbol, interval_s, start_s, end_s, limit)
        return {"candles": [codec.candle_json(candle, rules) for candle in candles]}

    async def order(self, request: Request) -> models.Json:
        """GET /order."""
        query = self._query(request, models.OrderRequest)
        user_id = self._gate.user(request, query.user_id)
        rules = self._rules(query.market)
        ids = codec.order_ids(query.order_id, query.client_order_id)
        return await self._trading.find_order(user_id, rules, *ids)

    async def orders(self, request: Request) -> models.Json:
        """GET /orders/history."""
        query = self._query(request, models.OrderHistoryQuery)
        page = page_of(query)
        user_id = self._gate.user(request, query.user_id)
        market = self._known_market(query.market)
        # The open ones first: an order that closes in between is in the database by then, and that is the newer word.
        found = {order.order_id: order for order in await self._engine.read(queries.OpenOrders(user_id, market))}
        closed = await self._history.closed_orders(user_id, market, page)
        found.update((order.order_id, order) for order in closed)
        within = [order for order in found.values() if page.has(order.order_id, order.created_ns)]
        within.sort(key=lambda order: order.order_id, reverse=not page.oldest_first)
        rows = [codec.order_json(order, self._rules(order.terms.market)) for order in within[: page.limit]]
        return page_json("orders", rows, page, "order_id")

    async def trades(self, request: Request) -> models.Json:
        """GET /trade/history."""
        query = self._query(request, models.TradeHistoryQuery)
        page, market = page_of(query), self._known_market(query.market)
        found = await self._history.trades(market, page)
        return page_json("trades", [codec.trade_json(row, self._rules(row.market)) for row in found], page, "trade_id")

    async def fills(self, request: Request) -> models.Json:
        """GET /fills."""
        query = self._query(request, models.FillsQuery)
        page = page_of(query)
        user_id = self._gate.user(request, query.user_id)
        order_id = None if query.order_id is None else codec.decode_id("order_id", query.order_id)
        found = await self._history.fills(user_id, self._known_market(query.market), order_id, page)
        return page_json("fills", [codec.fill_json(row, self._rules(row.market)) for row in found], page, "trade_id")


class _Placed:
    """Who asked for an order: a request by HTTP."""

    __slots__ = ("_request", "_responder", "_rest")

    def __init__(self, rest: Rest, request: Request, responder: Responder) -> None:
        self._rest = rest
        self._request = request
        self._responder = responder

    def answer(self, order: models.Json) -> None:
        """The order is durable."""
        self._responder.send(Response(orjson.dumps(order)))

    def refuse(self, error: BaseException) -> None:
        """There is none."""
        self._responder.send(self._rest.refuse(error, "POST /order", self._request.request_id))


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
    log.error("request failed", what=what, request_id=request_id, exc_info=error)
    return ApiError("INTERNAL")
