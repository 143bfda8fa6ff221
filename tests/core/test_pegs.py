"""Pegged orders whose price comes from the book when they enter it."""

from dataclasses import replace

import pytest

from exchange.core.commands import CancelOrder, ReplaceMode, ReplaceOrder, SetMarket, SetMarketStatus
from exchange.core.filters import changed
from exchange.core.instrument import FeeAsset, MarketStatus, instrument_of
from exchange.core.venue import Venue
from exchange.core.venue_filters import SetVenueFilters, VenueFilters
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    amend,
    balance,
    book_of,
    cancel,
    do,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    same_order,
    shown,
    status,
    waiting,
)

QUOTE = FeeAsset.QUOTE
BOOK = ("ask 5 @ 102", "ask 5 @ 103", "bid 5 @ 100", "bid 5 @ 99", "bid 5 @ 97")


@pytest.fixture
def venue() -> Venue:
    return book_of(*BOOK)


def price_of(venue: Venue, order_id: int) -> str:
    """The price of an open order in the book."""
    return SOL_USDC.price_text(venue.markets["SOL_USDC"].book.orders.get(order_id).price_ticks)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        ("bob buy 1 pegged to primary", "100"),
        ("bob sell 1 pegged to primary", "102"),
        ("bob buy 1 pegged to primary levels 2", "97"),
        ("bob sell 1 pegged to primary levels 1", "103"),
        ("bob buy 1 pegged to primary less 0.50", "99.5"),
        ("bob sell 1 pegged to primary less 0.50", "102.5"),
        ("bob buy 1 pegged to market less 0.50", "101.5"),
        ("bob sell 1 pegged to market less 0.50", "100.5"),
    ],
)
def test_its_price_is_that_of_a_level_or_so_far_from_the_best(venue: Venue, asked: str, price: str) -> None:
    order_id = placed(venue, asked)
    assert price_of(venue, order_id) == price


def test_one_pegged_to_the_other_side_takes_what_is_there_and_rests_at_that_price(venue: Venue) -> None:
    outcome = place(venue, "bob buy 7 pegged to market")
    assert shown(outcome) == ["5 @ 102"]
    assert shown(venue)[:2] == ["ask 5 @ 103", "bid 2 @ 102"]
    outcome = place(venue, "carol sell 20 pegged to market levels 2 IOC")
    assert shown(outcome) == ["2 @ 102", "5 @ 100", "5 @ 99"]


def test_its_own_price_is_its_limit(venue: Venue) -> None:
    assert price_of(venue, placed(venue, "bob buy 1 pegged to primary limit 99.50")) == "99.5"
    assert price_of(venue, placed(venue, "bob buy 1 pegged to primary limit 101")) == "100"
    assert price_of(venue, placed(venue, "bob sell 1 pegged to primary limit 110")) == "110"
    assert price_of(venue, placed(venue, "bob sell 1 pegged to market limit 101")) == "101"


def test_a_book_without_such_a_level_refuses_it(venue: Venue) -> None:
    assert refusal(place(venue, "bob buy 1 pegged to market levels 2")) == "NO_PRICE_LEVEL"
    assert refusal(place(venue, "bob buy 1 pegged to primary levels 3 limit 90")) == "NO_PRICE_LEVEL"
    assert refusal(place(book_of(), "bob sell 1 pegged to primary")) == "NO_PRICE_LEVEL"


def test_what_is_wrong_in_any_case_is_said_first() -> None:
    venue = book_of()
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.HALTED))
    assert refusal(place(venue, "bob sell 1 pegged to primary")) == "MARKET_NOT_TRADING"
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.POST_ONLY))
    assert refusal(place(venue, "bob sell 1 pegged to market IOC")) == "MARKET_NOT_TRADING"
    assert refusal(place(venue, "bob sell 1 pegged to market")) == "NO_PRICE_LEVEL"
    assert refusal(place(venue, "bob sell 0 pegged to market")) == "OUT_OF_RANGE"


