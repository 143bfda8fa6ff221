"""A client that only reads the feeds knows the book, the trades and all balances.

A recording is replayed as fast as it goes; meanwhile the exchange is killed again and again, and one reader stops
reading for a while.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exchange.client import Client, Unreachable
from exchange.replay.driver import ReplayOptions, replay
from tests.reader import Json
from tests.whole.flow import REAL, Recorded, make_recording
from tests.whole.follower import Follower, books_at
from tests.whole.judge import PAGE, USERS
from tests.whole.process import MARKET, Exchange, directory

TEN_KILLS = (0.03, 0.08, 0.13, 0.18, 0.23, 0.28, 0.33, 0.38, 0.43, 0.9)  # at so much of what changes something
TWO_KILLS = (0.25, 0.9)  # where the flow is so short that more would meet readers who are not back yet
PAUSED = (0.5, 0.85)
LOOK_S = 0.05
KNOWN = "".join(f'\n[[users]]\nid = "{user_id}"\n' for user_id in USERS)


@dataclass
class Crowd:
    """Everybody who listens."""

    depth: Follower
    paused: Follower
    tape: Follower
    balances: Follower
    others: Follower

    @classmethod
    def of(cls, ws_url: str) -> "Crowd":
        others = [f"{kind}@{MARKET}" for kind in ("ticker", "book_ticker", "candle_1m", "candle_1d")]
        return cls(
            Follower(ws_url, f"depth@{MARKET}"),
            Follower(ws_url, f"depth@{MARKET}", f"book_ticker@{MARKET}", small_buffer=True),
            Follower(ws_url, f"trade@{MARKET}"),
            Follower(ws_url, *(f"balances@{user_id}" for user_id in USERS)),
            Follower(ws_url, *others, f"orders@{USERS[0]}"),
        )

    def all(self) -> list[Follower]:
        return list(vars(self).values())


class Director:
    """Kills the exchange and pauses the reader, by how far the exchange has come."""

    def __init__(self, exchange: Exchange, commands: int, crowd: Crowd, killed_at: Sequence[float]) -> None:
        acts = [(share, self._kill) for share in killed_at]
        acts += [(PAUSED[0], self._pause), (PAUSED[1], self._go_on)]
        self._acts = [(int(share * commands), act) for share, act in sorted(acts, key=lambda one: one[0])]
        self._exchange = exchange
        self._crowd = crowd
        self.samples: dict[int, Json] = {}
        self.kills = 0

    async def direct(self) -> None:
        """Look at the book again and again, and do what is to be done on the way."""
        async with Client(self._exchange.url) as client:
            while True:
                with contextlib.suppress(Unreachable):
                    depth = await client.depth(MARKET, limit=5000)
                    self.samples[depth["last_sequence"]] = dict(depth)
                    sequence = (await client.health())["sequence"]
                    while self._acts and sequence >= self._acts[0][0]:
                        await self._acts.pop(0)[1]()
                await asyncio.sleep(LOOK_S)

    async def _kill(self) -> None:
        self._exchange.kill()
        self.kills += 1
        await asyncio.to_thread(self._exchange.start)

    async def _pause(self) -> None:
        self._crowd.paused.pause()

    async def _go_on(self) -> None:
        self._crowd.paused.go_on()


async def pages(client: Client, user_id: str | None) -> list[Any]:
    """All trades of the market, or all fills of a user, oldest first."""
    found: list[Any] = []
    before: str | None = None
    while True:
        page: Sequence[Any]
        if user_id is None:
            page, before = await client.trades(MARKET, limit=PAGE, before=before)
        else:
            page, before = await client.fills(limit=PAGE, before=before, user_id=user_id)
        found += page
        if before is None:
            return found[::-1]


def judge_depth(follower: Follower, samples: dict[int, Json], last: Json) -> int:
    """How often the book was that of GET /depth; never was it another."""
    assert follower.reader.book(MARKET) == last
    books = books_at(follower.reader.heard, MARKET, set(samples))
    for sequence, book in books.items():
        assert book == samples[sequence]
    return len(books)


def judge_tape(follower: Follower, history: list[Json]) -> None:
    """Every trade of the history is on the tape, at its number, but for those that a gap says are missing."""
    missing = {number for _, after, to in follower.reader.gaps for number in range(after + 1, to + 1)}
    heard = {event["channel_sequence"]: event["data"] for event in follower.reader.events(f"trade@{MARKET}")}
    assert not missing & heard.keys()
    assert sorted(missing | heard.keys()) == list(range(1, len(history) + 1))
    for number, trade in heard.items():
        row = history[number - 1]
        assert trade == {name: row[name] for name in trade}


async def judge_fills(client: Client, history: list[Json]) -> None:
    """Each trade is two fills, one on each side, and nothing else is one."""
    fills = [fill for user_id in USERS for fill in await pages(client, user_id)]
    for liquidity in ("maker", "taker"):
        by_id = {fill["trade_id"]: fill for fill in fills if fill["liquidity"] == liquidity}
        assert by_id.keys() == {trade["trade_id"] for trade in history}
        for trade in history:
            fill = by_id[trade["trade_id"]]
            assert (fill["price"], fill["quantity"]) == (trade["price"], trade["quantity"])
            assert (fill["side"] == trade["taker_side"]) == (liquidity == "taker")
    assert len(fills) == 2 * len(history)


@contextlib.asynccontextmanager
async def followed(
    exchange: Exchange, recorded: Recorded, killed_at: Sequence[float]
) -> AsyncIterator[tuple[Crowd, Director]]:
    """The crowd and the director at work, until everybody has heard the last of it."""
    crowd = Crowd.of(exchange.url.replace("http", "ws") + "/ws")
    director = Director(exchange, recorded.adds_accepted + recorded.cancels, crowd, killed_at)
    async with asyncio.TaskGroup() as group:
        for follower in crowd.all():
            group.create_task(follower.follow())
        directing = group.create_task(director.direct())
        yield crowd, director
        directing.cancel()
        async with Client(exchange.url) as client:
            last = (await client.depth(MARKET, limit=5000))["last_sequence"]
        for follower in crowd.all():
            if follower in (crowd.depth, crowd.paused):
                await follower.finish(lambda reader: reader.book(MARKET)["last_sequence"] == last)
            else:
                await follower.finish(lambda reader: reader.heard[-1].get("message_type") == "PONG")


async def replay_with_readers(recorded: Recorded, batch_max: int, killed_at: Sequence[float]) -> None:
    with directory() as place:
        # Who pauses is not to be taken for dead.
        exchange = Exchange(place, environment={"EXCHANGE_SERVER_PING_S": "600"})
        with exchange.config.open("a", encoding="utf-8") as config:
            config.write(KNOWN)
        try:
            exchange.start()
            options = ReplayOptions(
                recorded.commands, market=MARKET, trades=recorded.trades, url=exchange.url, batch_max=batch_max
            )
            async with followed(exchange, recorded, killed_at) as (crowd, director):
                result = await replay(options)
            assert result.difference is None
            assert result.trades == recorded.trades_made
            assert director.kills == len(killed_at)
            async with Client(exchange.url) as client:
                await judge(client, crowd, director, recorded)
            assert exchange.stop() == 0
        finally:
            exchange.end()


async def judge(client: Client, crowd: Crowd, director: Director, recorded: Recorded) -> None:
    last = dict(await client.depth(MARKET, limit=5000))
    agreed = judge_depth(crowd.depth, director.samples, last)
    judge_depth(crowd.paused, director.samples, last)
    history = await pages(client, None)
    assert len(history) == recorded.trades_made
    judge_tape(crowd.tape, history)
    await judge_fills(client, history)
    for user_id in USERS:
        rows = await client.balance(user_id)
        assert list(crowd.balances.reader.balances[user_id].values()) == rows
    assert crowd.others.reader.orders[USERS[0]] == {}
    lost = sum(to - after for _, after, to in crowd.tape.reader.gaps)
    conflated = sum("first_channel_sequence" in message for message in crowd.paused.reader.heard)
    print(
        f"{len(director.samples)} looks at the book, {agreed} of them also at a reader's, all the same; "
        f"{conflated} conflated; {lost} of {len(history)} trades while a tape was cut off; "
        f"connections {[follower.connections for follower in crowd.all()]}"
    )
    assert agreed > 0
    assert conflated > 0 or recorded is not REAL
    assert all(follower.connections > director.kills for follower in (crowd.depth, crowd.tape, crowd.balances))


@pytest.mark.skipif("FEEDS_REAL" not in os.environ, reason="takes minutes: FEEDS_REAL=1 runs it")
@pytest.mark.skipif(not REAL.commands.exists(), reason="the recording is not beside the repository")
async def test_readers_of_thirty_recorded_minutes_hold_what_the_exchange_holds() -> None:
    await replay_with_readers(REAL, batch_max=100, killed_at=TEN_KILLS)


async def test_readers_of_a_made_flow_hold_what_the_exchange_holds(tmp_path: Path) -> None:
    await replay_with_readers(make_recording(tmp_path, seed=3, length=3000), batch_max=10, killed_at=TWO_KILLS)
