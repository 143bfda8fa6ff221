"""docs/operations.md: its blocks run as they are written, on an exchange that trades in keys mode."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange import cli
from exchange.client import ApiKey, Client
from exchange.postgres import binaries, tools
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.databases import Server

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
ORDER = ["copy", "restore the copy", "dump", "restore the dump", "restore it elsewhere"]
RUN = dict(zip(ORDER, BLOCKS[: len(ORDER)], strict=True))
BIN = Path(sys.executable).parent
CONFIG = served.CONFIG + served.market_text("SOL") + '\n[auth]\nmode = "keys"\n'


class Operator:
    """Who follows the page, beside an exchange."""

    def __init__(self, exchange: served.Served) -> None:
        self.exchange = exchange
        self.place = exchange.place
        self._path = f"{BIN}:{os.environ['PATH']}"

    def does(self, name: str, **variables: str) -> str:
        """What a block prints."""
        return self.runs(RUN[name], **variables)

    def runs(self, text: str, **variables: str) -> str:
        environment = served.plain_environment() | {"PATH": self._path, "HOME": str(self.place)} | variables
        done = subprocess.run(
            ["bash", "-euc", text],
            cwd=self.place,
            env=environment,
            text=True,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def has_keys(self) -> None:
        """Make an administrator and a user with a key, on the stopped exchange."""
        self.runs(
            "umask 077; exchange user create root; exchange user create alice --balance USDC=1000\n"
            "exchange key create root --type hmac --permissions admin > root.json\n"
            "exchange key create alice --type hmac --permissions read,trade > alice.json"
        )

    def bids(self, price: str) -> None:
        """Place an order as alice."""

        async def place() -> None:
            async with Client(self.exchange.url, key=ApiKey.load(self.place / "alice.json")) as client:
                bid = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": price, "quantity": "1"}
                assert (await client.place(bid))["status"] == "open"

        asyncio.run(place())

    def open_bids(self) -> list[str]:
        """The prices of alice's open orders."""

        async def ask() -> list[str]:
            async with Client(self.exchange.url, key=ApiKey.load(self.place / "alice.json")) as client:
                return [str(order["price"]) for order in await client.open_orders()]

        return asyncio.run(ask())


@pytest.fixture
def operator() -> Iterator[Operator]:
    with served.directory() as place:
        exchange = served.Served(place, CONFIG)
        exchange.data_dir = place / ".exchange"
        try:
            yield Operator(exchange)
        finally:
            exchange.end()


def test_a_copy_of_the_running_server_brings_back_what_was_acknowledged(operator: Operator) -> None:
    exchange = operator.exchange
    operator.has_keys()
    exchange.start()
    operator.bids("10.01")
    operator.does("copy")
    operator.bids("10.02")  # after the backup
    assert exchange.stop() == 0
    shutil.rmtree(operator.place / ".exchange")
    assert operator.does("restore the copy").startswith("all is right")
    exchange.start()
    assert operator.open_bids() == ["10.01"]
    operator.bids("10.03")
    assert exchange.stop() == 0
    assert operator.runs("exchange check --replay").startswith("all is right")


def test_a_dump_can_be_restored_here_and_elsewhere(operator: Operator, server: Server) -> None:
    exchange = operator.exchange
    operator.has_keys()
    exchange.start()
    operator.bids("10.01")
    assert exchange.stop() == 0
    operator.runs("mkdir safe; cp -p .exchange/master.key safe/")
    operator.does("dump")
    assert operator.does("restore the dump").startswith("all is right")
    url = server.dsn(asyncio.run(server.create()))
    path = f"{binaries.installed_programs()}:{BIN}:{os.environ['PATH']}"
    assert operator.does("restore it elsewhere", URL=url, PATH=path).startswith("all is right")
    exchange.data_dir = operator.place / "restored"
    exchange.start()
    assert operator.open_bids() == ["10.01"]
    assert exchange.stop() == 0


def test_tools_say_in_a_sentence_what_is_wrong() -> None:
    ended = served.command("postgres", "--data-dir", "nothing", "psql")
    assert ended.returncode == 1
    assert "There is no exchange in" in ended.stderr
    assert served.one_sentence(ended)
    ended = served.command("postgres", "psql", environment={"EXCHANGE_DATABASE_URL": "postgresql://nowhere/x"})
    assert ended.returncode == 2
    assert served.one_sentence(ended)
    with served.directory() as place:
        (place / "pgdata").mkdir()
        ended = served.command("postgres", "--data-dir", str(place), "--new", "psql")
    assert ended.returncode == 2
    assert served.one_sentence(ended)


def test_the_command_offers_the_tools_that_there_are() -> None:
    assert cli.TOOLS == tools.TOOLS
    programs = binaries.installed_programs()
    assert [name for name in tools.TOOLS if not (programs / name).is_file()] == []
