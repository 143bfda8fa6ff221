"""Orders that wait for a price and orders that have a time to end, over REST and sockets and over kills."""

import asyncio
import time
from typing import Any

import pytest

from exchange.client import ApiError, Client, Event, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.patience import PATIENCE_S
from tests.until_soon import placed_until_soon
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.served import command, directory

MARKET = "SOL_USDC"
SELL: dict[str, Any] = {"market": MARKET, "side": "sell", "order_type": "limit", "price": "100", "quantity": "1"}
BUY = SELL | {"side": "buy"}
STOP: dict[str, Any] = {
    "market": MARKET,
    "side": "sell",
    "order_type": "stop_loss",
    "quantity": "1",
    "self_trade_prevention": "none",
}
TAKE: dict[str, Any] = STOP | {"order_type": "take_profit_limit", "price": "90"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
def user(exchange: RunningExchange) -> Any:
    made = exchange.user(SOL="1000", USDC="100000")
    yield made
    exchange.cancel_all(made)


async def traded_at(client: Client, *prices: str) -> None:
    """The user trades with itself at these prices."""
    for price in prices:
        await client.place(SELL | {"price": price})
        taken = await client.place(BUY | {"price": price, "self_trade_prevention": "none"})
        assert taken["status"] == "filled"


async def ended(client: Client, order: Any) -> Any:
    """The order, once it is open no more."""
    async with asyncio.timeout(PATIENCE_S):
        now = order
        while now["status"] in ("pending", "open"):
            await asyncio.sleep(0.01)
            now = await client.order(MARKET, order_id=order["order_id"])
    return now


async def test_a_stop_waits_is_triggered_and_enters(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        await traded_at(client, "100")
        feed = await socket.subscribe(f"orders@{user}")
        stop = await client.place(STOP | {"stop_price": "95", "client_order_id": "s1", "strategy_id": 9})
        assert (stop["status"], stop["pending_for"], stop["stop_price"]) == ("pending", "trigger", "95")
        assert (stop["working_at"], stop["triggered_at"], stop["trigger_price"]) == (None, None, None)
        assert (stop["price"], stop["time_in_force"], stop["fills"]) == (None, "ioc", [])
        assert [order["order_id"] for order in await client.open_orders()] == [stop["order_id"]]
        assert (await client.order(MARKET, client_order_id="s1"))["status"] == "pending"
        again = await client.place(STOP | {"stop_price": "95", "client_order_id": "s1", "strategy_id": 9})
        assert again == stop
        await client.place(BUY | {"price": "94"})
        await traded_at(client, "95")
        done = await ended(client, stop)
        assert done["status"] == "filled"
        assert (done["trigger_price"], done["pending_for"], done["fills"][0]["price"]) == ("95", None, "94")
        assert done["working_at"] is not None
        assert done["triggered_at"] is not None
        assert done["triggered_at"] <= done["working_at"]
        told = []
        async with asyncio.timeout(PATIENCE_S):
            async for event in feed:
                assert isinstance(event, Event)
                order = event.data.get("order")
                if order is not None and order["order_id"] == stop["order_id"]:
                    told.append((event.data["reason"], order["status"]))
                    if order["status"] == "filled":
                        break
        assert told == [("accepted", "pending"), ("triggered", "pending"), ("working", "open"), ("filled", "filled")]


async def test_a_stop_over_the_socket_and_in_a_batch(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        await traded_at(client, "100")
        placed = await socket.place(TAKE | {"trailing_delta": 50, "activation_price": "110"})
        assert (placed["status"], placed["trailing_delta"], placed["activation_price"]) == ("pending", 50, "110")
        assert placed["tracking_at"] is None
        batch: Any = await client.orders([STOP | {"trailing_amount": "2"}, STOP | {"stop_price": "100"}])
        assert (batch[0]["status"], batch[0]["trailing_amount"]) == ("pending", "2")
        assert batch[0]["tracking_at"] is not None
        assert batch[1]["code"] == "WOULD_TRIGGER"
        balance = {row["asset"]: row for row in await client.balance()}
        assert balance["SOL"]["locked"] == "2"
        canceled = await client.cancel(MARKET, order_id=placed["order_id"])
        assert (canceled["status"], canceled["cancel_reason"], canceled["working_at"]) == ("canceled", "owner", None)
        assert len(await client.cancel_all()) == 1


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (STOP, "INVALID_FIELD"),
        (STOP | {"stop_price": "95", "trailing_delta": 5}, "INVALID_FIELD"),
        (STOP | {"stop_price": "95", "activation_price": "96"}, "INVALID_FIELD"),
        (STOP | {"stop_price": "95", "price": "90"}, "INVALID_FIELD"),
        (STOP | {"stop_price": "95", "time_in_force": "gtc"}, "INVALID_FIELD"),
        (STOP | {"stop_price": "95", "quote_quantity": "5"}, "INVALID_FIELD"),
        (STOP | {"stop_price": "95.001"}, "OFF_TICK"),
        (STOP | {"stop_price": "-1"}, "INVALID_NUMBER"),
        (STOP | {"trailing_delta": 0}, "INVALID_FIELD"),
        (STOP | {"trailing_delta": 10_000}, "INVALID_FIELD"),
        (STOP | {"trailing_delta": "5"}, "INVALID_FIELD"),
        (STOP | {"trailing_amount": "0"}, "OUT_OF_RANGE"),
        (STOP | {"stop_price": "0"}, "OUT_OF_RANGE"),
        (TAKE | {"price": None, "stop_price": "195"}, "INVALID_FIELD"),
        (SELL | {"stop_price": "95"}, "INVALID_FIELD"),
        (SELL | {"trailing_delta": 5}, "INVALID_FIELD"),
        (SELL | {"activation_price": "5"}, "INVALID_FIELD"),
        (SELL | {"time_in_force": "gtd"}, "INVALID_FIELD"),
        (SELL | {"expire_at": 2_000_000_000_000}, "INVALID_FIELD"),
        (SELL | {"time_in_force": "gtd", "expire_at": 1}, "OUT_OF_RANGE"),
        (SELL | {"time_in_force": "gtd", "expire_at": 10**18}, "INVALID_FIELD"),
        (SELL | {"time_in_force": "gtd", "expire_at": -1}, "INVALID_FIELD"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    exchange: RunningExchange, user: str, order: dict[str, Any], code: str
) -> None:
    async with Client(exchange.url, user) as client:
        given = {name: value for name, value in order.items() if value is not None}
        with pytest.raises(ApiError) as refused:
            await client.call("POST", "/order", body=given | {"user_id": user})
        assert refused.value.code == code
        assert await client.open_orders() == []


async def test_a_gtd_order_ends_by_itself(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        placed = await placed_until_soon(client, SELL)
        assert (placed["status"], placed["working_at"]) == ("open", placed["created_at"])
        done = await ended(client, placed)
        assert (done["status"], done["expire_reason"]) == ("expired", "expire_at")
        assert done["expire_at"] == placed["expire_at"] <= done["updated_at"]


async def test_what_waits_survives_a_kill_and_what_is_due_ends_before_intake() -> None:
    with directory() as place, running_exchange(data_dir=data_directory(place / "data")) as exchange:
        user = exchange.user(SOL="1000", USDC="100000")
        async with Client(exchange.url, user) as client:
            await traded_at(client, "100")
            orders = [
                await client.place(STOP | {"stop_price": "95"}),
                await client.place(STOP | {"trailing_amount": "3"}),
                await client.place(TAKE | {"stop_price": "120", "price": "118"}),
            ]
            await traded_at(client, "104")
            due = await placed_until_soon(client, BUY | {"price": "1"})
            before = await client.open_orders()
        exchange.kill()
        await asyncio.sleep(max(0.0, due["expire_at"] / 1000 - time.time()))
        await asyncio.to_thread(exchange.start)
        async with Client(exchange.url, user) as client:
            assert (await client.order(MARKET, order_id=due["order_id"]))["expire_reason"] == "expire_at"
            assert await client.open_orders() == [order for order in before if order["order_id"] != due["order_id"]]
            await traded_at(client, "101")
            trailed = await ended(client, orders[1])
            assert (trailed["trigger_price"], trailed["expire_reason"]) == ("101", "unfilled")
            assert len(await client.open_orders()) == 2
        exchange.stop()
        checked = command("check", "--data-dir", str(place / "data"), "--replay")
        assert checked.returncode == 0, checked.stdout
