"""`exchange market status`: shows the status of a market of a running exchange, or changes it."""

from exchange.client import ApiKey
from exchange.client.asking import asking
from exchange.failure import Failure


async def market_status(url: str, market: str, status: str | None, key: ApiKey | None = None) -> str:
    """The status of the market; after a change to `status`, if one is given. Raises Failure."""
    async with asking(url, key if status is not None else None) as client:
        if status is not None:
            return (await client.set_market_status(market, status))["status"]
        found = {rules["market"]: rules["status"] for rules in await client.markets()}
    if market not in found:
        raise Failure(f"There is no market {market}; there are {', '.join(found)}.")
    return found[market]
