"""Which PostgreSQL serves a data directory: facts from `postmaster.pid` and from the process table.

Promises: a zombie counts as dead, and so does a foreign process that got the recorded pid.
Leaves out: what to do about it (see `embedded`). To search all processes blocks: call it in a thread.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_PID_LINE, _SOCKET_DIR_LINE, _STATUS_LINE = 0, 4, 7
"""PostgreSQL documents them in its `pidfile.h`, and `pg_ctl` relies on them as well."""
_PID_MAX = 2**31 - 1
_PID_DIGITS_MAX = 10
_KILL_TIMEOUT_S = 5.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Record:
    """What `postmaster.pid` says; it may be stale."""

    pid: int
    socket_dir: Path
    is_ready: bool
    """Whether it accepts connections: not while it starts, recovers or shuts down."""
    is_ending: bool
    """Whether it was told to shut down: it lets nobody in any more, and may wait for those who are."""


def read_record(pgdata: Path) -> Record | None:
    """None if no postmaster has written it: what a power cut leaves may be empty, or anything.

    (A single-user server, which nobody can connect to, has a negative pid.)
    """
    try:
        lines = (pgdata / "postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    pid, socket_dir, status = (
        lines[number].strip() if number < len(lines) else "" for number in (_PID_LINE, _SOCKET_DIR_LINE, _STATUS_LINE)
    )
    number = _pid(pid)
    if number is None or "\0" in socket_dir:
        return None
    return Record(number, Path(socket_dir), status == "ready", status == "stopping")


def read_pid(path: Path) -> int | None:
    """The process in the first line of a lock file of PostgreSQL's; None if there is no file, or no pid in it."""
    try:
        lines = path.read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return None
    return _pid(lines[0].strip()) if lines else None


def _pid(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= _PID_DIGITS_MAX):
        return None
    pid = int(text)
    return pid if 0 < pid <= _PID_MAX else None


def find(pgdata: Path) -> psutil.Process | None:
    """The living postmaster of `pgdata`, whoever started it."""
    record = read_record(pgdata)
    if record is None:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(record.pid)
        if _works_in(process, pgdata):
            return process
    return None


def processes_in(pgdata: Path) -> list[psutil.Process]:
    """Every living PostgreSQL process of `pgdata`; without a postmaster these are its orphans."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _works_in(process, pgdata):
                found.append(process)
    return found


def kill_orphans(pgdata: Path) -> None:
    """End the backends that outlived their postmaster; an operator's single-user server, by its title, is spared."""
    for process in processes_in(pgdata):
        with contextlib.suppress(psutil.Error):
            if " ".join(process.cmdline()).startswith("postgres:"):
                process.kill()


def outlast_or_kill(pgdata: Path, patience_s: float) -> None:
    """Return when no PostgreSQL process of `pgdata` is left; after `patience_s` they are killed."""
    until = time.monotonic() + patience_s
    while remaining := processes_in(pgdata):
        if time.monotonic() > until:
            for process in remaining:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(remaining, timeout=_KILL_TIMEOUT_S)
            return
        time.sleep(_POLL_S)


def kill_initdb(pgdata: Path) -> None:
    """End the initdb that outlived a killed exchange, with the servers that it runs for its work."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "initdb" and str(pgdata) in process.cmdline():
                family = [process, *process.children(recursive=True)]
                # Every program of PostgreSQL leads a session of its own, and so a group (see `embedded`).
                os.killpg(process.pid, signal.SIGKILL)
                psutil.wait_procs(family, timeout=_KILL_TIMEOUT_S)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; a zombie does not."""
    if isinstance(process, psutil.Popen):
        # It is our child: poll() also reaps it, and a child that nobody reaps stays a zombie.
        return process.poll() is None
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, pgdata: Path) -> bool:
    # PostgreSQL changes into its data directory, which tells its processes from another server's and from a reused pid.
    return bool(
        process.name() == "postgres"
        and process.status() != psutil.STATUS_ZOMBIE
        and process.cwd() == str(pgdata.resolve())
    )
