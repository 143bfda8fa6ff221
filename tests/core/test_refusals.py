"""Why a command may not happen. That a refusal changes nothing is held after every step, by the language itself."""

from dataclasses import replace

import pytest

from exchange.core.commands import Deposit, SetMarket
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Asset, Instrument, MarketStatus, instrument_of
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    cancel,
    cancel_all,
    deposit,
    do,
    events_of,
    join,
    order_of,
    place,
    placed,
    refusal,
    same_order,
    shown,
    status,
    venue_of,
)

# --- minimal notional

AT_LEAST_TEN = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="10")


@pytest.mark.parametrize("order", ["bob buy 0.999 @ 10", "bob sell 1 @ 9.99", "bob buy 0.999 @ 10 IOC"])
def test_a_limit_order_below_the_minimal_notional_is_refused(order: str) -> None:
    assert refusal(place(venue_of(AT_LEAST_TEN), order)) == "MIN_NOTIONAL"


def test_the_minimal_notional_itself_is_enough() -> None:
    assert status(place(venue_of(AT_LEAST_TEN), "bob buy 1 @ 10")) == "open 0 of 1"


def test_the_minimal_notional_counts_the_limit_price_not_the_trades() -> None:
    venue = book_of("ask 10 @ 5", rules=AT_LEAST_TEN)
    assert status(place(venue, "bob buy 1 @ 10 IOC")) == "filled 1 of 1"


def test_what_remains_may_be_below_the_minimal_notional() -> None:
    venue = book_of("ask 1 @ 10", rules=AT_LEAST_TEN)
    assert status(place(venue, "bob buy 1.001 @ 10")) == "partially_filled 1 of 1.001"
    assert shown(venue) == ["bid 0.001 @ 10"]
    assert status(place(venue, "carol sell 1 @ 10")) == "partially_filled 0.001 of 1"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_market_order_is_worth_its_quantity_at_the_last_price_where_the_market_says_so(side: str) -> None:
    venue = book_of("ask 2 @ 10", "bid 2 @ 8", rules=AT_LEAST_TEN)
    assert status(place(venue, f"carol {side} 0.001 at market")) == "filled 0.001 of 0.001"  # no price before
    do(venue, SetMarket(replace(AT_LEAST_TEN, min_notional_applies_to_market=True, avg_price_mins=0)))
    just_below, enough = ("0.999", "1") if side == "buy" else ("1.249", "1.25")
    assert refusal(place(venue, f"bob {side} {just_below} at market")) == "MIN_NOTIONAL"
    assert status(place(venue, f"bob {side} {enough} at market")) == f"filled {enough} of {enough}"
    assert status(place(book_of("ask 2 @ 10", "bid 2 @ 8"), f"bob {side} {just_below} at market")).startswith("filled")


def test_a_book_of_dust_fills_a_market_order_in_part() -> None:
    venue = book_of("ask 0.001 @ 9")
    do(venue, SetMarket(replace(AT_LEAST_TEN, min_notional_applies_to_market=True)))
    assert status(place(venue, "bob buy 100 at market")) == "expired 0.001 of 100, unfilled"


def test_a_market_order_that_meets_nobody_expires_rather_than_being_too_small() -> None:
    assert status(place(venue_of(AT_LEAST_TEN), "bob buy 0.001 at market")) == "expired 0 of 0.001, unfilled"


# --- range


def coarse(*, base_decimals: int = 0, quote_decimals: int = 0) -> Instrument:
    """A market whose tick and lot are one unit."""
    base, quote = Asset("BIG", base_decimals), Asset("USD", quote_decimals)
    return instrument_of("BIG_USD", base, quote, tick_size="1", lot_size="1")


def test_ticks_and_lots_end_below_two_to_the_sixty_third() -> None:
    venue = venue_of(coarse())
    assert refusal(place(venue, f"bob buy 1 @ {UNITS_MAX}")) == "OUT_OF_RANGE"
    assert refusal(place(venue, f"bob buy 1 @ {UNITS_MAX - 1}")) == "INSUFFICIENT_BALANCE"
    assert refusal(place(venue, f"bob sell {UNITS_MAX} @ 1")) == "OUT_OF_RANGE"
    assert refusal(place(venue, f"bob sell {UNITS_MAX - 1} @ 1")) == "INSUFFICIENT_BALANCE"
    assert refusal(place(venue, f"bob buy 1 at market worst {UNITS_MAX}")) == "OUT_OF_RANGE"


