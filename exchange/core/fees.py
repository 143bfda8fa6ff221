"""What orders pay, and what they lock for it.

Both rates are fixed in an order when it enters. A fee is rounded up to the minor unit, in favour of the house; a rebate
is a negative fee, whose amount is rounded down by the same rule. It comes out of the venue's fee account, and is never
more than what the taker pays for the same trade, so that this account never goes below zero.
"""

from dataclasses import dataclass
from typing import Final

from mypy_extensions import mypyc_attr

from exchange.core.commands import Side
from exchange.core.instrument import PPM, FeeAsset, Instrument

# Looking up a member in its enum costs more than a comparison.
BUY: Final = Side.BUY
QUOTE: Final = FeeAsset.QUOTE


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Rates:
    """The fee rates of an order, in ppm; a negative maker rate is a rebate. They never change."""

    maker_ppm: int
    taker_ppm: int

    def __init__(self, maker_ppm: int, taker_ppm: int) -> None:
        self.maker_ppm = maker_ppm
        self.taker_ppm = taker_ppm


def rates_of(rules: Instrument) -> Rates:
    """The rates of an order that enters under these rules."""
    return Rates(rules.maker_fee_ppm, rules.taker_fee_ppm)


def tier_rates_of(rules: Instrument) -> dict[str, Rates]:
    """The rates of the market's fee tiers, by name."""
    return {found.tier: Rates(found.maker_ppm, found.taker_ppm) for found in rules.tiers}


def fee_minor(amount_minor: int, fee_ppm: int) -> int:
    """The fee on an amount: rounded up to the minor unit; at most everything, since `fee_ppm` is at most PPM."""
    return -(-amount_minor * fee_ppm // PPM)


def needs_minor(rules: Instrument, rates: Rates | None, side: Side, price_ticks: int, lots: int) -> int:
    """What an order of these terms keeps locked: quote for a buy, base for a sell.

    Where fees are in the quote, a buy also locks its highest possible fee: at the higher of its rates, rounded up for
    each lot, since each lot may trade alone. Without `rates` the order has those of the market.
    """
    if side is not BUY:
        return lots * rules.lot_minor
    lot_minor = price_ticks * rules.notional_unit
    if rules.fee_asset is not QUOTE:
        return lot_minor * lots
    if rates is None:
        rates = rates_of(rules)
    return lots * (lot_minor + fee_minor(lot_minor, max(rates.maker_ppm, rates.taker_ppm)))
