"""Stops that trigger each other in a whole exchange with PostgreSQL: how long others wait, and a kill in the middle.

python -m tests.whole.cascade [--stops 10000] [--rounds 3] [--kills 3] [--at-once]

Each stop sells at the market and so triggers the next; or, with `--at-once`, one trade triggers all of them. Meanwhile
a client of another market sends one order after the other, so that one is always on its way: what holds up the loop of
the exchange for a time holds up one of them for as long. A round with a kill ends the process in the middle of the
cascade; the next process goes on before it takes an order of that market.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from exchange.client import ApiError, Client, Socket, Unreachable
from exchange.pipeline.engine import TRIGGERED_MAX
from exchange.postgres.embedded import attached
from exchange.testing import RunningExchange, running_exchange
from tests.whole.made_once import data_directory
from tests.whole.process import directory, until
from tests.whole.served import CONFIG, command, market_text

MARKET, ELSEWHERE = "SOL_USDC", "ETH_USDC"
RULES = CONFIG + market_text("SOL", max_open_orders=100_000) + market_text("ETH")
TOP_CENTS = 90_000  # of the first stop; each is a cent below the one before
ORDER: dict[str, Any] = {"market": MARKET, "quantity": "0.001"}
BATCH = 100
SETTLE_S = 0.5
FAR = ORDER | {"side": "sell", "order_type": "limit", "price": "100000"}


@dataclass(frozen=True)
class Ran:
    """One cascade: how long it took, and how long the orders of another market waited."""

    took_s: float
    waits_s: list[float]


class Stage:
    """An exchange with a book of bids, and a stop at the price of each, or all of them at the first.

    `last` is the order id of the last stop.
    """

    def __init__(self, exchange: RunningExchange, stops: int, *, at_once: bool = False) -> None:
        self.exchange = exchange
        self.stops = stops
        self.at_once = at_once
        self.seller = exchange.user(SOL="1000000")
        self.buyer = exchange.user(USDC="100000000")
        self.other = exchange.user(USDC="1000000")
        self.last = ""

    async def set(self) -> None:
        """Trade above all stops, then place the bids and the stops."""
        url = self.exchange.url
        async with Client(url, self.buyer) as buyer, Client(url, self.seller) as seller:
            await seller.place(ORDER | {"side": "sell", "order_type": "limit", "price": "901"})
            await buyer.place(ORDER | {"side": "buy", "order_type": "limit", "price": "901"})
            for first in range(0, self.stops, BATCH):
                numbers = range(first, min(first + BATCH, self.stops))
                prices = [f"{(TOP_CENTS - number) / 100:.2f}" for number in numbers]
                bid, stop = {"side": "buy", "order_type": "limit"}, {"side": "sell", "order_type": "stop_loss"}
                await buyer.orders([ORDER | bid | {"price": price} for price in prices])
                placed: list[Any] = await seller.orders(
                    [
                        ORDER | stop | {"stop_price": f"{TOP_CENTS / 100:.2f}" if self.at_once else price}
                        for price in prices
                    ]
                )
                self.last = placed[-1]["order_id"]

    async def begin(self) -> None:
        """Sell to the best bid, which triggers the first stop."""
        async with Client(self.exchange.url, self.seller) as client:
            await client.place(ORDER | {"side": "sell", "order_type": "market"})

    async def is_over(self, client: Client) -> bool:
        """Whether the last stop, which finds no bid, has ended."""
        order: Any = await client.order(MARKET, order_id=self.last, user_id=self.seller)
        return bool(order["status"] == "expired")


@contextlib.asynccontextmanager
async def trading_elsewhere(stage: Stage) -> AsyncIterator[list[float]]:
    """Orders of another market, one after the other; how long each waited, in seconds."""
    waits: list[float] = []
    order = {"market": ELSEWHERE, "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"}

    async def trade(socket: Socket) -> None:
        while True:
            begun = time.perf_counter()
            await socket.place(order | {"time_in_force": "ioc"})
            waits.append(time.perf_counter() - begun)

    async with Socket(stage.exchange.url, stage.other) as socket:
        task = asyncio.create_task(trade(socket))
        try:
            await asyncio.sleep(SETTLE_S)
            waits.clear()
            yield waits
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def run(stage: Stage) -> Ran:
    """One cascade to its end."""
    async with Client(stage.exchange.url) as client, trading_elsewhere(stage) as waits:
        begun = time.perf_counter()
        await stage.begin()
        await until(lambda: stage.is_over(client), poll_s=0.02)
        return Ran(time.perf_counter() - begun, list(waits))


async def run_with_kill(stage: Stage, data_dir: Path, commands: int) -> int:
    """The same, with a kill when so many of its commands are durable. Returns how many stops were left then.

    The first order that the next process takes in that market finds none left.
    """
    exchange = stage.exchange
    async with Client(exchange.url) as client:
        begun = int((await client.health())["sequence"])

        async def is_in_the_middle() -> bool:
            return int((await client.health())["sequence"]) > begun + commands

        beginning = asyncio.create_task(stage.begin())
        await until(is_in_the_middle, poll_s=0)
    exchange.kill()
    with contextlib.suppress(ApiError, Unreachable):
        await beginning
    async with attached(data_dir) as dsn:
        connection = await asyncpg.connect(dsn)
        stored = int(await connection.fetchval("SELECT sequence FROM venue"))
        await connection.close()
    await asyncio.to_thread(exchange.start)
    async with Client(exchange.url, stage.seller) as client:
        first: Any = await client.place(FAR)
        assert [order["order_id"] for order in await client.open_orders()] == [first["order_id"]]
        last: Any = await client.order(MARKET, order_id=stage.last)
        assert (last["status"], last["expire_reason"]) == ("expired", "unfilled")
        assert last["updated_at"] <= first["created_at"]
        await client.cancel(MARKET, order_id=first["order_id"])
    return stage.stops - TRIGGERED_MAX * (stored - begun - 1)


def check(data_dir: Path) -> str:
    """What `exchange check --replay` says of it, stopped."""
    checked = command("check", "--replay", "--data-dir", str(data_dir))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return checked.stdout.strip()


async def measure(stops: int, rounds: int, kills: int, *, at_once: bool) -> None:
    """Print the figures."""
    with directory() as place, running_exchange(RULES, data_dir=data_directory(place / "data")) as exchange:
        stage = Stage(exchange, stops, at_once=at_once)
        for _ in range(rounds):
            await stage.set()
            ran = await run(stage)
            waited = (
                f"of {len(ran.waits_s)} orders of another market the longest waited {max(ran.waits_s) * 1000:.1f} ms"
            )
            print(f"{stops} stops in {ran.took_s:.2f} s; {waited}")
        for number in range(kills):
            await stage.set()
            commands = stops // TRIGGERED_MAX * (number + 1) // (kills + 1)
            left = await run_with_kill(stage, place / "data", commands)
            print(f"killed with {left} of {stops} stops left: they entered before the market took an order")
            assert 0 < left < stops
        exchange.stop()
        print(f"exchange check --replay: {check(place / 'data')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--at-once", action="store_true")
    asked = parser.parse_args()
    asyncio.run(measure(asked.stops, asked.rounds, asked.kills, at_once=asked.at_once))
