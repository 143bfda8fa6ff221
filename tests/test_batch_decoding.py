"""A batch that only places orders is decoded whole, every other one item by item: both come to the same commands."""

from typing import Any

import orjson
import pytest

from exchange.api.native import codec
from exchange.api.native.errors import ApiError
from exchange.api.native.models_batch import BatchRequest, PlainBatchRequest
from exchange.core.instrument import Instrument
from tests.core.stories import SOL_USDC

ORDER = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "150.02", "quantity": "0.5"}
CANCEL = {"cancel": {"market": "SOL_USDC", "order_id": "7"}}


def rules(_: str) -> Instrument:
    """Every market is the same."""
    return SOL_USDC


def text(*items: Any, **fields: Any) -> bytes:
    """The JSON of a batch."""
    return orjson.dumps({"user_id": "maya", "orders": items} | fields)


def shown(request: BatchRequest | PlainBatchRequest) -> list[Any]:
    """The commands, and the codes of the items that are none."""
    commands = codec.batch_commands(request, "maya", rules)
    return [(made.code, made.message) if isinstance(made, ApiError) else made for made in commands]


PLAIN = {
    "orders": text(ORDER, ORDER | {"client_order_id": "a"}),
    "everything": text(ORDER | {"user_id": "maya", "time_in_force": "gtc", "post_only": True, "client_order_id": "a"}),
    "wrong values": text(ORDER | {"price": "x"}, ORDER | {"side": "up"}, ORDER | {"user_id": "noah"}),
    "no user": orjson.dumps({"orders": [ORDER]}),
    "conditions": text(ORDER | {"strategy_id": 7, "visible_quantity": "0.1"}),
}
BY_ITEM = {
    "a cancel": text(ORDER, CANCEL),
    "an unknown field": text(ORDER | {"size": "1"}, ORDER),
    "a missing field": text({"market": "SOL_USDC"}, ORDER),
    "a wrong type": text(ORDER | {"quantity": 1}, ORDER),
    "no object": text(1, "x", None, [ORDER], ORDER),
    "a field given twice": text(ORDER).replace(b'"side":"buy"', b'"side":"sell","side":"buy"'),
    "a colon in a text": text(ORDER | {"client_order_id": "a:b"}, ORDER),
    "an object in an order": text(ORDER | {"peg": {"to": "primary"}}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_batch_of_orders_is_decoded_whole(name: str) -> None:
    request = codec.decode_batch(PLAIN[name])
    assert isinstance(request, PlainBatchRequest)
    assert shown(request) == shown(codec.decode(PLAIN[name], BatchRequest))


@pytest.mark.parametrize("name", BY_ITEM)
def test_any_other_batch_is_decoded_item_by_item(name: str) -> None:
    request = codec.decode_batch(BY_ITEM[name])
    assert isinstance(request, BatchRequest)
    assert len(shown(request)) == len(request.orders)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"orders":1}', b'{"orders":[],"orders":[]}', b'{"user_id":"a","user_id":"b","orders":[]}'],
)
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as whole:
        codec.decode_batch(body)
    with pytest.raises(ApiError) as by_item:
        codec.decode(body, BatchRequest)
    assert (whole.value.code, whole.value.message) == (by_item.value.code, by_item.value.message)
