"""Where a request comes from, if a reverse proxy passes it on.

Only proxies that the configuration lists are believed. Each adds the address of whoever has sent it the request to the
end of X-Forwarded-For, so the client is the last address there that is no such proxy. What stands before it anybody can
have written.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

HEADER: Final = "x-forwarded-for"
HOPS_MAX: Final = 20


class TrustedProxies:
    """The proxies that are believed; `networks` are addresses and networks as text."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def trusts(self, peer: str | None) -> bool:
        """Whether the peer of a connection is such a proxy."""
        if not self._networks or peer is None:
            return False
        address = _address(peer)
        return address is not None and self._listed(address)

    def client(self, peer: str | None, headers: Mapping[str, str]) -> str | None:
        """The address of the client, given a peer that is trusted.

        It is that of the last hop known for certain where the header is missing, or says something else.
        """
        known = peer
        for hop in reversed(headers.get(HEADER, "").split(",")[-HOPS_MAX:]):
            address = _address(hop.strip())
            if address is None:
                break
            known = str(address)
            if not self._listed(address):
                break
        return known

    def _listed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, perhaps with a port behind it as some proxies write it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else IPv4Address(mapped)
