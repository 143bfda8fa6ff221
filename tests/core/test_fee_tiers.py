"""Fee tiers: who pays which rates, from when on, and the least price that they need."""

from dataclasses import replace

import pytest

from exchange.core.administration import Administered, Origin, SetTierFees, SetUserTier, UserTierSet
from exchange.core.commands import SetMarket
from exchange.core.events import MarketSet, Rejected
from exchange.core.fee_tiers import TIERS_MAX
from exchange.core.instrument import FeeAsset, InvalidInstrument, TierFees, with_tiers
from exchange.core.outcome import Applied, Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    do,
    place,
    refusal,
    retold,
    trades_of,
    two_markets,
    venue_of,
)
from tests.core.test_market_rules import IN_QUOTE, rules_of, with_dave

ROOT = Origin("root", "127.0.0.1")
TAKES_A_TENTH = rules_of(maker_fee="0.05", taker_fee="0.1")


def fees(venue: Venue, tier: str, maker_ppm: int | None, taker_ppm: int | None, market: str = "SOL_USDC") -> Outcome:
    return do(venue, SetTierFees(market, tier, maker_ppm, taker_ppm, ROOT))


def tier(venue: Venue, user_id: str, name: str | None) -> Outcome:
    return do(venue, SetUserTier(user_id, name, ROOT))


def venue_with(rules: object = TAKES_A_TENTH) -> Venue:
    """Bob is a VIP, who pays 1 % as a maker and 2 % as a taker."""
    venue = venue_of(rules)  # type: ignore[arg-type]
    fees(venue, "vip", 10_000, 20_000)
    tier(venue, "bob", "vip")
    return venue


def paid(outcome: Outcome) -> tuple[int, int]:
    """What the maker and the taker of the only trade paid."""
    [trade] = trades_of(outcome)
    return trade.maker_fee_minor, trade.taker_fee_minor


def least(venue: Venue) -> str:
    rules = venue.markets["SOL_USDC"].instrument
    return rules.price_text(rules.min_price_ticks)


# --- who pays what


def test_a_user_of_a_tier_pays_its_rates_and_others_the_markets() -> None:
    venue = venue_with()
    place(venue, "maker sell 1 @ 100")
    assert paid(place(venue, "bob buy 1 @ 100")) == (USDC.minor("5"), SOL.minor("0.02"))
    place(venue, "bob sell 1 @ 100")
    assert paid(place(venue, "alice buy 1 @ 100")) == (USDC.minor("1"), SOL.minor("0.1"))


def test_a_tier_counts_only_where_a_market_has_fees_for_it() -> None:
    venue = two_markets()
    fees(venue, "vip", 0, 500_000, "SOL_EUR")
    tier(venue, "bob", "vip")
    place(venue, "maker sell 1 @ 100")
    assert paid(place(venue, "bob buy 1 @ 100")) == (0, 0)


def test_an_order_keeps_the_rates_it_entered_with() -> None:
    venue = venue_with()
    place(venue, "bob sell 1 @ 100")
    tier(venue, "bob", None)
    fees(venue, "vip", 999, 999)
    assert paid(place(retold(venue), "alice buy 1 @ 100")) == (USDC.minor("1"), SOL.minor("0.1"))


def test_a_buy_with_fees_in_the_quote_locks_those_of_its_tier() -> None:
    venue = with_dave(IN_QUOTE, "1000 USDC")
    fees(venue, "dear", 0, 100_000)
    tier(venue, "dave", "dear")
    assert refusal(place(venue, "dave buy 10 @ 100")) == "INSUFFICIENT_BALANCE"
    place(venue, "dave buy 9 @ 100")
    assert balance(venue, "dave USDC") == "10 + 990 locked"


def test_what_is_set_is_stored_and_told_again() -> None:
    venue = venue_with()
    again = retold(venue)
    assert again.state().user_tiers == [("bob", "vip")]
    assert again.markets["SOL_USDC"].instrument.tiers == (TierFees("vip", 10_000, 20_000),)
    place(again, "maker sell 1 @ 100")
    assert paid(place(again, "bob buy 1 @ 100")) == (USDC.minor("5"), SOL.minor("0.02"))


def test_tiers_stay_when_the_rules_of_the_market_change() -> None:
    venue = venue_with()
    do(venue, SetMarket(rules_of(taker_fee="0.3"), ROOT))
    do(venue, SetMarket(rules_of(taker_fee="0.3", min_notional="1")))
    place(venue, "maker sell 1 @ 100")
    assert paid(place(venue, "bob buy 1 @ 100")) == (0, SOL.minor("0.02"))


