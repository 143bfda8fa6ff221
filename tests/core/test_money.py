"""What is locked, paid, released and charged."""

from dataclasses import replace

import pytest

from exchange.core.instrument import PPM, Asset, instrument_of
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    cancel,
    deposit,
    join,
    order_after,
    place,
    placed,
    refusal,
    shown,
    status,
    trades_of,
    venue_of,
)


def with_dave(venue: Venue, *money: str) -> Venue:
    """Dave joins, with exactly this money."""
    join(venue, "dave")
    for amount in money:
        deposit(venue, f"dave {amount}")
    return venue


# --- limit orders


def test_a_limit_buy_locks_price_times_quantity() -> None:
    venue = with_dave(venue_of(), "420 USDC")
    place(venue, "dave buy 4 @ 100.5")
    assert balance(venue, "dave USDC") == "18 + 402 locked"


def test_a_limit_sell_locks_its_quantity() -> None:
    venue = with_dave(venue_of(), "10 SOL")
    place(venue, "dave sell 4 @ 100")
    assert balance(venue, "dave SOL") == "6 + 4 locked"


def test_what_a_better_price_saved_is_released_at_once() -> None:
    venue = with_dave(book_of("ask 3 @ 101"), "420 USDC")
    place(venue, "dave buy 4 @ 105")
    assert balance(venue, "dave USDC") == "12 + 105 locked"
    assert balance(venue, "dave SOL") == "3"


def test_a_limit_buy_needs_its_full_price_although_the_book_is_cheaper() -> None:
    venue = with_dave(book_of("ask 4 @ 101"), "419.99 USDC")
    assert refusal(place(venue, "dave buy 4 @ 105 IOC")) == "INSUFFICIENT_BALANCE"
    assert status(place(venue, "dave buy 4 @ 104.99 IOC")) == "filled 4 of 4"
    assert balance(venue, "dave USDC") == "15.99"


def test_a_sell_needs_its_whole_quantity() -> None:
    venue = with_dave(book_of("bid 1 @ 99"), "3.999 SOL")
    assert refusal(place(venue, "dave sell 4 @ 99")) == "INSUFFICIENT_BALANCE"
    assert refusal(place(venue, "dave sell 4 @ 99 IOC")) == "INSUFFICIENT_BALANCE"
    assert status(place(venue, "dave sell 3.999 @ 99 IOC")) == "expired 1 of 3.999, unfilled"


def test_what_is_locked_cannot_be_spent_again() -> None:
    venue = with_dave(venue_of(), "100 USDC", "1 SOL")
    place(venue, "dave buy 1 @ 60")
    assert refusal(place(venue, "dave buy 1 @ 40.01")) == "INSUFFICIENT_BALANCE"
    place(venue, "dave buy 1 @ 40")
    assert balance(venue, "dave USDC") == "0 + 100 locked"
    place(venue, "dave sell 1 @ 100")
    assert refusal(place(venue, "dave sell 0.001 @ 100")) == "INSUFFICIENT_BALANCE"


def test_a_maker_is_paid_at_its_own_price() -> None:
    venue = with_dave(venue_of(), "10 SOL")
    order = placed(venue, "dave sell 10 @ 100")
    place(venue, "bob buy 4 @ 200")
    assert balance(venue, "dave USDC") == "400"
    assert balance(venue, "dave SOL") == "0 + 6 locked"
    cancel(venue, "dave", order)
    assert balance(venue, "dave SOL") == "6"


def test_a_maker_who_bought_has_nothing_left_locked() -> None:
    venue = with_dave(venue_of(), "301 USDC")
    place(venue, "dave buy 3 @ 100.33")
    place(venue, "bob sell 1 @ 50")
    place(venue, "bob sell 2 @ 50")
    assert balance(venue, "dave USDC") == "0.01"
    assert balance(venue, "dave SOL") == "3"


# --- market orders


def test_a_market_buy_costs_what_walking_the_book_says() -> None:
    venue = with_dave(book_of("ask 3 @ 101", "ask 5 @ 102"), "405 USDC")
    place(venue, "dave buy 4 at market")
    assert balance(venue, "dave USDC") == "0"


