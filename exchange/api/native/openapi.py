"""`/openapi.json`, made from the types that validate the requests, those of the replies, and the table of errors."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from exchange import __version__
from exchange.api.http.request_id import HEADER
from exchange.api.native import models, models_batch, replies
from exchange.api.native.call_examples import BODIES
from exchange.api.native.calls import CALLS, Call
from exchange.api.native.errors import MEANINGS, STATUS
from exchange.api.native.pages import Page

_ERROR = {
    "title": "Error",
    "description": "Why a call, or an item of a batch, was refused.",
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"enum": list(STATUS)},
        "message": {"type": "string"},
        "order": {"$ref": "#/components/schemas/Order", "description": "with ORDER_CLOSED: the order as it ended"},
        "retry_after_s": {"type": "integer", "minimum": 1, "description": "with RATE_LIMITED: how long to wait"},
    },
    "additionalProperties": False,
}
_ANY_ERROR = {"$ref": "#/components/schemas/Error"}
_ID_OF_REPLY = {HEADER: {"schema": {"type": "string"}, "description": "names the request, also in the log"}}


Json = dict[str, Any]


def document(pages: Sequence[Page]) -> Json:
    """The OpenAPI 3.1 document of all calls and these pages."""
    references, components = _schemas()
    paths: dict[str, Json] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, references, components)
    for page in pages:
        paths[page.path] = {"get": _page(page)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "exchange",
            "version": __version__,
            "description": _description(),
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _description() -> str:
    """What holds for all calls, as Markdown: with every code, and where the WebSocket is described."""
    rows = "\n".join(f"| `{code}` | {status} | {MEANINGS[code]} |" for code, status in STATUS.items())
    return (
        "Prices, quantities and amounts are decimal text, ids are digits as text, times are milliseconds since the "
        "epoch. What is answered is durable.\n\n"
        "Orders and market data over one WebSocket, at `/ws`: see [its messages](/docs/websocket) and their "
        "[AsyncAPI document](/asyncapi.json).\n\n"
        "### Errors\n\n"
        'Every error is `{"code": "…", "message": "…"}`. Codes stay, messages may change.\n\n'
        f"| code | status | when |\n|---|---|---|\n{rows}\n"
    )


def _schemas() -> tuple[dict[Any, Json], dict[str, Json]]:
    """References by type, and what they refer to by name."""
    types: set[Any] = {model for call in CALLS for model in (call.request, call.reply)}
    types |= {models_batch.BatchCancelItem, replies.Order, replies.OrderWithFills}
    ordered = sorted(types, key=lambda model: model.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    references = dict(zip(ordered, schemas, strict=True))
    # A batch decodes its items one by one, so that each can fail alone; its type cannot say which they are.
    components[models_batch.BatchRequest.__name__]["properties"]["orders"] = {
        "type": "array",
        "minItems": 1,
        "maxItems": models.BATCH_MAX,
        "items": {"oneOf": [references[models.PlaceOrderRequest], references[models_batch.BatchCancelItem]]},
    }
    components[replies.BatchResults.__name__]["properties"]["results"] = {
        "type": "array",
        "items": {"oneOf": [references[replies.OrderWithFills], references[replies.Order], _ANY_ERROR]},
    }
    return references, {**components, "Error": _ERROR}


def _operation(call: Call, references: dict[Any, Json], components: dict[str, Json]) -> Json:
    responses: Json = {"200": _response("done", references[call.reply])}
    for status in sorted({STATUS[code] for code in call.codes}):
        responses[str(status)] = _refusal(status, [code for code in STATUS if code in call.codes])
    responses["default"] = _response("any other error", _ANY_ERROR)
    operation: Json = {"summary": call.summary, "operationId": call.operation, "responses": responses}
    if call.permission is not None:
        operation["description"] = f"In keys mode it is signed, by a key with the permission {call.permission.value}."
    if call.in_body:
        operation["requestBody"] = {
            "required": call.method == "POST",
            "content": {"application/json": {"schema": references[call.request], "example": BODIES[call.operation]}},
        }
    if not call.in_body or call.method == "DELETE":  # a DELETE may say it either way
        schema = components[call.request.__name__]
        required = () if call.in_body else schema.get("required", ())
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in required, "schema": described}
            for name, described in schema["properties"].items()
        ]
    return operation


def _response(description: str, schema: Json) -> Json:
    return {"description": description, "headers": _ID_OF_REPLY, "content": {"application/json": {"schema": schema}}}


def _refusal(status: int, codes: Sequence[str]) -> Json:
    """The codes of one status, and what they mean."""
    here = [code for code in codes if STATUS[code] == status]
    meanings = [f"`{code}`: {MEANINGS[code]}" for code in here]
    schema = {"allOf": [_ANY_ERROR, {"properties": {"code": {"enum": here}}}]}
    response = _response(f"{HTTPStatus(status).phrase}. {' '.join(meanings)}", schema)
    examples = {code: {"value": {"code": code, "message": MEANINGS[code]}} for code in here}
    response["content"]["application/json"]["examples"] = examples
    return response


def _page(page: Page) -> Json:
    described: Json = {"description": "done", "headers": _ID_OF_REPLY, "content": {page.content_type: {}}}
    return {
        "summary": page.summary,
        "operationId": page.path.strip("/").replace(".", "_").replace("/", "_"),
        "responses": {"200": described, "default": _response("an error", _ANY_ERROR)},
    }
