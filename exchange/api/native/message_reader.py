"""Reads a message of a socket: what it asks for, or what is wrong with it."""

from dataclasses import dataclass
from typing import Final

import msgspec

from exchange.api.native import codec
from exchange.api.native.errors import ApiError
from exchange.api.native.events import Id
from exchange.api.native.malformed import check_once, check_text
from exchange.api.native.messages import DECODER, PLAIN_ORDER, TAGS, AnyMessage, Head, Message, PlainOrder

_decode: Final = DECODER.decode
_decode_plain: Final = PLAIN_ORDER.decode


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is none: why, and the name of its request, if that much can be read."""

    error: ApiError
    id: Id


def read(text: str | bytes) -> AnyMessage | Unreadable:
    """The message that the text is."""
    try:
        message = _decoded(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _read_slowly(text)
    try:
        check_once(text, message)
    except ApiError as error:
        return Unreadable(error, message.id)
    return message


def _decoded(text: str | bytes) -> AnyMessage:
    """The message, of the smallest type that has its fields."""
    if b'"ORDER"' in text if isinstance(text, bytes) else '"ORDER"' in text:
        try:
            plain: PlainOrder = _decode_plain(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass  # it has further fields, or something is wrong with it
        else:
            return plain
    message: Message = _decode(text)
    return message


def _read_slowly(text: str | bytes) -> AnyMessage | Unreadable:
    """A message whose type may be in other letters, or what is wrong with it."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(fields["message_type"], type=str)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, KeyError):
        return _why(text)
    if kind not in TAGS and kind.isascii() and kind.upper() in TAGS:
        try:
            check_text(text)
        except ApiError as error:
            return Unreadable(error, None)
        fields["message_type"] = msgspec.Raw(msgspec.json.encode(kind.upper()))
        return read(msgspec.json.encode(fields))
    return _why(text)


def _why(text: str | bytes) -> Unreadable:
    """What is wrong with it."""
    request_id: Id = None
    try:
        head = codec.decode(text, Head)
        request_id = head.id
        model = TAGS.get(head.message_type)
        if model is not None:
            codec.decode(text, model)
    except ApiError as error:
        return Unreadable(error, request_id)
    why = f"message_type must be one of {', '.join(TAGS)}."
    return Unreadable(ApiError("INVALID_FIELD", why), request_id)
