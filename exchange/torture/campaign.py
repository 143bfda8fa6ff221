"""One run: start everything, break it as planned, read everything at the end, and judge."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from exchange.client import ApiError, ApiKey, Client, KeyRing, Socket, Unreachable
from exchange.failure import Failure
from exchange.torture.administrator import Administrator, read_guests
from exchange.torture.bot import Bot
from exchange.torture.bot_calls import BotCalls, RestCalls, SocketCalls, bot_key
from exchange.torture.bot_stream import BotStream
from exchange.torture.checker import check
from exchange.torture.database import Database, directory, small_disk
from exchange.torture.faults import Fault
from exchange.torture.findings import Finding, wrong
from exchange.torture.follower import Follower
from exchange.torture.intents import MARKETS
from exchange.torture.patience import Silence, patiently
from exchange.torture.proxy import Proxy
from exchange.torture.reads import LEVELS, read_final
from exchange.torture.record import History
from exchange.torture.server import Pruner, Server
from exchange.torture.silence import told
from exchange.torture.workload import Pulse, Trader, Trading

USERS = tuple(f"trader-{number}" for number in range(1, 9))
BOTS = ("bot-1", "bot-2")  # in the Binance-compatible dialect: over REST, and over the WebSocket API
EVERYBODY = USERS + BOTS
ASSETS = {"SOL": "10000000", "BTC": "10000000", "USDC": "1000000000"}
RECOVERY_S = 60.0  # a longer recovery is a finding
FULL_S = 4.0  # a disk stays full until the exchange ends, or this long
LOOK_S = 0.25  # the interval at which books are read during the run
POLL_S = 0.02

Say = Callable[[str], None]
ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class Tally:
    """What was done. Recoveries by kind of fault: the time from the fault, or from its end, to an answer."""

    done: Counter[str] = field(default_factory=Counter)
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)
    skipped: str = ""
    starts: int = 0
    connections: int = 0
    took_s: float = 0.0
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What was done, what was recorded, and the findings."""

    history: History
    tally: Tally
    findings: list[Finding]


async def torture(seed: int, faults: list[Fault], say: Say, *, keys: bool = False) -> Result:
    """Run it, with `keys` in keys mode. Raises Failure if the exchange cannot be started."""
    run = Run(seed, say, keys=keys)
    began = time.monotonic()
    with directory() as place, small_disk(place) as disk:
        if disk is None:
            run.tally.skipped = "a full disk needs a small file system, which only root can make here"
        wire = place / "wire"
        wire.mkdir()
        async with Database(place, disk).up() as database, Proxy(wire, database.socket).up() as proxy:
            try:
                await run.through(faults, place, database, proxy)
            except* Stuck:
                pass  # already a finding; without a final state there is nothing more to judge
    run.tally.took_s = time.monotonic() - began
    judged = await asyncio.to_thread(check, run.history) if run.whole else []
    return Result(run.history, run.tally, [*run.findings, *judged])


class Stuck(Exception):
    """The exchange did not recover in time."""


