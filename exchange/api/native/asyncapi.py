"""`/asyncapi.json`, made from the types that read the messages of clients and those that are sent.

The socket is one channel of the document, with its requests and answers. Every channel that a client can subscribe to
is another, whose address is its name; its events come over the same socket.
"""

from typing import Any, get_args

import msgspec

from exchange import __version__
from exchange.api.native import events, messages, models, models_batch, replies, replies_lists
from exchange.api.native.errors import MEANINGS
from exchange.api.native.socket_examples import ANSWERS, EVENTS, REQUESTS
from exchange.core.candles import INTERVAL_NAMES

Json = dict[str, Any]

DESCRIPTION = (
    "Orders and market data over one WebSocket. A client sends JSON text frames with a message_type; what it sends as "
    "id comes back in the answer. It listens to channels with SUBSCRIBE. Prices, quantities and amounts are decimal "
    "text, ids are digits as text, times are milliseconds since the epoch. What is sent is durable."
)
MARKET = {"market": {"description": "a market, as in SOL_USDC", "examples": ["SOL_USDC"]}}
USER = {"user": {"description": "a user; private", "examples": ["random2"]}}
INTERVAL = {"interval": {"description": "the length of a candle", "enum": list(INTERVAL_NAMES)}}
# By name: the address, what stands in it, what it carries, and in words.
FEEDS: dict[str, tuple[str, Json, tuple[type[msgspec.Struct], ...], str]] = {
    "trade": ("trade@{market}", MARKET, (events.TradeEvent,), "Every trade."),
    "depth": (
        "depth@{market}", MARKET, (events.DepthSnapshot, events.DepthDiff),
        "A snapshot of the book first, then the levels that each command changed.",
    ),
    "book_ticker": (
        "book_ticker@{market}", MARKET, (events.BookTicker,),
        "The best of the book: now, and whenever it or the market's status changes.",
    ),
    "ticker": (
        "ticker@{market}", MARKET, (replies.Ticker,),
        "The last 24 hours: now, and whenever the best of the book or the market's status changes.",
    ),
    "candle": (
        "candle_{interval}@{market}", INTERVAL | MARKET, (events.CandleEvent,),
        "The running candle after each trade, and once more with closed when its time is over.",
    ),
    "orders": (
        "orders@{user}", USER, (events.OrdersSnapshot, events.OrderUpdate),
        "A snapshot of the open orders first, then every step of every order.",
    ),
    "lists": (
        "lists@{user}", USER, (events.ListsSnapshot, events.ListUpdate),
        "A snapshot of the open lists first, then a list whenever one of its orders has another status.",
    ),
    "balances": (
        "balances@{user}", USER, (events.BalancesSnapshot, events.BalancesUpdate),
        "A snapshot of all balances first, then those that a command touched.",
    ),
}  # fmt: skip
RESULTS = (*(replies.OrderWithFills, replies.Order, replies.Canceled, replies.BatchResults, replies_lists.OrderList),)


def document() -> Json:
    """The AsyncAPI 3 document."""
    schemas = _schemas()
    described = {**_requests(), **_answers()}
    channels: dict[str, Json] = {"socket": _channel("/ws", {}, "Requests and their answers.", list(described))}
    operations = {name: _request_operation(name) for name in messages.TAGS}
    for feed, (address, parameters, carried, summary) in FEEDS.items():
        carries = {_event_name(feed, model): model for model in carried}
        described |= {name: _event(feed, name, model, schemas) for name, model in carries.items()}
        channels[feed] = _channel(address, parameters, summary, list(carries))
        operations[feed] = {"action": "send", "channel": {"$ref": f"#/channels/{feed}"}, "summary": summary}
    for frame in (events.Event, msgspec.Struct):  # which each event has with data of its own
        del schemas[frame.__name__]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "exchange", "version": __version__, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8080", "protocol": "ws", "description": "the default address"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": described, "schemas": schemas},
    }


