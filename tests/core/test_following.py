"""Pegged orders that follow the book."""

from dataclasses import replace

import pytest

from exchange.core import following, full_market
from exchange.core.commands import ListType, PlaceList, SetMarket, SetMarketStatus
from exchange.core.filters import changed
from exchange.core.instrument import FeeAsset, MarketStatus, instrument_of
from exchange.core.venue import Venue
from exchange.runtime import compiled
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    amend,
    balance,
    book_of,
    cancel,
    cancel_all,
    do,
    expire,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    shown,
    status,
)

MARKET = "SOL_USDC"
BOOK = ("ask 5 @ 110", "bid 5 @ 100", "bid 5 @ 98")


@pytest.fixture
def venue() -> Venue:
    return book_of(*BOOK)


def settle(venue: Venue, orders_max: int = 32) -> int:
    """Price everything again, as the engine does before it takes another command; in how many commands."""
    count = 0
    while venue.markets[MARKET].following.round:
        assert run(venue, orders_max) is not None
        count += 1
    return count


def prices(venue: Venue) -> list[str]:
    """Each order that follows the book by its owner, and its price."""
    orders = venue.markets[MARKET].following.orders.values()
    return [f"{order.user_id} {SOL_USDC.price_text(order.price_ticks)}" for order in orders]


def follow(venue: Venue, *orders: str) -> None:
    """These orders follow the book."""
    for order in orders:
        placed(venue, f"{order} follows")


def test_it_follows_the_best_of_its_own_side_up_and_down(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary limit 105")
    best = placed(venue, "maker buy 1 @ 101")
    assert prices(venue) == ["bob 100"]
    assert settle(venue) == 1
    assert prices(venue) == ["bob 101"]
    cancel(venue, "maker", best)
    settle(venue)
    assert prices(venue) == ["bob 100"]
    assert shown(venue) == ["ask 5 @ 110", "bid 6 @ 100", "bid 5 @ 98"]


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        ("bob buy 1 pegged to primary less 0.50 limit 105", "99.5", "100.5"),
        ("bob buy 1 pegged to primary levels 1 limit 105", "98", "100"),
        ("bob sell 1 pegged to market less 5 limit 1", "105", "106"),
        ("bob sell 1 pegged to market limit 107", "107", "107"),
        ("bob buy 1 pegged to market limit 109", "109", "109"),
        ("bob buy 1 pegged to primary limit 100.50", "100", "100.5"),
        ("bob buy 1 pegged to market limit 115", "109.99", "109.99"),
    ],
)
def test_it_keeps_its_distance_and_never_takes(venue: Venue, asked: str, before: str, after: str) -> None:
    follow(venue, asked)
    assert prices(venue) == [f"bob {before}"]
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    assert prices(venue) == [f"bob {after}"]


def test_it_follows_when_an_order_goes_with_its_list(venue: Venue) -> None:
    place(venue, "maker sell 1 @ 105")
    legs = (order_of(venue, "carol sell 2 @ 103"), order_of(venue, "carol sell 2 @ 95 stop 96 until 1000"))
    do(venue, PlaceList("carol", MARKET, ListType.OCO, legs, None))
    follow(venue, "bob sell 1 pegged to primary limit 101")
    assert prices(venue) == ["bob 103"]
    expire(venue, 1_000)
    assert settle(retold(venue)) == settle(venue) == 1
    assert prices(venue) == ["bob 105"]


