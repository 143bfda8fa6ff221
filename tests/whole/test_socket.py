"""The socket: its channels and their shapes, who may open it, and its messages."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from tests.whole.api import Api, fresh
from tests.whole.served import Served
from tests.whole.shapes import (
    BALANCE,
    ORDER_FILL,
    SIDE,
    Shape,
    a_count,
    a_flag,
    a_number,
    a_text,
    a_time,
    an_id,
    assert_order,
    assert_shape,
    one_of,
    or_null,
)
from tests.whole.wire import Wire, masked, upgrade

CANDLES = ("candle_1m", "candle_5m", "candle_15m", "candle_1h", "candle_4h", "candle_1d")
EVENT: Shape = {"channel": a_text, "sequence": a_count, "channel_sequence": a_count}
TRADE: Shape = {
    "trade_id": an_id,
    "price": a_number,
    "quantity": a_number,
    "taker_side": SIDE,
    "timestamp": a_time,
    "market_trade_id": an_id,
    "aggregate_id": an_id,
}
DIFF: Shape = {"type": one_of("diff"), "first_sequence": a_count, "last_sequence": a_count}
SNAPSHOT: Shape = {"type": one_of("snapshot"), "last_sequence": a_count}
BEST: Shape = {
    f"best_{side}{what}": or_null(a_number) for side in ("bid", "ask") for what in ("", "_quantity")
}  # fmt: skip
CANDLE: Shape = {
    "open_at": a_time,
    **dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), a_number),
    **dict.fromkeys(("taker_buy_volume", "taker_buy_quote_volume"), a_number),
    "trades": a_count,
    **dict.fromkeys(("first_market_trade_id", "last_market_trade_id"), an_id),
    "closed": a_flag,
}
TICKER: Shape = {
    "market": a_text,
    **BEST,
    **dict.fromkeys(("last", "open", "high", "low", "volume", "quote_volume"), or_null(a_number)),
    "trades": a_count,
    "timestamp": a_time,
}


def wire(shared: Served, **options: Any) -> Wire:
    return Wire(shared.ws_url, **options)


async def test_every_channel_has_its_shape(shared: Served, api: Api, market: str) -> None:
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "100"}), await api.user()
    public = [f"{kind}@{market}" for kind in ("trade", "depth", "book_ticker", "ticker", *CANDLES)]
    private = [f"{kind}@{user}" for kind in ("orders", "balances") for user in (maker, taker)]
    async with wire(shared) as socket:
        await socket.listen(*public, *private)
        await api.order(maker, market, "sell 2 @ 101.5")
        await api.order(taker, market, "buy 3 @ 101.5", client_order_id="mine")
        await api.ok("POST", "/order/cancel_all", {"user_id": taker})
        await socket.ask("PING")
        reader = socket.reader
    for channel in (*public, *private):
        events = reader.events(channel)
        assert events, channel
        for event in events:
            assert event.keys() == {"channel", "sequence", "channel_sequence", "data"}
            assert_shape(event, EVENT)
    [trade] = [event["data"] for event in reader.events(f"trade@{market}")]
    assert_shape(trade, TRADE)
    assert trade.keys() == TRADE.keys()
    snapshot, *diffs = [event["data"] for event in reader.events(f"depth@{market}")]
    assert_shape(snapshot, SNAPSHOT)
    assert [diff["asks"] for diff in diffs] == [[["101.5", "2"]], [["101.5", "0"]], []]
    for diff in diffs:
        assert_shape(diff, DIFF)
    for event in reader.events(f"book_ticker@{market}"):
        assert event["data"].keys() == BEST.keys()
        assert_shape(event["data"], BEST)
    [row] = (await api.ok("GET", "/ticker", market=market))["tickers"]
    last = reader.latest[f"ticker@{market}"]
    assert_shape(last, TICKER)
    assert {**last, "timestamp": 0} == {**row, "timestamp": 0}
    for kind in CANDLES:
        [candle] = reader.candles[f"{kind}@{market}"].values()
        assert_shape(candle, CANDLE)
        shown = await api.ok("GET", "/candles", market=market, interval=kind.partition("_")[2])
        assert [{**row, "closed": candle["closed"]} for row in shown["candles"]] == [candle]
    _judge_private(reader.events(f"orders@{taker}"), reader.events(f"balances@{taker}"))


def _judge_private(orders: list[Any], balances: list[Any]) -> None:
    assert orders[0]["data"] == {"type": "snapshot", "orders": []}
    updates = [event["data"] for event in orders[1:]]
    assert [update["reason"] for update in updates] == ["accepted", "filled", "canceled"]
    for update in updates:
        assert update.keys() == {"type", "reason", "order", "fill"}
        assert update["type"] == "update"
        assert_order(update["order"], with_fills=False)
        assert update["order"]["client_order_id"] == "mine"
    assert [update["fill"] is None for update in updates] == [True, False, True]
    assert_shape(updates[1]["fill"], ORDER_FILL)
    assert [event["data"]["type"] for event in balances] == ["snapshot", "update", "update"]
    for event in balances:
        for row in event["data"]["balances"]:
            assert row.keys() == BALANCE.keys()
            assert_shape(row, BALANCE)


async def test_snapshots_show_what_rest_shows(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    for price in range(1, 9):
        await api.order(user, market, f"buy 1 @ {price}")
    async with wire(shared) as socket:
        await socket.listen(f"depth@{market}", f"orders@{user}", f"balances@{user}")
        reader = socket.reader
        assert reader.book(market) == await api.ok("GET", "/depth", market=market)
        assert list(reader.orders[user].values()) == (await api.ok("GET", "/orders/open", user_id=user))["orders"]
        assert list(reader.balances[user].values()) == (await api.ok("GET", "/balance", user_id=user))["balances"]


async def test_what_was_answered_over_rest_was_told_before(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with wire(shared) as socket:
        await socket.listen(f"orders@{user}")
        for _ in range(5):
            order = await api.order(user, market, "buy 1 @ 5")
            assert order["order_id"] not in socket.reader.orders[user]
            heard = await socket.hear()
            assert heard["data"]["order"]["order_id"] == order["order_id"]


# --- talking


async def test_one_channel_or_several_with_ids_or_without(shared: Served, market: str) -> None:
    async with wire(shared) as socket:
        await socket.say("SUBSCRIBE", channel=f"trade@{market}")
        said = {"message_type": "SUBSCRIBED", "channel": f"trade@{market}", "channel_sequence": 0}
        assert await socket.hear() == said
        await socket.say("SUBSCRIBE", channels=[f"trade@{market}", f"candle_1d@{market}"], id="x")
        assert await socket.hear() == said | {"id": "x"}
        assert (await socket.hear())["channel"] == f"candle_1d@{market}"
        await socket.say("UNSUBSCRIBE", channels=[f"candle_1d@{market}"], id=0)
        assert await socket.hear() == {"message_type": "UNSUBSCRIBED", "channel": f"candle_1d@{market}", "id": 0}
        await socket.say("UNSUBSCRIBE", channel=f"depth@{market}")
        assert await socket.hear() == {"message_type": "UNSUBSCRIBED", "channel": f"depth@{market}"}


@pytest.mark.parametrize("request_id", ["a", "7", "", 0, 7, -1, 2**53 + 1, 2**63 - 1, -(2**63), "ä\u0000\U0001f600"])
async def test_an_id_comes_back_as_it_was(shared: Served, request_id: Any) -> None:
    async with wire(shared) as socket:
        await socket.say("PING", id=request_id)
        assert await socket.hear() == {"message_type": "PONG", "id": request_id}
        await socket.say("CANCEL", id=request_id)
        answer = await socket.hear()
        assert (answer["message_type"], answer["id"], answer["code"]) == ("ERROR", request_id, "INVALID_FIELD")
        assert type(answer["id"]) is type(request_id)


async def test_without_an_id_none_comes_back(shared: Served) -> None:
    async with wire(shared) as socket:
        await socket.say("PING")
        assert await socket.hear() == {"message_type": "PONG"}


async def test_who_leaves_hears_no_more(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    async with wire(shared) as socket:
        await socket.listen(f"depth@{market}")
        await socket.ask("UNSUBSCRIBE", channel=f"depth@{market}")
        await api.order(user, market, "buy 1 @ 5")
        assert (await socket.ask("PING"))["message_type"] == "PONG"
        assert len(socket.reader.events(f"depth@{market}")) == 1


# --- who may


async def test_both_ports_and_both_paths_serve_it(shared: Served, market: str) -> None:
    plain = shared.url.replace("http", "ws")
    for url in (shared.ws_url, f"{shared.ws_url}/ws", plain, f"{plain}/ws"):
        async with Wire(url) as socket:
            await socket.listen(f"depth@{market}")


async def test_without_an_upgrade_it_is_refused_in_the_one_shape(api: Api) -> None:
    assert await api.refused("GET", "/ws") == (400, "INVALID_FIELD")


async def test_a_browser_gets_the_page(api: Api, shared: Served) -> None:
    for url in (shared.url, shared.ws_url.replace("ws", "http", 1)):
        async with api.session.get(url) as page:
            assert (page.status, page.url.path) == (200, "/")
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    async with api.session.get(shared.url, headers={"Host": "evil.example"}, allow_redirects=False) as refused:
        assert refused.status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1", "http://localhost"])
async def test_a_strangers_page_is_not_let_in(shared: Served, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with wire(shared, headers={"Origin": origin}):
            pass
    assert refused.value.status == 403


async def test_our_own_page_is_let_in_on_either_port(shared: Served) -> None:
    port, ws_port = (url.rpartition(":")[2] for url in (shared.url, shared.ws_url))
    for served_at in (port, ws_port):
        for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://127.0.0.1:{ws_port}"):
            async with Wire(f"ws://127.0.0.1:{served_at}/ws", headers={"Origin": origin}) as socket:
                assert (await socket.ask("PING"))["message_type"] == "PONG"


async def test_another_host_is_not_served(shared: Served) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with wire(shared, headers={"Host": "evil.example"}):
            pass
    assert refused.value.status == 421


async def test_unknown_markets_users_and_kinds_are_refused(shared: Served, api: Api, market: str) -> None:
    user = await api.user()
    wrong = {
        "trade@NO_SUCH": "UNKNOWN_MARKET",
        f"trade@{market}@{market}": "UNKNOWN_MARKET",
        "depth@": "UNKNOWN_MARKET",
        f"orders@{fresh('nobody')}": "UNKNOWN_USER",
        "balances@@fees": "UNKNOWN_USER",
        "orders@": "UNKNOWN_USER",
        market: "INVALID_FIELD",
        f"candle_2m@{market}": "INVALID_FIELD",
        f"Trade@{market}": "INVALID_FIELD",
        "": "INVALID_FIELD",
    }
    async with wire(shared) as socket:
        for channel, code in wrong.items():
            assert await socket.refused("SUBSCRIBE", channel=channel) == code, channel
            # One that is wrong spoils all: nothing is half done.
            assert await socket.refused("SUBSCRIBE", channels=[f"depth@{market}", channel]) == code
        many = [f"trade@{market}"] + [f"candle_1d@{market}{n}" for n in range(5000)]
        assert await socket.refused("SUBSCRIBE", channels=many) == "INVALID_FIELD"
        assert await socket.refused("SUBSCRIBE") == "INVALID_FIELD"
        assert await socket.refused("SUBSCRIBE", channel=f"trade@{market}", channels=[]) == "INVALID_FIELD"
        await api.order(user, market, "buy 1 @ 5")
        await socket.ask("PING")
        assert not [message for message in socket.reader.heard if "data" in message]


# --- its end


async def test_what_is_too_large_closes_it_as_the_protocol_says(shared: Served) -> None:
    async with wire(shared) as socket:
        await socket.send('{"message_type":"' + "x" * (1 << 20) + '"}')
        assert (await socket.end()).code == 1009


@pytest.mark.parametrize("early_bytes", [0, 1, 20, 60, 200])
async def test_who_speaks_before_it_is_let_in_is_heard(shared: Served, early_bytes: int) -> None:
    """So many bytes of its messages come with the request that opens the socket: some messages, and a part of one."""
    address = urlsplit(shared.ws_url)
    said = b"".join(masked(orjson.dumps({"message_type": "PING", "id": number})) for number in range(10))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(upgrade(address.netloc) + said[:early_bytes])
    heard = await reader.readuntil(b"\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 101")
    writer.write(said[early_bytes:])
    heard = b""
    while b'"id":9}' not in heard:
        heard += await reader.read(1 << 16)
    assert [int(number) for number in re.findall(rb'"PONG","id":(\d+)', heard)] == list(range(10))
    writer.close()


async def test_many_come_and_go(shared: Served, api: Api, market: str) -> None:
    user = await api.user()

    async def one(number: int) -> None:
        async with wire(shared) as socket:
            await socket.listen(f"depth@{market}", f"orders@{user}")
            if number % 2:
                socket.ws._response.close()  # without a word

    await asyncio.gather(*(one(number) for number in range(50)), return_exceptions=False)
    await api.order(user, market, "buy 1 @ 5")
    async with wire(shared) as socket:
        await socket.listen(f"depth@{market}")
        assert socket.reader.book(market)["bids"] == [["5", "1"]]
