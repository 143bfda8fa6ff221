"""Ids, priorities and counts: what each order and trade is numbered by, and which order an outcome is about."""

import pytest

from exchange.core.outcome import Applied
from exchange.core.venue import RULES_VERSION, Venue
from tests.copied import copied
from tests.core.stories import (
    book_of,
    cancel,
    cancel_all,
    deposit,
    join,
    makers,
    order_of,
    place,
    placed,
    refusal,
    retold,
    status,
    trades_of,
    two_markets,
    venue_of,
)


def test_an_orders_id_counts_the_orders_and_its_sequence_the_commands() -> None:
    venue = venue_of()
    before = venue.sequence
    assert before > 0
    assert placed(venue, "bob buy 1 @ 100") == 1
    assert refusal(place(venue, "dave buy 1 @ 100")) == "UNKNOWN_USER"
    assert placed(venue, "bob buy 1 @ 100 IOC") == 2
    assert cancel_all(venue, "alice") is None
    assert isinstance(join(venue, "dave"), Applied)
    assert placed(venue, "bob buy 1 @ 100") == 3
    assert venue.sequence == before + 4


def test_a_priority_counts_the_orders_that_may_rest_on_any_market() -> None:
    venue = two_markets()
    texts = ("alice sell 1 @ 101", "bob buy 1 @ 100 IOC", "carol sell 1 @ 101 on SOL_EUR", "bob buy 2 @ 101 POST")
    for text in (*texts[:3], "bob buy 1 @ 99 FOK", "alice sell 1 @ 101", "bob buy 1 at market"):
        place(venue, text)
    assert [(order.order_id, order.priority) for order in venue.state().orders] == [(3, 2), (5, 3)]
    assert (venue.counts.last_order_id, venue.counts.last_priority) == (6, 3)


def test_priority_decides_who_trades_first_whatever_the_ids_say() -> None:
    """As when an order has lost its place: the older id waits behind the younger one."""
    venue = book_of("alice ask 1 @ 101", "carol ask 1 @ 101")
    state = copied(venue.state())
    first, second = state.orders
    first.priority, state.last_priority = state.last_priority + 1, state.last_priority + 1
    state.orders = [second, first]
    again = Venue.restore(state)
    again.check()
    assert again.state() == state
    assert makers(again, place(again, "bob buy 2 @ 101")) == ["carol", "alice"]
    assert placed(again, "bob buy 1 @ 100") == 4


def test_an_outcome_marks_its_primary_order_as_the_command_leaves_it() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 102")
    for text, expected in (
        ("bob buy 4 @ 105 IOC", "filled 4 of 4"),
        ("bob buy 9 @ 101", "open 0 of 9"),
        ("alice sell 1 @ 101 as mine", "filled 1 of 1"),
        ("bob buy 9 @ 103 FOK", "expired 0 of 9, fok_unfillable"),
        ("bob buy 5 at market", "expired 4 of 5, unfilled"),
    ):
        outcome = place(venue, text)
        assert isinstance(outcome, Applied)
        assert outcome.order is not None
        assert (outcome.order.terms, status(outcome)) == (order_of(venue, text), expected)
    canceled = cancel(venue, "bob", 4)
    assert isinstance(canceled, Applied)
    assert canceled.order is not None
    assert (canceled.order.order_id, status(canceled)) == (4, "canceled 1 of 9")
    place(venue, "bob buy 1 @ 90")
    all_of_them = cancel_all(venue, "bob")
    assert isinstance(all_of_them, Applied)
    assert all_of_them.order is None
    deposited = deposit(venue, "bob 1 SOL", key="more")
    assert isinstance(deposited, Applied)
    assert deposited.order is None


def test_a_market_counts_its_trades_and_an_aggregate_is_one_takers_trades_at_one_price() -> None:
    venue = two_markets()
    for text in ("alice sell 1 @ 101", "carol sell 1 @ 101", "alice sell 2 @ 102", "alice sell 9 @ 50 on SOL_EUR"):
        place(venue, text)
    told = [
        (trade.market, trade.trade_id, trade.market_trade_id, trade.aggregate_id)
        for text in ("bob buy 3 @ 102", "bob buy 1 @ 50 on SOL_EUR", "maker buy 1 @ 102", "bob buy 1 @ 50 on SOL_EUR")
        for trade in trades_of(place(venue, text))
    ]
    assert told == [
        ("SOL_USDC", 1, 1, 1),
        ("SOL_USDC", 2, 2, 1),
        ("SOL_USDC", 3, 3, 2),  # another price
        ("SOL_EUR", 4, 1, 1),  # each market from 1
        ("SOL_USDC", 5, 4, 3),  # another taker at the same price
        ("SOL_EUR", 6, 2, 2),  # the same user again, with another order
    ]
    assert trades_of(place(retold(venue), "carol buy 1 @ 50 on SOL_EUR"))[0].aggregate_id == 3


def test_under_the_rules_of_version_1_an_id_and_a_priority_are_the_sequence() -> None:
    venue = venue_of()
    for text, version in (
        ("alice sell 1 @ 101", 1),
        ("bob buy 1 @ 100 IOC", 1),
        ("alice sell 1 @ 101", 2),
        ("bob buy 1 @ 100 IOC", 2),
        ("alice sell 1 @ 101", 2),
    ):
        command = order_of(venue, text)
        assert isinstance(venue.replay(command, venue.sequence + 1, venue.time_ns, version), Applied)
        venue.check()
    begun = venue.sequence - 5
    asks = [(order.order_id, order.priority) for order in venue.state().orders]
    # The counts of version 2 go on from the last numbers of version 1: the ioc order had an id, and no priority.
    assert asks == [(begun + 1, begun + 1), (begun + 3, begun + 2), (begun + 5, begun + 3)]
    with pytest.raises(AssertionError):
        venue.replay(order_of(venue, "bob buy 1 @ 1"), venue.sequence + 1, venue.time_ns, RULES_VERSION + 1)
