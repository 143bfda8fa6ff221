"""`/asyncapi.json` is complete, and what a socket really says is as described."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from exchange.api.native import asyncapi, events, messages
from exchange.api.native.names import KIND_NAMES, PRIVATE, PUBLIC
from exchange.api.native.socket_examples import EVENTS
from tests.patience import PATIENCE_S
from tests.whole.api import Api, order_body
from tests.whole.test_documented_events import EXAMPLES


@pytest.fixture
async def document(api: Api) -> Any:
    return await api.ok("GET", "/asyncapi.json")


def references(value: Any) -> Iterator[str]:
    """Everything that the document refers to within itself."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def found(document: Any, reference: str) -> Any:
    here = document
    for name in reference.removeprefix("#/").split("/"):
        here = here[name]
    return here


def check(document: Any, payload: Any, value: Any) -> None:
    schema = {**payload, "components": document["components"]}
    Draft202012Validator(schema).validate(value)


async def test_the_document_is_asyncapi_3(document: Any) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    for server in document["servers"].values():
        assert {"host", "protocol"} <= server.keys()
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = found(document, operation["channel"]["$ref"])
        assert all(found(document, message["$ref"]) for message in operation.get("messages", []))
        assert channel in document["channels"].values()
    for channel in document["channels"].values():
        named = {part.partition("}")[0] for part in channel["address"].split("{")[1:]}
        assert named == set(channel.get("parameters", {}))
    for reference in references(document):
        assert found(document, reference), reference
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_it_names_every_message_that_can_be_said(document: Any) -> None:
    described = document["components"]["messages"]
    sent = {asyncapi.tag_of(model) for model in asyncapi.answers()}
    assert messages.TAGS.keys() | sent <= described.keys()
    assert {f"request of {tag}" for tag in messages.TAGS} == {
        f"request of {name}" for name, operation in document["operations"].items() if operation["action"] == "receive"
    }
    schemas = document["components"]["schemas"]
    types = [made for _, made in inspect.getmembers(events, inspect.isclass) if issubclass(made, msgspec.Struct)]
    types = [made for made in types if made.__module__ == events.__name__ and not made.__name__.startswith("_")]
    assert len(types) > 10
    assert {made.__name__ for made in types} - {"Event"} <= schemas.keys()
    of = {part["address"].partition("@")[0] for name, part in document["channels"].items() if name != "socket"}
    assert of == {"candle_{interval}" if kind.startswith("candle_") else kind for kind in KIND_NAMES}


async def test_every_example_is_as_described_and_as_documented(document: Any) -> None:
    for message in document["components"]["messages"].values():
        assert message["summary"]
        for example in message["examples"]:
            check(document, message["payload"], example["payload"])
    assert list(EVENTS.values()) == EXAMPLES


async def test_what_a_socket_says_is_as_described(api: Api, market: str, document: Any) -> None:
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "10"}), await api.user(USDC="10000")
    channels = [f"{kind}@{taker if kind in PRIVATE else market}" for kind in (*PUBLIC, *PRIVATE)]
    both = [order_body(None, market, text) for text in ("buy 1 @ 8", "buy 1 @ 7")]
    asked: list[dict[str, Any]] = [
        {"message_type": "SUBSCRIBE", "channels": channels, "id": "s"},
        {"message_type": "ORDER", **order_body(taker, market, "buy 1 @ 100"), "id": 1},
        {"message_type": "ORDER", **order_body(taker, market, "buy 1 @ 0.001"), "id": 2},
        {"message_type": "CANCEL", "user_id": taker, "market": market, "order_id": "1", "id": 3},
        {"message_type": "ORDERS", "user_id": taker, "orders": [order_body(None, market, "buy 1 @ 9")], "id": 4},
        {"message_type": "ORDER_LIST", "user_id": taker, "type": "oto", "orders": both, "id": 6},
        {"message_type": "CANCEL_LIST", "user_id": taker, "market": market, "list_id": "999999999", "id": 7},
        {"message_type": "CANCEL_ALL", "user_id": taker, "id": 5},
        {"message_type": "PING"},
        {"message_type": "UNSUBSCRIBE", "channel": channels[0]},
    ]
    await api.order(maker, market, "sell 2 @ 100")
    seen: set[str] = set()
    async with api.session.ws_connect(f"{api.url}/ws") as socket, asyncio.timeout(PATIENCE_S):
        for message in asked:
            check(document, found(document, f"#/components/messages/{message['message_type']}")["payload"], message)
            await socket.send_json(message)
        while "UNSUBSCRIBED" not in seen:
            seen.add(check_heard(document, await socket.receive_json()))
    # Nobody signs in to an exchange in dev mode.
    assert seen | {"AUTHENTICATED"} == document["components"]["messages"].keys() - messages.TAGS.keys()


def check_heard(document: Any, message: Any) -> str:
    """The name of the message in the document, which describes it."""
    name = message.get("message_type")
    if name is None:
        feed = message["channel"].partition("@")[0]
        kind = "candle" if feed.startswith("candle_") else feed
        name = "_".join([kind, *([message["data"]["type"]] if "type" in message["data"] else [])])
    check(document, document["components"]["messages"][name]["payload"], message)
    return str(name)
