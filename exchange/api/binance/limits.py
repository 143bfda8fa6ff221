"""Request weights of addresses and order counts of users, in fixed windows as Binance counts them.

They are counted and shown always, and hold where the limits of the exchange do. Who goes on after a refusal is banned.
Orders count until they fill.
"""

from collections.abc import Callable
from typing import Any, Final

from exchange.api.binance.errors import BinanceError
from exchange.service.addresses import client_of

WEIGHT_MAX: Final = 6000  # a minute
RAW_REQUESTS_MAX: Final = 300_000  # in five minutes
ORDERS_10S_MAX: Final = 100
ORDERS_DAY_MAX: Final = 200_000
REFUSED_MAX: Final = 100  # requests of one window that are refused; then the address is banned
BAN_S: Final = 120
NAMES_MAX: Final = 100_000  # of one window; whoever comes later is not counted

_WEIGHT: Final = ("REQUEST_WEIGHT", "MINUTE", 1)
_ORDERS: Final = (("ORDERS", "SECOND", 10), ("ORDERS", "DAY", 1))
_RAW: Final = ("RAW_REQUESTS", "MINUTE", 5)


class Window:
    """Counts by name, which begin again at each multiple of the window's length."""

    def __init__(self, length_s: int, now_s: Callable[[], float]) -> None:
        self._length_s = length_s
        self._now_s = now_s
        self._until_s = 0.0
        self._counts: dict[str, int] = {}

    def add(self, name: str, count: int, now_s: float) -> int:
        """Count, and return how much it is now."""
        if now_s >= self._until_s:
            self._begin(now_s)
        total = self._counts.get(name, 0) + count
        if total != count or len(self._counts) < NAMES_MAX:
            self._counts[name] = total
        return total

    def count(self, name: str) -> int:
        """How much it is."""
        if (now_s := self._now_s()) >= self._until_s:
            self._begin(now_s)
        return self._counts.get(name, 0)

    def lower(self, name: str, count: int) -> None:
        """Count less, but never below nothing."""
        total = self._counts.get(name, 0)
        if total:
            self._counts[name] = max(total - count, 0)

    def is_empty(self) -> bool:
        """Whether nothing was counted in this window."""
        return not self._counts or self._now_s() >= self._until_s

    def left_s(self) -> int:
        """How long the window lasts, at least a second."""
        now_s = self._now_s()
        return max(1, int(self._length_s - now_s % self._length_s) + 1)

    def _begin(self, now_s: float) -> None:
        self._until_s = (now_s // self._length_s + 1) * self._length_s
        self._counts = {}


class BinanceLimits:
    """All counts. `now_s` is any clock that does not go back."""

    def __init__(self, now_s: Callable[[], float], *, enabled: bool) -> None:
        self.enabled = enabled
        self._now_s = now_s
        self._weights = Window(60, now_s)
        self._raw = Window(300, now_s)
        self._orders_10s = Window(10, now_s)
        self._orders_day = Window(86_400, now_s)
        self._refused = Window(60, now_s)
        self._banned: dict[str, float] = {}  # until when
        self.first_order: Callable[[], None] | None = None  # called when orders begin to count

    def weigh(self, address: str | None, weight: int) -> int:
        """Count a request against its address; the weight it has used in this minute. Raises BinanceError."""
        name, now_s = client_of(address or ""), self._now_s()
        if self._banned:
            self._refuse_banned(name)
        used = self._weights.add(name, weight, now_s)
        raw = self._raw.add(name, 1, now_s)
        if self.enabled and (used > WEIGHT_MAX or raw > RAW_REQUESTS_MAX):
            if self._refused.add(name, 1, now_s) > REFUSED_MAX and len(self._banned) < NAMES_MAX:
                self._banned[name] = self._now_s() + BAN_S
            self._refuse_weight()
        return used

    def charge(self, address: str | None, weight: int) -> int:
        """Count the weight of a request that was weighed as nothing, as it would be had it succeeded."""
        return self._weights.add(client_of(address or ""), weight, self._now_s())

    def order(self, user_id: str, count: int) -> tuple[int, int]:
        """Count orders of a user; how many there were in the last windows. Raises BinanceError."""
        now_s = self._now_s()
        if self.first_order is not None:
            self.first_order()
        ten, day = self._orders_10s.add(user_id, count, now_s), self._orders_day.add(user_id, count, now_s)
        if self.enabled and (ten > ORDERS_10S_MAX or day > ORDERS_DAY_MAX):
            most, per = (ORDERS_10S_MAX, "10 SECOND") if ten > ORDERS_10S_MAX else (ORDERS_DAY_MAX, "1 DAY")
            window = self._orders_10s if ten > ORDERS_10S_MAX else self._orders_day
            message = f"Too many new orders; current limit is {most} orders per {per}."
            raise BinanceError(-1015, message, 429, retry_after_s=window.left_s())
        return ten, day

    def filled(self, user_id: str, count: int) -> None:
        """An order of a user has filled for the first time: so many count no longer."""
        self._orders_10s.lower(user_id, count)
        self._orders_day.lower(user_id, count)

    def counts_orders(self) -> bool:
        """Whether an order of anybody was counted in one of the windows."""
        return not (self._orders_10s.is_empty() and self._orders_day.is_empty())

    def orders_of(self, user_id: str) -> list[dict[str, Any]]:
        """The order counts of a user."""
        return [
            _limit(*_ORDERS[0], ORDERS_10S_MAX) | {"count": self._orders_10s.count(user_id)},
            _limit(*_ORDERS[1], ORDERS_DAY_MAX) | {"count": self._orders_day.count(user_id)},
        ]

    def weight_of(self, address: str | None) -> dict[str, Any]:
        """The weight that an address has used."""
        return _limit(*_WEIGHT, WEIGHT_MAX) | {"count": self._weights.count(client_of(address or ""))}

    def _refuse_banned(self, name: str) -> None:
        until_s, now_s = self._banned.get(name, 0.0), self._now_s()
        if until_s <= now_s:
            self._banned.pop(name, None)
            return
        wait_s = int(until_s - now_s) + 1
        message = f"Way too much request weight used; IP banned for {wait_s} seconds. "
        message += "Please use WebSocket Streams for live updates to avoid bans."
        raise BinanceError(-1003, message, 418, retry_after_s=wait_s)

    def _refuse_weight(self) -> None:
        message = f"Too much request weight used; current limit is {WEIGHT_MAX} request weight per 1 MINUTE. "
        message += "Please use WebSocket Streams for live updates to avoid polling the API."
        raise BinanceError(-1003, message, 429, retry_after_s=self._weights.left_s())


def rate_limits() -> list[dict[str, Any]]:
    """The limits, for exchangeInfo."""
    return [
        _limit(*_WEIGHT, WEIGHT_MAX),
        _limit(*_ORDERS[0], ORDERS_10S_MAX),
        _limit(*_ORDERS[1], ORDERS_DAY_MAX),
        _limit(*_RAW, RAW_REQUESTS_MAX),
    ]


def _limit(kind: str, interval: str, number: int, most: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most}
