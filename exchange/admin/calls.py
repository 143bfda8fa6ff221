"""One administrative call: of a running exchange by HTTP, or on the database of one that is stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from exchange.client import ApiError, ApiKey, Client, Unreachable
from exchange.client.types import Json
from exchange.config import Config
from exchange.failure import Failure

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: to a running exchange at `url`, or without one to the stopped exchange of `config`."""

    config: Config
    url: str | None
    key_file: Path | None

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str | int | None] | None = None,
    ) -> Json:
        """The reply. Raises Failure."""
        if self.url is None and self.key_file is None:
            from exchange.runtime import offline

            asked = {name: value for name, value in (query or {}).items() if value is not None}
            return await offline.call(self.config, method, path + (f"?{urlencode(asked)}" if asked else ""), body)
        return await _call(self.url or DEFAULT_URL, self.key_file, method, path, body, query)


async def _call(
    url: str,
    key_file: Path | None,
    method: str,
    path: str,
    body: Json | None,
    query: Mapping[str, str | int | None] | None,
) -> Json:
    try:
        async with Client(url, key=load_key(key_file)) as client:
            return await client.call(method, path, query=query, body=body)
    except ApiError as error:
        raise Failure(f"The exchange refused this: {error.code}: {error.message}") from error
    except Unreachable as error:
        raise Failure(f"The exchange at {url} cannot be reached: {error}.") from error


def load_key(path: Path | None) -> ApiKey | None:
    """The key of a file. Raises Failure."""
    if path is None:
        return None
    try:
        return ApiKey.load(path)
    except OSError as error:
        raise Failure(f"The key file {path} cannot be read: {error.strerror or error}.", 2) from error
    except ValueError as error:
        raise Failure(f"The key file cannot be used: {error}.", 2) from error
