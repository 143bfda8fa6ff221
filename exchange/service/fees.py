"""Fees: the rates of a user, and the fee tiers that an administrator sets."""

from dataclasses import dataclass

from exchange.core.administration import AdminCommand, Origin, SetTierFees, SetUserTier
from exchange.core.fee_tiers import changed
from exchange.core.instrument import Instrument, TierFees
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.pipeline.engine import Engine
from exchange.service.codes import Code, Refused, refusal_of


@dataclass(slots=True)
class UserFees:
    """The tier of a user, and the rates of the next order in each market, in ppm: maker's, then taker's."""

    tier: str | None
    rates: list[tuple[Instrument, int, int]]


@dataclass(slots=True)
class FeesRead:
    """The fees of a known user, in one known market or in all."""

    user_id: str
    market: str | None

    def answer(self, venue: Venue) -> UserFees:
        """Copy them."""
        tier = venue.ledger.user(self.user_id).tier
        named = sorted(venue.markets) if self.market is None else [self.market]
        rules = [venue.markets[symbol].instrument for symbol in named]
        return UserFees(tier, [(of, *rates_of(of, tier)) for of in rules])


@dataclass(slots=True)
class TiersRead:
    """The fee tiers of a known market."""

    market: str

    def answer(self, venue: Venue) -> tuple[TierFees, ...]:
        """They never change; a market gets others."""
        return venue.markets[self.market].instrument.tiers


def rates_of(rules: Instrument, tier: str | None) -> tuple[int, int]:
    """What users of the tier pay in the market, in ppm: maker's rate, then taker's."""
    found = next((fees for fees in rules.tiers if fees.tier == tier), None)
    if found is None:
        return rules.maker_fee_ppm, rules.taker_fee_ppm
    return found.maker_ppm, found.taker_ppm


class Fees:
    """The reads and the actions. Raises Refused."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of_user(self, user_id: str, market: str | None = None) -> UserFees:
        """What a known user pays."""
        return await self._engine.read(FeesRead(user_id, market))

    async def tiers(self, market: str) -> tuple[TierFees, ...]:
        """The tiers of a known market."""
        return await self._engine.read(TiersRead(market))

    async def set_tier(self, command: SetTierFees) -> tuple[TierFees, ...]:
        """Set what a tier pays in a known market, or forget it; the tiers then. Raises InvalidInstrument."""
        changed(self._engine.venue.markets[command.market].instrument, command)  # for what is wrong with it
        await self._carry_out(command)
        return await self.tiers(command.market)

    async def set_user_tier(self, user_id: str, tier: str | None, origin: Origin) -> UserFees:
        """Give a user a tier that some market has, or none; the user's fees then."""
        venue = self._engine.venue
        if not venue.ledger.has_user(user_id):
            raise Refused(Code.NOT_FOUND, f"There is no user {user_id[:64]}.")
        known = {fees.tier for market in venue.markets.values() for fees in market.instrument.tiers}
        if tier is not None and tier not in known:
            raise Refused(Code.NOT_FOUND, f"No market has fees for a tier {tier[:64]}.")
        await self._carry_out(SetUserTier(user_id, tier, origin))
        return await self.of_user(user_id)

    async def _carry_out(self, command: AdminCommand) -> None:
        outcome = await self._engine.submit(command)
        if not (outcome is None or isinstance(outcome, Applied)):
            raise refusal_of(outcome)
