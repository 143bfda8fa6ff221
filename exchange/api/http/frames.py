"""WebSocket frames of the server: a payload that goes to many sockets is framed once."""


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked text frame."""
    length = len(payload)
    if length < 126:
        return b"\x81" + bytes((length,)) + payload
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload
