"""Who a key is of, and whether it has signed: for dialects that judge themselves when a signature is too old.

In mode `keys` the keys are those of the exchange. In dev mode every user has one key that is made of the user's name,
`USER-key` with the secret `USER-secret`; it exists in memory only.
"""

from collections.abc import Callable
from typing import Final, Protocol

from exchange.service.codes import Code, Refused
from exchange.service.principal import CLIENT, Principal, Users
from exchange.service.signatures import HmacVerifier

KEY_END: Final = "-key"
SECRET_END: Final = "-secret"
KNOWN_MAX: Final = 10_000  # keys that are kept with what verifies them; then all are forgotten


class Signers(Protocol):
    """Keys and their owners."""

    def owner(self, api_key: str, address: str | None) -> Principal:
        """Whose key it is, without a signature. Raises Refused."""

    def signed(self, api_key: str, signature: str, message: bytes, address: str | None) -> Principal | None:
        """Whose key it is, if the signature is its signature of the message; else None. Raises Refused.

        A signature may be verified any number of times.
        """

    def may_log_on(self, api_key: str) -> bool:
        """Whether a socket may act by the key once it has signed one request with it. The key is known."""

    def when_revoked(self, call: Callable[[], None]) -> None:
        """Call it whenever keys that were used have been revoked, before the revocation is answered."""


class _DevKey:
    """The key of a user, in the form in which it is asked for."""

    __slots__ = ("principal", "user_id", "verifier")

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.verifier = HmacVerifier((user_id + SECRET_END).encode())
        self.principal = Principal(user_id, CLIENT, None)


class DevSigners:
    """Those of dev mode."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._known: dict[str, _DevKey] = {}

    def owner(self, api_key: str, address: str | None) -> Principal:
        """See Signers."""
        return _principal(self._find(api_key), address)

    def signed(self, api_key: str, signature: str, message: bytes, address: str | None) -> Principal | None:
        """See Signers."""
        key = self._find(api_key)
        return _principal(key, address) if key.verifier.verified(signature, message) is not None else None

    def _find(self, api_key: str) -> _DevKey:
        key = self._known.get(api_key)
        if key is not None:
            if self._users.has_user(key.user_id):
                return key
            raise Refused(Code.UNAUTHENTICATED)
        user_id = api_key.removesuffix(KEY_END)
        if user_id == api_key or not self._users.has_user(user_id):
            raise Refused(Code.UNAUTHENTICATED)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        key = self._known[api_key] = _DevKey(user_id)
        return key

    def may_log_on(self, api_key: str) -> bool:
        """See Signers: these keys have shared secrets."""
        return False

    def when_revoked(self, call: Callable[[], None]) -> None:
        """See Signers: these keys are never revoked."""


def _principal(key: _DevKey, address: str | None) -> Principal:
    """The owner of a key who asks from there. Most requests of one user come from one address."""
    if key.principal.address != address:
        key.principal = Principal(key.user_id, CLIENT, address)
    return key.principal
