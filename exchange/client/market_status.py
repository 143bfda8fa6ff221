"""`exchange market status`: shows the status of a market of a running exchange, or changes it."""

from exchange.client import ApiError, Client, Unreachable
from exchange.failure import Failure


async def market_status(url: str, market: str, status: str | None) -> str:
    """The status of the market; after a change to `status`, if one is given. Raises Failure."""
    try:
        client = Client(url)
    except ValueError as error:
        raise Failure(f"{error}.", 2) from error
    try:
        async with client:
            if status is not None:
                return (await client.set_market_status(market, status))["status"]
            found = {rules["market"]: rules["status"] for rules in await client.markets()}
    except ApiError as error:
        raise Failure(f"The exchange refused this: {error.code}: {error.message}") from error
    except Unreachable as error:
        raise Failure(f"The exchange at {url} cannot be reached: {error}.") from error
    if market not in found:
        raise Failure(f"There is no market {market}; there are {', '.join(found)}.")
    return found[market]
