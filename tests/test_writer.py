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


class Shop:
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
async def shop_of(sequence: int = 0, **options: Any) -> AsyncIterator[Shop]:
    """A writer at work over a database that is at this sequence."""
    store = FakeStore(sequence)
    writer = Writer(store, Projector(FakeTables(sequence), sequence), sequence, **options)
    task = asyncio.create_task(writer.run())
    await turns()
    try:
        async with asyncio.timeout(GUARD_S):
            yield Shop(writer, store, task)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Failure):
            await task


# --- durable before visible


async def test_an_outcome_leaves_after_its_commit() -> None:
    async with shop_of(sequence=7) as shop:
        shop.store.slow()
        reply = shop.apply()
        await turns()
        assert shop.store.asked == [(7, 8)]
        assert not reply.done()
        assert shop.writer.durable_sequence == 7
        shop.store.go_on()
        assert [outcome.sequence for outcome in await reply] == [8]
        assert shop.writer.durable_sequence == 8
        assert shop.stored() == [8]


@pytest.mark.parametrize("outcome", [REFUSED, None, SEEN])
async def test_what_needs_no_commit_waits_for_those_before_it(outcome: Any) -> None:
    async with shop_of() as shop:
        shop.store.slow()
        shop.apply()
        early = shop.add(outcome)
        await turns()
        late = shop.add(outcome)
        await turns()
        assert not early.done()
        assert not late.done()
        shop.store.go_on()
        assert await early == await late == [outcome]


@pytest.mark.parametrize("outcome", [REFUSED, None, SEEN])
async def test_what_has_nothing_before_it_leaves_at_once(outcome: Any) -> None:
    async with shop_of() as shop:
        assert shop.add(outcome).done()
        await shop.apply()
        await shop.writer.drained()
        assert shop.add(outcome).done()
        assert shop.store.asked == [(0, 1)]


async def test_replies_leave_in_the_order_they_came() -> None:
    async with shop_of(batch_max=2) as shop:
        outcomes = [shop.next(), REFUSED, SEEN, shop.next(), shop.next(), None, shop.next(), SEEN]
        for outcome in outcomes:
            shop.add(outcome)
        await shop.writer.drained()
        await turns()
        assert shop.answered == outcomes


async def test_release_sees_what_is_durable_before_any_waiter_does() -> None:
    seen: list[tuple[int, list[int], bool]] = []

    def released(entries: list[Entry]) -> None:
        sequences = [outcome.sequence for _, _, outcome in entries if isinstance(outcome, Applied)]
        told = any(isinstance(ticket, Waiter) and ticket.future.done() for ticket, _, _ in entries)
        seen.append((shop.writer.durable_sequence, sequences, told))

    async with shop_of(released=released) as shop:
        shop.apply()
        shop.apply()
        await shop.apply()
        assert seen == [(3, [1, 2, 3], False)]


async def test_release_sees_what_leaves_at_once_too() -> None:
    seen: list[Any] = []
    async with shop_of(released=lambda entries: seen.extend(outcome for _, _, outcome in entries)) as shop:
        shop.add(REFUSED)
        [applied] = await shop.apply()
        await shop.writer.drained()
        shop.add(SEEN)
        assert seen == [REFUSED, applied, SEEN]


async def test_a_request_of_several_commands_is_answered_with_the_last() -> None:
    async with shop_of(batch_max=1) as shop:
        ticket = Waiter(asyncio.get_running_loop().create_future(), 3, 0.0)
        first, last = shop.next(), shop.next()
        shop.writer.add(ticket, 0, first)
        shop.writer.add(ticket, 1, REFUSED)
        await shop.writer.drained()
        assert not ticket.future.done()
        shop.writer.add(ticket, 2, last)
        assert await ticket.future == [first, REFUSED, last]


# --- batches


async def test_what_comes_during_a_commit_makes_the_next_one() -> None:
    async with shop_of() as shop:
        shop.store.slow()
        shop.apply()
        await turns()
        for _ in range(3):
            shop.apply()
            await turns()
        shop.store.go_on()
        await shop.writer.drained()
        assert shop.store.asked == [(0, 1), (1, 4)]


