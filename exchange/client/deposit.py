"""`exchange deposit`: credits a user of a running exchange, as any client can on the same machine."""

from exchange.client import ApiError, ApiKey, Client, Unreachable
from exchange.client.types import Json
from exchange.failure import Failure


async def deposit(url: str, user_id: str, asset: str, amount: str, key: str, signing: ApiKey | None = None) -> Json:
    """Credit `amount` (decimal text), once a key; the balances after it. Raises Failure."""
    try:
        client = Client(url, user_id, key=signing)
    except ValueError as error:
        raise Failure(f"{error}.", 2) from error
    try:
        async with client:
            return await client.deposit(asset, amount, key)
    except ApiError as error:
        raise Failure(f"The exchange refused the deposit: {error.code}: {error.message}") from error
    except Unreachable as error:
        raise Failure(f"The exchange at {url} cannot be reached: {error}.") from error


def shown(balances: Json, asset: str) -> str:
    """The balance of the asset, as one line."""
    row = next(row for row in balances["balances"] if row["asset"] == asset)
    return f"{balances['user_id']} has {row['available']} {asset} available and {row['locked']} locked"
