"""Orders that have a time to end."""

import pytest

from exchange.core.commands import ExpireDue, SetMarketStatus
from exchange.core.events import OrderUpdated
from exchange.core.instrument import MarketStatus
from exchange.core.outcome import Applied
from tests.core.stories import (
    balance,
    book_of,
    cancel,
    do,
    events_of,
    expire,
    place,
    placed,
    refusal,
    resting,
    retold,
    shown,
    status,
    venue_of,
    waiting,
)


def test_a_gtd_order_rests_until_its_time() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob bid 2 @ 99 until 1000")
    retold(venue)
    assert expire(venue, 999) is None
    outcome = expire(venue, 1000)
    assert status(outcome, order_id) == "expired 0 of 2, expire_at"
    assert resting(venue) == []
    assert balance(venue, "bob USDC") == "1000000"
    retold(venue)


def test_the_earliest_ends_first_and_no_more_than_asked() -> None:
    venue = venue_of()
    for time_ns in (900, 700, 800, 5000):
        placed(venue, f"bob bid 1 @ 99 until {time_ns}")
    placed(venue, "bob bid 1 @ 99")
    outcome = expire(venue, 1000, 2)
    ended = [event.order_id for event in events_of(outcome) if isinstance(event, OrderUpdated)]
    assert ended == [2, 3]
    assert isinstance(outcome, Applied)
    assert outcome.order is None
    assert venue.markets["SOL_USDC"].deadlines.next_ns == 900
    retold(venue)
    expire(venue, 1001, 9)
    assert shown(venue) == ["bid 2 @ 99"]
    assert do(venue, ExpireDue("SOL_USDC", 9)) is None


@pytest.mark.parametrize("how", ["fill", "cancel", "prevent"])
def test_what_has_ended_is_not_due_any_more(how: str) -> None:
    venue = venue_of()
    order_id = placed(venue, "bob ask 2 @ 99 until 1000")
    if how == "fill":
        placed(venue, "alice buy 2 @ 99")
    elif how == "cancel":
        cancel(venue, "bob", order_id)
    else:
        place(venue, "bob buy 2 @ 99 stp expire_maker")
    assert venue.markets["SOL_USDC"].deadlines.next_ns > 1000
    retold(venue)
    assert expire(venue, 1000) is None


def test_one_that_takes_is_never_due() -> None:
    venue = book_of("ask 2 @ 99")
    assert status(place(venue, "bob buy 2 @ 99 until 1000")) == "filled 2 of 2"
    assert expire(venue, 1000) is None


def test_a_time_that_is_over_is_refused() -> None:
    venue = venue_of()
    venue.time_ns = 5000
    assert refusal(place(venue, "bob bid 1 @ 99 until 5001")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob sell 1 @ 99 stop 98 until 5001")) == "OUT_OF_RANGE"


def test_what_waits_ends_too_and_in_every_status() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob sell 2 @ 98 stop 99 until 1000")
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.HALTED))
    outcome = expire(venue, 1000)
    assert status(outcome, order_id) == "expired 0 of 2, expire_at"
    assert waiting(venue) == []
    assert balance(venue, "bob SOL") == "1000000"
    retold(venue)