def test_a_market_buy_that_cannot_pay_the_walk_is_refused() -> None:
    venue = with_dave(book_of("ask 3 @ 101", "ask 5 @ 102"), "404.999999 USDC")
    assert refusal(place(venue, "dave buy 4 at market")) == "INSUFFICIENT_BALANCE"
    assert status(place(venue, "dave buy 3 at market")) == "filled 3 of 3"


def test_a_market_buy_need_not_pay_for_what_the_book_does_not_have() -> None:
    venue = with_dave(book_of("ask 3 @ 101"), "303 USDC")
    assert status(place(venue, "dave buy 1000 at market")) == "expired 3 of 1000, unfilled"


def test_a_market_buy_need_not_pay_for_what_is_beyond_its_worst_price() -> None:
    venue = with_dave(book_of("ask 3 @ 101", "ask 5 @ 102"), "303 USDC")
    assert status(place(venue, "dave buy 8 at market worst 101")) == "expired 3 of 8, unfilled"


def test_the_walk_and_its_cost_end_before_an_own_order() -> None:
    venue = with_dave(book_of("ask 3 @ 101"), "303 USDC", "1 SOL")
    place(venue, "dave sell 1 @ 102")
    place(venue, "alice sell 5 @ 103")
    assert status(place(venue, "dave buy 8 at market")) == "expired 3 of 8, self_trade"
    assert balance(venue, "dave USDC") == "0"


def test_a_market_sell_needs_its_whole_quantity_whatever_the_book_has() -> None:
    venue = with_dave(book_of("bid 1 @ 99"), "3 SOL")
    assert refusal(place(venue, "dave sell 3.001 at market")) == "INSUFFICIENT_BALANCE"
    assert status(place(venue, "dave sell 3 at market")) == "expired 1 of 3, unfilled"


def test_who_owns_nothing_can_still_ask_an_empty_book() -> None:
    venue = with_dave(venue_of())
    assert status(place(venue, "dave buy 1 at market")) == "expired 0 of 1, unfilled"
    assert refusal(place(venue, "dave buy 1 @ 100 IOC")) == "INSUFFICIENT_BALANCE"


# --- fees


def fees_of(maker: str, taker: str) -> Venue:
    """A venue whose market has these fees."""
    rules = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", maker_fee=maker, taker_fee=taker)
    return venue_of(rules)


def test_each_side_pays_its_own_rate_of_what_it_receives() -> None:
    venue = with_dave(fees_of("0.001", "0.002"), "1000 USDC")
    place(venue, "maker sell 2 @ 100")
    [trade] = trades_of(place(venue, "dave buy 2 @ 100"))
    assert balance(venue, "dave SOL") == "1.996"
    assert balance(venue, "maker USDC") == "1000199.8"
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (200_000, 4_000_000)
    assert balance(venue, "@fees SOL") == "0.004"
    assert balance(venue, "@fees USDC") == "0.2"


def test_a_seller_who_takes_pays_in_quote() -> None:
    venue = with_dave(fees_of("0.001", "0.002"), "2 SOL")
    place(venue, "maker buy 2 @ 100")
    [trade] = trades_of(place(venue, "dave sell 2 @ 100"))
    assert balance(venue, "dave USDC") == "199.6"
    assert balance(venue, "maker SOL") == "1000001.998"
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (2_000_000, 400_000)


def test_a_fee_is_rounded_up_to_the_minor_unit() -> None:
    venue = with_dave(fees_of("0", "0.000001"), "0.001 SOL")
    place(venue, "maker buy 0.001 @ 0.01")  # ten minor units of USDC
    [trade] = trades_of(place(venue, "dave sell 0.001 @ 0.01"))
    assert trade.quote_minor == 10
    assert trade.taker_fee_minor == 1
    assert balance(venue, "dave USDC") == "0.000009"


