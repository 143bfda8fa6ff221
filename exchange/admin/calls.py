"""One administrative call: of a running exchange by HTTP, or on the database of one that is stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from exchange.client import ApiKey
from exchange.client.asking import asking
from exchange.client.types import Json
from exchange.config import Config

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: to a running exchange at `url`, or without one to the stopped exchange of `config`."""

    config: Config
    url: str | None
    api_key: ApiKey | None

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str | int | None] | None = None,
    ) -> Json:
        """The reply. Raises Failure."""
        if self.url is None and self.api_key is None:
            from exchange.runtime import offline

            asked = {name: value for name, value in (query or {}).items() if value is not None}
            return await offline.call(self.config, method, path + (f"?{urlencode(asked)}" if asked else ""), body)
        async with asking(self.url or DEFAULT_URL, self.api_key) as client:
            return await client.call(method, path, query=query, body=body)
