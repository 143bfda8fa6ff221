"""`exchange demo` as a process: its markets live, and it ends well."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from exchange.client import ApiError, ApiKey, Client, Event, Socket
from exchange.config import Config
from exchange.demo.cast import user_ids, with_markets
from exchange.postgres.embedded import attached
from tests.patience import PATIENCE_S, seen
from tests.whole.served import EXCHANGE, Served, directory

BID = {"market": "BTC_USDC", "side": "buy", "order_type": "limit", "price": "100", "quantity": "1"}
PAUSE_S = 0.02
CHANGES = 50  # of each book that are looked at


@dataclass(slots=True)
class Demo:
    """The process, where it writes, and its addresses once it is ready."""

    process: subprocess.Popen[bytes]
    ready: Path
    log: Path

    def end(self) -> int:
        """Its exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)


def started(place: Path, *more: str, **environment: str) -> Demo:
    """A demo in this directory."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    ready, log = place / "ready.json", place / "log"
    options = ["--port", "0", "--ws-port", "0", "--seed", "7", "--rate", "5", "--ready-file", str(ready), *more]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [EXCHANGE, "demo", *options],
            cwd=place,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    return Demo(process, ready, log)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """One for several tests, the last of which ends it."""
    with directory() as place:
        demo = started(place)
        try:
            yield demo
        finally:
            demo.kill()


async def ready(demo: Demo) -> str:
    """The address, once it is ready."""
    await seen(lambda: demo.ready.exists() or demo.process.poll() is not None)
    assert demo.process.poll() is None, demo.log.read_text()
    url: str = json.loads(demo.ready.read_text())["url"]
    return url


async def test_there_is_always_a_market(demo: Demo) -> None:
    url = await ready(demo)
    async with Socket(url) as socket, Client(url) as client:
        markets = [row["market"] for row in await client.markets()]
        assert len(markets) == 4
        feed = await socket.subscribe(*(f"trade@{market}" for market in markets))
        books = [await socket.book(market) for market in markets]
        for book in books:
            while book.best_bid is None or book.best_ask is None:
                await book.changed()
        for book in books:
            for _ in range(CHANGES):
                await book.changed()
                assert all(other.best_bid and other.best_ask for other in books), "no book is ever empty"
        traded: set[str] = set()
        while len(traded) < len(markets):
            event = await anext(feed)
            assert isinstance(event, Event)
            traded.add(event.channel)
        assert await client.balance("alice")
    assert f"Open {url}" in demo.log.read_text()


async def test_charts_are_full_at_once(demo: Demo) -> None:
    url = await ready(demo)
    async with Client(url) as client:
        for row in await client.markets():
            for interval, times, least in (("1m", 60, 1000), ("5m", 300, 860), ("1h", 3600, 72), ("4h", 14400, 18)):
                candles = await client.candles(row["market"], interval, limit=1000)
                assert len(candles) >= least, interval
                opened = [candle["open_at"] // 1000 for candle in candles]
                assert {later - earlier for earlier, later in pairwise(opened[:-2])} == {times}, "without a hole"


async def first_market_is(client: Client, status: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await client.markets())[0]["status"] != status:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)


async def test_a_scenario_begins_while_it_runs(demo: Demo) -> None:
    url = await ready(demo)
    async with aiohttp.ClientSession() as session, Client(url) as client:
        async with session.post(f"{url}/demo/scenario", json={"name": "Halted_Market"}) as response:
            assert (response.status, (await response.json())["name"]) == (200, "halted-market")
        await first_market_is(client, "halted")
        async with session.post(f"{url}/demo/scenario", json={"name": "calm"}) as response:
            assert response.status == 200
        await first_market_is(client, "trading")
        async with session.post(f"{url}/demo/scenario", json={"name": "nothing"}) as response:
            assert (response.status, (await response.json())["code"]) == (400, "INVALID_FIELD")
        async with session.get(f"{url}/demo/scenario") as response:
            assert (await response.json())["name"] == "calm"


async def test_ctrl_c_ends_it(demo: Demo) -> None:
    await ready(demo)
    assert demo.end() == 0, demo.log.read_text()
    assert "Traceback" not in demo.log.read_text()


async def test_in_keys_mode_the_participants_sign_and_so_can_alice() -> None:
    with directory() as place:
        demo = started(place, EXCHANGE_AUTH_MODE="keys")
        try:
            url = await ready(demo)
            await seen(lambda: " as long as the demo runs" in demo.log.read_text())
            found = re.search(r"The key of alice is in (\S+) as long", demo.log.read_text())
            assert found is not None
            async with Client(url) as nobody, Socket(url) as socket:
                feed = await socket.subscribe(*[f"trade@{row['market']}" for row in await nobody.markets()])
                assert isinstance(await anext(feed), Event)
                with pytest.raises(ApiError, match="UNAUTHENTICATED"):
                    await nobody.balance("maker-1")
            async with Client(url, key=ApiKey.load(found[1])) as alice:
                assert (await alice.place(BID))["user_id"] == "alice"
                with pytest.raises(ApiError, match="FORBIDDEN"):
                    await alice.deposit("USDC", 1, "mine", "alice")
            assert demo.end() == 0, demo.log.read_text()
            assert not is_there(found[1])
            assert "Traceback" not in demo.log.read_text()
        finally:
            demo.kill()


def is_there(path: str) -> bool:
    """Whether there is such a file."""
    return Path(path).exists()


def checked(data_dir: Path) -> str:
    """What `exchange check` says."""
    command = [EXCHANGE, "check", "--replay", "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


async def kill(demo: Demo) -> str:
    """What a demo has said that is killed now."""
    demo.process.kill()
    demo.process.wait(PATIENCE_S)
    demo.ready.unlink(missing_ok=True)
    return demo.log.read_text()


async def lives(url: str) -> None:
    """Wait until participants are there: the history leaves no order."""
    async with Socket(url) as socket:
        book = await socket.book("BTC_USDC")
        while book.best_bid is None or book.best_ask is None:
            await book.changed()


async def has_traded(data_dir: Path) -> None:
    """Wait until a part of the history is in the tables."""
    async with attached(data_dir) as dsn, asyncio.timeout(PATIENCE_S):
        connection = await asyncpg.connect(dsn)
        while not await connection.fetchval("SELECT count(*) FROM trades"):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)
        await connection.close()


async def hours_that_traded(url: str) -> int:
    """How many hours of the last days have trades."""
    async with Client(url) as client:
        return sum(candle["volume"] != "0" for candle in await client.candles("BTC_USDC", "1h", limit=1000))


async def test_a_demo_that_is_killed_goes_on_where_it_was() -> None:
    with directory() as place:
        data_dir = place / "data"
        first = started(place, "--data-dir", str(data_dir))
        await seen(lambda: '"making a history"' in first.log.read_text())
        await has_traded(data_dir)
        assert "made a history" not in await kill(first)
        second = started(place, "--data-dir", str(data_dir))
        await lives(await ready(second))
        assert "made a history" in await kill(second), "the rest of it"
        demo = started(place, "--data-dir", str(data_dir))
        try:
            url = await ready(demo)
            await lives(url)
            assert await hours_that_traded(url) >= 3 * 24
            assert demo.end() == 0, demo.log.read_text()
            said = demo.log.read_text()
            assert "Traceback" not in said
            assert "clock is behind" not in said
            assert "making a history" not in said
        finally:
            demo.kill()
        assert checked(data_dir).startswith("all is right")


async def test_a_kept_database_has_no_order_of_a_participant_afterwards() -> None:
    with directory() as place:
        data_dir = place / "data"
        demo = started(place, "--data-dir", str(data_dir))
        try:
            url = await ready(demo)
            async with Client(url) as client:
                async with asyncio.timeout(PATIENCE_S):
                    while not await client.open_orders(user_id="demo-maker-1-BTC_USDC"):  # noqa: ASYNC110
                        await asyncio.sleep(PAUSE_S)
                mine = await client.place(BID, user_id="alice")
            assert demo.end() == 0, demo.log.read_text()
        finally:
            demo.kill()
        assert checked(data_dir).startswith("all is right")
        exchange = Served(place, "")
        exchange.data_dir = data_dir
        try:
            async with Client(exchange.start().url) as client:
                for user_id in user_ids(with_markets(Config()).markets):
                    assert await client.open_orders(user_id=user_id) == []
                assert [order["order_id"] for order in await client.open_orders(user_id="alice")] == [mine["order_id"]]
            assert exchange.stop() == 0
        finally:
            exchange.end()
