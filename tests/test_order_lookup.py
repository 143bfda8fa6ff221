"""Orders looked up in memory: what is found is what happened, and what is refused without a look never was."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core.commands import CancelAll, CancelOrder, Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.effects import as_read
from exchange.core.events import OrderStatus, OrderUpdated, Trade
from exchange.core.venue import Venue
from exchange.pipeline.closed_orders import ClosedOrders
from exchange.pipeline.commits import Applied
from exchange.pipeline.engine import Engine, Query
from exchange.service.history import ID_MAX, Fill, History, OrderRead, fill_of
from exchange.service.order_lookup import OrderLookup, OrderName, last_order_id
from tests.core.stories import order_of, two_markets, venue_of
from tests.fake_store import flow_of, turns

USERS, MARKETS = ("alice", "bob"), ("SOL_USDC", "SOL_EUR")


class Everything:
    """A History that has all that happened, and counts how often it is asked; it also is what is right."""

    def __init__(self) -> None:
        self.orders: dict[int, OrderUpdated] = {}
        self.closed_at: dict[int, int] = {}
        self.trades: list[Trade] = []
        self.asked = 0
        self.sequences: list[int | None] = []

    def add(self, sequence: int, events: list[Any]) -> None:
        """Remember what a command did."""
        for event in events:
            if isinstance(event, OrderUpdated):
                self.orders[event.order_id] = event
                self.closed_at[event.order_id] = sequence  # at the latest
            elif isinstance(event, Trade):
                self.trades.append(event)

    def right(self, name: OrderName) -> OrderUpdated | None:
        """The order that is meant, the newest of its name."""
        for order in sorted(self.orders.values(), key=lambda order: -order.order_id):
            terms = order.terms
            named = (
                order.order_id == name.order_id
                if name.order_id is not None
                else (terms.client_order_id == name.client_order_id)
            )
            if named and (terms.user_id, terms.market) == (name.user_id, name.market):
                return order
        return None

    def fills(self, order: OrderUpdated) -> list[Fill]:
        """All of an order's."""
        ids = order.order_id, order.terms.client_order_id
        return [fill_of(t, *ids) for t in self.trades if order.order_id in (t.taker_order_id, t.maker_order_id)]

    async def order(
        self, user_id: str, market: str, order_id: int | None, client_order_id: str | None, sequence: int | None
    ) -> OrderRead | None:
        """As the database has it: closed orders only, and nothing later than it was asked to have."""
        self.asked += 1
        self.sequences.append(sequence)
        shown = Everything()
        shown.orders = {
            order_id: order
            for order_id, order in self.orders.items()
            if order.status >= OrderStatus.FILLED and (sequence is None or self.closed_at[order_id] <= sequence)
        }
        order = shown.right(OrderName(user_id, market, order_id, client_order_id))
        return None if order is None else OrderRead(order, self.fills(order))

    async def fills_of_order(
        self, order: OrderUpdated, last_trade_id: int = ID_MAX, sequence: int | None = None
    ) -> list[Fill]:
        """As the database has them."""
        self.asked += 1
        return [fill for fill in self.fills(order) if fill.trade_id <= last_trade_id]


