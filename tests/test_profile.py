"""The sets of markets that a configuration may be given by name."""

import pytest

from exchange.cli import PROFILE_NAMES
from exchange.config import Config
from exchange.core.venue import Venue
from exchange.profile import MARKETS, PROFILES
from exchange.runtime.bootstrap import differences


def test_the_command_line_knows_every_profile() -> None:
    assert set(PROFILE_NAMES) == set(PROFILES)


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_the_markets_of_a_profile_can_be_opened(name: str) -> None:
    config = PROFILES[name](Config())
    assert differences(config, Venue())


def test_the_profile_of_binance_has_what_bots_expect() -> None:
    config = PROFILES["binance"](Config())
    assert [market.symbol for market in config.markets] == list(MARKETS)
    assert {"BTC_USDT", "ETH_USDT", "BNB_USDT", "SOL_USDT"} <= set(MARKETS)
    assert {asset.symbol for asset in config.assets} >= {"USDT", "BTC"}
