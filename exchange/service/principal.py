"""Who asks, and what they may do.

An Authenticator makes a Principal of a request. Where a request says who sends it is a matter of its dialect; whether
that is believed is decided here. A principal acts for one user, or in dev mode for whichever known user it names.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, Protocol

from exchange.service.codes import Code, Refused


class Permission(StrEnum):
    """What a principal may do."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


CLIENT: Final = frozenset((Permission.READ, Permission.TRADE))
ADMINISTRATOR: Final = frozenset(Permission)


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
    """Who sent a request. `any_user`: it may name any known user, and `user_id` is for requests that name none."""

    __slots__ = ("address", "any_user", "permissions", "user_id")

    def __init__(
        self, user_id: str | None, permissions: frozenset[Permission], address: str | None, *, any_user: bool = False
    ) -> None:
        self.user_id = user_id
        self.permissions = permissions
        self.address = address
        self.any_user = any_user


class Authenticator(Protocol):
    """Makes a principal of a request. `needed` is looked for; the principal may have it or not."""

    def authenticate(self, request: RequestView, needed: Permission) -> Principal:
        """Raises Refused where the request proves nothing that it must."""


class Users(Protocol):
    """Which users there are."""

    def has_user(self, user_id: str) -> bool:
        """Whether the user is known."""


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
        """Anybody."""
        user_id, address = self._user_of(request), request.address
        if needed is Permission.ADMIN:
            return Principal(user_id, ADMINISTRATOR if is_local(request) else CLIENT, address, any_user=True)
        # Most requests in a row name their user in the same way: one principal serves them.
        last = self._last
        if last.user_id != user_id or last.address != address:
            last = self._last = Principal(user_id, CLIENT, address, any_user=True)
        return last


def is_local(request: RequestView) -> bool:
    """Whether the request comes from this machine itself: a reverse proxy's comes with headers that say so."""
    if request.address is None or any(
        name == "forwarded" or name.startswith("x-forwarded-") for name in map(str.lower, request.headers)
    ):
        return False
    try:
        address = ip_address(request.address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def user_for(principal: Principal, named: str | None, users: Users, needed: Permission) -> str:
    """The known user that the principal acts for, given the one that the request names. Raises Refused."""
    if needed not in principal.permissions:
        raise Refused(Code.FORBIDDEN, f"This needs the permission {needed.value}.")
    user_id = principal.user_id
    if named is not None and named != user_id:
        if not principal.any_user:
            raise Refused(Code.FORBIDDEN, "user_id names another user than the one who asks.")
        user_id = named
    if user_id is None:
        raise Refused(Code.UNAUTHENTICATED, "Say who you are: user_id, or the header X-User-Id.")
    if not users.has_user(user_id):
        raise Refused(Code.UNKNOWN_USER)
    return user_id


def require(principal: Principal, needed: Permission, message: str) -> None:
    """Raise Refused unless the principal has the permission."""
    if needed not in principal.permissions:
        raise Refused(Code.FORBIDDEN, message)
