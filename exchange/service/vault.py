"""Seals the secrets of HMAC keys with the master key, so that neither the database nor a backup of it gives them away.

AES-256-GCM, with a nonce of chance for each secret; the id of the key is authenticated with it, so a sealed secret
cannot be put under another key. Leaves out where the master key comes from.
"""

import base64
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_KEY_BYTES: Final = 32
_NONCE_BYTES = 12


class WrongMasterKey(Exception):
    """A secret was sealed with another master key."""


class Vault:
    """Holds the master key."""

    def __init__(self, master_key: bytes) -> None:
        assert len(master_key) == MASTER_KEY_BYTES
        self._cipher = AESGCM(master_key)

    def seal(self, secret: str, api_key: str) -> str:
        """The secret as it may be stored."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return to_text(nonce + self._cipher.encrypt(nonce, secret.encode(), api_key.encode()))

    def unseal(self, sealed: str, api_key: str) -> bytes:
        """The secret. Raises WrongMasterKey."""
        try:
            stored = from_text(sealed)
            return self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], api_key.encode())
        except (InvalidTag, ValueError):
            raise WrongMasterKey from None


def to_text(data: bytes) -> str:
    """Base64url without padding: letters that the tables hold without quotes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """What `to_text` made a text of."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
