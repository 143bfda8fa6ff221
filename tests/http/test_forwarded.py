"""The client's address behind reverse proxies: believed from those that are listed, and from nobody else."""

from pathlib import Path

import pytest

from exchange.api.http.forwarded import TrustedProxies
from exchange.config import load
from exchange.failure import Failure

PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("fd00::1%eth0", True),
        ("fe80::1", False),
        ("192.0.2.1", False),
        ("", False),
        (None, False),
    ],
)
def test_a_peer_is_a_proxy_if_it_is_listed(peer: str | None, trusted: bool) -> None:
    assert PROXIES.trusts(peer) is trusted
    assert TrustedProxies([]).trusts(peer) is False


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        # Through two proxies; what the client has written itself stands before its address.
        ("192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("198.51.100.7, 192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("10.0.0.1, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1, 192.0.2.1", "192.0.2.1"),
        # Only proxies: the first of them sent the request.
        ("10.0.0.7, 10.0.0.9", "10.0.0.7"),
        # What is no address ends what is known.
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("192.0.2.1, nonsense", "127.0.0.1"),
        ("nonsense, 10.0.0.9", "10.0.0.9"),
        ("192.0.2.1,", "127.0.0.1"),
        ("1" * 9000, "127.0.0.1"),
        (",".join(["10.0.0.9"] * 5000), "10.0.0.9"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(header: str, client: str) -> None:
    assert PROXIES.client("127.0.0.1", {"x-forwarded-for": header}) == client


def test_a_proxy_that_says_nothing_is_the_client() -> None:
    assert PROXIES.client("127.0.0.1", {}) == "127.0.0.1"


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*", ""])
def test_what_is_no_address_or_network_is_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[server]\ntrusted_proxies = ["10.0.0.0/8", "{wrong}"]\n')
    with pytest.raises(Failure, match="must be an address or network such as") as failed:
        load(path, {}, {})
    assert failed.value.exit_code == 2
