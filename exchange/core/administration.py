"""Administration: users with a status and a fee tier, their API keys, and what the audit keeps of each action.

The core stores keys and checks none: whether a request is signed is decided before a command is made of it. Of an HMAC
key it holds the sealed secret, of the others the public key; neither says anything to whoever reads the journal.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

KEYS_OF_USER_MAX: Final = 100  # that are not revoked
KEYS_MAX: Final = 100_000  # of all users


class KeyType(StrEnum):
    """How a key signs."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"


@dataclass(slots=True)
class Origin:
    """Who asked for an administrative action, and from where; the address is None for the command line."""

    actor: str
    address: str | None


@dataclass(slots=True)
class ApiKey:
    """A key of a user. `material` is base64url: a sealed secret (hmac), or a public key.

    `permissions` are of "read", "trade" and "admin", in that order. No `allowed_addresses`: from anywhere.
    """

    api_key: str
    user_id: str
    key_type: KeyType
    material: str = field(repr=False)
    permissions: tuple[str, ...]
    label: str | None
    allowed_addresses: tuple[str, ...]
    expires_ns: int | None
    created_ns: int


@dataclass(slots=True)
class CreateUser:
    """Add a user unless there is one of that name, and credit the balances, by asset, each once."""

    user_id: str
    origin: Origin
    balances: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class SetUserStatus:
    """Disable or enable a user. Disabling cancels all of the user's open orders in the same step."""

    user_id: str
    disabled: bool
    origin: Origin


@dataclass(slots=True)
class CreateKey:
    """Add a key. `created_ns` of the key is the time at which it was asked for."""

    key: ApiKey
    origin: Origin


@dataclass(slots=True)
class RevokeKey:
    """End a key for ever."""

    api_key: str
    origin: Origin


@dataclass(slots=True)
class SetTierFees:
    """Set what the users of a fee tier pay in a market. Without rates it has none for the tier any more."""

    market: str
    tier: str
    maker_ppm: int | None
    taker_ppm: int | None
    origin: Origin


@dataclass(slots=True)
class SetUserTier:
    """Give a user a fee tier, or take it away."""

    user_id: str
    tier: str | None
    origin: Origin


@dataclass(slots=True)
class UserTierSet:
    """A user has another fee tier, or none any more."""

    user_id: str
    tier: str | None


@dataclass(slots=True)
class UserStatusSet:
    """A user was disabled or enabled."""

    user_id: str
    disabled: bool


@dataclass(slots=True)
class KeyCreated:
    """A key was added."""

    key: ApiKey


@dataclass(slots=True)
class KeyRevoked:
    """A key was revoked."""

    key: ApiKey


@dataclass(slots=True)
class Administered:
    """An administrative action was carried out: what the audit keeps. `detail` holds no secret.

    `user_id` is the user whom it was about, None if it was about none.
    """

    action: str
    user_id: str | None
    detail: str | None
    origin: Origin


TierCommand = SetTierFees | SetUserTier
AdminCommand = CreateUser | SetUserStatus | CreateKey | RevokeKey | TierCommand
AdminEvent = UserStatusSet | UserTierSet | KeyCreated | KeyRevoked | Administered


class Keys:
    """The keys that are not revoked, bounded in all and for each user. `changes` counts additions and removals."""

    def __init__(self) -> None:
        self.changes = 0
        self._keys: dict[str, ApiKey] = {}
        self._counts: dict[str, int] = {}  # by user

    def find(self, api_key: str) -> ApiKey | None:
        """The key of that id."""
        return self._keys.get(api_key)

    def all(self) -> list[ApiKey]:
        """Every key, by id."""
        return [key for _, key in sorted(self._keys.items())]

    def room(self, user_id: str) -> bool:
        """Whether the user may have one more."""
        return len(self._keys) < KEYS_MAX and self._counts.get(user_id, 0) < KEYS_OF_USER_MAX

    def add(self, key: ApiKey) -> None:
        """Add a key that is not there."""
        assert key.api_key not in self._keys
        self.changes += 1
        self._keys[key.api_key] = key
        self._counts[key.user_id] = self._counts.get(key.user_id, 0) + 1

    def remove(self, api_key: str) -> ApiKey:
        """Remove a key that is there."""
        self.changes += 1
        key = self._keys.pop(api_key)
        self._counts[key.user_id] -= 1
        return key
