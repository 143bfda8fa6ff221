"""The streams of users in the Binance-compatible dialect: by listen key, and on the WebSocket API."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.binance.documented_streams import differences, documented
from tests.whole.api import Api
from tests.whole.binance import Bot
from tests.whole.binance_wire import ApiSocket, Json, Socket
from tests.whole.served import Served

FILE = "user-data-stream.md"
PATH = "/api/v3/userDataStream"
PREVENTED = {"v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY"}
SHAPES = {
    "executionReport": "Order Update",
    "outboundAccountPosition": "Account Update",
    "balanceUpdate": "Balance Update",
    "eventStreamTerminated": "Event Stream Terminated",
}


class Player:
    """A user with a REST client and a stream."""

    def __init__(self, user: str, bot: Bot, stream: ApiSocket) -> None:
        self.user = user
        self.bot = bot
        self.stream = stream

    async def events(self, count: int, kind: str = "executionReport") -> list[Json]:
        """The next events of a kind, each like its documented example."""
        found: list[Json] = []
        while len(found) < count:
            one = await self.stream.until(lambda one: "event" in one)
            assert one["subscriptionId"] == 0
            assert unlike(one) == []
            if one["event"]["e"] == kind:
                found.append(one["event"])
        return found


def unlike(one: Json) -> list[str]:
    """How an event differs from its documented example."""
    event = one["event"]
    shape = documented(FILE, SHAPES[event["e"]])
    inner = dict(shape["event"])
    if event["e"] == "executionReport":
        for name in ("v", "W"):  # a prevented match; the time since when it works
            if name not in event:
                inner.pop(name)
        if event["N"] is not None:
            inner["N"] = "string"
    return differences(one, {**shape, "event": inner})


@pytest_asyncio.fixture
async def players(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Player, Player]]:
    async with both(shared, api, market) as made:
        yield made


@pytest_asyncio.fixture
async def paying(shared: Served, api: Api, markets: Any) -> AsyncIterator[tuple[Player, Player]]:
    async with both(shared, api, markets.with_fees()) as made:
        yield made


@contextlib.asynccontextmanager
async def both(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Player, Player]]:
    """Two users of a market, each with a stream."""
    base = market.partition("_")[0]
    made = []
    for _ in range(2):
        user = await api.user(USDC="1000000", **{base: "1000"})
        bot = Bot.of_user(api.session, shared.url, user, market.replace("_", ""))
        made.append(Player(user, bot, ApiSocket.of_user(shared.ws_url, user)))
    one, other = made
    async with one.stream, other.stream:
        for player in made:
            assert await player.stream.ok("userDataStream.subscribe.signature") == {"subscriptionId": 0}
        yield one, other


async def test_an_order_is_told_step_by_step(paying: tuple[Player, Player]) -> None:
    one, other = paying
    placed = await one.bot.place("BUY 2 @ 100", newClientOrderId="mine")
    (new,) = await one.events(1)
    assert (new["x"], new["X"], new["c"], new["C"], new["i"]) == ("NEW", "NEW", "mine", "", placed["orderId"])
    assert (new["S"], new["o"], new["f"], new["q"], new["p"]) == ("BUY", "LIMIT", "GTC", "2.00000000", "100.00000000")
    assert (new["t"], new["n"], new["N"], new["w"], new["r"]) == (-1, "0", None, True, "NONE")
    (locked,) = await one.events(1, "outboundAccountPosition")
    assert locked["B"] == [{"a": "USDC", "f": "999800.00000000", "l": "200.00000000"}]
    await other.bot.place("SELL 0.5")
    (made,) = await one.events(1)
    assert (made["x"], made["X"], made["l"], made["z"], made["L"]) == (
        *("TRADE", "PARTIALLY_FILLED", "0.50000000", "0.50000000", "100.00000000"),
    )
    assert (made["m"], made["n"], made["N"], made["Y"], made["Z"]) == (
        *(True, "0.000500000", one.bot.symbol.removesuffix("USDC"), "50.00000000", "50.00000000"),
    )
    took = await other.events(2)
    assert [(event["x"], event["X"], event["o"], event["m"]) for event in took] == [
        ("NEW", "NEW", "MARKET", False),
        ("TRADE", "FILLED", "MARKET", False),
    ]
    assert (took[1]["n"], took[1]["N"], took[1]["t"]) == ("0.10000000", "USDC", made["t"])
    canceled = await one.bot.ok("DELETE", "/api/v3/order", symbol=one.bot.symbol, origClientOrderId="mine")
    (ended,) = await one.events(1)
    assert (ended["x"], ended["X"], ended["w"]) == ("CANCELED", "CANCELED", False)
    assert (ended["c"], ended["C"]) == (canceled["clientOrderId"], "mine")
    ids = [new["I"], made["I"], ended["I"]]
    assert ids == sorted(set(ids))


async def test_what_expires_says_why(players: tuple[Player, Player]) -> None:
    one, other = players
    await other.bot.place("SELL 1 @ 100")
    await one.bot.place("BUY 2 @ 100", timeInForce="IOC")
    await one.bot.place("BUY 2 @ 100", timeInForce="FOK")
    seen = [(event["x"], event["X"], event.get("eR")) for event in await one.events(5)]
    assert seen == [
        ("NEW", "NEW", None),
        ("TRADE", "PARTIALLY_FILLED", None),
        ("EXPIRED", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ("NEW", "NEW", None),
        ("EXPIRED", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED"),
    ]


async def test_a_prevented_match_is_told(players: tuple[Player, Player]) -> None:
    one, _ = players
    resting = await one.bot.place("SELL 1 @ 100")
    await one.bot.place("BUY 2 @ 100", selfTradePreventionMode="DECREMENT", strategyId=7, strategyType=1000000)
    seen = await one.events(4)
    assert [(event["x"], event["X"], event["i"] == resting["orderId"]) for event in seen] == [
        ("NEW", "NEW", True),
        ("NEW", "NEW", False),
        ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", True),
        ("TRADE_PREVENTION", "NEW", False),
    ]
    for event in seen[2:]:
        assert set(event) >= PREVENTED
        assert (event["A"], event["pl"], event["pL"], event["pY"], event["Cs"]) == (
            *("1.00000000", "1.00000000", "100.00000000", "100.00000000", one.bot.symbol),
        )
    assert seen[3]["U"] == resting["orderId"]
    assert (seen[3]["j"], seen[3]["J"], seen[3]["V"]) == (7, 1000000, "DECREMENT")


async def test_a_deposit_is_told(players: tuple[Player, Player], api: Api) -> None:
    one, _ = players
    await api.deposit(one.user, "USDC", "12.5")
    (event,) = await one.events(1, "balanceUpdate")
    assert (event["a"], event["d"]) == ("USDC", "12.50000000")
    (position,) = await one.events(1, "outboundAccountPosition")
    assert position["B"] == [{"a": "USDC", "f": "1000012.50000000", "l": "0.00000000"}]


async def test_a_native_order_is_told_too(players: tuple[Player, Player], api: Api) -> None:
    one, _ = players
    market = one.bot.symbol.removesuffix("USDC") + "_USDC"
    placed = await api.order(one.user, market, "buy 1 @ 50")
    (event,) = await one.events(1)
    assert (event["i"], event["c"]) == (int(placed["order_id"]), f"o{placed['order_id']}")


async def test_several_users_on_one_socket(players: tuple[Player, Player], shared: Served) -> None:
    one, other = players
    async with ApiSocket.of_user(shared.ws_url, one.user) as socket:
        assert await socket.ok("userDataStream.subscribe.signature") == {"subscriptionId": 0}
        again = await socket.ask("userDataStream.subscribe.signature", socket.signed())
        assert again["error"]["code"] == -1130
        theirs = ApiSocket.of_user(shared.ws_url, other.user)
        second = await socket.ask("userDataStream.subscribe.signature", theirs.signed())
        assert second["result"] == {"subscriptionId": 1}
        await other.bot.place("BUY 1 @ 10")
        assert (await socket.until(lambda one: "event" in one))["subscriptionId"] == 1
        await socket.call("userDataStream.unsubscribe", subscriptionId=0)
        left = await socket.call("session.subscriptions")
        assert left["result"] == [{"subscriptionId": 1}]
        await socket.call("userDataStream.unsubscribe")
        assert (await socket.call("session.subscriptions"))["result"] == []
        third = await socket.ok("userDataStream.subscribe.signature")
        assert third == {"subscriptionId": 2}


@pytest.mark.parametrize("combined", [False, True])
async def test_a_listen_key_opens_a_stream(players: tuple[Player, Player], shared: Served, combined: bool) -> None:
    one, other = players
    _, made = await one.bot.send("POST", PATH)
    key = made["listenKey"]
    assert len(key) == 64
    assert (await one.bot.send("POST", PATH))[1] == made, "a user has one at a time"
    assert await one.bot.send("PUT", f"{PATH}?listenKey={key}") == (200, {})
    url = f"{shared.ws_url}/stream?streams={key}" if combined else f"{shared.ws_url}/ws/{key}"
    async with Socket(url) as socket, Socket(f"{shared.ws_url}/ws") as late:
        assert (await late.ask("SUBSCRIBE", [key]))["result"] is None
        await one.bot.place("BUY 1 @ 10")
        for said in (await socket.next(), await late.next()):
            event = said
            if "stream" in said:
                assert said["stream"] == key
                event = said["data"]
            assert (event["e"], event["x"]) == ("executionReport", "NEW")
        assert (await other.bot.send("DELETE", f"{PATH}?listenKey={key}"))[1]["code"] == -1125, "another user's"
        assert await one.bot.send("DELETE", f"{PATH}?listenKey={key}") == (200, {})
        ended = await late.until(lambda one: one["e"] == "listenKeyExpired")
        assert ended["listenKey"] == key
        assert (await late.ask("LIST_SUBSCRIPTIONS"))["result"] == []
        assert (await late.ask("SUBSCRIBE", [key]))["error"]["code"] == 2
    assert (await one.bot.send("PUT", f"{PATH}?listenKey={key}"))[1]["code"] == -1125


async def test_bad_requests_for_listen_keys(players: tuple[Player, Player]) -> None:
    bot = players[0].bot
    for method, query, code in (
        ("PUT", "", -1102),
        ("PUT", "?listenKey=", -1102),
        ("DELETE", "?listenKey=x", -1125),
        ("PUT", "?listenKey=%00", -1125),
        ("POST", "?listenKey=x", -1101),
        ("PUT", "?listenKey=x&other=1", -1104),
        ("GET", "", -1020),
    ):
        assert (await bot.send(method, PATH + query))[1]["code"] == code, (method, query)
    bot.api_key = "nobody-key"
    assert (await bot.send("POST", PATH))[1]["code"] == -2015
    bot.api_key = ""
    assert (await bot.send("POST", PATH))[1]["code"] == -2014


async def test_an_order_that_waits_for_a_price_is_told(players: tuple[Player, Player]) -> None:
    one, other = players
    await other.bot.place("BUY 1 @ 100")
    await one.bot.place("SELL 1 @ 100")  # there is a last price
    placed = await one.bot.place("SELL 1 @ 89", type="STOP_LOSS_LIMIT", stopPrice="90")
    (waiting,) = (await one.events(3))[2:]
    assert (waiting["i"], waiting["x"], waiting["X"], waiting["o"]) == (
        *(placed["orderId"], "NEW", "NEW", "STOP_LOSS_LIMIT"),
    )
    assert (waiting["P"], waiting["p"], waiting["w"], "W" in waiting) == ("90.00000000", "89.00000000", False, False)
    await other.bot.place("BUY 2 @ 90")
    await one.bot.place("SELL 1 @ 90")
    seen = [event for event in await one.events(4) if event["i"] == placed["orderId"]]
    assert [(event["x"], event["X"], event["w"]) for event in seen] == [
        ("NEW", "NEW", True),
        ("TRADE", "FILLED", False),
    ]
    assert seen[0]["W"] >= waiting["O"]
    assert (seen[1]["L"], seen[1]["l"]) == ("90.00000000", "1.00000000")


async def test_an_order_that_is_amended_is_told(players: tuple[Player, Player]) -> None:
    one, _ = players
    placed = await one.stream.ok("order.place", **one.bot.terms("BUY 2 @ 100", newClientOrderId="mine"))
    named = {"symbol": one.bot.symbol, "orderId": placed["orderId"]}
    await one.stream.ok("order.amend.keepPriority", **named, newQty="1.5")
    events = [said["event"] for said in one.stream.events if said["event"]["e"] == "executionReport"]
    assert [(event["x"], event["X"], event["q"]) for event in events] == [
        ("NEW", "NEW", "2.00000000"),
        ("REPLACED", "NEW", "1.50000000"),
    ]