def test_it_goes_to_the_back_of_its_new_level_and_keeps_its_place_otherwise(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary limit 105")
    place(venue, "carol buy 1 @ 101")
    settle(venue)
    place(venue, "alice buy 1 @ 101")
    place(venue, "alice buy 1 @ 97")
    settle(venue)
    assert resting(venue)[1:4] == ["carol bid 1 @ 101", "bob bid 1 @ 101", "alice bid 1 @ 101"]
    place(venue, "alice buy 1 @ 102")
    settle(venue)
    assert resting(venue)[1:3] == ["alice bid 1 @ 102", "bob bid 1 @ 102"]


def test_those_that_follow_are_not_counted_whoever_they_are_of(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary less 1 limit 105", "carol buy 1 pegged to primary less 2 limit 105")
    assert prices(venue) == ["bob 99", "carol 98"]
    cancel_all(venue, "maker")
    settle(venue)
    assert prices(venue) == ["bob 99", "carol 98"]
    assert refusal(place(venue, "alice buy 1 pegged to primary limit 105 follows")) == "NO_PRICE_LEVEL"
    place(venue, "alice buy 1 pegged to primary limit 105")
    assert resting(venue)[:2] == ["bob bid 1 @ 99", "alice bid 1 @ 99"]


def test_two_that_would_meet_stay_apart(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to market less 1 limit 120", "carol sell 1 pegged to market less 1 limit 1")
    assert prices(venue) == ["bob 109", "carol 109.01"]
    cancel_all(venue, "maker")
    place(venue, "maker sell 1 @ 115")
    settle(venue)
    assert prices(venue) == ["bob 109", "carol 109.01"]
    place(venue, "maker buy 1 @ 109")
    settle(venue)
    assert prices(venue) == ["bob 109", "carol 110"]


def test_it_locks_what_its_limit_costs_and_gets_the_rest_back_with_each_fill(venue: Venue) -> None:
    follow(venue, "bob buy 2 pegged to primary limit 105")
    assert balance(venue, "bob USDC") == "999790 + 210 locked"
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    assert balance(venue, "bob USDC") == "999790 + 210 locked"
    assert shown(place(venue, "carol sell 2 @ 101")) == ["1 @ 101", "1 @ 101"]
    settle(venue)
    assert balance(venue, "bob USDC") == "999794 + 105 locked"
    cancel_all(venue, "bob")
    assert balance(venue, "bob USDC") == "999899"
    assert refusal(place(venue, "bob buy 9523 pegged to primary limit 105 follows")) == "INSUFFICIENT_BALANCE"


def test_fees_in_the_quote_are_locked_by_its_limit_too() -> None:
    quote = FeeAsset.QUOTE
    rules = instrument_of(MARKET, SOL, USDC, tick_size="0.01", lot_size="1", maker_fee="0.1", fee_asset=quote)
    venue = book_of("bid 5 @ 100", rules=rules)
    follow(venue, "bob buy 2 pegged to primary limit 200")
    assert balance(venue, "bob USDC") == "999560 + 440 locked"
    place(venue, "carol sell 6 @ 100")
    assert balance(venue, "bob USDC") == "999670 + 220 locked"
    settle(venue)
    assert balance(venue, "bob USDC") == "999670 + 220 locked"


def test_without_a_level_it_stays_and_goes_on_later(venue: Venue) -> None:
    follow(venue, "bob sell 1 pegged to primary limit 50")
    cancel_all(venue, "maker")
    settle(venue)
    assert prices(venue) == ["bob 110"]
    place(venue, "maker sell 1 @ 104")
    settle(venue)
    assert prices(venue) == ["bob 104"]


def test_a_price_that_it_may_not_have_leaves_it_where_it_is() -> None:
    rules = instrument_of(MARKET, SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="10")
    venue = book_of("bid 5 @ 100", "bid 5 @ 10", rules=rules)
    follow(venue, "bob buy 0.2 pegged to primary limit 105")
    place(venue, "carol sell 5 @ 100")
    settle(venue)
    assert prices(venue) == ["bob 100"]


@pytest.mark.parametrize("given", [{"max_price": "111"}, {"max_notional": "111"}, {"ask_multiplier_up": "1.06"}])
def test_a_price_that_a_filter_refuses_leaves_it_where_it_is(given: dict[str, str]) -> None:
    venue = book_of("ask 1 @ 110", "ask 1 @ 112", "bid 1 @ 100")
    place(venue, "carol sell 1 @ 100")
    rules = venue.markets[MARKET].instrument
    follow(venue, "bob sell 1 pegged to primary limit 90")
    assert prices(venue) == ["bob 110"]
    do(venue, SetMarket(replace(rules, filters=changed(rules, given))))
    place(venue, "alice buy 1 @ 110")
    settle(venue)
    assert prices(venue) == ["bob 110"]
    do(venue, SetMarket(rules))
    place(venue, "maker sell 1 @ 111")
    settle(venue)
    assert prices(venue) == ["bob 111"]


def test_a_round_goes_by_order_id_a_few_at_a_time_and_goes_on_after_a_restart(venue: Venue) -> None:
    for user in ("bob", "carol", "alice"):
        follow(venue, f"{user} buy 1 pegged to primary limit 105", f"{user} sell 1 pegged to primary limit 95")
    place(venue, "maker buy 1 @ 101")
    run(venue, 2)
    assert [price for price in prices(venue) if not price.endswith("110")] == ["bob 101", "carol 101", "alice 100"]
    again = retold(venue)
    assert settle(again, 2) == 1
    assert [price for price in prices(again) if not price.endswith("110")] == ["bob 101", "carol 101", "alice 101"]
    assert settle(again) == 0


def test_a_change_during_a_round_begins_it_again(venue: Venue) -> None:
    follow(venue, *(f"{user} buy 1 pegged to primary limit 105" for user in ("bob", "carol", "alice")))
    place(venue, "maker buy 1 @ 101")
    run(venue, 1)
    place(venue, "maker buy 1 @ 102")
    assert settle(venue, 1) == 3
    assert prices(venue) == ["bob 102", "carol 102", "alice 102"]


def test_stops_that_are_triggered_enter_before_anything_is_priced_again(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary limit 105")
    place(venue, "carol sell 1 @ 100")
    place(venue, "alice buy 1 at market stop 110")
    place(venue, "carol buy 1 @ 110")
    place(venue, "carol buy 1 @ 101")
    assert shown(run(venue)) == ["1 @ 110"]
    assert prices(venue) == ["bob 100"]
    run(venue)
    assert prices(venue) == ["bob 101"]


def test_a_stop_follows_once_it_has_entered(venue: Venue) -> None:
    place(venue, "carol sell 1 @ 100")
    placed(venue, "bob buy 1 pegged to primary limit 105 follows stop 110")
    assert (prices(venue), balance(venue, "bob USDC")) == ([], "999895 + 105 locked")
    place(venue, "carol buy 1 @ 110")
    run(venue)
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    assert (prices(venue), balance(venue, "bob USDC")) == (["bob 101"], "999895 + 105 locked")


def test_an_iceberg_takes_what_it_hides_along(venue: Venue) -> None:
    order = order_of(venue, "bob buy 5 pegged to primary limit 105 follows")
    assert order.conditions is not None
    do(venue, replace(order, conditions=replace(order.conditions, visible_lots=SOL_USDC.lots("2"))))
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    assert shown(venue)[:2] == ["ask 5 @ 110", "bid 3 @ 101"]
    assert shown(place(venue, "carol sell 6 @ 101")) == ["1 @ 101", "2 @ 101", "2 @ 101", "1 @ 101"]


def test_it_is_amended_without_a_new_price(venue: Venue) -> None:
    order_id = placed(venue, "bob buy 2 pegged to primary limit 105 follows")
    amend(venue, "bob", order_id, "to 3")
    assert prices(venue) == ["bob 100"]
    assert balance(venue, "bob USDC") == "999685 + 315 locked"
    assert refusal(amend(venue, "bob", order_id, "@ 104")) == "OUT_OF_RANGE"
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    assert prices(venue) == ["bob 101"]


def test_it_follows_in_every_status_and_a_self_trade_ends_it(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary limit 105")
    best = placed(venue, "maker buy 1 @ 101")
    settle(venue)
    do(venue, SetMarketStatus(MARKET, MarketStatus.HALTED))
    cancel(venue, "maker", best)
    settle(venue)
    assert prices(venue) == ["bob 100"]
    do(venue, SetMarketStatus(MARKET, MarketStatus.TRADING))
    place(venue, "maker buy 1 @ 101")
    settle(venue)
    outcome = place(venue, "bob sell 2 @ 101 stp expire_maker")
    assert status(outcome) == "partially_filled 1 of 2"
    assert prices(venue) == []


@pytest.fixture
def two_may_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_market, "FOLLOWING_MAX", 2)
    monkeypatch.setattr(following, "FOLLOWING_MAX", 2)


@pytest.mark.skipif(compiled.in_use(), reason="no other bound can be put into what is compiled")
@pytest.mark.usefixtures("two_may_follow")
def test_no_more_than_so_many_follow_in_a_market(venue: Venue) -> None:
    follow(venue, "bob buy 1 pegged to primary limit 105", "carol buy 1 pegged to primary limit 105")
    assert refusal(place(venue, "bob buy 1 pegged to primary limit 105 follows")) == "TOO_MANY_OPEN_ORDERS"
    place(venue, "bob buy 1 pegged to primary limit 105")
