"""Mode `keys`: a request is from whoever's key has signed it.

A request is signed over `timestamp + nonce + METHOD + path with query + body`, a socket over `timestamp + nonce +
"AUTH"`. What is refused is refused before anything of the request is read but its signature. Who cannot sign is told
the same whatever is wrong: the key, its end, or the signature.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from exchange.core.administration import ApiKey, Keys, KeyType
from exchange.service.addresses import Network, is_within, network_of
from exchange.service.codes import Code, Refused
from exchange.service.principal import NOBODY, Claim, Permission, Principal, RequestView
from exchange.service.signatures import UsedSignatures, Verifier, verifier_of
from exchange.service.vault import Vault

AHEAD_NS: Final = 1_000_000_000  # how far a timestamp may be ahead of the exchange's time
NS_PER_MS: Final = 1_000_000
MS_DIGITS: Final = 13  # of a timestamp in milliseconds
US_DIGITS: Final = 16  # in microseconds
_NONCE = re.compile(r"[A-Za-z0-9._-]{1,36}")
_NO = "The API key is unknown, revoked or expired, or the signature is wrong."


class _Known:
    """A key in the form in which it is asked for. It is the exchange's as of so many `changes` of the keys."""

    __slots__ = ("changes", "expires_ns", "key", "networks", "permissions", "principal", "verifier")

    def __init__(self, key: ApiKey, verifier: Verifier, changes: int) -> None:
        self.key = key
        self.verifier = verifier
        self.changes = changes
        self.expires_ns = key.expires_ns
        self.principal: Principal | None = None  # of the last request
        self.networks: list[Network] = [network_of(address) for address in key.allowed_addresses]
        self.permissions = _permissions(key.permissions)


