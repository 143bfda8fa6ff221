"""The rules of a market: fees in the quote, rebates, fills that leave something, how many fills, the average price."""

from dataclasses import replace

import pytest

from exchange.core.average import NO_PRICE, average_price, traded
from exchange.core.commands import SetMarket
from exchange.core.events import MINUTE_NS
from exchange.core.instrument import Asset, FeeAsset, Instrument, InvalidInstrument, instrument_of
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    cancel_all,
    deposit,
    do,
    order_of,
    place,
    placed,
    refusal,
    retold,
    shown,
    status,
    trades_of,
    venue_of,
)


def rules_of(**rules: object) -> Instrument:
    """SOL_USDC, but for what is said."""
    sizes = {"tick_size": "0.01", "lot_size": "0.001"}
    return instrument_of("SOL_USDC", SOL, USDC, **(sizes | rules))  # type: ignore[arg-type]


IN_QUOTE = rules_of(fee_asset=FeeAsset.QUOTE, maker_fee="0.001", taker_fee="0.002")
REBATE = rules_of(fee_asset=FeeAsset.QUOTE, maker_fee="-0.001", taker_fee="0.002")


def with_dave(rules: Instrument, *amounts: str) -> Venue:
    venue = venue_of(rules)
    for amount in amounts:
        deposit(venue, f"dave {amount}")
    return venue


# --- fees in the quote


def test_a_buyer_pays_its_fee_besides_and_gets_all_of_the_base() -> None:
    venue = with_dave(IN_QUOTE, "1000 USDC")
    place(venue, "maker sell 2 @ 100")
    [trade] = trades_of(place(venue, "dave buy 2 @ 100"))
    assert balance(venue, "dave SOL") == "2"
    assert balance(venue, "dave USDC") == "799.6"
    assert balance(venue, "maker USDC") == "1000199.8"
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (200_000, 400_000)
    assert balance(venue, "@fees USDC") == "0.6"
    assert balance(venue, "@fees SOL") == "0"


def test_a_resting_buy_locks_its_highest_fee_and_gets_back_what_is_left_at_each_fill() -> None:
    venue = with_dave(IN_QUOTE, "1000 USDC")
    place(venue, "dave buy 2 @ 100")
    assert balance(venue, "dave USDC") == "799.6 + 200.4 locked"
    place(venue, "bob sell 1 @ 100")  # dave pays 0.1 of the 0.2 that were locked for it
    assert balance(venue, "dave USDC") == "799.7 + 100.2 locked"
    cancel_all(venue, "dave")
    assert balance(venue, "dave USDC") == "899.9"
    assert balance(venue, "@fees USDC") == "0.3"


@pytest.mark.parametrize("order", ["dave buy 2 @ 100", "dave buy 2 @ 100 IOC", "dave buy 2 at market"])
def test_a_buy_must_afford_its_fee(order: str) -> None:
    short, enough = (with_dave(IN_QUOTE, f"{amount} USDC") for amount in ("200.399999", "200.4"))
    for venue in (short, enough):
        place(venue, "maker sell 2 @ 100")
    assert refusal(place(short, order)) == "INSUFFICIENT_BALANCE"
    assert status(place(enough, order)) == "filled 2 of 2"
    assert balance(enough, "dave USDC") == "0"


def test_a_fee_locked_a_lot_at_a_time_is_enough_for_fills_of_any_size() -> None:
    fine = rules_of(fee_asset=FeeAsset.QUOTE, maker_fee="0.001", taker_fee="0.001")
    venue = with_dave(fine, "1 USDC")
    place(venue, "dave buy 0.007 @ 0.33")
    for lots in (1, 3, 2, 1):
        place(venue, f"bob sell 0.00{lots} @ 0.33")  # each fee is rounded up; venue.check() compares what is locked
    assert shown(venue) == []


