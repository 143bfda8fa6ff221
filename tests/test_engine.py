"""The engine on a writer and a store in memory: order, bounds, reads, the stop, and the state after a failure."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import pytest

from exchange.core.commands import AddAsset, AddUser, CancelAll, Command, Deposit, SetMarket, SetMarketStatus
from exchange.core.events import Duplicate, Rejected
from exchange.core.instrument import MarketStatus
from exchange.core.market_data import MarketData
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.pipeline.commits import Applied
from exchange.pipeline.outcomes import OVERLOADED, OutcomeUnknown, Overloaded, Stopping
from exchange.runtime import compiled
from exchange.service.reading import Reading
from tests.core.stories import SOL_EUR, book_of, order_of, retold, shown, two_markets, venue_of
from tests.fake_store import Fate, Flow, doomed_flow_of, flow_of, turns
from tests.queries import Copy


def ask(flow: Flow, *texts: str) -> "asyncio.Future[list[Any]]":
    """One request with these orders."""
    return flow.engine.submit_all([order_of(flow.venue, text) for text in texts])


def book(flow: Flow, market: str = "SOL_USDC") -> "asyncio.Future[list[str]]":
    """Somebody reads the book."""
    return flow.engine.read(Copy(lambda venue: shown(venue, market)))


def sequences(outcomes: Sequence[Any]) -> list[int]:
    """The places of commands that were carried out, from the first after the stage was set."""
    return [outcome.sequence for outcome in outcomes]


def twin_after(venue: Venue, flow: Flow) -> Venue:
    """What recovery would make of the database: the venue before, and every stored command once."""
    for applied in flow.store.applied:
        again = venue.apply(applied.command, applied.sequence, applied.time_ns)
        assert isinstance(again, Applied)
        assert again.events == applied.events
    return venue


# --- durable before visible


async def test_an_order_is_answered_when_it_is_durable() -> None:
    async with flow_of(venue_of()) as flow:
        flow.store.slow()
        reply = ask(flow, "bob buy 1 @ 100")
        await turns()
        assert flow.venue.sequence == flow.engine.durable_sequence + 1
        assert not reply.done()
        flow.store.go_on()
        [outcome] = await reply
        assert outcome.sequence == flow.engine.durable_sequence == flow.store.sequence


async def test_a_read_waits_for_what_it_saw() -> None:
    async with flow_of(venue_of()) as flow:
        flow.store.slow()
        ask(flow, "bob buy 1 @ 100")
        await turns()
        read = book(flow)
        ask(flow, "bob buy 1 @ 99")
        await turns()
        assert not read.done()
        flow.store.go_on()
        assert await read == ["bid 1 @ 100"]
        assert await book(flow) == ["bid 1 @ 100", "bid 1 @ 99"]


async def test_a_read_of_what_is_durable_already_waits_for_nobody() -> None:
    async with flow_of(book_of("bid 1 @ 100")) as flow:
        assert book(flow).done()
        await ask(flow, "bob buy 1 @ 99")
        await flow.writer.drained()
        assert book(flow).result() == ["bid 1 @ 100", "bid 1 @ 99"]


@pytest.mark.parametrize("text", ["bob buy 0 @ 100", "bob buy 2 @ 100 as mine", "bob buy 1 @ 100 as mine"])
async def test_a_refusal_and_a_retry_wait_for_what_they_saw(text: str) -> None:
    async with flow_of(venue_of()) as flow:
        flow.store.slow()
        ask(flow, "bob buy 1 @ 100 as mine")
        await turns()
        reply = ask(flow, text)
        await turns()
        assert not reply.done()
        flow.store.go_on()
        [outcome] = await reply
        assert isinstance(outcome, Rejected | Duplicate)


# --- order


async def test_replies_come_in_the_order_of_their_sequences() -> None:
    answered: list[int] = []
    async with flow_of(two_markets(), batch_max=2) as flow:
        first = flow.venue.sequence + 1
        for count in range(6):
            reply = ask(flow, f"bob buy 1 @ {10 + count} on {('SOL_USDC', 'SOL_EUR')[count % 2]}")
            reply.add_done_callback(lambda reply: answered.extend(sequences(reply.result())))
        await turns()
        assert answered == list(range(first, first + 6))


async def test_a_batch_is_applied_in_the_order_given_across_markets() -> None:
    async with flow_of(two_markets()) as flow:
        first = flow.venue.sequence + 1
        outcomes = await flow.engine.submit_all(
            [
                order_of(flow.venue, "bob sell 1 @ 100"),
                order_of(flow.venue, "alice buy 1 @ 100"),
                order_of(flow.venue, "alice sell 1 @ 100 on SOL_EUR"),
                AddUser("dave"),
                Deposit("dave", "EUR", 10_000, "dave"),
                order_of(flow.venue, "dave buy 1 @ 100 on SOL_EUR"),
                order_of(flow.venue, "dave sell 1 @ 100"),
                CancelAll("dave", "SOL_USDC"),
            ]
        )
        assert sequences(outcomes) == list(range(first, first + 8))


async def test_a_run_is_not_interrupted_and_the_next_one_takes_its_place_in_line() -> None:
    async with flow_of(two_markets()) as flow:
        batch = ask(flow, "bob sell 1 @ 100", "bob sell 1 @ 101", "bob sell 1 @ 100 on SOL_EUR", "bob sell 1 @ 102")
        later = ask(flow, "alice sell 1 @ 103"), ask(flow, "alice sell 1 @ 104 on SOL_EUR")
        one, two, three, four = sequences(await batch)
        [[here], [there]] = [sequences(await reply) for reply in later]
        assert two == one + 1
        assert two < here < four
        assert two < three
        assert two < there
        assert three < four


async def test_each_of_a_batch_stands_on_its_own() -> None:
    async with flow_of(venue_of()) as flow:
        taken, refused, canceled, again = await flow.engine.submit_all(
            [
                order_of(flow.venue, "bob buy 1 @ 100 as mine"),
                order_of(flow.venue, "bob buy 2 @ 100 as mine"),
                CancelAll("bob", "SOL_USDC"),
                CancelAll("bob", "SOL_USDC"),
            ]
        )
        assert isinstance(taken, Applied)
        assert isinstance(refused, Rejected)
        assert isinstance(canceled, Applied)
        assert again is None


async def test_time_stamps_never_go_back() -> None:
    clock = iter([50, 10, 60])
    async with flow_of(venue_of(), now_ns=lambda: next(clock)) as flow:
        outcomes = await ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2", "bob buy 1 @ 3")
        assert [outcome.time_ns for outcome in outcomes] == [50, 50, 60]


async def test_a_market_that_is_opened_while_running_trades_at_once() -> None:
    async with flow_of(venue_of()) as flow:
        assert isinstance(await flow.engine.submit(CancelAll("bob", "SOL_EUR")), Rejected)
        add, opened, placed = await flow.engine.submit_all(
            [AddAsset(SOL_EUR.quote), SetMarket(SOL_EUR), order_of(two_markets(), "bob sell 1 @ 100 on SOL_EUR")]
        )
        assert isinstance(placed, Applied)
        assert sequences([add, opened, placed]) == list(range(placed.sequence - 2, placed.sequence + 1))
        assert await book(flow, "SOL_EUR") == ["ask 1 @ 100"]


# --- bounds


async def test_a_full_queue_is_overloaded_at_once_but_for_cancels() -> None:
    async with flow_of(venue_of(), market_queue_max=2) as flow:
        replies = [ask(flow, "bob buy 1 @ 100"), ask(flow, "bob buy 1 @ 99")]
        with pytest.raises(Overloaded):
            ask(flow, "bob buy 1 @ 98")
        cancel: list[Command] = [CancelAll("bob", "SOL_USDC")]
        with pytest.raises(Overloaded):
            flow.engine.submit_all([*cancel, order_of(flow.venue, "bob buy 1 @ 97")])
        replies += [flow.engine.submit_all(cancel), flow.engine.submit_all(cancel)]
        with pytest.raises(Overloaded):
            flow.engine.submit_all(cancel)
        await asyncio.wait(replies)
        assert await book(flow) == []
        await ask(flow, "bob buy 1 @ 98")
        assert await book(flow) == ["bid 1 @ 98"]


async def test_a_full_queue_does_not_close_the_other_markets() -> None:
    async with flow_of(two_markets(), market_queue_max=1) as flow:
        ask(flow, "bob buy 1 @ 100")
        assert sequences(await ask(flow, "bob buy 1 @ 100 on SOL_EUR"))


async def test_a_backlog_that_is_not_released_overloads_but_for_cancels() -> None:
    async with flow_of(venue_of(), market_queue_max=3, backlog_max=4) as flow:
        flow.store.slow()
        for price in (101, 102, 103, 104):
            ask(flow, f"bob buy 1 @ {price}")
            await turns()
        with pytest.raises(Overloaded):
            ask(flow, "bob buy 1 @ 100")
        for _ in range(3):
            flow.engine.submit_all([CancelAll("bob", "SOL_USDC")])
            await turns()
        with pytest.raises(Overloaded):
            flow.engine.submit_all([CancelAll("bob", "SOL_USDC")])
        with pytest.raises(Overloaded):
            book(flow)
        flow.store.go_on()
        await flow.writer.drained()
        await ask(flow, "bob buy 1 @ 100")
        assert await book(flow) == ["bid 1 @ 100"]


async def test_a_batch_larger_than_the_room_left_is_refused_whole() -> None:
    async with flow_of(venue_of(), backlog_max=2) as flow:
        with pytest.raises(Overloaded):
            ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2", "bob buy 1 @ 3")
        assert await book(flow) == []
        assert len(await ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2")) == 2


async def test_reads_are_bounded_too() -> None:
    async with flow_of(venue_of(), backlog_max=4) as flow:
        flow.store.slow()
        ask(flow, "bob buy 1 @ 1")
        await turns()
        reads = [book(flow) for _ in range(4)]
        with pytest.raises(Overloaded):
            book(flow)
        flow.store.go_on()
        assert [await read for read in reads] == [["bid 1 @ 1"]] * 4


async def test_a_later_run_that_meets_a_full_queue_is_overloaded_alone() -> None:
    async with flow_of(two_markets(), market_queue_max=1) as flow:
        batch = ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2 on SOL_EUR", "bob buy 1 @ 3 on SOL_EUR", "bob buy 1 @ 4")
        other = ask(flow, "alice buy 1 @ 5 on SOL_EUR")
        first, second, third, fourth = await batch
        assert second is third is OVERLOADED
        assert isinstance(first, Applied)
        assert isinstance(fourth, Applied)
        assert len(await other) == 1
        assert await book(flow, "SOL_EUR") == ["bid 1 @ 5"]
        assert await book(flow) == ["bid 1 @ 4", "bid 1 @ 1"]
        assert len(await ask(flow, "bob buy 1 @ 6")) == 1


# --- in doubt and too late


@pytest.mark.parametrize("fate", [Fate.LOST_BEFORE, Fate.LOST_AFTER])
async def test_what_the_database_has_is_what_the_venue_holds(fate: Fate) -> None:
    venue = two_markets()
    twin = retold(venue)
    async with flow_of(venue, batch_max=3) as flow:
        flow.store.fates.extend([Fate.STORED, fate, Fate.STORED, fate])
        replies = [ask(flow, f"alice sell 2 @ {100 + n}", f"bob buy 1 @ {101 + n}") for n in range(6)]
        await asyncio.wait(replies)
        assert twin_after(twin, flow).state() == venue.state()
        assert flow.store.settled == 2


async def test_a_late_outcome_is_unknown_and_a_retry_finds_it() -> None:
    async with flow_of(venue_of(), reply_timeout_s=0.0) as flow:
        flow.store.slow()
        with pytest.raises(OutcomeUnknown):
            await ask(flow, "bob buy 1 @ 100 as mine")
        flow.store.go_on()
        await flow.writer.drained()
        assert flow.store.sequence == flow.venue.sequence
        [retry] = [flow.venue.client_ids.taken_by("bob", "mine")]
        assert retry is not None
        assert retry[0] == flow.venue.counts.last_order_id == 1


async def test_the_order_of_a_client_who_leaves_stays() -> None:
    async with flow_of(venue_of()) as flow:
        flow.store.slow()
        client = asyncio.create_task(flow.engine.submit(order_of(flow.venue, "bob buy 1 @ 100")))
        await turns()
        client.cancel()
        flow.store.go_on()
        assert await book(flow) == ["bid 1 @ 100"]
        assert len(flow.store.applied) == 1


# --- the end


async def test_stop_returns_when_everything_taken_is_released() -> None:
    async with flow_of(two_markets()) as flow:
        flow.store.slow()
        replies = [ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2 on SOL_EUR", "bob buy 1 @ 3"), ask(flow, "bob buy 1 @ 4")]
        stopping = asyncio.create_task(flow.engine.stop())
        await turns()
        assert not stopping.done()
        with pytest.raises(Stopping):
            ask(flow, "bob buy 1 @ 5")
        flow.store.go_on()
        await stopping
        assert [len(reply.result()) for reply in replies] == [3, 1]
        assert flow.store.sequence == flow.venue.sequence


async def test_stop_without_anything_to_do_returns() -> None:
    async with flow_of(venue_of()) as flow:
        await flow.engine.stop()


async def test_everybody_is_answered_when_the_writer_dies() -> None:
    async with doomed_flow_of(two_markets(), Failure, batch_max=1) as flow:
        flow.store.slow()
        flow.store.fates.append(Fate.REFUSED)
        replies = [ask(flow, "bob buy 1 @ 1", "bob buy 1 @ 2 on SOL_EUR")]
        await turns()
        reads = [book(flow)]
        flow.store.go_on()
        replies += [ask(flow, "bob buy 1 @ 3"), ask(flow, "bob buy 1 @ 4", "bob buy 1 @ 5 on SOL_EUR")]
    assert all_unknown([*replies, *reads])
    assert flow.store.applied == []
    assert takes_nothing_more(flow)


@pytest.mark.skipif(compiled.in_use(), reason="a venue that is compiled cannot be broken by inheriting from it")
async def test_a_broken_core_does_and_shows_nothing_more_and_answers_everybody() -> None:
    async with doomed_flow_of(BrokenVenue.restore(two_markets().state()), Broken) as flow:
        flow.store.slow()
        sound = ask(flow, "bob buy 1 @ 5")
        await turns()
        flow.store.go_on()  # the writer is about to look for more when the bug strikes
        replies = [
            flow.engine.submit_all([AddUser("bug"), order_of(flow.venue, "bob buy 1 @ 1")]),
            flow.engine.submit_all([AddUser("dave")]),
            ask(flow, "bob buy 1 @ 2"),
            ask(flow, "bob buy 1 @ 3 on SOL_EUR", "bob buy 1 @ 4"),
        ]
    assert all_unknown(replies)
    assert flow.store.applied == await sound
    assert len(flow.store.asked) == 1
    assert takes_nothing_more(flow)


def all_unknown(replies: "Sequence[asyncio.Future[list[Any]]]") -> bool:
    """Whether everybody was told that the outcome is unknown."""
    return all(reply.done() and isinstance(reply.exception(), OutcomeUnknown) for reply in replies)


def takes_nothing_more(flow: Flow) -> bool:
    """Whether it refuses to begin anything, reads included."""
    with pytest.raises(Stopping):
        ask(flow, "bob buy 1 @ 7")
    with pytest.raises(Stopping):
        book(flow)
    return flow.engine.stopping


class Broken(Exception):
    """A bug in the core."""


class BrokenVenue(Venue):
    """A venue with a bug: a user called `bug` breaks it half way through."""

    def apply(self, command: Command, sequence: int, now_ns: int) -> Outcome:
        """Carry out one command, unless it meets the bug."""
        if isinstance(command, AddUser) and command.user_id == "bug":
            raise Broken
        return super().apply(command, sequence, now_ns)


# --- the clock, and its marks


async def test_time_stands_when_the_clock_goes_back() -> None:
    clock = iter([50, 40, 60])
    async with flow_of(venue_of(), now_ns=lambda: next(clock)) as flow:
        assert flow.engine.time_ns() == 50
        # Candles have ended by that time: a trade must not fall into one of them.
        assert (await ask(flow, "bob buy 1 @ 100"))[0].time_ns == 50
        assert (await ask(flow, "bob buy 1 @ 100"))[0].time_ns == 60


async def test_a_time_that_is_never_written_down_is_missed_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with doomed_flow_of(venue_of(), Failure) as flow:
        flow.store.fates.append(Fate.REFUSED)
        order = ask(flow, "bob buy 1 @ 100")
        await turns(1)
        assert flow.engine.pass_time()
        flow.store.go_on()
        with pytest.raises(OutcomeUnknown):
            await order
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_market_that_is_full_can_be_halted() -> None:
    halt = SetMarketStatus("SOL_USDC", MarketStatus.HALTED)
    async with flow_of(venue_of(), market_queue_max=2, backlog_max=2) as flow:
        flow.store.slow()
        orders = ask(flow, "alice buy 1 @ 10", "alice buy 1 @ 11")
        with pytest.raises(Overloaded):
            ask(flow, "alice buy 1 @ 12")
        halted = flow.engine.submit_all([halt])
        flow.store.go_on()
        await orders
        assert isinstance((await halted)[0], Applied)


async def test_the_health_shows_a_status_once_it_is_durable() -> None:
    venue = venue_of()
    data = MarketData(venue.sequence)
    data.open(venue.markets["SOL_USDC"].changed())

    def released(entries: list[Any]) -> None:
        for _, _, outcome in entries:
            data.apply(outcome.sequence, outcome.time_ns, outcome.events)

    async with flow_of(venue, released=released) as flow:
        nothing: Any = None
        reading = Reading(flow.engine, nothing, nothing, data, lambda: True)
        flow.store.slow()
        halted = flow.engine.submit_all([SetMarketStatus("SOL_USDC", MarketStatus.HALTED)])
        await turns()
        assert venue.markets["SOL_USDC"].instrument.status is MarketStatus.HALTED
        assert reading.health().markets == {"SOL_USDC": MarketStatus.TRADING}
        flow.store.go_on()
        await halted
        assert reading.health().markets == {"SOL_USDC": MarketStatus.HALTED}
