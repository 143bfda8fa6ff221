"""docs/client.md: its Python blocks run as they are written and print what they should; it names all that is public."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import exchange.client
from exchange.client import Book, Client, Socket
from exchange.testing import RunningExchange, running_exchange
from tests.patience import PATIENCE_S
from tests.whole.served import directory

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "client.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
REST, SOCKET, BOOK, NUMBERS, FIXTURE = range(5)
TYPES = {
    "Amendment",
    "Balance",
    "Candle",
    "Depth",
    "Fill",
    "Json",
    "Market",
    "Order",
    "OrderList",
    "Peg",
    "PreventedMatch",
    "Refusal",
    "Replaced",
    "Ticker",
    "Trade",
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningExchange]:
    """The exchange that the page speaks of: as it comes, on other ports."""
    with running_exchange() as started:
        yield started


def printed(block: int, running: RunningExchange) -> list[str]:
    """The lines that a block prints."""
    text = BLOCKS[block].replace("http://127.0.0.1:8080", running.url)
    with directory() as place:
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=place, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_page_has_the_blocks_that_these_tests_run() -> None:
    assert len(BLOCKS) == 5


def test_a_client_places_reads_and_cancels(running: RunningExchange) -> None:
    lines = printed(REST, running)
    assert "SOL_USDC tick 0.01 lot 0.0001" in lines
    assert [line.split()[0] for line in lines[3:]] == ["open", "best", "canceled", "OFF_TICK"]
    assert lines[4:] == ["best ask ['151.5', '2']", "canceled", "OFF_TICK 422"]


def test_a_socket_hears_of_its_orders_and_of_the_trade(running: RunningExchange) -> None:
    lines = printed(SOCKET, running)
    assert lines[0] == "orders@random1 snapshot"
    assert "orders@random1 update" in lines
    assert lines[-1] == "trade 1.2 10"


def test_a_book_follows_the_market(running: RunningExchange) -> None:
    assert printed(BOOK, running) == ["True ('0.00001', '200000') None", "[('0.00001', '200000')]"]


def test_decimal_text_is_counted_and_compared(running: RunningExchange) -> None:
    assert printed(NUMBERS, running) == ["15002 150.03", "['9.25', '9.5', '10']"]


def test_an_exchange_of_ones_own_keeps_its_orders_over_a_kill(running: RunningExchange) -> None:
    assert printed(FIXTURE, running) == ["1 order after a kill and a restart"]


@pytest.mark.parametrize("name", sorted(set(exchange.client.__all__) - TYPES))
def test_the_page_names_everything_public(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


@pytest.mark.parametrize("made", [Client, Socket, Book, RunningExchange])
def test_the_page_names_every_method(made: type) -> None:
    called_by_the_socket = {"take", "lost", "end"}
    public = {name for name, _ in inspect.getmembers(made, inspect.isfunction) if not name.startswith("_")}
    missing = [name for name in sorted(public - called_by_the_socket) if not re.search(rf"\b{name}\(", PAGE)]
    assert missing == []
