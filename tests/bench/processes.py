"""The processes of a run: the exchange, the limit server and the generator. None shares a loop with another."""

import asyncio
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import orjson

from exchange.runtime import compiled
from tests.bench.figure import UnmeasuredError
from tests.bench.flow import MARKET
from tests.bench.load import Job, Slice

ROOT = Path(__file__).resolve().parents[2]
OUTPUT_DIR = ROOT / ".bench"

READY_TIMEOUT_S = 120.0  # a first start makes a database cluster
STOP_TIMEOUT_S = 30.0
LOAD_TIMEOUT_S = 60.0  # beyond what the job itself takes
POLL_S = 0.02
LOG_TAIL_LINES = 5

BASE, QUOTE = MARKET.split("_")
# Nothing of the flow may be refused, so the bound on open orders is out of its reach; the rest is as shipped.
CONFIG = """\
[server]
host = "127.0.0.1"

[database]
data_dir = {data_dir}

[auth]
mode = "dev"

[[assets]]
symbol = "{base}"
decimals = 9

[[assets]]
symbol = "{quote}"
decimals = 6

[[markets]]
symbol = "{market}"
tick_size = "0.01"
lot_size = "0.0001"
min_notional = "0.1"
maker_fee = "0"
taker_fee = "0"
max_open_orders = 1000000
"""

# Where nothing else trades: one whose makers are swept, one whose book is deep.
SWEPT, DEEP = f"SWEPT_{QUOTE}", f"DEEP_{QUOTE}"
APART = """
[[assets]]
symbol = "{base}"
decimals = 9

[[markets]]
symbol = "{base}_{quote}"
tick_size = "0.01"
lot_size = "0.0001"
min_notional = "0.1"
maker_fee = "0"
taker_fee = "0"
max_open_orders = 1000000
"""

MORE = """
[[assets]]
symbol = "{base}"
decimals = 9

[[markets]]
symbol = "{base}_{quote}"
tick_size = "0.01"
lot_size = "0.0001"
"""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready; the limit has no address of its own for sockets."""

    url: str
    ws_url: str
    pid: int


def raise_open_files() -> None:
    """As many open files as there may be: thousands of sockets, here and in the processes started from here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def scratch_dir() -> Iterator[Path]:
    """Files of this run only. Under the project, like the exchange's own data: a system's /tmp may be in memory."""
    OUTPUT_DIR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=OUTPUT_DIR) as name:
        scratch = Path(name)
        # Where root runs the bench, PostgreSQL runs as an ordinary user, who must be able to walk through here.
        scratch.chmod(0o755)
        yield scratch


async def in_a_process(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a function that runs alone in a fresh process, on the compiled build if this process uses it."""
    initializer = compiled.use if compiled.in_use() else None
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=initializer) as pool:
        return await asyncio.wrap_future(pool.submit(work, *args, **kwargs))


def write_config(scratch: Path, markets: str = "") -> Path:
    """The configuration of the bench, in `scratch`; one with more `markets` in a file of its own."""
    config = scratch / ("markets.toml" if markets else "config.toml")
    data_dir = json.dumps(str(scratch / "exchange"))
    apart = "".join(APART.format(base=market.partition("_")[0], quote=QUOTE) for market in (SWEPT, DEEP))
    config.write_text(CONFIG.format(data_dir=data_dir, base=BASE, quote=QUOTE, market=MARKET) + apart + markets)
    return config


def more_markets(count: int) -> str:
    """The configuration of so many markets beside the usual one: those of `flow.market_of`."""
    return "".join(MORE.format(base=f"M{number}", quote=QUOTE) for number in range(count))


def exchange_command(scratch: Path, *options: str, markets: str = "", python: Path = Path(sys.executable)) -> list[str]:
    """The command of an exchange; one that keeps nothing, unless `options` say where its database is.

    `python` is that of the environment in which the exchange is installed.
    """
    binary = python.with_name("exchange")
    listen = ["--config", str(write_config(scratch, markets)), "--port", "0", "--ws-port", "0"]
    return [str(binary), "serve", *listen, *(options or ["--ephemeral"])]


def ticking_command(scratch: Path, dsn: str, output: Path) -> list[str]:
    """The command of an exchange on that database whose loop is listened to: see `tests.bench.ticking`."""
    options = ["--config", str(write_config(scratch)), "--database-url", dsn, "--pauses", str(output)]
    return [sys.executable, "-m", "exchange.runtime.compiled", "tests.bench.ticking", *options]


def limit_command() -> list[str]:
    """The command of the handler that does nothing."""
    return [sys.executable, "-m", "tests.bench.limit"]


def bare_command() -> list[str]:
    """The command of the protocol that does nothing."""
    return [sys.executable, "-m", "tests.bench.bare"]


@asynccontextmanager
async def serving(command: Sequence[str], name: str, scratch: Path, root: Path = ROOT) -> AsyncIterator[Server]:
    """Run a server and yield its address, which it writes into its `--ready-file`; end it by SIGTERM, or by force."""
    ready_file, log = scratch / f"{name}.json", scratch / f"{name}.log"
    # A developer's own settings must not reach the exchange that is measured.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EXCHANGE_")}
    with log.open("wb") as output:
        ready_file.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *command,
            "--ready-file",
            str(ready_file),
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal must not reach it before us, or our SIGTERM would be its second signal.
            start_new_session=True,
        )
    try:
        yield await _ready(process, name, ready_file, log)
    finally:
        await _end(process)


async def _ready(process: asyncio.subprocess.Process, name: str, ready_file: Path, log: Path) -> Server:
    give_up_at = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if process.returncode is not None:
            raise UnmeasuredError(f"{name} ended with code {process.returncode}: {tail(log)}")
        if announced := _announced(ready_file):
            url = announced["url"]
            return Server(url, announced.get("ws_url", url), process.pid)
        await asyncio.sleep(POLL_S)
    raise UnmeasuredError(f"{name} was not ready within {READY_TIMEOUT_S:.0f} s: {tail(log)}")


def _announced(ready_file: Path) -> dict[str, str] | None:
    try:
        announced: dict[str, str] = orjson.loads(ready_file.read_bytes())
        return announced
    except (FileNotFoundError, orjson.JSONDecodeError):  # not written yet, or only in part
        return None


def tail(log: Path) -> str:
    """The end of a log, in one line."""
    return " / ".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]) or "it said nothing"


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def run_load(job: Job) -> Slice:
    """Run one job of the load generator that fits its address."""
    module = "tests.bench.socket_load" if job.url.startswith("ws") else "tests.bench.load"
    return await run_job(module, job, Slice, LOAD_TIMEOUT_S + (job.duration_s or 0.0))


async def run_job(module: str, job: msgspec.Struct, result: type[T], timeout_s: float = LOAD_TIMEOUT_S) -> T:
    """Run one job in a fresh generator: nothing of the slice before is left in its memory."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, complaint = await process.communicate(msgspec.json.encode(job))
    except TimeoutError:
        raise UnmeasuredError(f"the generator did not end within {timeout_s:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise UnmeasuredError(f"the generator failed: {''.join(last) or 'it said nothing'}")
    return msgspec.json.decode(output, type=result)
