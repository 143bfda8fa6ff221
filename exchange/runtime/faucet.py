"""The faucet that the configuration describes."""

from collections.abc import Callable, Mapping

from exchange.config import Config
from exchange.core.instrument import AMOUNT_MAX, Asset
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.service.treasury import Faucet


def faucet_of(config: Config, venue: Venue) -> Callable[[], Faucet]:
    """What gives the faucet, whose amounts are known once all assets are."""
    made: list[Faucet] = []

    def faucet() -> Faucet:
        if not made:
            amounts = amounts_minor(config, venue.assets) if config.faucet.enabled else None
            made.append(Faucet(amounts, config.faucet.interval_s))
        return made[0]

    return faucet


def amounts_minor(config: Config, assets: Mapping[str, Asset]) -> dict[str, int]:
    """The amounts in minor units. Raises Failure if one is none."""
    amounts: dict[str, int] = {}
    for symbol, text in config.faucet.amounts.items():
        asset = assets.get(symbol)
        if asset is None:
            raise Failure(f"[faucet] amounts: {symbol!r} is not an asset of the exchange.", 2)
        try:
            amount_minor = asset.minor(text)
        except ValueError:
            amount_minor = 0
        if not 0 < amount_minor < AMOUNT_MAX:
            raise Failure(f"[faucet] amounts: {text!r} is not a valid amount of {symbol}.", 2)
        amounts[symbol] = amount_minor
    return amounts
