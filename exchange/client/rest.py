"""The client of the REST API.

Each method sends one request and returns the reply as the API writes it (decimal text stays text). It raises `ApiError`
if the exchange refused and `Unreachable` if no complete reply arrived. It does not cache or round, and only `place`
retries. Requests share one connection: calls that are awaited one after the other arrive in that order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import aiohttp
import orjson
from yarl import URL

from exchange.client.errors import (
    RETRY_S,
    UNEXPECTED_REPLY,
    ApiError,
    Unreachable,
    amend_terms,
    cancel_terms,
    order_name,
    placed,
    user_of,
    with_client_order_id,
)
from exchange.client.key_ring import KeyRing
from exchange.client.lists import ListCalls
from exchange.client.numbers import Number, with_texts
from exchange.client.signing import ApiKey
from exchange.client.types import (
    Amendment,
    Balance,
    Candle,
    Depth,
    ExchangeFilters,
    Fill,
    Json,
    Market,
    Order,
    PreventedMatch,
    Refusal,
    Replaced,
    Ticker,
    Trade,
)
from exchange.client.url import address_of

CONNECT_TIMEOUT_S = 10.0


class Client(ListCalls):
    """Calls of one exchange.

    `url` is its address (`http://host:port`), else ValueError. `user_id` is who asks where a call names no user. With a
    `key` every call is signed, and its user is the one whose key it is; the machine's clock must be right to a second.
    With a `KeyRing` a call is signed with the key of the user that it names.
    `timeout_s` bounds the silence of the exchange within one call; past it the call is `Unreachable`.
    Every method raises `ApiError` or `Unreachable`, ValueError where the call itself names no user or no order, and
    TypeError where a price, a quantity or an amount is a float.
    """

    def __init__(
        self, url: str, user_id: str | None = None, timeout_s: float = 30.0, *, key: ApiKey | KeyRing | None = None
    ) -> None:
        self.url = address_of(url, ("http", "https"), "http://127.0.0.1:8080")
        self.user_id = user_id
        self._key = key
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._turn = asyncio.Lock()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), timeout=self._timeout)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # --- public calls

    async def health(self) -> Json:
        """`{"status", "version", "sequence", "markets": {market: status}}`; ApiError 503 while it cannot trade."""
        return await self._call("GET", "/health")

    async def markets(self) -> list[Market]:
        """All markets with their rules."""
        return cast(list[Market], self._field(await self._call("GET", "/markets"), "markets"))

    async def depth(self, market: str, limit: int = 100) -> Depth:
        """The `limit` best levels a side (at most 5000)."""
        return cast(Depth, await self._call("GET", "/depth", query={"market": market, "limit": limit}))

    async def trades(self, market: str, limit: int = 100, before: str | None = None) -> tuple[list[Trade], str | None]:
        """A page of at most 1000 trades of the market, newest first, and the `before` of the next page or None."""
        page = await self._call("GET", "/trade/history", query={"market": market, "limit": limit, "before": before})
        return self._field(page, "trades"), page.get("next")

    async def tickers(self, market: str | None = None) -> list[Ticker]:
        """The last 24 hours of one market or of all."""
        return cast(list[Ticker], self._field(await self._call("GET", "/ticker", query={"market": market}), "tickers"))

    async def candles(
        self, market: str, interval: str, start: int | None = None, end: int | None = None, limit: int = 100
    ) -> list[Candle]:
        """At most `limit` (1000) candles from `start` to before `end` (ms), oldest first; without a start, the last.

        `interval` is 1m, 5m, 15m, 1h, 4h or 1d.
        """
        query = {"market": market, "interval": interval, "start": start, "end": end, "limit": limit}
        return cast(list[Candle], self._field(await self._call("GET", "/candles", query=query), "candles"))

    # --- calls of a user

    async def place(self, order: Mapping[str, Any], user_id: str | None = None, retry_s: float = RETRY_S) -> Order:
        """Place one order, exactly once.

        `order` has the fields of `POST /order` without the user: `market`, `side`, `order_type`, `price` and `quantity`
        (each a decimal text, an int or a Decimal, never a float), optionally `client_order_id`, `time_in_force`,
        `post_only`, `quote_quantity` (instead of `quantity`), `self_trade_prevention`. The reply carries `fills`;
        after a retry it is the order as it is by then.

        While there is no complete answer (Unreachable, `NOT_READY`, `OUTCOME_UNKNOWN`) it sends the order again under
        the same `client_order_id`, a new one if none is given, for `retry_s` seconds (0: not again), so there is never
        a second order; then it raises Unsettled, which names that id. Any other refusal is ApiError and means that no
        order was made, with one exception: a lost first attempt that the exchange only reads after it has refused a
        later one.
        """
        named = with_client_order_id(order) | {"user_id": self._who(user_id)}

        async def send() -> Order:
            return cast(Order, await self._call("POST", "/order", body=named))

        return await placed(send, named["client_order_id"], retry_s)

    async def cancel(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        only_if: str | None = None,
        cancel_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Cancel an order named by either id, or by both; the reply is the order, canceled.

        With `only_if` (`open` or `partially_filled`) it is ApiError `CANCEL_CONDITION` if the order is otherwise. The
        event of the order carries `cancel_id`.

        ApiError `UNKNOWN_ORDER`, or `ORDER_CLOSED` with the order in `body`: also after a reply that was lost on an
        idle connection, since HTTP lets a DELETE be sent twice.
        """
        wanted = cancel_terms(order_id, client_order_id, only_if, cancel_id)
        who = self._who(user_id)
        body = {"market": market} | wanted | ({} if who is None else {"user_id": who})
        return cast(Order, await self._call("DELETE", "/order", body=body))

    async def amend(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        quantity: Number | None = None,
        reduce_by: Number | None = None,
        key: str | None = None,
        price: Number | None = None,
        new_client_order_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Change an open order named by one id; the reply is the order as it is then.

        `quantity` is the new total; `reduce_by` lowers it, once for each `key`. Less quantity at the same price keeps
        the order's place. An amendment may be sent again: one that has happened changes nothing.
        """
        wanted = order_name(order_id, client_order_id) | amend_terms(
            quantity, reduce_by, key, price, new_client_order_id
        )
        who = self._who(user_id)
        body = {"market": market} | wanted | ({} if who is None else {"user_id": who})
        return cast(Order, await self._call("PATCH", "/order", body=body))

    async def replace(
        self,
        cancel: Mapping[str, Any],
        place: Mapping[str, Any],
        mode: str = "atomic",
        user_id: str | None = None,
    ) -> Replaced:
        """Cancel an order and place another in the same market, in one step.

        `cancel` has `market`, `order_id` or `client_order_id`, and perhaps `only_if`; `place` is an order as in
        `place`, which gets no name here. `mode` is `atomic`, `stop_on_failure` or `allow_failure`: in the last two one
        part may fail alone, and is then a result with a `code`. ApiError if nothing was done.
        """
        who = self._who(user_id)
        body = {"cancel": dict(cancel), "place": with_texts(place), "mode": mode}
        return cast(
            Replaced,
            await self._call("POST", "/order/replace", body=body | ({} if who is None else {"user_id": who})),
        )

    async def test(self, order: Mapping[str, Any], user_id: str | None = None) -> None:
        """Every check of `place`, and nothing placed: ApiError if the order would be refused now."""
        await self._call("POST", "/order/test", body={**order, "user_id": self._who(user_id)})

    async def order(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """An order as it is now, open or closed, with `fills`. ApiError `UNKNOWN_ORDER` if it is not the user's."""
        return cast(
            Order, await self._call("GET", "/order", query=self._naming(market, order_id, client_order_id, user_id))
        )

    async def orders(self, items: Sequence[Mapping[str, Any]], user_id: str | None = None) -> list[Order | Refusal]:
        """A batch of 1 to 100 items, applied in the order given, each on its own; as many results, in that order.

        An item is an order as in `place`, or `{"cancel": {"market", "order_id" or "client_order_id"}}`.
        A refused item is a result with a `code`: it raises nothing.
        """
        reply = await self._call(
            "POST",
            "/orders",
            body={"user_id": self._who(user_id), "orders": [with_texts(item) for item in items]},
        )
        results = cast(list[Order | Refusal], self._field(reply, "results"))
        if len(results) != len(items):
            raise self._unexpected(200, f"{len(results)} results for {len(items)} items", reply)
        return results

    async def open_orders(self, market: str | None = None, user_id: str | None = None) -> list[Order]:
        """The user's open orders in one market or in all, oldest first."""
        query = {"user_id": self._who(user_id), "market": market}
        return cast(list[Order], self._field(await self._call("GET", "/orders/open", query=query), "orders"))

    async def order_history(
        self, market: str | None = None, *, limit: int = 100, before: str | None = None, user_id: str | None = None
    ) -> tuple[list[Order], str | None]:
        """A page of the user's orders, newest first, open ones included, and the `before` of the next or None."""
        query = {"market": market, "limit": limit, "before": before}
        page = await self._call("GET", "/orders/history", query={"user_id": self._who(user_id), **query})
        return cast(list[Order], self._field(page, "orders")), page.get("next")

    async def cancel_all(self, market: str | None = None, user_id: str | None = None) -> list[Order]:
        """Cancel all of the user's open orders, in one market or in all; the canceled ones."""
        body = {"user_id": self._who(user_id)} | ({"market": market} if market is not None else {})
        return cast(list[Order], self._field(await self._call("POST", "/order/cancel_all", body=body), "canceled"))

    async def cancel_all_after(
        self, timeout_ms: int, market: str | None = None, user_id: str | None = None
    ) -> int | None:
        """Have all of the user's open orders canceled after so many milliseconds, in one market or in all.

        Another call replaces the time; 0 takes it back. When that is, in milliseconds since the epoch, or None.
        """
        body = {"user_id": self._who(user_id), "market": market, "timeout_ms": timeout_ms}
        given = {name: value for name, value in body.items() if value is not None}
        reply = await self._call("POST", "/order/cancel_all_after", body=given)
        if "cancel_at" not in reply:
            raise self._unexpected(200, "no 'cancel_at' in the reply", reply)
        return cast(int | None, reply["cancel_at"])

    async def balance(self, user_id: str | None = None) -> list[Balance]:
        """The user's balance in every asset that they ever had."""
        reply = await self._call("GET", "/balance", query={"user_id": self._who(user_id)})
        return cast(list[Balance], self._field(reply, "balances"))

    async def fills(
        self,
        market: str | None = None,
        *,
        order_id: str | None = None,
        limit: int = 100,
        before: str | None = None,
        user_id: str | None = None,
    ) -> tuple[list[Fill], str | None]:
        """A page of the user's fills, newest first, and the `before` of the next page or None; limit at most 1000."""
        query = {"market": market, "order_id": order_id, "limit": limit, "before": before}
        page = await self._call("GET", "/fills", query={"user_id": self._who(user_id), **query})
        return self._field(page, "fills"), page.get("next")

    async def prevented_matches(
        self,
        market: str | None = None,
        *,
        order_id: str | None = None,
        limit: int = 100,
        before: str | None = None,
        user_id: str | None = None,
    ) -> tuple[list[PreventedMatch], str | None]:
        """A page of what self-trade prevention kept the user's orders from, newest first, and the next `before`."""
        query = {"market": market, "order_id": order_id, "limit": limit, "before": before}
        page = await self._call("GET", "/prevented_matches", query={"user_id": self._who(user_id), **query})
        return self._field(page, "prevented_matches"), page.get("next")

    async def amendments(
        self,
        market: str | None = None,
        *,
        order_id: str | None = None,
        limit: int = 100,
        before: str | None = None,
        user_id: str | None = None,
    ) -> tuple[list[Amendment], str | None]:
        """A page of how the user's orders were changed, newest first, and the `before` of the next page or None."""
        query = {"market": market, "order_id": order_id, "limit": limit, "before": before}
        page = await self._call("GET", "/order/amendments", query={"user_id": self._who(user_id), **query})
        return self._field(page, "amendments"), page.get("next")

    async def ledger(
        self, asset: str | None = None, *, limit: int = 100, before: str | None = None, user_id: str | None = None
    ) -> tuple[list[Json], str | None]:
        """A page of the user's postings, newest first, and the `before` of the next or None; limit at most 1000."""
        query = {"asset": asset, "limit": limit, "before": before}
        page = await self._call("GET", "/ledger", query={"user_id": self._who(user_id), **query})
        return self._field(page, "postings"), page.get("next")

    async def faucet(self, asset: str, user_id: str | None = None) -> Json:
        """Credit the user with what the faucet gives of the asset; ApiError `RATE_LIMITED` until it gives again."""
        return await self._call("POST", "/faucet", body={"user_id": self._who(user_id), "asset": asset})

    async def deposit(self, asset: str, amount: Number, key: str, user_id: str | None = None) -> Json:
        """Credit `amount` once a `key`, however often it is sent; the balance after it. It names a user.

        ApiError `FORBIDDEN` if the caller may not deposit.
        """
        body = {"user_id": user_of(user_id, self.user_id), "asset": asset, "amount": amount, "key": key}
        return await self._call("POST", "/admin/deposit", body=body)

    async def add_asset(self, asset: str, decimals: int) -> Json:
        """Add an asset; the decimals of one that is there never change: ApiError `RULE_FIXED`."""
        return await self._call("POST", "/admin/assets", body={"asset": asset, "decimals": decimals})

    async def set_market(self, market: str, rules: Mapping[str, Any]) -> Market:
        """Open a market with these rules, named as in `markets`, or change those of an open one; its rules afterwards.

        Rules that are not named stay as they are. ApiError `RULE_FIXED` for one that never changes.
        """
        return cast(Market, await self._call("POST", "/admin/markets", body={**rules, "market": market}))

    async def set_filters(self, filters: Mapping[str, int]) -> ExchangeFilters:
        """Change bounds on what a user has open in all markets, by name, 0 for none; all of them afterwards."""
        return cast(ExchangeFilters, await self._call("POST", "/admin/filters", body=dict(filters)))

    async def request_withdrawal(self, asset: str, amount: Number, key: str, user_id: str | None = None) -> Json:
        """Lock `amount` until the withdrawal is settled or released; the withdrawal. It names a user, or `@fees`."""
        body = {"user_id": user_of(user_id, self.user_id), "asset": asset, "amount": amount, "key": key}
        return await self._call("POST", "/admin/withdrawals", body=body)

    async def end_withdrawal(self, key: str, *, settle: bool) -> Json:
        """Settle the withdrawal of that key, or release what it has locked; the withdrawal."""
        return await self._call("POST", f"/admin/withdrawals/{'settle' if settle else 'release'}", body={"key": key})

    async def transfer(self, asset: str, amount: Number, key: str, *, from_user_id: str, to_user_id: str) -> Json:
        """Move `amount` from a user, or from `@fees`, to a user, once a `key`."""
        body = {"from_user_id": from_user_id, "to_user_id": to_user_id, "asset": asset, "amount": amount, "key": key}
        return await self._call("POST", "/admin/transfers", body=body)

    async def reset(self, balances: Mapping[str, Number], key: str, user_id: str | None = None) -> Json:
        """Cancel all orders of a user and set what is available, once a `key`; the canceled orders and the balances."""
        body = {"user_id": user_of(user_id, self.user_id), "balances": with_texts(balances), "key": key}
        return await self._call("POST", "/admin/reset", body=body)

    async def set_market_status(self, market: str, status: str) -> Market:
        """Change what the market takes, to `trading`, `post_only`, `cancel_only` or `halted`; its rules afterwards.

        ApiError `FORBIDDEN` if the caller may not.
        """
        body = {"market": market, "status": status}
        return cast(Market, await self._call("POST", "/admin/markets/status", body=body))

    # --- requests and replies

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Json:
        """Any call of the contract, and its reply."""
        return await self._call(method, path, query=query, body=body)

    def _who(self, user_id: str | None) -> str | None:
        """The user of a call; a signed call need not name any."""
        if isinstance(self._key, ApiKey) and user_id is None and self.user_id is None:
            return None
        return user_of(user_id, self.user_id)

    async def key_of(self, user_id: str) -> ApiKey | None:
        """The key that signs the calls of a user; None if calls are not signed."""
        if not isinstance(self._key, KeyRing):
            return self._key

        async def ask(method: str, path: str, body: dict[str, Any] | None) -> Json:
            return await self._call(method, path, body=body)

        return await self._key.of(user_id, ask)

    async def _signer(self, path: str, asked: Mapping[str, Any]) -> ApiKey | None:
        """The key for a call; with several, one that names no user is public."""
        if not isinstance(self._key, KeyRing):
            return self._key
        if path.startswith("/admin/"):
            return self._key.admin
        user_id = asked.get("user_id")
        return None if user_id is None else await self.key_of(user_id)

    def _naming(
        self, market: str, order_id: str | None, client_order_id: str | None, user_id: str | None
    ) -> dict[str, str | None]:
        return {"user_id": self._who(user_id), "market": market} | order_name(order_id, client_order_id)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Json:
        assert self._session is not None, "use it as `async with Client(url) as client`"
        params = {name: value for name, value in (query or {}).items() if value is not None}
        url = URL(self.url + path).extend_query(params)
        data = orjson.dumps(with_texts(body)) if body is not None else None
        headers = {"Content-Type": "application/json"} if body is not None else {}
        key = await self._signer(path, query or body or {})
        try:
            # There is one connection. A call that waits for it is signed when its turn comes: signatures grow old.
            async with self._turn:
                if key is not None:
                    headers |= key.headers(method, url.raw_path_qs, data or b"")
                async with self._session.request(method, url, data=data, headers=headers) as response:
                    text = await response.read()
                    return self._decode(response.status, response.headers.get("Retry-After"), text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error

    def _decode(self, status: int, retry_after: str | None, text: bytes) -> Json:
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise self._unexpected(status, "not a JSON object", {"text": text[:200].decode(errors="replace")})
        if status == 200:
            return body
        if not isinstance(body.get("code"), str):
            raise self._unexpected(status, "an error without a code", body)
        retry_after_s = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
        raise ApiError(status, body["code"], str(body.get("message", "")), retry_after_s, body)

    def _field(self, body: Json, name: str) -> list[Any]:
        value = body.get(name)
        if not isinstance(value, list):
            raise self._unexpected(200, f"no list {name!r} in the reply", body)
        return value

    @staticmethod
    def _unexpected(status: int, what: str, body: Json) -> ApiError:
        return ApiError(status, UNEXPECTED_REPLY, what, None, body)