def _schemas() -> dict[str, Json]:
    """What messages carry, by the names of the types; where a type says too little, more."""
    carried = [model for _, _, models_, _ in FEEDS.values() for model in models_]
    types = [*messages.TYPES, *answers(), *carried, *RESULTS]
    types += [events.Event, models.PlaceOrderRequest, models_batch.BatchCancelItem, replies.Error]
    references, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    of = dict(zip(types, references, strict=True))
    codes = {"enum": list(MEANINGS), "description": " ".join(f"{code}: {text}" for code, text in MEANINGS.items())}
    for model in (events.ErrorMessage, replies.Error):
        schemas[model.__name__]["properties"]["code"] = codes
    schemas[events.ResultMessage.__name__]["properties"]["data"] = {"anyOf": [of[result] for result in RESULTS]}
    schemas[messages.PlaceOrders.__name__]["properties"]["orders"] = {
        "type": "array",
        "minItems": 1,
        "maxItems": models.BATCH_MAX,
        "items": {"oneOf": [of[models.PlaceOrderRequest], of[models_batch.BatchCancelItem]]},
    }
    schemas[replies.BatchResults.__name__]["properties"]["results"] = {
        "type": "array",
        "items": {"oneOf": [of[replies.OrderWithFills], of[replies.Order], of[replies.Error]]},
    }
    levels = schemas[events.DepthDiff.__name__]["properties"]
    schemas[events.DepthSnapshot.__name__]["properties"] |= {"bids": levels["bids"], "asks": levels["asks"]}
    return schemas


def answers() -> list[type[msgspec.Struct]]:
    """The types of answers."""
    return list(get_args(events.Answer))


def tag_of(model: type[msgspec.Struct]) -> str:
    """The message_type of a request or an answer."""
    return str(model.__struct_config__.tag)


def _requests() -> dict[str, Json]:
    return {tag: _message(tag, model, REQUESTS[tag]) for tag, model in messages.TAGS.items()}


def _answers() -> dict[str, Json]:
    return {tag_of(model): _message(tag_of(model), model, ANSWERS[tag_of(model)]) for model in answers()}


def _message(name: str, model: type[msgspec.Struct], example: Json) -> Json:
    return {
        "name": name,
        "summary": _first_line(model),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": [{"payload": example}],
    }


def _event_name(feed: str, model: type[msgspec.Struct]) -> str:
    """The name of an event: its channel's, with the type of its data where a channel has several."""
    tag = model.__struct_config__.tag
    return feed if tag is None else f"{feed}_{tag}"


def _event(feed: str, name: str, model: type[msgspec.Struct], schemas: dict[str, Json]) -> Json:
    """An event: the frame that all have, with its own data."""
    frame = schemas[events.Event.__name__]
    data = {"$ref": f"#/components/schemas/{model.__name__}"}
    schemas[f"{name}_event"] = {
        **frame,
        "title": f"{name}_event",
        "properties": {**frame["properties"], "data": data},
        "additionalProperties": False,
    }
    return {
        "name": name,
        "summary": _first_line(model),
        "payload": {"$ref": f"#/components/schemas/{name}_event"},
        "examples": [{"payload": EVENTS[name]}],
    }


def _channel(address: str, parameters: Json, summary: str, names: list[str]) -> Json:
    found: Json = {"address": address, "summary": summary}
    if parameters:
        found["parameters"] = parameters
    return found | {"messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}}


def _request_operation(tag: str) -> Json:
    """What a client may send, and what it is answered."""
    own = {"PING": "PONG", "SUBSCRIBE": "SUBSCRIBED", "UNSUBSCRIBE": "UNSUBSCRIBED"}.get(tag, "RESULT")
    socket = "#/channels/socket"
    return {
        "action": "receive",
        "channel": {"$ref": socket},
        "summary": _first_line(messages.TAGS[tag]),
        "messages": [{"$ref": f"{socket}/messages/{tag}"}],
        "reply": {
            "channel": {"$ref": socket},
            "messages": [{"$ref": f"{socket}/messages/{name}"} for name in (own, "ERROR")],
        },
    }


def _first_line(model: type[msgspec.Struct]) -> str:
    return (model.__doc__ or "").partition("\n")[0].replace("`", "")
