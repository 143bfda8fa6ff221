"""What is known of the market that is watched: its book, tape, prices by the minute, and the orders of one user."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from exchange.client import Book, Candle, Event, Gap, Market, Step, Ticker, Trade

TAPE_MAX = 100
MINUTES_MAX = 600
MINUTE_MS = 60_000
OPEN = ("pending", "open", "partially_filled")

Json = dict[str, Any]


class WatchedMarket:
    """Takes in events; whoever draws reads it. Prices and quantities are texts with the decimals of the market."""

    def __init__(
        self, rules: Market, book: Book, candles: list[Candle], ticker: Ticker, trades: Sequence[Trade] = ()
    ) -> None:
        """`trades` are the last ones, newest first."""
        self.symbol = rules["market"]
        self.status = rules["status"]
        self.base, self.quote = rules["base"], rules["quote"]
        self.tick, self.lot = Step(rules["tick_size"]), Step(rules["lot_size"])
        self.book = book
        self.ticker: Ticker = ticker
        self.tape: deque[Json] = deque((dict(trade) for trade in trades), maxlen=TAPE_MAX)  # the newest is first
        self._first_ids = {trade["trade_id"] for trade in trades}  # what the channel may repeat
        self.closes: deque[tuple[int, float]] = deque(maxlen=MINUTES_MAX)  # (minute, last price)
        self.orders: dict[str, Json] = {}  # open ones of the user, by order_id
        self.gaps = 0
        for candle in candles:
            self.closes.append((candle["open_at"] // MINUTE_MS, float(candle["close"])))

    def take(self, item: Event | Gap) -> None:
        """Take in the next event of any of its channels."""
        if isinstance(item, Gap):
            return
        kind = item.channel.partition("@")[0]
        if kind == "trade":
            self._trade(item.data)
        elif kind == "ticker":
            self.ticker = item.data  # type: ignore[assignment]
            self.status = item.data.get("status", self.status)
        elif kind == "orders":
            self._orders(item.data)

    def gap(self, gap: Gap) -> None:
        """Something was missed; the client gets what it needs again."""
        if gap.reason == "lost":
            self.gaps += 1

    def _trade(self, trade: Json) -> None:
        if trade["trade_id"] in self._first_ids:
            return
        self._first_ids.clear()  # what follows is new, also on another database, which counts anew
        self.tape.appendleft(trade)
        minute, price = trade["timestamp"] // MINUTE_MS, float(trade["price"])
        if self.closes and self.closes[-1][0] == minute:
            self.closes[-1] = (minute, price)
        else:
            self.closes.append((minute, price))

    def _orders(self, data: Json) -> None:
        if data["type"] == "snapshot":
            self.orders = {order["order_id"]: order for order in data["orders"] if order["market"] == self.symbol}
            return
        order = data["order"]
        if order["market"] != self.symbol:
            return
        if order["status"] in OPEN:
            self.orders[order["order_id"]] = order
        else:
            self.orders.pop(order["order_id"], None)
