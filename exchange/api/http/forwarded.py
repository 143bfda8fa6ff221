"""Where a request comes from, if a reverse proxy passes it on.

Only proxies that the configuration lists are believed. Each adds the address of whoever has sent it the request to the
end of X-Forwarded-For, so the client is the last address there that is no such proxy. What stands before it anybody can
have written.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from exchange.service.addresses import Address, Network, address_of, is_within, network_of

HEADER: Final = "x-forwarded-for"
HOPS_MAX: Final = 20


class TrustedProxies:
    """The proxies that are believed; `networks` are addresses and networks as text."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[Network] = [network_of(network) for network in networks]

    def trusts(self, peer: str | None) -> bool:
        """Whether the peer of a connection is such a proxy."""
        return bool(self._networks) and is_within(peer, self._networks)

    def client(self, peer: str | None, headers: Mapping[str, str]) -> str | None:
        """The address of the client, given a peer that is trusted.

        It is that of the last hop known for certain where the header is missing, or says something else.
        """
        known = peer
        for hop in reversed(headers.get(HEADER, "").split(",")[-HOPS_MAX:]):
            address = _address_of_hop(hop.strip())
            if address is None:
                break
            known = str(address)
            if not any(address in network for network in self._networks):
                break
        return known


def _address_of_hop(text: str) -> Address | None:
    """An address, perhaps with a port behind it as some proxies write it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return address_of(text)
