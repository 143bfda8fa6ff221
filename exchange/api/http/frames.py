"""WebSocket frames of the server: a payload that goes to many sockets is framed once."""

from collections.abc import Sequence
from typing import Final

_SHORT: Final = tuple([b"\x81" + bytes((length,)) for length in range(126)])  # the heads of short frames


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked text frame."""
    return _head(len(payload)) + payload


def text_frame_of(parts: Sequence[bytes]) -> bytes:
    """The frame of a payload in parts, which are copied once: each copy of a large one holds up the loop."""
    return b"".join([_head(sum(map(len, parts))), *parts])


def _head(length: int) -> bytes:
    if length < 126:
        return _SHORT[length]
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