async def test_a_batch_is_never_larger_than_allowed() -> None:
    async with shop_of(batch_max=4) as shop:
        for _ in range(10):
            shop.apply()
        await shop.writer.drained()
        assert shop.store.asked == [(0, 4), (4, 8), (8, 10)]
        assert shop.stored() == list(range(1, 11))


async def test_the_backlog_counts_what_is_not_released() -> None:
    async with shop_of(batch_max=2) as shop:
        shop.store.slow()
        for _ in range(3):
            shop.apply()
        shop.add(REFUSED)
        await turns()
        assert shop.writer.backlog == 4
        shop.store.go_on()
        await shop.writer.drained()
        assert shop.writer.backlog == 0


async def test_a_waiter_who_has_left_disturbs_nobody() -> None:
    async with shop_of() as shop:
        shop.store.slow()
        gone, there = shop.apply(), shop.apply()
        await turns()
        gone.cancel()
        shop.store.go_on()
        assert [outcome.sequence for outcome in await there] == [2]
        assert shop.stored() == [1, 2]


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
    async with shop_of() as shop:
        shop.store.fates.extend(fates)
        replies = [shop.apply(), shop.apply()]
        await shop.writer.drained()
        assert shop.store.asked == [(0, 2)] * asked
        assert shop.store.settled == len(fates)
        assert [(await reply)[0].sequence for reply in replies] == [1, 2]
        await shop.apply()
        assert shop.stored() == [1, 2, 3]


async def test_nothing_in_doubt_is_seen() -> None:
    async with shop_of() as shop:
        shop.store.fates.append(Fate.LOST_AFTER)
        shop.store.unreachable()
        reply = shop.apply()
        await turns()
        assert shop.stored() == [1]
        read = shop.add(SEEN)
        await turns()
        assert not reply.done()
        assert not read.done()
        assert shop.writer.durable_sequence == 0
        shop.store.go_on()
        assert await read == [SEEN]
        assert shop.writer.durable_sequence == 1


async def test_a_lost_connection_is_looked_after_although_nobody_asks() -> None:
    async with shop_of() as shop:
        shop.store.there = False
        shop.writer.wake()
        await turns()
        assert shop.store.settled == 1
        assert shop.store.asked == []


async def test_a_connection_known_to_be_lost_is_not_tried() -> None:
    async with shop_of() as shop:
        shop.store.there = False
        await shop.apply()
        assert shop.store.settled == 1
        assert shop.stored() == [1]


# --- the end


async def ended(shop: Shop) -> BaseException | None:
    """Why the writer's task ended."""
    await asyncio.wait([shop.task])
    return shop.task.exception()


async def test_a_commit_that_can_never_succeed_ends_it_and_shows_nothing() -> None:
    async with shop_of(batch_max=2) as shop:
        shop.store.fates.append(Fate.REFUSED)
        replies = [shop.apply(), shop.apply(), shop.apply(), shop.add(REFUSED)]
        assert isinstance(await ended(shop), Failure)
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 4
        assert shop.writer.durable_sequence == 0


@pytest.mark.parametrize("found", [1, 99])
async def test_a_database_that_someone_else_wrote_to_ends_it(found: int) -> None:
    async with shop_of(sequence=5) as shop:
        shop.store.fates.append(Fate.LOST_BEFORE)
        shop.store.unreachable()
        replies = [shop.apply(), shop.apply()]
        await turns()
        shop.store.sequence = found
        shop.store.go_on()
        failure = await ended(shop)
        assert str(failure) == f"The database is at sequence {found}, not at 5: something else wrote to it."
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 2


async def test_a_database_that_moved_while_nobody_asked_ends_it() -> None:
    async with shop_of(sequence=5) as shop:
        shop.store.there, shop.store.sequence = False, 6
        shop.writer.wake()
        assert isinstance(await ended(shop), Failure)


async def test_nobody_waits_for_a_writer_that_was_canceled() -> None:
    async with shop_of() as shop:
        shop.store.slow()
        replies = [shop.apply()]
        await turns()
        replies += [shop.apply(), shop.add(SEEN)]
        shop.task.cancel()
        await asyncio.wait([shop.task])
        assert [type(reply.exception()) for reply in replies] == [OutcomeUnknown] * 3


