"""What is wrong with a request that has not the type it should have, in the words of the API.

Also finds a field that is given twice, of which the decoder takes the last without a word.
"""

import json
import re
from typing import Any

import msgspec

from exchange.api.native.errors import ApiError
from exchange.api.native.models import BatchRequest, PlaceOrderRequest

NUMBERS = ("price", "quantity", "amount")
KINDS = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_FIELD = re.compile(r"`(?P<field>[^`]*)`")


def invalid(error: msgspec.ValidationError, model: type[msgspec.Struct]) -> ApiError:
    """The error that the decoder's complaint is."""
    found = _WHERE.match(str(error))
    assert found is not None
    what, path = found["what"], (found["path"] or "").lstrip(".")
    if wrong := _EXPECTED.match(what):
        return _wrong_type(path, wrong["expected"])
    if what.startswith("Object contains unknown field"):
        return ApiError("INVALID_FIELD", f"{_field(what)} is no field of this; known are {_known(model, path)}.")
    if what.startswith("Object missing required field"):
        within = f" in {path}" if path else ""
        return ApiError("INVALID_FIELD", f"{_field(what)} is missing{within}.")
    return ApiError("INVALID_FIELD", f"{path or 'The request'}: {what[:1].lower()}{what[1:]}.")


def _field(what: str) -> str:
    named = _FIELD.search(what)
    return named["field"] if named else "A field"


def _wrong_type(path: str, expected: str) -> ApiError:
    kinds = [KINDS.get(kind.strip(), kind.strip()) for kind in expected.split("|") if kind.strip() != "null"]
    if path in NUMBERS:
        return ApiError("INVALID_NUMBER", f'{path} must be a string such as "150.02".')
    return ApiError("INVALID_FIELD", f"{path or 'The request'} must be {' or '.join(kinds)}.")


def _known(model: type[msgspec.Struct], path: str) -> str:
    """The fields of the model, or of the object within it that the path names."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    inner = fields.get(path)
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _known(inner, "")
    tag = model.__struct_config__.tag_field
    return ", ".join([*([tag] if tag else []), *fields])


# --- a field that is given twice


def check_once(body: bytes | str | msgspec.Raw, request: msgspec.Struct) -> None:
    """Raise ApiError if a field is given twice.

    A field has a colon. Only where the text has more of them than the request has fields that say something, it is
    read once more, slowly; for most orders it is not.
    """
    if isinstance(request, PlaceOrderRequest):
        # market, side, order_type and quantity are always there.
        said = 4 + (request.price is not None) + (request.user_id is not None) + (request.time_in_force is not None)
        said += (request.client_order_id is not None) + request.post_only
        if request.__class__ is not PlaceOrderRequest:  # a message, which has a type, and perhaps an id
            said += 1 + (getattr(request, "id", None) is not None)
        if isinstance(body, bytes):
            if body.count(b":") <= said:
                return
        elif isinstance(body, str) and body.count(":") <= said:
            return
    check_text(body, request)


def check_text(body: bytes | str | msgspec.Raw, request: msgspec.Struct | None = None) -> None:
    """The same, whatever the request says. The items of a batch are looked at when they are decoded."""
    text = body if isinstance(body, bytes | str) else bytes(memoryview(body))
    colons = text.count(b":") if isinstance(text, bytes) else text.count(":")
    if isinstance(request, BatchRequest):
        colons -= sum(bytes(memoryview(item)).count(b":") for item in request.orders)
        said = 1 + (request.user_id is not None)
        if request.__class__ is not BatchRequest:
            said += 1 + (getattr(request, "id", None) is not None)
        if colons <= said:
            return
    if colons <= 1:
        return
    try:
        json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return  # the decoder has taken it, which knows better what JSON is


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise ApiError("INVALID_FIELD", f"{name} is given twice.")
        names.add(name)
