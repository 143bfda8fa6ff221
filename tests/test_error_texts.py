"""What errors say: the numbers, the names, and what is expected in the API's words."""

import json
from dataclasses import replace

import msgspec
import pytest

from exchange.api.native import codec, message_reader, messages, models, models_batch
from exchange.api.native.errors import ApiError
from exchange.api.native.order_codec import place_order
from exchange.core.events import Rejected
from exchange.core.instrument import Instrument
from tests.core.stories import SOL_USDC, order_of, placed, venue_of

ORDER = '"market":"A_B","side":"buy","order_type":"limit","quantity":"1","price":"1"'


def said(body: str, model: type[msgspec.Struct] = models.PlaceOrderRequest) -> str:
    """The code and the text of the refusal."""
    with pytest.raises(ApiError) as refused:
        codec.decode(body.encode(), model)
    return f"{refused.value.code}: {refused.value.message}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f'{{{ORDER.replace("1", "2", 0)},"price":2}}', 'INVALID_NUMBER: price must be a string such as "150.02".'),
        (f'{{{ORDER},"post_only":1}}', "INVALID_FIELD: post_only must be true or false."),
        (f'{{{ORDER},"user_id":[]}}', "INVALID_FIELD: user_id must be a string."),
        (f'{{{ORDER},"expire_at":{"9" * 50}}}', "INVALID_FIELD: expire_at must be at most 9000000000000."),
        (f'{{{ORDER},"expire_at":1e400}}', "INVALID_FIELD: expire_at is out of range."),
        (f'{{{ORDER},"strategy_id":-1}}', "INVALID_FIELD: strategy_id must be at least 0."),
        (f'{{{ORDER},"user_id":"{"a" * 65}"}}', "INVALID_FIELD: user_id must have at most 64 characters."),
        ("[]", "INVALID_FIELD: The request must be an object."),
        ('{"market":"A_B"}', "INVALID_FIELD: side is missing."),
    ],
)
def test_a_wrong_type_is_told_in_the_words_of_the_api(body: str, text: str) -> None:
    assert said(body) == text


def test_an_unknown_field_names_the_known_ones() -> None:
    text = said(f'{{{ORDER},"worst":1}}')
    assert text.startswith("INVALID_FIELD: worst is no field of this; known are ")
    assert all(name in text for name in models.PlaceOrderRequest.__struct_fields__)
    text = said('{"cancel":{"market":"A_B","id":"1"}}', models_batch.BatchCancelItem)
    assert (
        text
        == "INVALID_FIELD: id is no field of this; known are market, order_id, client_order_id, only_if, cancel_id."
    )


