"""WebSocket frames as they arrive from a client (RFC 6455), and the few that the server makes beside its messages.

`websockets` has all of this; its reader, a generator a frame, takes about five times as long, and an order over a
socket is little more than its frame. So frames are read here, and the tests hold this reader to that library's.
"""

from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009
NO_CODE: Final = 1005  # stands for a close frame without a code; never sent
CONTROL_MAX_BYTES: Final = 125

Event = tuple[int, bytes]
"""A kind (TEXT, BINARY, CLOSE, PING or PONG) and its payload, without the mask."""


class FrameReader:
    """Reads a client's frames. After `failure` is set it reads no more."""

    def __init__(self, message_max_bytes: int) -> None:
        self.failure: tuple[int, str] | None = None  # the code to close with, and why
        self._max = message_max_bytes
        self._rest = bytearray()
        self._needed = 2  # bytes of the rest without which there is nothing to read
        self._kind = 0  # of the message whose fragments are read
        self._fragments = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; the messages and control frames that they complete."""
        if self._failed():
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        events: list[Event] = []
        begin = 0
        while end := self._read(data, begin, events):
            begin = end
        if begin < len(data) and not self._failed():
            self._rest += memoryview(data)[begin:]
        return events

    def _failed(self) -> bool:
        """Whether `failure` is set: asked by a call, since what a type checker narrows once stays so, compiled too."""
        return self.failure is not None

    def _read(self, data: bytes, begin: int, events: list[Event]) -> int:
        """Read one frame; where it ends, or 0 if it is not whole or wrong."""
        here = len(data) - begin
        if here < 2:
            self._needed = 2
            return 0
        first, second = data[begin], data[begin + 1]
        payload_bytes, start = second & 0x7F, begin + 2
        if payload_bytes >= 126:
            start += 2 if payload_bytes == 126 else 8
            if len(data) < start:
                self._needed = start - begin
                return 0
            payload_bytes = int.from_bytes(data[begin + 2 : start], "big")
        if not self._may_come(first, second, payload_bytes):
            return 0
        end = start + 4 + payload_bytes
        if len(data) < end:
            self._needed = end - begin
            return 0
        self._take(first, unmasked(data[start : start + 4], data[start + 4 : end]), events)
        return 0 if self._failed() else end

    def _may_come(self, first: int, second: int, payload_bytes: int) -> bool:
        """Judge the head of a frame, before its payload is waited for."""
        kind, final = first & 0x0F, first & 0x80
        if first & 0x70:
            return self._fail(PROTOCOL_ERROR, "a reserved bit is set")
        if not second & 0x80:
            return self._fail(PROTOCOL_ERROR, "a frame is not masked")
        if kind >= CLOSE:
            if kind > PONG:
                return self._fail(PROTOCOL_ERROR, "the opcode is unknown")
            if not final or payload_bytes > CONTROL_MAX_BYTES:
                return self._fail(PROTOCOL_ERROR, "a control frame is fragmented or too long")
            return True
        if kind > BINARY:
            return self._fail(PROTOCOL_ERROR, "the opcode is unknown")
        if (kind == 0) != bool(self._kind):
            return self._fail(PROTOCOL_ERROR, "a fragment has no beginning, or a message no end")
        if len(self._fragments) + payload_bytes > self._max:
            return self._fail(TOO_BIG, f"a message may have {self._max} bytes")
        return True

    def _take(self, first: int, payload: bytes, events: list[Event]) -> None:
        kind, final = first & 0x0F, first & 0x80
        if kind >= CLOSE:
            if kind != CLOSE or self._is_close(payload):
                events.append((kind, payload))
            return
        if not final or not kind:
            self._kind = kind or self._kind
            self._fragments += payload
            if not final:
                return
            kind, payload, self._kind = self._kind, bytes(self._fragments), 0
            self._fragments.clear()
        if kind == TEXT and not _is_text(payload):
            self._fail(INVALID_TEXT, "a text is not UTF-8")
            return
        events.append((kind, payload))

    def _is_close(self, payload: bytes) -> bool:
        if not payload:
            return True
        if len(payload) == 1 or not _may_be_received(int.from_bytes(payload[:2], "big")):
            return self._fail(PROTOCOL_ERROR, "the close code is not one that may be sent")
        return _is_text(payload[2:]) or self._fail(INVALID_TEXT, "a close reason is not UTF-8")

    def _fail(self, code: int, why: str) -> bool:
        self.failure = (code, why)
        self._rest.clear()
        self._fragments.clear()
        return False


def unmasked(mask: bytes, payload: bytes) -> bytes:
    """The payload without its mask; as two large integers, which is as fast as C for the sizes of messages."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")


def control_frame(kind: int, payload: bytes = b"") -> bytes:
    """A whole control frame of the server."""
    return bytes((0x80 | kind, len(payload))) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """The frame that begins, or answers, the end of a socket. A reason too long for it is cut."""
    if code == NO_CODE:
        return control_frame(CLOSE)
    text = reason.encode()[: CONTROL_MAX_BYTES - 2].decode(errors="ignore").encode()
    return control_frame(CLOSE, code.to_bytes(2, "big") + text)


def close_code(payload: bytes) -> int:
    """The code of a received close frame."""
    return int.from_bytes(payload[:2], "big") if payload else NO_CODE


def _is_text(payload: bytes) -> bool:
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_be_received(code: int) -> bool:
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
