"""Pegged orders over REST, sockets and batches, and over a restart."""

import asyncio
from typing import Any

import pytest

from exchange.client import ApiError, Client, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.patience import PATIENCE_S
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.served import directory

MARKET = "SOL_USDC"
SELL: dict[str, Any] = {"market": MARKET, "side": "sell", "order_type": "limit", "quantity": "1"}
BUY = SELL | {"side": "buy"}
PRIMARY = {"peg": {"to": "primary"}}
STOP = BUY | {"order_type": "stop_loss_limit", "stop_price": "110"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
async def maker(exchange: RunningExchange) -> Any:
    """Somebody who sells at 102 and 103 and buys at 100 and 99."""
    made = exchange.user(SOL="1000", USDC="100000")
    async with Client(exchange.url, made) as client:
        for order in (SELL | {"price": "102"}, SELL | {"price": "103"}, BUY | {"price": "100"}, BUY | {"price": "99"}):
            await client.place(order)
    yield made
    exchange.cancel_all(made)


@pytest.fixture
def user(exchange: RunningExchange, maker: str) -> Any:
    made = exchange.user(SOL="1000", USDC="100000")
    yield made
    exchange.cancel_all(made)


async def test_it_is_shown_as_it_was_asked_with_the_price_that_it_took(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"orders@{user}")
        order = await client.place(BUY | {"peg": {"to": "Primary", "offset": "0.50"}, "client_order_id": "p"})
        peg = {"to": "primary", "offset": "0.5", "levels": None, "follow": False}
        assert (order["price"], order["peg"], order["pegged_price"], order["status"]) == (None, peg, "99.5", "open")
        assert order == await client.place(BUY | {"peg": {"to": "primary", "offset": "0.5"}, "client_order_id": "p"})
        assert ["99.5", "1"] in [list(level) for level in (await client.depth(MARKET))["bids"]]
        assert [row["locked"] for row in await client.balance() if row["asset"] == "USDC"] == ["99.5"]
        await anext(feed)
        told = (await anext(feed)).data  # type: ignore[union-attr]
        assert (told["reason"], told["order"]["pegged_price"]) == ("accepted", "99.5")
        with pytest.raises(ApiError, match="OUT_OF_RANGE"):
            await client.amend(MARKET, client_order_id="p", price="98")
        assert (await client.amend(MARKET, client_order_id="p", quantity="0.4"))["pegged_price"] == "99.5"
        await client.cancel(MARKET, client_order_id="p")
        [closed], _ = await client.order_history(limit=1)
        assert (closed["peg"], closed["pegged_price"]) == (peg, "99.5")


async def test_over_the_socket_and_in_a_batch(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        taken = await socket.place(BUY | {"peg": {"to": "market", "levels": 1}, "time_in_force": "ioc", "price": "102"})
        assert (taken["status"], taken["pegged_price"], taken["price"]) == ("filled", "102", "102")
        batch: Any = await client.orders(
            [SELL | PRIMARY | {"post_only": True}, SELL | {"peg": {"to": "market", "levels": 2}}, STOP | PRIMARY]
        )
        assert batch[0]["pegged_price"] == "103"
        assert batch[1]["code"] == "NO_PRICE_LEVEL"
        assert (batch[2]["status"], batch[2]["price"], batch[2]["pegged_price"]) == ("pending", None, None)
        replaced = await client.replace(
            {"market": MARKET, "order_id": batch[0]["order_id"]}, SELL | {"peg": {"to": "primary", "offset": "1"}}
        )
        assert replaced["placed"] is not None
        assert replaced["placed"]["pegged_price"] == "104"  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (BUY, "INVALID_FIELD"),
        (BUY | {"peg": {}}, "INVALID_FIELD"),
        (BUY | {"peg": "primary"}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "last"}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "offset": "0.01", "levels": 1}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "levels": 101}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "levels": -1}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "levels": "1"}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "distance": "1"}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "offset": "0.001"}}, "OFF_TICK"),
        (BUY | {"peg": {"to": "primary", "offset": "-1"}}, "INVALID_NUMBER"),
        (BUY | {"peg": {"to": "primary", "offset": "1000"}}, "OUT_OF_RANGE"),
        (BUY | PRIMARY | {"time_in_force": "ioc"}, "INVALID_FIELD"),
        (BUY | PRIMARY | {"time_in_force": "gtd", "expire_at": 9_000_000_000_000}, "INVALID_FIELD"),
        (BUY | PRIMARY | {"price": "0.05"}, "MIN_NOTIONAL"),
        (BUY | {"peg": {"to": "market"}, "post_only": True}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "follow": True}}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "follow": 1}, "price": "105"}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "market", "follow": True}, "price": "105", "time_in_force": "ioc"}, "INVALID_FIELD"),
        (BUY | PRIMARY | {"order_type": "market"}, "INVALID_FIELD"),
        (BUY | PRIMARY | {"order_type": "stop_loss", "stop_price": "110"}, "INVALID_FIELD"),
        (BUY | {"peg": {"to": "primary", "levels": 2}}, "NO_PRICE_LEVEL"),
    ],
)
async def test_what_does_not_fit_is_refused(
    exchange: RunningExchange, user: str, order: dict[str, Any], code: str
) -> None:
    async with Client(exchange.url, user) as client:
        before = await client.depth(MARKET)
        with pytest.raises(ApiError) as raised:
            await client.place(order)
        assert raised.value.code == code
        with pytest.raises(ApiError) as raised:
            await client.test(order)
        assert raised.value.code == code
        assert await client.depth(MARKET) == before


