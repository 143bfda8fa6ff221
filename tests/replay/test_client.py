"""What the client makes of replies: values, refusals, silence."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from exchange.client import ApiError, Client, Socket, Unreachable


@asynccontextmanager
async def answering(text: str, status: int = 200, **headers: str) -> AsyncIterator[tuple[Client, list[web.Request]]]:
    """A client of a server that gives one answer to everything, and what it was asked."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        asked.append(request)
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, Client(str(server.make_url("")), user_id="me") as client:
        yield client, asked


async def test_a_refusal_carries_all_that_the_exchange_said() -> None:
    body = {"code": "OVERLOADED", "message": "full", "queue": 9}
    async with answering(json.dumps(body), 503, **{"Retry-After": "2"}) as (client, _):
        with pytest.raises(ApiError) as refused:
            await client.place({"market": "SOL_USDC"})
    error = refused.value
    assert (error.status, error.code, error.message, error.retry_after_s) == (503, "OVERLOADED", "full", 2.0)
    assert error.body == body


@pytest.mark.parametrize(
    "response",
    [
        (200, "<html>"),
        (502, "<html>"),
        (200, "[]"),
        (500, "{}"),
        (200, '{"results": [{}, {}]}'),
        (200, '{"markets": {}}'),
    ],
)
async def test_a_reply_outside_the_contract_is_an_unexpected_reply(response: tuple[int, str]) -> None:
    status, text = response
    async with answering(text, status) as (client, _):
        with pytest.raises(ApiError, match="UNEXPECTED_REPLY") as refused:
            await client.orders([{"market": "SOL_USDC"}])
    assert refused.value.status == status


async def test_nobody_there_is_unreachable() -> None:
    async with Client(f"http://127.0.0.1:{unused_port()}", user_id="me") as client:
        with pytest.raises(Unreachable, match="GET /health"):
            await client.health()


async def test_a_call_names_its_user_or_the_clients() -> None:
    async with answering('{"balances": []}') as (client, asked):
        assert await client.balance() == []
        assert await client.balance(user_id="her") == []
    assert [request.query["user_id"] for request in asked] == ["me", "her"]


async def test_the_calls_are_those_of_the_contract() -> None:
    everything = {
        "status": "ok",
        "markets": [],
        "trades": [],
        "fills": [],
        "canceled": [],
        "results": [{"order_id": "1"}],
        "next": "7",
    }
    async with answering(json.dumps(everything)) as (client, asked):
        await client.health()
        await client.markets()
        await client.depth("SOL_USDC", limit=5)
        assert await client.trades("SOL_USDC", before="9") == ([], "7")
        assert await client.fills("SOL_USDC", order_id="3") == ([], "7")
        await client.place({"market": "SOL_USDC"})
        await client.orders([{"market": "SOL_USDC"}])
        await client.order("SOL_USDC", order_id="3")
        await client.cancel("SOL_USDC", client_order_id="mine")
        await client.cancel_all()
        await client.deposit("USDC", "1.5", "key")
    assert [f"{request.method} {request.path_qs}" for request in asked] == [
        "GET /health",
        "GET /markets",
        "GET /depth?market=SOL_USDC&limit=5",
        "GET /trade/history?market=SOL_USDC&limit=100&before=9",
        "GET /fills?user_id=me&market=SOL_USDC&order_id=3&limit=100",
        "POST /order",
        "POST /orders",
        "GET /order?user_id=me&market=SOL_USDC&order_id=3",
        "DELETE /order",
        "POST /order/cancel_all",
        "POST /admin/deposit",
    ]
    assert {request.content_type for request in asked if request.method != "GET"} == {"application/json"}


BAD_ADDRESSES = [
    *("127.0.0.1:8080", "ftp://here", "http://", "", "http://here:99999", "http://here:-1", "http://here:0"),
    *("http://here:port", "http://[::1", "http://two words", "http://here/?a=b", "http://here/#a", "http://he\\re"),
    *("http://he\0re", "http://a..b", f"http://{'a' * 300}"),
]


@pytest.mark.parametrize("url", BAD_ADDRESSES)
@pytest.mark.parametrize("client", [Client, Socket])
def test_an_address_that_is_none_is_refused_at_once(url: str, client: type[Client | Socket]) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        client(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "https://here", "http://[::1]:80/below/"])
def test_an_address_is_kept_without_a_slash_at_its_end(url: str) -> None:
    assert Client(url).url == url.rstrip("/")
    assert Socket(url).url == url.rstrip("/") + "/ws"
    assert Socket(url.replace("http", "ws")).url == url.rstrip("/").replace("http", "ws")