@pytest.mark.parametrize("order", ["bob buy 0 @ 1", "bob sell 0 @ 1", "bob buy 0 at market", "bob sell 0 at market"])
def test_a_quantity_of_nothing_is_out_of_range(order: str) -> None:
    assert refusal(place(venue_of(coarse()), order)) == "OUT_OF_RANGE"


def test_a_price_of_zero_is_a_price_only_where_the_market_allows_it() -> None:
    venue = book_of("bob bid 2 @ 0", rules=replace(SOL_USDC, min_price_ticks=0))
    assert balance(venue, "bob USDC") == "1000000"
    assert status(place(venue, "carol sell 1 @ 0")) == "filled 1 of 1"
    assert balance(venue, "bob SOL") == "1000001"
    assert shown(venue) == ["bid 1 @ 0"]
    assert refusal(place(venue_of(replace(AT_LEAST_TEN, min_price_ticks=0)), "bob buy 1 @ 0")) == "MIN_NOTIONAL"
    assert refusal(place(venue_of(), "bob buy 1 @ 0")) == "OUT_OF_RANGE"
    assert refusal(place(venue_of(), "bob sell 1 at market worst 0")) == "OUT_OF_RANGE"
    # What rests below a new minimum stays, and a market order does not reach it.
    do(venue, SetMarket(SOL_USDC))
    assert status(place(venue, "carol sell 1 at market")) == "expired 0 of 1, unfilled"
    assert shown(venue) == ["bid 1 @ 0"]


def test_a_notional_ends_below_ten_to_the_thirty_eighth() -> None:
    venue = venue_of(coarse(quote_decimals=20))
    assert refusal(place(venue, "bob buy 1000000000 @ 1000000000")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob sell 1000000000 @ 1000000000")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob buy 999999999 @ 1000000000")) == "INSUFFICIENT_BALANCE"


@pytest.mark.parametrize("how", ["@ 1", "at market"])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_quantity_ends_below_ten_to_the_thirty_eighth_of_its_minor_units(side: str, how: str) -> None:
    venue = venue_of(coarse(base_decimals=30))
    assert refusal(place(venue, f"bob {side} 100000000 {how}")) == "OUT_OF_RANGE"


def test_all_of_an_asset_together_stays_below_ten_to_the_thirty_eighth() -> None:
    venue = venue_of(people=())
    most = AMOUNT_MAX // 2
    events_of(do(venue, Deposit("bob", "USDC", most, "one")))
    assert refusal(do(venue, Deposit("carol", "USDC", most, "two"))) == "OUT_OF_RANGE"
    events_of(do(venue, Deposit("carol", "USDC", most - 1, "two")))
    assert refusal(do(venue, Deposit("carol", "USDC", 1, "three"))) == "OUT_OF_RANGE"
    events_of(do(venue, Deposit("carol", "SOL", AMOUNT_MAX - 1, "four")))


def test_a_deposit_of_nothing_is_out_of_range() -> None:
    assert refusal(do(venue_of(), Deposit("bob", "USDC", 0, "nothing"))) == "OUT_OF_RANGE"


# --- open orders


def test_open_orders_are_counted_a_user_and_market() -> None:
    two = replace(SOL_USDC, max_open_orders=2)
    other = instrument_of("SOL_EUR", SOL, Asset("EUR", 2), tick_size="0.01", lot_size="1", max_open_orders=1)
    venue = venue_of(two, other)
    first = placed(venue, "bob buy 1 @ 100")
    placed(venue, "bob sell 1 @ 110")
    assert refusal(place(venue, "bob buy 1 @ 99")) == "TOO_MANY_OPEN_ORDERS"
    placed(venue, "bob buy 1 @ 99 on SOL_EUR")
    placed(venue, "carol buy 1 @ 99")
    cancel(venue, "bob", first)
    assert status(place(venue, "bob buy 1 @ 99")) == "open 0 of 1"


def test_an_order_that_cannot_rest_needs_no_room() -> None:
    venue = book_of("bob ask 1 @ 110", "ask 3 @ 105", rules=replace(SOL_USDC, max_open_orders=1))
    assert refusal(place(venue, "bob buy 1 @ 105")) == "TOO_MANY_OPEN_ORDERS"
    assert status(place(venue, "bob buy 1 @ 105 IOC")) == "filled 1 of 1"
    assert status(place(venue, "bob buy 1 @ 105 FOK")) == "filled 1 of 1"
    assert status(place(venue, "bob buy 1 at market")) == "filled 1 of 1"


