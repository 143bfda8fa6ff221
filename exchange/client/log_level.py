"""`exchange log-level`: shows what a running exchange logs, or changes it."""

from exchange.client import ApiKey
from exchange.client.asking import asking


async def log_level(url: str, level: str | None, key: ApiKey | None = None) -> str:
    """The level; after a change to `level`, if one is given. Raises Failure."""
    async with asking(url, key) as client:
        if level is None:
            found = await client.call("GET", "/admin/log_level")
        else:
            found = await client.call("POST", "/admin/log_level", body={"level": level})
    return str(found["level"])
