"""Orders that their owners take back."""

import pytest

from exchange.core.events import OrderUpdated, UpdateReason
from tests.core.stories import (
    balance,
    book_of,
    cancel,
    cancel_all,
    events_of,
    order_after,
    place,
    placed,
    refusal,
    resting,
    shown,
    status,
    two_markets,
    venue_of,
)


@pytest.mark.parametrize("by", ["order_id", "client_order_id"])
def test_an_order_is_canceled_by_either_id(by: str) -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100 as mine")
    outcome = cancel(venue, "bob", order if by == "order_id" else "mine")
    assert order_after(outcome).order_id == order
    assert status(outcome) == "canceled 0 of 4"
    assert shown(venue) == []
    assert balance(venue, "bob USDC") == "1000000"


def test_a_canceled_order_keeps_what_it_traded() -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100")
    place(venue, "alice sell 1 @ 100")
    outcome = cancel(venue, "bob", order)
    assert status(outcome) == "canceled 1 of 4"
    assert order_after(outcome).executed_quote_minor == 100_000_000
    assert balance(venue, "bob USDC") == "999900"


def test_someone_elses_order_is_unknown() -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100 as mine")
    assert refusal(cancel(venue, "alice", order)) == "UNKNOWN_ORDER"
    assert refusal(cancel(venue, "alice", "mine")) == "UNKNOWN_ORDER"
    assert resting(venue) == ["bob bid 4 @ 100"]


def test_an_order_of_another_market_is_unknown() -> None:
    venue = two_markets()
    order = placed(venue, "bob buy 1 @ 100 as mine")
    assert refusal(cancel(venue, "bob", order, "SOL_EUR")) == "UNKNOWN_ORDER"
    assert refusal(cancel(venue, "bob", "mine", "SOL_EUR")) == "UNKNOWN_ORDER"


@pytest.mark.parametrize("end", ["filled", "canceled", "expired"])
def test_a_closed_order_is_unknown(end: str) -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 4 @ 100 IOC as mine" if end == "expired" else "bob buy 4 @ 100 as mine")
    if end == "filled":
        place(venue, "alice sell 4 @ 100")
    if end == "canceled":
        cancel(venue, "bob", order)
    assert refusal(cancel(venue, "bob", order)) == "UNKNOWN_ORDER"
    assert refusal(cancel(venue, "bob", "mine")) == "UNKNOWN_ORDER"


def test_cancel_all_takes_out_the_oldest_first_and_only_ones_own() -> None:
    venue = book_of("bob ask 1 @ 110", "alice ask 1 @ 110", "bob bid 2 @ 99", "bob ask 3 @ 105")
    canceled = [event for event in events_of(cancel_all(venue, "bob")) if isinstance(event, OrderUpdated)]
    assert [order.terms.quantity_lots for order in canceled] == [1000, 2000, 3000]
    assert {order.reason for order in canceled} == {UpdateReason.CANCELED}
    assert resting(venue) == ["alice ask 1 @ 110"]
    assert balance(venue, "bob SOL") == balance(venue, "bob USDC") == "1000000"


def test_cancel_all_is_of_one_market() -> None:
    venue = two_markets()
    placed(venue, "bob buy 1 @ 100")
    placed(venue, "bob buy 1 @ 100 on SOL_EUR")
    cancel_all(venue, "bob", "SOL_EUR")
    assert resting(venue) == ["bob bid 1 @ 100"]
    assert resting(venue, "SOL_EUR") == []


def test_cancel_all_without_orders_changes_nothing() -> None:
    venue = book_of("alice ask 1 @ 110")
    assert events_of(cancel_all(venue, "bob")) == []
