"""A signal ends the exchange in every phase of its life: at once while it starts, and with it its PostgreSQL."""

import asyncio
import json
import re
import shutil
import signal
import socket
import time
from collections.abc import Iterator

import asyncpg
import pytest

from exchange.postgres import postmaster
from exchange.postgres.embedded import EmbeddedPostgres
from tests.patience import PATIENCE_S
from tests.whole.process import Exchange, directory, postgres_in, until

# Without a signal each of these starts would wait for ever, or be through with what it leaves half done.
FOR_EVER = "1000000"
MOMENTS = 10  # of one start
LOCK = f"SELECT pg_advisory_lock({0x45584348})"


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with directory() as place:
        made = Exchange(place)
        yield made
        made.end()


def ended_at_once(exchange: Exchange, number: signal.Signals) -> None:
    exchange.send(number)
    assert exchange.wait() == 0, exchange.said()
    assert postgres_in(exchange.place) == []
    assert "Traceback" not in exchange.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_while_initdb_works(exchange: Exchange, number: signal.Signals) -> None:
    async def works() -> bool:
        return any(exchange.data_dir.glob("pgdata*/base"))

    while True:
        exchange.launch()
        await until(works)
        await asyncio.to_thread(ended_at_once, exchange, number)
        if not (exchange.data_dir / "pgdata").exists():
            break
        shutil.rmtree(exchange.data_dir)  # all of it was made before the signal
    assert list(exchange.data_dir.glob("pgdata*")) == []


async def test_while_postgresql_starts_and_does_not_come_to_its_end(exchange: Exchange) -> None:
    """It has been stopped by SIGSTOP, so that it also ignores a polite request to end."""
    server = EmbeddedPostgres(exchange.data_dir)
    await server.start()
    await server.stop()
    pid_file = exchange.data_dir / "pgdata" / "postmaster.pid"

    async def starts() -> bool:
        return pid_file.exists() and postmaster.find(exchange.data_dir / "pgdata") is not None

    exchange.launch()
    await until(starts, poll_s=0.0005)
    found = exchange.postmaster()
    found.suspend()
    if re.search(r"^ready", pid_file.read_text(), re.MULTILINE):
        found.resume()  # it was quicker: then this is a signal to an exchange that reads its database
    await asyncio.to_thread(ended_at_once, exchange, signal.SIGTERM)


async def test_while_it_waits_for_another_exchange_to_leave_the_database() -> None:
    with directory() as place:
        server = EmbeddedPostgres(place / "other")
        await server.start()
        holder = await asyncpg.connect(server.dsn)
        await holder.execute(LOCK)
        patient = {"EXCHANGE_DATABASE_LOCK_TIMEOUT_S": FOR_EVER}
        exchange = Exchange(place, database=f"url = {json.dumps(server.dsn)}", environment=patient)

        async def waits() -> bool:
            return "waiting for another exchange" in exchange.said()

        try:
            exchange.launch()
            await until(waits)
            exchange.send(signal.SIGTERM)
            assert await asyncio.to_thread(exchange.wait) == 0
            assert await holder.fetchval("SELECT 1") == 1, "the database of somebody else goes on"
        finally:
            exchange.end()
            await holder.close()
            await server.stop()


async def test_at_any_moment_of_the_start(exchange: Exchange) -> None:
    """Each moment is a little later than the one before, from the first instructions to the ready file."""
    began = time.monotonic()
    exchange.start()
    step_s = (time.monotonic() - began) / MOMENTS
    assert exchange.stop() == 0
    delay_s, was_ready = 0.0, False
    while not was_ready:
        ready = exchange.launch()
        await asyncio.sleep(delay_s)
        was_ready = ready.exists()
        exchange.send(signal.SIGTERM)
        exit_code = await asyncio.to_thread(exchange.wait)
        # Python itself dies of the signal until the command's first line has run.
        assert exit_code in (0, -signal.SIGTERM), exchange.said()
        assert postgres_in(exchange.place) == []
        delay_s += step_s
    assert "Traceback" not in exchange.said()


def test_the_end_of_its_terminal_stops_it_in_good_order_unless_nohup_is_asked_for() -> None:
    with directory() as place:
        exchange = Exchange(place)
        try:
            exchange.start()
            assert exchange.stop(signal.SIGHUP) == 0
            assert postgres_in(place) == []
            exchange.start(shell='trap "" HUP; exec "$0" "$@"')
            exchange.send(signal.SIGHUP)
            assert exchange.stop() == 0
            assert exchange.said().count('"stopping"') == 2
        finally:
            exchange.end()


def test_a_second_ctrl_c_takes_postgresql_and_an_ephemeral_directory_along() -> None:
    with directory() as place:
        exchange = Exchange(place, environment={"TMPDIR": str(place)}, options=("--ephemeral",))
        try:
            exchange.start()
            (data_dir,) = place.glob("exchange-*/pgdata")
            for backend in postgres_in(place):
                if backend.pid != int((data_dir / "postmaster.pid").read_text().split()[0]):
                    backend.suspend()  # so that the first one has something to wait for
            exchange.send(signal.SIGINT)
            deadline = time.monotonic() + PATIENCE_S
            while '"stopping"' not in exchange.said():
                assert time.monotonic() < deadline
            exchange.send(signal.SIGINT)
            assert exchange.wait() == 128 + signal.SIGINT
            assert postgres_in(place) == []
            assert list(place.glob("exchange-*/")) == []
        finally:
            exchange.end()


def test_no_signal_leaves_postgresql_running_and_an_ignored_sigchld_does_not_matter() -> None:
    with directory() as place:
        exchange = Exchange(place, environment={"TMPDIR": str(place)}, options=("--ephemeral",))
        try:
            exchange.start(shell='trap "" CHLD; exec "$0" "$@"')
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM):
                exchange.send(number)
            deadline = time.monotonic() + PATIENCE_S
            while exchange.said().count('"signal ignored"') < 3:
                assert time.monotonic() < deadline, exchange.said()
            exchange.send(signal.SIGQUIT)
            assert exchange.wait() == 128 + signal.SIGQUIT
            assert postgres_in(place) == []
            assert list(place.glob("exchange-*/")) == []
        finally:
            exchange.end()


def test_a_stop_does_not_wait_for_unfinished_bodies(exchange: Exchange) -> None:
    exchange.environment["EXCHANGE_SERVER_BODY_TIMEOUT_S"] = FOR_EVER
    exchange.start()
    host, port = exchange.url.removeprefix("http://").split(":")
    head = f"POST /order HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    clients = []
    for _ in range(100):
        client = socket.create_connection((host, int(port)))
        client.sendall(head.encode())
        clients.append(client)
    assert exchange.stop() == 0
    for client in clients:
        client.close()


def test_sigterm_ends_a_check_and_the_postgresql_that_it_has_started(exchange: Exchange) -> None:
    exchange.start()
    assert exchange.stop() == 0
    checking = exchange.launch_check()
    deadline = time.monotonic() + PATIENCE_S
    while postmaster.find(exchange.data_dir / "pgdata") is None:
        assert time.monotonic() < deadline
    checking.terminate()
    assert checking.wait(PATIENCE_S) in (0, 128 + signal.SIGTERM)  # 0: it was quicker
    assert postgres_in(exchange.place) == []
