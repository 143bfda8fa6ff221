"""What the model does with fee tiers: whose rates an order has, and the least price that all rates leave room for."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from exchange.core.administration import SetTierFees, SetUserTier
from exchange.core.events import RejectReason
from exchange.core.instrument import FeeAsset, Instrument, TierFees
from tests.model_known import Rates, fee
from tests.model_records import Told
from tests.model_waiting import Waiting

ALL_PPM = 1_000_000


class Tiered(Waiting):
    """The model, with its tiers."""

    def set_tier_fees(self, command: SetTierFees, told: Told) -> None:
        """Set what a tier pays in a market, or forget it."""
        rules = self.rules.get(command.market)
        if rules is None:
            told.refusals.add(RejectReason.UNKNOWN_MARKET)
            return
        fees = {name: rates for (market, name), rates in self.tier_fees.items() if market == command.market}
        if command.maker_ppm is None or command.taker_ppm is None:
            if fees.pop(command.tier, None) is None:
                return
        else:
            fees[command.tier] = command.maker_ppm, command.taker_ppm
        changed = self.with_fees(rules, fees)
        if changed is None:
            told.refusals.add(RejectReason.OUT_OF_RANGE)
            return
        self.rules[command.market] = changed
        others = {of: rates for of, rates in self.tier_fees.items() if of[0] != command.market}
        self.tier_fees = {**others, **{(command.market, name): rates for name, rates in fees.items()}}

    def set_user_tier(self, command: SetUserTier, told: Told) -> None:
        """Give a user a tier, or none."""
        if command.user_id not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        elif command.tier is None:
            self.tiers.pop(command.user_id, None)
        else:
            self.tiers[command.user_id] = command.tier

    def keep_tiers(self, rules: Instrument) -> Instrument | None:
        """New rules of a market with the tiers it has; None if they leave too little of a fill."""
        fees = {name: rates for (market, name), rates in self.tier_fees.items() if market == rules.symbol}
        return self.with_fees(rules, fees) if fees else rules

    def with_fees(self, rules: Instrument, fees: Mapping[str, Rates]) -> Instrument | None:
        """The rules with these tiers, and a least price at which one lot leaves something whoever sells it."""
        rules = replace(rules, tiers=tuple(TierFees(name, *fees[name]) for name in sorted(fees)))
        if rules.fills_may_leave_nothing:
            return rules
        highest = max(rules.maker_fee_ppm, rules.taker_fee_ppm, *(max(rates) for rates in fees.values()), 0)
        if highest == ALL_PPM:
            return None
        least = next(amount for amount in count(1) if amount > fee(amount, highest))
        lot_worth, unit = self.worth_of(rules.symbol)
        if rules.fee_asset is FeeAsset.RECEIVED and lot_worth < least:
            return None
        wanted = next(ticks for ticks in count(1) if ticks * unit >= least)
        if not rules.set_min_price_ticks:
            return None if wanted > 1 else replace(rules, min_price_ticks=0)
        return replace(rules, min_price_ticks=max(rules.set_min_price_ticks, wanted))
