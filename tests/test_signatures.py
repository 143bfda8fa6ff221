"""Signatures and the vault by themselves: bounds, times at their edges, and what cannot be opened."""

import base64
import hashlib
import hmac
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from exchange.api.http.request import Request
from exchange.config import AuthConfig, Config, DatabaseConfig, load, packaged_config
from exchange.core.administration import ApiKey, CreateKey, CreateUser, Keys, KeyType, Origin
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.runtime.master_key import open_vault
from exchange.service.codes import Code, Refused
from exchange.service.key_authenticator import AHEAD_NS, KeyAuthenticator
from exchange.service.principal import Claim, Permission
from exchange.service.signatures import GROUP_NS, HmacVerifier, UsedSignatures, public_material
from exchange.service.vault import Vault, WrongMasterKey, from_text, to_text

MASTER = bytes(range(32))
SECRET = "a secret"
S = 1_000_000_000
START_NS = 1_700_000_000 * S
WINDOW_NS = 5 * S
KEY = ApiKey("k1", "ann", KeyType.HMAC, "", ("read", "trade"), None, (), None, START_NS)
ROOT = Origin("root", None)


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns


def authenticator(clock: Clock, *, signatures_max: int = 10, **changes: object) -> KeyAuthenticator:
    vault, keys = Vault(MASTER), Keys()
    keys.add(replace(KEY, material=vault.seal(SECRET, "k1"), **changes))  # type: ignore[arg-type]
    return KeyAuthenticator(keys, vault, clock, since_ns=START_NS, window_ns=WINDOW_NS, signatures_max=signatures_max)


