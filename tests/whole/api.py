"""Calls of the REST API as a test writes them."""

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson

from tests.whole.described import assert_as_described

_names = itertools.count(1)


def fresh(prefix: str) -> str:
    """A name that nobody has used, in this run or in another."""
    return f"{prefix}-{next(_names)}-{uuid.uuid4().hex[:8]}"


class Api:
    """One client session on one exchange."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> tuple[int, Any]:
        """The status and the decoded answer."""
        data = None if body is None else orjson.dumps(body)
        given = ({"Content-Type": "application/json"} if body is not None else {}) | (headers or {})
        async with self.session.request(method, self.url + path, data=data, params=query, headers=given) as reply:
            assert reply.headers["Content-Type"] == "application/json"
            answer = orjson.loads(await reply.read())
        assert_as_described(method, path, reply.status, answer)
        return reply.status, answer

    async def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer of a call that must succeed."""
        status, answer = await self.call(method, path, body, **query)
        assert status == 200, answer
        return answer

    async def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """The status and the code of a call that must be refused."""
        status, answer = await self.call(method, path, body, **query)
        assert status >= 400, answer
        assert isinstance(answer["message"], str)
        return status, answer["code"]

    async def deposit(self, user_id: str, asset: str, amount: str, key: str | None = None) -> Any:
        """POST /admin/deposit."""
        body = {"user_id": user_id, "asset": asset, "amount": amount, "key": key or fresh("key")}
        return await self.ok("POST", "/admin/deposit", body)

    async def user(self, **amounts: str) -> str:
        """A new user with these balances."""
        user_id = fresh("user")
        for asset, amount in (amounts or {"USDC": "1000000"}).items():
            await self.deposit(user_id, asset, amount)
        return user_id

    async def order(self, user_id: str, market: str, text: str, **more: Any) -> Any:
        """Place what `text` says, as in "buy 2 @ 100.5" or "sell 3"."""
        return await self.ok("POST", "/order", order_body(user_id, market, text, **more))

    async def balances(self, user_id: str) -> dict[str, tuple[str, str]]:
        """(available, locked) by asset."""
        rows = (await self.ok("GET", "/balance", user_id=user_id))["balances"]
        return {row["asset"]: (row["available"], row["locked"]) for row in rows}

    async def pages(self, path: str, rows: str, **query: Any) -> list[list[Any]]:
        """Every page of a call, from the first to the one without a next."""
        pages = []
        before: dict[str, str] = {}
        while True:
            answer = await self.ok("GET", path, **query, **before)
            pages.append(answer[rows])
            if answer["next"] is None:
                return pages
            before = {"before": answer["next"]}


def order_body(user_id: str | None, market: str, text: str, **more: Any) -> dict[str, Any]:
    """The body of POST /order that `text` says: a limit order has a price, a market order has none."""
    words = text.split()
    body: dict[str, Any] = {"market": market, "side": words[0], "quantity": words[1], "order_type": "market"}
    if user_id is not None:
        body["user_id"] = user_id
    if len(words) > 2:
        assert words[2] == "@"
        body |= {"order_type": "limit", "price": words[3]}
    return body | more


def bases(prefix: str, count: int) -> Iterator[str]:
    """Symbols of assets."""
    return (f"{prefix}{number}" for number in range(count))
