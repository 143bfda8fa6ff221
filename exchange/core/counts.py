"""The counts that all markets share."""


class Counts:
    """The venue-wide counts, each by the last number that it gave. Every order has an id of its own and, if it may
    rest, a priority; neither is the sequence of a command."""

    __slots__ = (
        *("last_amendment_id", "last_list_id", "last_match_id", "last_order_id", "last_priority"),
        "last_trade_id",
    )

    def __init__(
        self,
        last_order_id: int = 0,
        last_priority: int = 0,
        last_trade_id: int = 0,
        last_match_id: int = 0,
        last_amendment_id: int = 0,
        last_list_id: int = 0,
    ) -> None:
        self.last_order_id = last_order_id
        self.last_priority = last_priority
        self.last_trade_id = last_trade_id
        self.last_match_id = last_match_id  # of prevented matches
        self.last_amendment_id = last_amendment_id
        self.last_list_id = last_list_id
