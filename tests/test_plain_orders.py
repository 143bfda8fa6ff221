"""An order that asks nothing further is decoded as a type of few fields: it comes to the same as with all of them."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.api.native import codec, message_reader, messages
from exchange.api.native.errors import ApiError
from exchange.api.native.models import PlaceOrderRequest, PlainOrderRequest
from exchange.api.native.order_codec import place_order
from tests.core.stories import SOL_USDC

ORDER = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "150.02", "quantity": "0.5"}
PLAIN = {"user_id": "maya", "client_order_id": "a", "time_in_force": "ioc", "post_only": False}
FURTHER = {
    "quote_quantity": "1",
    "expire_at": 2_000_000_000_000,
    "stop_price": "150",
    "trailing_delta": 100,
    "trailing_amount": "1",
    "activation_price": "151",
    "self_trade_prevention": "expire_both",
    "visible_quantity": "0.1",
    "peg": {"to": "primary"},
    "strategy_id": 7,
    "strategy_type": 1_000_000,
}
VALUES: dict[str, list[Any]] = {
    "user_id": ["maya", None, 1],
    "market": ["SOL_USDC", "sol usdc", None],
    "side": ["buy", "SELL", "up", 1],
    "order_type": ["limit", "market", "stop_loss", "odd"],
    "quantity": ["0.5", "x", "0", 1, None],
    "price": ["150.02", "150.021", None, 150],
    "client_order_id": ["a", "a:b", "", None, "é"],
    "time_in_force": ["gtc", "ioc", "fok", "gtd", "odd", None],
    "post_only": [True, False, "true", None],
    "size": [1],
}
ANY = {name: values if (values := VALUES.get(name)) else [value, None] for name, value in (ORDER | FURTHER).items()}


def outcome(body: bytes, *, whole: bool) -> Any:
    """The command that the body comes to, or the error."""
    try:
        asked = codec.decode(body, PlaceOrderRequest) if whole else codec.decode_order(body)
        return place_order(asked, "maya", SOL_USDC)
    except ApiError as error:
        return error.code, error.message


@pytest.mark.parametrize("fields", [{}, PLAIN, {"post_only": True}, {"order_type": "market", "price": None}])
def test_an_order_without_further_fields_is_a_plain_one(fields: dict[str, Any]) -> None:
    body = orjson.dumps(ORDER | fields)
    assert type(codec.decode_order(body)) is PlainOrderRequest
    assert outcome(body, whole=False) == outcome(body, whole=True)


@pytest.mark.parametrize("name", FURTHER)
def test_an_order_with_a_further_field_has_all_of_them(name: str) -> None:
    body = orjson.dumps(ORDER | PLAIN | {name: FURTHER[name]})
    assert type(codec.decode_order(body)) is PlaceOrderRequest
    assert outcome(body, whole=False) == outcome(body, whole=True)


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in (ANY | VALUES).items()}))
def test_any_fields_come_to_the_same_with_either_type(fields: dict[str, Any]) -> None:
    body = orjson.dumps(fields)
    assert outcome(body, whole=False) == outcome(body, whole=True)


@pytest.mark.parametrize("name", [*ORDER, *PLAIN])
def test_a_field_of_a_plain_order_may_not_be_given_twice(name: str) -> None:
    body = orjson.dumps(ORDER | PLAIN)
    twice = body[:-1] + b"," + orjson.dumps({name: (ORDER | PLAIN)[name]})[1:]
    assert outcome(twice, whole=False) == ("INVALID_FIELD", f"{name} is given twice.")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, messages.PlainOrder),
        ({"id": 7}, messages.PlainOrder),
        ({"id": "ORDER"}, messages.PlainOrder),
        ({"stop_price": "150"}, messages.PlaceOrder),
        ({"size": 1}, message_reader.Unreadable),
        ({"price": 1}, message_reader.Unreadable),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_message_is_of_the_smallest_type(fields: dict[str, Any], kind: type, as_text: bool) -> None:
    sent = orjson.dumps({"message_type": "ORDER"} | ORDER | fields)
    assert type(message_reader.read(sent.decode() if as_text else sent)) is kind


@pytest.mark.parametrize("name", ["message_type", "id", *ORDER])
def test_a_field_of_a_message_may_not_be_given_twice(name: str) -> None:
    sent = {"message_type": "ORDER", "id": 7} | ORDER
    twice = orjson.dumps(sent)[:-1] + b"," + orjson.dumps({name: sent[name]})[1:]
    read = message_reader.read(twice)
    assert isinstance(read, message_reader.Unreadable)
    assert read.error.message == f"{name} is given twice."


@pytest.mark.parametrize("kind", ["ORDER", "order"])
def test_a_text_that_says_order_may_be_another_message(kind: str) -> None:
    sent = {"message_type": "CANCEL", "market": "SOL_USDC", "client_order_id": kind}
    assert type(message_reader.read(orjson.dumps(sent))) is messages.Cancel
