"""What a request says, as the type that its call takes."""

from urllib.parse import parse_qsl

from exchange.api.http.request import Request
from exchange.api.native import codec, models, models_batch
from exchange.api.native.errors import ApiError


def body_of(request: Request, model: type[codec.RequestT]) -> codec.RequestT:
    """The body. Raises ApiError."""
    _refuse_other(request)
    return codec.decode(request.body, model)


def order_of(request: Request) -> models.PlainOrderRequest:
    """The body, which is an order. Raises ApiError."""
    _refuse_other(request)
    return codec.decode_order(request.body)


def batch_of(request: Request) -> models_batch.BatchRequest | models_batch.PlainBatchRequest:
    """The body, which is a batch. Raises ApiError."""
    _refuse_other(request)
    return codec.decode_batch(request.body)


def _refuse_other(request: Request) -> None:
    """Raise ApiError unless what is asked is JSON, and all of it in the body."""
    if not codec.is_json(request.headers.get("content-type", "")):
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body must come with Content-Type: application/json.")
    if request.query:
        raise ApiError("INVALID_FIELD", "What is asked stands in the body or in the query, not in both.")


def query_of(request: Request, model: type[codec.RequestT]) -> codec.RequestT:
    """The query. Raises ApiError."""
    return codec.decode_query(parse_qsl(request.query, keep_blank_values=True), model)
