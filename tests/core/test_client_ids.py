"""Retries: the same client order id finds the same order, and never places a second one."""

from dataclasses import replace

import pytest

from exchange.core.venue import Venue
from tests.core.stories import (
    SOL_EUR,
    SOL_USDC,
    balance,
    book_of,
    cancel,
    deposit,
    do,
    events_of,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    same_order,
    shown,
    two_markets,
    venue_of,
)


def forgetful(recent: int) -> Venue:
    """A venue that remembers only so many client order ids beside the open ones."""
    return venue_of(SOL_USDC, SOL_EUR, venue=Venue(client_ids_max=recent))


def test_the_same_order_again_is_that_order() -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100 as mine")
    assert same_order(place(venue, "bob buy 4 @ 100 as mine")) == order
    assert same_order(place(venue, "bob buy 4.0 @ 100.00 as mine")) == order
    assert shown(venue) == ["bid 4 @ 100"]


@pytest.mark.parametrize(
    "other",
    [
        "bob buy 4 @ 100.01 as mine",
        "bob buy 4.001 @ 100 as mine",
        "bob sell 4 @ 100 as mine",
        "bob buy 4 @ 100 IOC as mine",
        "bob buy 4 @ 100 POST as mine",
        "bob buy 4 at market as mine",
        "bob buy 4 @ 100 on SOL_EUR as mine",
    ],
)
def test_another_order_under_the_same_id_conflicts(other: str) -> None:
    venue = two_markets()
    placed(venue, "bob buy 4 @ 100 as mine")
    assert refusal(place(venue, other)) == "CLIENT_ORDER_ID_CONFLICT"


def test_an_id_is_its_users_own() -> None:
    venue = venue_of()
    placed(venue, "bob buy 4 @ 100 as mine")
    placed(venue, "alice buy 3 @ 100 as mine")
    assert resting(venue) == ["bob bid 4 @ 100", "alice bid 3 @ 100"]
    cancel(venue, "alice", "mine")
    assert resting(venue) == ["bob bid 4 @ 100"]


@pytest.mark.parametrize("end", ["filled", "canceled", "expired"])
def test_a_retry_finds_an_order_that_is_closed(end: str) -> None:
    venue = venue_of()
    text = "bob buy 4 @ 100 FOK as mine" if end == "expired" else "bob buy 4 @ 100 as mine"
    order = placed(venue, text)
    if end == "filled":
        place(venue, "alice sell 4 @ 100")
    if end == "canceled":
        cancel(venue, "bob", "mine")
    assert same_order(place(venue, text)) == order
    assert refusal(place(venue, "bob buy 1 @ 1 as mine")) == "CLIENT_ORDER_ID_CONFLICT"


def test_a_retry_is_found_before_anything_is_refused() -> None:
    venue = venue_of(replace(SOL_USDC, max_open_orders=1))
    order = placed(venue, "bob buy 10000 @ 100 as mine")
    assert balance(venue, "bob USDC") == "0 + 1000000 locked"
    assert same_order(place(venue, "bob buy 10000 @ 100 as mine")) == order


def test_a_refused_order_leaves_its_id_free() -> None:
    venue = book_of("ask 1 @ 101")
    assert refusal(place(venue, "bob buy 1 @ 101 POST as mine")) == "WOULD_TAKE"
    placed(venue, "bob buy 1 @ 100 POST as mine")


def test_an_id_may_be_used_again_when_enough_others_came_after() -> None:
    venue = forgetful(2)
    placed(venue, "bob buy 1 @ 100 IOC as one")
    placed(venue, "bob buy 1 @ 100 IOC as two")
    assert refusal(place(venue, "bob buy 2 @ 100 IOC as one")) == "CLIENT_ORDER_ID_CONFLICT"
    placed(venue, "alice buy 1 @ 100 IOC on SOL_EUR as three")
    again = placed(venue, "bob buy 2 @ 100 IOC as one")
    assert same_order(place(venue, "bob buy 2 @ 100 IOC as one")) == again


def test_orders_without_an_id_push_none_out() -> None:
    venue = forgetful(1)
    order = placed(venue, "bob buy 1 @ 100 IOC as one")
    placed(venue, "bob buy 1 @ 100 IOC")
    assert same_order(place(venue, "bob buy 1 @ 100 IOC as one")) == order


