"""`exchange serve` as a child process that may be killed and is started again whenever it ends, as by a supervisor."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from pathlib import Path

from exchange.client import ApiKey
from exchange.failure import Failure
from exchange.torture.patience import Silence, patiently
from exchange.torture.record import End, History
from exchange.torture.small import STACKS

AGAIN_S = 0.1  # the pause before an exchange that ended by itself is started again
START_S = 60.0
STOP_S = 30.0
READY_POLL_S = 0.02
PORTS = range(
    20_000, 30_000
)  # below the ports that the system assigns: this one must stay free between two lives of the exchange

PROGRAM = ("-m", "exchange.torture.small")
JOURNAL_DAYS = "0.0007"  # a minute, about the shortest time there may be
CONFIG = """\
[server]
port = {port}
ws_port = 0

[auth]
mode = "{mode}"

[limits]
requests_per_s = 1000000.0
requests_burst = 1000000
user_requests_per_s = 1000000.0
user_requests_burst = 1000000
orders_per_s = 1000000.0
orders_burst = 1000000
frames_per_s = 1000000.0
connections_per_address = 1000000

[database]
url = {url}
commit_timeout_s = 1.0

[faucet]
enabled = true
interval_s = 1
amounts = {{ USDC = "25" }}

[filters]
max_open_orders = 15

[[assets]]
symbol = "SOL"
decimals = 6

[[assets]]
symbol = "BTC"
decimals = 8

[[assets]]
symbol = "USDC"
decimals = 6

[[markets]]
symbol = "SOL_USDC"
tick_size = "0.01"
lot_size = "0.001"
min_notional = "0.1"
maker_fee = "0.001"
taker_fee = "0.002"
filters = {{ max_quantity = "1.9" }}

[[markets]]
symbol = "BTC_USDC"
tick_size = "0.01"
lot_size = "0.001"
maker_fee = "-0.000111"
taker_fee = "0.000333"
fee_asset = "quote"
max_fills_per_order = 2
"""


def free_port() -> int:
    """A port that stays free between two starts."""
    for port in random.sample(PORTS, 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise Failure("No port is free between 20000 and 30000.")


class Server:
    """One exchange in `place`, on the database of `url`, in an auth mode. Ends without a signal go into the history."""

    def __init__(self, place: Path, url: str, history: History, mode: str = "dev") -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}/ws"
        self.starts = 0
        self.log = place / "exchange.log"
        self._stacks = place / "stacks.txt"
        self._place = place
        self._config = place / "config.toml"
        self._config.write_text(CONFIG.format(port=port, url=json.dumps(url), mode=mode), encoding="utf-8")
        self._history = history
        self._process: asyncio.subprocess.Process | None = None
        self._runs = asyncio.Event()
        self._killed = False
        self._stopping = False

    async def admin_key(self) -> ApiKey:
        """The first key of an administrator, made while the exchange does not run. Raises Failure."""
        await self._command("user", "create", "root")
        made = json.loads(await self._command("key", "create", "root", "--type", "hmac", "--permissions", "admin"))
        return ApiKey.hmac(made["api_key"], made["secret"])

    async def _command(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PROGRAM, *arguments, "--config", str(self._config)),
            cwd=self._place,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        if process.returncode != 0:
            raise Failure(f"The torture cannot begin: {complaint.decode(errors='replace').strip()}")
        return said.decode()

    async def keep_running(self) -> None:
        """Start it, and start it again whenever it ends, until `stop`. No process remains after cancellation."""
        while not self._stopping:
            said_before = self.log.stat().st_size if self.log.exists() else 0
            self._killed = False
            self._process = await self._spawn(self.log, **{STACKS: str(self._stacks)})
            self._runs.set()
            self.starts += 1
            try:
                exit_code = await self._process.wait()
            finally:
                self._runs.clear()
                if self._process.returncode is None:
                    self._process.kill()
                    await self._process.wait()
            if not (self._killed or self._stopping):
                said = await asyncio.to_thread(_last_line, self.log, said_before)
                self._history.ends.append(End(exit_code, said))
                await asyncio.sleep(AGAIN_S)

    async def kill(self) -> None:
        """Kill the process, also while it is starting; each process is killed once."""
        await self._runs.wait()
        self._runs.clear()
        assert self._process is not None
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> int:
        """Stop it with SIGTERM; returns its exit code."""
        self._stopping = True
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    async def second_start(self) -> End:
        """Start a second one on the same database; returns how it ended. If it did start, it is stopped."""
        log, ready = self._place / "second.log", self._place / "second.json"
        log.unlink(missing_ok=True)
        ready.unlink(missing_ok=True)
        options = ("--port", "0", "--ready-file", str(ready))
        process = await self._spawn(log, *options, EXCHANGE_DATABASE_LOCK_TIMEOUT_S="0.3")
        ended = asyncio.ensure_future(process.wait())

        async def ended_or_ready() -> None:
            while not ended.done() and not ready.exists():
                await asyncio.wait({ended}, timeout=READY_POLL_S)

        try:
            with contextlib.suppress(Silence):
                await patiently(ended_or_ready(), START_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            exit_code = await ended
        return End(exit_code, "it started" if ready.exists() else _last_line(log, 0))

    async def stacks(self, patience_s: float) -> str:
        """Where every thread and every task of the exchange is, as far as it can still say."""
        if self._process is None or self._process.returncode is not None:
            return "it does not run"
        before = self._stacks.stat().st_size if self._stacks.exists() else 0
        self._process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(patience_s)
        return self._stacks.read_bytes()[before:].decode(errors="replace") if self._stacks.exists() else ""

    def last_lines(self, count: int) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])

    async def check(self, url: str) -> tuple[int, str]:
        """Run `exchange check --replay`; returns its exit code and its output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PROGRAM, "check", "--config", str(self._config)),
            *("--database-url", url, "--replay"),
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode(errors="replace").strip()

    async def pruning(self, url: str) -> asyncio.subprocess.Process:
        """A pruning of the journal that has just begun."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *PROGRAM, "journal", "prune", "--config", str(self._config), "--database-url", url),
            cwd=self._place,
            env=_environment() | {"EXCHANGE_RETENTION_JOURNAL_DAYS": JOURNAL_DAYS},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _spawn(self, log: Path, *options: str, **environment: str) -> asyncio.subprocess.Process:
        with log.open("ab") as file:
            # A session of its own: a Ctrl-C reaches the torture, which then stops the exchange.
            return await asyncio.create_subprocess_exec(
                *(sys.executable, *PROGRAM, "serve", "--config", str(self._config), *options),
                cwd=self._place,
                env=_environment() | environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )


class Pruner:
    """Prunes the journal of a database beside the exchange."""

    def __init__(self, server: Server, url: str) -> None:
        self._server = server
        self._url = url

    async def prune(self, killed_after_s: float | None) -> End:
        """Drop all that is older than a minute; killed after so long, if it is a number."""
        process = await self._server.pruning(self._url)
        try:
            said, _ = await asyncio.wait_for(process.communicate(), killed_after_s or START_S)
        except TimeoutError:
            said = b""
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            exit_code = await process.wait()
        lines = said.decode(errors="replace").strip().splitlines()
        return End(exit_code, lines[-1] if lines else "")


def _last_line(log: Path, start: int) -> str:
    lines = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
    if any("Traceback" in line for line in lines):
        return "\n".join(lines[-40:])
    return lines[-1] if lines else ""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
