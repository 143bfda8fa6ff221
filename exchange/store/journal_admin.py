"""The journal's text of administrative commands: the kind, then its fields. Of a key also the form in the baseline."""

from collections.abc import Sequence
from typing import Any

from exchange.core.administration import (
    AdminCommand,
    ApiKey,
    CreateKey,
    CreateUser,
    KeyType,
    Origin,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)

KINDS = frozenset(
    ("create_user", "set_user_status", "create_key", "revoke_key", "set_tier_fees", "set_user_tier"),
)


def encode(command: AdminCommand) -> tuple[Any, ...]:
    """The kind and the fields of a command."""
    origin = (command.origin.actor, command.origin.address)
    match command:
        case CreateUser(user_id):
            amounts = [(asset, str(amount_minor)) for asset, amount_minor in command.balances]
            return ("create_user", *origin, user_id, *([amounts] if amounts else []))
        case SetUserStatus(user_id, disabled):
            return ("set_user_status", *origin, user_id, disabled)
        case CreateKey(key):
            return ("create_key", *origin, *key_fields(key))
        case RevokeKey(api_key):
            return ("revoke_key", *origin, api_key)
        case SetTierFees(market, tier, maker_ppm, taker_ppm):
            return ("set_tier_fees", *origin, market, tier, maker_ppm, taker_ppm)
        case SetUserTier(user_id, tier):
            return ("set_user_tier", *origin, user_id, tier)


def decode(kind: str, fields: Sequence[Any]) -> AdminCommand:
    """The command of a kind of `KINDS`."""
    actor, address, subject, *rest = fields
    origin = Origin(actor, address)
    match kind:
        case "create_user":
            amounts = rest[0] if rest else []
            return CreateUser(subject, origin, tuple((asset, int(amount)) for asset, amount in amounts))
        case "set_user_status":
            return SetUserStatus(subject, rest[0], origin)
        case "create_key":
            return CreateKey(key_from((subject, *rest)), origin)
        case "revoke_key":
            return RevokeKey(subject, origin)
        case "set_tier_fees":
            tier, maker_ppm, taker_ppm = rest
            return SetTierFees(subject, tier, maker_ppm, taker_ppm, origin)
        case "set_user_tier":
            return SetUserTier(subject, rest[0], origin)
    raise AssertionError(kind)


def key_fields(key: ApiKey) -> tuple[Any, ...]:
    """A key as it is stored, in the order of `key_from`."""
    return (
        *(key.api_key, key.user_id, key.key_type, key.material, key.permissions, key.label),
        *(key.allowed_addresses, key.expires_ns, key.created_ns),
    )


def key_from(fields: Sequence[Any]) -> ApiKey:
    """The key of stored fields."""
    api_key, user_id, key_type, material, permissions, label, addresses, expires_ns, created_ns = fields
    return ApiKey(
        *(api_key, user_id, KeyType(key_type), material, tuple(permissions), label),
        *(tuple(addresses), expires_ns, created_ns),
    )
