"""The judge's stories about fee tiers."""

from exchange.core.administration import Origin, SetTierFees, SetUserTier, TierCommand
from exchange.core.instrument import PPM, FeeAsset, Instrument

ROOT = Origin("root", "127.0.0.1")


def tiered(rules: Instrument, user: str, lots: int, price: int, soon: int) -> TierCommand:
    """A tier for a user, mostly one that pays something else; what a tier pays, little or much; or no more of it."""
    tier = "other" if price == 6 else "tier"
    if lots in (1, 2, 3):
        return SetUserTier("nobody" if lots == 1 and price == 6 else user, tier if soon % 4 else None, ROOT)
    market = "NO_WHERE" if lots == 9 and price == 6 else rules.symbol
    if lots == 4:
        return SetTierFees(market, tier, None, None, ROOT)
    maker_ppm, taker_ppm = price * 1_009, (price + lots) * 75_000
    if lots in (5, 6):
        maker_ppm, taker_ppm = price * 7, price * 11
    if rules.fee_asset is FeeAsset.QUOTE and soon % 2:
        maker_ppm = -maker_ppm
    return SetTierFees(market, tier, maker_ppm, min(taker_ppm, PPM), ROOT)
