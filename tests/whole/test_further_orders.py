"""What an order may ask beyond a plain one, over REST and sockets, over a restart, and in every list it appears in."""

import asyncio
from typing import Any

import pytest

from exchange.client import ApiError, Client, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.served import directory

SELL: dict[str, Any] = {"market": "SOL_USDC", "side": "sell", "order_type": "limit", "price": "100", "quantity": "5"}
BUY = SELL | {"side": "buy"}
BY_SUM: dict[str, Any] = {"market": "SOL_USDC", "side": "buy", "order_type": "market", "quote_quantity": "250"}


@pytest.fixture(scope="module")
def exchange() -> Any:
    with running_on_a_copy() as running:
        yield running


@pytest.fixture
def user(exchange: RunningExchange) -> Any:
    made = exchange.user(SOL="1000", USDC="100000")
    yield made
    exchange.cancel_all(made)


async def test_an_iceberg_shows_a_part_at_a_time(exchange: RunningExchange, user: str) -> None:
    other = exchange.user(SOL="10", USDC="10000")
    async with (
        Client(exchange.url, user) as client,
        Socket(exchange.url, user) as socket,
        Client(exchange.url, other) as taker,
    ):
        feed = await socket.subscribe(f"orders@{user}")
        order = await client.place(SELL | {"visible_quantity": "2"})
        assert (order["quantity"], order["visible_quantity"]) == ("5", "2")
        assert [list(level) for level in (await client.depth("SOL_USDC"))["asks"]] == [["100", "2"]]
        taken = await taker.place(BUY | {"quantity": "3"})
        assert [fill["quantity"] for fill in taken["fills"]] == ["2", "1"]
        assert [list(level) for level in (await client.depth("SOL_USDC"))["asks"]] == [["100", "1"]]
        told = [(await anext(feed)).data for _ in range(5)]  # type: ignore[union-attr]
        assert [data.get("reason") for data in told] == [None, "accepted", "filled", "refilled", "filled"]
        for wrong in ({"visible_quantity": "5"}, {"visible_quantity": "0"}):
            with pytest.raises(ApiError, match="OUT_OF_RANGE"):
                await client.place(SELL | wrong)
        stop = {"order_type": "stop_loss_limit", "stop_price": "90", "visible_quantity": "1"}
        assert (await client.place(SELL | stop))["visible_quantity"] == "1"
        for wrong in ({"time_in_force": "ioc"}, {"order_type": "market"}):
            with pytest.raises(ApiError, match="INVALID_FIELD"):
                await client.place(SELL | {"visible_quantity": "1"} | wrong)