async def test_what_is_durable_is_answered_although_the_next_commit_is_refused() -> None:
    async with shop_of() as shop:
        shop.store.slow()
        first = [shop.apply(), shop.apply()]
        await turns()
        second = [shop.apply(), shop.add(SEEN)]
        shop.store.fates += [Fate.STORED, Fate.REFUSED]
        shop.store.go_on()
        assert isinstance(await ended(shop), Failure)
        assert [reply.result()[0].sequence for reply in first] == [1, 2]
        assert [type(reply.exception()) for reply in second] == [OutcomeUnknown] * 2
        assert shop.writer.durable_sequence == 2


async def test_nobody_waits_for_a_writer_that_was_canceled_between_two_commits() -> None:
    async with shop_of() as shop:
        shop.store.slow()
        first = shop.apply()
        await turns()
        second = shop.apply()
        first.add_done_callback(lambda _: shop.task.cancel())
        shop.store.go_on()
        shop.store.slow()
        await asyncio.wait([shop.task])
        assert first.result()[0].sequence == 1
        assert isinstance(second.exception(), OutcomeUnknown)


@pytest.mark.parametrize("idle", [True, False])
async def test_nobody_waits_for_a_writer_that_has_ended_already(idle: bool) -> None:
    async with shop_of() as shop:
        if idle:
            shop.task.cancel()
        else:
            shop.store.fates.append(Fate.REFUSED)
            shop.apply().add_done_callback(lambda reply: reply.exception())
        await asyncio.wait([shop.task])
        for outcome in (shop.next(), REFUSED, SEEN):
            assert isinstance(shop.add(outcome).exception(), OutcomeUnknown)


# --- the reply timeout


@asynccontextmanager
async def watched(shop: Shop) -> AsyncIterator[None]:
    """Somebody looks after the waiters, who here wait no time at all unless they came later than now."""
    watch = asyncio.create_task(shop.writer.expire())
    yield
    watch.cancel()
    await asyncio.wait([watch])


@pytest.mark.parametrize("on_its_way", [True, False])
async def test_a_waiter_past_the_timeout_is_told_so_while_the_commit_goes_on(on_its_way: bool) -> None:
    async with shop_of(reply_timeout_s=0.0) as shop:
        shop.store.slow()
        reply = shop.apply()
        await turns(30 if on_its_way else 0)
        async with watched(shop):
            with pytest.raises(OutcomeUnknown):
                await reply
        assert shop.stored() == []
        shop.store.go_on()
        await shop.writer.drained()
        assert shop.stored() == [1]
        assert shop.writer.durable_sequence == 1


async def test_those_in_line_are_told_too() -> None:
    async with shop_of(reply_timeout_s=0.0) as shop, watched(shop):
        shop.store.slow()
        shop.apply().add_done_callback(lambda reply: reply.exception())
        await turns()
        reads = [shop.add(SEEN), shop.add(REFUSED)]
        await turns()
        assert [type(read.exception()) for read in reads] == [OutcomeUnknown] * 2


async def test_those_after_a_mark_that_nobody_waits_for_are_told_too() -> None:
    async with shop_of(reply_timeout_s=0.0) as shop, watched(shop):
        shop.store.slow()
        shop.apply().add_done_callback(lambda reply: reply.exception())
        await turns()
        mark, read = shop.add(SEEN, since=math.inf), shop.add(SEEN)
        await turns()
        assert isinstance(read.exception(), OutcomeUnknown)
        assert not mark.done()


async def test_who_came_later_still_waits() -> None:
    async with shop_of(reply_timeout_s=0.0) as shop, watched(shop):
        shop.store.slow()
        early, late = shop.apply(), shop.apply(since=asyncio.get_running_loop().time() + 1e6)
        await turns()
        assert isinstance(early.exception(), OutcomeUnknown)
        assert not late.done()
        shop.store.go_on()
        assert [outcome.sequence for outcome in await late] == [2]


async def test_the_journal_does_not_run_away_from_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "LAG_MAX", 3)
    monkeypatch.setattr(projector, "PROJECTION_MAX", 2)
    async with shop_of(batch_max=2) as shop:
        waiting = [shop.apply() for _ in range(8)]
        await turns(200)
        assert shop.stored() == [1, 2, 3, 4], "nobody fills the tables here"
        filling = asyncio.create_task(shop.writer._projector.run())
        await asyncio.gather(*waiting)
        filling.cancel()
    assert shop.stored() == [1, 2, 3, 4, 5, 6, 7, 8]
