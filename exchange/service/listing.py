"""Assets and markets while the exchange runs: added and changed by an administrator.

A change is a command in the queue of the whole venue. A market that it opens has a queue and a task of its own from
then on, and is shown when it is durable, as everything is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exchange.core.administration import Origin
from exchange.core.commands import AddAsset, Command, SetMarket, SetMarketStatus
from exchange.core.instrument import Asset, Instrument
from exchange.core.outcome import Applied
from exchange.core.venue_filters import SetVenueFilters, VenueFilters, venue_filters_with
from exchange.pipeline.engine import Engine
from exchange.service.codes import Code, Refused, refusal_of
from exchange.service.market_rules import MarketRules, changes_fixed, instrument_from, rules_of, split
from exchange.service.queries import Filters, Markets


class Listing:
    """The actions. Raises Refused, and InvalidInstrument where rules contradict each other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._venue = engine.venue

    async def add_asset(self, asset: Asset, origin: Origin) -> Asset:
        """Add an asset; nothing if it is there already, with the same decimals."""
        await self._carry_out(AddAsset(asset, origin))
        return asset

    async def set_market(self, symbol: str, given: Mapping[str, Any], origin: Origin) -> Instrument:
        """Open a market with the rules that are given, or give it those; its rules afterwards.

        `given` is fields of MarketRules, and of its filters those that change. The others stay as they are, or have
        their defaults in a new market.
        """
        market = self._venue.markets.get(symbol)
        before = None if market is None else market.instrument
        base, quote = self._assets(symbol, before)
        if before is not None and given.get("min_price") == before.price_text(before.min_price_ticks):
            # As GET /markets shows it: the fees may have raised it, which is not what was set.
            given = {name: value for name, value in given.items() if name != "min_price"}
        known = MarketRules(symbol) if before is None else rules_of(before)
        filters = known.filters | given.get("filters", {})
        rules = replace(known, **{**given, "filters": filters})
        if before is not None and (fixed := changes_fixed(before, rules)):
            raise Refused(Code.RULE_FIXED, f"{symbol} exists; {', '.join(fixed)} of a market cannot change.")
        wanted = instrument_from(rules, base, quote, before)
        await self._carry_out(SetMarket(wanted, origin))
        if before is not None and "status" in given:
            # A command of its own: otherwise a change of rules would take back a status that was set meanwhile.
            await self._carry_out(SetMarketStatus(symbol, wanted.status, origin))
        return await self._rules(symbol)

    async def set_filters(self, given: Mapping[str, int], origin: Origin) -> VenueFilters:
        """Change those filters of the whole exchange that are given, in range; all of them afterwards."""
        wanted = venue_filters_with(self._venue.everywhere.filters, given)
        await self._carry_out(SetVenueFilters(wanted, origin))
        return await self._engine.read(Filters())

    async def set_status(self, command: SetMarketStatus) -> Instrument:
        """Change what a known market takes; its rules afterwards. To ask for the status that it has changes nothing."""
        await self._carry_out(command)
        return await self._rules(command.market)

    def _assets(self, symbol: str, before: Instrument | None) -> tuple[Asset, Asset]:
        if before is not None:
            return before.base, before.quote
        names = split(symbol)
        assert names is not None
        return self._asset(names[0]), self._asset(names[1])

    def _asset(self, symbol: str) -> Asset:
        found = self._venue.assets.get(symbol)
        if found is None:
            raise Refused(Code.UNKNOWN_ASSET, f"There is no asset {symbol}.")
        return found

    async def _carry_out(self, command: Command) -> None:
        outcome = await self._engine.submit(command)
        if not (outcome is None or isinstance(outcome, Applied)):
            raise refusal_of(outcome)

    async def _rules(self, symbol: str) -> Instrument:
        return next(rules for rules in await self._engine.read(Markets()) if rules.symbol == symbol)
