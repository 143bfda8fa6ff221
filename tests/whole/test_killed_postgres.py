"""PostgreSQL is killed, shut down or frozen under load: the exchange recovers by itself and loses nothing."""

import asyncio
import itertools
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from exchange.client import ApiError, Client, Unreachable
from exchange.replay.driver import ReplayOptions, ReplayResult, replay
from tests.patience import PATIENCE_S
from tests.whole.flow import Recorded, make_recording
from tests.whole.judge import USERS, judge
from tests.whole.process import (
    MARKET,
    POLL_S,
    Exchange,
    gone,
    looking_into,
    new_seed,
    postgres_in,
    serving,
    until,
)

PASSING = {"NOT_READY", "OUTCOME_UNKNOWN"}
"""The only errors that a client may get meanwhile; the replay itself keeps below the bounds of OVERLOADED."""


class Reader:
    """A client that reads history and memory all the time, and takes down what it is told instead of an answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.answers = 0
        self.stopped = False
        self.codes: set[str] = set()

    async def is_answered(self) -> None:
        """Return when every call has been answered again."""
        enough = self.answers + 20

        async def answered() -> bool:
            return self.answers >= enough

        await until(answered)

    async def work(self) -> None:
        async with Client(self._url) as client:
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: client.order_history(user_id=USERS[0]),
                lambda: client.fills(user_id=USERS[1]),
                lambda: client.trades(MARKET),
                lambda: client.depth(MARKET),
            ]
            for call in itertools.cycle(calls):
                if self.stopped:
                    return
                try:
                    await call()
                    self.answers += 1
                except ApiError as error:
                    self.codes.add(error.code)
                except Unreachable as error:
                    self.codes.add(str(error))
                await asyncio.sleep(POLL_S)


async def reach(exchange: Exchange, sequence: int) -> None:
    """Return when the exchange trades, and has stored that much."""
    async with Client(exchange.url) as client:

        async def has_come() -> bool:
            try:
                return bool((await client.health())["sequence"] >= sequence)
            except ApiError as error:
                if error.code != "NOT_READY":
                    raise
                return False

        await until(has_come)


Trouble = Callable[[Exchange], Awaitable[None]]


def postmaster_gets(number: signal.Signals) -> Trouble:
    async def trouble(exchange: Exchange) -> None:
        postmaster = exchange.postmaster()
        postmaster.send_signal(number)
        await gone(postmaster)

    return trouble


def backend_dies(name: str) -> Trouble:
    async def trouble(exchange: Exchange) -> None:
        async with looking_into(exchange) as eye:
            backend = await eye.backend(name)
        backend.kill()
        await gone(backend)

    return trouble


async def replay_with_troubles(
    exchange: Exchange, recorded: Recorded, troubles: list[Trouble], seed: int
) -> ReplayResult:
    chance = random.Random(seed)
    # By the first of them the users are there whose orders are read.
    moments = sorted(chance.sample(range(10, int(0.9 * (recorded.adds_accepted + recorded.cancels))), len(troubles)))
    print(f"troubles at sequences {moments}")

    reader = Reader(exchange.url)

    async def trouble_it() -> None:
        await reach(exchange, moments[0])
        group.create_task(reader.work())
        for moment, trouble in zip(moments, troubles, strict=True):
            await reach(exchange, moment)
            await trouble(exchange)
            await reach(exchange, moment)

    options = ReplayOptions(
        recorded.commands, market=MARKET, trades=recorded.trades, url=exchange.url, batch_max=10, retry_s=PATIENCE_S
    )
    async with asyncio.TaskGroup() as group:
        troubling = group.create_task(trouble_it())
        result = await replay(options)
        await troubling
        # Readers, too, find everything again by themselves.
        await reader.is_answered()
        reader.stopped = True
    print(f"readers had {reader.answers} answers, and were told {sorted(reader.codes)}")
    assert reader.codes <= PASSING
    assert exchange.running()
    return result


async def test_nothing_is_lost_when_postgresql_is_killed(tmp_path: Path) -> None:
    seed = new_seed()
    recorded = make_recording(tmp_path, seed=2, length=3000)
    troubles = [
        postmaster_gets(signal.SIGKILL),
        backend_dies("exchange writer"),
        backend_dies("exchange history"),
        postmaster_gets(signal.SIGINT),
        postmaster_gets(signal.SIGTERM),
        postmaster_gets(signal.SIGQUIT),
        backend_dies("checkpointer"),
        postmaster_gets(signal.SIGKILL),
    ]
    random.Random(seed).shuffle(troubles)
    with serving() as exchange:
        result = await replay_with_troubles(exchange, recorded, troubles, seed)
        await judge(exchange, recorded, result)
        said = exchange.said()
        print(f"{said.count('commit in doubt')} commits in doubt, {said.count('reconnected')} reconnects")
        assert "Traceback" not in said
        assert exchange.stop() == 0
        assert postgres_in(exchange.data_dir) == []


async def test_a_frozen_backend_neither_loses_nor_doubles_its_batch(tmp_path: Path) -> None:
    """It is stopped under load for longer than a commit may take, and wakes up while the exchange looks after it."""
    seed = new_seed()
    recorded = make_recording(tmp_path, seed=3, length=1500)

    async def freeze(exchange: Exchange) -> None:
        doubts = exchange.said().count("commit in doubt")

        async def is_in_doubt() -> bool:
            return exchange.said().count("commit in doubt") > doubts

        async with looking_into(exchange) as eye:
            backend = await eye.backend("exchange writer")
            backend.suspend()
            await until(is_in_doubt)
            # The new connection is there, and waits for the old one to end.
            await eye.backend("exchange writer", but=backend.pid)
        backend.resume()
        await gone(backend)

    with serving(environment={"EXCHANGE_DATABASE_COMMIT_TIMEOUT_S": "1.0"}) as exchange:
        result = await replay_with_troubles(exchange, recorded, [freeze] * 3, seed)
        await judge(exchange, recorded, result)
        assert exchange.stop() == 0
