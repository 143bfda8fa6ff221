"""The writer: durable before visible, in order, once, and every client gets an answer."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from exchange.core.commands import AddUser
from exchange.core.events import Rejected, RejectReason, UserAdded
from exchange.failure import Failure
from exchange.pipeline import projector as projector
from exchange.pipeline.commits import Applied
from exchange.pipeline.outcomes import SEEN, OutcomeUnknown
from exchange.pipeline.projector import Projector
from exchange.pipeline.writer import Entry, Waiter, Writer
from tests.fake_store import GUARD_S, FakeStore, FakeTables, Fate, turns

REFUSED = Rejected(RejectReason.MIN_NOTIONAL)


class Desk:
    """A writer at work, and someone who hands it outcomes."""

    def __init__(self, writer: Writer, store: FakeStore, task: "asyncio.Task[None]") -> None:
        self.writer = writer
        self.store = store
        self.task = task
        self.sequence = store.sequence
        self.answered: list[Any] = []

    def add(self, outcome: Any, since: float = 0.0) -> "asyncio.Future[list[Any]]":
        """Hand over an outcome of a request of its own."""
        ticket = Waiter(asyncio.get_running_loop().create_future(), 1, since)
        ticket.future.add_done_callback(lambda _: self.answered.append(outcome))
        self.writer.add(ticket, 0, outcome)
        return ticket.future

    def apply(self, since: float = 0.0) -> "asyncio.Future[list[Any]]":
        """Hand over the next command that was carried out."""
        return self.add(self.next(), since)

    def next(self) -> Applied:
        """The next command that was carried out."""
        self.sequence += 1
        name = f"user-{self.sequence}"
        return Applied(self.sequence, self.sequence, AddUser(name), [UserAdded(name)])

    def stored(self) -> list[int]:
        """The sequences in the database."""
        return [applied.sequence for applied in self.store.applied]


@asynccontextmanager
async def desk_of(sequence: int = 0, **options: Any) -> AsyncIterator[Desk]:
    """A writer at work over a database that is at this sequence."""
    store = FakeStore(sequence)
    writer = Writer(store, Projector(FakeTables(sequence), sequence), sequence, **options)
    task = asyncio.create_task(writer.run())
    await turns()
    try:
        async with asyncio.timeout(GUARD_S):
            yield Desk(writer, store, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Failure):
            await task


# --- durable before visible


async def test_an_outcome_leaves_after_its_commit() -> None:
    async with desk_of(sequence=7) as desk:
        desk.store.slow()
        reply = desk.apply()
        await turns()
        assert desk.store.asked == [(7, 8)]
        assert not reply.done()
        assert desk.writer.durable_sequence == 7
        desk.store.go_on()
        assert [outcome.sequence for outcome in await reply] == [8]
        assert desk.writer.durable_sequence == 8
        assert desk.stored() == [8]


@pytest.mark.parametrize("outcome", [REFUSED, None, SEEN])
async def test_what_needs_no_commit_waits_for_those_before_it(outcome: Any) -> None:
    async with desk_of() as desk:
        desk.store.slow()
        desk.apply()
        early = desk.add(outcome)
        await turns()
        late = desk.add(outcome)
        await turns()
        assert not early.done()
        assert not late.done()
        desk.store.go_on()
        assert await early == await late == [outcome]


@pytest.mark.parametrize("outcome", [REFUSED, None, SEEN])
async def test_what_has_nothing_before_it_leaves_at_once(outcome: Any) -> None:
    async with desk_of() as desk:
        assert desk.add(outcome).done()
        await desk.apply()
        await desk.writer.drained()
        assert desk.add(outcome).done()
        assert desk.store.asked == [(0, 1)]


async def test_replies_leave_in_the_order_they_came() -> None:
    async with desk_of(batch_max=2) as desk:
        outcomes = [desk.next(), REFUSED, SEEN, desk.next(), desk.next(), None, desk.next(), SEEN]
        for outcome in outcomes:
            desk.add(outcome)
        await desk.writer.drained()
        await turns()
        assert desk.answered == outcomes


async def test_release_sees_what_is_durable_before_any_waiter_does() -> None:
    seen: list[tuple[int, list[int], bool]] = []

    def released(entries: list[Entry]) -> None:
        sequences = [outcome.sequence for _, _, outcome in entries if isinstance(outcome, Applied)]
        told = any(isinstance(ticket, Waiter) and ticket.future.done() for ticket, _, _ in entries)
        seen.append((desk.writer.durable_sequence, sequences, told))

    async with desk_of(released=released) as desk:
        desk.apply()
        desk.apply()
        await desk.apply()
        assert seen == [(3, [1, 2, 3], False)]


async def test_release_sees_what_leaves_at_once_too() -> None:
    seen: list[Any] = []
    async with desk_of(released=lambda entries: seen.extend(outcome for _, _, outcome in entries)) as desk:
        desk.add(REFUSED)
        [applied] = await desk.apply()
        await desk.writer.drained()
        desk.add(SEEN)
        assert seen == [REFUSED, applied, SEEN]


async def test_a_request_of_several_commands_is_answered_with_the_last() -> None:
    async with desk_of(batch_max=1) as desk:
        ticket = Waiter(asyncio.get_running_loop().create_future(), 3, 0.0)
        first, last = desk.next(), desk.next()
        desk.writer.add(ticket, 0, first)
        desk.writer.add(ticket, 1, REFUSED)
        await desk.writer.drained()
        assert not ticket.future.done()
        desk.writer.add(ticket, 2, last)
        assert await ticket.future == [first, REFUSED, last]


# --- batches


async def test_what_comes_during_a_commit_makes_the_next_one() -> None:
    async with desk_of() as desk:
        desk.store.slow()
        desk.apply()
        await turns()
        for _ in range(3):
            desk.apply()
            await turns()
        desk.store.go_on()
        await desk.writer.drained()
        assert desk.store.asked == [(0, 1), (1, 4)]


async def test_a_batch_is_never_larger_than_allowed() -> None:
    async with desk_of(batch_max=4) as desk:
        for _ in range(10):
            desk.apply()
        await desk.writer.drained()
        assert desk.store.asked == [(0, 4), (4, 8), (8, 10)]
        assert desk.stored() == list(range(1, 11))


async def test_the_backlog_counts_what_is_not_released() -> None:
    async with desk_of(batch_max=2) as desk:
        desk.store.slow()
        for _ in range(3):
            desk.apply()
        desk.add(REFUSED)
        await turns()
        assert desk.writer.backlog == 4
        desk.store.go_on()
        await desk.writer.drained()
        assert desk.writer.backlog == 0


async def test_a_waiter_who_has_left_disturbs_nobody() -> None:
    async with desk_of() as desk:
        desk.store.slow()
        gone, there = desk.apply(), desk.apply()
        await turns()
        gone.cancel()
        desk.store.go_on()
        assert [outcome.sequence for outcome in await there] == [2]
        assert desk.stored() == [1, 2]


# --- in doubt


@pytest.mark.parametrize(
    ("fates", "asked"),
    [
        ([Fate.LOST_BEFORE], 2),
        ([Fate.LOST_AFTER], 1),
        ([Fate.LOST_BEFORE, Fate.LOST_BEFORE, Fate.LOST_AFTER], 3),
    ],
)
async def test_a_batch_in_doubt_is_neither_lost_nor_doubled(fates: list[Fate], asked: int) -> None:
    async with desk_of() as desk:
        desk.store.fates.extend(fates)
        replies = [desk.apply(), desk.apply()]
        await desk.writer.drained()
        assert desk.store.asked == [(0, 2)] * asked
        assert desk.store.settled == len(fates)
        assert [(await reply)[0].sequence for reply in replies] == [1, 2]
        await desk.apply()
        assert desk.stored() == [1, 2, 3]


async def test_nothing_in_doubt_is_seen() -> None:
    async with desk_of() as desk:
        desk.store.fates.append(Fate.LOST_AFTER)
        desk.store.unreachable()
        reply = desk.apply()
        await turns()
        assert desk.stored() == [1]
        read = desk.add(SEEN)
        await turns()
        assert not reply.done()
        assert not read.done()
        assert desk.writer.durable_sequence == 0
        desk.store.go_on()
        assert await read == [SEEN]
        assert desk.writer.durable_sequence == 1


async def test_a_lost_connection_is_looked_after_although_nobody_asks() -> None:
    async with desk_of() as desk:
        desk.store.there = False
        desk.writer.wake()
        await turns()
        assert desk.store.settled == 1
        assert desk.store.asked == []


async def test_a_connection_known_to_be_lost_is_not_tried() -> None:
    async with desk_of() as desk:
        desk.store.there = False
        await desk.apply()
        assert desk.store.settled == 1
        assert desk.stored() == [1]


# --- the end


async def ended(desk: Desk) -> BaseException | None:
    """Why the writer's task ended."""
    await asyncio.wait([desk.task])
    return desk.task.exception()