async def test_both_orders_are_lowered_and_it_can_be_read_everywhere(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        feed = await socket.subscribe(f"orders@{user}")
        maker = await client.place(SELL)
        taker = await socket.place(BUY | {"quantity": "2", "self_trade_prevention": "Decrement", "strategy_id": 7})
        assert (taker["status"], taker["expire_reason"], taker["strategy_id"]) == ("expired", "self_trade", 7)
        assert (taker["prevented_quantity"], taker["self_trade_prevention"]) == ("2", "decrement")
        [resting] = await client.open_orders()
        assert (resting["quantity"], resting["prevented_quantity"], resting["status"]) == ("5", "2", "open")
        assert resting["last_prevented_match_id"] == taker["last_prevented_match_id"]
        [match], after = await client.prevented_matches()
        assert after is None
        assert match | {"timestamp": 0} == {
            "match_id": taker["last_prevented_match_id"],
            "market_match_id": match["market_match_id"],
            "market": "SOL_USDC",
            "taker_order_id": taker["order_id"],
            "maker_order_id": maker["order_id"],
            "mode": "decrement",
            "price": "100",
            "taker_prevented_quantity": "2",
            "maker_prevented_quantity": "2",
            "timestamp": 0,
        }
        assert await client.prevented_matches(order_id=maker["order_id"]) == ([match], None)
        assert await client.prevented_matches(order_id="999999") == ([], None)
        told = [(await anext(feed)).data for _ in range(5)]  # type: ignore[union-attr]
        assert [data.get("reason") for data in told] == [None, "accepted", "accepted", "prevented", "expired"]
        assert [row["available"] for row in await client.balance() if row["asset"] == "SOL"] == ["997"]
        history, _ = await client.order_history(limit=1)
        assert history[0]["prevented_quantity"] == "2"


async def test_a_trade_with_oneself_is_two_fills_of_one_page(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        for _ in range(3):
            await client.place(SELL | {"quantity": "1"})
            await client.place(BUY | {"quantity": "1", "self_trade_prevention": "none"})
        seen: list[str] = []
        pages = []
        before: str | None = None
        while True:
            page, before = await client.fills(limit=3, before=before)
            pages.append(len(page))
            seen += [fill["trade_id"] for fill in page]
            if before is None:
                break
        assert (len(seen), len(set(seen)), pages[0]) == (6, 3, 2)
        page, before = await client.fills(limit=1)
        assert (len(page), before) == (2, page[0]["trade_id"])


async def test_a_sum_of_the_quote_buys_whole_lots(exchange: RunningExchange, user: str) -> None:
    maker = exchange.user(SOL="10")
    async with Client(exchange.url, user) as client:
        with pytest.raises(ApiError, match="NO_LIQUIDITY"):
            await client.place(BY_SUM)
        await client.place(SELL, user_id=maker)
        bought = await client.place(BY_SUM)
        assert (bought["status"], bought["quantity"], bought["quote_quantity"]) == ("filled", "2.5", "250")
        assert (bought["executed_quantity"], bought["executed_quote_quantity"]) == ("2.5", "250")
        read = await client.order("SOL_USDC", order_id=bought["order_id"])
        assert read == bought
        sold = BY_SUM | {"side": "sell", "quote_quantity": "50"}
        await client.place(BUY | {"quantity": "1", "price": "90"}, user_id=exchange.user(USDC="100"))
        assert (await client.place(sold))["quantity"] == "0.5555"
    exchange.cancel_all(maker)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"self_trade_prevention": "transfer"}, "INVALID_FIELD"),
        ({"self_trade_prevention": 1}, "INVALID_FIELD"),
        ({"strategy_id": -1}, "INVALID_FIELD"),
        ({"strategy_id": 2**63}, "INVALID_FIELD"),
        ({"strategy_type": "7"}, "INVALID_FIELD"),
        ({"quote_quantity": "5"}, "INVALID_FIELD"),
        ({"order_type": "market", "quote_quantity": "5"}, "INVALID_FIELD"),
        ({"quantity": None}, "INVALID_FIELD"),
        ({"order_type": "market", "quantity": None, "quote_quantity": "1e3"}, "INVALID_NUMBER"),
        ({"order_type": "market", "quantity": None, "quote_quantity": "0.0000001"}, "INVALID_NUMBER"),
        ({"order_type": "market", "quantity": None, "quote_quantity": "0"}, "OUT_OF_RANGE"),
        ({"order_type": "market", "quantity": None, "quote_quantity": "0.05"}, "MIN_NOTIONAL"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    exchange: RunningExchange, user: str, change: dict[str, Any], code: str
) -> None:
    body = {name: value for name, value in (BUY | change).items() if value is not None}
    async with Client(exchange.url, user) as client:
        with pytest.raises(ApiError, match=code):
            await client.call("POST", "/order", body=body | {"user_id": user})
        assert await client.open_orders() == []


