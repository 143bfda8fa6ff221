"""`/openapi.json`, made from the types that validate the requests and the table that maps the errors."""

from collections.abc import Sequence
from typing import Any

import msgspec

from exchange import __version__
from exchange.api.errors import STATUS
from exchange.api.models import BatchCancelItem, BatchRequest, Json, PlaceOrderRequest, Request
from exchange.api.rest import Call

_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"enum": list(STATUS)}, "message": {"type": "string"}},
}


def document(calls: Sequence[Call]) -> Json:
    """The OpenAPI 3.1 document of these calls."""
    models: list[type[Request]] = [*{call.request for call in calls}, BatchCancelItem]
    models.sort(key=lambda model: model.__name__)
    schemas, components = msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")
    references = dict(zip(models, schemas, strict=True))
    # A batch decodes its items one by one, so that each can fail alone; its type cannot say which they are.
    components[BatchRequest.__name__]["properties"]["orders"] = {
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": {"oneOf": [references[PlaceOrderRequest], references[BatchCancelItem]]},
    }
    paths: dict[str, Json] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, references, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "exchange", "version": __version__},
        "paths": paths,
        "components": {"schemas": {**components, "Error": _ERROR}},
    }


def _operation(call: Call, references: dict[Any, Any], components: dict[str, Any]) -> Json:
    operation: Json = {
        "summary": call.summary,
        "operationId": call.handler.__name__,
        "responses": {
            "200": {"description": "done", "content": {"application/json": {}}},
            "default": {
                "description": "an error of the table",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if call.in_body:
        operation["requestBody"] = {
            "required": call.method == "POST",
            "content": {"application/json": {"schema": references[call.request]}},
        }
    else:
        schema = components[call.request.__name__]
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": described}
            for name, described in schema["properties"].items()
        ]
    return operation