TWICE: dict[str, tuple[str, type[msgspec.Struct]]] = {
    "an order": (f'{{{ORDER},"price":"2"}}', models.PlaceOrderRequest),
    "a default": (f'{{{ORDER},"post_only":false,"post_only":false}}', models.PlaceOrderRequest),
    "a null": (f'{{{ORDER},"user_id":null,"user_id":"a"}}', models.PlaceOrderRequest),
    "an escape": (f'{{{ORDER},"\\u0070rice":"2"}}', models.PlaceOrderRequest),
    "a cancel": ('{"market":"A_B","market":"A_C","order_id":"1"}', models.OrderRequest),
    "a batch": ('{"orders":[{"a":1}],"orders":[]}', models_batch.BatchRequest),
    "beside a long number": (f'{{"orders":[{{"a":{"1" * 5000}}}],"orders":[]}}', models_batch.BatchRequest),
    "within": ('{"cancel":{"market":"A_B","order_id":"1","order_id":"2"}}', models_batch.BatchCancelItem),
    "a batch of no objects": ('{"orders":["orders"],"orders":["orders"]}', models_batch.BatchRequest),
    "a batch of equal items": (
        '{"orders":[{}],"user_id":"a","user_id":"a","orders":[{}]}',
        models_batch.BatchRequest,
    ),
    "an escaped name in a cancel": ('{"market":"A_B","order_id":"1","m\\u0061rket":"A_B"}', models.OrderRequest),
    "an item": ('{"cancel":{"market":"A_B","order_id":"1"},"cancel":{"market":"A_B"}}', models_batch.BatchCancelItem),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_field_that_is_given_twice_is_refused_by_name(name: str) -> None:
    assert said(*TWICE[name]).endswith("is given twice.")


@pytest.mark.parametrize(
    "body",
    [
        f"{{{ORDER}}}",
        f'{{{ORDER},"client_order_id":"a.b"}}',
        f'{{{ORDER},"user_id":"a:b"}}',
        f'{{{ORDER},"post_only":true}}',
    ],
)
def test_a_field_that_is_given_once_is_taken(body: str) -> None:
    assert codec.decode(body.encode(), models.PlaceOrderRequest).price == "1"


ONCE: dict[str, tuple[str, type[msgspec.Struct]]] = {
    "an order": (f"{{{ORDER}}}", models.PlaceOrderRequest),
    "a default": (f'{{{ORDER},"post_only":false}}', models.PlaceOrderRequest),
    "a cancel": ('{"market":"A_B", "client_order_id" : "a.b"}', models.OrderRequest),
    "a batch": (f'{{"orders":[{{{ORDER}}},{{{ORDER}}},{{"cancel":{{"market":"A_B"}}}}]}}', models_batch.BatchRequest),
    "an item": ('{"cancel":{"market":"A_B","order_id":"1"}}', models_batch.BatchCancelItem),
    "a deposit": ('{"user_id":"a:b","asset":"B","amount":"1","key":"k"}', models.DepositRequest),
}


@pytest.mark.parametrize("name", ONCE)
def test_the_usual_request_is_not_read_a_second_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", None)
    text, model = ONCE[name]
    for body in (text.encode(), msgspec.Raw(text.encode())):
        assert isinstance(codec.decode(body, model), model)


def test_the_items_of_a_batch_are_not_read_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", None)
    for text in (
        f"{{{ORDER}}}",
        f'{{{ORDER},"client_order_id":"cancel"}}',
        '{"cancel":{"market":"A_B","order_id":"1"}}',
    ):
        codec.batch_item(msgspec.Raw(text.encode()))


@pytest.mark.parametrize("kind", ["ping", "Ping", "PING"])
def test_the_type_of_a_message_is_taken_in_any_letters(kind: str) -> None:
    assert message_reader.read(f'{{"message_type":"{kind}","id":7}}') == messages.Ping(id=7)


@pytest.mark.parametrize("kind", ["order", "ORDER"])
@pytest.mark.parametrize("more", ['"price":"2"', '"id":1,"id":2', '"message_type":"ORDER"'])
def test_a_message_with_a_field_twice_is_refused(kind: str, more: str) -> None:
    read = message_reader.read(f'{{"message_type":"{kind}",{ORDER},{more}}}')
    assert isinstance(read, message_reader.Unreadable)
    assert read.error.message.endswith("is given twice.")


@pytest.mark.parametrize(("number", "text"), [(2**63, f"at most {2**63 - 1}"), (-(2**63) - 1, f"at least {-(2**63)}")])
def test_the_name_of_a_request_has_bounds(number: int, text: str) -> None:
    read = message_reader.read(f'{{"message_type":"PING","id":{number}}}')
    assert isinstance(read, message_reader.Unreadable)
    assert read.error.message == f"id must be {text}."


def test_an_interval_is_case_sensitive() -> None:
    assert codec.interval_s("1m") == 60
    for name in ("1M", "1H", "1D", "", "2m"):
        with pytest.raises(ApiError):
            codec.interval_s(name)


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ("poor buy 2 @ 100", "200 USDC is needed; 0 is available."),
        ("poor sell 2 @ 100", "2 SOL is needed; 0 is available."),
    ],
)
def test_a_refused_order_is_told_the_numbers(order: str, text: str) -> None:
    venue = venue_of()
    venue.ledger.add_user("poor")
    outcome = venue.apply(order_of(venue, order), venue.sequence + 1, venue.time_ns)
    assert isinstance(outcome, Rejected)
    assert outcome.detail is not None
    assert outcome.detail.startswith(text)


def test_a_small_order_is_told_the_least_there_may_be() -> None:
    venue = venue_of(replace(SOL_USDC, min_notional_minor=5 * 10**SOL_USDC.quote.decimals))
    outcome = venue.apply(order_of(venue, "alice sell 0.01 @ 1"), venue.sequence + 1, venue.time_ns)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "Price times quantity must be at least 5 USDC, SOL_USDC's min_notional."


@pytest.mark.parametrize(
    ("quantity", "price", "code", "text"),
    [
        ("1", "1.00000001", "OFF_TICK", "SOL_USDC's tick_size, 0.01."),
        ("1.0001", "1", "OFF_LOT", "SOL_USDC's lot_size, 0.001."),
    ],
)
def test_a_number_off_its_step_is_told_the_step(quantity: str, price: str, code: str, text: str) -> None:
    rules = venue_of().markets["SOL_USDC"].instrument
    body = models.PlaceOrderRequest(market="SOL_USDC", side="buy", order_type="limit", quantity=quantity, price=price)
    with pytest.raises(ApiError) as refused:
        place_order(body, "alice", rules)
    assert refused.value.code == code
    assert text in refused.value.message


@pytest.mark.parametrize(
    ("rules", "order", "text"),
    [
        (
            replace(SOL_USDC, min_price_ticks=5),
            "alice buy 1 @ 0.04",
            "The price must be at least 0.05, SOL_USDC's min_price.",
        ),
        (
            replace(SOL_USDC, max_open_orders=1),
            "alice buy 1 @ 2",
            "You have 1 open orders in SOL_USDC, its max_open_orders.",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_number(rules: Instrument, order: str, text: str) -> None:
    venue = venue_of(rules)
    placed(venue, "alice buy 1 @ 1")
    outcome = venue.apply(order_of(venue, order), venue.sequence + 1, venue.time_ns)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == text
