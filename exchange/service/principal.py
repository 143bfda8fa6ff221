"""Who asks, and what they may do.

An Authenticator makes a Principal of a request. Where a request says who sends it is a matter of its dialect; whether
that is believed is decided by the authenticator of the mode. A principal acts for one user, or in dev mode for any
known user that it names.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol

from exchange.service.addresses import address_of
from exchange.service.codes import Code, Refused


class Permission(StrEnum):
    """What a principal may do."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


NOBODY: Final[frozenset[Permission]] = frozenset()
CLIENT: Final = frozenset((Permission.READ, Permission.TRADE))
ADMINISTRATOR: Final = frozenset(Permission)
# Headers that proxies add, beside those that begin with x-forwarded-.
_OF_PROXIES: Final = frozenset(("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"))


class RequestView(Protocol):
    """What an Authenticator sees of a request: the bytes as they were sent, and headers with lower-case names."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def target(self) -> bytes:
        """Path and query as they were sent."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case names."""

    @property
    def raw_body(self) -> bytes:
        """The body as it was sent."""

    @property
    def address(self) -> str | None:
        """The peer's address."""


class Principal:
    """Who sent a request. `any_user`: it may name any known user, and `user_id` is for requests that name none.

    `api_key` is the key that has signed; None in dev mode, and for a socket that has not signed in.
    """

    __slots__ = ("address", "any_user", "api_key", "permissions", "user_id")

    def __init__(
        self,
        user_id: str | None,
        permissions: frozenset[Permission],
        address: str | None,
        *,
        any_user: bool = False,
        api_key: str | None = None,
    ) -> None:
        self.user_id = user_id
        self.permissions = permissions
        self.address = address
        self.any_user = any_user
        self.api_key = api_key


class Claim:
    """Who says to have signed, when, and the signature."""

    __slots__ = ("api_key", "nonce", "signature", "timestamp")

    def __init__(self, api_key: str, timestamp: str, signature: str, nonce: str) -> None:
        self.api_key = api_key
        self.timestamp = timestamp
        self.signature = signature
        self.nonce = nonce


class Authenticator(Protocol):
    """Makes a principal of a request, or of what a socket signs in with."""

    def authenticate(self, request: RequestView, needed: Permission) -> Principal:
        """A principal that has the permission. Raises Refused."""

    def opened(self, request: RequestView) -> Principal:
        """Who a socket acts for before it signs in, given the request that opened it."""

    def sign_in(self, claim: Claim, address: str | None) -> Principal:
        """Who a socket acts for from now on. Raises Refused."""

    def check(self, principal: Principal) -> None:
        """Raise Refused if the principal is no longer what it was."""

    def hold(self, principal: Principal, end: Callable[[], None]) -> None:
        """A socket acts as the principal: call `end` when that is over."""

    def release(self, principal: Principal) -> None:
        """The socket no longer does."""

    def sweep(self) -> None:
        """End the sockets whose principals are no longer what they were."""


class Users(Protocol):
    """Which users there are."""

    def has_user(self, user_id: str) -> bool:
        """Whether the user is known."""

    def known(self, user_id: str) -> str | None:
        """The name of a known user, always the same object; None if the user is not known."""


def header_user(request: RequestView) -> str | None:
    """The user that the header X-User-Id names."""
    return request.headers.get("x-user-id")


class DevAuthenticator:
    """Dev mode: every request is believed. A peer on this machine is an administrator, unless a proxy sends it."""

    def __init__(self, user_of: Callable[[RequestView], str | None] = header_user) -> None:
        """`user_of` finds the user that a request names outside its fields."""
        self._user_of = user_of
        self._last = Principal(None, CLIENT, None, any_user=True)

    def authenticate(self, request: RequestView, needed: Permission) -> Principal:
        """Anybody; an administrator only from this machine. Raises Refused."""
        user_id, address = self._user_of(request), request.address
        if needed is Permission.ADMIN:
            if not is_local(request):
                raise Refused(Code.FORBIDDEN, "Administrative calls come from this machine only.")
            return Principal(user_id, ADMINISTRATOR, address, any_user=True)
        # Most requests in a row name their user in the same way: one principal serves them.
        last = self._last
        if last.user_id != user_id or last.address != address:
            last = self._last = Principal(user_id, CLIENT, address, any_user=True)
        return last

    def opened(self, request: RequestView) -> Principal:
        """Anybody."""
        return self.authenticate(request, Permission.READ)

    def sign_in(self, claim: Claim, address: str | None) -> Principal:
        """There is nothing to sign in to. Raises Refused."""
        raise Refused(Code.FORBIDDEN, '[auth] mode = "dev" believes user_id: there is nothing to sign in to.')

    def check(self, principal: Principal) -> None:
        """It stays."""

    def hold(self, principal: Principal, end: Callable[[], None]) -> None:
        """It is never over."""

    def release(self, principal: Principal) -> None:
        """It was not held."""

    def sweep(self) -> None:
        """None ends."""


def _is_of_a_proxy(header: str) -> bool:
    name = header.lower()
    return name in _OF_PROXIES or name.startswith("x-forwarded-")


def is_local(request: RequestView) -> bool:
    """Whether the request comes from this machine itself: a reverse proxy's comes with headers that say so."""
    if request.address is None or any(map(_is_of_a_proxy, request.headers)):
        return False
    address = address_of(request.address)
    return address is not None and address.is_loopback


def user_for(principal: Principal, named: str | None, users: Users, needed: Permission) -> str:
    """The known user that the principal acts for, given the one that the request names. Raises Refused."""
    user_id = principal.user_id
    if needed not in principal.permissions:
        if user_id is None and not principal.any_user:
            raise Refused(Code.UNAUTHENTICATED, "Sign in first: send AUTH.")
        raise Refused(Code.FORBIDDEN, f"This needs the permission {needed.value}.")
    if named is not None and named != user_id:
        if not principal.any_user:
            raise Refused(Code.FORBIDDEN, "user_id names another user than the one who asks.")
        user_id = named
    if user_id is None:
        raise Refused(Code.UNAUTHENTICATED, "Say who you are: user_id, or the header X-User-Id.")
    known = users.known(user_id)
    if known is None:
        raise Refused(Code.UNKNOWN_USER)
    return known
