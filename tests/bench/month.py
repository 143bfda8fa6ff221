"""A month in an hour: `python -m tests.bench.month --orders 10000000` trades with retention on, and shows the disk.

The orders are those of thirty days, one after the other. After each day the history of all but the last seven is
dropped with `exchange journal prune`. Each line of the report is a day: how fast its orders were answered, the size of
the database and of the data directory once the tables have caught up and the history was dropped, and how long that
took. The exchange is stopped and started again when the first history was dropped, and after the last day.

Half of the orders rest, and the other half takes them, so two orders make a trade. A partition has the orders of half a
day, where a real one has a million. It exits with 1 if the database has grown by more than a tenth from the days after
the first dropping to the last days, or if the last start took more than half as long again as the first, and more than
two seconds longer. Leaves out: client order ids, of which a million are remembered, and whose orders stay for as long.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import click

DAYS = 30
KEPT_DAYS = 7
BATCH = 100
# Of each client: the market, the price, with two digits that change, and the quantity.
CLIENTS = (("SOL_USDC", "100.{:02}", "0.01"), ("JUP_USDC", "1.{:02}", "1"), ("BONK_USDC", "0.0000{:02}1", "1000000"))
BALANCES = {"SOL": "100000000", "JUP": "100000000", "BONK": "100000000000000", "USDC": "10000000000"}
GROWTH_MAX = 1.10
START_GROWTH_MAX = 1.5
START_MORE_MAX_S = 2.0
PATIENCE_S = 900.0
MINUTE_DAYS = 0.0007  # a little more than the least that retention may be
POLL_S = 0.2
KINDS = ("journal_days", "closed_orders_days", "trades_days")
# The program that serves, with smaller partitions than a real one has.
SERVE = "from exchange.store import partitions; partitions.ROWS = {rows}; from exchange.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Day:
    """What one day came to."""

    orders_a_second: float
    database_mib: float
    directory_mib: float
    pruned_s: float


class Exchange:
    """An exchange on a data directory of its own."""

    def __init__(self, place: Path, rows: int) -> None:
        self._data = place / "data"
        self._ready = place / "ready.json"
        self._log = place / "log"
        self._rows = rows
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> float:
        """Start it; how many seconds it took until it was ready."""
        self._ready.unlink(missing_ok=True)
        began = time.monotonic()
        where = ["--data-dir", str(self._data), "--port", "0", "--ws-port", "0", "--ready-file", str(self._ready)]
        with self._log.open("ab") as log:
            command = [sys.executable, "-c", SERVE.format(rows=self._rows), "serve", *where]
            # A month may share its machine with much else, and an order without an answer would end it.
            patient = os.environ | {"EXCHANGE_ENGINE_REPLY_TIMEOUT_S": f"{PATIENCE_S:.0f}"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=patient)
        while not self._ready.exists():
            if self._process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                raise click.ClickException(f"The exchange did not start. Its log ends with: {self._said()}")
            time.sleep(POLL_S / 10)
        took_s = time.monotonic() - began
        self.url = json.loads(self._ready.read_text(encoding="utf-8"))["url"]
        return took_s

    def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_S)

    def prune(self, days: float) -> float:
        """Drop what is older than so many days; how many seconds it took."""
        began = time.monotonic()
        kept = {f"EXCHANGE_RETENTION_{name}".upper(): f"{days:.9f}" for name in KINDS}
        self._run("journal", "prune", "--data-dir", str(self._data), environment=kept)
        return time.monotonic() - began

    def check(self) -> str:
        """The word of `exchange check --replay` on the stopped exchange."""
        return self._run("check", "--replay", "--data-dir", str(self._data))

    def sizes_mib(self) -> tuple[float, float]:
        """The database as PostgreSQL counts it, and everything in the data directory."""
        query = "SELECT pg_database_size(current_database())"
        psql = ("psql", "--no-align", "--tuples-only", "--command", query)
        database = int(self._run("postgres", "--data-dir", str(self._data), *psql))
        files = [Path(folder) / name for folder, _, names in os.walk(self._data) for name in names]
        directory = sum(_size(file) for file in files)
        return database / (1 << 20), directory / (1 << 20)

    def _run(self, *words: str, environment: dict[str, str] | None = None) -> str:
        command = [sys.executable, "-m", "exchange", *words]
        ended = subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, text=True)
        if ended.returncode:
            raise click.ClickException(f"exchange {' '.join(words[:2])}: {ended.stderr.strip()[-500:]}")
        return ended.stdout.strip()

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8")[-500:]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # PostgreSQL has just removed it
        return 0


class Traders:
    """Those who trade, in batches of one user each."""

    def __init__(self, session: aiohttp.ClientSession, exchange: Exchange) -> None:
        self._session = session
        self._exchange = exchange

    async def fund(self) -> None:
        """Make the users, with more than enough."""
        for market, _, _ in CLIENTS:
            for side in ("maker", "taker"):
                await self._call("POST", "/admin/users", {"user_id": f"{side}-{market}", "balances": BALANCES})

    async def day(self, orders: int) -> float:
        """So many orders; how many were answered in a second."""
        began = time.monotonic()
        pairs = max(1, orders // BATCH // 2 // len(CLIENTS))
        await asyncio.gather(*(self._client(*client, pairs) for client in CLIENTS))
        return pairs * len(CLIENTS) * BATCH * 2 / (time.monotonic() - began)

    async def _client(self, market: str, price: str, quantity: str, pairs: int) -> None:
        """So many batches of resting orders, each followed by a batch that takes them."""
        for turn in range(pairs):
            sides = ("sell", "buy") if turn % 2 else ("buy", "sell")
            for who, side in zip(("maker", "taker"), sides, strict=True):
                order = {"market": market, "side": side, "order_type": "limit", "quantity": quantity}
                order["price"] = price.format(turn % 100)
                body = {"user_id": f"{who}-{market}", "orders": [order] * BATCH}
                results = (await self._call("POST", "/orders", body))["results"]
                refused = [result for result in results if "code" in result]
                if refused:
                    raise click.ClickException(f"An order was refused: {refused[0]}")

    async def caught_up(self) -> None:
        """Wait until the tables have everything."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            async with self._session.get(f"{self._exchange.url}/metrics") as reply:
                text = await reply.text()
            [lag] = [line for line in text.splitlines() if line.startswith("exchange_projection_lag ")]
            if float(lag.split()[1]) == 0:
                return
            await asyncio.sleep(POLL_S)
        raise click.ClickException("The tables did not catch up.")

    async def _call(self, method: str, path: str, body: Any) -> Any:
        async with self._session.request(method, self._exchange.url + path, json=body) as reply:
            answer = await reply.json()
            if reply.status != 200:
                raise click.ClickException(f"{method} {path}: {answer}")
            return answer


