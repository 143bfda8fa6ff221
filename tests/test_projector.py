"""The projector on virtual time: durable commands reach the tables in order, once, within a second, or at once for a
reader."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from exchange.core.commands import AddUser, CancelAll, OrderType, PlaceOrder, SetMarket, Side, TimeInForce
from exchange.core.events import MarketSet, OrderStatus, OrderUpdated, UpdateReason, UserAdded
from exchange.core.instrument import Asset, instrument_of
from exchange.failure import Failure
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, CommitInDoubt
from exchange.pipeline.projector import (
    LAG_MAX,
    PROJECT_AFTER_S,
    PROJECTION_MAX,
    PROJECTION_ROWS_MAX,
    REACH_TIMEOUT_S,
    REST_MAX_S,
    REST_TIMES,
    WAITING_ROWS_MAX,
    HistoryUnavailable,
    Projector,
)
from tests.fake_store import turns
from tests.sim.loop import VirtualLoop

COMMIT_S = 0.004


class Tables:
    """Keeps what is filled; `refused` fails the next fill, `lost` makes it one in doubt that was stored."""

    def __init__(self) -> None:
        self.projector = Projector(self, 0)
        self.sequence = 0  # of the tables
        self.durable = 0
        self.fills: list[tuple[float, int]] = []  # when each began, and of how many
        self.open = asyncio.Event()
        self.open.set()
        self.lost = self.refused = False
        self.there = True

    async def commit(self, changes: Changes) -> None:
        assert self.there
        assert changes.from_sequence == self.sequence
        self.fills.append((asyncio.get_running_loop().time(), changes.commands))
        await asyncio.sleep(COMMIT_S)
        await self.open.wait()
        if self.refused:
            raise Failure("The database refused a commit.")
        self.sequence = changes.to_sequence
        if self.lost:
            self.lost = self.there = False
            raise CommitInDoubt("the connection broke")

    async def settle(self) -> int:
        await asyncio.sleep(COMMIT_S)
        self.there = True
        return self.sequence

    def connected(self) -> bool:
        return self.there

    def add(self, count: int) -> None:
        """So many commands that have become durable."""
        first, self.durable = self.durable + 1, self.durable + count
        users = [(number, f"user-{number}") for number in range(first, self.durable + 1)]
        self.projector.add([Applied(number, number, AddUser(name), [UserAdded(name)]) for number, name in users])


def told(story: Callable[[Tables], Awaitable[None]]) -> Tables:
    """The tables after a story, when all that it added has come to them."""

    async def tell() -> Tables:
        tables = Tables()
        task = asyncio.create_task(tables.projector.run())
        await turns()
        await story(tables)
        await tables.projector.drained()
        assert tables.sequence == tables.projector.projected_sequence == tables.durable
        assert tables.projector.lag == 0
        task.cancel()
        return tables

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(tell())
    finally:
        loop.close()


def test_few_commands_wait_for_more() -> None:
    async def story(tables: Tables) -> None:
        tables.add(3)
        await asyncio.sleep(PROJECT_AFTER_S / 2)
        tables.add(4)
        assert tables.projector.lag == 7
        await asyncio.sleep(PROJECT_AFTER_S)

    [(began_s, count)] = told(story).fills
    assert count == 7
    assert began_s == pytest.approx(PROJECT_AFTER_S)


def test_many_do_not_wait() -> None:
    async def story(tables: Tables) -> None:
        tables.add(PROJECTION_MAX - 1)
        await asyncio.sleep(PROJECT_AFTER_S / 4)
        tables.add(1)
        await asyncio.sleep(PROJECT_AFTER_S / 4)

    [(began_s, count)] = told(story).fills
    assert count == PROJECTION_MAX
    assert began_s == pytest.approx(PROJECT_AFTER_S / 4)


def test_a_fill_is_bounded() -> None:
    async def story(tables: Tables) -> None:
        tables.add(2 * PROJECTION_MAX + 5)

    assert [count for _, count in told(story).fills] == [PROJECTION_MAX, PROJECTION_MAX, 5]


EACH = PROJECTION_ROWS_MAX // 4
TERMS = PlaceOrder("a", "A_B", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, False, 1, 1, None)


def cancel_all(tables: Tables, times: int) -> None:
    """So many commands that cancel very many orders have become durable."""

    def canceled(order_id: int) -> OrderUpdated:
        return OrderUpdated(
            UpdateReason.CANCELED, order_id, TERMS, OrderStatus.CANCELED, 0, 0, None, 1, 1, order_id, None, order_id
        )

    for _ in range(times):
        first = tables.durable * EACH
        tables.durable += 1
        orders = [canceled(first + index) for index in range(EACH)]
        tables.projector.add([Applied(tables.durable, 1, CancelAll("a", "A_B"), [*orders])])


def test_a_fill_is_bounded_in_rows_too() -> None:
    """One cancel_all may change a thousand orders, and a statement that takes too long is never known to be stored."""

    async def story(tables: Tables) -> None:
        cancel_all(tables, 6)

    assert [count for _, count in told(story).fills] == [4, 2]


def test_more_rows_than_one_fill_has_wait_for_the_end_of_a_burst() -> None:
    async def story(tables: Tables) -> None:
        cancel_all(tables, 9)
        await asyncio.sleep(PROJECT_AFTER_S / 2)
        assert tables.sequence == 0
        await asyncio.sleep(PROJECT_AFTER_S / 2 + 3 * COMMIT_S)
        assert tables.sequence == 8

    fills = told(story).fills
    assert [count for _, count in fills] == [4, 4, 1]
    assert [began_s for began_s, _ in fills[:2]] == pytest.approx([PROJECT_AFTER_S, PROJECT_AFTER_S + COMMIT_S])


def test_too_many_rows_do_not_wait() -> None:
    async def story(tables: Tables) -> None:
        cancel_all(tables, WAITING_ROWS_MAX // EACH)
        await asyncio.sleep(WAITING_ROWS_MAX // PROJECTION_ROWS_MAX * COMMIT_S + COMMIT_S / 2)
        assert tables.sequence == tables.durable

    assert told(story).fills[0][0] == 0.0


def test_a_reader_is_not_made_to_wait_for_more() -> None:
    async def story(tables: Tables) -> None:
        loop = asyncio.get_running_loop()
        await tables.projector.reached()
        tables.add(2)
        await tables.projector.reached()
        assert tables.sequence == 2
        assert loop.time() < PROJECT_AFTER_S / 2

    assert [count for _, count in told(story).fills] == [2]


def test_a_reader_does_not_wait_for_what_came_after_it() -> None:
    async def story(tables: Tables) -> None:
        tables.add(2)
        reading = asyncio.create_task(tables.projector.reached())
        await turns()
        tables.add(2)
        await reading
        assert tables.sequence == 2

    told(story)


def test_a_reader_is_told_when_the_tables_do_not_come_after() -> None:
    async def story(tables: Tables) -> None:
        tables.open.clear()
        tables.add(1)
        with pytest.raises(HistoryUnavailable):
            await tables.projector.reached()
        assert asyncio.get_running_loop().time() == pytest.approx(REACH_TIMEOUT_S, abs=0.1)
        assert not tables.projector._readers, "who has given up is kept in the line"
        tables.open.set()

    told(story)


def test_the_journal_waits_when_it_is_too_far_ahead() -> None:
    async def story(tables: Tables) -> None:
        tables.open.clear()
        tables.add(LAG_MAX - 1)
        await tables.projector.room()
        tables.add(1)
        waiting = asyncio.create_task(tables.projector.room())
        await asyncio.sleep(60)
        assert not waiting.done()
        tables.open.set()
        await waiting

    told(story)


def test_a_fill_in_doubt_that_was_stored_is_not_stored_again() -> None:
    async def story(tables: Tables) -> None:
        tables.lost = True
        tables.add(2)
        await asyncio.sleep(1.5 * PROJECT_AFTER_S)
        tables.add(3)

    assert [count for _, count in told(story).fills] == [2, 3]


def test_a_connection_lost_while_idle_is_mended() -> None:
    async def story(tables: Tables) -> None:
        tables.there = False
        tables.projector.wake()
        await asyncio.sleep(1)
        assert tables.there

    told(story)


def test_a_refused_fill_ends_it_and_leaves_no_reader_waiting() -> None:
    async def tell() -> None:
        tables = Tables()
        task = asyncio.create_task(tables.projector.run())
        tables.refused = True
        tables.add(1)
        with pytest.raises(HistoryUnavailable):
            await tables.projector.reached()
        with pytest.raises(Failure):
            await task
        with pytest.raises(HistoryUnavailable):
            await tables.projector.reached()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(tell())
    finally:
        loop.close()


def test_rules_of_a_market_are_filled_apart() -> None:
    """A statement cannot write its row twice, and its orders write it too."""

    async def story(tables: Tables) -> None:
        tables.add(2)
        cash, coin = Asset("CASH", 2), Asset("COIN", 2)
        rules = instrument_of("COIN_CASH", coin, cash, tick_size="0.01", lot_size="1")
        tables.durable += 1
        tables.projector.add([Applied(tables.durable, 3, SetMarket(rules), [MarketSet(rules)])])
        tables.add(2)

    assert [count for _, count in told(story).fills] == [2, 1, 2]


def test_steady_readers_share_transactions() -> None:
    async def story(tables: Tables) -> None:
        for _ in range(100):  # a command and a reader each millisecond
            tables.add(1)
            readers.append(asyncio.create_task(tables.projector.reached()))
            await asyncio.sleep(0.001)
        await asyncio.gather(*readers)

    readers: list[asyncio.Task[None]] = []
    began = [began_s for began_s, _ in told(story).fills]
    rest_s = REST_TIMES * COMMIT_S
    assert 2 <= len(began) <= 2 + 0.1 / (COMMIT_S + rest_s)
    assert all(later - earlier >= COMMIT_S + rest_s for earlier, later in itertools.pairwise(began))


def test_a_rest_ends_for_a_reader_within_a_moment() -> None:
    async def story(tables: Tables) -> None:
        tables.open.clear()
        tables.add(1)
        slow = asyncio.create_task(tables.projector.reached())
        await asyncio.sleep(2.0)  # a transaction that takes very long
        tables.open.set()
        await slow
        tables.add(1)
        begun = asyncio.get_running_loop().time()
        await tables.projector.reached()
        waited.append(asyncio.get_running_loop().time() - begun)

    waited: list[float] = []
    told(story)
    assert waited[0] <= REST_MAX_S + 2 * COMMIT_S