class AtOnce:
    """An engine whose commands are durable at once."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    async def read(self, query: Query[Any]) -> Any:
        """What is there now."""
        return query.answer(self.venue)


class Life:
    """A venue, all that happened in it, and a memory of some of that."""

    def __init__(self, venue: Venue, orders_max: int, fills_max: int = 16) -> None:
        self.venue = venue
        self.closed = ClosedOrders(orders_max, last_order_id(venue), venue.sequence, fills_max=fills_max)
        self.past = Everything()
        self.lookup = OrderLookup(cast(Engine, AtOnce(venue)), self.closed, cast(History, self.past))

    def do(self, command: Command) -> None:
        """Carry it out, if it may happen."""
        sequence, time_ns = self.venue.sequence + 1, self.venue.time_ns + 1
        applied = self.venue.apply(command, sequence, time_ns)
        if isinstance(applied, Applied):
            self.past.add(sequence, applied.events)
            self.closed.add(applied)
            self.closed.check()

    def say(self, text: str) -> int:
        """Place the order; its id."""
        self.do(order_of(self.venue, text))
        return max(self.past.orders)

    async def find(self, user_id: str, order: int | str, market: str = "SOL_USDC") -> OrderRead | None:
        """The order of that id of either kind."""
        by_id = isinstance(order, int)
        name = OrderName(user_id, market, int(order) if by_id else None, None if by_id else str(order))
        return await self.lookup.find(name)

    def sources(self) -> dict[str, int]:
        """Where the answers came from, and forget it."""
        found = {source: count for source, count in self.lookup.sources.items() if count}
        self.lookup.sources.clear()
        return found


def restarted(life: Life, orders_max: int, fills_max: int = 16) -> Life:
    """The next process over the same database."""
    again = Life(Venue.restore(life.venue.state()), orders_max, fills_max)
    again.past = life.past
    again.lookup = OrderLookup(cast(Engine, AtOnce(again.venue)), again.closed, cast(History, again.past))
    return again


ORDERS = st.builds(
    PlaceOrder,
    st.sampled_from(USERS),
    st.sampled_from(MARKETS),
    st.sampled_from(Side),
    st.just(OrderType.LIMIT),
    st.sampled_from(TimeInForce),
    st.just(False),
    st.integers(100, 102).map(lambda price: price * 100),
    st.integers(1, 5).map(lambda lots: lots * 1000),
    st.sampled_from([None, None, "a", "b", "c", "d", "e"]),
)
CANCELS = st.builds(CancelOrder, st.sampled_from(USERS), st.sampled_from(MARKETS), st.integers(1, 60), st.none())
COMMANDS = st.one_of(
    ORDERS, ORDERS, ORDERS, CANCELS, st.builds(CancelAll, st.sampled_from(USERS), st.sampled_from(MARKETS))
)


async def assert_right(life: Life) -> None:
    """Every order by every name, and every name that is nobody's."""
    names = [OrderName(user, market, order_id, None) for user in USERS for market in MARKETS
             for order_id in range(1, life.venue.sequence + 3)]  # fmt: skip
    names += [OrderName(user, market, None, name) for user in USERS for market in MARKETS for name in "abcdefg"]
    for name in names:
        order, found = life.past.right(name), await life.lookup.find(name)
        if order is None:
            assert found is None, name
        else:
            assert found is not None, name
            wanted = life.past.orders[order.order_id]
            got = found.order
            assert (got.order_id, got.status, got.terms) == (wanted.order_id, wanted.status, wanted.terms)
            assert (got.executed_lots, got.executed_quote_minor) == (wanted.executed_lots, wanted.executed_quote_minor)
            assert found.fills == life.past.fills(order), name


@settings(deadline=None, derandomize=True, max_examples=60, database=None)
@given(
    st.lists(COMMANDS, min_size=5, max_size=60), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([2, 1000]),
    st.integers(0, 60), st.sampled_from([1, 2, 16]),
)  # fmt: skip
def test_every_order_is_found_as_it_was_and_no_other(
    commands: list[Command], orders_max: int, ids_max: int, restart_after: int, fills_max: int
) -> None:
    async def live() -> None:
        life = Life(two_markets_of(ids_max), orders_max, fills_max)
        for number, command in enumerate(commands):
            if number == restart_after:
                state = life.venue.state()
                life = restarted(life, orders_max, fills_max)
                assert life.venue.state() == state
            life.do(command)
        await assert_right(life)

    asyncio.run(live())


def two_markets_of(client_ids_max: int) -> Venue:
    """Two markets, in a venue that remembers so many client order ids."""
    sol_usdc, sol_eur = (market.instrument for market in two_markets().markets.values())
    return venue_of(sol_usdc, sol_eur, venue=Venue(client_ids_max=client_ids_max))


# --- stories


@pytest.fixture
def life() -> Life:
    return Life(venue_of(), 3)


async def test_a_closed_order_is_found_without_the_database(life: Life) -> None:
    sold = life.say("alice sell 2 @ 100 as s")
    bought = life.say("bob buy 2 @ 100")
    life.say("alice sell 1 @ 105 as t")
    life.do(CancelOrder("alice", "SOL_USDC", None, "t"))
    for user, order, fills in (("alice", sold, 1), ("alice", "s", 1), ("bob", bought, 1), ("alice", "t", 0)):
        found = await life.find(user, order)
        assert found is not None
        assert len(found.fills) == fills
    assert (life.past.asked, life.sources()) == (0, {"memory": 4})


async def test_fills_from_several_commands_are_kept(life: Life) -> None:
    sold = life.say("alice sell 3 @ 100")
    for _ in range(3):
        life.say("bob buy 1 @ 100")
        found = await life.find("alice", sold)
        assert found is not None
        assert found.fills == life.past.fills(life.past.orders[sold])
    assert (life.past.asked, life.sources()) == (0, {"memory": 3})


