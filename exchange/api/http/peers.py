"""How many connections each address has, and how many it may have."""

import asyncio
from collections import Counter


class Peers:
    """Counts connections by address. `connections_max` is of one address; 0: as many as it likes."""

    def __init__(self, connections_max: int) -> None:
        self._connections_max = connections_max
        self._counts: Counter[str] = Counter()
        self._addresses: dict[asyncio.Transport, str] = {}

    def enter(self, transport: asyncio.Transport, address: str | None) -> bool:
        """Count a connection, unless its address has as many as it may have. A Unix socket has no address."""
        if not self._connections_max or address is None:
            return True
        if self._counts[address] >= self._connections_max:
            return False
        self._counts[address] += 1
        self._addresses[transport] = address
        return True

    def leave(self, transport: asyncio.Transport | None) -> None:
        """The connection is gone, if it was counted."""
        address = None if transport is None else self._addresses.pop(transport, None)
        if address is None:
            return
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