def test_filters_hold_at_its_limit_and_at_what_it_is_pegged_at() -> None:
    rules = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="1")
    venue = book_of(*BOOK, rules=rules)
    assert refusal(place(venue, "bob sell 0.5 pegged to primary limit 1.99")) == "MIN_NOTIONAL"
    assert refusal(place(venue, "bob sell 5 pegged to primary limit 0")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob buy 0.5 pegged to primary less 98.01")) == "MIN_NOTIONAL"
    placed(venue, "bob buy 0.5 pegged to primary less 98")
    assert refusal(place(venue, "bob buy 5 pegged to primary less 100")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob buy 5 pegged to primary less 101")) == "OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("given", "order", "code"),
    [
        ({"max_price": "110"}, "bob buy 1 pegged to primary limit 111", "MAX_PRICE"),
        ({"max_price": "101"}, "bob sell 1 pegged to primary", "MAX_PRICE"),
        ({"max_notional": "210"}, "bob buy 2 pegged to primary limit 106", "MAX_NOTIONAL"),
        ({"max_notional": "150"}, "bob buy 2 pegged to primary", "MAX_NOTIONAL"),
        ({"max_quote": "210"}, "bob buy 2 pegged to primary limit 106", "MAX_ASSET"),
        ({"bid_multiplier_up": "1.05"}, "bob buy 1 pegged to primary limit 110", "PRICE_BAND"),
        ({"bid_multiplier_down": "0.995"}, "bob buy 1 pegged to primary less 1", "PRICE_BAND"),
    ],
)
def test_every_filter_holds_at_its_limit_and_at_what_it_is_pegged_at(
    given: dict[str, str], order: str, code: str
) -> None:
    venue = book_of(*BOOK)
    place(venue, "carol buy 0.1 @ 102")
    rules = venue.markets["SOL_USDC"].instrument
    do(venue, SetMarket(replace(rules, filters=changed(rules, given))))
    assert refusal(place(venue, order)) == code
    do(venue, SetMarket(rules))
    placed(venue, order)


def test_filters_come_before_a_missing_level() -> None:
    venue = book_of()
    rules = venue.markets["SOL_USDC"].instrument
    filters = changed(rules, {"max_quantity": "2", "max_price": "110", "max_open_icebergs": 1})
    do(venue, SetMarket(replace(rules, filters=filters)))
    assert refusal(place(venue, "bob sell 3 pegged to primary")) == "MAX_QUANTITY"
    assert refusal(place(venue, "bob sell 1 pegged to primary limit 111")) == "MAX_PRICE"
    assert refusal(place(venue, "bob sell 1 pegged to primary")) == "NO_PRICE_LEVEL"
    do(venue, SetVenueFilters(VenueFilters(max_open_orders=1)))
    placed(venue, "bob buy 1 @ 50")
    assert refusal(place(venue, "bob sell 1 pegged to primary")) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"


def test_it_locks_what_it_needs_at_that_price_and_must_have_it(venue: Venue) -> None:
    placed(venue, "bob buy 2 pegged to primary limit 101")
    assert balance(venue, "bob USDC") == "999800 + 200 locked"
    placed(venue, "carol sell 3 pegged to primary")
    assert balance(venue, "carol SOL") == "999997 + 3 locked"
    assert refusal(place(venue, "carol buy 10001 pegged to primary")) == "INSUFFICIENT_BALANCE"
    placed(venue, "carol buy 10000 pegged to primary")
    assert balance(venue, "carol USDC") == "0 + 1000000 locked"


def test_its_price_stays_and_others_there_come_first(venue: Venue) -> None:
    order_id = placed(venue, "bob buy 1 pegged to primary")
    place(venue, "maker buy 1 @ 101")
    assert price_of(venue, order_id) == "100"
    assert resting(venue)[2:5] == ["maker bid 1 @ 101", "maker bid 5 @ 100", "bob bid 1 @ 100"]
    outcome = place(venue, "carol sell 7 @ 100")
    assert shown(outcome) == ["1 @ 101", "5 @ 100", "1 @ 100"]
    assert status(outcome, order_id) == "filled 1 of 1"


def test_post_only_one_is_pegged_to_its_own_side(venue: Venue) -> None:
    assert price_of(venue, placed(venue, "bob sell 1 pegged to primary POST")) == "102"
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.POST_ONLY))
    assert refusal(place(venue, "bob buy 1 pegged to market")) == "MARKET_NOT_TRADING"
    placed(venue, "bob buy 1 pegged to market less 1")
    placed(venue, "bob buy 1 pegged to primary POST")


def test_a_fok_fills_at_its_price_or_not_at_all(venue: Venue) -> None:
    assert status(place(venue, "bob buy 6 pegged to market FOK")) == "expired 0 of 6, fok_unfillable"
    assert status(place(venue, "bob buy 6 pegged to market levels 1 FOK")) == "filled 6 of 6"


def test_own_orders_count_and_self_trade_prevention_holds(venue: Venue) -> None:
    placed(venue, "bob sell 1 @ 101")
    assert status(place(venue, "bob buy 1 pegged to market")) == "expired 0 of 1, self_trade"
    assert price_of(venue, placed(venue, "bob sell 1 pegged to primary")) == "101"


def test_a_fee_in_the_quote_is_locked_at_that_price() -> None:
    rules = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="1", taker_fee="0.1", fee_asset=QUOTE)
    venue = book_of("bid 5 @ 100", rules=rules)
    order_id = placed(venue, "bob buy 2 pegged to primary limit 200")
    assert balance(venue, "bob USDC") == "999780 + 220 locked"
    cancel(venue, "bob", order_id)
    assert balance(venue, "bob USDC") == "1000000"


