"""Addresses of clients: whom one counts as where clients are limited, and which networks it is in.

An IPv4 address that is written as IPv6, as a socket for both shows it, is that IPv4 address everywhere.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED: Final = bytes(10) + b"\xff\xff"  # before an IPv4 address that is written as IPv6
_MAPPED_BITS: Final = 96


def client_of(address: str) -> str:
    """Whom an address counts as: of IPv6 its network of 64 bits, since a client has all of that.

    An IPv4 address is itself; what is no address is too.
    """
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):
        return address
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(_MAPPED) :])
    return f"{socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8))}/64"


def address_of(text: str) -> Address | None:
    """The address, without the scope of IPv6; None if it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def network_of(text: str) -> Network:
    """The network, or that of the one address. Raises ValueError."""
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def is_within(text: str | None, networks: list[Network]) -> bool:
    """Whether the address is in one of the networks; what is no address is in none."""
    address = None if text is None else address_of(text)
    return address is not None and any(address in network for network in networks)
