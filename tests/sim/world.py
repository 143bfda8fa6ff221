"""One simulated world: a disk, a process that crashes and starts again, clients, and an auditor who watches.

Everything that happens comes from the seed, and goes into the trace.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from unittest.mock import patch

from structlog.testing import capture_logs

from exchange.config import AssetConfig, Config, EngineConfig, FiltersConfig, MarketConfig, UserConfig
from exchange.core.commands import Command
from exchange.pipeline.engine import Query
from exchange.pipeline.outcomes import OutcomeUnknown, Overloaded, Stopping
from exchange.runtime import app
from exchange.runtime.app import Exchange
from tests.sim.disk import Disk
from tests.sim.loop import VirtualLoop
from tests.sim.script import Script
from tests.sim.store import FaultyStore

Read = TypeVar("Read")

START_NS = 1_700_000_000 * 10**9
LIVES_S = 15.0  # of virtual time, on the average, until something happens to a process
STARTS_S = 1.0  # about so long does one take to start
CLOCKS_BACK = 0.05  # of all seconds
CLOCKS_AHEAD = 0.02
JUMP_NS = 3 * 24 * 3600 * 10**9
USERS = ("ann", "ben", "cat", "dan")
MARKETS = ("COIN_CASH", "GEM_CASH")
CONFIG = Config(
    engine=EngineConfig(market_queue_max=6, backlog_max=24, batch_max=5, reply_timeout_s=3.0),
    assets=[
        AssetConfig(symbol="CASH", decimals=2),
        AssetConfig(symbol="COIN", decimals=4),
        AssetConfig(symbol="GEM", decimals=0),
    ],
    markets=[
        MarketConfig(
            symbol="COIN_CASH",
            tick_size="0.5",
            lot_size="0.02",
            maker_fee="0.001",
            taker_fee="0.003",
            filters={"max_quantity": "0.2", "max_open_icebergs": 2, "max_amends_per_order": 3},
        ),
        MarketConfig(
            symbol="GEM_CASH",
            tick_size="0.01",
            lot_size="1",
            maker_fee="-0.03",
            taker_fee="0.1",
            max_open_orders=8,
            fee_asset="quote",
            max_fills_per_order=3,
            filters={"max_price": "0.07", "fill_band": "0.6", "max_open_stops": 2},
        ),
    ],
    filters=FiltersConfig(max_open_orders=12),
    users=[UserConfig(id=user, balances={"CASH": "50", "COIN": "20", "GEM": "300"}) for user in USERS],
)


class Cut(Exception):
    """The connection to the exchange ended before the answer."""


UNANSWERED = (Cut, OutcomeUnknown, Overloaded, Stopping)


class Server:
    """What clients reach of one process, from when it can trade until it is gone."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.dead = False
        self._waiting: dict[asyncio.Future[Any], None] = {}

    def ask(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """Several commands in order; raises what the engine raises, or Cut."""
        return self._bridge(lambda: self.exchange.engine.submit_all(commands))

    def read(self, query: Query[Read]) -> "asyncio.Future[Read]":
        """What the query finds, once it is durable."""
        return self._bridge(lambda: self.exchange.engine.read(query))

    def _bridge(self, begin: Callable[[], "asyncio.Future[Any]"]) -> "asyncio.Future[Any]":
        if self.dead:
            raise Cut
        theirs = begin()
        mine: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[mine] = None
        theirs.add_done_callback(lambda done: self._answered(done, mine))
        return mine

    def _answered(self, theirs: "asyncio.Future[Any]", mine: "asyncio.Future[Any]") -> None:
        error = theirs.exception()
        if self.dead or mine.done():
            return
        del self._waiting[mine]
        if error is not None:
            mine.set_exception(error)
        else:
            mine.set_result(theirs.result())

    def die(self) -> None:
        """Nobody who waits gets an answer any more."""
        self.dead = True
        for mine in self._waiting:
            if not mine.done():
                mine.set_exception(Cut())


class World:
    """Runs the production code on virtual time."""

    def __init__(self, seed: int, kept: frozenset[str] | None = None) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.loop = loop
        self.script = Script(seed, loop.time, kept)
        self.disk = Disk()
        self.server: Server | None = None
        self.crashes = 0
        self.starts = 0
        self.sessions: list[Callable[[Server], Awaitable[None]]] = []  # who wants to know of each start
        self._store: FaultyStore | None = None
        self._process: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._serving = asyncio.Event()
        self._calm = False
        self._over = False
        self._armed: asyncio.TimerHandle | None = None
        self._moved_ns: dict[int, int] = {}

    def now_ns(self) -> int:
        """The wall clock of the machine, which is set back for a second now and then, or jumps days ahead."""
        second = int(self.loop.time())
        if second not in self._moved_ns:
            name = f"clock {second}"
            chance = self.script.chance(name).random()
            self._moved_ns[second] = 0
            if chance < CLOCKS_BACK and self.script.happens(name, "the clock is set back"):
                self._moved_ns[second] = -2 * 10**9
            elif chance > 1 - CLOCKS_AHEAD and self.script.happens(name, "the clock jumps three days ahead"):
                self._moved_ns[second] = JUMP_NS
        return START_NS + int(self.loop.time() * 1e9) + self._moved_ns[second]

    def steady_ns(self) -> int:
        """A clock that nobody sets."""
        return int(self.loop.time() * 1e9)

    async def serving(self) -> Server:
        """The process, once there is one that can trade."""
        while True:
            await self._serving.wait()
            if self.server is not None and not self.server.dead:
                return self.server
            await asyncio.sleep(0.01)

    # --- the process

    async def supervise(self) -> None:
        """Start the exchange, whenever it is not running, until the world ends."""
        while not self._over:
            self.starts += 1
            store = self._store = FaultyStore(self.disk, self.script, self.starts)
            if self._calm:
                store.be_calm()
            self._stop = asyncio.Event()
            self._arm(0)
            self._process = asyncio.create_task(self._run(store), name="exchange")
            await asyncio.wait({self._process})
            self._serving.clear()
            self._disarm()
            self.server = None
            if self._process.cancelled():
                self.script.tell("the process is gone")
            else:
                self._process.result()
                self.script.tell("the process stopped in good order")
            await asyncio.sleep(self.script.chance(f"away {self.starts}").uniform(0.01, 3.0))

    async def _run(self, store: FaultyStore) -> None:
        exchange = await app.build(CONFIG, store, self.now_ns, self.steady_ns)
        await exchange.run(lambda: self._serve(exchange))

    async def _serve(self, exchange: Exchange) -> None:
        self.server = Server(exchange)
        self.script.tell(f"serving from sequence {exchange.venue.sequence}")
        for begin in self.sessions:
            await begin(self.server)
        self._serving.set()
        await self._stop.wait()
        self._serving.clear()

    def _arm(self, times: int) -> None:
        """Have something happen to this process, sooner or later: at some time, and then between any two steps."""
        name = f"end {self.starts}.{times}"
        chance = self.script.chance(name)
        later_s = chance.uniform(0, STARTS_S) if chance.random() < 0.25 else chance.expovariate(1 / LIVES_S)
        steps, what = chance.randrange(1, 60), chance.choice(("crash", "crash", "stop", "break idle"))
        ends = {"crash": self.crash, "stop": self.stop, "break idle": lambda: self.break_idle(times)}
        if self.script.happens(name, what):
            self._armed = self.loop.call_later(later_s, self.loop.after_steps, steps, ends[what])

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self.loop.no_interruption()

    def crash(self) -> None:
        """kill -9."""
        if self._process is None or self._process.done() or self._calm:
            return
        assert self._store is not None
        self.script.tell("crash")
        self.crashes += 1
        self._store.die()
        if self.server is not None:
            self.server.die()
        self._process.cancel()

    def stop(self) -> None:
        """SIGTERM."""
        if self._calm:
            return
        self.script.tell("asked to stop")
        self._stop.set()

    def break_idle(self, times: int) -> None:
        """The database's end closes the connection; later something else happens."""
        assert self._store is not None
        self._store.break_idle()
        self._arm(times + 1)

    def calm(self) -> None:
        """From here on nothing goes wrong any more."""
        self._calm = True
        if self._store is not None:
            self._store.be_calm()

    async def end(self) -> None:
        """Stop in good order, for good."""
        await self.serving()
        assert self._process is not None
        self._over = True
        self.script.tell("the end")
        self._stop.set()
        await asyncio.wait({self._process})


def simulate(seed: int, scenario: Callable[[World], Any], kept: frozenset[str] | None = None) -> World:
    """Run a scenario in a world of its own; the collector of garbage is left out, which has no say in it."""

    async def live() -> World:
        world = World(seed, kept)
        await scenario(world)
        return world

    with (
        patch("exchange.runtime.app.gc"),
        patch("exchange.runtime.app.garbage"),
        patch("exchange.pipeline.depth.SMALL_LEVELS", 1),  # so that books this small are deep ones
        patch("exchange.pipeline.depth.PIECE_LEVELS", 2),
        capture_logs(),
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        return runner.run(live())
