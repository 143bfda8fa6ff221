"""A private PostgreSQL for one exchange: made, started, adopted, restarted and stopped here.

Promises: one server per data directory, whatever was killed before; it listens to nobody but the OS users of the
exchange and of PostgreSQL, and root; full durability; nothing left running after `stop`.
Leaves out: what is stored (see `schema` and `postgres`), and when to look whether the server lives (see `app`).
"""

import asyncio
import contextlib
import errno
import math
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil  # type: ignore[import-untyped]

from exchange.failure import Failure, one_line
from exchange.postgres import binaries, postmaster
from exchange.postgres.data_directory import PORT, ROLE, DataDirectory
from exchange.postgres.reserve import Reserve

_DATABASE = "exchange"
_NO_PASSWORD = "peer"  # a server with peer authentication asks for none; with one, no file is searched for another
_PLAIN = "&sslmode=disable&sslnegotiation=postgres&target_session_attrs=any&krbsrvname=postgres&gsslib=gssapi"
_POLL_S = 0.02
_CONNECT_TIMEOUT_S = 2.0
_SAY_EVERY_S = 5.0
_ORPHANS_PATIENCE_S = 5.0
_ORPHANS_TIMEOUT_S = 30.0
Steps = tuple[tuple[signal.Signals, float], ...]
_STOP_STEPS: Steps = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0))
"""Fast shutdown (which writes a checkpoint), immediate shutdown, the end; each with the seconds it gets."""
_GIVE_UP_STEPS: Steps = ((signal.SIGINT, 1.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 10.0))
"""The same for a server that was not ready yet: its next start only recovers once more."""
_KILL_PATIENCE_S = 1.0
_NOT_YET = (
    OSError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
)
"""A server that starts, recovers, shuts down or is full: the next attempt may do better."""
_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS))
_RESERVED_FILES = 24  # to start a server, to look at its files, and to connect to it again
_RECONNECT_S = 5.0
_INHERITED = ("PATH", "LD_LIBRARY_PATH")
"""Of our environment PostgreSQL needs no more; PGPORT and the like would even change what it does."""


def _silent(sentence: str) -> None:
    """Discard it."""