class Run:
    """The parts of a run, and its results."""

    def __init__(self, seed: int, say: Say, *, keys: bool) -> None:
        self._in_keys_mode = keys
        self.history = History(seed)
        self.tally = Tally()
        self.findings: list[Finding] = []
        self.whole = False
        self._say = say
        self._pulse = Pulse()
        self._stopping = asyncio.Event()

    async def through(self, faults: list[Fault], place: Path, database: Database, proxy: Proxy) -> None:
        """From the first start to the audit."""
        mode = "keys" if self._in_keys_mode else "dev"
        server = Server(place, database.dsn_through(proxy.path.parent), self.history, mode)
        ring = KeyRing(await server.admin_key()) if self._in_keys_mode else None
        async with _background(server.keep_running()) as keeping:
            await self._ready(server, keeping)
            async with Client(server.url, key=ring) as reader, Client(server.url, key=ring) as house:
                self.history.markets = await reader.markets()
                await self._traded(faults, server, database, proxy, reader, house)
                again = None if ring is None else KeyRing(ring.admin)
                async with Client(server.url, key=again) as anew:
                    self.history.final.guests = await read_guests(house, anew, self.history.guests)
            if (exit_code := await server.stop()) != 0:
                self.findings.append(wrong(f"told to stop, the exchange ended with exit code {exit_code}"))
        self.tally.starts = server.starts
        exit_code, self.tally.audit = await server.check(database.dsn)
        if exit_code != 0:
            self.findings.append(wrong(f"exchange check --replay: {self.tally.audit}"))
        if b"Traceback" in server.log.read_bytes():
            self.findings.append(wrong(f"the exchange has logged a traceback: {_around_traceback(server.log)}"))

    async def _ready(self, server: Server, keeping: "asyncio.Task[None]") -> None:
        async with Client(server.url) as client:

            async def healthy() -> None:
                while not keeping.done() and not self.history.ends:
                    with contextlib.suppress(ApiError, Unreachable):
                        await client.health()
                        return
                    await asyncio.sleep(POLL_S)
                raise Failure(f"There is no exchange to torture: {[end.said for end in self.history.ends]}.")

            try:
                await patiently(healthy(), RECOVERY_S)
            except Silence as silence:
                raise Failure(f"The exchange to torture did not start: {silence.said}.") from None

    async def _traded(
        self, faults: list[Fault], server: Server, database: Database, proxy: Proxy, reader: Client, house: Client
    ) -> None:
        """Let clients trade and listen while faults happen; then let them finish, and read everything."""
        pruning = Pruner(server, database.dsn)
        async with AsyncExitStack() as stack:
            traders = []
            keys = {user: await house.key_of(user) for user in EVERYBODY}
            for number, user in enumerate(USERS):
                kind = Client if number % 2 else Socket
                client: Trading = await stack.enter_async_context(kind(server.url, user, key=keys[user]))
                friend = USERS[(number + 1) % len(USERS)]
                traders.append(Trader(user, client, house, self.history, self._pulse, self._stopping, friend))
            streams: list[BotStream] = []
            for user in BOTS:
                bot, stream = await self._bot(stack, user, keys[user], server.url, house)
                traders.append(bot)
                streams.append(stream)
            for trader in traders:
                for asset, amount in ASSETS.items():
                    await trader.deposit(asset, amount, f"{asset}.{len(self.history.deposits)}")
            followers: list[Follower | BotStream] = [
                Follower(name, server.ws_url, what, self.history, key)
                for name, what, key in _followed(keys, apart=self._in_keys_mode)
            ]
            followers += streams
            for follower in followers:
                await stack.enter_async_context(_background(follower.follow()))
            looking = await stack.enter_async_context(_background(self._look(reader)))
            breaker = Breaker(server, database, proxy, self.history)
            async with asyncio.TaskGroup() as group:
                working = [group.create_task(trader.work()) for trader in traders]
                working.append(group.create_task(Administrator(house, self.history, pruning, self._stopping).work()))
                try:
                    await self._break(faults, breaker)
                finally:
                    proxy.thaw()
                    self._stopping.set()
                await self._answered(breaker, asyncio.wait(working), "the last commands had no answer")
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            caught_up = asyncio.gather(*(follower.caught_up() for follower in followers))
            await self._answered(breaker, caught_up, "a follower did not hear to the end")
            self.history.final = await read_final(reader, EVERYBODY, MARKETS)
            self.whole = True
            self.tally.connections = sum(follower.connections for follower in followers)

    async def _bot(
        self, stack: AsyncExitStack, user: str, key: ApiKey | None, url: str, house: Client
    ) -> tuple[Bot, BotStream]:
        """A trader of the other dialect, and what listens to its stream."""
        by_rest, signing = user == BOTS[0], bot_key(user, key)
        calls: BotCalls = RestCalls(url, signing) if by_rest else SocketCalls(f"ws{url[4:]}/ws-api/v3", signing)
        stack.push_async_callback(calls.close)
        bot = Bot(user, calls, house, self.history, self._pulse, self._stopping, USERS[0])
        return bot, BotStream(user, url, signing, self.history, by_listen_key=by_rest)

    async def _look(self, reader: Client) -> None:
        while True:
            for market in MARKETS:
                with contextlib.suppress(ApiError, Unreachable):
                    self.history.depths.append(await reader.depth(market, LEVELS))
            await asyncio.sleep(LOOK_S)

    # --- faults

    async def _break(self, faults: list[Fault], breaker: "Breaker") -> None:
        waited = True
        await self._recovered(breaker, None)
        for number, fault in enumerate(faults, 1):
            if fault.kind == "full disk" and not breaker.may_fill:
                continue
            await asyncio.sleep(fault.pause_s)
            if fault.kind in ("second start", "full disk") and not waited:
                await self._recovered(breaker, fault)
            moment = await breaker.do(fault)
            self.tally.done[fault.kind] += 1
            waited = fault.waits
            if waited:
                took_s = await self._recovered(breaker, fault) - moment
                self.tally.recoveries_s.setdefault(fault.kind, []).append(took_s)
            self._say(f"{number} of {len(faults)} faults: {fault.kind}, {len(self.history.commands)} commands")
        await self._recovered(breaker, faults[-1] if faults else None)

    async def _recovered(self, breaker: "Breaker", fault: Fault | None) -> float:
        """When a command is answered that was sent after this; silence is a finding."""

        async def answered_at() -> float:
            await self._pulse.after(time.monotonic())
            return time.monotonic()

        return await self._answered(breaker, answered_at(), f"nothing was answered after {fault}")

    async def _answered(self, breaker: "Breaker", work: Awaitable[ResultT], otherwise: str) -> ResultT:
        try:
            # Not only after a kill: a full disk may end the exchange some time later.
            return await patiently(work, RECOVERY_S, meanwhile=breaker.bring_back)
        except Silence as silence:
            self.findings.append(wrong(f"{otherwise} for {silence.said}{await breaker.told()}"))
            raise Stuck from None


