"""An order is replaced in one step over REST and sockets; what each reply says of both parts."""

import asyncio
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
    made = exchange.user(SOL="10", USDC="500")
    yield made
    exchange.cancel_all(made)


def naming(order: Any) -> dict[str, Any]:
    return {"market": "SOL_USDC", "order_id": order["order_id"]}


async def refused(call: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("way", [Client, Socket])
async def test_both_parts_happen_in_one_step(exchange: RunningExchange, user: str, way: Any) -> None:
    async with Client(exchange.url, user) as client, way(exchange.url, user) as door, Socket(exchange.url, user) as ear:
        feed = await ear.subscribe(f"orders@{user}")
        old = await client.place(BUY)
        both = await door.replace(naming(old), BUY | {"price": "50", "quantity": "10"})
        assert (both["canceled"]["order_id"], both["canceled"]["status"]) == (old["order_id"], "canceled")
        assert (both["placed"]["status"], both["placed"]["fills"]) == ("open", [])
        assert "fills" not in both["canceled"]
        assert both["canceled"]["cancel_reason"] == "replaced"
        assert (await client.order("SOL_USDC", order_id=old["order_id"]))["cancel_reason"] == "replaced"
        [only] = await client.open_orders()
        assert only["order_id"] == both["placed"]["order_id"]
        events = [(await anext(feed)) for _ in range(4)]
        assert [event.data.get("reason") for event in events] == [None, "accepted", "canceled", "accepted"]  # type: ignore[union-attr]
        assert events[2].sequence == events[3].sequence  # type: ignore[union-attr]


async def test_a_part_that_fails_alone_is_an_error_in_the_reply(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        old = await client.place(BUY)
        dear = BUY | {"quantity": "6"}
        assert (await refused(client.replace(naming(old), dear))).code == "INSUFFICIENT_BALANCE"
        assert len(await client.open_orders()) == 1
        both: Any = await client.replace(naming(old), dear, "stop_on_failure")
        assert (both["canceled"]["status"], both["placed"]["code"]) == ("canceled", "INSUFFICIENT_BALANCE")
        assert both["canceled"]["cancel_reason"] == "owner"
        for mode in ("atomic", "stop_on_failure"):
            error = await refused(socket.replace(naming(old), BUY, mode))
            assert (error.code, error.body["order"]["status"]) == ("ORDER_CLOSED", "canceled")
        both = await socket.replace(naming(old), BUY, "Allow_Failure")
        assert (both["canceled"]["code"], both["canceled"]["order"]["status"]) == ("ORDER_CLOSED", "canceled")
        assert both["placed"]["status"] == "open"
        both = await client.replace(
            {"market": "SOL_USDC", "client_order_id": "none"}, BUY | {"side": "sell", "price": "101"}, "allow_failure"
        )
        assert both["canceled"]["code"] == "UNKNOWN_ORDER"
        condition = naming(both["placed"]) | {"only_if": "partially_filled"}
        assert (await refused(client.replace(condition, BUY))).code == "CANCEL_CONDITION"


async def test_a_replacement_that_is_sent_again_changes_nothing(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        old = await client.place(BUY)
        new = BUY | {"price": "99", "client_order_id": f"{user}-new"}
        first: Any = await client.replace(naming(old), new)
        for _ in range(2):
            again: Any = await client.replace(naming(old), new)
            assert again == first
        await asyncio.to_thread(exchange.restart, kill=True)
    async with Client(exchange.url, user) as client:
        again = await client.replace(naming(old), new)
        assert again == first
        assert (await refused(client.replace(naming(old), new | {"price": "98"}))).code == "CLIENT_ORDER_ID_CONFLICT"
        gone: Any = await client.replace({"market": "SOL_USDC", "order_id": "999999999"}, new)
        assert (gone["canceled"], gone["placed"]["order_id"]) == (None, first["placed"]["order_id"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"cancel": {"market": "SOL_USDC"}}, "INVALID_FIELD"),
        ({"cancel": {"market": "JUP_USDC", "order_id": "1"}}, "INVALID_FIELD"),
        ({"mode": "perhaps"}, "INVALID_FIELD"),
        ({"place": BUY | {"price": "0.001"}}, "OFF_TICK"),
        ({"place": BUY | {"user_id": "random1"}}, "FORBIDDEN"),
        ({"place": BUY | {"quantity": "0"}}, "OUT_OF_RANGE"),
    ],
)
async def test_what_is_wrong_changes_nothing(
    exchange: RunningExchange, user: str, asked: dict[str, Any], code: str
) -> None:
    async with Client(exchange.url, user) as client:
        old = await client.place(BUY)
        body = {"user_id": user, "cancel": naming(old), "place": BUY} | asked
        assert (await refused(client.call("POST", "/order/replace", body=body))).code == code
        assert len(await client.open_orders()) == 1
