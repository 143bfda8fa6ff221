"""The engine and what waits: nothing comes between a trigger and its order, and what is due ends first."""

import asyncio
from typing import Any

from exchange.core.bound_orders import bound_to
from exchange.core.commands import CancelAll, ExpireDue, PlaceOrder, RunTriggered
from exchange.core.events import ExpireReason, OrderUpdated, UpdateReason
from exchange.core.timers import CancelAllAfter
from exchange.core.venue import Venue
from exchange.pipeline.commits import Applied
from tests.core.stories import do, order_of, place, placed, retold, two_markets, venue_of, waiting
from tests.fake_store import Flow, flow_of, turns

FAR_NS = 10**15


def ask(flow: Flow, *texts: str) -> "asyncio.Future[list[Any]]":
    """One request with these orders."""
    return flow.engine.submit_all([order_of(flow.venue, text) for text in texts])


def kinds(flow: Flow) -> list[str]:
    """What was stored, by kind, in order."""
    return [type(applied.command).__name__ for applied in flow.store.applied]


def stops_of(count: int, venue: Venue) -> None:
    """A book of bids that falls by a tick an order, and a stop a tick."""
    for number in range(count):
        placed(venue, f"maker bid 0.001 @ {300 - number / 100:.2f}")
        placed(venue, f"bob sell 0.001 at market stop {300 - number / 100:.2f}")


async def test_what_is_triggered_enters_before_the_next_command_of_its_market() -> None:
    venue = venue_of()
    stops_of(100, venue)
    async with flow_of(venue) as flow:
        trigger = ask(flow, "carol sell 0.001 at market", "carol bid 1 @ 1", "carol bid 1 @ 2")
        await trigger
        assert kinds(flow)[:2] == ["PlaceOrder", "RunTriggered"]
        assert kinds(flow)[-2:] == ["PlaceOrder", "PlaceOrder"]
        assert kinds(flow).count("PlaceOrder") == 3
        assert waiting(flow.venue) == []
        retold(flow.venue)


async def test_another_market_has_its_turns_in_a_cascade() -> None:
    venue = two_markets()
    stops_of(400, venue)
    async with flow_of(venue) as flow:
        trigger = ask(flow, "carol sell 0.001 at market")
        await turns(2)
        other = ask(flow, "alice bid 1 @ 1 on SOL_EUR")
        await asyncio.gather(trigger, other)
        while flow.venue.markets["SOL_USDC"].triggers.ready:
            await turns(1)
        await turns()
        names = kinds(flow)
        placed_elsewhere = [
            number
            for number, applied in enumerate(flow.store.applied)
            if isinstance(applied.command, PlaceOrder) and applied.command.market == "SOL_EUR"
        ]
        assert names.count("RunTriggered") > 10
        assert placed_elsewhere[0] < len(names) - 5, "it waited for the cascade"


async def test_another_market_has_its_turns_while_it_is_told_what_one_trade_has_triggered() -> None:
    venue = two_markets()
    for _ in range(900):
        placed(venue, "bob sell 0.001 at market stop 300")
    placed(venue, "maker bid 0.001 @ 300")
    async with flow_of(venue) as flow:
        trigger = ask(flow, "carol sell 0.001 at market", "carol bid 1 @ 1")
        await turns(2)
        other = ask(flow, "alice bid 1 @ 1 on SOL_EUR")
        await asyncio.gather(trigger, other)
        of_market = [applied for applied in flow.store.applied if getattr(applied.command, "market", "") == "SOL_USDC"]
        assert kinds(flow)[-1] == "PlaceOrder", "it came before all had entered"
        counts = [
            sum(getattr(event, "reason", None) is UpdateReason.TRIGGERED for event in a.events) for a in of_market
        ]
        assert counts[:4] == [250, 250, 250, 150]
        [elsewhere] = [a.sequence for a in flow.store.applied if getattr(a.command, "market", "") == "SOL_EUR"]
        assert elsewhere < of_market[3].sequence, "it waited until all was told"
        retold(flow.venue)


async def test_what_becomes_due_in_a_cascade_ends_before_the_cascade_could_trade_with_it() -> None:
    venue = venue_of()
    stops_of(100, venue)
    due = placed(venue, f"alice bid 0.001 @ 299.10 until {FAR_NS}")
    begun = venue.sequence
    async with flow_of(venue) as flow:
        flow.engine.now_ns = lambda: FAR_NS - 1 + (flow.venue.sequence > begun + 1)
        await ask(flow, "carol sell 0.001 at market")
        while flow.venue.markets["SOL_USDC"].triggers.ready:
            await turns(1)
        await turns()
        assert kinds(flow).count("ExpireDue") == 1
        assert "RunTriggered" in kinds(flow)[: kinds(flow).index("ExpireDue")]
        [ended] = [e for a in flow.store.applied for e in a.events if getattr(e, "order_id", 0) == due]
        assert isinstance(ended, OrderUpdated)
        assert (ended.expire_reason, ended.executed_lots) == (ExpireReason.EXPIRE_AT, 0)


