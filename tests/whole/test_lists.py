"""Lists of orders over REST and sockets: placed, told, canceled, found again, and there after a kill."""

import asyncio
from typing import Any

import pytest

from exchange.client import ApiError, Client, Event, Feed, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.patience import PATIENCE_S
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.served import command, directory

SELL: dict[str, Any] = {"market": "SOL_USDC", "side": "sell", "quantity": "2"}
PROFIT = SELL | {"order_type": "limit", "price": "110"}
LOSS = SELL | {"order_type": "stop_loss_limit", "price": "89", "stop_price": "90"}
ENTRY = SELL | {"order_type": "limit", "side": "buy", "price": "95"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
def user(exchange: RunningExchange) -> Any:
    made = exchange.user(SOL="1000", USDC="100000")
    yield made
    exchange.cancel_all(made)


async def refused(call: Any) -> str:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value.code


async def heard(feed: Feed) -> Event:
    event = await anext(feed)
    assert isinstance(event, Event)
    return event


def statuses(found: Any) -> list[str]:
    return [order["status"] for order in found["orders"]]


async def test_a_list_is_placed_found_and_canceled_in_each_way(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        for there in (client, socket):
            name = f"of-{type(there).__name__}"
            placed = await there.place_list("oco", [PROFIT, LOSS], name)
            assert (placed["type"], placed["status"], placed["end_reason"]) == ("oco", "executing", None)
            assert statuses(placed) == ["open", "pending"]
            assert {order["list_id"] for order in placed["orders"]} == {placed["list_id"]}
            assert await there.place_list("OCO", [PROFIT, LOSS], name) == placed
            assert await client.order_list("SOL_USDC", client_list_id=name) == placed
            [sol] = [each for each in await client.balance() if each["asset"] == "SOL"]
            assert sol["locked"] == "2"
            assert await refused(there.place_list("oco", [LOSS, PROFIT], name)) == "CLIENT_ORDER_ID_CONFLICT"
            canceled = await there.cancel_list("SOL_USDC", list_id=placed["list_id"])
            assert (canceled["status"], canceled["end_reason"]) == ("all_done", "canceled")
            assert [order["cancel_reason"] for order in canceled["orders"]] == ["list", "list"]
            assert await refused(there.cancel_list("SOL_USDC", client_list_id=name)) == "LIST_DONE"
            assert await refused(there.cancel_list("SOL_USDC", client_list_id="other")) == "UNKNOWN_LIST"
        lists, after = await client.order_lists(is_open=False, limit=1)
        assert [found["list_id"] for found in lists] == [canceled["list_id"]]
        assert after == canceled["list_id"]
        assert await client.order_lists(is_open=True) == ([], None)


async def test_orders_of_a_list_may_be_pegged(exchange: RunningExchange, user: str) -> None:
    maker = exchange.user(SOL="1000", USDC="100000")
    async with Client(exchange.url, maker) as other, Client(exchange.url, user) as client:
        for order in (ENTRY | {"side": "sell", "price": "105"}, ENTRY | {"price": "94"}):
            await other.place(order)
        profit = SELL | {"order_type": "limit", "peg": {"to": "primary"}}
        placed = await client.place_list("oco", [profit, LOSS], "pegged")
        assert [order["pegged_price"] for order in placed["orders"]] == ["105", None]
        assert await client.place_list("oco", [profit, LOSS], "pegged") == placed
        await client.cancel_all()
        follows = {"peg": {"to": "primary", "follow": True}, "price": "104"}
        placed = await client.place_list("oto", [ENTRY | {"peg": {"to": "primary"}}, profit | follows])
        await other.cancel_all()
        for price in ("105", "94"):
            await other.place(ENTRY | {"side": "sell", "price": price})
        found = await client.order_list("SOL_USDC", list_id=placed["list_id"])
        assert [(order["status"], order["pegged_price"]) for order in found["orders"]] == [
            *(("filled", "94"), ("open", "105")),
        ]
        await other.cancel_all()


async def test_a_channel_tells_what_becomes_of_lists(exchange: RunningExchange, user: str) -> None:
    maker = exchange.user(SOL="1000", USDC="100000")
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"lists@{user}")
        placed = await client.place_list("otoco", [ENTRY, LOSS, PROFIT])
        await client.place(ENTRY | {"side": "sell", "order_type": "market", "price": None}, user_id=maker)
        async with asyncio.timeout(PATIENCE_S):
            events = [await heard(feed) for _ in range(4)]
        told = [event.data for event in events]
        assert told[0] == {"type": "snapshot", "lists": []}
        assert [each["reason"] for each in told[1:]] == ["placed", "updated", "updated"]
        assert statuses(told[1]["list"]) == ["open", "pending", "pending"]
        assert statuses(told[3]["list"]) == ["filled", "pending", "open"]
        assert [event.channel_sequence for event in events] == [0, 1, 2, 3]
        found = await client.order_list("SOL_USDC", list_id=placed["list_id"])
        assert [order["pending_for"] for order in found["orders"]] == [None, "trigger", None]


async def test_lists_are_there_after_a_kill(user: str) -> None:
    with directory() as place:
        with running_exchange(data_dir=data_directory(place / "data")) as running:
            who = running.user(SOL="1000", USDC="100000")
            async with Client(running.url, who) as client:
                first = await client.place_list("oco", [PROFIT, LOSS], "first")
                second = await client.place_list("oto", [ENTRY, PROFIT])
            running.kill()
        with running_exchange(data_dir=data_directory(place / "data")) as running:
            async with Client(running.url, who) as client, Socket(running.url, who) as socket:
                feed = await socket.subscribe(f"lists@{who}")
                snapshot = (await heard(feed)).data
                assert [each["list_id"] for each in snapshot["lists"]] == [first["list_id"], second["list_id"]]
                assert await client.place_list("oco", [PROFIT, LOSS], "first") == first
                assert await client.order_list("SOL_USDC", list_id=second["list_id"]) == second
                assert statuses(await client.cancel_list("SOL_USDC", client_list_id="first")) == ["canceled"] * 2
        checked = command("check", "--data-dir", str(place / "data"), "--replay")
        assert checked.returncode == 0, checked.stdout
