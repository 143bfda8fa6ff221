"""The REST calls: decode, ask the service, encode.

An operation returns its reply, or an awaitable of it. What changes something is in line when the operation returns, so
requests of one connection take effect in their order.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from exchange import __version__
from exchange.api.http.request import Request
from exchange.api.http.response import Responder, Response
from exchange.api.http.routes import Handler
from exchange.api.native import codec, encode, models, replies, replies_markets
from exchange.api.native.calls import Call
from exchange.api.native.decoding import batch_of, body_of, order_of, query_of
from exchange.api.native.errors import ApiError, Refusals, error_response
from exchange.api.native.exchange_filters import shown
from exchange.api.native.names import MARKET_STATUS_NAMES
from exchange.api.native.order_codec import place_order
from exchange.api.native.pages import Page
from exchange.api.native.paging import next_of, page_of, whole_trades
from exchange.api.native.pieces import listed
from exchange.api.native.placed import placed_json
from exchange.api.native.rest_admin import RestAdmin
from exchange.api.native.rest_fees import RestFees
from exchange.api.native.rest_keys import RestKeys
from exchange.api.native.rest_listing import RestListing
from exchange.api.native.rest_lists import RestLists
from exchange.api.native.rest_money import RestMoney
from exchange.core.commands import PlaceOrder
from exchange.core.instrument import Instrument
from exchange.pipeline.outcomes import Overloaded
from exchange.service import queries
from exchange.service.order_lookup import OrderName
from exchange.service.principal import Permission
from exchange.service.read_lane import MEMORY
from exchange.service.results import BatchResult, CanceledAll, Placed, Replaced, Result
from exchange.service.service import Service
from exchange.service.trading import Submitted

TRADE: Final = Permission.TRADE  # looking a member up in its enum costs as much as the rest of the question
PAGE_S = 0.000_25  # what a page costs that is not measured: it is received and sent by way of aiohttp
PAGE_BYTE_S = 3e-9  # and for each byte

Operation = Callable[[Request], "replies.Reply | Awaitable[replies.Reply]"]


class _Ordering:
    """Who sent an order or a cancel: a request by HTTP."""

    __slots__ = ("_request", "_responder", "_rest", "_what")

    def __init__(self, rest: "Rest", request: Request, responder: Responder, what: str) -> None:
        self._rest = rest
        self._request = request
        self._responder = responder
        self._what = what

    def done(self, result: Result) -> None:
        """Reply with the order."""
        if isinstance(result, Placed):
            self._responder.send(Response(placed_json(result)))
            return
        made = encode.result(result) if not isinstance(result, Replaced) else self._rest.replaced(result, self._what)
        self._responder.send(Response(encode.json_of(made)))

    def failed(self, error: BaseException) -> None:
        """Reply with the error."""
        self._responder.send(self._rest.refuse(error, self._what, self._request.request_id))

    def looks_up(self) -> None:
        """The reply comes later."""


class Rest:
    """The operations, over the service."""

    def __init__(self, service: Service, refusals: Refusals) -> None:
        self._service = service
        self._refusals = refusals
        self._parts = (
            RestAdmin(service),
            RestListing(service),
            RestMoney(service),
            RestKeys(service),
            RestLists(service),
            RestFees(service),
            self,
        )

    # --- routes

    def handler(self, call: Call) -> Handler:
        """What the route of a call does: find out who asks, and ask for it.

        Orders and cancels reply from the step of their release, without a task.
        """
        name = f"{call.method} {call.path}"
        if call.operation in ("place", "cancel", "amend", "replace"):
            handler: Handler = getattr(self, call.operation)
        else:
            owner = next(part for part in self._parts if hasattr(part, call.operation))
            operation: Operation = getattr(owner, call.operation)
            handler = self.answering(operation, name, call.lane)
        if call.lane is not None:
            handler = self._in_turn(handler, call)
        return handler if call.permission is None else self.authenticated(handler, call.permission, name)

    def authenticated(self, handler: Handler, needed: Permission, name: str) -> Handler:
        """The handler, for who has the permission; the request then has its principal."""
        service, refuse = self._service, self.refuse

        def handle(request: Request, responder: Responder) -> None:
            try:
                request.principal = service.principal(request, needed)
            except Exception as error:
                responder.send(refuse(error, name, request.request_id))
                return
            handler(request, responder)

        return handle

    def _in_turn(self, begin: Handler, call: Call) -> Handler:
        """Begin a read when the lane has its turn."""
        lane, name, refuse = call.lane, f"{call.method} {call.path}", self.refuse
        assert lane is not None

        def handle(request: Request, responder: Responder) -> None:
            def refused(error: BaseException) -> None:
                responder.send(refuse(error, name, request.request_id))

            try:
                self._service.lane.do(lane, lambda: begin(request, responder), refused)
            except Exception as error:
                refused(error)

        return handle

    def answering(self, operation: Operation, name: str, lane: str | None = None) -> Handler:
        """Reply with what an operation returns, from a task where it has to be waited for, which the lane pays for."""
        tasks, refuse = self._service.tasks, self.refuse

        async def reply(made: Awaitable[replies.Reply], request: Request, responder: Responder) -> None:
            try:
                response = Response(encode.json_of(await made))
            except Exception as error:
                response = refuse(error, name, request.request_id)
            responder.send(response)

        def handle(request: Request, responder: Responder) -> None:
            try:
                if tasks.full:
                    raise Overloaded
                made = operation(request)
                if isinstance(made, replies.Reply):
                    responder.send(Response(encode.json_of(made)))
                else:
                    waiting = made

                    def work() -> Coroutine[None, None, None]:
                        replying = reply(waiting, request, responder)
                        return replying if lane is None else self._service.lane.measured(lane, replying)

                    tasks.start(work, name)
            except Exception as error:
                responder.send(refuse(error, name, request.request_id))

        return handle

    def page_handler(self, page: Page) -> Handler:
        """What the route of a page does: in the lane of reads it sends the page, or 304 if the client has it."""
        headers, lane = list(page.headers.items()), self._service.lane

        def handle(request: Request, responder: Responder) -> None:
            def refused(error: BaseException) -> None:
                responder.send(self.refuse(error, f"GET {page.path}", request.request_id))

            def send() -> None:
                kept = "ETag" in page.headers and request.headers.get("if-none-match") == page.headers["ETag"]
                response = Response(b"" if kept else page.body(), 304 if kept else 200, page.content_type, headers)
                responder.send(response)
                lane.charge(MEMORY, len(response.body) * PAGE_BYTE_S)

            try:
                lane.do(MEMORY, send, refused, PAGE_S)
            except Exception as error:
                refused(error)

        return handle

    def without_upgrade(self, request: Request, responder: Responder) -> None:
        """The path of a socket, asked for as a page."""
        error = ApiError("INVALID_FIELD", f"{request.path} is a WebSocket: it takes requests to upgrade.")
        responder.send(self.refuse(error, f"GET {request.path}", request.request_id))

    def refuse(self, error: BaseException, what: str, request_id: str) -> Response:
        """The reply to a request that failed."""
        return error_response(self._refusals.error_of(error, what, request_id))

    # --- reading a request

    def _user(self, request: Request, named: str | None, needed: Permission, *, cancels: bool = False) -> str:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.user(request.principal, named, needed, cancels=cancels)

    def _rules(self, market: str) -> Instrument:
        return self._service.rules(market)

    def _known_market(self, market: str | None) -> str | None:
        return None if market is None else self._rules(market).symbol

    # --- changing

    def place(self, request: Request, responder: Responder) -> None:
        """POST /order."""
        listener = _Ordering(self, request, responder, "POST /order")
        try:
            body = order_of(request)
            user_id = self._user(request, body.user_id, TRADE)
            rules = self._rules(body.market)
            self._service.trading.place(listener, place_order(body, user_id, rules), rules)
        except Exception as error:
            listener.failed(error)

    def cancel(self, request: Request, responder: Responder) -> None:
        """DELETE /order."""
        listener = _Ordering(self, request, responder, "DELETE /order")
        try:
            model = models.CancelRequest
            asked = body_of(request, model) if request.body else query_of(request, model)
            user_id = self._user(request, asked.user_id, TRADE, cancels=True)
            rules = self._rules(asked.market)
            self._service.trading.cancel(listener, codec.cancel_order(asked, user_id, rules), rules)
        except Exception as error:
            listener.failed(error)

    def amend(self, request: Request, responder: Responder) -> None:
        """PATCH /order."""
        listener = _Ordering(self, request, responder, "PATCH /order")
        try:
            body = body_of(request, models.AmendRequest)
            user_id = self._user(request, body.user_id, Permission.TRADE)
            rules = self._rules(body.market)
            self._service.trading.amend(listener, codec.amend_order(body, user_id, rules), rules)
        except Exception as error:
            listener.failed(error)

    def replace(self, request: Request, responder: Responder) -> None:
        """POST /order/replace."""
        listener = _Ordering(self, request, responder, "POST /order/replace")
        try:
            body = body_of(request, models.ReplaceRequest)
            user_id = self._user(request, body.user_id, Permission.TRADE)
            rules = self._rules(body.place.market)
            self._service.trading.replace(listener, codec.replace_order(body, user_id, rules), rules)
        except Exception as error:
            listener.failed(error)

    def replaced(self, made: Replaced, what: str) -> replies.Replaced:
        """What both parts of a replacement came to."""
        return self._refusals.replaced(made, what, "")

    def test(self, request: Request) -> Awaitable[replies.Reply]:
        """POST /order/test."""
        body = order_of(request)
        user_id = self._user(request, body.user_id, Permission.TRADE)
        return self._test(place_order(body, user_id, self._rules(body.market)))

    async def _test(self, command: PlaceOrder) -> replies.Reply:
        await self._service.trading.test(command)
        return replies.Nothing()

    def cancel_all(self, request: Request) -> Awaitable[replies.Reply]:
        """POST /order/cancel_all."""
        body = body_of(request, models.CancelAllRequest)
        user_id = self._user(request, body.user_id, Permission.TRADE, cancels=True)
        return self._canceled(self._service.trading.cancel_all(user_id, body.market))

    async def _canceled(self, submitted: Submitted[CanceledAll]) -> replies.Reply:
        canceled = (await submitted).orders
        return replies.Canceled(await listed(canceled, lambda some: encode.orders(some, self._rules)))

    def cancel_all_after(self, request: Request) -> Awaitable[replies.Reply]:
        """POST /order/cancel_all_after."""
        body = body_of(request, models.CancelAllAfterRequest)
        user_id = self._user(request, body.user_id, Permission.TRADE, cancels=True)
        due_ns = self._service.trading.cancel_all_after(user_id, body.market, body.timeout_ms)
        return encode.cancels_at(body.market, due_ns)

    def batch(self, request: Request) -> Awaitable[replies.Reply]:
        """POST /orders."""
        body = batch_of(request)
        user_id = self._user(request, body.user_id, TRADE)
        items = codec.batch_commands(body, user_id, self._service.rules)
        return self._batch(self._service.trading.batch(user_id, items), request.request_id)

    async def _batch(self, submitted: Submitted[list[BatchResult]], request_id: str) -> replies.Reply:
        return self._refusals.batch_results(await submitted, "POST /orders", request_id)

    # --- reading memory

    def health(self, request: Request) -> replies.Reply:
        """GET /health."""
        query_of(request, models.NoQuery)
        health = self._service.reading.health()
        markets = {symbol: MARKET_STATUS_NAMES[status] for symbol, status in health.markets.items()}
        offset_ms = health.clock_offset_ns // encode.NS_PER_MS
        return replies.Health("ok", __version__, health.sequence, offset_ms, markets)

    def time(self, request: Request) -> replies.Reply:
        """GET /time."""
        query_of(request, models.NoQuery)
        return replies.Time(self._service.reading.time_ns() // encode.NS_PER_MS)

    async def markets(self, request: Request) -> replies.Reply:
        """GET /markets."""
        query_of(request, models.NoQuery)
        found = await self._service.reading.markets()
        markets = await listed(found, lambda some: [encode.market(rules) for rules in some])
        return replies_markets.Markets(markets, shown(await self._service.reading.filters()))

    async def depth(self, request: Request) -> replies.Reply:
        """GET /depth."""
        query = query_of(request, models.DepthQuery)
        limit = codec.page_limit(query.limit, models.DEPTH_MAX)
        rules = self._rules(query.market)
        found = await self._service.reading.depth(queries.Depth(rules.symbol, limit))
        bids = await listed(found.bids, lambda some: encode.levels(some, rules))
        asks = await listed(found.asks, lambda some: encode.levels(some, rules))
        return replies.Depth(rules.symbol, found.last_sequence, bids, asks)

    async def balance(self, request: Request) -> replies.Reply:
        """GET /balance."""
        query = query_of(request, models.BalanceQuery)
        user_id = self._user(request, query.user_id, Permission.READ)
        accounts = await self._service.reading.balances(user_id)
        return replies.Balances(user_id, encode.balances(accounts, self._service.assets))

    async def open_orders(self, request: Request) -> replies.Reply:
        """GET /orders/open."""
        query = query_of(request, models.OpenOrdersQuery)
        user_id = self._user(request, query.user_id, Permission.READ)
        asked = queries.OpenOrders(user_id, self._known_market(query.market))
        found = await self._service.reading.open_orders(asked)
        return replies.Orders(await listed(found, lambda some: encode.orders(some, self._rules)))

    def tickers(self, request: Request) -> replies.Reply:
        """GET /ticker."""
        query = query_of(request, models.TickerQuery)
        found = self._service.reading.tickers(self._known_market(query.market))
        return replies.Tickers([encode.ticker(ticker, self._rules(ticker.market)) for ticker in found])

    # --- reading what has passed

    async def candles(self, request: Request) -> replies.Reply:
        """GET /candles."""
        query = query_of(request, models.CandlesQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        rules = self._rules(query.market)
        interval_s = codec.interval_s(query.interval)
        start_s, end_s = codec.time_range_s(query.start, query.end)
        found = await self._service.reading.candles(rules.symbol, interval_s, start_s, end_s, limit)
        return replies.Candles([encode.candle(candle, rules) for candle in found])

    async def order(self, request: Request) -> replies.Reply:
        """GET /order."""
        query = query_of(request, models.OrderRequest)
        user_id = self._user(request, query.user_id, Permission.READ)
        rules = self._rules(query.market)
        ids = codec.order_ids(query.order_id, query.client_order_id)
        return encode.order_read(await self._service.reading.order(OrderName(user_id, rules.symbol, *ids)), rules)

    async def orders(self, request: Request) -> replies.Reply:
        """GET /orders/history."""
        query = query_of(request, models.OrderHistoryQuery)
        page = page_of(query)
        user_id = self._user(request, query.user_id, Permission.READ)
        found = await self._service.reading.orders(user_id, self._known_market(query.market), page)
        rows = await listed(found[: query.limit], lambda some: encode.orders(some, self._rules))
        return replies.OrderPage(rows, next_of(found, page, lambda order: order.order_id))

    async def trades(self, request: Request) -> replies.Reply:
        """GET /trade/history."""
        query = query_of(request, models.TradeHistoryQuery)
        page, market = page_of(query), self._known_market(query.market)
        found = await self._service.reading.trades(market, page)
        rows = await listed(
            found[: query.limit], lambda some: [encode.trade(trade, self._rules(trade.market)) for trade in some]
        )
        return replies.TradePage(rows, next_of(found, page, lambda trade: trade.trade_id))

    async def fills(self, request: Request) -> replies.Reply:
        """GET /fills."""
        query = query_of(request, models.FillsQuery)
        page = page_of(query)
        user_id = self._user(request, query.user_id, Permission.READ)
        order_id = None if query.order_id is None else codec.decode_id("order_id", query.order_id)
        found = await self._service.reading.fills(user_id, self._known_market(query.market), order_id, page)
        shown, following = whole_trades(found, page)
        rows = await listed(shown, lambda some: encode.fills(some, self._rules))
        return replies.FillPage(rows, following)

    async def prevented_matches(self, request: Request) -> replies.Reply:
        """GET /prevented_matches."""
        query = query_of(request, models.PreventedMatchesQuery)
        page = page_of(query)
        user_id = self._user(request, query.user_id, Permission.READ)
        order_id = None if query.order_id is None else codec.decode_id("order_id", query.order_id)
        found = await self._service.reading.prevented_matches(user_id, self._known_market(query.market), order_id, page)
        rows = await listed(
            found[: query.limit],
            lambda some: [encode.prevented_match(match, self._rules(match.market)) for match in some],
        )
        return replies.PreventedMatchPage(rows, next_of(found, page, lambda match: match.match_id))

    async def amendments(self, request: Request) -> replies.Reply:
        """GET /order/amendments."""
        query = query_of(request, models.AmendmentsQuery)
        page = page_of(query)
        user_id = self._user(request, query.user_id, Permission.READ)
        order_id = None if query.order_id is None else codec.decode_id("order_id", query.order_id)
        found = await self._service.reading.amendments(user_id, self._known_market(query.market), order_id, page)
        rows = await listed(
            found[: query.limit], lambda some: [encode.amendment(made, self._rules(made.market)) for made in some]
        )
        return replies.AmendmentPage(rows, next_of(found, page, lambda made: made.amendment_id))
