"""Self-trade prevention: what happens when an order meets one of its own user, in each mode."""

from dataclasses import replace

import pytest

from exchange.core.commands import SetMarket
from exchange.core.conditions import ALL_MODES, Progress, SelfTrade
from exchange.core.events import ExpireReason, OrderUpdated, PreventedMatch, UpdateReason
from exchange.core.instrument import FeeAsset, InvalidInstrument, instrument_of
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    do,
    events_of,
    makers,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    same_order,
    shown,
    status,
    venue_of,
)

BOOK = ("alice ask 1 @ 101", "bob ask 2 @ 101", "carol ask 4 @ 101")


def matches(outcome: Outcome) -> list[PreventedMatch]:
    return [event for event in events_of(outcome) if isinstance(event, PreventedMatch)]


def prevented(outcome: Outcome) -> list[tuple[int, str, str]]:
    """Of each prevented match its number in the market, and what the taker and the maker lost by it."""
    text = SOL_USDC.quantity_text
    return [
        (match.market_match_id, text(match.taker_prevented_lots), text(match.maker_prevented_lots))
        for match in matches(outcome)
    ]


def progress(outcome: Outcome, order_id: int | None = None) -> Progress:
    found = order_after(outcome, order_id).progress
    assert found is not None
    return found


def test_the_incoming_order_ends_unless_it_or_its_market_says_otherwise() -> None:
    venue = book_of(*BOOK)
    outcome = place(venue, "bob buy 6 @ 101")
    assert status(outcome) == "expired 1 of 6, self_trade"
    assert prevented(outcome) == [(1, "5", "0")]
    assert progress(outcome).prevented_lots == 5_000
    assert resting(venue) == ["bob ask 2 @ 101", "carol ask 4 @ 101"]
    retold(venue)


def test_the_resting_order_ends_and_the_incoming_one_goes_on() -> None:
    venue = venue_of()
    own = placed(venue, "bob ask 2 @ 101")
    placed(venue, "carol ask 4 @ 101")
    outcome = place(venue, "bob buy 5 @ 102 stp expire_maker")
    assert status(outcome) == "partially_filled 4 of 5"
    assert status(outcome, own) == "expired 0 of 2, self_trade"
    assert prevented(outcome) == [(1, "0", "2")]
    assert makers(venue, outcome) == ["carol"]
    assert shown(venue) == ["bid 1 @ 102"]
    assert balance(venue, "bob SOL") == "1000004"
    retold(venue)


def test_both_end() -> None:
    venue = venue_of()
    placed(venue, "alice ask 1 @ 101")
    own = placed(venue, "bob ask 2 @ 101")
    placed(venue, "carol ask 4 @ 101")
    outcome = place(venue, "bob buy 6 @ 101 stp expire_both")
    assert status(outcome) == "expired 1 of 6, self_trade"
    assert status(outcome, own) == "expired 0 of 2, self_trade"
    assert prevented(outcome) == [(1, "5", "2")]
    assert resting(venue) == ["carol ask 4 @ 101"]
    retold(venue)


def test_both_are_lowered_and_the_larger_incoming_one_goes_on() -> None:
    venue = venue_of()
    own = placed(venue, "bob ask 2 @ 101")
    placed(venue, "carol ask 4 @ 101")
    outcome = place(venue, "bob buy 5 @ 101 stp decrement")
    assert prevented(outcome) == [(1, "2", "2")]
    assert status(outcome, own) == "expired 0 of 2, self_trade"
    assert status(outcome) == "filled 3 of 5"
    assert progress(outcome).prevented_lots == 2_000
    assert resting(venue) == ["carol ask 1 @ 101"]
    assert balance(venue, "bob SOL") == "1000003"
    retold(venue)


def test_both_are_lowered_and_the_larger_resting_one_keeps_its_place() -> None:
    venue = venue_of()
    own = placed(venue, "bob ask 5 @ 101")
    placed(venue, "carol ask 4 @ 101")
    outcome = place(venue, "bob buy 2 @ 101 stp decrement")
    assert status(outcome) == "expired 0 of 2, self_trade"
    assert status(outcome, own) == "open 0 of 5"
    reasons = [event.reason for event in events_of(outcome) if isinstance(event, OrderUpdated)]
    assert reasons == [UpdateReason.ACCEPTED, UpdateReason.PREVENTED, UpdateReason.EXPIRED]
    assert resting(venue) == ["bob ask 3 @ 101", "carol ask 4 @ 101"]
    assert balance(venue, "bob SOL") == "999997 + 3 locked"
    venue = retold(venue)
    assert status(place(venue, "alice buy 3 @ 101"), own) == "filled 3 of 5"
    assert resting(venue) == ["carol ask 4 @ 101"]


def test_they_trade_with_each_other() -> None:
    venue = venue_of()
    own = placed(venue, "bob ask 2 @ 101")
    outcome = place(venue, "bob buy 3 @ 101 stp none")
    assert status(outcome) == "partially_filled 2 of 3"
    assert status(outcome, own) == "filled 2 of 2"
    assert matches(outcome) == []
    assert balance(venue, "bob SOL") == "1000000"
    assert balance(venue, "bob USDC") == "999899 + 101 locked"
    retold(venue)