def signed(time_ns: int, path: str = "/balance") -> Request:
    timestamp = str(time_ns // 1000)
    signature = hmac.new(SECRET.encode(), f"{timestamp}GET{path}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-api-key": "k1", "x-timestamp": timestamp, "x-signature": signature}
    return Request("GET", path.encode(), path, "", headers, b"", b"", "127.0.0.1", "id")


def answer(authenticating: KeyAuthenticator, request: Request) -> str:
    try:
        return authenticating.authenticate(request, Permission.READ).user_id or "nobody"
    except Refused as refused:
        return refused.code.value


def test_a_timestamp_counts_from_the_window_before_to_a_second_after_now() -> None:
    clock = Clock()
    authenticating = authenticator(clock)
    clock.now_ns += 100 * S
    for shift_ns, expected in (
        (-WINDOW_NS, "ann"),
        (-WINDOW_NS - 1000, "TIMESTAMP_OUT_OF_WINDOW"),
        (AHEAD_NS, "ann"),
        (AHEAD_NS + 1000, "TIMESTAMP_OUT_OF_WINDOW"),
    ):
        assert answer(authenticating, signed(clock.now_ns + shift_ns)) == expected, shift_ns


@pytest.mark.parametrize(
    "timestamp",
    ["", "1", "17000000000001", "17000000000000.0", "+700000000000", chr(0xFF10) * 13, "²700000000000"],
)
def test_what_is_no_timestamp_is_refused(timestamp: str) -> None:
    request = signed(START_NS)
    headers = {**request.headers, "x-timestamp": timestamp}
    asked = Request("GET", request.target, "/balance", "", headers, b"", b"", "127.0.0.1", "id")
    expected = "TIMESTAMP_OUT_OF_WINDOW" if timestamp else "UNAUTHENTICATED"
    assert answer(authenticator(Clock()), asked) == expected


def test_nothing_from_before_the_start_counts() -> None:
    authenticating = authenticator(Clock())
    assert answer(authenticating, signed(START_NS - 1000)) == "TIMESTAMP_OUT_OF_WINDOW"
    assert answer(authenticating, signed(START_NS)) == "ann"


def test_a_signature_is_remembered_for_as_long_as_it_could_count() -> None:
    clock = Clock()
    authenticating = authenticator(clock)
    early = signed(START_NS + AHEAD_NS)
    assert answer(authenticating, early) == "ann"
    clock.now_ns = START_NS + AHEAD_NS + WINDOW_NS
    assert answer(authenticating, early) == "REPLAYED"
    clock.now_ns += 1
    assert answer(authenticating, early) == "TIMESTAMP_OUT_OF_WINDOW"


def test_used_signatures_are_bounded_and_full_is_an_answer() -> None:
    clock = Clock()
    authenticating = authenticator(clock, signatures_max=3)
    answers = [answer(authenticating, signed(START_NS + number * 1000)) for number in range(5)]
    assert answers == ["ann", "ann", "ann", "OVERLOADED", "OVERLOADED"]
    assert answer(authenticating, signed(START_NS)) == "REPLAYED"
    clock.now_ns += WINDOW_NS + AHEAD_NS + 1
    assert answer(authenticating, signed(clock.now_ns)) == "ann"


def test_each_signature_is_kept_for_its_time_and_forgotten_soon_after() -> None:
    clock = Clock()
    authenticating = authenticator(clock, signatures_max=1000)
    first = [signed(START_NS + number * 1000) for number in range(3)]
    assert [answer(authenticating, request) for request in first] == ["ann"] * 3
    clock.now_ns += GROUP_NS // 2
    late = signed(clock.now_ns + AHEAD_NS)
    assert answer(authenticating, late) == "ann"
    clock.now_ns += GROUP_NS
    assert answer(authenticating, signed(clock.now_ns)) == "ann"
    clock.now_ns = START_NS + GROUP_NS // 2 + AHEAD_NS + WINDOW_NS
    assert answer(authenticating, late) == "REPLAYED"
    assert len(authenticating._used) == 5
    clock.now_ns += 1
    assert answer(authenticating, signed(clock.now_ns)) == "ann"
    assert len(authenticating._used) == 2
    clock.now_ns += 2 * (AHEAD_NS + WINDOW_NS)
    for _ in range(2):
        assert answer(authenticating, again := signed(clock.now_ns)) == "ann"
        assert answer(authenticating, again) == "REPLAYED"
        assert len(authenticating._used) == 1
        clock.now_ns += 2 * (AHEAD_NS + WINDOW_NS)


def test_signatures_that_are_kept_for_less_than_a_group_lasts_are_forgotten_too() -> None:
    used = UsedSignatures(2, GROUP_NS // 1000)
    for number in range(9):
        used.use(bytes([number]), START_NS + number * GROUP_NS // 100)
        assert len(used) == 1


def test_a_key_that_is_revoked_or_made_anew_counts_at_once() -> None:
    clock, vault, keys = Clock(), Vault(MASTER), Keys()
    authenticating = KeyAuthenticator(keys, vault, clock, since_ns=START_NS, window_ns=WINDOW_NS, signatures_max=10)
    held = replace(KEY, material=vault.seal(SECRET, "k1"))
    times = iter(range(START_NS, START_NS + S, 1000))
    assert answer(authenticating, signed(next(times))) == "UNAUTHENTICATED"
    keys.add(held)
    assert answer(authenticating, signed(next(times))) == "ann"
    keys.add(replace(held, api_key="k2", user_id="cyd"))
    assert answer(authenticating, signed(next(times))) == "ann"
    keys.remove("k1")
    assert answer(authenticating, signed(next(times))) == "UNAUTHENTICATED"
    keys.add(replace(held, user_id="bob"))
    assert answer(authenticating, signed(next(times))) == "bob"
    keys.remove("k1")
    keys.add(replace(held, material=vault.seal("another secret", "k1")))
    assert answer(authenticating, signed(next(times))) == "UNAUTHENTICATED"


def test_a_principal_has_the_address_of_its_own_request() -> None:
    authenticating = authenticator(Clock(), allowed_addresses=("127.0.0.0/24",))
    for number, address in enumerate(("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.1")):
        request = signed(START_NS + number * 1000)
        request.address = address
        assert authenticating.authenticate(request, Permission.READ).address == address
    request = signed(START_NS + 9000)
    request.address = "127.0.1.1"
    assert answer(authenticating, request) == "FORBIDDEN"


def test_two_sockets_of_one_key_are_held_apart() -> None:
    authenticating, ended = authenticator(Clock()), []
    for number in range(2):
        timestamp = str(START_NS // 1000 + number)
        signature = hmac.new(SECRET.encode(), f"{timestamp}AUTH".encode(), hashlib.sha256).hexdigest()
        principal = authenticating.sign_in(Claim("k1", timestamp, signature, ""), "127.0.0.1")
        authenticating.hold(principal, lambda number=number: ended.append(number))  # type: ignore[misc]
    authenticating._keys.remove("k1")
    authenticating.sweep()
    assert ended == [0, 1]


def test_what_is_wrong_takes_no_room() -> None:
    used = UsedSignatures(1, 10)
    clock = Clock()
    authenticating = authenticator(clock, signatures_max=1)
    for _ in range(3):
        wrong = signed(START_NS)
        wrong.headers["x-signature"] = "0" * 64  # type: ignore[index]
        assert answer(authenticating, wrong) == "UNAUTHENTICATED"
    assert answer(authenticating, signed(START_NS)) == "ann"
    assert len(used) == 0


def test_a_key_ends_at_its_time() -> None:
    clock = Clock()
    authenticating = authenticator(clock, expires_ns=START_NS + S)
    principal = authenticating.authenticate(signed(START_NS), Permission.READ)
    ended: list[str] = []
    authenticating.hold(principal, lambda: ended.append("ended"))
    authenticating.sweep()
    clock.now_ns += S - 1
    authenticating.check(principal)
    clock.now_ns += 1
    assert answer(authenticating, signed(clock.now_ns)) == "UNAUTHENTICATED"
    with pytest.raises(Refused):
        authenticating.check(principal)
    authenticating.sweep()
    authenticating.sweep()
    assert ended == ["ended"]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fe80::1%eth0", True),
        ("11.1.2.3", False),
        ("::1", False),
        ("", False),
        (None, False),
        ("10.evil", False),
    ],
)
def test_an_address_is_allowed_or_not(address: str | None, allowed: bool) -> None:
    authenticating = authenticator(Clock(), allowed_addresses=("10.0.0.0/8", "fe80::/10"))
    request = signed(START_NS)
    request.address = address
    assert answer(authenticating, request) == ("ann" if allowed else "FORBIDDEN")


def test_a_claim_of_a_socket_is_no_request() -> None:
    authenticating, timestamp = authenticator(Clock()), str(START_NS // 1000)
    signature = hmac.new(SECRET.encode(), f"{timestamp}AUTH".encode(), hashlib.sha256).hexdigest()
    assert authenticating.sign_in(Claim("k1", timestamp, signature, ""), None).user_id == "ann"
    with pytest.raises(Refused) as refused:
        authenticating.sign_in(Claim("k1", timestamp, signature, ""), None)
    assert refused.value.code is Code.REPLAYED


# --- the vault


@pytest.mark.parametrize("length", [0, 1, 31, 63, 64, 65, 200])
def test_a_secret_of_any_length_signs_any_message(length: int) -> None:
    secret = bytes(range(length))
    verifier = HmacVerifier(secret)
    for size in (0, 1, 55, 56, 63, 64, 65, 1000):
        message = bytes([size % 251]) * size
        expected = hmac.digest(secret, message, "sha256")
        assert verifier.verified(expected.hex(), message) == expected
        assert verifier.verified(expected.hex().upper(), message) == expected
        assert verifier.verified(expected.hex(), message + b"x") is None


def test_a_sealed_secret_is_opened_by_its_master_key_under_its_own_name_only() -> None:
    sealed = Vault(MASTER).seal(SECRET, "k1")
    assert SECRET not in sealed
    assert Vault(MASTER).seal(SECRET, "k1") != sealed
    assert Vault(MASTER).unseal(sealed, "k1") == SECRET.encode()
    for vault, text, name in (
        (Vault(bytes(32)), sealed, "k1"),
        (Vault(MASTER), sealed, "k2"),
        (Vault(MASTER), sealed[:-4] + "AAAA", "k1"),
        (Vault(MASTER), "", "k1"),
    ):
        with pytest.raises(WrongMasterKey):
            vault.unseal(text, name)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 32, bytes(range(33))])
def test_what_is_stored_as_text_comes_back(data: bytes) -> None:
    assert from_text(to_text(data)) == data


@pytest.mark.parametrize("key_type", [KeyType.ED25519, KeyType.RSA])
@pytest.mark.parametrize(
    "text", ["", "AAAA", "-----BEGIN PUBLIC KEY-----\n", base64.b64encode(bytes(31)).decode(), "é", "A" * 5000]
)
def test_what_is_no_public_key_is_refused(key_type: KeyType, text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        public_material(key_type, text)


def rsa_key(exponent: int) -> str:
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_key_whose_signatures_would_cost_too_much_is_refused() -> None:
    assert public_material(KeyType.RSA, rsa_key(65537))
    with pytest.raises(ValueError, match="exponent"):
        public_material(KeyType.RSA, rsa_key(2**2000 + 1))


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        bytes([1, *bytes(31)]),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),  # of order 8
        b"\xff" * 32,
    ],
)
def test_an_ed25519_key_that_nobody_can_have_is_refused(point: bytes) -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        public_material(KeyType.ED25519, base64.b64encode(point).decode())


