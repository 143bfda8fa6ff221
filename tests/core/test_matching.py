"""Matching: which orders trade, at what price, and what happens to the rest."""

import pytest

from tests.core.stories import (
    balance,
    book_of,
    cancel,
    makers,
    order_after,
    place,
    placed,
    refusal,
    resting,
    shown,
    status,
    trades_of,
    venue_of,
)

# --- priority and price


def test_taker_gets_the_makers_price() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 102")
    outcome = place(venue, "bob buy 4 @ 105 IOC")
    assert shown(outcome) == ["3 @ 101", "1 @ 102"]
    assert shown(venue) == ["ask 4 @ 102"]


def test_a_seller_gets_the_higher_bid() -> None:
    venue = book_of("bid 3 @ 99", "bid 5 @ 98")
    outcome = place(venue, "bob sell 4 @ 95 IOC")
    assert shown(outcome) == ["3 @ 99", "1 @ 98"]
    assert shown(venue) == ["bid 4 @ 98"]


def test_the_best_price_trades_first_however_late_it_came() -> None:
    venue = book_of("alice ask 1 @ 103", "carol ask 1 @ 102", "maker ask 1 @ 101")
    outcome = place(venue, "bob buy 3 @ 103")
    assert makers(venue, outcome) == ["maker", "carol", "alice"]


def test_at_one_price_the_earliest_trades_first() -> None:
    venue = book_of("alice ask 1 @ 101", "carol ask 1 @ 101", "maker ask 1 @ 101")
    outcome = place(venue, "bob buy 2 @ 101")
    assert makers(venue, outcome) == ["alice", "carol"]
    assert resting(venue) == ["maker ask 1 @ 101"]


def test_a_partial_fill_keeps_its_priority() -> None:
    venue = book_of("alice ask 3 @ 101", "carol ask 3 @ 101")
    place(venue, "bob buy 1 @ 101")
    assert resting(venue) == ["alice ask 2 @ 101", "carol ask 3 @ 101"]
    assert makers(venue, place(venue, "bob buy 3 @ 101")) == ["alice", "carol"]


def test_an_order_that_comes_back_has_lost_its_priority() -> None:
    venue = venue_of()
    first = placed(venue, "alice sell 1 @ 101")
    placed(venue, "carol sell 1 @ 101")
    cancel(venue, "alice", first)
    placed(venue, "alice sell 1 @ 101")
    assert makers(venue, place(venue, "bob buy 2 @ 101")) == ["carol", "alice"]


def test_an_order_in_the_middle_of_a_level_leaves_its_neighbours_in_order() -> None:
    venue = venue_of()
    ids = [placed(venue, f"{user} sell 1 @ 101") for user in ("alice", "carol", "maker", "alice")]
    cancel(venue, "carol", ids[1])
    cancel(venue, "alice", ids[3])
    assert resting(venue) == ["alice ask 1 @ 101", "maker ask 1 @ 101"]


def test_the_sides_do_not_meet_below_their_prices() -> None:
    venue = book_of("ask 1 @ 101")
    assert shown(place(venue, "bob buy 1 @ 100.99")) == []
    assert shown(venue) == ["ask 1 @ 101", "bid 1 @ 100.99"]


def test_a_trade_says_who_made_and_who_took() -> None:
    venue = venue_of()
    resting_id = placed(venue, "maker sell 3 @ 101")
    outcome = place(venue, "bob buy 2 @ 105")
    [trade] = trades_of(outcome)
    assert (trade.maker_order_id, trade.maker_user_id) == (resting_id, "maker")
    assert (trade.taker_order_id, trade.taker_user_id) == (order_after(outcome).order_id, "bob")
    assert trade.quote_minor == 202_000_000
    assert status(outcome, resting_id) == "partially_filled 2 of 3"
    assert order_after(outcome, resting_id).trade is order_after(outcome).trade is trade


def test_trades_are_numbered_one_by_one() -> None:
    venue = book_of("ask 1 @ 101", "ask 1 @ 102", "ask 1 @ 103")
    first = trades_of(place(venue, "bob buy 2 @ 102"))
    assert [trade.trade_id for trade in first + trades_of(place(venue, "bob buy 1 @ 103"))] == [1, 2, 3]


# --- time in force


def test_gtc_rests_with_what_remains() -> None:
    venue = book_of("ask 3 @ 101")
    outcome = place(venue, "bob buy 4 @ 102")
    assert shown(outcome) == ["3 @ 101"]
    assert status(outcome) == "partially_filled 3 of 4"
    assert shown(venue) == ["bid 1 @ 102"]


def test_gtc_that_meets_nobody_rests_whole() -> None:
    venue = venue_of()
    assert status(place(venue, "bob buy 4 @ 100")) == "open 0 of 4"
    assert shown(venue) == ["bid 4 @ 100"]


def test_ioc_expires_with_what_remains() -> None:
    venue = book_of("ask 3 @ 101", "ask 9 @ 103")
    outcome = place(venue, "bob buy 4 @ 102 IOC")
    assert status(outcome) == "expired 3 of 4, unfilled"
    assert shown(venue) == ["ask 9 @ 103"]


def test_fok_fills_whole() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 102")
    assert status(place(venue, "bob buy 8 @ 102 FOK")) == "filled 8 of 8"
    assert shown(venue) == []


