"""The embedded PostgreSQL, with real servers: what is left after kills, and who may start what where."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest

from exchange.failure import Failure
from exchange.postgres import binaries, postmaster
from exchange.postgres.embedded import attached
from tests.patience import seen
from tests.store.servers import Make, postmaster_pid, query

is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason="another user's directories take root")


def start_elsewhere(data_dir: Path) -> subprocess.Popen[str]:
    """Another exchange: it starts the server, says so in one line, and waits to be killed."""
    program = f"""
import asyncio, pathlib
from exchange.postgres.embedded import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(pathlib.Path({str(data_dir)!r}))
    await server.start()
    print("started", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def foreigner(account: binaries.Account) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of PostgreSQL's."""
    with subprocess.Popen(["sleep", "600"], **account.credentials()) as process:
        yield process
        process.kill()


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


async def test_a_fresh_start_serves_and_a_stop_leaves_no_process(make: Make, place: Path) -> None:
    server = make(fresh=True)
    assert not server.alive()
    await server.start()
    assert server.alive()
    assert await query(server.dsn, "SELECT current_user || '@' || current_database()") == "exchange@exchange"
    await server.stop()
    assert not server.alive()
    assert postmaster.processes_in(place / "data" / "pgdata") == []
    assert list((place / "data" / "run").iterdir()) == []


async def test_it_is_durable_and_listens_to_no_network(make: Make) -> None:
    server = make()
    await server.start()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await query(server.dsn, f"SHOW {setting}") == "on"
    assert await query(server.dsn, "SHOW listen_addresses") == ""
    assert await query(server.dsn, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'peer'") == 0


async def test_what_was_committed_is_there_after_the_next_start(make: Make) -> None:
    server = make()
    await server.start()
    await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS value")
    await server.stop()
    await server.start()
    assert await query(server.dsn, "SELECT value FROM kept") == 7


async def test_a_second_exchange_is_refused_and_told_who_is_there(make: Make, place: Path) -> None:
    await make().start()
    with pytest.raises(Failure) as refusal:
        await make().start()
    assert str(refusal.value) == f"Another exchange (process {os.getpid()}) uses the data directory {place / 'data'}."


async def test_a_killed_postmaster_comes_back_with_what_was_committed(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    await query(server.dsn, "CREATE TABLE kept AS SELECT 7 AS value")
    dsn = server.dsn
    for _ in range(2):
        client = await asyncpg.connect(dsn)
        os.kill(postmaster_pid(place / "data"), signal.SIGKILL)
        await seen(lambda: not server.alive())
        await asyncio.gather(*(server.ensure_running() for _ in range(3)))
        await client.close()
        assert server.alive()
        assert server.dsn == dsn
        assert await query(dsn, "SELECT value FROM kept") == 7


async def test_ensure_running_leaves_a_living_server_alone(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    pid = postmaster_pid(place / "data")
    await server.ensure_running()
    assert postmaster_pid(place / "data") == pid


async def test_the_orphan_of_a_killed_exchange_is_adopted_and_stopped(make: Make, place: Path) -> None:
    other = start_elsewhere(place / "data")
    assert other.stdout is not None
    assert await asyncio.to_thread(other.stdout.readline) == "started\n"
    orphan = postmaster_pid(place / "data")
    kill(other)
    server = make()
    await server.start()
    assert postmaster_pid(place / "data") == orphan
    os.kill(orphan, signal.SIGKILL)
    await seen(lambda: not server.alive())
    await server.ensure_running()
    assert postmaster_pid(place / "data") != orphan
    await server.stop()
    assert postmaster.processes_in(place / "data" / "pgdata") == []


async def test_an_adopted_server_is_stopped_like_an_own_one(make: Make, place: Path) -> None:
    other = start_elsewhere(place / "data")
    assert other.stdout is not None
    assert await asyncio.to_thread(other.stdout.readline) == "started\n"
    kill(other)
    server = make()
    await server.start()
    await server.stop()
    assert not server.alive()
    assert postmaster.processes_in(place / "data" / "pgdata") == []


async def test_a_foreign_process_with_the_recorded_pid_counts_as_dead(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    pid_file = place / "data" / "pgdata" / "postmaster.pid"
    record = pid_file.read_text()
    pid = postmaster_pid(place / "data")
    os.kill(pid, signal.SIGKILL)
    await server.stop()
    with foreigner(binaries.account_for(place / "data" / "pgdata")) as foreign:
        pid_file.write_text(record.replace(str(pid), str(foreign.pid), 1))
        await server.start()
        assert postmaster_pid(place / "data") != foreign.pid
        assert foreign.poll() is None


async def test_a_zombie_counts_as_dead() -> None:
    with foreigner(binaries.our_account()) as child:
        process = psutil.Process(child.pid)
        assert postmaster.is_alive(process)
        process.kill()
        await seen(lambda: process.status() == psutil.STATUS_ZOMBIE)
        assert not postmaster.is_alive(process)
    assert not postmaster.is_alive(process)


async def test_an_exchange_killed_while_it_makes_its_data_leaves_a_startable_directory(make: Make, place: Path) -> None:
    def initdb_works(data_dir: Path) -> bool:
        return any(data_dir.glob("pgdata*/base"))

    for number in itertools.count():
        data_dir = place / f"data-{number}"
        other = start_elsewhere(data_dir)
        await seen(partial(initdb_works, data_dir))
        kill(other)
        server = make(data_dir)
        if not (data_dir / "pgdata").exists():
            break  # else all of it was made before the kill
    await server.start()
    assert await query(server.dsn, "SELECT 1") == 1
    assert list(data_dir.glob("pgdata.new-*")) == []


async def test_a_canceled_start_leaves_nothing_running(make: Make, place: Path) -> None:
    def at_work() -> bool:
        return any(str(place) in " ".join(line) for line in command_lines())

    def initdb_works(data_dir: Path, starting: asyncio.Task[None]) -> bool:
        return any(data_dir.glob("pgdata.new-*/base")) or starting.done()

    def server_works(data_dir: Path, starting: asyncio.Task[None]) -> bool:
        return (data_dir / "pgdata" / "postmaster.pid").exists() or starting.done()

    for moment in (initdb_works, server_works):
        for number in itertools.count():
            data_dir = place / f"data-{moment.__name__}-{number}"
            server = make(data_dir, fresh=True)
            starting = asyncio.create_task(server.start())
            await seen(partial(moment, data_dir, starting))
            if starting.cancel():
                break
            await server.stop()  # it was there sooner than that was seen
        with pytest.raises(asyncio.CancelledError):
            await starting
        await seen(lambda: not at_work())
        assert postmaster.processes_in(data_dir / "pgdata") == []
        server = make(data_dir)
        await server.start()
        await server.stop()


def command_lines() -> list[list[str]]:
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            lines.append(process.cmdline())
    return lines


async def test_a_server_that_cannot_start_says_why_in_one_sentence(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    await server.stop()
    (place / "data" / "pgdata" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(Failure, match=r"^PostgreSQL did not start: .*incompatible.* \(see .*postgres\.log\)\.$"):
        await server.start()


async def test_existing_directories_keep_their_modes(make: Make, place: Path) -> None:
    directories = [place / "outer", place / "outer" / "inner", place / "outer" / "inner" / "data"]
    for directory in directories:
        directory.mkdir()
        directory.chmod(0o775)
    await make(directories[-1]).start()
    assert [stat.S_IMODE(directory.stat().st_mode) for directory in directories] == [0o775] * 3
    private = [directories[-1] / "pgdata", directories[-1] / "run"]
    assert [stat.S_IMODE(directory.stat().st_mode) for directory in private] == [0o700] * 2


@pytest.mark.parametrize("name", ["long" * 30, "comma, and 'quote'"])
async def test_a_path_that_no_socket_can_have_works(make: Make, place: Path, name: str) -> None:
    server = make(place / name)
    await server.start()
    assert await query(server.dsn, "SELECT 1") == 1
    record = postmaster.read_record(place / name / "pgdata")
    assert record is not None
    assert not record.socket_dir.is_relative_to(place)
    assert stat.S_IMODE(record.socket_dir.stat().st_mode) == 0o700
    await server.stop()
    assert not record.socket_dir.exists()


async def test_a_socket_directory_open_to_others_is_refused(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    await server.stop()
    (place / "data" / "run").chmod(0o777)
    with pytest.raises(Failure, match=r"run must be a directory of the user \w+ with mode 0700: remove it\.$"):
        await server.start()


async def test_an_ephemeral_directory_is_gone_after_the_stop(make: Make, place: Path) -> None:
    (place / "data").mkdir(mode=0o700)
    server = make(fresh=True, ephemeral=True)
    await server.start()
    assert await query(server.dsn, "SELECT 1") == 1
    await server.stop()
    assert not (place / "data").exists()


async def test_attached_uses_the_running_server_and_leaves_it_running(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    async with attached(place / "data") as dsn:
        assert dsn == server.dsn
        assert await query(dsn, "SELECT 1") == 1
    assert server.alive()


async def test_attached_starts_a_stopped_server_and_stops_it_again(make: Make, place: Path) -> None:
    server = make()
    await server.start()
    await server.stop()
    async with attached(place / "data") as dsn:
        assert await query(dsn, "SELECT 1") == 1
    assert postmaster.processes_in(place / "data" / "pgdata") == []
    await server.start()


async def test_attached_makes_nothing_where_there_is_no_exchange(place: Path) -> None:
    with pytest.raises(Failure, match=r"^There is no exchange in .*/nothing\.$"):
        async with attached(place / "nothing"):
            pass
    assert not (place / "nothing").exists()


@only_root
async def test_root_is_told_when_postgresql_cannot_reach_the_data(make: Make, place: Path) -> None:
    (place / "closed").mkdir(mode=0o700)
    said = r"cannot reach .*/closed/data: name a directory that it can reach, by --data-dir .*, or run .*\.$"
    with pytest.raises(Failure, match=said):
        await make(place / "closed" / "data", fresh=True).start()
    assert stat.S_IMODE((place / "closed").stat().st_mode) == 0o700


@only_root
async def test_programs_out_of_reach_are_copied(make: Make, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = binaries.package_dir()
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    (place / "copies").mkdir(mode=0o755)
    monkeypatch.setattr(binaries, "package_dir", lambda: closed / package.name)
    monkeypatch.setattr(binaries, "_copies_dir", lambda: place / "copies")

    server = make()
    await server.start()
    assert await query(server.dsn, "SELECT 1") == 1
    await server.stop()
    (copy,) = (place / "copies").iterdir()

    a_file_that_a_cleaner_took = next(copy.rglob("initdb"))
    a_file_that_a_cleaner_took.unlink()
    await server.start()
    await server.stop()
    assert a_file_that_a_cleaner_took.exists()
    assert list((place / "copies").iterdir()) == [copy]

    copy.chmod(0o777)
    with pytest.raises(Failure, match=r"must be a directory that only root can write.*: remove it\.$"):
        await server.start()


@only_root
async def test_a_narrow_umask_does_not_lock_postgresql_out(make: Make, place: Path) -> None:
    before = os.umask(0o077)
    try:
        await make(fresh=True).start()
    finally:
        os.umask(before)
