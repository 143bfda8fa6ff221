"""Signatures: what is signed, and whether a signature is a key's. Each counts once.

HMAC-SHA256 as hex, Ed25519 and RSA (PKCS#1 v1.5, SHA-256) as base64. Every comparison of a secret takes the same time.
"""

import base64
import binascii
import hashlib
from collections import deque
from hmac import compare_digest
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from exchange.core.administration import ApiKey, KeyType
from exchange.service.codes import Code, Refused
from exchange.service.vault import Vault, from_text, to_text

RSA_BITS: Final = (2048, 4096)  # at least and at most
RSA_EXPONENT_MAX: Final = 2**32  # a larger one makes each signature cost milliseconds, right or wrong
PUBLIC_KEY_MAX: Final = 2000  # letters of one as text
GROUP_NS: Final = 10_000_000  # signatures of so long a time are kept and forgotten as one
FAR_NS: Final = 1 << 61
_HMAC_BYTES = 32
_BLOCK_BYTES = 64
_ED25519_BYTES = 64


class Verifier(Protocol):
    """One key's way to sign."""

    def verified(self, signature: str, message: bytes) -> bytes | None:
        """32 bytes that stand for the signature if it is the message's, else None."""


class HmacVerifier:
    """A shared secret. HMAC-SHA256 (RFC 2104) begins both of its hashes with the secret: that part is hashed once."""

    def __init__(self, secret: bytes) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in block]))
        self._outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in block]))

    def verified(self, signature: str, message: bytes) -> bytes | None:
        """See Verifier."""
        try:
            given = bytes.fromhex(signature) if len(signature) == 2 * _HMAC_BYTES else b""
        except ValueError:
            given = b""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        expected = outer.digest()
        return expected if compare_digest(given, expected) else None


class Ed25519Verifier:
    """A public key of 32 bytes."""

    def __init__(self, public_key: bytes) -> None:
        self._key = VerifyKey(public_key)

    def verified(self, signature: str, message: bytes) -> bytes | None:
        """See Verifier."""
        given = _from_base64(signature)
        if given is None or len(given) != _ED25519_BYTES:
            return None
        try:
            self._key.verify(message, given)
        except BadSignatureError:
            return None
        return hashlib.sha256(given).digest()


class RsaVerifier:
    """A public key as SubjectPublicKeyInfo in DER."""

    def __init__(self, public_key: bytes) -> None:
        key = serialization.load_der_public_key(public_key)
        assert isinstance(key, RSAPublicKey)
        self._key = key

    def verified(self, signature: str, message: bytes) -> bytes | None:
        """See Verifier."""
        given = _from_base64(signature)
        if given is None:
            return None
        try:
            self._key.verify(given, message, PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return None
        return hashlib.sha256(given).digest()


def verifier_of(key: ApiKey, vault: Vault) -> Verifier:
    """How the key's signatures are verified. Raises WrongMasterKey."""
    if key.key_type is KeyType.HMAC:
        return HmacVerifier(vault.unseal(key.material, key.api_key))
    public_key = from_text(key.material)
    return Ed25519Verifier(public_key) if key.key_type is KeyType.ED25519 else RsaVerifier(public_key)


def public_material(key_type: KeyType, text: str) -> str:
    """A public key, given as PEM or base64, as it is stored. Raises ValueError, whose text says what is wrong."""
    if len(text) > PUBLIC_KEY_MAX:
        raise ValueError("it is too long")
    try:
        if text.lstrip().startswith("-----BEGIN"):
            key = serialization.load_pem_public_key(text.encode("ascii", "replace"))
        else:
            data = base64.b64decode(text, validate=True)
            raw = key_type is KeyType.ED25519 and len(data) == 32
            key = Ed25519PublicKey.from_public_bytes(data) if raw else serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is neither PEM nor base64 of a public key") from None
    if key_type is KeyType.ED25519 and isinstance(key, Ed25519PublicKey):
        data = key.public_bytes_raw()
        if not crypto_core_ed25519_is_valid_point(data):
            raise ValueError("no signature can be of this Ed25519 key")
        return to_text(data)
    if key_type is KeyType.RSA and isinstance(key, RSAPublicKey):
        if not RSA_BITS[0] <= key.key_size <= RSA_BITS[1]:
            raise ValueError(f"an RSA key must have {RSA_BITS[0]} to {RSA_BITS[1]} bits")
        if key.public_numbers().e > RSA_EXPONENT_MAX:
            raise ValueError(f"the public exponent of an RSA key must be {RSA_EXPONENT_MAX} at most")
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return to_text(key.public_bytes(serialization.Encoding.DER, spki))
    raise ValueError(f"it is not a public key of type {key_type.value}")


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


class _Group:
    """Signatures that are forgotten together, when the time of the last of them is over."""

    __slots__ = ("forget_ns", "full_ns", "signatures")

    def __init__(self, full_ns: int) -> None:
        self.full_ns = full_ns  # from then on the next group takes what is used
        self.forget_ns = 0
        self.signatures: list[bytes] = []


class UsedSignatures:
    """The signatures that were used, for as long as their timestamps are in the window; bounded."""

    def __init__(self, count_max: int, keep_ns: int) -> None:
        self._max = count_max
        self._keep_ns = keep_ns
        self._used: set[bytes] = set()
        self._groups: deque[_Group] = deque()  # oldest first
        self._young = _Group(0)
        self._forget_ns = FAR_NS  # when the oldest group is to be forgotten

    def __len__(self) -> int:
        return len(self._used)

    def use(self, signature: bytes, now_ns: int) -> None:
        """Use it. Raises Refused if it was used before, or if there is no room for it."""
        used = self._used
        if self._forget_ns < now_ns:
            self._forget(now_ns)
        count = len(used)
        if count >= self._max:
            raise Refused(Code.REPLAYED if signature in used else Code.OVERLOADED)
        used.add(signature)
        if len(used) == count:
            raise Refused(Code.REPLAYED)
        young = self._young
        if now_ns >= young.full_ns:
            young = self._young = _Group(now_ns + GROUP_NS)
            self._groups.append(young)
        young.signatures.append(signature)
        young.forget_ns = now_ns + self._keep_ns
        if self._forget_ns == FAR_NS:
            self._forget_ns = young.forget_ns

    def _forget(self, now_ns: int) -> None:
        groups = self._groups
        while groups and groups[0].forget_ns < now_ns:
            self._used.difference_update(groups.popleft().signatures)
        if not groups:
            self._young = _Group(0)
        self._forget_ns = groups[0].forget_ns if groups else FAR_NS
