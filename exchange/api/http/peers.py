"""How many connections each address has, and how many it may have."""

import asyncio
from collections import Counter

from exchange.service.addresses import client_of


class Peers:
    """Counts connections by address. `connections_max` is of one address; 0: as many as it likes.

    Those that have not finished their TLS handshake are counted apart, and count as well.
    """

    def __init__(self, connections_max: int) -> None:
        self._connections_max = connections_max
        self._counts: Counter[str] = Counter()
        self._shaking: Counter[str] = Counter()
        self._addresses: dict[asyncio.Transport, str] = {}

    def enter(self, transport: asyncio.Transport, address: str | None) -> bool:
        """Count a connection, unless its address has as many as it may have. A Unix socket has no address."""
        if not self._connections_max or address is None:
            return True
        client = client_of(address)
        if self._counts[client] >= self._connections_max:
            return False
        self._counts[client] += 1
        self._addresses[transport] = client
        return True

    def leave(self, transport: asyncio.Transport | None) -> None:
        """The connection is gone, if it was counted."""
        client = None if transport is None else self._addresses.pop(transport, None)
        if client is not None:
            _one_less(self._counts, client)

    def begin(self, address: str) -> bool:
        """Count a TLS handshake until `ended`, unless its address has as many connections as it may have."""
        client = client_of(address)
        if self._connections_max and self._counts[client] + self._shaking[client] >= self._connections_max:
            return False
        self._shaking[client] += 1
        return True

    def ended(self, address: str) -> None:
        """A handshake that was counted is over: `enter` counts the connection, if there is one."""
        _one_less(self._shaking, client_of(address))


def _one_less(counts: Counter[str], client: str) -> None:
    counts[client] -= 1
    if not counts[client]:
        del counts[client]
