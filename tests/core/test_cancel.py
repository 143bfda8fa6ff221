"""Orders that their owners take back."""

import pytest

from exchange.core.commands import CancelOrder
from exchange.core.events import OrderUpdated, UpdateReason
from tests.core.stories import (
    balance,
    book_of,
    cancel,
    cancel_all,
    do,
    events_of,
    order_after,
    order_of,
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


# --- conditions


def test_a_cancel_may_want_the_order_as_it_was() -> None:
    venue = book_of("ask 2 @ 101")
    order_id = placed(venue, "alice buy 3 @ 101 as mine")  # filled in part
    fresh = placed(venue, "alice buy 1 @ 100")
    for wanted, number, code in ((False, order_id, "CANCEL_CONDITION"), (True, fresh, "CANCEL_CONDITION")):
        assert refusal(do(venue, CancelOrder("alice", "SOL_USDC", number, None, wanted))) == code
    assert status(do(venue, CancelOrder("alice", "SOL_USDC", None, "mine", True))) == "canceled 2 of 3"
    assert status(do(venue, CancelOrder("alice", "SOL_USDC", fresh, None, False))) == "canceled 0 of 1"


def test_both_ids_must_be_of_one_order() -> None:
    venue = book_of()
    mine = placed(venue, "alice buy 3 @ 101 as mine")
    other = placed(venue, "alice buy 3 @ 101 as other")
    assert refusal(do(venue, CancelOrder("alice", "SOL_USDC", mine, "other"))) == "UNKNOWN_ORDER"
    assert refusal(do(venue, CancelOrder("alice", "SOL_USDC", other, "nobodys"))) == "UNKNOWN_ORDER"
    assert status(do(venue, CancelOrder("alice", "SOL_USDC", mine, "mine"))) == "canceled 0 of 3"


def test_to_ask_whether_an_order_would_be_refused_changes_nothing() -> None:
    venue = book_of("ask 2 @ 101")
    before = venue.state()
    for text in ("alice buy 3 @ 101", "alice buy for 50 at market", "alice buy 1 @ 90 as mine"):
        assert venue.would_refuse(order_of(venue, text), venue.time_ns) is None
    for text, code in (
        ("alice buy 1 @ 102 POST", "WOULD_TAKE"),
        ("alice buy 100000000 @ 1", "INSUFFICIENT_BALANCE"),
        ("nobody buy 1 @ 1", "UNKNOWN_USER"),
    ):
        refused = venue.would_refuse(order_of(venue, text), venue.time_ns)
        assert refused is not None
        assert refused.reason.value == code
        assert refusal(place(venue, text)) == code
    assert venue.state() == before
    venue.check()
