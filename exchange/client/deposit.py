"""`exchange deposit`: credits a user of a running exchange, as an administrator can."""

from exchange.client import ApiKey
from exchange.client.asking import asking
from exchange.client.types import Json


async def deposit(url: str, user_id: str, asset: str, amount: str, key: str, signing: ApiKey | None = None) -> Json:
    """Credit `amount` (decimal text), once a key; the balances after it. Raises Failure."""
    async with asking(url, signing, what="the deposit", user_id=user_id) as client:
        return await client.deposit(asset, amount, key)


def shown(balances: Json, asset: str) -> str:
    """The balance of the asset, as one line."""
    row = next(row for row in balances["balances"] if row["asset"] == asset)
    return f"{balances['user_id']} has {row['available']} {asset} available and {row['locked']} locked"