class KeyAuthenticator:
    """Believes signatures. `keys` is live: a key counts as soon as it is there, and no longer when it is gone.

    Times are the exchange's. No timestamp from before `since_ns` counts, because what was used then is forgotten.
    """

    def __init__(
        self,
        keys: Keys,
        vault: Vault,
        now_ns: Callable[[], int],
        *,
        since_ns: int,
        window_ns: int,
        signatures_max: int,
    ) -> None:
        self._keys = keys
        self._vault = vault
        self._now_ns = now_ns
        self._since_ns = since_ns
        self._window_ns = window_ns
        self._used = UsedSignatures(signatures_max, window_ns + AHEAD_NS)
        self._known: dict[str, _Known] = {}
        self._held: dict[Principal, Callable[[], None]] = {}  # by sockets, and what ends each
        self._when_revoked: list[Callable[[], None]] = []

    def counts_in_s(self) -> float:
        """After how many seconds signatures of the current time count."""
        return max(0, self._since_ns - self._now_ns()) / 1_000_000_000

    def authenticate(self, request: RequestView, needed: Permission) -> Principal:
        """The user whose key has signed the request and has the permission. Raises Refused."""
        headers = request.headers
        api_key, timestamp = headers.get("x-api-key"), headers.get("x-timestamp")
        signature = headers.get("x-signature")
        if not api_key or not timestamp or not signature:
            raise _missing(headers)
        now_ns, address = self._now_ns(), request.address
        signed = request.target + request.raw_body
        claim = Claim(api_key, timestamp, signature, headers.get("x-nonce", ""))
        known, used = self._verified(claim, request.method, signed, now_ns)
        # Most requests of one key come from one address: one principal serves them.
        principal = known.principal
        if principal is None or principal.address != address:
            principal = known.principal = self._owner(known, address)
        self._used.use(used, now_ns)
        named = headers.get("x-user-id")
        if named is not None and named != principal.user_id:
            raise Refused(Code.FORBIDDEN, "X-User-Id names another user than the one who asks.")
        if needed not in principal.permissions:
            raise Refused(Code.FORBIDDEN, f"This needs the permission {needed.value}.")
        return principal

    def opened(self, request: RequestView) -> Principal:
        """A socket is nobody's until it has signed in."""
        return Principal(None, NOBODY, request.address)

    def sign_in(self, claim: Claim, address: str | None) -> Principal:
        """The user whose key has signed the claim of a socket. Raises Refused."""
        now_ns = self._now_ns()
        known, used = self._verified(claim, "AUTH", b"", now_ns)
        principal = self._owner(known, address)
        self._used.use(used, now_ns)
        return principal

    def check(self, principal: Principal) -> None:
        """Raise Refused if the key that it signed in with is gone or has expired."""
        if principal.api_key is not None:
            self._usable(principal.api_key)

    def hold(self, principal: Principal, end: Callable[[], None]) -> None:
        """A socket acts as the principal: call `end` when its key ends."""
        self._held[principal] = end

    def release(self, principal: Principal) -> None:
        """The socket no longer does."""
        self._held.pop(principal, None)

    def sweep(self) -> None:
        """End the sockets whose keys have ended. Call it when a key was revoked, and now and then."""
        for principal, end in list(self._held.items()):
            try:
                self.check(principal)
            except Refused:
                self.release(principal)
                end()
        revoked = [api_key for api_key in self._known if self._keys.find(api_key) is None]
        for api_key in revoked:
            del self._known[api_key]
        for call in self._when_revoked if revoked else ():
            call()

    # --- for dialects that judge themselves when a signature is too old

    def owner(self, api_key: str, address: str | None) -> Principal:
        """Whose key it is. Raises Refused."""
        return self._owner(self._usable(api_key), address)

    def signed(self, api_key: str, signature: str, message: bytes, address: str | None) -> Principal | None:
        """Whose key it is, if it has signed the message; else None. Raises Refused."""
        known = self._usable(api_key)
        verified = known.verifier.verified(signature, message)
        return None if verified is None else self._owner(known, address)

    def when_revoked(self, call: Callable[[], None]) -> None:
        """Call it whenever keys that were used have been revoked."""
        self._when_revoked.append(call)

    def may_log_on(self, api_key: str) -> bool:
        """Whether it is an Ed25519 key."""
        return self._usable(api_key).key.key_type is KeyType.ED25519

    # --- one claim

    def _verified(self, claim: Claim, what: str, rest: bytes, now_ns: int) -> tuple[_Known, bytes]:
        """The key that has signed the claim, what it is for and the rest, and what stands for the signature.

        Raises Refused.
        """
        self._check_time(claim.timestamp, now_ns)
        if claim.nonce and not _NONCE.fullmatch(claim.nonce):
            raise Refused(Code.UNAUTHENTICATED, "A nonce must be 1 to 36 of A-Z a-z 0-9 . _ -")
        known = self._usable(claim.api_key)
        message = f"{claim.timestamp}{claim.nonce}{what}".encode() + rest
        signature = known.verifier.verified(claim.signature, message)
        if signature is None:
            raise Refused(Code.UNAUTHENTICATED, _NO)
        return known, signature

    def _usable(self, api_key: str) -> _Known:
        known = self._known.get(api_key)
        if known is None or known.changes != self._keys.changes:
            known = self._find(api_key)
        if known is None or (known.expires_ns is not None and self._now_ns() >= known.expires_ns):
            raise Refused(Code.UNAUTHENTICATED, _NO)
        return known

    def _owner(self, known: _Known, address: str | None) -> Principal:
        if known.networks and not is_within(address, known.networks):
            raise Refused(Code.FORBIDDEN, "This key may not be used from this address.")
        return Principal(known.key.user_id, known.permissions, address, api_key=known.key.api_key)

    def _check_time(self, timestamp: str, now_ns: int) -> None:
        digits = len(timestamp)
        if digits not in (MS_DIGITS, US_DIGITS) or not (timestamp.isascii() and timestamp.isdigit()):
            raise Refused(
                Code.TIMESTAMP_OUT_OF_WINDOW, "The timestamp must be milliseconds or microseconds since the epoch."
            )
        time_ns = int(timestamp) * (NS_PER_MS if digits == MS_DIGITS else 1000)
        if time_ns < self._since_ns or not now_ns - self._window_ns <= time_ns <= now_ns + AHEAD_NS:
            message = f"The timestamp is out of the window; the exchange's time is {now_ns // NS_PER_MS}."
            raise Refused(Code.TIMESTAMP_OUT_OF_WINDOW, message)

    def _find(self, api_key: str) -> _Known | None:
        key = self._keys.find(api_key)
        if key is None:
            return None
        known = self._known.get(api_key)
        if known is None or known.key is not key:
            known = self._known[key.api_key] = _Known(key, verifier_of(key, self._vault), 0)
        known.changes = self._keys.changes
        return known


@cache
def _permissions(names: tuple[str, ...]) -> frozenset[Permission]:
    """One set for all keys that have the same permissions: it stays in the processor's caches."""
    return frozenset(Permission(name) for name in names)


def _missing(headers: Mapping[str, str]) -> Refused:
    """Why a request is not signed."""
    name = next(name for name in ("X-API-Key", "X-Timestamp", "X-Signature") if not headers.get(name.lower()))
    return Refused(Code.UNAUTHENTICATED, f"The header {name} is missing: this call takes signed requests.")
