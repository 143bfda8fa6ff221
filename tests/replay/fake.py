"""A fake exchange over HTTP: what a replay uses of the contract, and the ways in which an exchange goes away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.replay.matcher import MatchedTrade, Matcher, RefusedError, RestingOrder

FaultKind = Literal["cut", "not_ready", "outcome_unknown", "items_unknown", "applied_late", "overloaded", "broken"]


@dataclass(slots=True)
class Fault:
    """What happens to a batch: its first `applied` commands are applied, and then this.

    `cut`: the connection breaks. `not_ready`, `outcome_unknown`: the whole reply is that. `items_unknown`: the first
    `answered` items are answered, the rest says `OUTCOME_UNKNOWN`. `applied_late`: the rest of the batch stays queued.
    `away` requests after it find nobody.
    """

    kind: FaultKind
    applied: int
    answered: int = 0
    away: int = 0


def refusal(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "message": code.lower()}, status=status, headers=headers)


def shown(order: RestingOrder) -> dict[str, Any]:
    return {
        "order_id": str(order.number),
        "client_order_id": order.client_order_id,
        "user_id": order.user_id,
        "quantity": str(order.quantity),
        "executed_quantity": str(order.executed),
        "status": order.status,
        "fills": [],
    }


class FakeExchange:
    """`faults[n]` is what happens to the nth batch (from 0), counting only batches that arrive."""

    def __init__(self, faults: dict[int, Fault] | None = None) -> None:
        self.matcher = Matcher()
        self.deposits: dict[str, tuple[str, str, str]] = {}
        self.users: set[str] = set()
        self.batches: list[tuple[str, int]] = []
        self.faults = faults or {}
        self._away = 0
        self._queued: list[tuple[str, dict[str, Any]]] = []

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._edge])
        app.router.add_get("/markets", self._markets)
        app.router.add_post("/orders", self._orders)
        app.router.add_get("/order", self._order)
        app.router.add_delete("/order", self._cancel)
        app.router.add_post("/order/cancel_all", self._cancel_all)
        app.router.add_post("/admin/deposit", self._deposit)
        app.router.add_get("/trade/history", self._trades)
        app.router.add_get("/fills", self._fills)
        app.router.add_get("/depth", self._depth)
        app.router.add_get("/balance", self._balance)
        return app

    @web.middleware
    async def _edge(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self._away > 0:
            self._away -= 1
            return self._cut(request)
        try:
            response: web.StreamResponse = await handler(request)
        except RefusedError as refused:
            return refusal(refused.status, refused.code)
        return response

    def _cut(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _markets(self, request: web.Request) -> web.Response:
        return web.json_response({"markets": [{"market": self.matcher.market, "base": "BTC", "quote": "USD"}]})

    async def _deposit(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        content = (body["user_id"], body["asset"], body["amount"])
        assert self.deposits.setdefault(body["key"], content) == content
        self.users.add(body["user_id"])
        return web.json_response({"user_id": body["user_id"], "balances": []})

    async def _orders(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        user_id, items = self._known(body["user_id"]), body["orders"]
        assert 1 <= len(items) <= 100
        self._flush()
        fault = self.faults.pop(len(self.batches), None)
        self.batches.append((user_id, len(items)))
        if fault is None:
            return self._json({"results": [self._apply(user_id, item) for item in items]})
        results = [self._apply(user_id, item) for item in items[: fault.applied]]
        self._away = fault.away
        match fault.kind:
            case "cut":
                return self._cut(request)
            case "broken":
                return web.Response(status=500, text="Traceback")
            case "not_ready":
                return refusal(503, "NOT_READY")
            case "overloaded":
                rest = [{"code": "OVERLOADED", "message": "full"}] * (len(items) - len(results))
                return self._json({"results": results + rest})
            case "items_unknown":
                told = results[: fault.answered]
                rest = [{"code": "OUTCOME_UNKNOWN", "message": "ask"}] * (len(items) - len(told))
                return self._json({"results": told + rest})
            case "applied_late":
                self._queued = [(user_id, item) for item in items[fault.applied :]]
        return refusal(504, "OUTCOME_UNKNOWN")

    def _apply(self, user_id: str, item: dict[str, Any]) -> dict[str, Any]:
        try:
            return shown(self.matcher.apply(user_id, item))
        except RefusedError as refused:
            return {"code": refused.code, "message": refused.code.lower()}

    def _flush(self) -> None:
        """Commands of a market overtake nothing: what is queued goes first."""
        queued, self._queued = self._queued, []
        for user_id, item in queued:
            self._apply(user_id, item)

    async def _order(self, request: web.Request) -> web.Response:
        user_id = self._known(request.query["user_id"])
        assert request.query["market"] == self.matcher.market
        return self._json(shown(self.matcher.find(user_id, request.query["client_order_id"])))

    async def _cancel(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        self._flush()
        return self._json(shown(self.matcher.cancel(self._known(body["user_id"]), body["client_order_id"])))

    async def _cancel_all(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        assert body["market"] == self.matcher.market
        user_id = self._known(body["user_id"])
        mine = [order for order in self.matcher.orders.values() if order.user_id == user_id]
        still_open = [order for order in mine if order.status in ("open", "partially_filled")]
        return self._json({"canceled": [shown(self.matcher.cancel(user_id, o.client_order_id)) for o in still_open]})

    async def _trades(self, request: web.Request) -> web.Response:
        rows = (
            {
                "trade_id": str(trade.number),
                "price": str(trade.price),
                "quantity": str(trade.quantity),
                "taker_side": trade.taker.side,
            }
            for trade in reversed(self.matcher.trades)
        )
        return self._page(request, "trades", rows)

    async def _fills(self, request: web.Request) -> web.Response:
        user_id = self._known(request.query["user_id"])
        rows = (
            self._fill(trade, order)
            for trade in reversed(self.matcher.trades)
            for order in (trade.taker, trade.maker)
            if order.user_id == user_id
        )
        return self._page(request, "fills", rows)

    @staticmethod
    def _fill(trade: MatchedTrade, order: RestingOrder) -> dict[str, Any]:
        return {"trade_id": str(trade.number), "client_order_id": order.client_order_id, "side": order.side}

    def _page(self, request: web.Request, name: str, rows: Iterator[dict[str, Any]]) -> web.Response:
        assert request.query["market"] == self.matcher.market
        limit, before = int(request.query["limit"]), int(request.query.get("before", 10**18))
        assert 1 <= limit <= 1000
        found = [row for row in rows if int(row["trade_id"]) < before]
        page = found[:limit]
        return self._json({name: page, "next": page[-1]["trade_id"] if len(found) > limit else None})

    async def _depth(self, request: web.Request) -> web.Response:
        bids, asks = (
            [[str(order.price), str(order.remaining)] for _, order in self.matcher.books[side][-1:]]
            for side in ("buy", "sell")
        )
        return self._json({"market": self.matcher.market, "last_sequence": 0, "bids": bids, "asks": asks})

    async def _balance(self, request: web.Request) -> web.Response:
        return self._json({"user_id": self._known(request.query["user_id"]), "balances": []})

    def _known(self, user_id: str) -> str:
        if user_id not in self.users:
            raise RefusedError(401, "UNKNOWN_USER")
        return user_id

    @staticmethod
    async def _body(request: web.Request) -> Any:
        assert request.content_type == "application/json"
        return orjson.loads(await request.read())

    @staticmethod
    def _json(body: Any) -> web.Response:
        return web.Response(body=orjson.dumps(body), content_type="application/json")


@asynccontextmanager
async def serving(fake: FakeExchange) -> AsyncIterator[str]:
    """The address under which the fake can be reached."""
    async with TestServer(fake.app()) as server:
        yield str(server.make_url("")).rstrip("/")
