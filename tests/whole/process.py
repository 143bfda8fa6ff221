"""`exchange serve` as a process that tests may kill: always the same data directory, always the same port.

Nothing here waits for a time to pass; it waits for facts, with bounds that only say when to give up.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]

from exchange.postgres import postmaster
from exchange.postgres.embedded import attached
from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.whole.made_once import data_directory

POLL_S = 0.005
EXCHANGE = str(Path(sys.executable).with_name("exchange"))

BACKEND = "SELECT pid FROM pg_stat_activity WHERE $1 IN (application_name, backend_type) AND pid <> $2 LIMIT 1"

MARKET = "BTC_USD"
# As the recordings need it: cents, satoshi, no bound that they would reach. With fees, so that these are judged too.
CONFIG = """\
[server]
port = {port}
ws_port = 0

[database]
{database}

[[assets]]
symbol = "BTC"
decimals = 11

[[assets]]
symbol = "USD"
decimals = 13

[[markets]]
symbol = "BTC_USD"
tick_size = "0.01"
lot_size = "0.00000001"
min_notional = "0"
maker_fee = "0.001"
taker_fee = "0.002"
min_price = "0"
max_open_orders = 1000000
"""


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user can reach too; when it goes, so does every PostgreSQL in it."""
    place = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        for process in postgres_in(place):
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(PATIENCE_S)
        shutil.rmtree(place)


def postgres_in(place: Path) -> list[psutil.Process]:
    """Every living PostgreSQL process that works somewhere in `place`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if (
                process.name() == "postgres"
                and process.status() != psutil.STATUS_ZOMBIE
                and Path(process.cwd()).is_relative_to(place)
            ):
                found.append(process)
    return found


async def until(ask: Callable[[], Awaitable[object]], patience_s: float = PATIENCE_S, poll_s: float = POLL_S) -> None:
    """Return when the answer is yes."""
    async with asyncio.timeout(patience_s):
        while True:
            if await ask():
                return
            await asyncio.sleep(poll_s)


async def gone(process: psutil.Process, patience_s: float = PATIENCE_S) -> None:
    """Return when the process has ended."""

    async def has_ended() -> bool:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)

    with contextlib.suppress(psutil.NoSuchProcess):
        await until(has_ended, patience_s)


def new_seed() -> int:
    """What chance decides is printed, and KILL_SEED=… decides it again."""
    seed = int(os.environ.get("KILL_SEED") or random.randrange(2**32))
    print(f"KILL_SEED={seed}")
    return seed


class Exchange:
    """One exchange in `place`: its files, and its process while it runs."""

    def __init__(
        self,
        place: Path,
        *,
        database: str = "",
        environment: dict[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.place = place
        self.data_dir = place / "data"
        self.config = place / "config.toml"
        self.log = place / "exchange.log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._embedded = not database and "--ephemeral" not in options
        database = database or f"data_dir = {json.dumps(str(self.data_dir))}"
        self.config.write_text(CONFIG.format(port=port, database=database), encoding="utf-8")
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("EXCHANGE_")}
        self.environment |= environment or {}
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def launch(self, *, output: int | None = None, shell: str = "") -> Path:
        """Start it; the file that will be there when it is ready.

        `output` is where it writes instead of the log, `shell` a command line that runs its arguments.
        """
        self._starts += 1
        ready = self.place / f"ready-{self._starts}.json"
        with self.log.open("ab") as file:
            log = file.fileno() if output is None else output
            self._process = subprocess.Popen(
                [
                    *(("/bin/sh", "-c", shell) if shell else ()),
                    EXCHANGE,
                    "serve",
                    "--config",
                    str(self.config),
                    "--ready-file",
                    str(ready),
                    *self._options,
                ],
                cwd=self.place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return ready

    def start(self, *, output: int | None = None, shell: str = "") -> None:
        """Start it, and return when it is ready."""
        if self._embedded:
            data_directory(self.data_dir)
        ready = self.launch(output=output, shell=shell)
        assert self._process is not None
        until = time.monotonic() + PATIENCE_S
        while not ready.exists():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(POLL_S)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return self.wait()

    def kill(self) -> None:
        """What a power cut does to a process."""
        assert self.running(), self.said()
        self.stop(signal.SIGKILL)

    def end(self) -> None:
        """Leave no process, whatever the test has done."""
        if self.running():
            self.kill()

    def said(self) -> str:
        """All that its processes have printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def check(self) -> subprocess.CompletedProcess[str]:
        """`exchange check --replay`, on the running exchange or the stopped one."""
        return subprocess.run(
            [EXCHANGE, "check", "--config", str(self.config), "--replay"],
            cwd=self.place,
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def launch_check(self) -> subprocess.Popen[bytes]:
        """`exchange check`, just started."""
        return subprocess.Popen(
            [EXCHANGE, "check", "--config", str(self.config)],
            cwd=self.place,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def postmaster(self) -> psutil.Process:
        """The server that works in its data directory."""
        found = postmaster.find(self.data_dir / "pgdata")
        assert found is not None
        return found


@contextlib.contextmanager
def serving(*, environment: dict[str, str] | None = None) -> Iterator[Exchange]:
    """A started exchange, in a directory of its own."""
    with directory() as place:
        exchange = Exchange(place, environment=environment)
        try:
            exchange.start()
            yield exchange
        except BaseException:
            # It may be ending, and about to say why.
            with contextlib.suppress(subprocess.TimeoutExpired):
                print(f"exit code {exchange.stop()}")
            print(exchange.said())
            raise
        finally:
            exchange.end()


class Eye:
    """Looks into the database of a running exchange, past everything that the exchange says itself."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def sees(self, sql: str, *parameters: object) -> object:
        """What the query says; None while the database cannot answer."""
        try:
            if self._connection is None or self._connection.is_closed():
                async with attached(self._exchange.data_dir) as dsn:
                    self._connection = await asyncpg.connect(dsn, timeout=PATIENCE_S)
            return await self._connection.fetchval(sql, *parameters)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return None

    async def backend(self, name: str, *, but: int = 0) -> psutil.Process:
        """A server process, by the name of its application or of its work; not the one with the pid `but`."""
        found: list[psutil.Process] = []

        async def is_found() -> bool:
            pid = await self.sees(BACKEND, name, but)
            with contextlib.suppress(psutil.NoSuchProcess):
                found.extend([psutil.Process(pid)] if pid else [])
            return bool(found)

        await until(is_found)
        return found[0]

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


@contextlib.asynccontextmanager
async def looking_into(exchange: Exchange) -> AsyncIterator[Eye]:
    """An eye on the database, closed afterwards."""
    eye = Eye(exchange)
    try:
        yield eye
    finally:
        await eye.close()