def test_the_rates_of_an_order_are_those_it_entered_with() -> None:
    venue = with_dave(IN_QUOTE, "1000 USDC")
    place(venue, "dave buy 2 @ 100")
    do(venue, SetMarket(replace(IN_QUOTE, maker_fee_ppm=50_000, taker_fee_ppm=70_000)))
    venue = retold(venue)
    [trade] = trades_of(place(venue, "bob sell 1 @ 100"))
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (100_000, 7_000_000)
    cancel_all(venue, "dave")
    assert balance(venue, "dave USDC") == "899.9"


# --- rebates


def test_a_rebate_comes_out_of_the_takers_fee() -> None:
    venue = with_dave(REBATE, "1000 USDC")
    place(venue, "maker sell 2 @ 100")
    [trade] = trades_of(place(venue, "dave buy 2 @ 100"))
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (-200_000, 400_000)
    assert balance(venue, "maker USDC") == "1000200.2"
    assert balance(venue, "@fees USDC") == "0.2"


def test_a_rebate_of_earlier_rules_is_never_more_than_the_taker_pays() -> None:
    venue = with_dave(REBATE, "1000 USDC")
    place(venue, "dave buy 2 @ 100")
    do(venue, SetMarket(replace(REBATE, maker_fee_ppm=0, taker_fee_ppm=300)))
    [trade] = trades_of(place(venue, "bob sell 2 @ 100"))
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (-60_000, 60_000)
    assert balance(venue, "dave USDC") == "800.06"
    assert balance(venue, "@fees USDC") == "0"


def test_a_rebate_is_rounded_down() -> None:
    venue = with_dave(REBATE, "1 USDC")
    place(venue, "dave buy 0.001 @ 0.33")  # 330 minor units: a rebate of 0.33 of one, and a fee of 0.66
    [trade] = trades_of(place(venue, "bob sell 0.001 @ 0.33"))
    assert (trade.maker_fee_minor, trade.taker_fee_minor) == (0, 1)


# --- rules that are refused


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            {"maker_fee": "-0.002", "taker_fee": "0.001", "fee_asset": FeeAsset.QUOTE},
            "taker_fee 0.001 does not cover the rebate of maker_fee -0.002",
        ),
        ({"maker_fee": "-0.001", "taker_fee": "0.001"}, 'is a rebate, which needs fee_asset = "quote"'),
        ({"maker_fee": "--0.001", "taker_fee": "0.001"}, "is not a fraction"),
        ({"taker_fee": "1"}, "a fee of 1 takes everything"),
        ({"min_price": "0.001"}, "min_price '0.001' is not a multiple of tick_size 0.01"),
        ({"min_price": "x"}, "min_price 'x' is not a multiple"),
        ({"min_price": "1" + "0" * 20}, "is more than any price can be"),
        ({"tick_size": "0.001", "taker_fee": "0.1", "min_price": "0"}, "min_price 0 needs a larger tick_size"),
        ({"lot_size": "0.000000001", "tick_size": "1000", "taker_fee": "0.1"}, "would leave the buyer nothing"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInstrument, match=sentence):
        rules_of(**rules)


def test_no_price_is_so_low_that_the_fee_leaves_the_seller_nothing() -> None:
    fine = {"tick_size": "0.001", "lot_size": "0.001"}  # a lot at one tick is one minor unit
    assert rules_of(**fine).min_price_ticks == 1
    assert rules_of(**fine, taker_fee="0.1").min_price_ticks == 2
    assert rules_of(**fine, taker_fee="0.75").min_price_ticks == 4
    assert rules_of(**fine, taker_fee="0.1", min_price="5").min_price_ticks == 5000
    venue = venue_of(rules_of(**fine, taker_fee="0.1"))
    assert refusal(place(venue, "bob buy 1 @ 0.001")) == "OUT_OF_RANGE"
    place(venue, "bob buy 0.001 @ 0.002")
    [trade] = trades_of(place(venue, "carol sell 0.001 @ 0.002"))
    assert trade.quote_minor - trade.taker_fee_minor == 1