def test_a_fee_is_never_more_than_what_is_received() -> None:
    rules = replace(SOL_USDC, maker_fee_ppm=PPM, taker_fee_ppm=PPM, fills_may_leave_nothing=True)
    venue = with_dave(venue_of(rules), "0.001 SOL")
    place(venue, "maker buy 0.001 @ 0.01")
    [trade] = trades_of(place(venue, "dave sell 0.001 @ 0.01"))
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (1_000_000, 10)
    assert balance(venue, "dave USDC") == "0"
    assert balance(venue, "maker SOL") == "1000000"


def test_each_fill_is_charged_by_itself() -> None:
    venue = with_dave(fees_of("0", "0.000001"), "0.002 SOL")
    place(venue, "maker buy 0.001 @ 0.01")
    place(venue, "maker buy 0.001 @ 0.01")
    trades = trades_of(place(venue, "dave sell 0.002 @ 0.01"))
    assert [trade.taker_fee_minor for trade in trades] == [1, 1]


# --- several markets, many decimals


def test_markets_share_a_users_funds() -> None:
    jup = Asset("JUP", 6)
    jup_usdc = instrument_of("JUP_USDC", jup, USDC, tick_size="0.0001", lot_size="0.01")
    venue = with_dave(venue_of(SOL_USDC, jup_usdc), "100 USDC")
    order = placed(venue, "dave buy 1 @ 60")
    assert refusal(place(venue, "dave buy 100 @ 0.5 on JUP_USDC")) == "INSUFFICIENT_BALANCE"
    place(venue, "dave buy 80 @ 0.5 on JUP_USDC")
    assert balance(venue, "dave USDC") == "0 + 100 locked"
    cancel(venue, "dave", order)
    assert balance(venue, "dave USDC") == "60 + 40 locked"


def test_what_one_market_pays_is_spent_in_the_other() -> None:
    sol_eur = instrument_of("SOL_EUR", SOL, Asset("EUR", 2), tick_size="0.01", lot_size="1")
    venue = with_dave(venue_of(SOL_USDC, sol_eur), "100 USDC")
    place(venue, "maker sell 1 @ 100")
    place(venue, "dave buy 1 @ 100")
    place(venue, "dave sell 1 @ 90 on SOL_EUR")
    place(venue, "bob buy 1 @ 90 on SOL_EUR")
    assert balance(venue, "dave EUR") == "90"
    assert balance(venue, "dave SOL") == "0"


@pytest.mark.parametrize("quote_decimals", [6, 18])
def test_eighteen_decimals_trade_to_the_last_unit(quote_decimals: int) -> None:
    eth, usd = Asset("ETH", 18), Asset("USD", quote_decimals)
    lot = "0.0001" if quote_decimals == 6 else "0.000000000000000001"
    tick = "0.01" if quote_decimals == 6 else "1"
    rules = instrument_of(
        "ETH_USD", eth, usd, tick_size=tick, lot_size=lot, taker_fee="0.001", fills_may_leave_nothing=True
    )
    venue = venue_of(rules)
    place(venue, f"maker sell {lot} @ 3001")
    [trade] = trades_of(place(venue, f"bob buy {lot} @ 3001"))
    assert trade.quote_minor == (300_100 if quote_decimals == 6 else 3001)
    assert trade.taker_fee_minor == (100_000_000_000 if quote_decimals == 6 else 1)
    received = eth.minor(lot) - trade.taker_fee_minor
    assert venue.ledger.account("bob", "ETH").available == eth.minor("1000000") + received


def test_prices_of_a_hundred_millionth_are_exact() -> None:
    bonk_usdc = instrument_of("BONK_USDC", Asset("BONK", 8), USDC, tick_size="0.00000001", lot_size="100")
    venue = with_dave(venue_of(bonk_usdc), "0.003703 USDC")
    place(venue, "maker sell 10000 @ 0.00000123")
    assert refusal(place(venue, "dave buy 10000 @ 0.00000123")) == "INSUFFICIENT_BALANCE"
    outcome = place(venue, "dave buy 300 @ 0.00000123")
    assert order_after(outcome).executed_quote_minor == 369
    assert balance(venue, "dave USDC") == "0.003334"
    assert shown(venue, "BONK_USDC") == ["ask 9700 @ 0.00000123"]
