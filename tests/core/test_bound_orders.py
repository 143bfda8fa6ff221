"""Orders that are bound to a socket end with it."""

from dataclasses import replace

from exchange.core.bound_orders import bound_to
from exchange.core.commands import EndSocket
from exchange.core.events import Duplicate, OrderUpdated
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import cancel, do, events_of, order_of, place, placed, refusal, retold, shown, venue_of


def bound(venue: Venue, text: str, socket: int = 1) -> Outcome:
    return do(venue, bound_to(order_of(venue, text), socket))


def ended(venue: Venue, socket: int | None, orders_max: int = 9) -> list[int]:
    """The orders that end with the socket."""
    outcome = do(venue, EndSocket("SOL_USDC", socket, orders_max))
    updates = [event for event in events_of(outcome) if isinstance(event, OrderUpdated)] if outcome else []
    assert {str(update.expire_reason and update.expire_reason.name) for update in updates} <= {"DISCONNECT"}
    return [update.order_id for update in updates]


def test_orders_of_a_socket_end_with_it_and_no_others() -> None:
    venue = venue_of()
    bound(venue, "bob bid 1 @ 99")
    bound(venue, "bob sell 1 at market stop 90")
    bound(venue, "bob bid 3 @ 97", 2)
    placed(venue, "bob bid 2 @ 98")
    venue = retold(venue)
    assert ended(venue, 1) == [1, 2]
    assert ended(venue, 1) == []
    assert shown(venue) == ["bid 2 @ 98", "bid 3 @ 97"]
    retold(venue)


def test_a_start_ends_what_is_bound_to_any_socket_oldest_first() -> None:
    venue = venue_of()
    for socket in (3, 1, 2):
        bound(venue, "bob bid 1 @ 99", socket)
    assert ended(retold(venue), None, 2) == [1, 2]
    assert ended(venue, None, 2) == [1, 2]
    assert ended(venue, None, 2) == [3]


def test_what_filled_or_was_canceled_is_bound_no_more() -> None:
    venue = venue_of()
    bound(venue, "bob bid 1 @ 99 as mine")
    bound(venue, "bob bid 1 @ 98")
    bound(venue, "bob bid 1 @ 97 IOC")
    place(venue, "carol sell 1 @ 99")
    cancel(venue, "bob", 2)
    assert venue.markets["SOL_USDC"].bound.orders == {}
    assert ended(venue, None) == []


def test_a_retry_may_come_another_way() -> None:
    venue = venue_of()
    bound(venue, "bob bid 1 @ 99 as mine")
    for socket in (None, 1, 2):
        terms = order_of(venue, "bob bid 1 @ 99 as mine")
        assert do(venue, terms if socket is None else bound_to(terms, socket)) == Duplicate(1)
    other = replace(order_of(venue, "bob bid 1 @ 99 as mine"), quantity_lots=2)
    assert refusal(do(venue, bound_to(other, 1))) == "CLIENT_ORDER_ID_CONFLICT"
    placed(venue, "bob bid 1 @ 98 as plain")
    assert bound(venue, "bob bid 1 @ 98 as plain") == Duplicate(2)
