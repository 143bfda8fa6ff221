"""The body of a request: chunks put together, and a content coding undone, both within bounds."""

import zlib

import httptools

from exchange.api.native.errors import ApiError

CHUNKS_MAX = 8192  # of one body: each costs as much as a small request
LINE_MAX_BYTES = 1024  # of a chunk's size with its extensions, and of a trailer
TRAILERS_MAX = 20
_HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def _malformed() -> ApiError:
    return ApiError("MALFORMED_JSON", "The body does not arrive as its headers say.")


class ChunkedBody:
    """A chunked body as it arrives.

    The parser judges every line; where a line and a chunk end is found here, since what comes behind the body belongs
    to the next request.
    """

    def __init__(self, body_max_bytes: int) -> None:
        self.complete = False
        self._body_max_bytes = body_max_bytes
        self._body = bytearray()
        self._line = bytearray()
        self._left = 0  # bytes of the running chunk, with its line end
        self._size = 0
        self._chunks = 0
        self._trailers = -1  # lines behind the last chunk; -1 before it
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    @property
    def body(self) -> bytes:
        """What has arrived, without the framing."""
        return bytes(self._body)

    def on_body(self, piece: bytes) -> None:
        """Take a piece of a chunk from the parser."""
        self._body += piece

    def on_message_complete(self) -> None:
        """The parser has seen the end."""
        self.complete = True

    def take(self, data: bytes, begin: int) -> int:
        """Take bytes from `begin` on, no further than the end of the body; where that is. Raises ApiError."""
        while begin < len(data) and not self.complete:
            if self._left:
                end = min(begin + self._left, len(data))
                self._feed(data[begin:end])
                self._left -= end - begin
            else:
                newline = data.find(b"\n", begin)
                end = newline + 1 if newline >= 0 else len(data)
                self._line += data[begin:end]
                if len(self._line) > LINE_MAX_BYTES:
                    raise ApiError("TOO_LARGE", "A line of the body's framing is too long.")
                if newline >= 0:
                    line = bytes(self._line)
                    self._line.clear()
                    self._take_line(line)
            begin = end
        return begin

    def _take_line(self, line: bytes) -> None:
        self._feed(line)
        if self._trailers >= 0:
            self._trailers += 1
            if self._trailers > TRAILERS_MAX:
                raise ApiError("TOO_LARGE", "The body has too many trailers.")
            return
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            raise _malformed() from None
        self._chunks += 1
        self._size += size
        if self._chunks > CHUNKS_MAX or self._size > self._body_max_bytes:
            raise ApiError("TOO_LARGE", "The body is too large, or has too many chunks.")
        if size:
            self._left = size + 2
        else:
            self._trailers = 0

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            raise _malformed() from None


def decoded(coding: str | None, body: bytes, body_max_bytes: int) -> bytes:
    """The body without its content coding. Raises ApiError."""
    if coding is None or coding.lower() in ("", "identity"):
        return body
    window = _WINDOWS.get(coding.lower())
    if window is None:
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The content codings served here are gzip and deflate, one of them.")
    decoder = zlib.decompressobj(window)
    try:
        plain = decoder.decompress(body, body_max_bytes + 1)
    except zlib.error:
        raise _malformed() from None
    if len(plain) > body_max_bytes:
        raise ApiError("TOO_LARGE", "The body is too large.")
    if not decoder.eof or decoder.unused_data:
        raise _malformed()
    return plain
