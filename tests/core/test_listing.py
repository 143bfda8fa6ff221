"""Assets and markets that are added and changed while the venue runs."""

from dataclasses import fields, replace

from exchange.core import listing
from exchange.core.administration import Administered, Origin
from exchange.core.commands import AddAsset, SetMarket, SetMarketStatus
from exchange.core.events import MarketSet
from exchange.core.instrument import Asset, FeeAsset, Instrument, MarketStatus, instrument_of
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
    place,
    placed,
    refusal,
    resting,
    retold,
    shown,
    status,
    venue_of,
)

ROOT = Origin("root", "10.0.0.7")


def change(venue: Venue, **rules: object) -> Outcome:
    """An administrator gives SOL_USDC other rules."""
    return do(venue, SetMarket(replace(venue.markets["SOL_USDC"].instrument, **rules), ROOT))  # type: ignore[arg-type]


def audited(outcome: Outcome) -> list[tuple[str, str | None, str | None, Origin]]:
    return [
        (event.action, event.user_id, event.detail, event.origin)
        for event in events_of(outcome)
        if isinstance(event, Administered)
    ]


# --- new ones


def test_a_market_opens_while_others_trade() -> None:
    venue = book_of("ask 1 @ 100")
    gem = Asset("GEM", 4)
    assert audited(do(venue, AddAsset(gem, ROOT))) == [("add_asset", None, "GEM 4", ROOT)]
    rules = instrument_of("GEM_USDC", gem, USDC, tick_size="0.01", lot_size="0.1")
    [(action, user_id, detail, origin)] = audited(do(venue, SetMarket(rules, ROOT)))
    assert (action, user_id, origin) == ("set_market", None, ROOT)
    assert detail is not None
    assert detail.startswith("GEM_USDC base GEM quote USDC ")
    assert placed(venue, "bob buy 1 @ 2 on GEM_USDC")
    assert retold(venue).markets["GEM_USDC"].by_call
    assert not retold(venue).markets["SOL_USDC"].by_call


def test_a_market_whose_name_is_anothers_without_the_line_is_refused() -> None:
    venue = venue_of()
    for symbol in ("SO", "LUSDC"):
        do(venue, AddAsset(Asset(symbol, 6)))
    rules = instrument_of("SO_LUSDC", Asset("SO", 6), Asset("LUSDC", 6), tick_size="0.01", lot_size="0.1")
    assert refusal(do(venue, SetMarket(rules, ROOT))) == "MARKET_NAME_TAKEN"


def test_there_are_no_more_markets_and_assets_than_there_may_be() -> None:
    venue = venue_of()
    for number in range(listing.ASSETS_MAX - len(venue.assets)):
        venue.assets[f"A{number}"] = Asset(f"A{number}", 0)
    assert refusal(do(venue, AddAsset(Asset("GEM", 4), ROOT))) == "TOO_MANY_MARKETS"
    assert do(venue, AddAsset(SOL, ROOT)) is None
    known = {f"A{number}_USDC": SOL_USDC for number in range(listing.MARKETS_MAX)}
    refused = listing.refusal_of_market(venue.assets, known, SOL_USDC)
    assert refused is not None
    assert refused.reason == "TOO_MANY_MARKETS"


# --- other rules


def test_what_gives_a_number_its_meaning_never_changes() -> None:
    for rules in (
        replace(SOL_USDC, tick=2),
        replace(SOL_USDC, lot=2),
        replace(SOL_USDC, base=Asset("SOL", 8)),
        replace(SOL_USDC, quote=SOL),
        replace(SOL_USDC, fee_asset=FeeAsset.QUOTE),
    ):
        assert refusal(do(venue_of(), SetMarket(rules, ROOT))) == "RULE_FIXED"


def test_an_asset_that_is_not_there_is_not_traded() -> None:
    rules = instrument_of("GEM_USDC", Asset("GEM", 4), USDC, tick_size="0.01", lot_size="0.1")
    assert refusal(do(venue_of(), SetMarket(rules, ROOT))) == "UNKNOWN_ASSET"


