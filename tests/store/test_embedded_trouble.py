"""What surrounds the embedded PostgreSQL must not keep it from starting: variables, pid files, owners, shortages."""

import errno
import gc
import os
import signal
import subprocess
from pathlib import Path

import pytest

from exchange.postgres import binaries, tools
from exchange.postgres.data_directory import DataDirectory
from exchange.postgres.reserve import Reserve
from tests.patience import seen
from tests.store.servers import Make, postmaster_pid, query

LIBPQ = {
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "system",
    "PGSSLNEGOTIATION": "nonsense",
    "PGTARGETSESSIONATTRS": "nonsense",
    "PGHOST": "nowhere.invalid",
    "PGPORT": "eighty",
    "PGUSER": "nobody",
    "PGPASSWORD": "secret",
    "PGPASSFILE": "/dev/null/pass",
    "PGDATABASE": "nothing",
    "PGOPTIONS": "-c nonsense=1",
    "PGSERVICE": "nothing",
    "PGSERVICEFILE": "/dev/null/service",
    "PGKRBSRVNAME": "nothing",
    "PGGSSLIB": "nonsense",
    "PGDATA": "/nowhere",
}


@pytest.mark.parametrize("name", LIBPQ)
async def test_libpqs_variables_do_not_concern_it(make: Make, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, LIBPQ[name])
    server = make()
    await server.start()
    assert await query(server.dsn, "SELECT current_user || '@' || current_database()") == "exchange@exchange"


async def test_they_do_not_reach_postgresqls_own_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in LIBPQ.items():
        monkeypatch.setenv(name, value)
    program = tmp_path / "pg_verifybackup"
    program.write_text(f"#!/bin/sh\nenv >{tmp_path}/seen\n")
    program.chmod(0o755)
    monkeypatch.setattr(binaries, "installed_programs", lambda: tmp_path)
    assert await tools.run_tool(tmp_path, "pg_verifybackup", (), new=False) == 0
    assert [line for line in (tmp_path / "seen").read_text().splitlines() if line.startswith("PG")] == []


@pytest.mark.parametrize(
    "content", ["", "garbage\n", "9" * 40, "9" * 5000, "\0\0\0\0\n" * 8, "0\n", "-1\n", "99999999999999\n"]
)
async def test_pid_files_that_a_power_cut_has_left_do_not_keep_it_from_starting(
    make: Make, place: Path, content: str
) -> None:
    server = make()
    await server.start()
    files = [place / "data" / "pgdata" / "postmaster.pid", place / "data" / "run" / ".s.PGSQL.5432.lock"]
    assert all(file.exists() for file in files)
    os.kill(postmaster_pid(place / "data"), signal.SIGKILL)
    await server.stop()
    for file in files:
        file.write_text(content)
    await server.start()
    assert await query(server.dsn, "SELECT 1") == 1


async def test_who_is_not_root_gives_no_file_away(make: Make, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """The group of a directory need not be one of our own, and only root can give a file to it."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Operation not permitted")

    directory = DataDirectory(place / "data", ephemeral=False)
    directory.make()
    directory.pgdata.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "chown", refuse)
    account = binaries.Account("somebody", 1000, 1000)
    directory.lock()
    os.close(directory.open_log())
    directory.write_settings(account)
    directory.make_fresh_pgdata(account)
    directory.unlock()


async def test_a_shortage_is_for_the_next_attempt(make: Make, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make()
    await server.start()
    os.kill(postmaster_pid(place / "data"), signal.SIGKILL)
    await seen(lambda: not server.alive())

    def short_of_files(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as short:
        short.setattr(subprocess, "Popen", short_of_files)
        with pytest.raises(OSError, match="Too many open files"):
            await server.ensure_running()
    await server.ensure_running()
    assert await query(server.dsn, "SELECT 1") == 1


def test_a_reserve_gives_what_it_kept_back() -> None:
    gc.collect()  # what other tests have left may close files when it goes
    before = len(os.listdir("/proc/self/fd"))
    reserve = Reserve(10)
    reserve.fill()
    reserve.fill()
    assert len(os.listdir("/proc/self/fd")) == before + 10
    reserve.release()
    assert len(os.listdir("/proc/self/fd")) == before