async def test_the_oldest_makes_room_and_is_in_the_database(life: Life) -> None:
    ids = [life.say("alice buy 1 @ 100 IOC") for _ in range(5)]
    assert len(life.closed) == 3
    assert [await life.find("alice", order_id) is not None for order_id in ids] == [True] * 5
    assert life.sources() == {"memory": 3, "database": 2}
    second = life.venue.sequence - 3
    assert life.past.sequences == [second, second]  # the tables need to show no later end of an order


async def test_an_order_with_many_fills_has_them_in_the_database() -> None:
    life = Life(venue_of(), 3, fills_max=2)
    for _ in range(3):
        life.say("alice sell 1 @ 100")
    swept = life.say("bob buy 3 @ 100")
    found = await life.find("bob", swept)
    assert found is not None
    assert len(found.fills) == 3
    assert (life.past.asked, life.sources()) == (1, {"database": 1})


async def test_what_cannot_be_is_refused_without_the_database(life: Life) -> None:
    order = life.say("alice buy 1 @ 100 IOC as a")
    for user, wanted in (("alice", order + 1), ("alice", 2**62), ("bob", order), ("alice", "b"), ("bob", "a")):
        assert await life.find(user, wanted) is None
    assert (life.past.asked, life.sources()) == (0, {"none": 5})


async def test_after_a_restart_the_database_answers_for_what_was_before(life: Life) -> None:
    old = life.say("alice buy 1 @ 100 IOC as a")
    again = restarted(life, 3)
    assert len(again.closed) == 0
    assert await again.find("alice", old) is not None
    assert await again.find("alice", "a") is not None
    assert await again.find("alice", "b") is None  # all ids are remembered across it
    assert again.sources() == {"database": 2, "none": 1}


async def test_a_name_that_was_forgotten_is_looked_up_among_all_that_is_durable() -> None:
    """The order is in memory, where names are not kept, and perhaps not yet in the tables."""
    life = Life(two_markets_of(1), 10)
    older = life.say("alice buy 1 @ 100 IOC as a")
    life.say("alice buy 1 @ 100 IOC as b")
    newer = life.say("alice buy 1 @ 100 IOC on SOL_EUR as a")
    for market, wanted in (("SOL_USDC", older), ("SOL_EUR", newer)):
        found = await life.find("alice", "a", market)
        assert found is not None
        assert found.order.order_id == wanted
    assert await life.find("alice", "b") is not None


async def test_partly_filled_orders_are_bounded(life: Life) -> None:
    ids = []
    for number in range(5):  # each at a better price than the one before, so each is met
        ids.append(life.say(f"alice sell 2 @ {110 - number}"))
        life.say(f"bob buy 1 @ {110 - number} IOC")
    life.closed.check()
    for order_id in ids:
        found = await life.find("alice", order_id)
        assert found is not None
        assert found.fills == life.past.fills(life.past.orders[order_id])
    assert life.sources() == {"memory": 3, "database": 2}


async def test_nothing_is_found_before_it_is_durable() -> None:
    venue = venue_of()
    closed = ClosedOrders(10, last_order_id(venue), venue.sequence)
    async with flow_of(venue, released=closed.released) as flow:
        lookup = OrderLookup(flow.engine, closed, cast(History, Everything()))
        flow.store.slow()
        placing = flow.engine.submit_all([order_of(venue, "alice buy 1 @ 100 IOC as a")])
        await turns()
        assert venue.client_ids.taken_by("alice", "a") is not None
        finding = asyncio.create_task(lookup.find(OrderName("alice", "SOL_USDC", None, "a")))
        await turns()
        assert not finding.done()
        assert len(closed) == 0
        flow.store.go_on()
        await placing
        found = await finding
    assert found is not None
    assert found.order.status is OrderStatus.EXPIRED
    assert lookup.sources["memory"] == 1


def test_an_open_order_is_read_as_of_a_trade(life: Life) -> None:
    sold = life.say("alice sell 3 @ 100")
    life.say("bob buy 1 @ 100")
    order = life.venue.markets["SOL_USDC"].book.orders.get(sold)
    assert order is not None
    copy = as_read(order)
    last = life.venue.counts.last_trade_id
    life.say("bob buy 2 @ 100")
    assert [trade.trade_id for trade in life.closed.trades_of(copy, last) or []] == [last]
