"""`exchange demo` as a process: its markets live, and it ends well."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.client import Client, Event, Socket
from exchange.demo.participants import MAKERS, TAKERS
from tests.client.stories import seen
from tests.whole.served import EXCHANGE, PATIENCE_S, directory

CHANGES = 50  # of each book that are looked at


@dataclass(slots=True)
class Demo:
    """The process, where it writes, and its addresses once it is ready."""

    process: subprocess.Popen[bytes]
    ready: Path
    log: Path

    def end(self) -> int:
        """Its exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def demo() -> Iterator[Demo]:
    with directory() as place:
        ready, log = place / "ready.json", place / "log"
        options = ["--port", "0", "--ws-port", "0", "--seed", "7", "--speed", "20", "--ready-file", str(ready)]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [EXCHANGE, "demo", *options],
                cwd=place,
                env={name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        try:
            yield Demo(process, ready, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_S)


async def test_there_is_always_a_market_and_ctrl_c_ends_it(demo: Demo) -> None:
    await seen(lambda: demo.ready.exists() or demo.process.poll() is not None)
    assert demo.process.poll() is None, demo.log.read_text()
    url = json.loads(demo.ready.read_text())["url"]
    async with Socket(url) as socket, Client(url) as client:
        markets = [row["market"] for row in await client.markets()]
        feed = await socket.subscribe(*(f"trade@{market}" for market in markets))
        books = [await socket.book(market) for market in markets]
        for book in books:
            while book.best_bid is None or book.best_ask is None:
                await book.changed()
        for book in books:
            for _ in range(CHANGES):
                await book.changed()
                assert all(other.best_bid and other.best_ask for other in books), "no book is ever empty"
        traded: set[str] = set()
        while len(traded) < len(markets):
            event = await anext(feed)
            assert isinstance(event, Event)
            traded.add(event.channel)
        for user_id in (*MAKERS, *TAKERS):
            assert await client.balance(user_id)
    assert demo.end() == 0, demo.log.read_text()
    said = demo.log.read_text()
    assert "Traceback" not in said
    assert f"{url}/depth?market=" in said
