"""The rules of markets in a configuration: what becomes of them, and the sentence of those that are refused."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from exchange.config import AssetConfig, Config, FiltersConfig, MarketConfig
from exchange.core.administration import Origin
from exchange.core.commands import AddAsset, Command, SetMarket
from exchange.core.instrument import Asset, FeeAsset, Instrument, instrument_of
from exchange.core.venue import Venue
from exchange.core.venue_filters import SetVenueFilters, VenueFilters
from exchange.failure import Failure
from exchange.runtime.bootstrap import differences
from tests.core.stories import do

GEM, USD = Asset("GEM", 0), Asset("USD", 2)


def config_of(**rules: Any) -> Config:
    """One market of a thing without decimals."""
    return Config(
        assets=[AssetConfig(symbol=asset.symbol, decimals=asset.decimals) for asset in (GEM, USD)],
        markets=[MarketConfig(**({"symbol": "GEM_USD", "tick_size": "0.01", "lot_size": "1"} | rules))],
    )


def venue_with(rules: Instrument) -> Venue:
    venue = Venue()
    for command in (AddAsset(GEM), AddAsset(USD), SetMarket(rules)):
        do(venue, command)
    return venue


def market_of(commands: list[Command]) -> Instrument:
    [rules] = [command.instrument for command in commands if isinstance(command, SetMarket)]
    return rules


def test_every_rule_of_the_configuration_is_in_the_market() -> None:
    rules = market_of(
        differences(
            config_of(
                fee_asset="quote",
                maker_fee="-0.01",
                taker_fee="0.02",
                min_price="0.05",
                max_fills_per_order=3,
                min_notional_applies_to_market=True,
                avg_price_mins=0,
            ),
            Venue(),
        )
    )
    assert (rules.fee_asset, rules.maker_fee_ppm, rules.taker_fee_ppm) == (FeeAsset.QUOTE, -10_000, 20_000)
    assert (rules.min_price_ticks, rules.max_fills_per_order) == (5, 3)
    assert (rules.min_notional_applies_to_market, rules.avg_price_mins) == (True, 0)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"maker_fee": "-0.02", "taker_fee": "0.01", "fee_asset": "quote"}, "does not cover the rebate"),
        ({"taker_fee": "0.01"}, "lot_size 1 is too small for the fees"),
        ({"taker_fee": "0.01", "fee_asset": "quote", "min_price": "0"}, "min_price 0 needs a larger"),
        ({"max_fills_per_order": 0}, "max_fills_per_order = 0 must be 1 to 2147483647"),
        ({"avg_price_mins": 61}, "avg_price_mins = 61 must be 0 to 60"),
        ({"avg_price_mins": -1}, "avg_price_mins = -1 must be 0 to 60"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused_in_one_sentence(rules: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Failure, match=sentence) as failed:
        differences(config_of(**rules), Venue())
    assert str(failed.value).startswith("[[markets]] GEM_USD: ")


def test_a_market_of_an_earlier_version_goes_on_with_fees_that_leave_nothing() -> None:
    old = instrument_of(
        "GEM_USD", GEM, USD, tick_size="0.01", lot_size="1", taker_fee="0.01", fills_may_leave_nothing=True
    )
    rules = market_of(differences(config_of(taker_fee="0.02"), venue_with(replace(old, min_price_ticks=0))))
    assert (rules.taker_fee_ppm, rules.fills_may_leave_nothing) == (20_000, True)
    with pytest.raises(Failure, match="min_price 'x'"):
        differences(config_of(taker_fee="0.02", min_price="x"), venue_with(old))


def test_the_asset_of_fees_of_an_existing_market_cannot_change() -> None:
    venue = venue_with(instrument_of("GEM_USD", GEM, USD, tick_size="0.01", lot_size="1"))
    with pytest.raises(Failure, match="fee_asset of an existing market cannot change"):
        differences(config_of(fee_asset="quote"), venue)


def test_filters_of_the_exchange_are_those_of_the_configuration_until_a_call_sets_them() -> None:
    venue = venue_with(instrument_of("GEM_USD", GEM, USD, tick_size="0.01", lot_size="1"))
    config = config_of()
    bounded = msgspec.structs.replace(config, filters=FiltersConfig(max_open_orders=7))
    assert differences(config, venue) == []
    wanted = SetVenueFilters(VenueFilters(max_open_orders=7))
    assert differences(bounded, venue) == [wanted]
    do(venue, wanted)
    assert differences(bounded, venue) == []
    assert differences(config, venue) == [SetVenueFilters(VenueFilters())]
    do(venue, SetVenueFilters(VenueFilters(max_open_lists=1), Origin("root", None)))
    assert differences(bounded, venue) == []


def test_a_filter_of_the_exchange_that_cannot_be_is_refused() -> None:
    wrong = msgspec.structs.replace(config_of(), filters=FiltersConfig(max_open_lists=-1))
    with pytest.raises(Failure, match=r"\[filters\] max_open_lists = -1 must be 0 to 2147483647"):
        differences(wrong, Venue())