# --- what is told, and what is refused


def test_each_change_is_an_event_and_is_in_the_audit() -> None:
    venue = venue_of()
    outcome = fees(venue, "vip", -0, 20_000)
    assert isinstance(outcome, Applied)
    rules, done = outcome.events
    assert rules == MarketSet(venue.markets["SOL_USDC"].instrument, False)
    assert done == Administered("set_tier_fees", None, "SOL_USDC vip maker_fee 0 taker_fee 0.02", ROOT)
    outcome = tier(venue, "bob", "vip")
    assert isinstance(outcome, Applied)
    assert outcome.events == [UserTierSet("bob", "vip"), Administered("set_user_tier", "bob", "vip", ROOT)]
    outcome = fees(venue, "vip", None, None)
    assert isinstance(outcome, Applied)
    assert outcome.events[1] == Administered("remove_tier_fees", None, "SOL_USDC vip", ROOT)


def test_what_is_so_already_changes_nothing() -> None:
    venue = venue_with()
    assert fees(venue, "vip", 10_000, 20_000) is None
    assert tier(venue, "bob", "vip") is None
    assert fees(venue, "gone", None, None) is None
    assert tier(venue, "alice", None) is None


def test_an_unknown_user_or_market_and_too_many_tiers_are_refused() -> None:
    venue = venue_of()
    assert refusal(tier(venue, "nobody", "vip")) == "UNKNOWN_USER"
    assert refusal(fees(venue, "vip", 1, 1, "NO_WHERE")) == "UNKNOWN_MARKET"
    for number in range(TIERS_MAX):
        fees(venue, f"tier {number}", number, number)
    outcome = fees(venue, "one more", 1, 1)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "SOL_USDC has fees for 100 tiers, as many as it may have."
    assert isinstance(fees(venue, "tier 5", 1, 1), Applied)


# --- the least price


def test_the_least_price_holds_for_the_highest_rate_and_falls_again() -> None:
    venue = venue_of(rules_of(tick_size="0.001"))
    assert least(venue) == "0.001"
    fees(venue, "dear", 0, 750_000)
    fees(venue, "vip", 0, 100_000)
    assert least(venue) == "0.004"
    assert refusal(place(venue, "bob buy 100 @ 0.003")) == "OUT_OF_RANGE"
    fees(venue, "dear", 0, 500_000)
    assert least(venue) == "0.002"
    fees(venue, "dear", None, None)
    assert least(venue) == "0.002"
    fees(venue, "vip", None, None)
    assert least(venue) == "0.001"
    assert isinstance(place(venue, "bob buy 100 @ 0.001"), Applied)


def test_the_least_price_that_was_set_stays() -> None:
    venue = venue_of(rules_of(tick_size="0.001", min_price="0.003"))
    fees(venue, "dear", 0, 750_000)
    assert least(venue) == "0.004"
    fees(venue, "dear", None, None)
    assert least(venue) == "0.003"


@pytest.mark.parametrize(
    ("rules", "taker_ppm", "why"),
    [
        (SOL_USDC, 1_000_000, "a fee of 1 takes everything, so a fill would leave its receiver nothing."),
        (
            rules_of(tick_size="0.001", min_price="0", lot_size="0.001"),
            750_000,
            "min_price 0 needs a larger tick_size or lot_size: below 0.004 the fees would leave the seller of one lot "
            "nothing.",
        ),
    ],
)
def test_a_tier_whose_fills_would_leave_nothing_is_refused(rules: object, taker_ppm: int, why: str) -> None:
    venue = venue_of(rules)  # type: ignore[arg-type]
    outcome = fees(venue, "dear", 0, taker_ppm)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == why


def test_rules_that_the_tiers_contradict_are_refused() -> None:
    venue = venue_of(rules_of(tick_size="0.001"))
    fees(venue, "dear", 0, 750_000)
    outcome = do(venue, SetMarket(rules_of(tick_size="0.001", min_price="0"), ROOT))
    assert isinstance(outcome, Rejected)
    assert outcome.reason == "OUT_OF_RANGE"


def test_a_fill_of_one_lot_leaves_its_buyer_something_whatever_the_tier() -> None:
    small = replace(SOL_USDC, lot_minor=1)
    with pytest.raises(InvalidInstrument, match="would leave the buyer nothing"):
        with_tiers(small, (TierFees("dear", 0, 1),))
    in_quote = replace(small, fee_asset=FeeAsset.QUOTE)
    assert with_tiers(in_quote, (TierFees("dear", 0, 1),)).tiers