def test_a_filled_order_makes_room() -> None:
    venue = book_of("bob ask 1 @ 105", rules=replace(SOL_USDC, max_open_orders=1))
    place(venue, "carol buy 1 @ 105")
    assert status(place(venue, "bob sell 1 @ 106")) == "open 0 of 1"


# --- who, where and when


def test_a_market_must_be_known() -> None:
    venue = venue_of()
    order = replace(order_of(venue, "bob buy 1 @ 100"), market="NO_WHERE")
    assert refusal(do(venue, order)) == "UNKNOWN_MARKET"
    assert refusal(cancel(venue, "bob", 1, "NO_WHERE")) == "UNKNOWN_MARKET"
    assert refusal(cancel_all(venue, "bob", "NO_WHERE")) == "UNKNOWN_MARKET"


def test_a_user_must_be_known() -> None:
    venue = venue_of()
    assert refusal(place(venue, "zoe buy 1 @ 100")) == "UNKNOWN_USER"
    assert refusal(cancel(venue, "zoe", 1)) == "UNKNOWN_USER"
    assert refusal(cancel_all(venue, "zoe")) == "UNKNOWN_USER"


@pytest.mark.parametrize("user_id", ["@fees", "@external"])
def test_the_houses_accounts_are_no_users(user_id: str) -> None:
    venue = venue_of()
    assert refusal(do(venue, replace(order_of(venue, "bob buy 1 @ 100"), user_id=user_id))) == "UNKNOWN_USER"


def test_a_halted_market_takes_cancels_but_no_orders() -> None:
    venue = book_of("bob ask 1 @ 105", "bob ask 1 @ 106")
    kept = placed(venue, "bob sell 1 @ 107 as kept")
    do(venue, SetMarket(replace(SOL_USDC, status=MarketStatus.HALTED)))
    assert refusal(place(venue, "carol buy 1 @ 110")) == "MARKET_NOT_TRADING"
    assert refusal(place(venue, "carol buy 1 at market")) == "MARKET_NOT_TRADING"
    assert same_order(place(venue, "bob sell 1 @ 107 as kept")) == kept
    assert status(cancel(venue, "bob", kept)) == "canceled 0 of 1"
    cancel_all(venue, "bob")
    assert shown(venue) == []
    do(venue, SetMarket(SOL_USDC))
    assert status(place(venue, "carol buy 1 @ 110")) == "open 0 of 1"


def test_new_rules_hold_for_new_orders_only() -> None:
    venue = book_of("ask 1 @ 5", "bid 1 @ 4")
    do(venue, SetMarket(replace(AT_LEAST_TEN, max_open_orders=1)))
    assert shown(venue) == ["ask 1 @ 5", "bid 1 @ 4"]
    assert refusal(place(venue, "bob sell 1 @ 6")) == "MIN_NOTIONAL"
    cancel_all(venue, "maker")
    assert balance(venue, "maker SOL") == balance(venue, "maker USDC") == "1000000"


# --- deposits


def test_a_deposit_is_credited_once_a_key() -> None:
    venue = venue_of()
    join(venue, "dave")
    events_of(deposit(venue, "dave 100 USDC", key="salary"))
    assert same_order(deposit(venue, "dave 100 USDC", key="salary")) is None
    assert balance(venue, "dave USDC") == "100"
    events_of(deposit(venue, "dave 100 USDC", key="bonus"))
    assert balance(venue, "dave USDC") == "200"


@pytest.mark.parametrize("other", ["dave 101 USDC", "bob 100 USDC", "dave 100 SOL"])
def test_a_key_with_another_content_is_refused(other: str) -> None:
    venue = venue_of()
    deposit(venue, "dave 100 USDC", key="salary")
    assert refusal(deposit(venue, other, key="salary")) == "KEY_CONFLICT"


def test_a_user_comes_to_be_with_the_first_deposit() -> None:
    venue = venue_of()
    assert not venue.ledger.has_user("dave")
    deposit(venue, "dave 100 USDC")
    assert status(place(venue, "dave buy 1 @ 100")) == "open 0 of 1"


def test_a_user_becomes_known_once() -> None:
    venue = venue_of()
    assert events_of(join(venue, "dave"))
    assert events_of(join(venue, "dave")) == []
