"""Very many open orders are copied a piece at a time, and are answered as they are at one moment."""

import asyncio
from collections import Counter
from random import Random
from typing import Any, Final

import pytest

from exchange.api.native.feed_frames import NativeFrames
from exchange.core.commands import CancelOrder, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.instrument import instrument_of
from exchange.core.outcome import Outcome
from exchange.core.public import Channel, Kind
from exchange.core.venue import Venue
from exchange.pipeline.open_orders import PIECE_ORDERS, OpenOrdersCopy, OpenOrdersPageCopy, see_all
from exchange.pipeline.outcomes import Passed
from exchange.pipeline.writer import Entry
from exchange.service.history import Page
from exchange.service.queries import OpenOrders, OpenOrdersPage
from exchange.service.reading import Reading
from tests import judge
from tests.core.stories import SOL, USDC, order_of, venue_of
from tests.fake_store import Flow, flow_of, turns
from tests.feeds.stage import Listener
from tests.judge_stories import USERS, story_by_chance, tell
from tests.told import check_told

STORIES = 60
SELL: Final = Side.SELL
LIMIT: Final = OrderType.LIMIT
GTC: Final = TimeInForce.GTC
MANY = 3 * PIECE_ORDERS + 1


class Copies:
    """Copies of whose orders are open, in pieces of one or two, that go on with each command of a story."""

    def __init__(self, seen: Counter[str]) -> None:
        self.seen = seen
        self.chance = Random(0)
        self.venue: Venue | None = None
        self.copies: list[tuple[OpenOrdersCopy, OpenOrders | OpenOrdersPage]] = []

    def go_on(self, venue: Venue, outcome: Outcome) -> None:
        """A command was carried out."""
        if venue is not self.venue:  # another story, or another start
            self.venue, self.copies = venue, []
        see_all([copy for copy, _ in self.copies], outcome)
        for user in USERS:
            if venue.ledger.has_user(user):
                market = self.chance.choice([None, *venue.markets])
                piece = self.chance.randint(1, 2)
                self.copies.append((OpenOrdersCopy(venue, user, market, piece), OpenOrders(user, market)))
                page = Page(self.chance.randint(1, 3), after=self.chance.choice([None, 0, 3]))
                bounds = page.has, page.limit, not page.oldest_first
                of_page = OpenOrdersPageCopy(venue, user, market, *bounds, piece)
                self.copies.append((of_page, OpenOrdersPage(user, market, page)))
        still: list[tuple[OpenOrdersCopy, OpenOrders | OpenOrdersPage]] = []
        for copy, query in self.copies:
            if copy.step(venue):
                still.append((copy, query))
                self.seen["pieces"] += 1
            else:
                found = copy.answer(venue)
                assert found == query.answer(venue)
                self.seen["orders"] += len(found)
        self.copies = still


def test_a_copy_in_pieces_is_one_of_the_moment_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, chance = Counter[str](), Random(5)
    copies = Copies(seen)

    def check(venue: Venue, outcome: Outcome) -> None:
        check_told(venue, outcome)
        copies.go_on(venue, outcome)

    monkeypatch.setattr(judge, "check_told", check)
    for _ in range(STORIES):
        tell(story_by_chance(chance, chance.choice(["orders", "lists", "amendments", "pegs", "times"])))
    assert seen["pieces"] > 100
    assert seen["orders"] > 1_000


def with_very_many() -> Venue:
    """A venue where alice has more open orders than a piece, at a hundred prices."""
    venue = venue_of(instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", max_open_orders=2 * MANY))
    for number in range(MANY):
        terms = PlaceOrder("alice", "SOL_USDC", SELL, LIMIT, GTC, False, 20_000 + number % 100, 10, None)
        venue.apply(terms, venue.sequence + 1, venue.time_ns + 1)
    assert len(venue.markets["SOL_USDC"].open_orders("alice")) == MANY
    return venue


def reading_of(flow: Flow) -> Reading:
    """What asks for them."""
    nothing: Any = None
    return Reading(flow.engine, nothing, nothing, nothing, lambda: True)


async def change_meanwhile(flow: Flow, asked: "asyncio.Task[Any]") -> None:
    """An order goes, one comes, and one is filled in part, while the first pieces are copied."""
    await turns(2)
    assert not asked.done()
    ids = [order.order_id for order in flow.venue.markets["SOL_USDC"].open_orders("alice")]
    cancels = [CancelOrder("alice", "SOL_USDC", order_id, None) for order_id in (ids[0], ids[-1])]
    orders = [order_of(flow.venue, text) for text in ("bob buy 0.005 @ 200", "alice sell 1 @ 300")]
    await flow.engine.submit_all([*cancels, *orders])


async def test_orders_go_on_while_very_many_are_copied() -> None:
    async with flow_of(with_very_many()) as flow:
        query = OpenOrders("alice", None)
        asked = asyncio.create_task(reading_of(flow).open_orders(query))
        await change_meanwhile(flow, asked)
        found = await asked
        assert found == query.answer(flow.venue)
        assert len(found) == MANY - 1
        assert [order.executed_lots for order in found if order.executed_lots] == [5]
        assert found[-1].order_id == MANY + 2


async def test_a_copy_that_is_canceled_sees_no_more() -> None:
    async with flow_of(with_very_many()) as flow:
        asked = asyncio.create_task(reading_of(flow).open_orders(OpenOrders("alice", "SOL_USDC")))
        await turns(2)
        assert len(flow.engine._copies) == 1
        asked.cancel()
        await asyncio.wait([asked])
        assert not flow.engine._copies


async def test_a_subscription_begins_with_very_many_orders_as_they_are_then() -> None:
    venue = with_very_many()
    async with flow_of(venue, released=release) as flow:
        frames, channel = NativeFrames(venue), Channel(Kind.ORDERS, "alice")
        listener = Listener(frames)
        asked = asyncio.create_task(reading_of(flow).subscribe(listener.subscriber, channel, 7))
        await change_meanwhile(flow, asked)
        await (await asked)
        found = OpenOrders("alice", None).answer(venue)
        assert [int(order_id) for order_id in listener.orders["alice"]] == [order.order_id for order in found]
        [_, snapshot] = listener.heard
        assert snapshot["channel_sequence"] == venue.ledger.user("alice").orders_sequence


def release(entries: list[Entry]) -> None:
    """Subscriptions begin."""
    for _, _, outcome in entries:
        if isinstance(outcome, Passed):
            outcome.release()
