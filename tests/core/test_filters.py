"""The filters of a market: what each refuses, and what becomes of open orders when one changes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from exchange.core.commands import CancelOrder, ListType, ReplaceMode, ReplaceOrder, SetMarket
from exchange.core.events import REFUSED
from exchange.core.filters import FILTERS, Text, changed, filters_from, filters_text, texts
from exchange.core.instrument import instrument_of
from exchange.core.listing import differing_rules
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL_USDC,
    amend,
    book_of,
    do,
    fits,
    iceberg,
    listed,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    retold,
    run,
    shown,
    status,
    venue_of,
)

Given = Mapping[str, Text]


def with_filters(venue: Venue, given: Given) -> Venue:
    """The venue, whose market has these filters from now on."""
    rules = venue.markets["SOL_USDC"].instrument
    do(venue, SetMarket(replace(rules, filters=changed(rules, given))))
    return venue


def traded_at(venue: Venue, price: str) -> Venue:
    """The venue after a trade at that price."""
    placed(venue, f"maker ask 0.1 @ {price}")
    place(venue, f"carol buy 0.1 @ {price}")
    return venue


@pytest.mark.parametrize(
    ("given", "good", "code", "order"),
    [
        ({"max_price": "110"}, "bob bid 1 @ 110", "MAX_PRICE", "bob bid 1 @ 110.01"),
        ({"max_price": "110"}, "bob buy 1 at market stop 110", "MAX_PRICE", "bob buy 1 at market stop 110.01"),
        ({"min_quantity": "2"}, "bob bid 2 @ 9", "MIN_QUANTITY", "bob bid 1.999 @ 9"),
        ({"max_quantity": "2"}, "bob bid 2 @ 9", "MAX_QUANTITY", "bob bid 2.001 @ 9"),
        ({"market_min_quantity": "2"}, "bob buy 2 at market", "MARKET_MIN_QUANTITY", "bob buy 1 at market"),
        ({"market_max_quantity": "2"}, "bob buy 2 at market", "MARKET_MAX_QUANTITY", "bob buy 3 at market"),
        ({"market_max_quantity": "2"}, "bob buy for 200 at market", "MARKET_MAX_QUANTITY", "bob buy for 400 at market"),
        ({"market_max_quantity": "2"}, "bob buy 3 @ 100 IOC", "", ""),
        ({"max_quantity": "2"}, "bob sell 2 at market stop 50", "MAX_QUANTITY", "bob sell 3 at market stop 50"),
        ({"max_notional": "200"}, "bob bid 2 @ 100", "MAX_NOTIONAL", "bob bid 2 @ 100.01"),
        ({"max_notional": "200"}, "bob buy 3 at market", "", ""),
        (
            {"max_notional": "200", "max_notional_applies_to_market": True},
            "bob buy 2 at market",
            "MAX_NOTIONAL",
            "bob buy 2.001 at market",
        ),
        (
            {"max_notional": "200", "max_notional_applies_to_market": True},
            "bob buy for 200 at market",
            "MAX_NOTIONAL",
            "bob buy for 200.01 at market",
        ),
        ({"bid_multiplier_up": "1.1"}, "bob bid 1 @ 110", "PRICE_BAND", "bob bid 1 @ 110.01"),
        ({"bid_multiplier_down": "0.5"}, "bob bid 1 @ 50", "PRICE_BAND", "bob bid 1 @ 49.99"),
        ({"ask_multiplier_up": "1.1"}, "bob ask 1 @ 110", "PRICE_BAND", "bob ask 1 @ 110.01"),
        ({"ask_multiplier_down": "0.5"}, "bob ask 1 @ 50", "PRICE_BAND", "bob ask 1 @ 49.99"),
        ({"bid_multiplier_up": "1.1"}, "bob ask 1 @ 500", "", ""),
        (
            {"min_trailing_above_bps": 10, "max_trailing_above_bps": 100},
            "bob buy 1 at market stop trail 100bps",
            "TRAILING_RANGE",
            "bob buy 1 at market stop trail 101bps",
        ),
        (
            {"min_trailing_above_bps": 10},
            "bob sell 1 at market take trail 10bps",
            "TRAILING_RANGE",
            "bob sell 1 at market take trail 9bps",
        ),
        (
            {"min_trailing_below_bps": 10, "max_trailing_below_bps": 100},
            "bob sell 1 at market stop trail 10bps",
            "TRAILING_RANGE",
            "bob sell 1 at market stop trail 9bps",
        ),
        ({"max_trailing_below_bps": 100}, "bob buy 1 at market stop trail 500bps", "", ""),
        ({"max_position": "1000003"}, "bob bid 3 @ 9", "MAX_POSITION", "bob bid 3.001 @ 9"),
        ({"max_position": "1000003"}, "bob buy 3 at market", "MAX_POSITION", "bob buy 3.001 at market"),
        ({"max_position": "1000003"}, "bob buy for 300 at market", "MAX_POSITION", "bob buy for 301 at market"),
        ({"max_position": "1"}, "bob ask 5 @ 200", "", ""),
        ({"max_base": "3"}, "bob ask 3 @ 200", "MAX_ASSET", "bob ask 3.001 @ 200"),
        ({"max_base": "3"}, "bob buy for 300 at market", "MAX_ASSET", "bob buy for 301 at market"),
        ({"max_quote": "300"}, "bob bid 3 @ 100", "MAX_ASSET", "bob bid 3 @ 100.01"),
        ({"max_quote": "300"}, "bob buy 3 at market", "MAX_ASSET", "bob buy 3.01 at market"),
    ],
)
def test_each_filter_lets_what_fits_in_and_refuses_what_does_not(
    given: Given, good: str, code: str, order: str
) -> None:
    def fresh() -> Venue:
        return with_filters(traded_at(book_of("maker ask 5 @ 100"), "100"), given)

    assert fits(place(fresh(), good))
    if code:
        assert refusal(place(fresh(), order)) == code


def test_counts_are_of_open_orders_of_their_kind() -> None:
    venue = with_filters(venue_of(), {"max_open_stops": 1, "max_open_icebergs": 1, "max_iceberg_parts": 4})
    assert fits(place(venue, "bob sell 1 at market stop 50"))
    assert refusal(place(venue, "bob sell 1 at market stop 51")) == "TOO_MANY_OPEN_STOPS"
    assert fits(place(venue, "carol sell 1 at market stop 51"))
    assert fits(place(venue, "bob bid 1 @ 40"))
    assert fits(iceberg(venue, "bob bid 4 @ 10", 1000))
    assert refusal(iceberg(venue, "bob bid 4 @ 10", 1000)) == "TOO_MANY_OPEN_ICEBERGS"
    assert refusal(iceberg(venue, "carol bid 4.001 @ 10", 1000)) == "ICEBERG_PARTS"


def test_all_orders_of_a_list_count_from_its_beginning() -> None:
    venue = with_filters(traded_at(venue_of(), "100"), {"max_open_stops": 2})
    waiting = ("bob sell 1 @ 120 take 110", "bob sell 1 at market stop 90")
    placed(venue, "bob sell 1 at market stop 50")
    assert refusal(listed(venue, ListType.OCO, *waiting)) == "TOO_MANY_OPEN_STOPS"
    assert refusal(listed(venue, ListType.OTOCO, "bob bid 1 @ 95", *waiting)) == "TOO_MANY_OPEN_STOPS"
    assert fits(listed(venue, ListType.OTO, "bob bid 1 @ 95", "bob sell 1 at market stop 90"))
    assert fits(listed(venue, ListType.OTO, "bob bid 1 @ 95", "bob sell 1 @ 130"))
    assert refusal(place(venue, "bob sell 1 at market stop 51")) == "TOO_MANY_OPEN_STOPS"


def test_an_order_that_waits_for_another_is_held_to_the_filters_at_once() -> None:
    venue = with_filters(traded_at(venue_of(), "100"), {"max_price": "110", "max_position": "1000002", "max_base": "9"})
    for leg, code in (
        ("bob sell 1 @ 111", "MAX_PRICE"),
        ("bob sell 10 @ 105", "MAX_ASSET"),
        ("bob sell 10 at market stop 90", "MAX_ASSET"),
    ):
        assert refusal(listed(venue, ListType.OTO, "bob bid 1 @ 95", leg)) == code
    assert fits(listed(venue, ListType.OTO, "bob ask 1 @ 105", "bob buy 9 @ 90")), "what they have then is not known"


@pytest.mark.parametrize("mode", [ReplaceMode.STOP_ON_FAILURE, ReplaceMode.ALLOW_FAILURE])
@pytest.mark.parametrize("text", ["alice buy 20000 @ 100", "alice buy 20000 @ 100 stop 110"])
def test_a_replacement_that_a_filter_refuses_does_nothing_also_without_the_money(text: str, mode: ReplaceMode) -> None:
    venue = with_filters(venue_of(), {"max_quantity": "15000"})
    bid = placed(venue, "alice buy 10000 @ 100")
    cancel = CancelOrder("alice", "SOL_USDC", bid, None)
    assert refusal(do(venue, ReplaceOrder(cancel, order_of(venue, text), mode))) == "MAX_QUANTITY"
    assert shown(venue) == ["bid 10000 @ 100"]


def test_the_price_band_is_not_judged_before_there_is_a_price() -> None:
    venue = with_filters(venue_of(), {"bid_multiplier_up": "1.1", "ask_multiplier_down": "0.9"})
    assert fits(place(venue, "bob bid 1 @ 5000"))


def test_open_orders_stay_when_a_filter_changes_and_one_that_waits_may_not_enter() -> None:
    venue = traded_at(venue_of(), "100")
    placed(venue, "bob bid 3 @ 90")
    stop = placed(venue, "bob sell 3 at market stop 95")
    with_filters(venue, {"max_quantity": "2", "max_price": "80", "max_open_stops": 1})
    venue = retold(venue)
    assert shown(venue) == ["bid 3 @ 90"]
    with_filters(venue, {"max_price": "0"})
    place(venue, "carol sell 1 @ 90")
    outcome = run(venue)
    assert status(outcome, stop) == "expired 0 of 3, refused_at_trigger"
    progress = order_after(outcome, stop).progress
    assert progress is not None
    assert REFUSED[progress.refused] == "MAX_QUANTITY"
    assert shown(venue) == ["bid 2 @ 90"]


def test_an_amendment_is_held_to_the_filters_for_what_it_changes() -> None:
    venue = venue_of()
    order = placed(venue, "bob bid 3 @ 90")
    with_filters(venue, {"max_quantity": "2", "max_price": "80", "max_amends_per_order": 2})
    assert refusal(amend(venue, "bob", order, "@ 85")) == "MAX_PRICE"
    assert refusal(amend(venue, "bob", order, "to 2.5")) == "MAX_QUANTITY"
    assert fits(amend(venue, "bob", order, "to 2"))
    assert fits(amend(venue, "bob", order, "as other"))
    assert refusal(amend(venue, "bob", order, "as third")) == "TOO_MANY_AMENDS"


@pytest.mark.parametrize(
    ("order", "fills", "ends"),
    [
        ("bob buy 5 at market", ["1 @ 100", "1 @ 105"], "expired 2 of 5, price_band"),
        ("bob buy 2 at market", ["1 @ 100", "1 @ 105"], "filled 2 of 2"),
        ("bob buy 5 at market worst 102", ["1 @ 100"], "expired 1 of 5, unfilled"),
        ("bob buy 5 at market worst 106", ["1 @ 100", "1 @ 105"], "expired 2 of 5, price_band"),
        ("bob buy 5 @ 120", ["1 @ 100", "1 @ 105", "1 @ 106"], "open 3 of 5"),
    ],
)
def test_no_market_order_fills_further_than_the_band(order: str, fills: list[str], ends: str) -> None:
    venue = book_of("ask 1 @ 100", "ask 1 @ 105", "ask 1 @ 106", "bid 1 @ 95", "bid 1 @ 94")
    with_filters(venue, {"fill_band": "0.05"})
    outcome = place(venue, order)
    assert shown(outcome) == fills
    assert status(outcome, order_after(outcome).order_id).startswith(ends.replace("open", "partially_filled"))


def test_a_band_may_hold_for_limit_orders_too() -> None:
    venue = book_of("ask 1 @ 100", "ask 1 @ 105", "ask 1 @ 106", "bid 1 @ 96", "bid 1 @ 91.2", "bid 1 @ 91.19")
    with_filters(venue, {"fill_band": "0.05", "fill_band_applies_to_limit": True})
    outcome = place(venue, "bob buy 5 @ 120")
    assert status(outcome, order_after(outcome).order_id) == "expired 2 of 5, price_band"
    outcome = place(venue, "bob sell 3 @ 91 FOK")
    assert status(outcome, order_after(outcome).order_id) == "expired 0 of 3, price_band"
    outcome = place(venue, "bob sell 3 at market")
    assert shown(outcome) == ["1 @ 96", "1 @ 91.2"]
    outcome = place(venue, "bob buy 1 @ 107")
    assert status(outcome, order_after(outcome).order_id) == "filled 1 of 1", "the best is another now"


@pytest.mark.parametrize("name", FILTERS)
def test_each_is_set_shown_stored_and_taken_away(name: str) -> None:
    flag = name.endswith(("to_market", "to_limit"))
    value: Text = True if flag else 7 if name.endswith("_bps") or "parts" in name or "_open_" in name else "0.5"
    value = 7 if name == "max_amends_per_order" else value
    rules = replace(SOL_USDC, filters=changed(SOL_USDC, {name: value}))
    assert texts(rules)[name] == value
    assert [found for found, text in texts(rules).items() if text] == [name]
    assert filters_from(filters_text(rules.filters)) == rules.filters
    assert differing_rules(SOL_USDC, rules) == {name: str(value).lower()}, "the audit has it"
    assert changed(rules, {name: False if flag else 0 if isinstance(value, int) else "0"}) is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_price": "0.001"}, "max_price '0.001' is not what SOL_USDC counts it in"),
        ({"min_quantity": "2", "max_quantity": "1"}, "min_quantity is more than max_quantity"),
        ({"bid_multiplier_up": "1", "bid_multiplier_down": "2"}, "bid_multiplier_down is more than bid_multiplier_up"),
        ({"max_price": "0.5"}, "min_price is more than max_price"),
        ({"max_notional": "1"}, "min_notional is more than max_notional"),
        ({"fill_band": "1"}, "fill_band must be less than 1"),
        ({"max_open_stops": -1}, "max_open_stops = -1 must be 0 to 2147483647"),
    ],
)
def test_filters_that_cannot_be_are_refused(given: Given, says: str) -> None:
    rules = instrument_of(
        "SOL_USDC",
        *(SOL_USDC.base, SOL_USDC.quote),
        tick_size="0.01",
        lot_size="0.001",
        min_price="1",
        min_notional="2",
    )
    with pytest.raises(ValueError, match=says):
        changed(rules, given)
