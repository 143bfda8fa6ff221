"""One request of this dialect, whichever way it came: over HTTP, or over a socket."""

from typing import Final

from exchange.api.binance.parameters import Parameters

MILLISECOND_NS: Final = 1_000_000
MICROSECOND_NS: Final = 1_000


class Asked:
    """What a call gets. `user_id` is who asks, in the calls that need to know, by the key `api_key` and from `address`;
    `unit_ns` is the unit of times."""

    __slots__ = ("address", "api_key", "params", "unit_ns", "user_id")

    def __init__(
        self,
        params: Parameters,
        user_id: str = "",
        unit_ns: int = MILLISECOND_NS,
        api_key: str = "",
        address: str | None = None,
    ) -> None:
        self.params = params
        self.user_id = user_id
        self.unit_ns = unit_ns
        self.api_key = api_key
        self.address = address

    def time(self, time_ns: int) -> int:
        """A time as the client wants it."""
        return time_ns // self.unit_ns
