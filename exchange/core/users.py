"""Users and their API keys: created, disabled and revoked by administrators."""

from exchange.core.administration import (
    AdminCommand,
    Administered,
    CreateKey,
    CreateUser,
    KeyCreated,
    KeyRevoked,
    Keys,
    RevokeKey,
    SetUserStatus,
    UserStatusSet,
)
from exchange.core.events import Event, ExpireReason, Rejected, RejectReason, UserAdded
from exchange.core.everywhere import cancel_everywhere
from exchange.core.ledger import HOUSE, Ledger
from exchange.core.list_market import ListMarket
from exchange.core.treasury import Treasury, amount_of

UserOutcome = list[Event] | Rejected | None


class Users:
    """What administrators do to users and keys. All of it is the venue's: nothing is kept here."""

    def __init__(
        self,
        ledger: Ledger,
        treasury: Treasury,
        keys: Keys,
        disabled: dict[str, None],
        markets: dict[str, ListMarket],
    ) -> None:
        self._ledger = ledger
        self._treasury = treasury
        self._keys = keys
        self._disabled = disabled
        self._markets = markets

    def apply(self, command: AdminCommand, sequence: int, now_ns: int) -> UserOutcome:
        """What the command does, or why it may not; None if it is so already."""
        if isinstance(command, CreateUser):
            return self._create_user(command, sequence)
        if isinstance(command, SetUserStatus):
            return self._set_user_status(command, sequence, now_ns)
        if isinstance(command, CreateKey):
            return self._create_key(command)
        assert isinstance(command, RevokeKey)
        if self._keys.find(command.api_key) is None:
            return Rejected(RejectReason.UNKNOWN_KEY)
        key = self._keys.remove(command.api_key)
        return [KeyRevoked(key), Administered("revoke_key", key.user_id, key.api_key, command.origin)]

    def _create_user(self, command: CreateUser, sequence: int) -> UserOutcome:
        user_id = command.user_id
        assert user_id not in HOUSE
        due = self._treasury.credits(command)
        if isinstance(due, Rejected):
            return due
        is_new = not self._ledger.has_user(user_id)
        if not is_new and not due:
            return None

        # Past this line the user is there, and has every balance.
        if is_new:
            self._ledger.add_user(user_id)
        detail = " ".join(amount_of(deposit.amount_minor, deposit.asset) for deposit in due)
        events: list[Event] = [UserAdded(user_id)] if is_new else []
        events.append(Administered("create_user", user_id, detail or None, command.origin))
        for deposit in due:
            events += self._treasury.credit(deposit, sequence)
        return events

    def _create_key(self, command: CreateKey) -> UserOutcome:
        key = command.key
        if not self._ledger.has_user(key.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        if self._keys.find(key.api_key) is not None:
            return Rejected(RejectReason.KEY_CONFLICT)
        if not self._keys.room(key.user_id):
            return Rejected(RejectReason.TOO_MANY_KEYS)
        self._keys.add(key)
        detail = " ".join((key.api_key, key.key_type.value, *key.permissions))
        return [KeyCreated(key), Administered("create_key", key.user_id, detail, command.origin)]

    def _set_user_status(self, command: SetUserStatus, sequence: int, now_ns: int) -> UserOutcome:
        user_id = command.user_id
        if not self._ledger.has_user(user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        if (user_id in self._disabled) == command.disabled:
            return None
        if command.disabled:
            self._disabled[user_id] = None
        else:
            del self._disabled[user_id]
        events: list[Event] = []
        if command.disabled:
            events, touched = cancel_everywhere(self._markets, user_id, ExpireReason.USER_DISABLED, sequence, now_ns)
            events += [self._ledger.account(user_id, asset).captured(sequence) for asset in touched]
        action = "disable_user" if command.disabled else "enable_user"
        events.append(UserStatusSet(user_id, command.disabled))
        events.append(Administered(action, user_id, None, command.origin))
        return events
