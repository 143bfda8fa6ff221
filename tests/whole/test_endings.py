"""Orders that end by a timer of their user or with the socket that placed them, and the names of cancels."""

import asyncio
import time
from typing import Any

import pytest

from exchange.client import ApiError, Client, Order, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.patience import PATIENCE_S
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.served import command, directory

BUY: dict[str, Any] = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "50", "quantity": "1"}
STOP: dict[str, Any] = BUY | {"order_type": "stop_loss_limit", "stop_price": "500"}
ELSEWHERE: dict[str, Any] = BUY | {"market": "JUP_USDC", "price": "0.5"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
def user(exchange: RunningExchange) -> Any:
    made = exchange.user(SOL="1000", USDC="100000", JUP="1000")
    yield made
    exchange.cancel_all(made)


async def ended(client: Client, order: Order) -> Order:
    """The order, once it has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await client.order(order["market"], order_id=order["order_id"])
            if found["status"] not in ("open", "pending"):
                return found
            await asyncio.sleep(0.05)


async def test_a_timer_cancels_everything_unless_it_is_put_off(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"orders@{user}")
        placed = [await client.place(order) for order in (BUY, STOP, ELSEWHERE)]
        before_ms = int(time.time() * 1000)
        at = await client.cancel_all_after(60_000)
        assert at is not None
        assert before_ms + 60_000 <= at <= int(time.time() * 1000) + 60_000
        assert await client.cancel_all_after(0) is None
        assert await client.cancel_all_after(0) is None, "there is none to take back"
        assert len(await client.open_orders()) == 3
        await socket.cancel_all_after(200)
        done = [await ended(client, order) for order in placed]
        assert {(order["status"], order["cancel_reason"]) for order in done} == {("canceled", "cancel_all_after")}
        events = [(await anext(feed)).data for _ in range(7)]  # type: ignore[union-attr]
        assert [event.get("reason") for event in events] == [None] + ["accepted"] * 3 + ["canceled"] * 3


async def test_a_timer_of_one_market_leaves_the_others(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        here, there = await client.place(BUY), await client.place(ELSEWHERE)
        await client.cancel_all_after(100, "SOL_USDC")
        assert (await ended(client, here))["cancel_reason"] == "cancel_all_after"
        assert [order["order_id"] for order in await client.open_orders()] == [there["order_id"]]
        for market, timeout_ms, code in (("NO_WHERE", 5, "UNKNOWN_MARKET"), (None, 86_400_001, "INVALID_FIELD")):
            with pytest.raises(ApiError, match=code):
                await client.cancel_all_after(timeout_ms, market)
        with pytest.raises(ApiError, match="INVALID_FIELD"):
            await client.cancel_all_after(-1)


async def test_the_orders_of_a_socket_end_with_it(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        stays = await client.place(BUY)
        async with Socket(exchange.url, user) as socket:
            before = await socket.place(BUY)
            await socket.cancel_on_disconnect()
            bound = [await socket.place(BUY | {"client_order_id": f"bound-{user}"}), await socket.place(STOP)]
            [batched] = await socket.orders([ELSEWHERE])
            old = await socket.place(BUY)
            replaced = await socket.replace({"market": "SOL_USDC", "order_id": old["order_id"]}, BUY | {"price": "49"})
            await socket.cancel_on_disconnect(False)
            after = await socket.place(BUY)
            assert len(await client.open_orders()) == 7
        ends: list[Any] = [*bound, batched, replaced["placed"]]
        done = [await ended(client, order) for order in ends]
        assert {(order["status"], order["cancel_reason"]) for order in done} == {("canceled", "disconnect")}
        left = [order["order_id"] for order in await client.open_orders()]
        assert left == [order["order_id"] for order in (stays, before, after)]
        again = await client.place(BUY | {"client_order_id": f"bound-{user}"})
        assert (again["order_id"], again["cancel_reason"]) == (bound[0]["order_id"], "disconnect")


async def test_the_event_of_an_order_carries_the_name_of_its_cancel(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"orders@{user}")
        first, second, third = [await client.place(BUY) for _ in range(3)]
        await client.cancel("SOL_USDC", order_id=first["order_id"], cancel_id="over-rest")
        await socket.cancel("SOL_USDC", order_id=second["order_id"], cancel_id="over-socket")
        named = {"market": "SOL_USDC", "order_id": third["order_id"], "cancel_id": "for-another"}
        replaced = await client.replace(named, BUY)
        await client.cancel("SOL_USDC", order_id=replaced["placed"]["order_id"])  # type: ignore[typeddict-item]
        events = [(await anext(feed)).data for _ in range(9)]  # type: ignore[union-attr]
        names = [event.get("cancel_id") for event in events if event.get("reason") == "canceled"]
        assert names == ["over-rest", "over-socket", "for-another", None]
        with pytest.raises(ApiError, match="INVALID_FIELD"):
            await client.cancel("SOL_USDC", order_id=first["order_id"], cancel_id="no spaces")


async def test_timers_and_sockets_of_a_killed_exchange_end_before_intake() -> None:
    with directory() as place, running_exchange(data_dir=data_directory(place / "data")) as exchange:
        user, other = (exchange.user(SOL="1000", USDC="100000") for _ in range(2))
        async with (
            Client(exchange.url, user) as client,
            Client(exchange.url, other) as stranger,
            Socket(exchange.url, other) as socket,
        ):
            await socket.cancel_on_disconnect()
            bound = await socket.place(BUY)
            stays = await stranger.place(BUY)
            timed = await client.place(BUY)
            await client.cancel_all_after(300)
            assert await stranger.cancel_all_after(3_600_000, "SOL_USDC") is not None
            exchange.kill()
        await asyncio.sleep(0.4)
        await asyncio.to_thread(exchange.start)
        async with Client(exchange.url, user) as client, Client(exchange.url, other) as stranger:
            seller = exchange.user(SOL="10")
            async with Client(exchange.url, seller) as taker:
                sold = await taker.place(BUY | {"side": "sell", "quantity": "5", "time_in_force": "ioc"})
            assert sold["executed_quantity"] == "1", "only the order that stays"
            for whose, order, why in ((client, timed, "cancel_all_after"), (stranger, bound, "disconnect")):
                assert (await whose.order("SOL_USDC", order_id=order["order_id"]))["cancel_reason"] == why
            assert (await stranger.order("SOL_USDC", order_id=stays["order_id"]))["status"] == "filled"
            assert await stranger.cancel_all_after(0, "SOL_USDC") is None
        exchange.stop()
        checked = command("check", "--data-dir", str(place / "data"), "--replay")
        assert checked.returncode == 0, checked.stdout
