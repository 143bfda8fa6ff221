"""Requests and answers of the WebSocket API: what a client sends, as text by name, and what it is sent.

Numbers are taken as the text that they were sent as, since a signature is over that text.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from exchange.api.binance.errors import BinanceError, mandatory
from exchange.api.binance.parameters import PARAMETERS_MAX

ID_BYTES_MAX: Final = 100
NO_ID: Final = b"null"
VERSION: Final = "v3/"

Limits = list[dict[str, Any]]


class _Message(msgspec.Struct):
    """A request as it is sent."""

    id: msgspec.Raw = msgspec.Raw(b"")
    method: msgspec.Raw = msgspec.Raw(b"")
    params: msgspec.Raw = msgspec.Raw(b"{}")


_DECODER = msgspec.json.Decoder(_Message)
_PARAMS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class Said:
    """A request. `id` is the JSON text of its id."""

    id: bytes
    method: str
    values: dict[str, str]


class Unreadable(Exception):
    """A request that cannot be read: its id as far as it could be, and what is wrong."""

    def __init__(self, error: BinanceError, request_id: bytes = NO_ID) -> None:
        super().__init__(error.msg)
        self.error = error
        self.id = request_id


def read(text: str | bytes) -> Said:
    """The request that the text is. Raises Unreadable."""
    try:
        message = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Unreadable(BinanceError(-1135, "Invalid JSON Request")) from None
    request_id = _id(bytes(message.id))
    try:
        method = _text(bytes(message.method))
        if method is None:
            raise mandatory("method")
        return Said(request_id, method.removeprefix(VERSION), _values(bytes(message.params)))
    except BinanceError as error:
        raise Unreadable(error, request_id) from None


def _id(raw: bytes) -> bytes:
    """The id: a number, a text or null. Raises Unreadable."""
    known = raw == NO_ID or raw[:1] == b'"' or raw.lstrip(b"-").isdigit()
    if not known or len(raw) > ID_BYTES_MAX:
        raise Unreadable(mandatory("id"))
    return raw


def _text(raw: bytes) -> str | None:
    """A JSON text; None for other values."""
    if raw[:1] != b'"':
        return None
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _values(raw: bytes) -> dict[str, str]:
    """The parameters as text. Raises BinanceError."""
    if raw == NO_ID:
        return {}
    try:
        params = _PARAMS.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BinanceError(-1135, "JSON sent for parameter 'params' is not valid") from None
    if len(params) > PARAMETERS_MAX:
        raise BinanceError(-1101, "Too many parameters sent for this endpoint.")
    return {name: _value(name, bytes(value)) for name, value in params.items()}


def _value(name: str, raw: bytes) -> str:
    if raw == NO_ID:
        return ""
    if raw[:1] == b"[":
        try:
            return orjson.dumps(orjson.loads(raw)).decode()
        except (orjson.JSONDecodeError, UnicodeError):
            raise BinanceError(-1135, f"JSON sent for parameter '{name[:40]}' is not valid") from None
    if raw[:1] == b"{":
        raise BinanceError(-1135, f"JSON sent for parameter '{name[:40]}' is not valid")
    text = _text(raw) if raw[:1] == b'"' else raw.decode("ascii", "replace")
    if text is None:
        raise BinanceError(-1135, f"JSON sent for parameter '{name[:40]}' is not valid")
    return text


def signed_text(values: dict[str, str]) -> bytes:
    """What is signed of a request: its parameters by name, but for the signature."""
    pairs = sorted((name, value) for name, value in values.items() if name != "signature")
    return "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "surrogatepass")


def answer(request_id: bytes, result: Any, limits: Limits | None) -> bytes:
    """The answer to what could be done."""
    said = b'{"id":' + request_id + b',"status":200,"result":' + orjson.dumps(result)
    return said + _limits(limits)


def refusal(request_id: bytes, error: BinanceError, limits: Limits | None) -> bytes:
    """The answer to what could not."""
    body = orjson.dumps(error.body())
    said = b'{"id":' + request_id + b',"status":' + str(error.status).encode() + b',"error":' + body
    return said + _limits(limits)


def _limits(limits: Limits | None) -> bytes:
    return b"}" if limits is None else b',"rateLimits":' + orjson.dumps(limits) + b"}"