def test_an_allowed_network_of_ipv4_may_be_written_as_ipv6() -> None:
    authenticating, request = authenticator(Clock(), allowed_addresses=("::ffff:127.0.0.0/104",)), signed(START_NS)
    assert answer(authenticating, request) == "ann"


# --- the master key


def test_the_first_start_makes_the_file_and_the_next_one_reads_it(tmp_path: Path) -> None:
    config, venue = Config(), Venue()
    sealed = open_vault(config, tmp_path / "new", venue).seal(SECRET, "k1")
    path = tmp_path / "new" / "master.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]
    assert open_vault(config, tmp_path / "new", venue).unseal(sealed, "k1") == SECRET.encode()


def with_key(material: str) -> Venue:
    venue = Venue()
    venue.apply(CreateUser("ann", ROOT), 1, 1)
    venue.apply(CreateKey(replace(KEY, material=material), ROOT), 2, 2)
    return venue


def test_a_master_key_that_is_missing_or_another_is_a_sentence(tmp_path: Path) -> None:
    venue = with_key(Vault(MASTER).seal(SECRET, "k1"))
    with pytest.raises(Failure, match=r"The master key is missing: there is no file .*master\.key"):
        open_vault(Config(), tmp_path, venue)
    path = tmp_path / "own.key"
    path.write_text(base64.b64encode(bytes(32)).decode())
    config = Config(auth=AuthConfig(master_key_file=str(path)))
    with pytest.raises(Failure, match="chmod 600"):
        open_vault(config, tmp_path, venue)
    path.chmod(0o600)
    with pytest.raises(Failure, match="is not the one"):
        open_vault(config, tmp_path, venue)
    path.write_text(base64.b64encode(MASTER).decode() + "\n")
    open_vault(config, tmp_path, venue)
    link = tmp_path / "link.key"
    link.symlink_to(path)
    with pytest.raises(Failure, match="cannot be read"):
        open_vault(Config(auth=AuthConfig(master_key_file=str(link))), tmp_path, venue)


def test_a_master_key_of_the_environment_is_taken_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = base64.b64encode(MASTER).decode()
    monkeypatch.setenv("EXCHANGE_AUTH_MASTER_KEY", text)
    config = load(packaged_config(), os.environ, {})
    assert text not in repr(config)
    open_vault(config, tmp_path, with_key(Vault(MASTER).seal(SECRET, "k1")))
    assert "EXCHANGE_AUTH_MASTER_KEY" not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_the_master_key_is_in_no_text_of_the_configuration() -> None:
    config = Config(auth=AuthConfig(master_key="c2VjcmV0"), database=DatabaseConfig())
    assert "c2VjcmV0" not in repr(config) + str(config.auth)
