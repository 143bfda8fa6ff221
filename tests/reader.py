"""Reads channels like a careful client: it misses no event, takes none twice, and builds the state that they show."""

from typing import Any

Json = dict[str, Any]
STATES = ("depth", "orders", "balances", "ticker", "book_ticker")  # these begin with how things stand


class Reader:
    """Hears the messages of one socket after the other, and asserts what the contract says about each.

    `gaps` are the stretches of `channel_sequence` that passed while nobody listened: (channel, after, up to).
    """

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self.counts: dict[str, int] = {}
        self.gaps: list[tuple[str, int, int]] = []
        self.tape: dict[str, list[Json]] = {}
        self.balances: dict[str, dict[str, Json]] = {}
        self.orders: dict[str, dict[str, Json]] = {}
        self.latest: dict[str, Json] = {}  # of tickers
        self.candles: dict[str, dict[int, Json]] = {}  # by channel and open_at
        self._books: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self._last_sequences: dict[str, int] = {}
        self._beginning: set[str] = set()

    def hear(self, message: Json) -> None:
        """Take the next message of the socket."""
        self.heard.append(message)
        if message.get("message_type") == "SUBSCRIBED":
            self._begin(message["channel"], message["channel_sequence"])
        elif "channel_sequence" in message:
            self._event(message)

    def events(self, channel: str) -> list[Json]:
        """What one channel has said."""
        return [message for message in self.heard if message.get("channel") == channel and "data" in message]

    def book(self, market: str) -> Json:
        """The book as GET /depth would show it."""
        bids, asks = self._books[market]
        return {
            "market": market,
            "last_sequence": self._last_sequences[market],
            "bids": sorted(([p, q] for p, q in bids.items()), key=lambda level: -float(level[0])),
            "asks": sorted(([p, q] for p, q in asks.items()), key=lambda level: float(level[0])),
        }

    def _begin(self, channel: str, count: int) -> None:
        known = self.counts.get(channel, count)
        assert count >= known, f"{channel} went back from {known} to {count}"
        if count > known:
            self.gaps.append((channel, known, count))
        self.counts[channel] = count
        if channel.partition("@")[0] in STATES:
            self._beginning.add(channel)

    def _event(self, message: Json) -> None:
        channel, count = message["channel"], message["channel_sequence"]
        kind, _, subject = channel.partition("@")
        if channel in self._beginning:
            self._beginning.remove(channel)
            assert count == self.counts[channel], message
            assert "first_channel_sequence" not in message
        else:
            first = message.get("first_channel_sequence", count)
            assert first == self.counts[channel] + 1, f"{channel} was at {self.counts[channel]}: {message}"
            assert count >= first
            self.counts[channel] = count
        data = message["data"]
        match kind:
            case "depth":
                self._depth(subject, data)
            case "trade":
                self.tape.setdefault(subject, []).append(data)
            case "balances":
                self._balances(subject, data)
            case "orders":
                self._orders(subject, data)
            case "ticker" | "book_ticker":
                self.latest[channel] = data
            case _:
                self._candle(channel, data)

    def _depth(self, market: str, data: Json) -> None:
        if data["type"] == "snapshot":
            self._books[market] = (dict(data["bids"]), dict(data["asks"]))
        else:
            assert data["first_sequence"] == self._last_sequences[market] + 1, data
            assert data["last_sequence"] >= data["first_sequence"]
            for levels, side in zip(self._books[market], ("bids", "asks"), strict=True):
                for price, quantity in data[side]:
                    if quantity == "0":
                        levels.pop(price, None)
                    else:
                        levels[price] = quantity
        self._last_sequences[market] = data["last_sequence"]

    def _balances(self, user_id: str, data: Json) -> None:
        if data["type"] == "snapshot":
            self.balances[user_id] = {}
        for row in data["balances"]:
            self.balances[user_id][row["asset"]] = row

    def _orders(self, user_id: str, data: Json) -> None:
        if data["type"] == "snapshot":
            self.orders[user_id] = {order["order_id"]: order for order in data["orders"]}
            return
        order = data["order"]
        assert (data["fill"] is not None) == (data["reason"] == "filled")
        if order["status"] in ("open", "partially_filled"):
            self.orders[user_id][order["order_id"]] = order
        else:
            del self.orders[user_id][order["order_id"]]

    def _candle(self, channel: str, data: Json) -> None:
        known = self.candles.setdefault(channel, {})
        before = known.get(data["open_at"])
        assert before is None or not before["closed"], f"{channel} ended twice: {data}"
        assert all(open_at <= data["open_at"] for open_at in known), f"{channel} went back"
        known[data["open_at"]] = data
