"""Addresses of clients: whom one counts as, and the networks that it is in."""

import pytest

from exchange.api.http.peers import Peers
from exchange.config import LimitsConfig
from exchange.service.addresses import address_of, is_within, network_of
from exchange.service.codes import Refused
from exchange.service.limits import RateLimits


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::1", "no:address", False),
        ("", "::", False),
    ],
)
def test_a_network_of_ipv6_is_one_client(one: str, other: str, same: bool) -> None:
    limits = RateLimits(LimitsConfig(requests_burst=1), lambda: 0.0, enabled=True)
    limits.request(one)
    if same:
        with pytest.raises(Refused):
            limits.request(other)
    else:
        limits.request(other)
    peers = Peers(1)
    assert peers.begin(one)
    assert peers.begin(other) is not same


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "11.1.2.3", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("::/0", "10.1.2.3", False),
        ("::/0", "2001:db8::1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("0.0.0.0/0", "", False),
        ("0.0.0.0/0", "localhost", False),
    ],
)
def test_an_ipv4_address_is_the_same_however_it_is_written(network: str, address: str, inside: bool) -> None:
    assert is_within(address, [network_of(network)]) is inside


def test_what_is_no_address_is_in_no_network() -> None:
    assert address_of("10.evil") is None
    assert not is_within(None, [network_of("0.0.0.0/0")])
    assert not is_within("10.0.0.1", [])
    with pytest.raises(ValueError, match="host bits"):
        network_of("10.0.0.1/8")