def test_an_open_order_keeps_its_id_however_many_come_after() -> None:
    venue = forgetful(1)
    order = placed(venue, "bob buy 1 @ 100 as one")
    placed(venue, "bob buy 1 @ 99 IOC as two")
    assert same_order(place(venue, "bob buy 1 @ 100 as one")) == order
    assert refusal(place(venue, "bob buy 1 @ 100 on SOL_EUR as one")) == "CLIENT_ORDER_ID_CONFLICT"
    cancel(venue, "bob", "one")
    assert placed(venue, "bob buy 1 @ 100 on SOL_EUR as one") > order


def test_a_venue_that_remembers_none_still_knows_the_open_ones() -> None:
    venue = forgetful(0)
    order = placed(venue, "bob buy 1 @ 100 as one")
    assert same_order(place(venue, "bob buy 1 @ 100 as one")) == order
    placed(venue, "bob buy 1 @ 100 IOC as two")
    placed(venue, "bob buy 1 @ 100 IOC as two")


def test_ids_are_remembered_across_a_restart() -> None:
    venue = venue_of()
    closed = placed(venue, "bob buy 1 @ 100 IOC as closed")
    opened = placed(venue, "bob buy 1 @ 100 as open")
    again = retold(venue)
    assert same_order(place(again, "bob buy 1 @ 100 IOC as closed")) == closed
    assert same_order(place(again, "bob buy 1 @ 100 as open")) == opened


def test_a_restart_forgets_no_sooner_and_no_later() -> None:
    venue = forgetful(2)
    for name in ("one", "two", "three"):
        placed(venue, f"bob buy 1 @ 100 IOC as {name}")
    again = Venue.restore(venue.state(), client_ids_max=2)
    for each in (venue, again):
        placed(each, "bob buy 2 @ 100 IOC as one")
        placed(each, "bob buy 2 @ 100 IOC as two")
    assert again.state() == venue.state()


def test_a_deposits_key_is_remembered_as_long() -> None:
    venue = venue_of(venue=Venue(keys_max=1), people=())
    events_of(deposit(venue, "bob 1 USDC", key="one"))
    assert same_order(deposit(venue, "bob 1 USDC", key="one")) is None
    events_of(deposit(venue, "bob 1 USDC", key="two"))
    events_of(deposit(venue, "bob 1 USDC", key="one"))
    assert balance(venue, "bob USDC") == "3"


def test_the_order_is_compared_as_it_was_asked_not_as_it_is() -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100 as mine")
    place(venue, "alice sell 1 @ 100")
    assert same_order(do(venue, order_of(venue, "bob buy 4 @ 100 as mine"))) == order
    assert refusal(place(venue, "bob buy 3 @ 100 as mine")) == "CLIENT_ORDER_ID_CONFLICT"


def test_only_an_open_order_keeps_an_id_that_is_used_once_more() -> None:
    venue = book_of("ask 1 @ 101")
    first = placed(venue, "bob buy 1 @ 100 as mine once more")
    assert refusal(place(venue, "bob buy 1 @ 100 as mine once more")) == "CLIENT_ORDER_ID_CONFLICT"
    cancel(venue, "bob", first)
    second = placed(venue, "bob buy 1 @ 100 as mine once more")
    assert second == first + 1
    assert venue.client_ids.taken_by("bob", "mine") == (second, order_of(venue, "bob buy 1 @ 100 as mine once more"))
    assert refusal(place(venue, "bob buy 1 @ 100 as mine")) == "CLIENT_ORDER_ID_CONFLICT"


def test_an_id_that_was_used_again_is_forgotten_with_its_newest_order() -> None:
    venue = forgetful(2)
    place(venue, "bob buy 1 @ 100 IOC as mine once more")
    place(venue, "bob buy 1 @ 100 IOC as mine once more")
    place(venue, "bob buy 1 @ 100 IOC as other")
    assert venue.client_ids.taken_by("bob", "mine") is not None
    twin = Venue.restore(venue.state(), client_ids_max=2)
    for one in (venue, twin):
        place(one, "bob buy 1 @ 100 IOC as third")
        assert one.client_ids.taken_by("bob", "mine") is None