async def test_a_commit_that_can_never_succeed_ends_it_and_shows_nothing() -> None:
    async with desk_of(batch_max=2) as desk:
        desk.store.fates.append(Fate.REFUSED)
        replies = [desk.apply(), desk.apply(), desk.apply(), desk.add(REFUSED)]
        assert isinstance(await ended(desk), Failure)
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 4
        assert desk.writer.durable_sequence == 0


@pytest.mark.parametrize("found", [1, 99])
async def test_a_database_that_someone_else_wrote_to_ends_it(found: int) -> None:
    async with desk_of(sequence=5) as desk:
        desk.store.fates.append(Fate.LOST_BEFORE)
        desk.store.unreachable()
        replies = [desk.apply(), desk.apply()]
        await turns()
        desk.store.sequence = found
        desk.store.go_on()
        failure = await ended(desk)
        assert str(failure) == f"The database is at sequence {found}, not at 5: something else wrote to it."
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 2


async def test_a_database_that_moved_while_nobody_asked_ends_it() -> None:
    async with desk_of(sequence=5) as desk:
        desk.store.there, desk.store.sequence = False, 6
        desk.writer.wake()
        assert isinstance(await ended(desk), Failure)


async def test_nobody_waits_for_a_writer_that_was_canceled() -> None:
    async with desk_of() as desk:
        desk.store.slow()
        replies = [desk.apply()]
        await turns()
        replies += [desk.apply(), desk.add(SEEN)]
        desk.task.cancel()
        await asyncio.wait([desk.task])
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 3


