"""Batches: one missing answer does not hide the other results."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest

from exchange.config import LimitsConfig
from exchange.core.commands import CancelOrder, PlaceOrder
from exchange.core.venue import Venue
from exchange.pipeline.closed_orders import ClosedOrders
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.codes import Code, Refused
from exchange.service.history import History
from exchange.service.limits import RateLimits
from exchange.service.order_lookup import OrderLookup
from exchange.service.read_lane import ReadLane
from exchange.service.results import BatchResult, Canceled, Placed
from exchange.service.tasks import Tasks
from exchange.service.trading import Trading
from tests.core.stories import order_of, venue_of
from tests.fake_store import Flow, flow_of, turns
from tests.patience import PATIENCE_S

MARKET = "SOL_USDC"


class _NoHistory:
    """A database that does not answer."""

    async def order(self, *_: object) -> None:
        raise HistoryUnavailable


@pytest.fixture
def venue() -> Venue:
    return venue_of()


def trading_on(flow: Flow, closed: ClosedOrders) -> Trading:
    orders = OrderLookup(flow.engine, closed, cast(History, _NoHistory()))
    return Trading(
        flow.engine, orders, RateLimits(LimitsConfig(), lambda: 0.0, enabled=False), Tasks(), ReadLane(flow.engine)
    )


class Listener:
    """Who has sent one order or cancel, and what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def done(self, result: object) -> None:
        """The result."""
        self.told.append(result)

    def failed(self, error: BaseException) -> None:
        """The refusal."""
        assert isinstance(error, Refused)
        self.told.append(error.code)

    def looks_up(self) -> None:
        """The answer comes later."""
        self.told.append("later")


def cancel(name: str | int) -> CancelOrder:
    return CancelOrder("alice", MARKET, *((name, None) if isinstance(name, int) else (None, name)))


def code(result: BatchResult) -> Code:
    assert isinstance(result, Refused)
    return result.code


async def test_a_batch_tells_of_its_orders_although_the_history_is_away(venue: Venue) -> None:
    async with flow_of(venue) as flow:
        trading = trading_on(flow, ClosedOrders(10, 5, venue.sequence))  # orders up to 5 may be in the database
        items: list[PlaceOrder | CancelOrder | BaseException] = [order_of(venue, "alice sell 1 @ 100 as a"), cancel(5)]
        first, second = await trading.batch("alice", items)
    assert isinstance(first, Placed)
    assert first.order.terms.client_order_id == "a"
    assert isinstance(second, HistoryUnavailable)


async def test_a_cancel_is_not_told_of_an_order_that_was_placed_after_it(venue: Venue) -> None:
    closed = ClosedOrders(10, 0, venue.sequence)
    async with flow_of(venue, released=closed.released) as flow:
        trading = trading_on(flow, closed)
        order = order_of(venue, "alice sell 1 @ 100 as q3")
        first, second, third, fourth = await trading.batch("alice", [cancel("q3"), order, cancel("q3"), cancel("q3")])
    assert code(first) is Code.UNKNOWN_ORDER
    assert isinstance(second, Placed)
    assert isinstance(third, Canceled)
    assert code(fourth) is Code.ORDER_CLOSED


async def test_an_order_that_the_batch_placed_and_filled_is_closed_for_a_later_cancel(venue: Venue) -> None:
    closed = ClosedOrders(10, 0, venue.sequence)
    async with flow_of(venue, released=closed.released) as flow:
        trading = trading_on(flow, closed)
        order = replace(order_of(venue, "alice sell 1 @ 100 IOC"), client_order_id="q3")
        first, second = await trading.batch("alice", [order, cancel("q3")])
    assert isinstance(first, Placed)
    assert code(second) is Code.ORDER_CLOSED


async def test_only_the_answer_to_a_refused_cancel_waits_while_orders_do(venue: Venue) -> None:
    closed = ClosedOrders(10, 0, venue.sequence)
    async with flow_of(venue, released=closed.released) as flow:
        trading = trading_on(flow, closed)
        rules = trading.rules(MARKET)
        placed, live, again, unknown = (Listener() for _ in range(4))
        flow.store.slow()
        trading.place(placed, order_of(venue, "alice sell 1 @ 100 as q3"), rules)
        trading.cancel(live, cancel("q3"), rules)
        trading.cancel(again, cancel("q3"), rules)
        trading.cancel(unknown, cancel("none"), rules)
        await turns(10)
        assert [sender.told for sender in (placed, live, again, unknown)] == [[], [], [], []]
        flow.store.go_on()
        async with asyncio.timeout(PATIENCE_S):
            while len(unknown.told) < 2:  # noqa: ASYNC110 (turns of the loop are what it counts)
                await asyncio.sleep(0)
    assert isinstance(placed.told[0], Placed)
    assert isinstance(live.told[0], Canceled)  # placed on the same connection before, and seen
    assert again.told == ["later", Code.ORDER_CLOSED]
    assert unknown.told == ["later", Code.UNKNOWN_ORDER]


async def test_a_market_that_is_not_there_is_named(venue: Venue) -> None:
    async with flow_of(venue) as flow:
        with pytest.raises(Refused) as refused:
            trading_on(flow, ClosedOrders(10, 0, venue.sequence)).rules("DOGE_USDC")
        assert (refused.value.code, refused.value.message) == (Code.UNKNOWN_MARKET, "There is no market DOGE_USDC.")
