"""Drives an exchange with a recording: funds two users, sends batch after batch in the recorded order, compares.

It promises that every command is applied exactly once and in order, or the run fails with a sentence, however often the
exchange is killed meanwhile. One batch is in flight at a time, on one connection: throughput is what one client gets.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from exchange.client import UNSETTLED, ApiError, ApiKey, Client, KeyRing, Market, Order, Refusal, Unreachable
from exchange.failure import Failure
from exchange.replay.compare import Comparison, TradeReader, compare
from exchange.replay.contact import ENDS_THE_RUN, Contact
from exchange.replay.funding import fund
from exchange.replay.outcome import Judge, Outcome, Tally, answered
from exchange.replay.pace import Pace
from exchange.replay.recording import Recording, read_recording
from exchange.replay.scout import Scout, is_settled
from exchange.replay.users import Batch, Owners
from exchange.replay.wire import Units, client_order_id, item_of

Progress = Callable[[int, int], None]

# A batch may take a while on a busy exchange; only a much longer silence is taken for an absence.
SILENCE_MIN_S = 30.0


@dataclass(frozen=True)
class ReplayOptions:
    """What to replay, and where. `market` None takes the only one there is; units are worth of a 1 in the file.

    `retry_s` bounds one absence of the exchange. A run to be resumed wants the options of the first run: they decide
    whose order is whose. `speed` is in times that of the recording, None as fast as the exchange takes it. With the key
    `admin` each user has a key of their own, and calls are signed.
    """

    file: Path
    market: str | None = None
    trades: Path | None = None
    url: str = "http://127.0.0.1:8080"
    batch_max: int = 100
    retry_s: float = 60.0
    resume: bool = False
    price_unit: Decimal = Decimal("0.01")
    quantity_unit: Decimal = Decimal("0.00000001")
    user_ids: tuple[str, str] = ("replay-a", "replay-b")
    speed: float | None = None
    admin: ApiKey | None = None


@dataclass(slots=True)
class ReplayResult:
    """What a run did. `skipped` commands had been applied by an earlier one; the tally counts those of this run.

    `trades` counts the trades of the whole recording on the exchange. Latencies are of answered batches, from request
    to reply. `comparison` is None without recorded trades. `reconnects` counts the troubles that were overcome.
    """

    market: str
    commands: int
    skipped: int
    tally: Tally
    trades: int
    reconnects: int
    seconds: float
    latencies_s: list[float]
    book_empty: bool
    comparison: Comparison | None

    @property
    def sent(self) -> int:
        """How many commands were acknowledged."""
        return len(self.tally.acknowledged)

    @property
    def commands_per_s(self) -> float:
        """Acknowledged commands per second of the run."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    def latency_s(self, percent: int) -> float | None:
        """The nearest-rank percentile of the batches' latencies; None if no batch was answered."""
        if not self.latencies_s:
            return None
        rank = -(-len(self.latencies_s) * percent // 100)
        return sorted(self.latencies_s)[max(rank, 1) - 1]

    @property
    def difference(self) -> str | None:
        """The first thing that is not as recorded; None if all is."""
        trade_difference = self.comparison.difference if self.comparison is not None else None
        return self.tally.first_difference or trade_difference


@dataclass(frozen=True, slots=True)
class Opened:
    """What a replay works with."""

    recording: Recording
    client: Client
    contact: Contact
    rules: Market


def no_progress(done: int, total: int) -> None:
    """Nobody listens."""


@asynccontextmanager
async def opened(
    options: ReplayOptions,
    passing: frozenset[str] = UNSETTLED,
    advice: str = "when it is, continue with --resume",
) -> AsyncIterator[Opened]:
    """The recording read, the exchange found, the market chosen; Failure where that does not go.

    `passing` are the refusals that will pass; `advice` is for when the exchange was away for too long.
    """
    recording = read_recording(options.file, options.trades)
    try:
        key = None if options.admin is None else KeyRing(options.admin)
        client = Client(options.url, timeout_s=max(options.retry_s, SILENCE_MIN_S), key=key)
    except ValueError as error:
        raise Failure(str(error)) from error
    contact = Contact(options.url, options.retry_s, passing, advice)
    async with client:
        rules = choose_market(await contact.insist(client.markets), options.market)
        yield Opened(recording, client, contact, rules)


async def replay(options: ReplayOptions, progress: Progress = no_progress) -> ReplayResult:
    """Replay a recording against a running exchange. `progress` hears how many of how many commands are through.

    Failure if the files are unusable, the exchange refuses what it must not, or stays away longer than `retry_s`.
    That the exchange did something else than recorded is no failure: the result says it.
    """
    async with opened(options) as found:
        return await _Run(options, found.recording, found.client, found.contact, found.rules).whole(progress)


def choose_market(markets: Sequence[Market], name: str | None) -> Market:
    """The market called `name`, or the only one there is; Failure if that does not name one."""
    rules = {row["market"]: row for row in markets}
    if name is None and len(rules) == 1:
        (name,) = rules
    if name is None:
        raise Failure(f"The exchange has {len(rules)} markets ({', '.join(rules)}); choose one with --market.")
    if name not in rules:
        raise Failure(f"The exchange has no market {name}; it has {', '.join(rules) or 'none'}.")
    return rules[name]


class _Run:
    """One run: what its steps share."""

    def __init__(
        self, options: ReplayOptions, recording: Recording, client: Client, contact: Contact, rules: Market
    ) -> None:
        self._options = options
        self._recording = recording
        self._client = client
        self._contact = contact
        self._rules = rules
        self._market = rules["market"]
        self._units = Units(options.price_unit, options.quantity_unit)
        self._owners = Owners(recording, options.user_ids)
        self._scout = Scout(client, self._market, self._owners)
        self._judge = Judge(recording, self._units)
        self._latencies_s: list[float] = []

    async def whole(self, progress: Progress) -> ReplayResult:
        await self._contact.insist(self._fund)
        skipped = await self._contact.insist(self._start)
        self._contact.well()
        started = time.perf_counter()
        await self._drive(skipped, progress)
        seconds = time.perf_counter() - started
        return await self._contact.insist(lambda: self._result(skipped, seconds))

    async def _fund(self) -> None:
        await fund(self._client, self._rules, self._recording, self._owners, self._units)

    async def _start(self) -> int:
        """How many commands to skip."""
        commands = self._recording.commands
        if self._options.resume:
            return await self._scout.resume_position(commands)
        first = next((command for command in commands if command.kind == "limit"), None)
        if first is not None and await self._scout.find(first) is not None:
            # Sent again, its adds would be answered as before, but its post-only orders would meet another book.
            raise Failure(
                f"The exchange already has order {client_order_id(first.order_id)} of this recording: "
                "continue with --resume, or use a new exchange."
            )
        return 0

    async def _drive(self, position: int, progress: Progress) -> None:
        commands = self._recording.commands
        pace = Pace(self._options.speed)
        if position < len(commands):
            pace.begin(commands[position])
        while position < len(commands):
            progress(position, len(commands))
            due = await pace.due(commands, position, self._options.batch_max)
            batch = self._owners.batch_at(commands, position, due)
            outcomes = await self._send(batch)
            if outcomes:
                self._contact.well()
            self._judge.take(outcomes)
            position += len(outcomes)
        progress(position, len(commands))

    async def _send(self, batch: Batch) -> list[Outcome]:
        """The outcomes of the batch's leading commands: of all, unless the exchange was lost on the way."""
        items = [item_of(command, self._market, self._units) for command in batch.commands]
        results: Sequence[Order | Refusal] | None = None
        sent_at = time.perf_counter()
        try:
            results = await self._client.orders(items, batch.user_id)
        except (Unreachable, ApiError) as error:
            await self._contact.trouble(error)
        if results is not None:
            self._latencies_s.append(time.perf_counter() - sent_at)
            unsettled = self._first_unsettled(results)
            if unsettled is None:
                return [answered(command, result) for command, result in zip(batch.commands, results, strict=True)]
            await self._contact.trouble(ApiError(503, unsettled["code"], unsettled["message"], None, {}))
        return await self._contact.insist(lambda: self._scout.settle(batch, results))

    def _first_unsettled(self, results: Sequence[Order | Refusal]) -> Refusal | None:
        unsettled = None
        for result in results:
            if "code" in result:
                if result["code"] in ENDS_THE_RUN:
                    self._contact.give_up(result["code"], result["message"])
                if unsettled is None and not is_settled(result):
                    unsettled = result
        return unsettled

    async def _result(self, skipped: int, seconds: float) -> ReplayResult:
        recording = self._recording
        names = frozenset(client_order_id(command.order_id) for command in recording.commands)
        users = sorted({user_id for user_id, _, _ in self._owners.needs(recording.commands)})
        made = await TradeReader(self._client, self._market).made(users, names)
        depth = await self._client.depth(self._market, limit=1)
        return ReplayResult(
            market=self._market,
            commands=len(recording.commands),
            skipped=skipped,
            tally=self._judge.tally,
            trades=len(made),
            reconnects=self._contact.troubles,
            seconds=seconds,
            latencies_s=self._latencies_s,
            book_empty=not depth["bids"] and not depth["asks"],
            comparison=compare(recording.trades, made, self._units) if recording.trades is not None else None,
        )
