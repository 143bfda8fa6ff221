"""What is wrong with a request that has not the type it should have, in the words of the API.

Also finds a field that is given twice, of which the decoder takes the last without a word.
"""

import json
import re
from typing import Any

import msgspec
from msgspec.structs import astuple

from exchange.api.native.errors import ApiError
from exchange.api.native.models import PlaceOrderRequest, PlainOrderRequest
from exchange.api.native.models_batch import BatchRequest, PlainBatchRequest

NUMBERS = (
    "price",
    "quantity",
    "amount",
    "tick_size",
    "lot_size",
    "min_notional",
    "maker_fee",
    "taker_fee",
    "min_price",
)
KINDS = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_BOUND = re.compile(r"Expected `(?P<kind>[a-z]+)`(?P<length> of length)? (?P<sign>[<>]=) (?P<bound>-?[0-9]+)")
_FIELD = re.compile(r"`(?P<field>[^`]*)`")
_STRINGS = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+(:)?', re.DOTALL)  # of a JSON text, and whether it is a name


def invalid(error: msgspec.ValidationError, model: type[msgspec.Struct]) -> ApiError:
    """The error that the decoder's complaint is."""
    found = _WHERE.match(str(error))
    assert found is not None
    what, path = found["what"], (found["path"] or "").lstrip(".")
    if wrong := _EXPECTED.match(what):
        return _wrong_type(path, wrong["expected"])
    if bound := _BOUND.fullmatch(what):
        return ApiError("INVALID_FIELD", f"{path or 'The request'} must {_bounded(bound)}.")
    if what in ("Integer value out of range", "Number out of range"):
        return ApiError("INVALID_FIELD", f"{path or 'The request'} is out of range.")
    if what.startswith("Object contains unknown field"):
        return ApiError("INVALID_FIELD", f"{_field(what)} is no field of this; known are {_known(model, path)}.")
    if what.startswith("Object missing required field"):
        within = f" in {path}" if path else ""
        return ApiError("INVALID_FIELD", f"{_field(what)} is missing{within}.")
    return ApiError("INVALID_FIELD", f"{path or 'The request'}: {what[:1].lower()}{what[1:]}.")


def _bounded(bound: re.Match[str]) -> str:
    most = f"{'at most' if bound['sign'] == '<=' else 'at least'} {bound['bound']}"
    if not bound["length"]:
        return f"be {most}"
    return f"have {most} {'items' if bound['kind'] == 'array' else 'characters'}"


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

_BODIES = (PlainOrderRequest, PlaceOrderRequest)


def check_once(body: bytes | str | msgspec.Raw, request: msgspec.Struct) -> None:
    """Raise ApiError if a field is given twice. The items of a batch are looked at when they are decoded."""
    text = body if isinstance(body, bytes | str) else memoryview(body).tobytes()
    if isinstance(request, PlainOrderRequest):
        colons = _fields_of(request)
        if request.__class__ not in _BODIES:  # a message, which has a type as well
            colons += 1
        if (text.count(b":") if isinstance(text, bytes) else text.count(":")) <= colons:
            return
    elif isinstance(request, BatchRequest):
        text = _without(text, request.orders)
    check_text(text)


def batch_is_once(body: bytes, batch: PlainBatchRequest) -> bool:
    """Whether no field of the batch and of its orders is given twice; False also if that takes a closer look."""
    colons = 1 + (batch.user_id is not None)
    for order in batch.orders:
        colons += _fields_of(order)
    return body.count(b":") <= colons


def _fields_of(order: PlainOrderRequest) -> int:
    """How many fields of the order say something.

    A field has a colon: an order with no more colons than that has no field twice. post_only is the one that is not
    null where it is missing.
    """
    given = astuple(order)  # in one call, which costs what four of them cost one by one
    return len(given) - given.count(None) - (not order.post_only)


def _without(text: bytes | str, items: list[msgspec.Raw]) -> str:
    """The text of a batch without the objects among its items, which are in it in this order."""
    rest, at = text if isinstance(text, bytes) else text.encode(), 0
    outside: list[bytes] = []
    for item in items:
        raw = memoryview(item).tobytes()
        if raw[:1] == b"{":
            begin = rest.index(raw, at)
            outside.append(rest[at:begin])
            at = begin + len(raw)
    outside.append(rest[at:])
    return b"0".join(outside).decode()


def check_text(body: bytes | str) -> None:
    """Raise ApiError if an object in this text, which a decoder has taken, has a field twice."""
    text = body.decode() if isinstance(body, bytes) else body
    names = [name for name, colon in _STRINGS.findall(text) if colon]
    if len(names) == len(set(names)) and "\\" not in text:
        return
    # A name may recur in another object, and may be written in two ways.
    try:
        # Numbers stay text: one of thousands of digits would end the search.
        json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except ValueError:
        pass
    except RecursionError:
        raise ApiError("MALFORMED_JSON", "The body is nested too deeply.") from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise ApiError("INVALID_FIELD", f"{name} is given twice.")
        names.add(name)
