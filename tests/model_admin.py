"""What the model does when markets and keys are administered."""

from dataclasses import replace
from fractions import Fraction

from exchange.core.administration import KEYS_OF_USER_MAX, ApiKey
from exchange.core.commands import SetMarket, SetMarketStatus
from exchange.core.events import RejectReason
from exchange.core.venue_filters import SetVenueFilters
from tests.model_records import Told
from tests.model_tiers import Tiered


class Administered(Tiered):
    """The model, with its administration."""

    def set_market(self, command: SetMarket, told: Told) -> None:
        """Open a market, or change its rules."""
        wanted, symbol = command.instrument, command.instrument.symbol
        before = self.rules.get(symbol)
        for asset in (wanted.base, wanted.quote):
            known = self.assets.get(asset.symbol)
            if known != asset:
                told.refusals.add(RejectReason.UNKNOWN_ASSET if known is None else RejectReason.RULE_FIXED)
        if before is not None:
            for rules in (before, wanted):
                size = Fraction(rules.tick, 10**rules.price_decimals), Fraction(rules.lot, 10**rules.quantity_decimals)
                fixed = (rules.base, rules.quote, *size, rules.fee_asset)
                if rules is before:
                    kept = fixed
            if fixed != kept:
                told.refusals.add(RejectReason.RULE_FIXED)
        elif symbol.replace("_", "") in {other.replace("_", "") for other in self.rules}:
            told.refusals.add(RejectReason.MARKET_NAME_TAKEN)
        if told.refusals:
            return
        if before is not None and command.origin is not None:
            wanted = replace(wanted, status=before.status)
        with_tiers = self.keep_tiers(wanted)
        if with_tiers is None:
            told.refusals.add(RejectReason.OUT_OF_RANGE)
            return
        wanted = with_tiers
        self.rules[symbol] = wanted
        if command.origin is not None and wanted != before:
            self.by_call.add(symbol)

    def set_bounds(self, command: SetVenueFilters) -> None:
        """Change what a user may have open in all markets."""
        self.bounds = command.filters

    def set_status(self, command: SetMarketStatus, told: Told) -> None:
        """Change what a market takes."""
        rules = self.rules.get(command.market)
        if rules is None:
            told.refusals.add(RejectReason.UNKNOWN_MARKET)
        elif rules.status is not command.status:
            self.rules[command.market] = replace(rules, status=command.status)
            self.public[command.market].best += 1
            told.new_status = command.market

    def revoke_key(self, api_key: str, told: Told) -> None:
        """Remove a key."""
        if api_key not in [key.api_key for key in self.keys]:
            told.refusals.add(RejectReason.UNKNOWN_KEY)
        self.keys = [key for key in self.keys if key.api_key != api_key]

    def create_key(self, key: ApiKey, told: Told) -> None:
        """Add a key."""
        if key.user_id not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        if key.api_key in [other.api_key for other in self.keys]:
            told.refusals.add(RejectReason.KEY_CONFLICT)
        if len([other for other in self.keys if other.user_id == key.user_id]) >= KEYS_OF_USER_MAX:
            told.refusals.add(RejectReason.TOO_MANY_KEYS)
        if not told.refusals:
            self.keys.append(key)
