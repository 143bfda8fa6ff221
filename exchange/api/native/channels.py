"""Channel names, and how each begins: the answer, and what it shows first."""

from collections.abc import Callable, Sequence
from typing import Any

from exchange.api.native.errors import ApiError
from exchange.api.native.models import Json
from exchange.core.candles import INTERVAL_NAMES
from exchange.core.market import as_read
from exchange.core.market_data import MarketData
from exchange.core.venue import Venue
from exchange.pipeline.feeds import (
    BalancesSnapshot,
    Data,
    Departure,
    DepthSnapshot,
    Message,
    OrdersSnapshot,
    Subscriber,
    Subscription,
)

PUBLIC = ("trade", "depth", "book_ticker", "ticker", *(f"candle_{name}" for name in INTERVAL_NAMES))
PRIVATE = ("orders", "balances")


def split(channel: str) -> tuple[str, str]:
    """The kind of a channel, and the market or user it is of. Raises ApiError."""
    kind, at, subject = channel.partition("@")
    if not at or kind not in (*PUBLIC, *PRIVATE):
        kinds = ", ".join((*PUBLIC, *PRIVATE))
        raise ApiError("INVALID_FIELD", f"channel must be one of {kinds}, then @ and a market or a user.")
    return kind, subject


class Channels:
    """Makes subscriptions. Copies are taken when one gets in line, so the snapshot is of that moment."""

    def __init__(
        self,
        data: MarketData,
        encode: Callable[[Message], bytes],
        answer: Callable[[Json], bytes],
        now_ns: Callable[[], int],
    ) -> None:
        self._data = data
        self.encode = encode
        self._answer = answer
        self._now_ns = now_ns

    def subscribe(self, subscriber: Subscriber, channel: str, request_id: Any, venue: Venue) -> Subscription:
        """The subscription of a valid channel, as of the venue's state now."""
        kind, subject = split(channel)
        count, first = self._begin(venue, kind, subject)
        sequence = venue.sequence

        def begin() -> list[bytes]:
            greeting: Json = {
                "message_type": "SUBSCRIBED",
                "channel": channel,
                "channel_sequence": count() if callable(count) else count,
            }
            if request_id is not None:
                greeting["id"] = request_id
            frames = [self._answer(greeting)]
            data = first() if callable(first) else first
            if data is not None:
                frames.append(self.encode(Message(channel, sequence, greeting["channel_sequence"], data)))
            return frames

        return Subscription(subscriber, channel, begin)

    def unsubscribe(self, subscriber: Subscriber, channel: str, request_id: Any, _: Venue) -> Departure:
        """The end of a subscription, behind what was asked before."""
        answer: Json = {"message_type": "UNSUBSCRIBED", "channel": channel}
        if request_id is not None:
            answer["id"] = request_id
        return Departure(subscriber, channel, self._answer(answer))

    def _begin(self, venue: Venue, kind: str, subject: str) -> tuple[Any, Data | Callable[[], Data] | None]:
        """How far the channel has counted, and what it shows first; callables where the public view knows it."""
        if kind in PRIVATE:
            return self._begin_private(venue, kind, subject)
        market = venue.markets[subject]
        changed = market.changed()
        if kind == "trade":
            return changed.trade_sequence, None
        if kind == "depth":
            bids, asks = (half.depth(len(half.levels)) for half in market.book.sides)
            return changed.depth_sequence, DepthSnapshot(subject, changed.book_sequence, bids, asks)
        if kind == "book_ticker":
            return changed.best_sequence, changed
        # The public view knows a market from its release on, which is before this subscription's.
        if kind == "ticker":
            return changed.best_sequence, lambda: self._data.market(subject).ticker(self._now_ns())
        interval = INTERVAL_NAMES.index(kind.removeprefix("candle_"))
        return (lambda: self._data.market(subject).candle_sequence(interval)), None

    def _begin_private(self, venue: Venue, kind: str, user_id: str) -> tuple[int, Data]:
        user = venue.ledger.user(user_id)
        if kind == "orders":
            orders = [as_read(order) for market in venue.markets.values() for order in market.open_orders(user_id)]
            return user.orders_sequence, OrdersSnapshot(sorted(orders, key=lambda order: order.order_id))
        accounts = [account.as_read() for account in venue.ledger.accounts_of(user_id)]
        return user.balances_sequence, BalancesSnapshot(accounts)


def names(channel: str | None, several: Sequence[str] | None) -> list[str]:
    """The channels that a message names, as one or as a list, each once. Raises ApiError."""
    if (channel is None) == (several is None):
        raise ApiError("INVALID_FIELD", "Give channel or channels, one of the two.")
    if several is not None and not several:
        raise ApiError("INVALID_FIELD", "channels is empty.")  # which would have no answer at all
    return [channel] if channel is not None else list(dict.fromkeys(several or ()))
