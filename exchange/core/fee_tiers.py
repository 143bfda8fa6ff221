"""Fee tiers: users who pay other rates than the market's own.

A tier is a name that users are given, and that markets have rates for. Where a market has none for it, the market's own
rates count. An order keeps the rates it entered with, whatever is set later. A market's least price holds for the
highest rate of all its tiers, and falls again when that does.
"""

from dataclasses import replace
from typing import Final

from exchange.core.administration import Administered, SetTierFees, TierCommand, UserTierSet
from exchange.core.events import Event, MarketSet, Rejected, RejectReason
from exchange.core.instrument import Instrument, InvalidInstrument, TierFees, decimal_text, with_tiers
from exchange.core.ledger import Ledger
from exchange.core.list_market import ListMarket

TIERS_MAX: Final = 100  # in a market

TierOutcome = list[Event] | Rejected | None


class FeeTiers:
    """Carries the commands out, on the markets and the users of a venue."""

    def __init__(self, ledger: Ledger, markets: dict[str, ListMarket]) -> None:
        self._ledger = ledger
        self._markets = markets

    def apply(self, command: TierCommand) -> TierOutcome:
        """Do what the command says; None if it is so already."""
        if isinstance(command, SetTierFees):
            return self._set_fees(command)
        if not self._ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        user = self._ledger.user(command.user_id)
        if user.tier == command.tier:
            return None
        user.tier = command.tier
        done = Administered("set_user_tier", command.user_id, command.tier, command.origin)
        return [UserTierSet(command.user_id, command.tier), done]

    def _set_fees(self, command: SetTierFees) -> TierOutcome:
        market = self._markets.get(command.market)
        if market is None:
            return Rejected(RejectReason.UNKNOWN_MARKET)
        before = market.instrument
        try:
            rules = changed(before, command)
        except InvalidInstrument as error:
            return Rejected(RejectReason.OUT_OF_RANGE, f"{error}.")
        if rules == before:
            return None
        market.set_rules(rules)
        action = "remove_tier_fees" if command.maker_ppm is None else "set_tier_fees"
        done = Administered(action, None, _detail(command), command.origin)
        return [MarketSet(rules, market.by_call), done]

    def keep(self, rules: Instrument) -> Instrument | Rejected:
        """New rules of a market, with the tiers that it has."""
        market = self._markets.get(rules.symbol)
        if market is None or not market.instrument.tiers:
            return rules
        try:
            return with_tiers(rules, market.instrument.tiers)
        except InvalidInstrument as error:
            return Rejected(RejectReason.OUT_OF_RANGE, f"{error}.")

    # --- the state

    def users(self) -> list[tuple[str, str]]:
        """The users who have a tier, and which."""
        found = [(user_id, self._ledger.user(user_id).tier) for user_id in sorted(self._ledger.users())]
        return [(user_id, tier) for user_id, tier in found if tier is not None]

    def restore(self, users: list[tuple[str, str]]) -> None:
        """Go on from those."""
        for user_id, tier in users:
            self._ledger.user(user_id).tier = tier


def changed(rules: Instrument, command: SetTierFees) -> Instrument:
    """The rules after the command. Raises InvalidInstrument."""
    tiers = [found for found in rules.tiers if found.tier != command.tier]
    if command.maker_ppm is not None:
        assert command.taker_ppm is not None
        if len(tiers) >= TIERS_MAX:
            raise InvalidInstrument(f"{rules.symbol} has fees for {TIERS_MAX} tiers, as many as it may have")
        tiers.append(TierFees(command.tier, command.maker_ppm, command.taker_ppm))
    if len(tiers) == len(rules.tiers) == 0:
        return rules
    return with_tiers(replace(rules, tiers=()), tuple(sorted(tiers, key=lambda found: found.tier)))


def _detail(command: SetTierFees) -> str:
    named = f"{command.market} {command.tier}"
    if command.maker_ppm is None or command.taker_ppm is None:
        return named
    return f"{named} maker_fee {decimal_text(command.maker_ppm, 6)} taker_fee {decimal_text(command.taker_ppm, 6)}"
