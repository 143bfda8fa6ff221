"""A small typed asyncio client of the exchange: its calls over REST, its channels and orders over one socket.

It promises that texts stay texts: prices, quantities and amounts come and go as the contract's decimal texts, never
as floats (`Step` turns them into whole ticks and lots and back, `decimal_key` compares them). What was refused is
`ApiError`; what got no whole answer is `Unreachable`. `place` retries by `client_order_id` and never doubles; whatever
a subscription missed shows as a `Gap`.
"""

from exchange.client.book import Book
from exchange.client.channel import Event, Feed, Gap
from exchange.client.errors import UNSETTLED, ApiError, Unreachable, Unsettled
from exchange.client.numbers import Step, decimal_key
from exchange.client.rest import Client
from exchange.client.socket import Socket
from exchange.client.types import Balance, Candle, Depth, Fill, Json, Market, Order, Refusal, Ticker, Trade

__all__ = [
    "UNSETTLED",
    "ApiError",
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
    "Market",
    "Order",
    "Refusal",
    "Socket",
    "Step",
    "Ticker",
    "Trade",
    "Unreachable",
    "Unsettled",
    "decimal_key",
]