class EmbeddedPostgres:
    """The PostgreSQL of one data directory.

    `say` gets a sentence when something takes long. `ephemeral` is for a fresh directory that the caller made for
    this run: `stop` deletes it. Methods raise `Failure`. End the task that calls `ensure_running` before you `stop`.
    """

    def __init__(self, data_dir: Path, *, say: Callable[[str], None] = _silent, ephemeral: bool = False) -> None:
        self._dir = DataDirectory(data_dir, ephemeral=ephemeral)
        self._say = say
        self._launching = asyncio.Lock()
        self._stopping = False
        self._account: binaries.Account | None = None
        self._bin_dir: Path | None = None
        self._socket_dir: Path | None = None
        self._process: psutil.Process | None = None
        self._reserve = Reserve(_RESERVED_FILES)

    @property
    def dsn(self) -> str:
        """For `asyncpg.connect`; stays the same when the server is restarted.

        It names everything that asyncpg would otherwise take from libpq's variables and files (PGSSLMODE, PGPASSFILE
        …): these concern other servers.
        """
        assert self._socket_dir is not None, "start() comes first"
        return (
            f"postgresql://{ROLE}:{_NO_PASSWORD}@/{_DATABASE}?host={quote(str(self._socket_dir))}&port={PORT}{_PLAIN}"
        )

    async def start(self) -> None:
        """Return when the database `exchange` accepts connections; leave nothing running on failure or cancellation."""
        assert not self._dir.is_locked, "started twice"
        with _in_a_sentence(self._dir.path):
            self._dir.make()
            self._dir.lock()
            self._reserve.fill()
            self._stopping = False
            try:
                await asyncio.to_thread(self._choose_user_and_binaries)
                if not self._dir.pgdata.exists():
                    await self._initdb()
                await self._launch()
                await self._create_database()
            except BaseException:
                await self._stop(_GIVE_UP_STEPS)
                raise

    def alive(self) -> bool:
        """Whether the postmaster runs; it may still be recovering."""
        return self._process is not None and postmaster.is_alive(self._process)

    def ending(self) -> bool:
        """Whether another process has told the postmaster to shut down."""
        record = postmaster.read_record(self._dir.pgdata)
        return (
            record is not None
            and record.is_ending
            and self._process is not None
            and record.pid == self._process.pid
            and self.alive()
        )

    async def ensure_running(self) -> None:
        """Restart the server if it died, or if another process is shutting it down.

        If this is cancelled, the server goes on starting; `stop` still ends it. Raises OSError where there are too
        few open files or too little memory for now: try again.
        """
        async with self._launching:
            assert self._dir.is_locked, "start() comes first, and nothing comes after stop()"
            if not self.alive() or self.ending():
                self._reserve.release()
                try:
                    with _in_a_sentence(self._dir.path, but=_SHORTAGES):
                        await self._launch()
                finally:
                    # Not at once: whoever has lost the connection has to connect again first.
                    asyncio.get_running_loop().call_later(_RECONNECT_S, self._reserve.fill)

    async def stop(self) -> None:
        """Stop the server, adopted or not, and release the data directory. Harmless if there is nothing to stop."""
        await self._stop(_STOP_STEPS)

    async def _stop(self, steps: Steps) -> None:
        self._stopping = True
        async with self._launching:
            if not self._dir.is_locked:
                return
            try:
                await self._end_postmaster(steps)
                await self._outlast_orphans()
            finally:
                self._reserve.release()
                await asyncio.to_thread(self._dir.remove, self._socket_dir)
                self._dir.unlock()

    def kill(self) -> None:
        """End every process of PostgreSQL here, without a checkpoint, and delete what is ephemeral.

        For a process that ends right afterwards. Blocks, for some seconds at most.
        """
        if self._dir.is_locked:
            self._dir.kill_initdbs()
            if self._process is not None and self.alive():
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._process.send_signal(signal.SIGQUIT)
            postmaster.outlast_or_kill(self._dir.pgdata, _KILL_PATIENCE_S)
            self._dir.remove(self._socket_dir)
        self.remove_ephemeral()

    def remove_ephemeral(self) -> None:
        """Delete an ephemeral directory, also one in which nothing was started."""
        if self._dir.ephemeral:
            shutil.rmtree(self._dir.path, ignore_errors=True)

    async def join(self) -> bool:
        """Whether a server of another process runs here and accepts connections; `dsn` is then valid."""
        with _in_a_sentence(self._dir.path):
            if not self._dir.pgdata.is_dir():
                raise Failure(f"There is no exchange in {self._dir.path}.")
            return await self._adopt()

    def _choose_user_and_binaries(self) -> None:
        account = binaries.account_for(self._dir.pgdata)
        if os.geteuid() == 0 and not account.reaches(self._dir.path):
            raise Failure(
                f"PostgreSQL does not run as root, and its user {account.name} cannot reach {self._dir.path}: name "
                "a directory that it can reach, by --data-dir or EXCHANGE_DATABASE_DATA_DIR=/var/lib/exchange, or run "
                "the exchange as an ordinary user."
            )
        self._account = account
        self._bin_dir = binaries.bin_dir(account)
        binaries.give_away(self._dir.pgdata, account)

    async def _initdb(self) -> None:
        assert self._account is not None
        self._say(f"Creating a new database in {self._dir.path}.")
        fresh = await asyncio.to_thread(self._dir.make_fresh_pgdata, self._account)
        options = ("--encoding=UTF8", "--locale=C", f"--username={ROLE}", "--auth=peer", "--no-instructions")
        child = self._popen("initdb", *options, "-D", fresh)
        try:
            await _has_ended(child)
            if child.returncode != 0:
                raise self._failure("PostgreSQL could not create its data directory")
            self._dir.install_pgdata(fresh)
        finally:
            if postmaster.is_alive(child):
                # With the servers that initdb runs for its work: the group is theirs alone.
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            shutil.rmtree(fresh, ignore_errors=True)

    async def _launch(self) -> None:
        """Adopt the server that runs here, or start one; return when it accepts connections."""
        self._process = await asyncio.to_thread(postmaster.find, self._dir.pgdata)
        if self.ending():
            # A smart shutdown waits until the last client is gone, and that may be us.
            await self._end_postmaster(_STOP_STEPS)
        if await self._adopt():
            return
        await self._outlast_orphans()
        await asyncio.to_thread(self._prepare)
        self._process = self._popen("postgres", "-D", self._dir.pgdata, "-k", str(self._socket_dir), "-p", str(PORT))
        if not await self._accepts_connections():
            raise self._failure("PostgreSQL did not start")

    async def _adopt(self) -> bool:
        """Use a server that a killed exchange left behind; False if there is none, or if it was just shutting down."""
        self._process = await asyncio.to_thread(postmaster.find, self._dir.pgdata)
        return self._process is not None and await self._accepts_connections()

    def _prepare(self) -> None:
        """Everything that a server needs on disk before it starts. Nothing of PostgreSQL may run here now."""
        assert self._account is not None
        self._socket_dir = self._dir.claim_socket_dir(self._account, self._socket_dir)
        self._dir.write_settings(self._account)
        self._dir.forget_stale_pid(self._socket_dir)

    async def _accepts_connections(self) -> bool:
        """Wait for as long as the postmaster lives, for recovery may take long; False if it ends."""
        loop = asyncio.get_running_loop()
        started = said = loop.time()
        while self.alive():
            if self._stopping:
                raise Failure(f"PostgreSQL in {self._dir.path} is being stopped.")
            if await self._try_to_connect():
                return True
            if loop.time() - said >= _SAY_EVERY_S:
                said = loop.time()
                self._say(f"Waiting for PostgreSQL, which is recovering or busy: {said - started:.0f} s so far.")
            await asyncio.sleep(_POLL_S)
        return False

    async def _try_to_connect(self) -> bool:
        record = postmaster.read_record(self._dir.pgdata)
        # To ask a server that is not ready would only fill its log; and a stale record is of another process.
        if record is None or self._process is None or record.pid != self._process.pid or not record.is_ready:
            return False
        self._socket_dir = record.socket_dir
        try:
            connection = await asyncpg.connect(self.dsn, database="postgres", timeout=_CONNECT_TIMEOUT_S)
            await connection.close(timeout=_CONNECT_TIMEOUT_S)
        except PermissionError as error:
            raise Failure(
                f"The PostgreSQL of {self._dir.path} belongs to another user: run this as that user."
            ) from error
        except _NOT_YET:
            return False
        except asyncpg.PostgresError as error:
            raise Failure(f"PostgreSQL in {self._dir.path} refuses the exchange: {one_line(error)}.") from error
        return True

    async def _create_database(self) -> None:
        try:
            connection = await asyncpg.connect(self.dsn, database="postgres")
            try:
                if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", _DATABASE):
                    await connection.execute(f"CREATE DATABASE {_DATABASE}")
            finally:
                await connection.close()
        except asyncpg.PostgresError as error:
            raise Failure(
                f"PostgreSQL in {self._dir.path} could not create its database: {one_line(error)}."
            ) from error

    async def _end_postmaster(self, steps: Steps) -> None:
        for number, patience_s in steps:
            if self._process is None or not self.alive():
                return
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.send_signal(number)
            await _has_ended(self._process, patience_s)

    async def _outlast_orphans(self) -> None:
        """Wait for processes without a postmaster: while they hold its memory, no other server may use the data."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while remaining := await asyncio.to_thread(postmaster.processes_in, self._dir.pgdata):
            waited_s = loop.time() - started
            if waited_s > _ORPHANS_TIMEOUT_S:
                pids = ", ".join(str(process.pid) for process in remaining)
                raise Failure(f"Other PostgreSQL processes ({pids}) still use {self._dir.pgdata}: end them first.")
            if waited_s > _ORPHANS_PATIENCE_S:
                await asyncio.to_thread(postmaster.kill_orphans, self._dir.pgdata)
            await asyncio.sleep(_POLL_S)

    def _popen(self, program: str, *options: str | Path) -> psutil.Popen:
        """Start it in a session of its own, which a Ctrl-C at the exchange's terminal does not reach.

        Not in a thread, although it blocks for a moment: a cancellation must not find a process that nobody has noted.
        """
        assert self._account is not None
        assert self._bin_dir is not None
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        log_fd = self._dir.open_log()
        try:
            return psutil.Popen(
                [self._bin_dir / program, *options],
                stdin=subprocess.DEVNULL,
                stdout=log_fd,
                stderr=log_fd,
                cwd="/",
                env=environment | {"LC_ALL": "C"},
                start_new_session=True,
                umask=0o077,
                **self._account.credentials(),
            )
        finally:
            os.close(log_fd)

    def _failure(self, what: str) -> Failure:
        return Failure(f"{what}: {self._dir.last_words()} (see {self._dir.log}).")


@asynccontextmanager
async def attached(data_dir: Path) -> AsyncIterator[str]:
    """The dsn of the server of `data_dir`: the running one, else one that runs, quietly, as long as this context."""
    server = EmbeddedPostgres(data_dir)
    if await server.join():
        yield server.dsn
        return
    await server.start()
    try:
        yield server.dsn
    finally:
        await server.stop()


async def _has_ended(process: psutil.Process, timeout_s: float = math.inf) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while postmaster.is_alive(process):
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


@contextmanager
def _in_a_sentence(data_dir: Path, *, but: frozenset[int] = frozenset()) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in but:
            raise
        where = f" ({error.filename})" if error.filename else ""
        raise Failure(f"PostgreSQL cannot run in {data_dir}: {error.strerror or error}{where}.") from error
