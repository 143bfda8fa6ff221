"""What the transport counts, in plain integers that `/metrics` reads."""

from collections import Counter


class HttpCounts:
    """Counts since the start.

    `requests` is by the path that a request took: `protocol`, `handed_over` or `websocket`. `timeouts` is by deadline:
    `head`, `body`, `idle`, `write`, `ping` or `handshake`.
    """

    __slots__ = ("refused_connections", "requests", "slow_closed", "timeouts")

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.timeouts: Counter[str] = Counter()
        self.refused_connections = 0  # beyond the cap
        self.slow_closed = 0  # for what they were owed