async def test_one_that_follows_is_priced_again_and_says_so(exchange: RunningExchange, user: str, maker: str) -> None:
    async with (
        Client(exchange.url, user) as client,
        Socket(exchange.url, user) as socket,
        Client(exchange.url, maker) as other,
    ):
        feed = await socket.subscribe(f"orders@{user}")
        order = await client.place(BUY | {"peg": {"to": "primary", "follow": True}, "price": "105"})
        assert (order["price"], order["pegged_price"], order["peg"]) == (
            "105",
            "100",
            {"to": "primary", "offset": None, "levels": None, "follow": True},
        )
        await other.place(BUY | {"price": "101"})
        now = await client.order(MARKET, order_id=order["order_id"])
        assert (now["pegged_price"], now["status"]) == ("101", "open")
        told = [(await anext(feed)).data for _ in range(3)]  # type: ignore[union-attr]
        assert [data.get("reason") for data in told] == [None, "accepted", "repriced"]
        assert told[2]["order"]["pegged_price"] == "101"
        assert [row["locked"] for row in await client.balance() if row["asset"] == "USDC"] == ["105"]
        taken = await other.place(SELL | {"price": "101", "quantity": "1.5", "self_trade_prevention": "none"})
        assert taken["status"] == "filled"
        assert [row["locked"] for row in await client.balance() if row["asset"] == "USDC"] == ["52.5"]


async def test_what_a_reset_changes_is_followed_soon(exchange: RunningExchange, user: str, maker: str) -> None:
    async with Client(exchange.url, user) as client:
        await client.place(SELL | {"price": "104"}, user_id=exchange.user(SOL="1"))
        order = await client.place(SELL | {"peg": {"to": "primary", "follow": True}, "price": "100.01"})
        assert order["pegged_price"] == "102"
        await client.reset({"SOL": "1", "USDC": "1"}, key=f"reset-{maker}", user_id=maker)
        async with asyncio.timeout(PATIENCE_S):
            while order["pegged_price"] == "102":
                await asyncio.sleep(0.05)
                order = await client.order(MARKET, order_id=order["order_id"])
        assert order["pegged_price"] == "104"


async def test_it_keeps_its_price_over_a_kill() -> None:
    with directory() as place, running_exchange(data_dir=data_directory(place / "data")) as running:
        user = running.user(SOL="10", USDC="1000")
        async with Client(running.url, user) as client:
            await client.place(BUY | {"price": "100"})
            order = await client.place(BUY | PRIMARY | {"client_order_id": "p"})
            moving = await client.place(BUY | {"peg": {"to": "primary", "follow": True}, "price": "102"})
            await client.place(BUY | {"price": "101"})
            running.restart(kill=True)
            after = await client.order(MARKET, client_order_id="p")
            assert (after["pegged_price"], after["status"]) == ("100", "open")
            assert after == order
            assert await client.place(BUY | PRIMARY | {"client_order_id": "p"}) == order
            assert (await client.order(MARKET, order_id=moving["order_id"]))["pegged_price"] == "101"
            await client.place(BUY | {"price": "101.50"})
            assert (await client.order(MARKET, order_id=moving["order_id"]))["pegged_price"] == "101.5"