async def month(exchange: Exchange, orders: int, days: int) -> tuple[list[Day], float, float]:
    """All days, how long the start after the first dropping took, and how long the last one."""
    made: list[Day] = []
    ended: list[float] = []
    first_start_s = 0.0
    exchange.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
        traders = Traders(session, exchange)
        await traders.fund()
        for number in range(days):
            rate = await traders.day(orders // days)
            ended.append(time.time())
            await traders.caught_up()
            pruned_s = 0.0
            if number >= KEPT_DAYS:
                kept_days = max((time.time() - ended[number - KEPT_DAYS]) / 86_400, MINUTE_DAYS)
                pruned_s = await asyncio.to_thread(exchange.prune, kept_days)
            made.append(Day(rate, *await asyncio.to_thread(exchange.sizes_mib), pruned_s))
            _show(number + 1, made[-1])
            if number == KEPT_DAYS:
                first_start_s = await asyncio.to_thread(_restart, exchange)
    return made, first_start_s, _restart(exchange)


def _restart(exchange: Exchange) -> float:
    exchange.stop()
    took_s = exchange.start()
    click.echo(f"       restarted in {took_s:.1f} s")
    return took_s


def _show(number: int, day: Day) -> None:
    sizes = f"database {day.database_mib:7.0f} MiB, directory {day.directory_mib:7.0f} MiB"
    click.echo(f"day {number:2}: {day.orders_a_second:7.0f} orders/s, {sizes}, dropped in {day.pruned_s:5.1f} s")


def verdict(made: list[Day], first_start_s: float, last_start_s: float) -> list[str]:
    """What is not as it should be."""
    wrong = []
    after = [day.database_mib for day in made[KEPT_DAYS:]]
    third = max(1, len(after) // 3)
    begin, end = median(after[:third]), median(after[-third:])
    if end > begin * GROWTH_MAX:
        wrong.append(f"The database has grown from {begin:.0f} to {end:.0f} MiB with retention on.")
    if last_start_s > max(first_start_s * START_GROWTH_MAX, first_start_s + START_MORE_MAX_S):
        wrong.append(f"The last start took {last_start_s:.1f} s, the first {first_start_s:.1f} s.")
    return wrong


@click.command()
@click.option("--orders", default=1_000_000, show_default=True, help="Of all days together.")
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(min=KEPT_DAYS + 3))
def main(orders: int, days: int) -> None:
    """Trade for a month, with retention on."""
    with TemporaryDirectory(prefix="exchange-month-") as place:
        Path(place).chmod(0o755)  # for the user that PostgreSQL runs as, where this is root
        exchange = Exchange(Path(place), rows=max(BATCH, orders // days // 2))
        try:
            made, first_start_s, last_start_s = asyncio.run(month(exchange, orders, days))
            exchange.stop()
            click.echo(exchange.check().splitlines()[-1])
        finally:
            exchange.stop()
    wrong = verdict(made, first_start_s, last_start_s)
    for sentence in wrong:
        click.echo(sentence)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
