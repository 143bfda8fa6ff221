"""One scenario: clients trade while faults happen, then the faults stop, the exchange stops, and all is audited."""

import asyncio
from dataclasses import dataclass

from tests.sim.audit import Auditor
from tests.sim.clients import Client
from tests.sim.reads import read_all
from tests.sim.watcher import Learned, Watcher
from tests.sim.world import USERS, Server, World, simulate

STEPS = 30  # of each client
DAY_S = 2000  # of virtual time; whoever needs more hangs


@dataclass(frozen=True)
class Result:
    """What came of a seed."""

    seed: int
    digest: str
    figures: dict[str, int]


class Broken(AssertionError):
    """A seed that fails, with all that happened until then: `happened` by name, `history` line by line."""

    def __init__(self, seed: int, cause: BaseException, happened: dict[str, str], history: list[str]) -> None:
        super().__init__(seed)
        self.seed = seed
        self.happened = happened
        self.history = history
        self.cause = _first(cause)

    def __str__(self) -> str:
        faults = [f"{name}: {words}" for name, words in self.happened.items() if not name.startswith("step ")]
        lines = [
            f"seed {self.seed} fails: {type(self.cause).__name__}: {self.cause}",
            f"with {len(self.happened) - len(faults)} steps and {len(faults)} faults"
            + "".join(f"\n    {fault}" for fault in faults),
            *self.history,
            f"again with: make sim SEED={self.seed}",
        ]
        return "\n  ".join(lines)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def run(seed: int, kept: frozenset[str] | None = None) -> Result:
    """Simulate one seed to its end, or only what is `kept` of it. Raises Broken."""
    worlds: list[World] = []
    figures: dict[str, int] = {}

    async def day(world: World) -> None:
        worlds.append(world)
        async with asyncio.timeout(DAY_S):
            figures.update(await _day(world))

    try:
        world = simulate(seed, day, kept)
    except Exception as error:
        script = worlds[0].script
        raise Broken(seed, error, script.happened, script.history) from error
    return Result(seed, world.script.digest, figures)


async def _day(world: World) -> dict[str, int]:
    script = world.script
    learned = Learned(script.trace)
    clients = [Client(world, user) for user in USERS]
    auditor = Auditor(world, clients, learned)

    async def begin(server: Server) -> None:
        before = dict(learned.heights)
        await Watcher(world, server, learned, before, None).subscribe()
        await Watcher(world, server, learned, before, script.chance(f"sluggish {world.starts}")).subscribe()

    world.sessions.append(begin)
    async with asyncio.TaskGroup() as group:
        supervisor = group.create_task(world.supervise(), name="supervisor")
        looking = group.create_task(_look_now_and_then(world, auditor), name="auditor")
        async with asyncio.TaskGroup() as trading:
            for client in clients:
                trading.create_task(client.run(STEPS), name=client.user)
        looking.cancel()
        world.calm()
        for _ in range(100):
            if await auditor.look():
                break
            await asyncio.sleep(0.1)
        else:
            raise AssertionError("it does not calm down")
        await world.end()
        await supervisor
    auditor.close(read_all(world.disk.tables))
    return {
        "commands stored": world.disk.journal.sequence,
        "trades": len(world.disk.tables.trades),
        "requests": sum(client.asked for client in clients),
        "unanswered": sum(client.unanswered for client in clients),
        "crashes": world.crashes,
        "starts": world.starts,
        "faults": sum(not name.startswith("step ") for name in script.happened),
        "acknowledgements checked": sum(client.notes.answers for client in clients),
        "messages": learned.messages,
        "reads compared": auditor.looks,
        "steps": world.loop.steps,
        "virtual seconds": int(world.loop.time()),
    }


async def _look_now_and_then(world: World, auditor: Auditor) -> None:
    chance = world.script.chance("auditor")
    while True:
        await asyncio.sleep(chance.expovariate(3))
        await auditor.look()
