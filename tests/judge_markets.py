"""The assets and markets of the judge's stories."""

from exchange.core.instrument import Asset, FeeAsset, instrument_of

CASH, COIN, GEM = Asset("CASH", 2), Asset("COIN", 4), Asset("GEM", 0)
WEI, ORE = Asset("WEI", 18), Asset("ORE", 18)
MARKETS = (
    instrument_of("COIN_CASH", COIN, CASH, tick_size="0.5", lot_size="0.02", maker_fee="0.001", taker_fee="0.003"),
    instrument_of(
        "GEM_CASH",
        GEM,
        CASH,
        tick_size="0.01",
        lot_size="1",
        min_notional="0.07",
        taker_fee="0.25",
        fills_may_leave_nothing=True,
        min_price="0",
    ),
    instrument_of(
        "GEM_COIN",
        GEM,
        COIN,
        tick_size="0.0001",
        lot_size="3",
        maker_fee="1",
        max_open_orders=3,
        fills_may_leave_nothing=True,
    ),
    instrument_of("WEI_ORE", WEI, ORE, tick_size="0.000000001", lot_size="0.000000001", maker_fee="0.000001"),
    instrument_of("ORE_WEI", ORE, WEI, tick_size="0.1", lot_size="100", taker_fee="0.000001", max_open_orders=5),
    instrument_of(
        "ORE_CASH",
        ORE,
        CASH,
        tick_size="50",
        lot_size="0.02",
        maker_fee="-0.05",
        taker_fee="0.1",
        min_price="0",
        fee_asset=FeeAsset.QUOTE,
        max_fills_per_order=2,
        min_notional="3",
        min_notional_applies_to_market=True,
        avg_price_mins=1,
    ),
    instrument_of(
        "ORE_COIN",
        ORE,
        COIN,
        tick_size="0.5",
        lot_size="0.02",
        maker_fee="0.07",
        taker_fee="0.011",
        fee_asset=FeeAsset.QUOTE,
        max_fills_per_order=3,
        min_notional="0.02",
        min_notional_applies_to_market=True,
        avg_price_mins=0,
    ),
)
MARKETS_BY_NAME = {rules.symbol: rules for rules in MARKETS}
ASSETS = (CASH, COIN, GEM, WEI, ORE)