def test_a_whole_coin_that_has_no_decimals_cannot_pay_a_fee_in_itself() -> None:
    gem = Asset("GEM", 0)
    with pytest.raises(InvalidInstrument, match="lot_size 1 is too small for the fees"):
        instrument_of("GEM_USDC", gem, USDC, tick_size="0.01", lot_size="1", taker_fee="0.001")
    rules = instrument_of(
        "GEM_USDC", gem, USDC, tick_size="0.01", lot_size="1", taker_fee="0.001", fee_asset=FeeAsset.QUOTE
    )
    assert rules.fees_in(True) == USDC


def test_the_asset_of_fees_never_changes_in_a_market() -> None:
    venue = venue_of(IN_QUOTE)
    assert refusal(do(venue, SetMarket(replace(IN_QUOTE, fee_asset=FeeAsset.RECEIVED)))) == "RULE_FIXED"


# --- how many fills


def test_the_rest_of_an_order_expires_after_as_many_fills_as_it_may_have() -> None:
    venue = book_of(*["ask 1 @ 100"] * 3, rules=replace(SOL_USDC, max_fills_per_order=2))
    assert status(place(venue, "bob buy 3 @ 100 FOK")) == "expired 0 of 3, max_fills"
    assert status(place(venue, "bob buy 5 @ 100")) == "expired 2 of 5, max_fills"
    assert shown(venue) == ["ask 1 @ 100"]
    assert status(place(venue, "bob buy 2 @ 100")) == "partially_filled 1 of 2"
    assert shown(venue) == ["bid 1 @ 100"]


def test_an_order_that_had_all_its_fills_rests_if_it_would_meet_no_more() -> None:
    venue = book_of("ask 1 @ 100", "ask 1 @ 100", "ask 1 @ 102", rules=replace(SOL_USDC, max_fills_per_order=2))
    assert status(place(venue, "bob buy 5 @ 101")) == "partially_filled 2 of 5"
    assert shown(venue) == ["ask 1 @ 102", "bid 3 @ 101"]


# --- the average price


def test_an_average_is_of_whole_minutes_and_of_the_last_price_without_trades() -> None:
    assert average_price(NO_PRICE, 5, 0) is None
    average = traded(NO_PRICE, 2, 0, 10, 40, 4)
    average = traded(average, 2, MINUTE_NS - 1, 20, 20, 1)
    assert average == (20, 0, 60, 5)
    assert average_price(average, 2, 2 * MINUTE_NS - 1) == (60, 5)
    average = traded(average, 2, MINUTE_NS, 30, 30, 1)
    assert average_price(average, 2, MINUTE_NS) == (90, 6)
    assert average_price(average, 1, MINUTE_NS) == (30, 1)
    assert average_price(average, 0, MINUTE_NS) == (30, 1)
    assert average_price(average, 2, 2 * MINUTE_NS) == (30, 1)
    assert average_price(average, 2, 9 * MINUTE_NS) == (30, 1)
    assert traded(average, 2, 2 * MINUTE_NS, 40, 40, 1) == (40, 2, 40, 1, 1, 30, 1)
    assert traded(average, 0, 2 * MINUTE_NS, 40, 40, 1) == (40,)


def test_the_average_survives_a_restart_and_trades_of_earlier_rules_do_not_count() -> None:
    venue = venue_of()
    for text, version in (("alice sell 1 @ 101", 2), ("bob buy 1 @ 101", 2)):
        venue.replay(order_of(venue, text), venue.sequence + 1, venue.time_ns, version)
    assert venue.state().markets[0].average == NO_PRICE
    placed(venue, "alice sell 1 @ 99")
    assert [order.rates is None for order in venue.state().orders] == [False]
    place(venue, "bob buy 1 @ 99")
    assert retold(venue).state().markets[0].average[0] == 9900


def test_an_order_of_earlier_rules_has_the_rates_of_its_market() -> None:
    venue = venue_of(rules_of(maker_fee="0.001"))
    venue.replay(order_of(venue, "alice sell 1 @ 100"), venue.sequence + 1, venue.time_ns, 2)
    do(venue, SetMarket(rules_of(maker_fee="0.01")))
    [trade] = trades_of(place(retold(venue), "bob buy 1 @ 100"))
    assert trade.maker_fee_minor == 1_000_000
