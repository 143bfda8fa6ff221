"""What an administrator may do: users, their keys, and deposits. Each action is a command that names who asked.

The secret of an hmac key is made here, shown once in the reply, and stored sealed.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Protocol

import structlog

from exchange.core.administration import (
    AdminCommand,
    ApiKey,
    CreateKey,
    CreateUser,
    KeyRevoked,
    KeyType,
    Origin,
    RevokeKey,
    SetUserStatus,
)
from exchange.core.commands import CancelOrder, Command, Deposit
from exchange.core.events import BalanceChanged, Duplicate, OrderUpdated
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.pipeline.engine import Engine
from exchange.pipeline.outcomes import Outcome
from exchange.service.codes import Code, Refused, refusal_of
from exchange.service.history import AuditedAction, History, Page
from exchange.service.principal import Authenticator, Principal
from exchange.service.queries import Balances
from exchange.service.signatures import public_material
from exchange.service.vault import Vault

log = structlog.get_logger(__name__)

UNSIGNED = "@dev"  # the actor where nobody signs
CONSOLE = Origin("@console", None)  # the command line, on an exchange that is stopped
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{1,64}")


class Logs(Protocol):
    """What the process logs."""

    def level(self) -> str:
        """The least serious kind of line that is logged."""

    def set_level(self, name: str) -> None:
        """Change it."""


@dataclass(slots=True)
class NewKey:
    """What a key is to be. `public_key` goes with the types ed25519 and rsa, as PEM or base64."""

    user_id: str
    key_type: KeyType
    permissions: tuple[str, ...]
    public_key: str | None = None
    label: str | None = None
    allowed_addresses: tuple[str, ...] = ()
    expires_ns: int | None = None


@dataclass(slots=True)
class UserRead:
    """A user, whether they are disabled, and their fee tier."""

    user_id: str
    disabled: bool
    tier: str | None


@dataclass(slots=True)
class Users:
    """The users whose names come after another, in order."""

    after: str
    limit: int

    def answer(self, venue: Venue) -> list[UserRead]:
        """Copy them."""
        found = nsmallest(self.limit, (user_id for user_id in venue.ledger.users() if user_id > self.after))
        return [UserRead(user_id, user_id in venue.disabled, venue.ledger.user(user_id).tier) for user_id in found]


@dataclass(slots=True)
class KeysRead:
    """The keys whose ids come after another, in order; of one user or of all."""

    user_id: str | None
    after: str
    limit: int

    def answer(self, venue: Venue) -> list[ApiKey]:
        """A key never changes."""
        found = (key for key in venue.keys.all() if self.user_id in (None, key.user_id) and key.api_key > self.after)
        return nsmallest(self.limit, found, key=lambda key: key.api_key)


@dataclass(slots=True)
class KeyRead:
    """One key."""

    api_key: str

    def answer(self, venue: Venue) -> ApiKey | None:
        """A key never changes."""
        return venue.keys.find(self.api_key)


class Administration:
    """The actions. `vault` opens the master key when a secret is to be sealed; it raises Failure."""

    def __init__(
        self, engine: Engine, history: History, authenticator: Authenticator, vault: Callable[[], Vault], logs: Logs
    ) -> None:
        self._engine = engine
        self._history = history
        self._authenticator = authenticator
        self._vault = vault
        self._logs = logs

    def origin(self, principal: Principal) -> Origin:
        """Who asks, for the audit. In dev mode anybody may say anything, so only a known user is taken down."""
        if principal.address is None:
            return CONSOLE
        user_id, address = principal.user_id, principal.address.partition("%")[0]
        known = user_id is not None and self._engine.venue.ledger.has_user(user_id)
        return Origin(
            user_id if user_id is not None and known else UNSIGNED, address if _ADDRESS.fullmatch(address) else None
        )

    # --- users

    async def create_user(
        self, user_id: str, balances: tuple[tuple[str, int], ...], origin: Origin
    ) -> list[BalanceChanged]:
        """Add a user if there is none of that name, and credit the amounts, by asset, each once; the balances after it.
        Either all of it is done or nothing."""
        await self._submit(CreateUser(user_id, origin, balances))
        return await self._engine.read(Balances(user_id))

    async def set_status(self, user_id: str, disabled: bool, origin: Origin) -> list[OrderUpdated]:
        """Disable or enable a user; the orders that this canceled.

        It is applied after every command that was taken before it in any market: a cancel of no order waits its turn
        in each of them.
        """
        self._require_user(user_id)
        turns: list[Command] = []
        if disabled:
            turns += [CancelOrder(user_id, market, 0, None) for market in sorted(self._engine.venue.markets)]
        outcomes = await self._engine.submit_all([*turns, SetUserStatus(user_id, disabled, origin)])
        applied = _carried_out(outcomes[-1])
        events = [] if applied is None else applied.events
        return [event for event in events if isinstance(event, OrderUpdated)]

    async def users(self, after: str, limit: int) -> list[UserRead]:
        """Users by name."""
        return await self._engine.read(Users(after, limit))

    def _require_user(self, user_id: str) -> None:
        if not self._engine.venue.ledger.has_user(user_id):
            raise Refused(Code.NOT_FOUND, f"There is no user {user_id[:64]}.")

    # --- keys

    async def create_key(self, wanted: NewKey, origin: Origin) -> tuple[ApiKey, str | None]:
        """Add a key; it, and its secret if it is an hmac key. Raises ValueError if the public key is none."""
        self._require_user(wanted.user_id)
        api_key, secret = secrets.token_hex(16), None
        if wanted.key_type is KeyType.HMAC:
            secret = secrets.token_urlsafe(32)
            try:
                material = self._vault().seal(secret, api_key)
            except Failure as failure:
                raise Refused(Code.NOT_READY, str(failure)) from failure
        else:
            material = public_material(wanted.key_type, wanted.public_key or "")
        key = ApiKey(
            api_key,
            wanted.user_id,
            wanted.key_type,
            material,
            wanted.permissions,
            wanted.label,
            wanted.allowed_addresses,
            wanted.expires_ns,
            self._engine.time_ns(),
        )
        await self._submit(CreateKey(key, origin))
        return key, secret

    async def revoke_key(self, api_key: str, origin: Origin) -> ApiKey:
        """End a key; sockets that act by it are closed when this returns."""
        try:
            applied = await self._submit(RevokeKey(api_key, origin))
        finally:
            self._authenticator.sweep()  # also where it is not known whether the revocation is durable
        assert applied is not None
        return next(event.key for event in applied.events if isinstance(event, KeyRevoked))

    async def key(self, api_key: str) -> ApiKey | None:
        """The key of that id, unless it is revoked."""
        return await self._engine.read(KeyRead(api_key))

    async def keys(self, user_id: str | None, after: str, limit: int) -> list[ApiKey]:
        """Keys that are not revoked, by id."""
        return await self._engine.read(KeysRead(user_id, after, limit))

    # --- the rest

    async def deposit(self, command: Deposit) -> list[BalanceChanged]:
        """Credit a user; the same key with the same content is credited once. The balances after it."""
        outcome = await self._engine.submit(command)
        if not isinstance(outcome, Applied | Duplicate):
            raise refusal_of(outcome)
        return await self._engine.read(Balances(command.user_id))

    def log_level(self) -> str:
        """What the process logs."""
        return self._logs.level()

    def set_log_level(self, level: str, origin: Origin) -> None:
        """Change what the process logs, until its end. It is no command: it is in the log, not in the audit."""
        before = self._logs.level()
        if level != before:
            log.warning("log level changed", before=before, level=level, actor=origin.actor, address=origin.address)
            self._logs.set_level(level)

    async def audit(self, page: Page) -> Sequence[AuditedAction]:
        """A page of what administrators did."""
        return await self._history.audit(page)

    async def _submit(self, command: AdminCommand) -> Applied | None:
        return _carried_out(await self._engine.submit(command))


def _carried_out(outcome: Outcome) -> Applied | None:
    """The command was carried out, or what it asks for was so already. Raises Refused."""
    if outcome is None or isinstance(outcome, Applied):
        return outcome
    raise refusal_of(outcome)
