"""Which channels a message means."""

from collections.abc import Sequence

from exchange.api.native.errors import ApiError
from exchange.api.native.names import KIND_NAMES
from exchange.core.public import Channel, Kind

_KINDS = {name: Kind(number) for number, name in enumerate(KIND_NAMES)}


def channel_of(name: str) -> Channel:
    """The channel of that name. Raises ApiError."""
    kind_name, at, subject = name.partition("@")
    kind = _KINDS.get(kind_name)
    if not at or kind is None:
        raise ApiError(
            "INVALID_FIELD", f"channel must be one of {', '.join(KIND_NAMES)}, then @ and a market or a user."
        )
    return Channel(kind, subject)


def names(channel: str | None, several: Sequence[str] | None) -> list[str]:
    """The channels that a message names, as one or as a list, each once. Raises ApiError."""
    if (channel is None) == (several is None):
        raise ApiError("INVALID_FIELD", "Give channel or channels, one of the two.")
    if several is not None and not several:
        raise ApiError("INVALID_FIELD", "channels is empty.")  # which would have no answer at all
    return [channel] if channel is not None else list(dict.fromkeys(several or ()))