async def test_what_was_left_triggered_enters_before_intake() -> None:
    venue = venue_of()
    stops_of(10, venue)
    place(venue, "carol sell 0.001 at market")
    assert waiting(venue)[0] == "bob stop_loss ready"
    async with flow_of(retold(venue)) as flow:
        await ask(flow, "carol bid 1 @ 1")
        assert kinds(flow)[0] == "RunTriggered"
        assert kinds(flow)[-1] == "PlaceOrder"


async def test_what_is_due_ends_before_it_could_trade() -> None:
    venue = venue_of()
    placed(venue, f"bob ask 1 @ 100 until {FAR_NS}")
    async with flow_of(venue) as flow:
        flow.engine.now_ns = lambda: FAR_NS - 1
        await ask(flow, "carol bid 1 @ 1")
        assert kinds(flow) == ["PlaceOrder"]
        flow.engine.now_ns = lambda: FAR_NS
        [outcome] = await ask(flow, "carol buy 1 @ 100")
        assert kinds(flow) == ["PlaceOrder", "ExpireDue", "PlaceOrder"]
        assert isinstance(outcome, Applied)
        assert outcome.order is not None
        assert outcome.order.executed_lots == 0


async def test_what_is_due_ends_in_a_market_that_nobody_asks_anything_of() -> None:
    venue = venue_of()
    placed(venue, f"bob ask 1 @ 100 until {FAR_NS}")
    async with flow_of(venue) as flow:
        flow.engine.now_ns = lambda: FAR_NS - 1
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == []
        flow.engine.now_ns = lambda: FAR_NS
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["ExpireDue"]
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["ExpireDue"]


async def test_commands_of_the_exchange_itself_are_stored_like_any() -> None:
    venue = venue_of()
    stops_of(5, venue)
    again = retold(venue)
    async with flow_of(venue) as flow:
        await ask(flow, "carol sell 0.001 at market")
        await flow.engine.submit(CancelAll("bob", "SOL_USDC"))
        for applied in flow.store.applied:
            assert isinstance(applied.command, PlaceOrder | RunTriggered | ExpireDue | CancelAll)
            again.apply(applied.command, applied.sequence, applied.time_ns)
        assert again.state() == flow.venue.state()


async def test_a_timer_runs_before_another_could_trade_with_what_it_cancels() -> None:
    venue = venue_of()
    placed(venue, "bob ask 1 @ 100")
    async with flow_of(venue) as flow:
        flow.engine.now_ns = lambda: FAR_NS
        await flow.engine.submit(CancelAllAfter("bob", None, 1_000))
        flow.engine.now_ns = lambda: FAR_NS + 10**9
        [outcome] = await ask(flow, "carol buy 1 @ 100")
        assert kinds(flow) == ["CancelAllAfter", "RunTimer", "PlaceOrder"]
        assert isinstance(outcome, Applied)
        assert outcome.order is not None
        assert outcome.order.executed_lots == 0


async def test_a_timer_runs_where_nobody_asks_anything() -> None:
    venue = venue_of()
    placed(venue, "bob ask 1 @ 100")
    async with flow_of(venue) as flow:
        flow.engine.now_ns = lambda: FAR_NS
        await flow.engine.submit(CancelAllAfter("bob", "SOL_USDC", 1_000))
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["CancelAllAfter"]
        flow.engine.now_ns = lambda: FAR_NS + 10**9
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["CancelAllAfter", "RunTimer"]
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["CancelAllAfter", "RunTimer"]


async def test_a_start_runs_the_timers_and_ends_what_was_bound_before_intake() -> None:
    venue = venue_of()
    do(venue, bound_to(order_of(venue, "bob ask 1 @ 100"), 7))
    placed(venue, "alice ask 1 @ 100")
    do(venue, CancelAllAfter("alice", None, 1))
    async with flow_of(retold(venue)) as flow:
        [outcome] = await ask(flow, "carol buy 1 @ 100")
        assert sorted(kinds(flow)) == ["EndSocket", "PlaceOrder", "RunTimer"]
        assert kinds(flow)[-1] == "PlaceOrder"
        assert isinstance(outcome, Applied)
        assert outcome.order is not None
        assert outcome.order.executed_lots == 0


async def test_the_end_of_a_socket_waits_until_its_market_has_room() -> None:
    venue = venue_of()
    do(venue, bound_to(order_of(venue, "bob ask 1 @ 100"), 7))
    async with flow_of(venue, market_queue_max=1) as flow:
        await turns()  # what was left of the last process has ended
        await flow.engine.submit(bound_to(order_of(flow.venue, "bob ask 1 @ 101"), 8))
        crowd = [flow.engine.submit(CancelAll("carol", "SOL_USDC")) for _ in range(2)]
        waiting_for = [asyncio.ensure_future(one) for one in crowd]
        await asyncio.sleep(0)
        flow.engine.end_socket("SOL_USDC", 8)
        await asyncio.gather(*waiting_for)
        assert kinds(flow) == ["EndSocket", "PlaceOrder"], "there was room at once"
        flow.engine.expire_due()
        await turns()
        assert kinds(flow) == ["EndSocket", "PlaceOrder", "EndSocket"]
