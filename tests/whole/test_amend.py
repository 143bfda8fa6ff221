"""Open orders are changed over REST and sockets, in the order sent, and stay changed over a kill."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from exchange.client import ApiError, Client, Socket
from exchange.testing import RunningExchange
from tests.whole.made_once import running_on_a_copy

BUY: dict[str, Any] = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "100", "quantity": "5"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
def user(exchange: RunningExchange) -> Any:
    made = exchange.user(SOL="1000", USDC="100000")
    yield made
    exchange.cancel_all(made)


async def refused(call: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


async def test_each_way_changes_the_order_and_is_told(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"orders@{user}", f"balances@{user}")
        order = await client.place(BUY | {"client_order_id": f"{user}-a"})
        less = await client.amend("SOL_USDC", order_id=order["order_id"], quantity="3")
        assert (less["quantity"], less["status"], less["created_at"]) == ("3", "open", order["created_at"])
        assert "fills" not in less
        other = await socket.amend("SOL_USDC", client_order_id=f"{user}-a", price="99", new_client_order_id=f"{user}-b")
        assert (other["price"], other["client_order_id"]) == ("99", f"{user}-b")
        for _ in range(2):
            reduced = await client.amend("SOL_USDC", order_id=order["order_id"], reduce_by="1", key="once")
            assert reduced["quantity"] == "2"
        [only] = await client.open_orders()
        assert only == reduced
        depth = await client.depth("SOL_USDC")
        assert [list(level) for level in depth["bids"]] == [["99", "2"]]
        amendments, after = await client.amendments(order_id=order["order_id"])
        assert after is None
        assert [made["amendment_id"] for made in amendments] == sorted(
            (made["amendment_id"] for made in amendments), key=int, reverse=True
        )
        common = {"market": "SOL_USDC", "order_id": order["order_id"], "amendment_id": "", "timestamp": 0}
        none = {"new_client_order_id": None, "new_price": None, "new_quantity": None, "key": None}
        assert [made | {"amendment_id": "", "timestamp": 0} for made in amendments] == [
            {**common, **none, "client_order_id": f"{user}-b", "price": "99", "quantity": "3"}
            | {"new_quantity": "2", "key": "once"},
            {**common, **none, "client_order_id": f"{user}-a", "price": "100", "quantity": "3"}
            | {"new_price": "99", "new_client_order_id": f"{user}-b"},
            {**common, **none, "client_order_id": f"{user}-a", "price": "100", "quantity": "5", "new_quantity": "3"},
        ]
        reasons = []
        async for event in feed:
            if "reason" in event.data:  # type: ignore[union-attr]
                reasons.append(event.data["reason"])  # type: ignore[union-attr]
            if len(reasons) == 4:
                break
        assert reasons == ["accepted", "amended", "amended", "amended"]


async def test_a_retry_of_the_order_finds_it_under_both_names(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        placed = BUY | {"client_order_id": f"{user}-c"}
        order = await client.place(placed)
        await client.amend("SOL_USDC", order_id=order["order_id"], quantity="4", new_client_order_id=f"{user}-d")
        for name in ("c", "d"):
            assert (await client.place(BUY | {"client_order_id": f"{user}-{name}"}))["order_id"] == order["order_id"]
        assert (await refused(client.place(placed | {"quantity": "4"}))).code == "CLIENT_ORDER_ID_CONFLICT"
        assert (await client.order("SOL_USDC", client_order_id=f"{user}-d"))["quantity"] == "4"
        assert (await refused(client.order("SOL_USDC", client_order_id=f"{user}-c"))).code == "UNKNOWN_ORDER"
        await client.cancel("SOL_USDC", client_order_id=f"{user}-d")
        assert (await refused(client.order("SOL_USDC", client_order_id=f"{user}-c"))).code == "UNKNOWN_ORDER"


async def test_an_order_that_is_closed_or_unknown_is_told_as_such(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        order = await client.place(BUY)
        await client.cancel("SOL_USDC", order_id=order["order_id"])
        error = await refused(client.amend("SOL_USDC", order_id=order["order_id"], quantity="1"))
        assert (error.status, error.code, error.body["order"]["status"]) == (422, "ORDER_CLOSED", "canceled")
        assert (await refused(client.amend("SOL_USDC", order_id="999999999", price="1"))).code == "UNKNOWN_ORDER"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "INVALID_FIELD"),
        ({"quantity": "1", "reduce_by": "1", "key": "k"}, "INVALID_FIELD"),
        ({"reduce_by": "1"}, "INVALID_FIELD"),
        ({"key": "k", "price": "1"}, "INVALID_FIELD"),
        ({"reduce_by": "0", "key": "k"}, "INVALID_FIELD"),
        ({"reduce_by": "1", "key": "a b"}, "INVALID_FIELD"),
        ({"quantity": "1", "client_order_id": "both"}, "INVALID_FIELD"),
        ({"new_client_order_id": "a b"}, "INVALID_FIELD"),
        ({"quantity": "0.00001"}, "OFF_LOT"),
        ({"price": "0.001"}, "OFF_TICK"),
        ({"quantity": "-1"}, "INVALID_NUMBER"),
        ({"quantity": "0"}, "OUT_OF_RANGE"),
        ({"reduce_by": "5", "key": "k"}, "OUT_OF_RANGE"),
        ({"price": "1000000"}, "INSUFFICIENT_BALANCE"),
        ({"quantity": "0.0001", "price": "1"}, "MIN_NOTIONAL"),
    ],
)
async def test_what_is_wrong_changes_nothing(
    exchange: RunningExchange, user: str, asked: dict[str, str], code: str
) -> None:
    async with Client(exchange.url, user) as client:
        order = await client.place(BUY)
        body = {"user_id": user, "market": "SOL_USDC", "order_id": order["order_id"]} | asked
        assert (await refused(client.call("PATCH", "/order", body=body))).code == code
        assert await client.open_orders() == [{k: v for k, v in order.items() if k != "fills"}]


async def test_a_new_price_takes_and_both_sides_have_their_fill(exchange: RunningExchange, user: str) -> None:
    other = exchange.user(SOL="10")
    async with Client(exchange.url, user) as client, Client(exchange.url, other) as seller:
        await seller.place(BUY | {"side": "sell", "price": "101", "quantity": "2"})
        order = await client.place(BUY)
        taken = await client.amend("SOL_USDC", order_id=order["order_id"], price="101")
        assert (taken["status"], taken["executed_quantity"], taken["price"]) == ("partially_filled", "2", "101")
        read = await client.order("SOL_USDC", order_id=order["order_id"])
        assert [(fill["quantity"], fill["liquidity"]) for fill in read["fills"]] == [("2", "taker")]
        [theirs], _ = await seller.fills()
        assert theirs["liquidity"] == "maker"


async def test_commands_of_a_socket_are_applied_in_the_order_sent(exchange: RunningExchange, user: str) -> None:
    async with Socket(exchange.url, user) as socket:
        names = [f"{user}-{number}" for number in range(5)]
        asked: list[Any] = [socket.place(BUY | {"client_order_id": names[0]}, retry_s=0)]
        for old, new in pairwise(names):
            asked.append(socket.amend("SOL_USDC", client_order_id=old, reduce_by="1", key=new, new_client_order_id=new))
        asked.append(socket.cancel("SOL_USDC", client_order_id=names[-1]))
        told = await asyncio.gather(*asked)
        assert [order["quantity"] for order in told] == ["5", "4", "3", "2", "1", "1"]


async def test_everything_is_as_it_was_after_a_kill(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        placed = BUY | {"client_order_id": f"{user}-k"}
        first, second = await client.place(placed), await client.place(BUY | {"quantity": "1"})
        order_id = first["order_id"]
        await client.amend("SOL_USDC", order_id=order_id, reduce_by="2", key="kill")
        await client.amend("SOL_USDC", order_id=order_id, price="98", new_client_order_id=f"{user}-l")
        await client.amend("SOL_USDC", order_id=order_id, price="100")
        before = await client.open_orders(), await client.amendments(), await client.balance()
        await asyncio.to_thread(exchange.restart, kill=True)
    async with Client(exchange.url, user) as client:
        assert (await client.open_orders(), await client.amendments(), await client.balance()) == before
        again = await client.amend("SOL_USDC", order_id=order_id, reduce_by="2", key="kill")
        assert again["quantity"] == "3"
        error = await refused(client.amend("SOL_USDC", order_id=order_id, reduce_by="1", key="kill"))
        assert error.code == "KEY_CONFLICT"
        for name in ("k", "l"):
            assert (await client.place(BUY | {"client_order_id": f"{user}-{name}"}))["order_id"] == order_id
        other = exchange.user(SOL="10")
        async with Client(exchange.url, other) as seller:
            await seller.place(BUY | {"side": "sell", "quantity": "2"})
        assert (await client.order("SOL_USDC", order_id=second["order_id"]))["status"] == "filled"
        [order] = await client.open_orders()
        assert (order["order_id"], order["executed_quantity"], order["quantity"]) == (order_id, "1", "3")