async def test_what_is_durable_is_answered_although_the_next_commit_is_refused() -> None:
    async with desk_of() as desk:
        desk.store.slow()
        first = [desk.apply(), desk.apply()]
        await turns()
        second = [desk.apply(), desk.add(SEEN)]
        desk.store.fates += [Fate.STORED, Fate.REFUSED]
        desk.store.go_on()
        assert isinstance(await ended(desk), Failure)
        assert [reply.result()[0].sequence for reply in first] == [1, 2]
        assert [type(reply.exception()) for reply in second] == [OutcomeUnknown] * 2
        assert desk.writer.durable_sequence == 2


async def test_nobody_waits_for_a_writer_that_was_canceled_between_two_commits() -> None:
    async with desk_of() as desk:
        desk.store.slow()
        first = desk.apply()
        await turns()
        second = desk.apply()
        first.add_done_callback(lambda _: desk.task.cancel())
        desk.store.go_on()
        desk.store.slow()
        await asyncio.wait([desk.task])
        assert first.result()[0].sequence == 1
        assert isinstance(second.exception(), OutcomeUnknown)


@pytest.mark.parametrize("idle", [True, False])
async def test_nobody_waits_for_a_writer_that_has_ended_already(idle: bool) -> None:
    async with desk_of() as desk:
        if idle:
            desk.task.cancel()
        else:
            desk.store.fates.append(Fate.REFUSED)
            desk.apply().add_done_callback(lambda reply: reply.exception())
        await asyncio.wait([desk.task])
        for outcome in (desk.next(), REFUSED, SEEN):
            assert isinstance(desk.add(outcome).exception(), OutcomeUnknown)


# --- the reply timeout


@asynccontextmanager
async def watched(desk: Desk) -> AsyncIterator[None]:
    """Somebody looks after the waiters, who here wait no time at all unless they came later than now."""
    watch = asyncio.create_task(desk.writer.expire())
    yield
    watch.cancel()
    await asyncio.wait([watch])


@pytest.mark.parametrize("on_its_way", [True, False])
async def test_a_waiter_past_the_timeout_is_told_so_while_the_commit_goes_on(on_its_way: bool) -> None:
    async with desk_of(reply_timeout_s=0.0) as desk:
        desk.store.slow()
        reply = desk.apply()
        await turns(30 if on_its_way else 0)
        async with watched(desk):
            with pytest.raises(OutcomeUnknown):
                await reply
        assert desk.stored() == []
        desk.store.go_on()
        await desk.writer.drained()
        assert desk.stored() == [1]
        assert desk.writer.durable_sequence == 1


async def test_those_in_line_are_told_too() -> None:
    async with desk_of(reply_timeout_s=0.0) as desk, watched(desk):
        desk.store.slow()
        desk.apply().add_done_callback(lambda reply: reply.exception())
        await turns()
        reads = [desk.add(SEEN), desk.add(REFUSED)]
        await turns()
        assert [type(read.exception()) for read in reads] == [OutcomeUnknown] * 2


async def test_those_after_a_mark_that_nobody_waits_for_are_told_too() -> None:
    async with desk_of(reply_timeout_s=0.0) as desk, watched(desk):
        desk.store.slow()
        desk.apply().add_done_callback(lambda reply: reply.exception())
        await turns()
        mark, read = desk.add(SEEN, since=math.inf), desk.add(SEEN)
        await turns()
        assert isinstance(read.exception(), OutcomeUnknown)
        assert not mark.done()


async def test_who_came_later_still_waits() -> None:
    async with desk_of(reply_timeout_s=0.0) as desk, watched(desk):
        desk.store.slow()
        early, late = desk.apply(), desk.apply(since=asyncio.get_running_loop().time() + 1e6)
        await turns()
        assert isinstance(early.exception(), OutcomeUnknown)
        assert not late.done()
        desk.store.go_on()
        assert [outcome.sequence for outcome in await late] == [2]


async def test_the_journal_does_not_run_away_from_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "LAG_MAX", 3)
    monkeypatch.setattr(projector, "PROJECTION_MAX", 2)
    async with desk_of(batch_max=2) as desk:
        waiting = [desk.apply() for _ in range(8)]
        await turns(200)
        assert desk.stored() == [1, 2, 3, 4], "nobody fills the tables here"
        filling = asyncio.create_task(desk.writer._projector.run())
        await asyncio.gather(*waiting)
        filling.cancel()
    assert desk.stored() == [1, 2, 3, 4, 5, 6, 7, 8]
