"""Signs requests with an API key: HMAC-SHA256, or Ed25519 where the library `cryptography` is installed.

A key file is a JSON object with `api_key`, and `secret` or `private_key` (Ed25519, as PEM); only its owner may read it.
"""

import base64
import hmac
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import orjson

FILE_BYTES_MAX = 100_000


class ApiKey:
    """An API key with what it signs with; `sign` makes the signature of a message. Its text shows no secret."""

    def __init__(self, api_key: str, sign: Callable[[bytes], str]) -> None:
        self.api_key = api_key
        self._sign = sign

    def __repr__(self) -> str:
        return f"ApiKey({self.api_key!r})"

    @classmethod
    def hmac(cls, api_key: str, secret: str) -> Self:
        """A key of type hmac."""
        shared = secret.encode()
        return cls(api_key, lambda message: hmac.digest(shared, message, "sha256").hex())

    @classmethod
    def ed25519(cls, api_key: str, private_key: str | bytes) -> Self:
        """A key of type ed25519; the private key is PEM without a password, or 32 bytes. Raises ValueError."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if isinstance(private_key, bytes):
            private = Ed25519PrivateKey.from_private_bytes(private_key)
        else:
            loaded = load_pem_private_key(private_key.encode(), None)
            if not isinstance(loaded, Ed25519PrivateKey):
                raise ValueError("the private key is not of type Ed25519")
            private = loaded
        return cls(api_key, lambda message: base64.b64encode(private.sign(message)).decode())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The key of a file. Raises ValueError, whose text says what is wrong with it, or OSError."""
        with open(path, "rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise ValueError(f"{path} may be read by others: chmod 600 {path}")
            text = file.read(FILE_BYTES_MAX)
        try:
            fields = orjson.loads(text)
            api_key, secret, private_key = fields["api_key"], fields.get("secret"), fields.get("private_key")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} must be a JSON object with api_key, and secret or private_key") from None
        if isinstance(secret, str):
            return cls.hmac(str(api_key), secret)
        if isinstance(private_key, str):
            return cls.ed25519(str(api_key), private_key)
        raise ValueError(f"{path} has neither secret nor private_key")

    def signature(self, message: bytes) -> str:
        """The signature of a message, for what is signed in another way than `headers` does."""
        return self._sign(message)

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The headers that sign a request; `target` is path and query as they are sent. Every call's are others."""
        timestamp, nonce = _now(), secrets.token_hex(8)
        message = f"{timestamp}{nonce}{method}{target}".encode() + body
        return {
            "X-API-Key": self.api_key,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": self._sign(message),
        }

    def auth(self) -> dict[str, str]:
        """The message that signs a socket in."""
        timestamp, nonce = _now(), secrets.token_hex(8)
        return {
            "message_type": "AUTH",
            "api_key": self.api_key,
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": self._sign(f"{timestamp}{nonce}AUTH".encode()),
        }


def _now() -> str:
    """Microseconds since the epoch."""
    return str(time.time_ns() // 1000)
