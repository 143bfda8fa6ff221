"""The place of one reply among the replies of a connection."""

from typing import Protocol

from exchange.api.http.response import Response
from exchange.api.http.wire import reply_bytes


class Flushes(Protocol):
    """A connection whose replies leave in order."""

    def flush(self) -> None:
        """Write the replies that are due."""


class Slot:
    """Takes the reply to one request. `last`: the connection ends with it."""

    __slots__ = ("_connection", "_head_only", "_old", "_request_id", "in_order", "last", "left", "reply")

    def __init__(
        self, connection: Flushes, request_id: str, *, last: bool, old: bool, head_only: bool, in_order: bool
    ) -> None:
        self._connection: Flushes | None = connection
        self._request_id = request_id
        self._old = old
        self._head_only = head_only
        self.in_order = in_order
        self.last = last
        self.left: int | None = None  # how many more requests may come at once, where they are counted
        self.reply: bytes | None = None

    def send(self, response: Response) -> None:
        """Take the reply; it is written when those before it are."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self.reply = reply_bytes(
            response,
            self._request_id,
            keep_alive=not self.last,
            old=self._old,
            head_only=self._head_only,
            left=self.left,
        )
        connection.flush()
