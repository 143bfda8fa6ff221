"""Every channel's events have the fields of their example in `docs/api.md`, and no others."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from exchange.api.native.names import PRIVATE, PUBLIC
from tests.patience import PATIENCE_S
from tests.whole.api import Api, order_body

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(example) for example in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]

Kind = tuple[str, str | None, str | None]


def kind_of(event: Any) -> Kind:
    """Its channel without whose, the type of its data, and the reason of an update of an order."""
    data = event["data"]
    channel = event["channel"].partition("@")[0]
    return ("candle_1m" if channel.startswith("candle_") else channel), data.get("type"), data.get("reason")


def form(value: Any) -> Any:
    """The names in a value, and what kind of thing stands under each; lists are like their first item."""
    if isinstance(value, dict):
        return {name: form(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return "list"
    return type(value).__name__


async def events(api: Api, market: str) -> list[Any]:
    """What all channels say of an ask, and a buy that meets half of it."""
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "10"}), await api.user(USDC="10000")
    channels = [f"{kind}@{taker if kind in PRIVATE else market}" for kind in (*PUBLIC, *PRIVATE)]
    heard: list[Any] = []
    wanted = {(kind_of(example)) for example in EXAMPLES}
    async with api.session.ws_connect(f"{api.url}/ws") as socket, asyncio.timeout(PATIENCE_S):
        await api.order(maker, market, "sell 2 @ 150.02")
        await socket.send_json({"message_type": "SUBSCRIBE", "channels": channels})
        subscribed = 0
        while subscribed < len(channels):
            message = await socket.receive_json()
            subscribed += message.get("message_type") == "SUBSCRIBED"
            heard += [message] if "data" in message else []
        both = [order_body(None, market, text) for text in ("buy 1 @ 8", "buy 1 @ 7")]
        listed = {"user_id": taker, "type": "oto", "orders": both, "client_list_id": "exit"}
        await api.ok("POST", "/order/list", listed)
        await api.ok("POST", "/order/cancel_all", {"user_id": taker})
        await api.order(taker, market, "buy 0.5 @ 150.02")
        while not wanted <= {kind_of(event) for event in heard}:
            heard.append(await socket.receive_json())
    return heard


async def test_events_look_like_their_examples(api: Api, market: str) -> None:
    heard = await events(api, market)
    for example in EXAMPLES:
        # The last one: a ticker's first has no prices yet.
        like = [event for event in heard if kind_of(event) == kind_of(example)][-1]
        assert form(like) == form(example)
