"""Who a key is of, and whether it has signed: for dialects that judge themselves when a signature is too old.

In mode `keys` the keys are those of the exchange. In dev mode every user has one key that is made of the user's name,
`USER-key` with the secret `USER-secret`; it exists in memory only.
"""

from functools import lru_cache
from typing import Final, Protocol

from exchange.service.codes import Code, Refused
from exchange.service.principal import CLIENT, Principal, Users
from exchange.service.signatures import HmacVerifier

KEY_END: Final = "-key"
SECRET_END: Final = "-secret"


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


class DevSigners:
    """Those of dev mode."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def owner(self, api_key: str, address: str | None) -> Principal:
        """See Signers."""
        user_id = api_key.removesuffix(KEY_END)
        if user_id == api_key or not self._users.has_user(user_id):
            raise Refused(Code.UNAUTHENTICATED)
        return Principal(user_id, CLIENT, address)

    def signed(self, api_key: str, signature: str, message: bytes, address: str | None) -> Principal | None:
        """See Signers."""
        principal = self.owner(api_key, address)
        assert principal.user_id is not None
        verifier = _verifier(principal.user_id)
        return principal if verifier.verified(signature, message) is not None else None

    def may_log_on(self, api_key: str) -> bool:
        """See Signers: these keys have shared secrets."""
        return False


@lru_cache(maxsize=1000)
def _verifier(user_id: str) -> HmacVerifier:
    return HmacVerifier((user_id + SECRET_END).encode())
