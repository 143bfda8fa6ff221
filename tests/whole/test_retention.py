"""`exchange journal prune` beside a running exchange, on a stopped one, and as the exchange runs it itself."""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from exchange.config import Config, DatabaseConfig, RetentionConfig, load
from exchange.failure import Failure
from exchange.runtime import retention
from exchange.runtime.retention import DAY_NS, before
from exchange.store.prune import Before
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import Api

Start = Callable[[str], served.Served]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
SAID = (
    "dropped partitions: 0 of the journal, 0 of trades, 0 of closed orders; and 0 candles of a minute. "
    "The journal begins after 0\n"
)
KEEP = {
    f"EXCHANGE_RETENTION_{name}".upper(): "2"
    for name in ("journal_days", "closed_orders_days", "trades_days", "minute_candles_days")
}


async def test_it_runs_beside_an_exchange_and_on_one_that_is_stopped(start: Start) -> None:
    exchange = start(served.CONFIG + served.market_text("SOL") + served.USER)
    where = ("--config", str(exchange.config), "--data-dir", str(exchange.data_dir))
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        await api.order("seeded", "SOL_USDC", "buy 1 @ 10")
        ended = await asyncio.to_thread(served.command, "journal", "prune", *where, environment=KEEP)
        assert (ended.returncode, ended.stdout) == (0, SAID), ended.stderr
        await api.order("seeded", "SOL_USDC", "buy 1 @ 11")
    assert exchange.stop() == 0
    ended = served.command("journal", "prune", *where, environment=KEEP)
    assert (ended.returncode, ended.stdout) == (0, SAID), ended.stderr
    assert served.command("check", "--replay", *where).stdout.startswith("all is right")


def test_where_there_is_no_exchange_it_says_so() -> None:
    ended = served.command("journal", "prune", "--data-dir", "nothing")
    assert ended.returncode == 1
    assert served.one_sentence(ended)


def test_the_query_of_the_page_finds_nothing_wrong(start: Start) -> None:
    exchange = start(served.CONFIG + served.USER)
    query = re.search(r"```\n(SELECT asset, sum.*?)```", PAGE, re.DOTALL)
    assert query
    psql = ("postgres", "--data-dir", str(exchange.data_dir), "psql", "--no-align", "--tuples-only", "--command")
    assert served.command(*psql, query[1]).stdout == ""
    until = time.monotonic() + PATIENCE_S
    while served.command(*psql, "SELECT count(*) FROM postings").stdout != "2\n":  # the tables follow the journal
        assert time.monotonic() < until
        time.sleep(served.POLL_S)


async def test_the_exchange_runs_it_now_and_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        f"with open({str(told)!r}, 'a') as file:\n"
        "    file.write(json.dumps([sys.argv[1:], dict(os.environ)]) + '\\n')\n"
    )
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    monkeypatch.setattr(retention, "_program", lambda: [sys.executable, str(script)])
    monkeypatch.setenv("EXCHANGE_AUTH_MASTER_KEY", "secret")
    config = Config(database=DatabaseConfig(url="postgresql://x"), retention=RetentionConfig(trades_days=3.5))
    running = asyncio.create_task(retention.keep_pruned(config, tmp_path))
    while not told.exists() or told.read_text().count("\n") < 2:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(served.POLL_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    arguments, environment = json.loads(told.read_text().splitlines()[0])
    assert arguments[:2] == ["journal", "prune"]
    found = {name: value for name, value in environment.items() if name.startswith("EXCHANGE_")}
    assert found["EXCHANGE_RETENTION_TRADES_DAYS"] == "3.5"
    assert found["EXCHANGE_DATABASE_URL"] == "postgresql://x"
    assert found["EXCHANGE_DATABASE_DATA_DIR"] == str(tmp_path)
    assert "EXCHANGE_AUTH_MASTER_KEY" not in found
    assert load(None, found, {}).retention == config.retention


async def test_an_exchange_that_keeps_everything_runs_nothing(tmp_path: Path) -> None:
    await retention.keep_pruned(Config(), tmp_path)


def test_days_are_times_and_zero_keeps_everything() -> None:
    now_ns = 100 * DAY_NS
    assert before(RetentionConfig(), now_ns) == Before()
    assert before(RetentionConfig(journal_days=1, minute_candles_days=2.5), now_ns) == Before(
        journal_ns=99 * DAY_NS, minute_candles_ns=97 * DAY_NS + DAY_NS // 2
    )


@pytest.mark.parametrize("text", ["trades_days = -1", "journal_days = nan", "minute_candles_days = 1", "x = 1"])
def test_days_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[retention]\n{text}\n")
    with pytest.raises(Failure) as failed:
        load(path, {}, {})
    assert failed.value.exit_code == 2
