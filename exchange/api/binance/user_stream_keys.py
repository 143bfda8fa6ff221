"""Listen keys: a key that opens the stream of a user's events, and ends an hour after it was last renewed.

A user has one at a time. Listen keys are in memory only: after a restart a client makes another, as it does after an
hour.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError

LIFE_S: Final = 3600.0
KEYS_MAX: Final = 100_000
KEY_BYTES: Final = 32

Ended = Callable[[str], None]
"""Called with a key that has ended."""


class ListenKey:
    """One key: whose it is, by which API key and from where it was made, and until when it is good."""

    __slots__ = ("address", "api_key", "until_s", "user_id")

    def __init__(self, user_id: str, api_key: str, address: str | None) -> None:
        self.user_id = user_id
        self.api_key = api_key
        self.address = address
        self.until_s = 0.0


class ListenKeys:
    """All keys, and the calls about them. `ended` is told of each key that ends."""

    def __init__(self, now_s: Callable[[], float], usable: Callable[[str, str | None], bool]) -> None:
        """`usable`: whether an API key still is."""
        self._now_s = now_s
        self._usable = usable
        self._keys: dict[str, ListenKey] = {}
        self._of_user: dict[str, str] = {}
        self.ended: Ended | None = None

    def find(self, name: str) -> ListenKey | None:
        """The key of that name, if it is good."""
        found = self._keys.get(name)
        if found is None or found.until_s <= self._now_s() or not self._usable(found.api_key, found.address):
            return None
        return found

    def sweep(self) -> None:
        """End the keys whose time is over, and those of API keys that have ended."""
        for name in list(self._keys):
            if self.find(name) is None:
                self._end(name)

    # --- calls

    async def start(self, asked: Asked) -> Any:
        """A key of the user: the one there is, renewed, or a new one."""
        asked.params.done()
        name = self._of_user.get(asked.user_id)
        if name is None or self.find(name) is None:
            if name is not None:
                self._end(name)
            if len(self._keys) >= KEYS_MAX:
                raise BinanceError(-1003, "Too many requests queued.", 429)
            name = secrets.token_hex(KEY_BYTES)
            self._keys[name] = ListenKey(asked.user_id, asked.api_key, asked.address)
            self._of_user[asked.user_id] = name
        self._keys[name].until_s = self._now_s() + LIFE_S
        return {"listenKey": name}

    async def renew(self, asked: Asked) -> Any:
        """Keep a key for another hour."""
        self._known(asked).until_s = self._now_s() + LIFE_S
        return {}

    async def stop(self, asked: Asked) -> Any:
        """End a key."""
        name = asked.params.needed("listenKey")
        self._known(asked)
        self._end(name)
        return {}

    def _known(self, asked: Asked) -> ListenKey:
        found = self.find(asked.params.needed("listenKey"))
        asked.params.done()
        if found is None or found.user_id != asked.user_id:
            raise BinanceError(-1125, "This listenKey does not exist.")
        return found

    def _end(self, name: str) -> None:
        key = self._keys.pop(name)
        if self._of_user.get(key.user_id) == name:
            del self._of_user[key.user_id]
        if self.ended is not None:
            self.ended(name)
