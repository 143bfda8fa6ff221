"""The status of a market: every door sees it and obeys it, it is told on the feed, and it survives a kill."""

import asyncio
import signal
from typing import Any

import aiohttp
import pytest

from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import Api, order_body
from tests.whole.conftest import Start
from tests.whole.served import Served, one_sentence
from tests.whole.wire import Wire

MARKET = "SOL_USDC"
CONFIG = served.CONFIG + served.market_text("SOL") + served.USER
PATH = "/admin/markets/status"


async def become(api: Api, market: str, status: str) -> Any:
    return await api.ok("POST", PATH, {"market": market, "status": status})


async def shown(api: Api, market: str) -> set[str]:
    """What the calls say of it."""
    rules = (await api.ok("GET", "/markets"))["markets"]
    return {
        *(row["status"] for row in rules if row["market"] == market),
        (await api.ok("GET", "/health"))["markets"][market],
        (await api.ok("GET", "/ticker", market=market))["tickers"][0]["status"],
    }


@pytest.mark.parametrize("status", ["halted", "cancel_only", "post_only", "TRADING"])
async def test_every_call_shows_the_new_status(api: Api, market: str, status: str) -> None:
    rules = await become(api, market, status)
    assert (rules["market"], rules["status"]) == (market, status.lower())
    assert await shown(api, market) == {status.lower()}


async def test_what_is_no_status_changes_nothing(api: Api, market: str) -> None:
    for body, refusal in (
        ({"market": market, "status": "closed"}, (400, "INVALID_FIELD")),
        ({"market": market}, (400, "INVALID_FIELD")),
        ({"market": "NO_WHERE", "status": "halted"}, (404, "UNKNOWN_MARKET")),
    ):
        assert await api.refused("POST", PATH, body) == refusal
    assert await shown(api, market) == {"trading"}


async def test_only_an_administrator_changes_it(api: Api, market: str) -> None:
    body = {"market": market, "status": "halted"}
    status, answer = await api.call("POST", PATH, body, headers={"X-Forwarded-For": "192.0.2.1"})
    assert (status, answer["code"]) == (403, "FORBIDDEN")
    assert await shown(api, market) == {"trading"}


async def test_every_door_obeys_it(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    for name in ("one", "two", "three"):
        await api.order(user, market, "buy 1 @ 10", client_order_id=name)
    await become(api, market, "halted")
    refusal = (422, "MARKET_NOT_TRADING")
    assert await api.refused("POST", "/order", order_body(user, market, "buy 1 @ 10")) == refusal
    items = [order_body(None, market, "buy 1 @ 10"), {"cancel": {"market": market, "client_order_id": "one"}}]
    refused, canceled = (await api.ok("POST", "/orders", {"user_id": user, "orders": items}))["results"]
    assert (refused["code"], canceled["status"]) == ("MARKET_NOT_TRADING", "canceled")
    async with Wire(shared.ws_url) as socket:
        assert await socket.refused("ORDER", **order_body(user, market, "buy 1 @ 10")) == "MARKET_NOT_TRADING"
        assert (await socket.ok("CANCEL", user_id=user, market=market, client_order_id="two"))["status"] == "canceled"
        assert len((await socket.ok("CANCEL_ALL", user_id=user))["canceled"]) == 1


async def test_a_post_only_market_says_why(api: Api, market: str) -> None:
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "10"}), await api.user(USDC="1000")
    await api.order(maker, market, "sell 1 @ 10")
    await become(api, market, "post_only")
    assert (await api.order(taker, market, "buy 1 @ 9"))["status"] == "open"
    _, answer = await api.call("POST", "/order", order_body(taker, market, "buy 1 @ 10"))
    assert answer == {
        "code": "MARKET_NOT_TRADING",
        "message": f"{market} takes only orders that rest and do not trade at once; its status is post_only.",
    }


async def test_a_change_is_told_on_the_ticker(api: Api, market: str) -> None:
    channels = [f"ticker@{market}", f"book_ticker@{market}", f"depth@{market}"]
    async with api.session.ws_connect(f"{api.url}/ws") as socket, asyncio.timeout(PATIENCE_S):
        await socket.send_json({"message_type": "SUBSCRIBE", "channels": channels})
        first = [await socket.receive_json() for _ in range(6)]
        assert [m["data"]["status"] for m in first if "data" in m and m["channel"] == channels[0]] == ["trading"]
        await become(api, market, "cancel_only")
        told = [await socket.receive_json() for _ in range(2)]
        assert {message["channel"]: message["channel_sequence"] for message in told} == dict.fromkeys(channels[:2], 1)
        (status,) = (message["data"]["status"] for message in told if message["channel"] == channels[0])
        assert status == "cancel_only"
        await become(api, market, "cancel_only")  # it is so already: no event
        await become(api, market, "trading")
        told = [await socket.receive_json() for _ in range(2)]
        assert [message["channel_sequence"] for message in told] == [2, 2]


async def test_a_status_survives_a_kill_and_the_journal_has_it(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        user = await api.user(USDC="1000")
        await api.order(user, MARKET, "buy 1 @ 10", client_order_id="kept")
        await become(api, MARKET, "post_only")
        await become(api, MARKET, "cancel_only")
        exchange.stop(signal.SIGKILL)
        api = Api(session, exchange.start().url)
        assert await shown(api, MARKET) == {"cancel_only"}
        assert await api.refused("POST", "/order", order_body(user, MARKET, "buy 1 @ 9")) == (422, "MARKET_NOT_TRADING")
        body = {"user_id": user, "market": MARKET, "client_order_id": "kept"}
        assert (await api.ok("DELETE", "/order", body))["status"] == "canceled"
    assert exchange.stop() == 0
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    checked = served.command("check", *where, "--replay")
    assert checked.returncode == 0, checked


def test_the_command_line_shows_and_changes_it(shared: Served, market: str) -> None:
    for arguments, status in (([], "trading"), (["halted"], "halted"), ([], "halted"), (["trading"], "trading")):
        ended = served.command("market", "status", market, *arguments, "--url", shared.url)
        assert (ended.returncode, ended.stdout) == (0, f"{market} is {status}\n")


@pytest.mark.parametrize("arguments", [["NO_WHERE"], ["NO_WHERE", "halted"]])
def test_an_unknown_market_is_one_sentence(shared: Served, arguments: list[str]) -> None:
    ended = served.command("market", "status", *arguments, "--url", shared.url)
    assert ended.returncode == 1
    assert one_sentence(ended)
    assert "NO_WHERE" in ended.stderr