def test_the_same_rules_change_nothing() -> None:
    venue = venue_of()
    assert change(venue) is None
    assert not venue.markets["SOL_USDC"].by_call


def test_a_change_of_rules_keeps_the_status_that_was_set_meanwhile() -> None:
    venue = venue_of()
    wanted = replace(SOL_USDC, taker_fee_ppm=1000)
    done = do(venue, SetMarketStatus("SOL_USDC", MarketStatus.HALTED, ROOT))
    assert audited(done) == [("set_market_status", None, "SOL_USDC halted", ROOT)]
    told = events_of(do(venue, SetMarket(wanted, ROOT)))
    assert told[0] == MarketSet(replace(wanted, status=MarketStatus.HALTED), True)
    assert refusal(place(venue, "bob buy 1 @ 1")) == "MARKET_NOT_TRADING"


def test_the_audit_names_the_rules_that_changed() -> None:
    venue = venue_of()
    [(_, _, detail, _)] = audited(change(venue, taker_fee_ppm=1000, maker_fee_ppm=500, max_open_orders=3))
    assert detail == "SOL_USDC maker_fee 0.0005 taker_fee 0.001 max_open_orders 3"


def test_every_rule_is_in_the_audit() -> None:
    """A rule that is forgotten there would change without a word; a name of its own is what each has."""
    without = {"symbol", "lot_minor", "notional_unit", "fills_may_leave_nothing"}
    without.add("filters")  # each by its name: see test_filters
    said_by = {
        **{name: name for name in ("base", "quote", "fee_asset", "max_open_orders", "status", "max_fills_per_order")},
        "tick": "tick_size",
        "price_decimals": "tick_size",
        "lot": "lot_size",
        "quantity_decimals": "lot_size",
        "min_notional_minor": "min_notional",
        "maker_fee_ppm": "maker_fee",
        "taker_fee_ppm": "taker_fee",
        "min_price_ticks": "min_price",
        "set_min_price_ticks": "set_min_price",
        "tiers": "fee_tiers",
        "avg_price_mins": "avg_price_mins",
        "min_notional_applies_to_market": "min_notional_applies_to_market",
        "self_trade": "self_trade_prevention",
        "self_trade_modes": "allowed_self_trade_prevention",
    }
    assert {field.name for field in fields(Instrument)} - without == said_by.keys()
    named = {"base_decimals", "quote_decimals", *said_by.values()}
    assert listing.differing_rules(None, SOL_USDC).keys() == named


# --- open orders that no longer fit


def test_open_orders_that_no_longer_fit_stay_as_they_are() -> None:
    """Below min_notional and min_price, and more than max_open_orders: they rest, trade and can be canceled."""
    venue = book_of("bob bid 1 @ 1", "bob bid 1 @ 2", "bob bid 1 @ 3")
    change(venue, min_notional_minor=USDC.minor("10"), min_price_ticks=250, max_open_orders=1)
    assert refusal(place(venue, "carol buy 1 @ 9")) == "MIN_NOTIONAL"
    assert refusal(place(venue, "carol sell 10 @ 2")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob buy 10 @ 3")) == "TOO_MANY_OPEN_ORDERS"
    assert status(place(venue, "carol sell 10 @ 3 IOC")) == "expired 1 of 10, unfilled"
    assert shown(retold(venue)) == ["bid 1 @ 2", "bid 1 @ 1"]


def test_an_open_order_keeps_its_fees_and_what_it_has_locked() -> None:
    venue = book_of("bob ask 10 @ 100")
    change(venue, maker_fee_ppm=100_000, taker_fee_ppm=100_000)
    assert status(place(venue, "carol buy 1 @ 100")) == "filled 1 of 1"
    assert balance(venue, "bob USDC") == "1000100"  # no fee: it entered when there was none
    assert balance(venue, "carol SOL") == "1000000.9"
    assert resting(venue) == ["bob ask 9 @ 100"]
