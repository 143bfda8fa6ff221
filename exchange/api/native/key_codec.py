"""API keys between the wire and the core: what may be asked for, and what is shown of a key."""

from exchange.api.native import codec, models, replies
from exchange.api.native.errors import ApiError
from exchange.core.administration import ApiKey, KeyType
from exchange.service.addresses import network_of
from exchange.service.administration import NewKey
from exchange.service.history import ID_MAX, AuditedAction
from exchange.service.principal import Permission

NS_PER_MS = 1_000_000
ADDRESSES_MAX = 20  # of one key


def new_key(body: models.CreateKeyRequest, now_ns: int) -> NewKey:
    """The key that is asked for. Raises ApiError."""
    key_type = _key_type(body.type)
    if (key_type is KeyType.HMAC) != (body.public_key is None):
        raise ApiError("INVALID_FIELD", "public_key goes with the types ed25519 and rsa, and is missing there.")
    return NewKey(
        codec.decode_name("user_id", body.user_id),
        key_type,
        _permissions(body.permissions),
        body.public_key,
        None if body.label is None else codec.decode_name("label", body.label),
        _addresses(body.allowed_addresses),
        _expiry_ns(body.expires_at, now_ns),
    )


def _key_type(text: str) -> KeyType:
    try:
        return KeyType(text.lower())
    except ValueError:
        raise ApiError("INVALID_FIELD", f"type must be one of {', '.join(KeyType)}.") from None


def _permissions(names: list[str]) -> tuple[str, ...]:
    """In the order of Permission, each once."""
    known = [permission.value for permission in Permission]
    wanted = {name.lower() for name in names}
    if not wanted or not wanted <= set(known):
        raise ApiError("INVALID_FIELD", f"permissions must be some of {', '.join(known)}.")
    return tuple(name for name in known if name in wanted)


def _addresses(texts: list[str]) -> tuple[str, ...]:
    if len(texts) > ADDRESSES_MAX:
        raise ApiError("INVALID_FIELD", f"allowed_addresses may be {ADDRESSES_MAX}.")
    try:
        # A scope, as in fe80::1%eth0, names something of this machine and not an address.
        if any("%" in text for text in texts):
            raise ValueError
        return tuple(dict.fromkeys(str(network_of(text)) for text in texts))
    except ValueError:
        raise ApiError("INVALID_FIELD", "allowed_addresses must be addresses or networks, as 10.0.0.0/8.") from None


def _expiry_ns(expires_at: int | None, now_ns: int) -> int | None:
    if expires_at is None:
        return None
    expires_ns = codec.decode_millis("expires_at", expires_at) * NS_PER_MS
    if expires_ns <= now_ns:
        raise ApiError("INVALID_FIELD", "expires_at must be in the future.")
    if expires_ns >= ID_MAX:
        raise ApiError("INVALID_FIELD", "expires_at must be before the year 2262.")
    return expires_ns


def key_read(key: ApiKey) -> replies.Key:
    """A key as it is shown: nothing of its secret."""
    public = None if key.key_type is KeyType.HMAC else key.material
    return replies.Key(
        key.api_key,
        key.user_id,
        key.key_type.value,
        list(key.permissions),
        key.label,
        list(key.allowed_addresses),
        None if key.expires_ns is None else key.expires_ns // NS_PER_MS,
        key.created_ns // NS_PER_MS,
        public,
    )


def audited(action: AuditedAction) -> replies.AuditedAction:
    """An administrative action."""
    return replies.AuditedAction(
        str(action.sequence),
        action.time_ns // NS_PER_MS,
        action.actor,
        action.address,
        action.action,
        action.user_id,
        action.detail,
    )