def test_fok_expires_whole_if_it_cannot_fill_whole() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 103")
    outcome = place(venue, "bob buy 4 @ 102 FOK")
    assert shown(outcome) == []
    assert status(outcome) == "expired 0 of 4, fok_unfillable"
    assert shown(venue) == ["ask 3 @ 101", "ask 5 @ 103"]
    assert balance(venue, "bob USDC") == "1000000"


@pytest.mark.parametrize(
    ("order", "stands"),
    [
        ("bob buy 4 @ 100 IOC", "expired 0 of 4, unfilled"),
        ("bob buy 4 @ 100 FOK", "expired 0 of 4, fok_unfillable"),
        ("bob sell 4 @ 100 IOC", "expired 0 of 4, unfilled"),
        ("bob buy 4 at market", "expired 0 of 4, unfilled"),
        ("bob sell 4 at market", "expired 0 of 4, unfilled"),
    ],
)
def test_what_cannot_rest_and_fills_nothing_is_accepted_and_expires(order: str, stands: str) -> None:
    venue = venue_of()
    assert status(place(venue, order)) == stands
    assert shown(venue) == []
    assert balance(venue, "bob SOL") == balance(venue, "bob USDC") == "1000000"


# --- market orders


def test_a_market_buy_walks_the_book() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 102", "ask 5 @ 900")
    outcome = place(venue, "bob buy 9 at market")
    assert shown(outcome) == ["3 @ 101", "5 @ 102", "1 @ 900"]
    assert status(outcome) == "filled 9 of 9"


def test_a_market_order_expires_what_the_book_cannot_fill() -> None:
    venue = book_of("bid 3 @ 99")
    outcome = place(venue, "bob sell 5 at market")
    assert shown(outcome) == ["3 @ 99"]
    assert status(outcome) == "expired 3 of 5, unfilled"
    assert shown(venue) == []


def test_a_market_buy_stops_at_its_worst_price() -> None:
    venue = book_of("ask 3 @ 101", "ask 5 @ 102")
    outcome = place(venue, "bob buy 4 at market worst 101.99")
    assert shown(outcome) == ["3 @ 101"]
    assert status(outcome) == "expired 3 of 4, unfilled"


def test_a_market_sell_stops_at_its_worst_price() -> None:
    venue = book_of("bid 3 @ 99", "bid 5 @ 98")
    outcome = place(venue, "bob sell 4 at market worst 98.01")
    assert shown(outcome) == ["3 @ 99"]
    assert shown(venue) == ["bid 5 @ 98"]


# --- post-only


@pytest.mark.parametrize("order", ["bob buy 1 @ 101 POST", "bob buy 1 @ 105 POST", "bob sell 1 @ 99 POST"])
def test_post_only_is_refused_where_it_would_take(order: str) -> None:
    venue = book_of("ask 3 @ 101", "bid 3 @ 99")
    assert refusal(place(venue, order)) == "WOULD_TAKE"


def test_post_only_rests_where_it_takes_nothing() -> None:
    venue = book_of("ask 3 @ 101")
    assert status(place(venue, "bob buy 1 @ 100.99 POST")) == "open 0 of 1"
    assert shown(place(venue, "alice sell 1 @ 100.99")) == ["1 @ 100.99"]


# --- self-trade prevention


def test_an_order_stops_before_its_owners_own() -> None:
    venue = book_of("alice ask 1 @ 101", "bob ask 1 @ 101", "carol ask 1 @ 101")
    outcome = place(venue, "bob buy 3 @ 105")
    assert makers(venue, outcome) == ["alice"]
    assert status(outcome) == "expired 1 of 3, self_trade"
    assert resting(venue) == ["bob ask 1 @ 101", "carol ask 1 @ 101"]


def test_what_fills_before_the_owners_own_order_does_not_meet_it() -> None:
    venue = book_of("alice ask 2 @ 101", "bob ask 1 @ 101")
    assert status(place(venue, "bob buy 2 @ 105")) == "filled 2 of 2"


def test_an_own_order_beyond_the_limit_price_is_not_met() -> None:
    venue = book_of("alice ask 1 @ 101", "bob ask 1 @ 103")
    assert status(place(venue, "bob buy 2 @ 102")) == "partially_filled 1 of 2"
    assert shown(venue) == ["ask 1 @ 103", "bid 1 @ 102"]


def test_a_fok_that_would_meet_its_owners_own_expires_whole_and_says_so() -> None:
    venue = book_of("alice ask 2 @ 101", "bob ask 1 @ 101", "carol ask 5 @ 101")
    assert status(place(venue, "bob buy 3 @ 101 FOK")) == "expired 0 of 3, self_trade"
    assert shown(venue) == ["ask 8 @ 101"]


@pytest.mark.parametrize("order", ["bob buy 2 @ 101", "bob buy 2 @ 101 IOC", "bob buy 2 at market"])
def test_an_order_that_meets_its_owners_own_first_fills_nothing(order: str) -> None:
    venue = book_of("bob ask 1 @ 100", "alice ask 5 @ 101")
    outcome = place(venue, order)
    assert shown(outcome) == []
    assert status(outcome) == "expired 0 of 2, self_trade"
    assert shown(venue) == ["ask 1 @ 100", "ask 5 @ 101"]


def test_post_only_that_would_meet_its_owners_own_would_take() -> None:
    venue = book_of("bob ask 1 @ 101")
    assert refusal(place(venue, "bob buy 1 @ 101 POST")) == "WOULD_TAKE"
