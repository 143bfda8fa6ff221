"""Keys of several users, for a program that acts for all of them: a replay, a demo, a test.

It is told one key, an administrator's, and makes one for each user when a call first names them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from exchange.client.errors import ApiError
from exchange.client.signing import ApiKey
from exchange.client.types import Json

Ask = Callable[[str, str, dict[str, Any] | None], Awaitable[Json]]
LABEL = "key-ring"


class KeyRing:
    """The keys of users by name, and `admin`, the key that signs the calls under `/admin`."""

    def __init__(self, admin: ApiKey) -> None:
        self.admin = admin
        self._keys: dict[str, ApiKey] = {}
        self._making = asyncio.Lock()

    async def of(self, user_id: str, ask: Ask) -> ApiKey:
        """The key of a user, who is created if need be; `ask` sends a call that `admin` signs, and raises as it does.

        A key whose reply was lost is made again: the first one then serves nobody.
        """
        async with self._making:
            if user_id not in self._keys:
                await ask("POST", "/admin/users", {"user_id": user_id})
                made = await self._made(user_id, ask)
                self._keys[user_id] = ApiKey.hmac(made["api_key"], made["secret"])
            return self._keys[user_id]

    async def _made(self, user_id: str, ask: Ask) -> Json:
        """A new key. A user with all the keys that one may have loses those of earlier programs."""
        wanted = {"user_id": user_id, "type": "hmac", "permissions": ["read", "trade"], "label": LABEL}
        try:
            return await ask("POST", "/admin/keys", wanted)
        except ApiError as error:
            if error.code != "TOO_MANY_KEYS":
                raise
        page = await ask("GET", f"/admin/keys?user_id={quote(user_id)}&limit=1000", None)
        for key in page["keys"]:
            if key["label"] == LABEL:
                await ask("DELETE", "/admin/keys", {"api_key": key["api_key"]})
        return await ask("POST", "/admin/keys", wanted)
