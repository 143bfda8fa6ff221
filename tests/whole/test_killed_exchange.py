"""Every acknowledged command is present exactly once, however often the exchange is killed.

The exchange is killed without warning at moments that chance picks among the commands of a replay: when a client was
answered, when PostgreSQL has stored what nobody was told yet, or while it is storing.
"""

import asyncio
import itertools
import random
from pathlib import Path

import pytest

from exchange.client import Client
from exchange.replay.driver import ReplayOptions, replay
from tests.whole.flow import REAL, Recorded, make_recording
from tests.whole.judge import judge
from tests.whole.process import MARKET, Exchange, Eye, new_seed, serving, until

KILLS = 10
COMMITTED = "SELECT sequence >= $1 FROM venue"
COMMITTING = (
    "SELECT sequence >= $1 AND EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = 'exchange writer' "
    "AND state = 'active') FROM venue"
)


class Killer:
    """Kills an exchange at moments of its progress, and starts it again."""

    def __init__(self, exchange: Exchange, moments: list[int]) -> None:
        self.exchange = exchange
        self.kills = 0
        self._moments = moments
        self._eye = Eye(exchange)

    async def work(self) -> None:
        """All the kills, one after the other."""
        ways = itertools.cycle((self._answered, self._stored, self._storing))
        try:
            for moment, has_come in zip(self._moments, ways, strict=False):
                await has_come(moment)
                self.exchange.kill()
                self.kills += 1
                await asyncio.to_thread(self.exchange.start)
        finally:
            await self._eye.close()

    async def _answered(self, sequence: int) -> None:
        """The exchange itself says how far it is."""
        async with Client(self.exchange.url) as client:

            async def has_come() -> bool:
                return bool((await client.health())["sequence"] >= sequence)

            await until(has_come)

    async def _stored(self, sequence: int) -> None:
        """The database has it; the client may not have been told."""
        await until(lambda: self._eye.sees(COMMITTED, sequence), poll_s=0)

    async def _storing(self, sequence: int) -> None:
        """A commit is under way."""
        await until(lambda: self._eye.sees(COMMITTING, sequence), poll_s=0)


async def replay_with_kills(recorded: Recorded, batch_max: int) -> None:
    chance = random.Random(new_seed())
    # Refusals take no sequence; the last commands are left out so that each kill finds the replay at work.
    sequences = int(0.97 * (recorded.adds_accepted + recorded.cancels))
    moments = sorted(chance.sample(range(1, sequences), KILLS))
    print(f"killed at sequences {moments}")
    with serving() as exchange:
        killer = Killer(exchange, moments)
        options = ReplayOptions(
            recorded.commands, market=MARKET, trades=recorded.trades, url=exchange.url, batch_max=batch_max
        )
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(killer.work())
            result = await replay(options)
            await killing
        assert killer.kills == KILLS
        assert result.reconnects >= 1
        await judge(exchange, recorded, result)
        assert exchange.stop() == 0


@pytest.mark.skipif(not REAL.commands.exists(), reason="the recording is not beside the repository")
async def test_thirty_recorded_minutes_survives_ten_kills() -> None:
    await replay_with_kills(REAL, batch_max=100)


async def test_a_made_flow_survives_ten_kills(tmp_path: Path) -> None:
    await replay_with_kills(make_recording(tmp_path, seed=1, length=2500), batch_max=10)
