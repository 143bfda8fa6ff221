"""Sets of markets and users that a configuration may be given by name, in the place of its own."""

from collections.abc import Callable
from typing import Final

import msgspec

from exchange.config import AssetConfig, Config, MarketConfig, UserConfig

PEOPLE: Final = ("alice", "bob", "carol", "dave")
FUNDS: Final = {
    "USDT": "1000000",
    "BTC": "20",
    "ETH": "300",
    "BNB": "1500",
    "SOL": "7000",
    "XRP": "400000",
    "DOGE": "5000000",
    "ADA": "1500000",
}
ORDERS_MAX: Final = 200
# Tick, lot and least notional of Binance, but for the lot of ETH_BTC, which is ten times as large here: a tick
# times a lot must be a whole number of the quote's minor units.
MARKETS: Final = {
    "BTC_USDT": ("0.01", "0.00001", "5"),
    "ETH_USDT": ("0.01", "0.0001", "5"),
    "BNB_USDT": ("0.01", "0.001", "5"),
    "SOL_USDT": ("0.01", "0.001", "5"),
    "XRP_USDT": ("0.0001", "0.1", "5"),
    "DOGE_USDT": ("0.00001", "1", "1"),
    "ADA_USDT": ("0.0001", "0.1", "5"),
    "ETH_BTC": ("0.00001", "0.001", "0.0001"),
}

# What every market of Binance has, at about its values.
FILTERS: Final[dict[str, str | int | bool]] = {
    "max_price": "1000000",
    "max_notional": "9000000",
    "bid_multiplier_up": "5",
    "bid_multiplier_down": "0.2",
    "ask_multiplier_up": "5",
    "ask_multiplier_down": "0.2",
    "max_open_stops": 5,
    "max_iceberg_parts": 100,
    "min_trailing_above_bps": 10,
    "max_trailing_above_bps": 2000,
    "min_trailing_below_bps": 10,
    "max_trailing_below_bps": 2000,
    "max_amends_per_order": 10,
}


def binance(config: Config) -> Config:
    """Markets that bots for Binance expect, and users with plenty of everything."""
    markets = [
        MarketConfig(
            symbol=symbol,
            tick_size=tick_size,
            lot_size=lot_size,
            min_notional=min_notional,
            maker_fee="0.001",
            taker_fee="0.001",
            max_open_orders=ORDERS_MAX,
            min_notional_applies_to_market=True,
            self_trade_prevention="expire_maker",
            filters=dict(FILTERS),
        )
        for symbol, (tick_size, lot_size, min_notional) in MARKETS.items()
    ]
    return msgspec.structs.replace(
        config,
        assets=[AssetConfig(symbol=symbol, decimals=8) for symbol in FUNDS],
        markets=markets,
        users=[UserConfig(id=user_id, balances=FUNDS) for user_id in PEOPLE],
    )


PROFILES: Final[dict[str, Callable[[Config], Config]]] = {"binance": binance}
