"""Overload, a full disk, a lost lock: the exchange reports them, and nothing unconfirmed was shown."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from exchange.postgres.embedded import attached
from exchange.store.committer import WRITER_LOCK
from tests.whole.api import Api, order_body
from tests.whole.process import MARKET, Exchange, directory, serving, until
from tests.whole.wire import Wire

BACKLOG_MAX = 40
BOUNDED = {
    "EXCHANGE_ENGINE_BACKLOG_MAX": str(BACKLOG_MAX),
    "EXCHANGE_ENGINE_MARKET_QUEUE_MAX": str(BACKLOG_MAX),
    "EXCHANGE_ENGINE_REPLY_TIMEOUT_S": "600",
    "EXCHANGE_DATABASE_COMMIT_TIMEOUT_S": "600",
}
USER = "user"
STALLED = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'exchange writer' AND wait_event_type = 'Lock'"
)


def ws_url(exchange: Exchange) -> str:
    return exchange.url.replace("http", "ws") + "/ws"


@contextlib.asynccontextmanager
async def database(exchange: Exchange) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection of somebody else's."""
    async with attached(exchange.data_dir) as dsn:
        connection = await asyncpg.connect(dsn)
        try:
            yield connection
        finally:
            connection.terminate()


@contextlib.asynccontextmanager
async def client_of(exchange: Exchange) -> AsyncIterator[Api]:
    """A client, and a user with plenty."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, exchange.url)
        await api.deposit(USER, "USD", "1000000000")
        yield api


def ended_with_a_sentence(exchange: Exchange, code: int, *words: str) -> None:
    """The process has ended, and its last line says why."""
    assert exchange.wait() == code, exchange.said()
    said = exchange.said()
    last = said.strip().splitlines()[-1]
    assert last.startswith("exchange: "), said
    assert any(word in last for word in words), said
    assert "Traceback" not in said
    assert "never retrieved" not in said


# --- overload


async def test_more_than_it_can_take_is_refused_at_once_and_cancels_go_through() -> None:
    with serving(environment=BOUNDED) as exchange:
        async with client_of(exchange) as api, Wire(ws_url(exchange)) as socket, database(exchange) as other:
            resting = [await api.order(USER, MARKET, f"buy 1 @ {price}") for price in range(1, 11)]
            stalled = other.transaction()
            await stalled.start()
            await other.execute("SELECT 1 FROM venue FOR UPDATE")  # every commit now waits for this one
            for number in range(2 * BACKLOG_MAX):
                await socket.say("ORDER", id=number, **order_body(USER, MARKET, "buy 1 @ 20"))
            await socket.say("PING", id="all said")
            refused: list[dict[str, Any]] = []
            while (answer := await socket.hear()).get("id") != "all said":
                refused.append(answer)
            assert {(answer["message_type"], answer["code"]) for answer in refused} == {("ERROR", "OVERLOADED")}
            kept = 2 * BACKLOG_MAX - len(refused)
            assert BACKLOG_MAX - 2 <= kept <= BACKLOG_MAX, "a minute that ends waits in the same line"

            body = order_body(USER, MARKET, "buy 1 @ 20")
            async with api.session.post(f"{api.url}/order", json=body) as reply:
                assert (reply.status, (await reply.json())["code"]) == (503, "OVERLOADED")
                assert int(reply.headers["Retry-After"]) > 0
            for number, order in enumerate(resting):
                await socket.say("CANCEL", id=1000 + number, user_id=USER, market=MARKET, order_id=order["order_id"])
            await socket.say("PING", id="all taken")
            assert (await socket.hear())["id"] == "all taken", "a cancel was refused"
            await stalled.rollback()

            answers = [await socket.hear() for _ in range(kept + len(resting))]
            assert {answer["message_type"] for answer in answers} == {"RESULT"}
            canceled = [answer["data"]["order_id"] for answer in answers if answer["data"]["status"] == "canceled"]
            assert canceled == [order["order_id"] for order in resting]
            # No more was kept than the bound allows, and all that was kept was done.
            open_orders = (await api.ok("GET", "/orders/open", user_id=USER))["orders"]
            assert len(open_orders) == kept
            assert (await api.order(USER, MARKET, "buy 1 @ 20"))["status"] == "open"
        assert exchange.stop() == 0


async def first_of(tasks: "list[asyncio.Task[Any]]", count: int) -> list[Any]:
    """The results of so many of them, which come first."""
    done: set[asyncio.Task[Any]] = set()
    while len(done) < count:
        done |= (await asyncio.wait(set(tasks) - done, return_when=asyncio.FIRST_COMPLETED))[0]
    return [task.result() for task in done]


async def test_reads_and_subscriptions_are_bounded_too() -> None:
    with serving(environment=BOUNDED) as exchange:
        async with client_of(exchange) as api, Wire(ws_url(exchange)) as socket, database(exchange) as other:
            stalled = other.transaction()
            await stalled.start()
            await other.execute("SELECT 1 FROM venue FOR UPDATE")
            await socket.say("ORDER", id="order", **order_body(USER, MARKET, "buy 1 @ 20"))
            async with database(exchange) as third:
                await until(lambda: third.fetchval(STALLED))
            # On one socket the second is not even read before the first has begun.
            for number in range(2 * BACKLOG_MAX):
                await socket.say("SUBSCRIBE", id=number, channel=f"depth@{MARKET}")
            reads = [asyncio.create_task(api.call("GET", "/depth", market=MARKET)) for _ in range(2 * BACKLOG_MAX)]
            refused = await first_of(reads, BACKLOG_MAX // 2)
            assert {(status, answer["code"]) for status, answer in refused} == {(503, "OVERLOADED")}
            async with Wire(ws_url(exchange)) as another:
                assert await another.refused("SUBSCRIBE", channel=f"depth@{MARKET}") == "OVERLOADED"
                assert await another.refused("UNSUBSCRIBE", channel=f"depth@{MARKET}") == "OVERLOADED"
            await stalled.rollback()
            assert {(await read)[0] for read in reads} == {200, 503}
            assert (await socket.until(lambda message: message.get("id") == "order"))["message_type"] == "RESULT"
            await socket.ask("UNSUBSCRIBE", channel=f"depth@{MARKET}")
            assert socket.reader.book(MARKET)["bids"] == [["20", "1"]]
        assert exchange.stop() == 0


# --- the database refuses


async def place_until_it_ends(exchange: Exchange, api: Api) -> list[str]:
    """The orders that were acknowledged, to somebody who goes on until nobody answers any more."""
    acknowledged: list[str] = []
    orders = [order_body(None, MARKET, "buy 0.001 @ 20") for _ in range(100)]
    with contextlib.suppress(aiohttp.ClientError, OSError):
        while True:
            status, answer = await api.call("POST", "/orders", {"user_id": USER, "orders": orders})
            if status != 200:
                assert answer["code"] in ("OUTCOME_UNKNOWN", "NOT_READY", "OVERLOADED"), answer
                continue
            acknowledged += [result["order_id"] for result in answer["results"] if "order_id" in result]
    return acknowledged


async def nothing_is_missing(exchange: Exchange, acknowledged: list[str], told: set[str]) -> None:
    """After another start, what was shown is there; what is there was applied in order."""
    await asyncio.to_thread(exchange.start)
    async with aiohttp.ClientSession() as session:
        orders = (await Api(session, exchange.url).ok("GET", "/orders/open", user_id=USER))["orders"]
    there = {order["order_id"] for order in orders}
    assert set(acknowledged) <= there
    assert told <= there
    checked = await asyncio.to_thread(exchange.check)
    assert checked.returncode == 0, checked.stdout
    assert exchange.stop() == 0


async def listen_to_the_end(exchange: Exchange, told: set[str], listening: asyncio.Event) -> None:
    async with Wire(ws_url(exchange)) as socket:
        await socket.listen(f"orders@{USER}")
        listening.set()
        await socket.end()
        told.update(event["data"]["order"]["order_id"] for event in socket.reader.events(f"orders@{USER}")[1:])


async def until_it_ends(exchange: Exchange) -> tuple[list[str], set[str]]:
    """Orders, and somebody who listens; what each was told before the end."""
    told: set[str] = set()
    listening = asyncio.Event()
    async with client_of(exchange) as api, asyncio.TaskGroup() as group:
        group.create_task(listen_to_the_end(exchange, told, listening))
        await listening.wait()
        acknowledged = await place_until_it_ends(exchange, api)
    return acknowledged, told


async def test_a_full_disk_that_the_database_reports_ends_it_with_a_sentence() -> None:
    with serving() as exchange:
        async with database(exchange) as other:
            await other.execute(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "IF (SELECT count(*) FROM open_orders) > 1000 THEN "
                "RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device', "
                "HINT = 'Check free disk space.'; END IF; "
                "RETURN NULL; END $$; "
                "CREATE TRIGGER full_disk AFTER INSERT ON open_orders EXECUTE FUNCTION full_disk()"
            )
        acknowledged, told = await until_it_ends(exchange)
        ended_with_a_sentence(exchange, 1, "No space left on device")
        assert len(acknowledged) >= 900
        assert told == set(acknowledged)
        async with database(exchange) as other:
            await other.execute("DROP FUNCTION full_disk CASCADE")
        await nothing_is_missing(exchange, acknowledged, told)


@contextlib.contextmanager
def small_disk(mib: int) -> Iterator[Path]:
    """A place with that much room, where this may be made."""
    with directory() as place:
        disk = place / "disk"
        disk.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", disk], check=False)
        if made.returncode:
            pytest.skip("no file system can be mounted here")
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
async def test_a_full_disk_ends_it_and_with_room_it_goes_on() -> None:
    with small_disk(160) as disk:
        exchange = Exchange(disk)
        try:
            exchange.start()
            ballast = disk / "ballast"
            room = os.statvfs(disk)
            # What remains is less than one more segment of PostgreSQL's log.
            ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - (4 << 20)))
            acknowledged, told = await until_it_ends(exchange)
            print(exchange.said().strip().splitlines()[-1])
            ended_with_a_sentence(exchange, 1, "No space left on device", "PostgreSQL")
            ballast.unlink()
            await nothing_is_missing(exchange, acknowledged, told)
        finally:
            exchange.end()


# --- the lock


TAKE_LOCK = f"SELECT pg_advisory_lock({WRITER_LOCK})"
LOCK_WANTED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
END_WRITER = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exchange writer'"


async def test_a_lock_that_is_lost_ends_it_with_a_sentence() -> None:
    with serving(environment={"EXCHANGE_DATABASE_LOCK_TIMEOUT_S": "0.2"}) as exchange:
        async with database(exchange) as other, database(exchange) as third:
            async with client_of(exchange) as api:
                order = await api.order(USER, MARKET, "buy 1 @ 20")
                taking = asyncio.create_task(other.execute(TAKE_LOCK))
                await until(lambda: third.fetchval(LOCK_WANTED))
                await third.execute(END_WRITER)
                await taking
            ended_with_a_sentence(exchange, 1, "Another exchange runs on this database.")
        await nothing_is_missing(exchange, [order["order_id"]], set())


async def test_an_exchange_that_has_been_replaced_ends_at_its_next_commit() -> None:
    with serving() as exchange:
        async with client_of(exchange) as api:
            async with database(exchange) as other:
                await other.execute("UPDATE venue SET epoch = epoch + 1")
            with contextlib.suppress(aiohttp.ClientError):
                status, answer = await api.call("POST", "/order", order_body(USER, MARKET, "buy 1 @ 20"))
                assert (status, answer["code"]) == (504, "OUTCOME_UNKNOWN")
        ended_with_a_sentence(exchange, 1, "Another exchange has taken over this database.")


# --- the tables do not come after the journal


async def test_a_stop_with_projection_lag_says_so_and_the_next_start_fills_them() -> None:
    with serving(environment={"EXCHANGE_SERVER_STOP_TIMEOUT_S": "1"}) as exchange:
        async with client_of(exchange) as api, database(exchange) as other:
            await other.execute("BEGIN; LOCK TABLE closed_orders IN ACCESS EXCLUSIVE MODE")
            order = await api.order(USER, MARKET, "buy 1 @ 20")
            await api.ok("DELETE", "/order", user_id=USER, market=MARKET, order_id=order["order_id"])
            exchange.send(signal.SIGTERM)
            await asyncio.to_thread(exchange.wait)
            ended_with_a_sentence(exchange, 1, "with the query tables behind the journal")
        await asyncio.to_thread(exchange.start)
        async with client_of(exchange) as api:
            history = await api.ok("GET", "/orders/history", user_id=USER, market=MARKET)
            assert [order["status"] for order in history["orders"]] == ["canceled"]
        assert exchange.stop() == 0