def test_a_stop_takes_its_price_when_it_is_triggered(venue: Venue) -> None:
    place(venue, "carol sell 1 @ 100")
    first = order_after(place(venue, "bob buy 2 pegged to market limit 103 stop 102"))
    second = order_after(place(venue, "alice buy 2 pegged to market stop 102"))
    assert balance(venue, "bob USDC") == "999794 + 206 locked"
    assert balance(venue, "alice USDC") == "1000000"
    assert [order.progress.pegged_ticks for order in (first, second) if order.progress] == [0, 0]
    place(venue, "carol buy 5 @ 102")
    assert waiting(venue) == ["bob stop_loss_limit ready", "alice stop_loss_limit ready"]
    outcome = run(venue, 1)
    assert shown(outcome) == ["2 @ 103"]
    entered = order_after(outcome, first.order_id).progress
    assert entered is not None
    assert entered.pegged_ticks == 10_300
    place_gone = cancel(venue, "maker", 2)
    assert order_after(place_gone).executed_lots == SOL_USDC.lots("2")
    outcome = run(venue, 1)
    ended = order_after(outcome, second.order_id)
    assert status(outcome, second.order_id) == "expired 0 of 2, refused_at_trigger"
    assert ended.progress is not None
    assert ended.progress.refused == 9
    assert balance(venue, "alice USDC") == "1000000"


def test_a_stop_that_rests_locks_what_its_price_needs(venue: Venue) -> None:
    place(venue, "carol sell 1 @ 100")
    stop = order_after(place(venue, "bob buy 2 pegged to primary limit 110 stop 102"))
    place(venue, "carol buy 1 @ 102")
    run(venue)
    assert price_of(venue, stop.order_id) == "100"
    assert balance(venue, "bob USDC") == "999800 + 200 locked"
    retold(venue)


def test_it_goes_on_after_a_restart(venue: Venue) -> None:
    order_id = placed(venue, "bob sell 3 pegged to primary limit 101 as peg")
    place(venue, "maker sell 1 @ 101.50")
    again = retold(venue)
    assert price_of(again, order_id) == "102"
    outcome = place(again, "carol buy 20 @ 102")
    assert shown(outcome) == ["1 @ 101.5", "5 @ 102", "3 @ 102"]
    assert status(outcome, order_id) == "filled 3 of 3"


def test_sent_again_it_is_the_same_order_whatever_the_book_is(venue: Venue) -> None:
    order_id = placed(venue, "bob buy 1 pegged to primary as peg")
    place(venue, "maker buy 1 @ 101")
    assert same_order(place(venue, "bob buy 1 pegged to primary as peg")) == order_id
    amend(venue, "bob", order_id, "to 0.5")
    assert same_order(place(retold(venue), "bob buy 1 pegged to primary as peg")) == order_id
    assert refusal(place(venue, "bob buy 1 pegged to market as peg")) == "CLIENT_ORDER_ID_CONFLICT"


def test_its_quantity_can_be_amended_and_its_price_not(venue: Venue) -> None:
    order_id = placed(venue, "bob buy 2 pegged to primary limit 101")
    placed(venue, "carol buy 1 @ 100")
    amend(venue, "bob", order_id, "to 1")
    assert balance(venue, "bob USDC") == "999900 + 100 locked"
    assert refusal(amend(venue, "bob", order_id, "@ 99")) == "OUT_OF_RANGE"
    assert refusal(amend(venue, "bob", order_id, "@ 100")) == "OUT_OF_RANGE"
    assert same_order(amend(venue, "bob", order_id, "@ 101")) == order_id
    assert resting(venue)[3:5] == ["bob bid 1 @ 100", "carol bid 1 @ 100"]
    place(venue, "maker buy 1 @ 101")
    amend(venue, "bob", order_id, "to 3")
    assert resting(venue)[4:6] == ["carol bid 1 @ 100", "bob bid 3 @ 100"]
    assert balance(venue, "bob USDC") == "999700 + 300 locked"
    retold(venue)


def test_a_replacement_is_pegged_as_if_the_old_order_were_gone(venue: Venue) -> None:
    old = placed(venue, "bob buy 1 @ 101")
    command = order_of(venue, "bob buy 1 pegged to primary")
    outcome = do(venue, ReplaceOrder(_cancel_of(old), command, ReplaceMode.ATOMIC))
    new = order_after(outcome)
    assert price_of(venue, new.order_id) == "100"


def _cancel_of(order_id: int) -> CancelOrder:
    return CancelOrder("bob", "SOL_USDC", order_id, None)
