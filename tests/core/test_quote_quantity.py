"""Market orders by a sum of the quote: what they may cost, or shall bring."""

from dataclasses import replace

from exchange.core.instrument import FeeAsset, instrument_of
from exchange.core.outcome import Outcome
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    deposit,
    order_after,
    place,
    refusal,
    resting,
    retold,
    shown,
    venue_of,
)


def quantity(outcome: Outcome) -> str:
    """What the book made of the sum."""
    progress = order_after(outcome).progress
    assert progress is not None
    return SOL_USDC.quantity_text(progress.determined_lots)


def filled(outcome: Outcome) -> str:
    return SOL_USDC.quantity_text(order_after(outcome).executed_lots)


def test_it_takes_whole_lots_up_to_its_sum() -> None:
    venue = book_of("ask 1 @ 100", "ask 1 @ 110")
    outcome = place(venue, "bob buy for 150 at market")
    assert shown(outcome) == ["1 @ 100", "0.454 @ 110"]
    assert (quantity(outcome), filled(outcome)) == ("1.454", "1.454")
    assert order_after(outcome).status.name == "FILLED"
    assert balance(venue, "bob USDC") == "999850.06"
    retold(venue)


def test_a_sell_brings_up_to_its_sum() -> None:
    venue = book_of("bid 1 @ 100", "bid 1 @ 90")
    outcome = place(venue, "bob sell for 145 at market")
    assert shown(outcome) == ["1 @ 100", "0.5 @ 90"]
    assert balance(venue, "bob SOL") == "999998.5"


def test_a_sum_of_less_than_a_lot_finds_nothing() -> None:
    venue = book_of("ask 1 @ 100")
    assert refusal(place(venue, "bob buy for 0.09 at market")) == "NO_LIQUIDITY"
    assert refusal(place(venue_of(), "bob buy for 5 at market")) == "NO_LIQUIDITY"
    assert refusal(place(venue, "bob buy for 5 at market worst 99")) == "NO_LIQUIDITY"


def test_it_goes_no_further_than_its_worst_price() -> None:
    venue = book_of("ask 1 @ 100", "ask 1 @ 110")
    outcome = place(venue, "bob buy for 1000 at market worst 105")
    assert (quantity(outcome), shown(outcome)) == ("1", ["1 @ 100"])


def test_a_book_that_has_less_fills_what_there_is() -> None:
    venue = book_of("ask 1 @ 100")
    assert filled(place(venue, "bob buy for 1000 at market")) == "1"


def test_what_cannot_be_paid_or_delivered_is_refused() -> None:
    venue = book_of("ask 1 @ 100", "bid 1 @ 99")
    deposit(venue, "dave 50 USDC")
    assert refusal(place(venue, "dave buy for 100 at market")) == "INSUFFICIENT_BALANCE"
    assert filled(place(venue, "dave buy for 50 at market")) == "0.5"
    assert refusal(place(venue, "dave sell for 60 at market")) == "INSUFFICIENT_BALANCE"


def test_fees_in_the_quote_are_paid_besides() -> None:
    rules = instrument_of(
        "SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", taker_fee="0.01", fee_asset=FeeAsset.QUOTE
    )
    venue = book_of("ask 1 @ 100", rules=rules)
    deposit(venue, "dave 100 USDC")
    assert refusal(place(venue, "dave buy for 100 at market")) == "INSUFFICIENT_BALANCE"
    assert filled(place(venue, "dave buy for 99 at market")) == "0.99"
    assert balance(venue, "dave USDC") == "0.01"


def test_a_sum_has_the_least_notional_of_its_market_and_a_range() -> None:
    rules = replace(SOL_USDC, min_notional_minor=5_000_000)
    venue = book_of("ask 1 @ 100", rules=rules)
    assert refusal(place(venue, "bob buy for 4.9 at market")) == "MIN_NOTIONAL"
    assert refusal(place(venue, "bob buy for 0 at market")) == "OUT_OF_RANGE"
    assert refusal(place(venue, f"bob buy for {10**32} at market")) == "OUT_OF_RANGE"
    assert filled(place(venue, "bob buy for 5 at market")) == "0.05"


def test_it_meets_its_own_orders_as_other_orders_do() -> None:
    venue = book_of("bob ask 1 @ 100", "carol ask 1 @ 101")
    outcome = place(venue, "bob buy for 50 at market")
    assert (filled(outcome), order_after(outcome).expire_reason.name) == ("0", "SELF_TRADE")  # type: ignore[union-attr]
    assert filled(place(venue, "bob buy for 151.5 at market stp decrement")) == "0.509"
    assert resting(venue) == ["carol ask 0.491 @ 101"]
    assert refusal(place(venue, "carol buy for 50 at market stp expire_maker")) == "NO_LIQUIDITY"
    assert resting(venue) == ["carol ask 0.491 @ 101"]
    retold(venue)
