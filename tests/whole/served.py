"""A real `exchange serve` as a process: start, wait until it is ready, stop, and its output."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.patience import PATIENCE_S
from tests.whole.made_once import data_directory

POLL_S = 0.01
EXCHANGE = str(Path(sys.executable).with_name("exchange"))

CONFIG = """
[server]
port = 0
ws_port = 0

[[assets]]
symbol = "USDC"
decimals = 6
"""
ASSET = """
[[assets]]
symbol = "{base}"
decimals = 9
"""
MARKET = """
[[markets]]
symbol = "{base}_USDC"
tick_size = "0.01"
lot_size = "0.0001"
min_notional = "{min_notional}"
maker_fee = "{maker_fee}"
taker_fee = "{taker_fee}"
max_open_orders = {max_open_orders}
"""
USER = """
[[users]]
id = "seeded"
balances = { USDC = "1000" }
"""


def market_text(
    base: str, *, min_notional: str = "0.1", maker_fee: str = "0", taker_fee: str = "0", max_open_orders: int = 1000
) -> str:
    """An asset and its market against USDC, as configuration."""
    return ASSET.format(base=base) + MARKET.format(
        base=base,
        min_notional=min_notional,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        max_open_orders=max_open_orders,
    )


def command(
    *arguments: str, environment: dict[str, str] | None = None, shell: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The `exchange` command, run to its end in an empty directory; by a shell, `"$0" "$@"` is the command."""
    program = [] if shell is None else ["sh", "-c", shell]
    with directory() as place:
        process = subprocess.Popen(
            [*program, EXCHANGE, *arguments],
            cwd=place,
            env=plain_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # by force it would leave its PostgreSQL behind
            said = "".join(process.communicate(timeout=PATIENCE_S))
            raise AssertionError(f"exchange {' '.join(arguments)} did not end: {said}") from None
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def one_sentence(ended: subprocess.CompletedProcess[str]) -> bool:
    """Whether the command ended with one line for a person, beside what it logs as JSON while it starts."""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    return (
        len(lines) == 1
        and lines[0].startswith("exchange: ")
        and lines[0].endswith(".")
        and "Traceback" not in ended.stderr + ended.stdout
    )


def plain_environment() -> dict[str, str]:
    """Ours, without a developer's own settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith("EXCHANGE_")}


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A directory that PostgreSQL's user can reach too: pytest's own is closed to all but its maker."""
    place = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


class Served:
    """One exchange: its directory, and its process while it runs."""

    def __init__(self, place: Path, config: str, *, ephemeral: bool = False) -> None:
        self.place = place
        self.data_dir = place / "data"
        self.config = place / "config.toml"
        self.config.write_text(config, encoding="utf-8")
        self.url = self.ws_url = ""
        self.port = 0  # a free one at each start
        self.environment = plain_environment()
        self._ephemeral = ephemeral
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def arguments(self) -> Sequence[str]:
        """What follows `exchange`, without the ready file."""
        where = ["--ephemeral"] if self._ephemeral else ["--data-dir", str(self.data_dir)]
        return ["serve", "--config", str(self.config), "--port", str(self.port), *where]

    def start(self) -> "Served":
        """Return when it is ready."""
        self._starts += 1
        if not self._ephemeral:
            data_directory(self.data_dir)
        ready = self.place / f"ready-{self._starts}.json"
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(
                [EXCHANGE, *self.arguments(), "--ready-file", str(ready)],
                cwd=self.place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE_S
        while not ready.exists():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(POLL_S)
        addresses = json.loads(ready.read_text(encoding="utf-8"))
        self.url, self.ws_url = addresses["url"], addresses["ws_url"]
        return self

    def send(self, number: signal.Signals) -> None:
        """Signal the process."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and return its exit code."""
        self.send(number)
        return self.wait()

    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """Everything the process has printed since its last start."""
        return self._log().read_text(encoding="utf-8", errors="replace")

    def postgres(self) -> list[int]:
        """The PostgreSQL processes that work in its data directory."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.name() == "postgres" and Path(process.cwd()).is_relative_to(self.data_dir):
                    found.append(process.pid)
        return found

    def end(self) -> None:
        """Leave nothing running, whatever the test has done."""
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _log(self) -> Path:
        return self.place / f"exchange-{self._starts}.log"


@contextlib.contextmanager
def served(config: str, *, ephemeral: bool = False) -> Iterator[Served]:
    """An exchange that has been started, and is ended with the context."""
    with directory() as place:
        exchange = Served(place, config, ephemeral=ephemeral)
        try:
            yield exchange.start()
        finally:
            exchange.end()
