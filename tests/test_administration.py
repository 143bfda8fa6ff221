"""Administrative actions in the engine: when they are applied, and whose they are."""

from typing import Any

from exchange.core.commands import CancelAll
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.service.administration import Administration
from exchange.service.principal import ADMINISTRATOR, DevAuthenticator, Principal
from tests.core.stories import order_of, two_markets
from tests.fake_store import Flow, flow_of

NOWHERE: Any = None


def administration(flow: Flow) -> Administration:
    return Administration(flow.engine, NOWHERE, DevAuthenticator(), NOWHERE, NOWHERE)


def origin(flow: Flow, principal: Principal) -> tuple[str, str | None]:
    made = administration(flow).origin(principal)
    return made.actor, made.address


async def test_disabling_is_applied_after_every_command_that_was_taken_before_it() -> None:
    """Without a turn in the queues of the markets the orders before it would be refused."""
    venue: Venue = two_markets()
    async with flow_of(venue) as flow:
        orders = [order_of(venue, f"bob buy 1 @ 100{where}") for where in ("", " on SOL_EUR") for _ in range(3)]
        placed = flow.engine.submit_all(orders)
        acts = administration(flow)
        canceled = await acts.set_status("bob", True, acts.origin(Principal(None, ADMINISTRATOR, None)))
        assert all(isinstance(outcome, Applied) for outcome in await placed)
        assert len(canceled) == 6
        assert await flow.engine.submit(CancelAll("bob", "SOL_USDC")) is None


async def test_it_finds_room_where_orders_find_none() -> None:
    venue = two_markets()
    async with flow_of(venue, market_queue_max=2, backlog_max=4) as flow:
        flow.store.slow()
        filling = [flow.engine.submit_all([order_of(venue, "bob buy 1 @ 100")]) for _ in range(2)]
        acts = administration(flow)
        disabling = acts.set_status("bob", True, acts.origin(Principal(None, ADMINISTRATOR, None)))
        flow.store.go_on()
        assert len(await disabling) == 2
        for outcome in filling:
            await outcome


async def test_the_actor_is_the_user_of_the_key_or_says_that_nobody_signed() -> None:
    async with flow_of(two_markets()) as flow:
        assert origin(flow, Principal("bob", ADMINISTRATOR, "10.0.0.1")) == ("bob", "10.0.0.1")
        assert origin(flow, Principal(None, ADMINISTRATOR, "::1", any_user=True)) == ("@dev", "::1")
        assert origin(flow, Principal('a "name"', ADMINISTRATOR, "fe80::1%eth0")) == ("@dev", "fe80::1")
        assert origin(flow, Principal("bob", ADMINISTRATOR, "no address")) == ("bob", None)
        assert origin(flow, Principal(None, ADMINISTRATOR, None)) == ("@console", None)