class Breaker:
    """Carries out the plan."""

    def __init__(self, server: Server, database: Database, proxy: Proxy, history: History) -> None:
        self._server = server
        self._database = database
        self._proxy = proxy
        self._history = history

    @property
    def may_fill(self) -> bool:
        """Whether the disk can be filled."""
        return self._database.may_fill

    async def bring_back(self) -> None:
        """Start PostgreSQL again if it does not run."""
        await self._database.bring_back()

    async def told(self) -> str:
        """What everybody waits for."""
        return await told(self._server, self._database, self._history)

    async def do(self, fault: Fault) -> float:
        """Cause the fault; returns the moment from which the exchange can recover."""
        await self._first(fault)
        match fault.kind:
            case "kill":
                await self._server.kill()
                self._proxy.thaw()
            case "postgres kill":
                await self._database.kill()
                moment = time.monotonic()
                self._proxy.thaw()
                await self._database.bring_back()
                return moment
            case "postgres restart":
                moment = time.monotonic()
                self._proxy.thaw()
                await self._database.restart()
                return moment
            case "cut":
                self._proxy.cut()
                self._proxy.thaw()
            case "freeze":
                self._proxy.freeze()
                await asyncio.sleep(fault.lasts_s)
                self._proxy.thaw()
            case "full disk":
                await self._fill()
            case "second start":
                self._history.second_starts.append(await self._server.second_start())
        return time.monotonic()

    async def _first(self, fault: Fault) -> None:
        if fault.first == "hold answers":
            self._proxy.hold_answers()
        elif fault.first == "freeze":
            self._proxy.freeze()
        else:
            return
        await asyncio.sleep(fault.lasts_s)

    async def _fill(self) -> None:
        ends = len(self._history.ends)
        self._database.fill_disk()
        for _ in range(round(FULL_S / POLL_S)):
            if len(self._history.ends) > ends:
                break
            await asyncio.sleep(POLL_S)
        self._database.make_room()


def _followed(keys: dict[str, ApiKey | None], *, apart: bool) -> list[tuple[str, list[str], ApiKey | None]]:
    """Who follows which channels; a socket that signs in hears of one user."""
    public = [f"{kind}@{market}" for kind in ("trade", "depth") for market in MARKETS]
    found: list[tuple[str, list[str], ApiKey | None]] = [("follower-1", public, None), ("follower-2", public, None)]
    private = {user: [f"{kind}@{user}" for kind in ("orders", "balances")] for user in USERS}
    if not apart:
        return [*found, ("follower-3", [channel for channels in private.values() for channel in channels], None)]
    return found + [(f"follower-{number}", private[user], keys[user]) for number, user in enumerate(USERS, 3)]


def _around_traceback(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    return text[text.index("Traceback") :][:2000]


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that runs within this context."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
