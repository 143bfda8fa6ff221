"""A naive price-time matcher, to have an exchange to replay against: sorted lists, no funds, no durability."""

import re
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
ORDER_FIELDS = {"market", "side", "order_type", "price", "quantity", "client_order_id", "time_in_force", "post_only"}


@dataclass(slots=True)
class RestingOrder:
    number: int
    user_id: str
    client_order_id: str
    side: str
    content: dict[str, Any]
    price: Decimal | None
    quantity: Decimal
    executed: Decimal = Decimal(0)
    status: str = "open"
    fills: list[dict[str, Any]] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def key(self) -> tuple[Decimal, int]:
        """Ascending, so that the last of a side's list is its best."""
        assert self.price is not None
        return (self.price if self.side == "buy" else -self.price, -self.number)


@dataclass(slots=True)
class MatchedTrade:
    number: int
    price: Decimal
    quantity: Decimal
    taker: RestingOrder
    maker: RestingOrder

    def side(self, side: str) -> RestingOrder:
        return self.taker if self.taker.side == side else self.maker


class RefusedError(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Matcher:
    """One market."""

    def __init__(self, market: str = "BTC_USD") -> None:
        self.market = market
        self.orders: dict[tuple[str, str], RestingOrder] = {}
        self.trades: list[MatchedTrade] = []
        self.books: dict[str, list[tuple[tuple[Decimal, int], RestingOrder]]] = {"buy": [], "sell": []}

    def apply(self, user_id: str, item: dict[str, Any]) -> RestingOrder:
        if "cancel" in item:
            assert item["cancel"].keys() == {"market", "client_order_id"}, item
            assert item["cancel"]["market"] == self.market
            return self.cancel(user_id, item["cancel"]["client_order_id"])
        return self.place(user_id, item)

    def cancel(self, user_id: str, client_order_id: str) -> RestingOrder:
        order = self.find(user_id, client_order_id)
        if order.status not in ("open", "partially_filled"):
            raise RefusedError(422, "ORDER_CLOSED")
        book = self.books[order.side]
        del book[bisect_left(book, (order.key,))]
        order.status = "canceled"
        return order

    def find(self, user_id: str, client_order_id: str) -> RestingOrder:
        order = self.orders.get((user_id, client_order_id))
        if order is None:
            raise RefusedError(404, "UNKNOWN_ORDER")
        return order

    def place(self, user_id: str, item: dict[str, Any]) -> RestingOrder:
        assert item.keys() <= ORDER_FIELDS, item
        assert item["market"] == self.market
        assert PLAIN_NUMBER.fullmatch(item["quantity"]), item
        assert item["order_type"] == "market" or PLAIN_NUMBER.fullmatch(item["price"]), item
        name = item["client_order_id"]
        if (known := self.orders.get((user_id, name))) is not None:
            if known.content != item:
                raise RefusedError(409, "CLIENT_ORDER_ID_CONFLICT")
            return known
        price = Decimal(item["price"]) if "price" in item else None
        order = RestingOrder(len(self.orders) + 1, user_id, name, item["side"], item, price, Decimal(item["quantity"]))
        if item.get("post_only") and self._best_crossing(order) is not None:
            raise RefusedError(422, "WOULD_TAKE")
        self.orders[user_id, name] = order
        self._match(order)
        return order

    def _best_crossing(self, order: RestingOrder) -> RestingOrder | None:
        opposite = self.books["sell" if order.side == "buy" else "buy"]
        if not opposite:
            return None
        best = opposite[-1][1]
        assert best.price is not None
        crosses = order.price is None or (
            best.price <= order.price if order.side == "buy" else best.price >= order.price
        )
        return best if crosses else None

    def _match(self, taker: RestingOrder) -> None:
        while taker.remaining and (maker := self._best_crossing(taker)) is not None:
            if maker.user_id == taker.user_id:
                taker.status = "expired"
                return
            assert maker.price is not None
            quantity = min(taker.remaining, maker.remaining)
            self.trades.append(MatchedTrade(len(self.trades) + 1, maker.price, quantity, taker, maker))
            for order in (taker, maker):
                order.executed += quantity
                order.status = "partially_filled" if order.remaining else "filled"
            if not maker.remaining:
                self.books[maker.side].pop()
        if taker.remaining and taker.price is None:
            taker.status = "expired"
        elif taker.remaining:
            insort(self.books[taker.side], (taker.key, taker))

    def state(self) -> tuple[object, ...]:
        """All that two runs of one recording must have in common."""
        return (
            [(order.client_order_id, order.user_id, order.status, order.executed) for order in self.orders.values()],
            [
                (trade.price, trade.quantity, trade.side("buy").client_order_id, trade.side("sell").client_order_id)
                for trade in self.trades
            ],
            {side: [order.client_order_id for _, order in book] for side, book in self.books.items()},
        )
