"""A day at the exchange: everybody trades while things break, then it calms down, stops, and the books are audited."""

import asyncio
from dataclasses import dataclass

from tests.sim.audit import Auditor
from tests.sim.clients import Client
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
    """A seed that fails; says which, and what happened last."""


def run(seed: int) -> Result:
    """Simulate one seed to its end. Raises Broken."""
    worlds: list[World] = []
    figures: dict[str, int] = {}

    async def day(world: World) -> None:
        worlds.append(world)
        async with asyncio.timeout(DAY_S):
            figures.update(await _day(world))

    try:
        world = simulate(seed, day)
    except Exception as error:
        tail = "\n  ".join(line[:300] for line in worlds[0].tail) if worlds else ""
        raise Broken(f"seed {seed}: {error!r}\n  {tail}\nagain with: make sim SEED={seed}") from error
    return Result(seed, world.digest, figures)


async def _day(world: World) -> dict[str, int]:
    learned = Learned(world.trace)
    clients = [Client(world, user) for user in USERS]
    auditor = Auditor(world, clients, learned)

    async def begin(server: Server) -> None:
        await Watcher(world, server, learned, None).subscribe()
        await Watcher(world, server, learned, world.chance(f"sluggish {world.starts}")).subscribe()

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
    auditor.close()
    return {
        "commands stored": world.disk.sequence,
        "trades": len(world.disk.trades),
        "requests": sum(client.asked for client in clients),
        "unanswered": sum(client.unanswered for client in clients),
        "crashes": world.crashes,
        "starts": world.starts,
        "messages": learned.messages,
        "reads compared": auditor.looks,
        "steps": world.loop.steps,
        "virtual seconds": int(world.loop.time()),
    }


async def _look_now_and_then(world: World, auditor: Auditor) -> None:
    chance = world.chance("auditor")
    while True:
        await asyncio.sleep(chance.expovariate(3))
        await auditor.look()
