"""The lane of reads: at once when no order waits, and no more than a share of the time when one does."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.api.http.request import Request
from exchange.api.http.response import Response
from exchange.api.native.calls import CALLS
from exchange.api.native.errors import Refusals
from exchange.api.native.pages import metrics_page
from exchange.api.native.rest import PAGE_BYTE_S, PAGE_S, Rest
from exchange.pipeline.outcomes import Overloaded
from exchange.runtime import compiled
from exchange.service.read_lane import CREDIT_MAX_S, DEBT_MAX_S, HISTORY, LINGER_S, LINGER_TURNS, MEMORY, ReadLane
from tests.fake_store import turns
from tests.patience import PATIENCE_S

of_sources = pytest.mark.skipif(compiled.in_use(), reason="calls that are compiled take nothing but a whole service")


class Commits:
    """Sequences that a test sets, and a clock that goes on by itself only while the lane looks at it."""

    def __init__(self) -> None:
        self.applied_sequence = 0
        self.durable_sequence = 0
        self.now = 100.0

    def clock(self) -> float:
        """The time."""
        return self.now

    def order_waits(self) -> None:
        """A command is applied."""
        self.applied_sequence += 1

    def durable(self) -> None:
        """All commands are durable, and a while ago."""
        self.durable_sequence = self.applied_sequence
        self.now += 2 * LINGER_S


@pytest.fixture
def commits() -> Commits:
    return Commits()


def lane_of(commits: Commits, **bounds: Any) -> ReadLane:
    return ReadLane(commits, clock=commits.clock, **bounds)


def taking(commits: Commits, seconds: float, done: list[str], name: str = "read") -> Callable[[], None]:
    """Work that takes so long."""

    def work() -> None:
        commits.now += seconds
        done.append(name)

    return work


def ignored(error: BaseException) -> None:
    raise AssertionError(error)


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not fact():  # noqa: ASYNC110 (turns of the loop are what it counts)
            await asyncio.sleep(0)


async def test_a_read_is_done_at_once_when_no_order_waits(commits: Commits) -> None:
    lane, done = lane_of(commits), list[str]()
    assert lane.do(MEMORY, taking(commits, 1.0, done), ignored)
    await turns(1)
    assert lane.do(HISTORY, taking(commits, 1.0, done), ignored)
    assert done == ["read", "read"]
    assert (lane.counts(MEMORY).reads, lane.counts(MEMORY).delayed) == (1, 0)


async def test_reads_get_their_share_while_an_order_waits(commits: Commits) -> None:
    lane, done = lane_of(commits, share=0.25), list[str]()
    commits.order_waits()
    for _ in range(100):
        assert not lane.do(MEMORY, taking(commits, 0.001, done), ignored, price_s=0.0)
    await until(lambda: len(done) == round(CREDIT_MAX_S / 0.001) + 1)
    before = len(done)
    for _ in range(400):  # a tenth of a second, in which only the clock goes on
        commits.now += 0.000_25
        await asyncio.sleep(0.000_5)
    used_s, passed_s = 0.001 * (len(done) - before), commits.now - 100.0
    assert 0 < used_s <= 0.25 * passed_s
    assert lane.counts(MEMORY).delayed == 100
    commits.durable()
    await until(lambda: len(done) == 100)
    assert lane.waiting(MEMORY) == 0


async def test_orders_wait_until_the_loop_has_had_turns_for_the_next(commits: Commits) -> None:
    lane, done = lane_of(commits), list[str]()
    commits.order_waits()
    assert not lane.do(MEMORY, taking(commits, 1.0, done), ignored)
    await until(lambda: bool(done))
    commits.durable()  # the read took longer than a client needs for its next order, which nobody has read yet
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    assert len(done) == 1
    await turns(LINGER_TURNS + 2)
    await until(lambda: len(done) == 2)


async def test_short_reads_do_not_wait_for_all_long_ones(commits: Commits) -> None:
    lane, done = lane_of(commits), list[str]()
    commits.order_waits()
    for _ in range(20):
        lane.do(HISTORY, taking(commits, 0.004, done, "page"), ignored)
    for _ in range(20):
        lane.do(MEMORY, taking(commits, 0.000_05, done, "balance"), ignored)
    commits.durable()
    await until(lambda: len(done) == 40)
    assert done.index("page") < 2
    assert done[:25].count("balance") == 20


async def test_more_than_may_wait_are_refused_at_once(commits: Commits) -> None:
    lane, done = lane_of(commits, waiting_max=2), list[str]()
    commits.order_waits()
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    with pytest.raises(Overloaded):
        lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    lane.do(HISTORY, taking(commits, 0.0, done), ignored)
    assert (lane.counts(MEMORY).refused, lane.counts(HISTORY).refused) == (1, 0)
    commits.durable()
    await until(lambda: len(done) == 3)


async def test_a_read_that_has_waited_too_long_is_refused(commits: Commits) -> None:
    lane, done = lane_of(commits, wait_max_s=5.0), list[str]()
    refused: list[BaseException] = []
    commits.order_waits()
    lane.do(MEMORY, taking(commits, 0.0, done), refused.append)
    commits.now += 6.0
    commits.durable()
    await until(lambda: bool(refused))
    assert isinstance(refused[0], Overloaded)
    assert not done


async def test_a_read_that_fails_in_its_turn_is_told_and_the_next_goes_on(commits: Commits) -> None:
    lane, done = lane_of(commits), list[str]()
    failed: list[BaseException] = []

    def broken() -> None:
        raise ZeroDivisionError

    commits.order_waits()
    lane.do(MEMORY, broken, failed.append)
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    commits.durable()
    await until(lambda: bool(done))
    assert isinstance(failed[0], ZeroDivisionError)


def stepping(commits: Commits, done: list[str], name: str, *steps_s: float) -> Coroutine[Any, Any, None]:
    """A read whose steps take so long."""

    async def page() -> None:
        for step_s in steps_s:
            commits.now += step_s
            done.append(name)
            await asyncio.sleep(0)

    return page()


async def test_the_steps_of_a_task_are_paid_for_and_each_waits_for_its_turn(commits: Commits) -> None:
    lane, done = lane_of(commits, share=0.25), list[str]()
    commits.order_waits()
    began = commits.now
    task = asyncio.create_task(lane.measured(MEMORY, stepping(commits, done, "step", 0.010, 0.010)))
    await turns(50)
    assert done == ["step"]
    commits.now = began + 0.010 / 0.25  # what it has used is a quarter of this
    await until(lambda: done == ["step", "step"])
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    await turns(50)
    assert done == ["step", "step"]
    commits.now = began + 0.020 / 0.25
    await until(lambda: len(done) == 3)
    await task


async def test_reads_that_are_at_work_when_an_order_comes_get_their_share(commits: Commits) -> None:
    lane, done, rows = lane_of(commits, share=0.25), list[str](), asyncio.Event()

    async def page() -> None:
        await rows.wait()
        commits.now += 0.004
        done.append("page")

    pages = [asyncio.create_task(lane.measured(MEMORY, page())) for _ in range(64)]
    await turns(3)
    commits.order_waits()
    began = commits.now
    rows.set()
    for _ in range(200):
        commits.now += 0.001
        await asyncio.sleep(0.001)  # what waits looks at the clock each millisecond
    passed_s = commits.now - began
    assert 0.5 * 0.25 * passed_s < 0.004 * len(done) <= 0.25 * passed_s + CREDIT_MAX_S + 0.004
    commits.durable()
    await asyncio.gather(*pages)


async def test_tasks_share_a_turn_of_the_loop_while_no_order_waits(commits: Commits) -> None:
    lane, done, most = lane_of(commits), list[str](), 0
    pages = [
        asyncio.create_task(lane.measured(MEMORY, stepping(commits, done, "page", 0.0, 0.004, 0.004)))
        for _ in range(20)
    ]
    await turns(1)
    while not all(page.done() for page in pages):
        before = len(done)
        await asyncio.sleep(0)
        most = max(most, len(done) - before)
    assert len(done) == 60
    assert most <= 3  # an order that the next turn brings waits for no more; the first steps cost nothing


async def test_what_reads_use_while_no_order_waits_is_soon_forgotten(commits: Commits) -> None:
    lane, done = lane_of(commits, share=0.25), list[str]()
    for _ in range(100):
        lane.charge(MEMORY, 0.02)  # more than the time that passes: a part of it is a guess
        commits.now += 0.01
        lane.do(MEMORY, taking(commits, 0.0, done), ignored)
        await turns(2)
    done.clear()
    commits.order_waits()
    lane.do(MEMORY, taking(commits, 0.0, done), ignored)
    await turns(20)
    assert not done
    commits.now += (DEBT_MAX_S + 0.02) / 0.25
    await until(lambda: bool(done))


async def test_a_canceled_task_is_canceled_in_its_step(commits: Commits) -> None:
    lane, seen = lane_of(commits), list[str]()

    async def page() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("canceled")
            raise

    task = asyncio.create_task(lane.measured(HISTORY, page()))
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["canceled"]


@dataclass
class Replies:
    """A responder that keeps the replies."""

    replies: list[Response]

    def send(self, response: Response) -> None:
        """Keep it."""
        self.replies.append(response)


@of_sources
async def test_pages_take_their_turns_and_pay_for_their_bytes(commits: Commits) -> None:
    lane, replies = lane_of(commits, share=0.25), list[Response]()
    service: Any = SimpleNamespace(lane=lane, tasks=None, administration=None, listing=None, treasury=None, fees=None)
    handle = Rest(service, Refusals()).page_handler(metrics_page(lambda: b"x" * 2_000_000))
    request = Request("GET", b"/metrics", "/metrics", "", {}, b"", b"", None, "call-7")
    commits.order_waits()
    for _ in range(2):
        handle(request, Replies(replies))
    assert not replies
    await turns(50)
    assert [len(reply.body) for reply in replies] == [2_000_000]  # more than the credit there was
    commits.now += (PAGE_S + 2_000_000 * PAGE_BYTE_S - CREDIT_MAX_S) / 0.25 + 0.000_1
    await until(lambda: len(replies) == 2)


@of_sources
async def test_more_pages_than_may_wait_are_refused(commits: Commits) -> None:
    lane, replies = lane_of(commits, waiting_max=1), list[Response]()
    service: Any = SimpleNamespace(lane=lane, tasks=None, administration=None, listing=None, treasury=None, fees=None)
    handle = Rest(service, Refusals()).page_handler(metrics_page(lambda: b"text"))
    request = Request("GET", b"/metrics", "/metrics", "", {}, b"", b"", None, "call-7")
    commits.order_waits()
    for _ in range(2):
        handle(request, Replies(replies))
    assert [reply.status for reply in replies] == [503]


def test_reads_and_only_reads_take_a_lane() -> None:
    assert {call.operation: call.lane for call in CALLS if call.lane is not None} == {
        "order": MEMORY,
        "open_orders": MEMORY,
        "depth": MEMORY,
        "balance": MEMORY,
        "markets": MEMORY,
        "tickers": MEMORY,
        "orders": HISTORY,
        "trades": HISTORY,
        "fills": HISTORY,
        "prevented_matches": HISTORY,
        "amendments": HISTORY,
        "order_list": HISTORY,
        "lists": HISTORY,
        "ledger": HISTORY,
        "account": MEMORY,
        "own_keys": MEMORY,
        "withdrawals": HISTORY,
        "all_withdrawals": HISTORY,
        "account_ledger": HISTORY,
        "fees": MEMORY,
        "fee_tiers": MEMORY,
        "candles": HISTORY,
        "users": MEMORY,
        "keys": MEMORY,
        "audit": HISTORY,
    }
