"""What a route answers, before it is bytes."""

from collections.abc import Sequence
from typing import Protocol

JSON = "application/json"


class Response:
    """A whole reply. `headers` are those beside Content-Type, Content-Length, Date, Server and X-Request-Id."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, body: bytes, status: int = 200, content_type: str = JSON, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers


class Responder(Protocol):
    """Where the reply to one request goes. The caller sends exactly one, at once or later, from the event loop."""

    def send(self, response: Response) -> None:
        """Send the reply. Never raises; a client that has left gets nothing."""
