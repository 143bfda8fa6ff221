"""What a client says on a stream's socket, and the answers, in the words of the documents."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

MESSAGE_MAX_BYTES: Final = 64 << 10
ID_MAX: Final = 36
_ID = re.compile(r"[A-Za-z0-9_\-]{0,36}")
_METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"

Id = int | str | None


class Method(StrEnum):
    """What can be asked."""

    SUBSCRIBE = "SUBSCRIBE"
    UNSUBSCRIBE = "UNSUBSCRIBE"
    LIST = "LIST_SUBSCRIPTIONS"
    SET = "SET_PROPERTY"
    GET = "GET_PROPERTY"


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that can be read. The names of streams are in `params`, or a property and its value."""

    method: Method
    params: list[Any]
    id: Id


class Mistake(Exception):
    """A message that is refused; `id` is its own, as far as it could be read."""

    def __init__(self, code: int, msg: str, request_id: Id = None) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.id = request_id


def _request(msg: str, request_id: Id = None) -> Mistake:
    return Mistake(2, f"Invalid request: {msg}", request_id)


def read(text: str | bytes) -> Asked:
    """The message that the text is. Raises Mistake."""
    if len(text) > MESSAGE_MAX_BYTES:
        raise _request("the message is too long")
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise Mistake(3, f"Invalid JSON: expected value at {where}") from None
    if not isinstance(said, dict):
        raise _request("expected an object")
    if "id" not in said or not _may_be_id(said["id"]):
        raise _request("request ID must be an unsigned integer")
    request_id: Id = said["id"]
    if "method" not in said:
        raise _request(f"missing field `method` at line 1 column {len(text)}", request_id)
    try:
        method = Method(said["method"])
    except ValueError:
        shown = said["method"] if isinstance(said["method"], str) else orjson.dumps(said["method"]).decode()
        raise _request(f"unknown variant `{shown[:40]}`, expected one of {_METHODS}", request_id) from None
    return Asked(method, _params(method, said.get("params"), request_id), request_id)


def _may_be_id(value: object) -> bool:
    if value is None:
        return True
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    return type(value) is int and -(2**63) <= value < 2**63


def _params(method: Method, params: object, request_id: Id) -> list[Any]:
    if method is Method.LIST:
        if params:
            raise _request("too many parameters", request_id)
        return []
    if not isinstance(params, list):
        raise _request("missing field `params`" if params is None else "params must be an array", request_id)
    if method in (Method.SUBSCRIBE, Method.UNSUBSCRIBE):
        if not all(isinstance(name, str) for name in params):
            raise _request("stream name must be a string", request_id)
        return params
    if not params or not isinstance(params[0], str):
        raise _request("property name must be a string", request_id)
    if len(params) > (2 if method is Method.SET else 1):
        raise _request("too many parameters", request_id)
    if params[0] != "combined":
        raise Mistake(0, "Unknown property", request_id)
    if method is Method.SET and (len(params) < 2 or not isinstance(params[1], bool)):
        raise Mistake(1, "Invalid value type: expected Boolean", request_id)
    return params


def invalid_stream(request_id: Id) -> Mistake:
    """There can be no stream of such a name."""
    return _request("invalid stream", request_id)


def too_many(most: int, request_id: Id) -> Mistake:
    """A connection may listen to so many streams."""
    return _request(f"a connection can listen to at most {most} streams", request_id)


def answer(result: Any, request_id: Id) -> bytes:
    """The answer to what could be done."""
    return orjson.dumps({"result": result, "id": request_id})


def refusal(mistake: Mistake) -> bytes:
    """The answer to what could not. The documents show the code at the top, clients look for it under `error`."""
    said = {"code": mistake.code, "msg": mistake.msg}
    return orjson.dumps({**said, "error": said, "id": mistake.id})
