"""The PostgreSQL of a run, on a small disk of its own if root can mount one; it can be killed and restarted."""

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from exchange.postgres import postmaster
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.torture.proxy import SOCKET_NAME

DISK_MIB = 512
CHUNK = bytes(1 << 20)
RESTART_S = 60.0
POLL_S = 0.02
# So that PostgreSQL's own log does not fill the small disk before the ballast does.
SETTINGS = "min_wal_size = 32MB\nmax_wal_size = 128MB\n"


@contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    """A small file system; None if it cannot be mounted, for example without root."""
    disk = place / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False, capture_output=True)


@contextmanager
def directory() -> Iterator[Path]:
    """A temporary directory that PostgreSQL's user can reach."""
    place = Path(tempfile.mkdtemp(prefix="exchange-torture-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Database:
    """A PostgreSQL in `place`; `disk` is its small file system, if any."""

    def __init__(self, place: Path, disk: Path | None) -> None:
        self._data_dir = (disk or place) / "data"
        self._pgdata = self._data_dir / "pgdata"
        self._embedded = EmbeddedPostgres(self._data_dir)
        self._ballast = disk / "ballast" if disk is not None else None

    @property
    def dsn(self) -> str:
        """The database URL without the proxy."""
        return self._embedded.dsn

    @property
    def socket(self) -> Path:
        """The socket that the proxy connects to."""
        query = dict(part.split("=", 1) for part in urlsplit(self.dsn).query.split("&"))
        return Path(unquote(query["host"])) / SOCKET_NAME

    def dsn_through(self, directory: Path) -> str:
        """The same database, reached by the socket in another directory."""
        return self.dsn.replace(f"host={quote(str(self.socket.parent))}", f"host={quote(str(directory))}")

    @property
    def may_fill(self) -> bool:
        """Whether its disk can be filled."""
        return self._ballast is not None

    @asynccontextmanager
    async def up(self) -> AsyncIterator["Database"]:
        """Run within this context."""
        await self._embedded.start()
        try:
            with (self._pgdata / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
                settings.write(SETTINGS)
            if (found := postmaster.find(self._pgdata)) is not None:
                found.send_signal(signal.SIGHUP)
            yield self
        finally:
            self.make_room()
            await self._embedded.stop()

    async def kill(self) -> None:
        """Kill all of its processes at once, the postmaster first, because it would otherwise start to clean up."""
        record = postmaster.read_record(self._pgdata)
        processes = await asyncio.to_thread(postmaster.processes_in, self._pgdata)
        for process in sorted(processes, key=lambda process: record is None or process.pid != record.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    async def restart(self) -> None:
        """Shut it down as an operator does, with clients connected, and start it again."""
        found = postmaster.find(self._pgdata)
        if found is not None:
            found.send_signal(signal.SIGINT)
            for _ in range(round(RESTART_S / POLL_S)):
                if not postmaster.is_alive(found):
                    break
                await asyncio.sleep(POLL_S)
        await self.bring_back()

    async def bring_back(self) -> None:
        """Start it again if it does not run."""
        await self._embedded.ensure_running()

    def fill_disk(self) -> None:
        """Fill the disk."""
        assert self._ballast is not None
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (len(CHUNK), 4096):
                try:
                    while ballast.write(CHUNK[:size]) == size:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        """Free the disk."""
        if self._ballast is not None:
            self._ballast.unlink(missing_ok=True)
