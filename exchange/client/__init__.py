"""A typed asyncio client of the exchange: REST calls, and channels and orders over one WebSocket.

Prices, quantities and amounts are decimal text in both directions, never floats (`Step` converts them to whole ticks
and lots and back, `decimal_key` compares them). A refusal raises `ApiError`; a call without a complete answer raises
`Unreachable`. `place` retries by `client_order_id` and never creates a second order. Events that a subscription missed
are reported as a `Gap`.
"""

from exchange.client.book import Book
from exchange.client.channel import Event, Feed, Gap
from exchange.client.errors import UNSETTLED, ApiError, Unreachable, Unsettled
from exchange.client.key_ring import KeyRing
from exchange.client.numbers import Step, decimal_key
from exchange.client.rest import Client
from exchange.client.signing import ApiKey
from exchange.client.socket import Socket
from exchange.client.types import (
    Amendment,
    Balance,
    Candle,
    Depth,
    Fill,
    Json,
    Market,
    Order,
    OrderList,
    Peg,
    PreventedMatch,
    Refusal,
    Replaced,
    Ticker,
    Trade,
)

__all__ = [
    "UNSETTLED",
    "Amendment",
    "ApiError",
    "ApiKey",
    "Balance",
    "Book",
    "Candle",
    "Client",
    "Depth",
    "Event",
    "Feed",
    "Fill",
    "Gap",
    "Json",
    "KeyRing",
    "Market",
    "Order",
    "OrderList",
    "Peg",
    "PreventedMatch",
    "Refusal",
    "Replaced",
    "Socket",
    "Step",
    "Ticker",
    "Trade",
    "Unreachable",
    "Unsettled",
    "decimal_key",
]
