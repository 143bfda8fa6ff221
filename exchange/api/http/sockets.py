"""What the transport and a dialect's session know of each other on a WebSocket."""

from collections.abc import Callable
from typing import Protocol

from exchange.api.http.request import Request


class Peer(Protocol):
    """The client of one socket, as its session and the feeds reach it."""

    def write(self, frames: list[bytes]) -> None:
        """Send whole frames (`frames.text_frame`), in one write. Never waits, never raises."""

    def unsent_bytes(self) -> int:
        """How much of what was written has not left this process."""

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; cut the connection if the client does not finish it."""

    async def end(self, code: int, reason: str, patience_s: float) -> None:
        """Close, and return when the connection is gone, after `patience_s` at the latest."""

    def become(self, session: "SocketSession") -> None:
        """Give the messages that follow to another session, and tell it when the connection is gone."""

    def be_patient(self, pong_s: float) -> None:
        """Wait so long for the answer to a ping."""


class SocketSession(Protocol):
    """One socket's conversation in a dialect. The transport gives it messages in the order they came."""

    @property
    def full(self) -> bool:
        """Whether the next message must wait for `room`; the transport then stops reading."""

    @property
    def overloaded(self) -> bool:
        """Whether a message was refused as OVERLOADED; then too, the next one waits for `room`."""

    @property
    def waiting_bytes(self) -> int:
        """How much waits for the client in this process, beside what its peer has not sent."""

    def handle(self, text: str | bytes) -> None:
        """Take one message. Never waits."""

    async def room(self) -> None:
        """Return when the session takes messages again."""

    def end(self) -> None:
        """The connection is gone."""

    async def close(self) -> None:
        """The exchange stops: answer what was promised, then end the peer."""


OpenSession = Callable[[Peer, Request], SocketSession]
"""Makes the session of a socket whose upgrade request was admitted."""