@pytest.mark.parametrize("mode", ["expire_taker", "expire_maker", "expire_both", "decrement"])
def test_a_fok_that_needs_its_own_orders_expires_and_no_maker_ends(mode: str) -> None:
    venue = book_of(*BOOK)
    outcome = place(venue, f"bob buy 6 @ 101 FOK stp {mode}")
    assert order_after(outcome).executed_lots == 0
    assert matches(outcome) == []
    assert len(resting(venue)) == 3


def test_a_fok_passes_by_its_own_orders_where_they_end() -> None:
    venue = book_of(*BOOK)
    outcome = place(venue, "bob buy 5 @ 101 FOK stp expire_maker")
    assert status(outcome) == "filled 5 of 5"
    assert resting(venue) == []


def test_post_only_that_meets_its_own_would_take_in_every_mode() -> None:
    venue = book_of("bob ask 1 @ 101")
    for mode in SelfTrade:
        assert refusal(place(venue, f"bob buy 1 @ 101 POST stp {mode.name}")) == "WOULD_TAKE"


def test_own_orders_count_among_the_fills_that_an_order_may_have() -> None:
    rules = replace(SOL_USDC, max_fills_per_order=2)
    venue = book_of("bob ask 1 @ 100", "bob ask 1 @ 101", "carol ask 1 @ 102", rules=rules)
    outcome = place(venue, "bob buy 3 @ 105 stp expire_maker")
    assert status(outcome) == "expired 0 of 3, max_fills"
    assert resting(venue) == ["carol ask 1 @ 102"]


def test_a_market_order_pays_for_what_it_takes_and_not_for_its_own() -> None:
    venue = book_of("bob ask 5 @ 1", "carol ask 1 @ 102")
    assert status(place(venue, "bob buy 1 at market stp expire_maker")) == "filled 1 of 1"
    assert balance(venue, "bob USDC") == "999898"
    assert shown(venue) == []


def test_what_a_lowered_buyer_had_locked_for_fees_is_released() -> None:
    rules = instrument_of(
        "SOL_USDC",
        SOL,
        USDC,
        tick_size="0.01",
        lot_size="0.001",
        taker_fee="0.01",
        fee_asset=FeeAsset.QUOTE,
    )
    venue = venue_of(rules)
    placed(venue, "bob buy 4 @ 100")
    assert balance(venue, "bob USDC") == "999596 + 404 locked"
    place(venue, "bob sell 1 @ 100 stp decrement")
    assert balance(venue, "bob USDC") == "999697 + 303 locked"


def test_a_market_has_a_mode_of_its_own_and_allows_some() -> None:
    modes = 1 << SelfTrade.DECREMENT | 1 << SelfTrade.EXPIRE_BOTH
    rules = replace(SOL_USDC, self_trade=SelfTrade.DECREMENT, self_trade_modes=modes)
    venue = book_of("bob ask 2 @ 101", rules=rules)
    refused = place(venue, "bob buy 1 @ 101 stp expire_maker")
    assert refusal(refused) == "SELF_TRADE_PREVENTION"
    assert "one of expire_both, decrement" in str(getattr(refused, "detail", None))
    place(venue, "bob buy 1 @ 101")
    assert resting(venue) == ["bob ask 1 @ 101"]
    venue = retold(venue)
    do(venue, SetMarket(replace(rules, self_trade=SelfTrade.EXPIRE_BOTH)))
    place(venue, "bob buy 1 @ 101")
    assert resting(venue) == []


def test_the_mode_of_a_market_must_be_one_that_it_allows() -> None:
    with pytest.raises(InvalidInstrument, match="allowed"):
        instrument_of(
            "SOL_USDC",
            SOL,
            USDC,
            tick_size="1",
            lot_size="1",
            self_trade_modes=ALL_MODES - (1 << SelfTrade.EXPIRE_TAKER),
        )


def test_the_mode_is_part_of_what_a_retry_repeats() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob buy 1 @ 100 as mine stp decrement")
    assert same_order(place(venue, "bob buy 1 @ 100 as mine stp decrement")) == order_id
    assert refusal(place(venue, "bob buy 1 @ 100 as mine")) == "CLIENT_ORDER_ID_CONFLICT"
    venue = retold(venue)
    assert same_order(place(venue, "bob buy 1 @ 100 as mine stp decrement")) == order_id


def test_under_earlier_rules_nothing_of_it_is_noted() -> None:
    venue: Venue = book_of(*BOOK)
    outcome = venue.replay(order_of(venue, "bob buy 6 @ 101"), venue.sequence + 1, venue.time_ns, 3)
    assert matches(outcome) == []
    assert status(outcome) == "expired 1 of 6, self_trade"
    assert order_after(outcome).progress is None
    assert venue.state().last_match_id == 0


def test_a_sum_that_meets_as_many_of_its_own_as_it_may_have_fills_ends() -> None:
    rules = replace(SOL_USDC, max_fills_per_order=2)
    venue = book_of("bob ask 1 @ 100", "bob ask 1 @ 101", "bob ask 1 @ 102", rules=rules)
    outcome = place(venue, "bob buy for 1000 at market stp decrement")
    assert prevented(outcome) == [(1, "1", "1"), (2, "1", "1")]
    assert order_after(outcome).status.name == "EXPIRED"
    assert order_after(outcome).expire_reason is ExpireReason.SELF_TRADE
    assert resting(venue) == ["bob ask 1 @ 102"]
    retold(venue)
