"""Who takes part: the configuration of the demo's markets and users, and the participants for a seed."""

import random
from collections.abc import Mapping, Sequence

import msgspec

from exchange.config import AssetConfig, Config, MarketConfig, UserConfig
from exchange.demo.kinds.arbitrageur import Arbitrageur
from exchange.demo.kinds.maker import Maker
from exchange.demo.kinds.noise import Noise
from exchange.demo.kinds.participant import Participant
from exchange.demo.kinds.slicer import Slicer
from exchange.demo.kinds.trend import Momentum, Reversion
from exchange.demo.terms import Terms, start_worth

FUNDS = 100_000_000  # what a participant has of each asset is worth so much, in units of account
PEOPLE = ("alice", "bob", "random1", "random2")  # for whoever looks on
PEOPLES_FUNDS = 1_000_000
KINDS = ("maker-1", "maker-2", "momentum", "reversion", "noise-1", "noise-2", "slicer")

ASSETS = [
    AssetConfig(symbol="BTC", decimals=8),
    AssetConfig(symbol="ETH", decimals=8),
    AssetConfig(symbol="SOL", decimals=8),
    AssetConfig(symbol="USDC", decimals=6),
]
MARKETS = [
    MarketConfig(symbol="BTC_USDC", tick_size="1", lot_size="0.00001", min_notional="1"),
    MarketConfig(symbol="ETH_USDC", tick_size="0.1", lot_size="0.0001", min_notional="1"),
    MarketConfig(symbol="SOL_USDC", tick_size="0.01", lot_size="0.001", min_notional="1"),
    MarketConfig(symbol="ETH_BTC", tick_size="0.000002", lot_size="0.01", min_notional="0.00002"),
]


def with_markets(config: Config) -> Config:
    """The configuration with the markets of the demo in the place of its own."""
    return msgspec.structs.replace(config, assets=ASSETS, markets=MARKETS, users=[])


def with_users(config: Config) -> Config:
    """The configuration with users for the participants, and some for whoever looks on."""
    worth = start_worth(config.markets)
    decimals = {asset.symbol: asset.decimals for asset in config.assets}
    there = {user.id for user in config.users}
    users = list(config.users)
    for user_id in PEOPLE:
        if user_id not in there:
            users.append(UserConfig(id=user_id, balances=_balances(worth, decimals, PEOPLES_FUNDS)))
    for user_id in user_ids(config.markets):
        if user_id not in there:
            users.append(UserConfig(id=user_id, balances=_balances(worth, decimals, FUNDS)))
    return msgspec.structs.replace(config, users=users)


def _balances(worth: Mapping[str, float], decimals: Mapping[str, int], funds: int) -> dict[str, str]:
    return {
        asset: f"{funds / value:.{min(decimals[asset], 6)}f}" for asset, value in worth.items() if asset in decimals
    }


def user_ids(markets: Sequence[MarketConfig]) -> list[str]:
    """The users of all participants."""
    terms = terms_of(markets)
    return [participant.user_id for participant in participants(terms, 0)]


def terms_of(markets: Sequence[MarketConfig]) -> list[Terms]:
    """The markets as participants know them."""
    worth = start_worth(list(markets))
    return [Terms(market, worth) for market in markets]


def participants(markets: Sequence[Terms], seed: int) -> list[Participant]:
    """All who take part. The same seed makes the same ones."""

    def chance(user_id: str) -> random.Random:
        return random.Random(f"{seed}/{user_id}")

    found: list[Participant] = []
    for terms in markets:
        names = [f"demo-{kind}-{terms.symbol}" for kind in KINDS]
        chances = [chance(name) for name in names]
        found += [
            Maker(names[0], terms, chances[0]),
            Maker(names[1], terms, chances[1], width=1.6),
            Momentum(names[2], terms, chances[2]),
            Reversion(names[3], terms, chances[3]),
            Noise(names[4], terms, chances[4]),
            Noise(names[5], terms, chances[5]),
            Slicer(names[6], terms, chances[6]),
        ]
    for number, (first, second, cross) in enumerate(triangles(markets), 1):
        user_id = f"demo-arbitrageur-{number}"
        found.append(Arbitrageur(user_id, first, second, cross, chance(user_id)))
    return found


def triangles(markets: Sequence[Terms]) -> list[tuple[Terms, Terms, Terms]]:
    """Markets A/Q, B/Q and B/A, as often as there are such."""
    by_assets = {(terms.base, terms.quote): terms for terms in markets}
    return [
        (first, by_assets[cross.base, first.quote], cross)
        for cross in markets
        for first in markets
        if first.base == cross.quote and (cross.base, first.quote) in by_assets
    ]