def test_it_outlives_a_kill() -> None:
    with directory() as place, running_exchange(data_dir=data_directory(place / "data")) as exchange:
        user = exchange.user(SOL="10", USDC="1000")

        async def before() -> dict[str, Any]:
            async with Client(exchange.url, user) as client:
                named = SELL | {"client_order_id": "mine", "self_trade_prevention": "decrement", "strategy_type": 5}
                await client.place(named)
                await client.place(BUY | {"quantity": "1", "self_trade_prevention": "decrement"})
                return dict(await client.place(named))

        async def after() -> dict[str, Any]:
            async with Client(exchange.url, user) as client:
                named = SELL | {"client_order_id": "mine", "self_trade_prevention": "decrement", "strategy_type": 5}
                with pytest.raises(ApiError, match="CLIENT_ORDER_ID_CONFLICT"):
                    await client.place(named | {"strategy_type": 6})
                again = dict(await client.place(named))
                assert len((await client.prevented_matches())[0]) == 1
                return again

        there = asyncio.run(before())
        exchange.restart(kill=True)
        assert asyncio.run(after()) == there


async def test_an_order_is_tested_and_not_placed(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client:
        named = BUY | {"client_order_id": "tested"}
        await client.test(named)
        assert await client.open_orders() == []
        with pytest.raises(ApiError, match="INSUFFICIENT_BALANCE"):
            await client.test(BUY | {"price": "1000000"})
        with pytest.raises(ApiError, match="OFF_TICK"):
            await client.test(BUY | {"price": "1.001"})
        placed = await client.place(named)
        await client.test(named)  # a retry would find it
        with pytest.raises(ApiError, match="CLIENT_ORDER_ID_CONFLICT"):
            await client.test(named | {"price": "99"})
        assert [order["order_id"] for order in await client.open_orders()] == [placed["order_id"]]


async def test_a_cancel_may_want_a_status_and_both_ids(exchange: RunningExchange, user: str) -> None:
    async with Client(exchange.url, user) as client, Socket(exchange.url, user) as socket:
        first = await client.place(BUY | {"client_order_id": "first", "price": "50"})
        second = await client.place(BUY | {"client_order_id": "second", "price": "50"})
        with pytest.raises(ApiError, match="CANCEL_CONDITION"):
            await client.cancel("SOL_USDC", order_id=first["order_id"], only_if="partially_filled")
        with pytest.raises(ApiError, match="INVALID_FIELD"):
            await client.cancel("SOL_USDC", order_id=first["order_id"], only_if="filled")
        with pytest.raises(ApiError, match="UNKNOWN_ORDER"):
            await client.cancel("SOL_USDC", order_id=first["order_id"], client_order_id="second")
        both = {"order_id": first["order_id"], "client_order_id": "first", "only_if": "Open"}
        assert (await client.cancel("SOL_USDC", **both))["status"] == "canceled"
        with pytest.raises(ApiError, match="ORDER_CLOSED"):
            await client.cancel("SOL_USDC", **both)
        with pytest.raises(ApiError, match="UNKNOWN_ORDER"):
            await client.cancel("SOL_USDC", order_id=first["order_id"], client_order_id="second")
        item = {"cancel": {"market": "SOL_USDC", "client_order_id": "second", "only_if": "partially_filled"}}
        [refused] = await socket.orders([item])
        assert dict(refused)["code"] == "CANCEL_CONDITION"
        assert (await socket.cancel("SOL_USDC", order_id=second["order_id"]))["status"] == "canceled"


async def test_a_cancel_on_the_socket_may_want_the_same(exchange: RunningExchange, user: str) -> None:
    async with Socket(exchange.url, user) as socket:
        placed = await socket.place(BUY | {"client_order_id": "third", "price": "50"})
        number = placed["order_id"]
        with pytest.raises(ApiError, match="CANCEL_CONDITION"):
            await socket.cancel("SOL_USDC", order_id=number, only_if="partially_filled")
        with pytest.raises(ApiError, match="UNKNOWN_ORDER"):
            await socket.cancel("SOL_USDC", order_id=number, client_order_id="first")
        canceled = await socket.cancel("SOL_USDC", order_id=number, client_order_id="third", only_if="open")
        assert (canceled["order_id"], canceled["status"]) == (number, "canceled")
