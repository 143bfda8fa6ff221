"""Reads the heads of one connection. A client that signs sends the same head again, but for a few values: those of
some headers, or the query with the signature in it.

Such a head is compared with the last one that was parsed, from one of these values to the next, which costs a fraction
of parsing it. What differs in anything else, or has a value of unusual letters, is parsed as every other head is.
"""

import re
from collections.abc import Callable
from typing import Final

from exchange.api.http.head import LENGTH_DIGITS_MAX, Head
from exchange.api.http.routes import Route

VARIED: Final = frozenset(
    ("x-api-key", "x-timestamp", "x-nonce", "x-signature", "x-request-id", "x-mbx-apikey", "content-length")
)
MISSES_MAX: Final = 4  # patterns in a row that fit no later head; then this client's heads are only parsed
_LINE: Final = re.compile(rb"\r\n([A-Za-z-]+):[ \t]*([A-Za-z0-9._+/=-]+)(?=\r\n)")
_VALUE: Final = re.compile(rb"[A-Za-z0-9._+/=-]+")
QUERY: Final = "?"  # in the place of a header's name
_SIGNED: Final = re.compile(rb"[A-Z]+ (/[A-Za-z0-9._/-]*\?)([A-Za-z0-9._+/=&%~:,-]+) HTTP/1\.1(?=\r\n)")
_QUERY_BYTES: Final = bytes(byte for byte in range(256) if re.match(rb"[A-Za-z0-9._+/=&%~:,-]", bytes([byte])))

Found = tuple[Head, Route | None]


class Pattern:
    """A head that was parsed, as the texts between the values that may differ in the next one."""

    __slots__ = ("_before_query", "_between", "_head", "_last", "_names", "_rest", "route")

    def __init__(self, data: bytes, head: Head, route: Route | None) -> None:
        self._head = head
        self.route = route
        self._names: list[str] = []
        self._between: list[bytes] = []
        self._before_query = b""  # of the target
        self._rest = b""  # what followed the query in the last head that was read, and that head
        self._last: Head | None = None
        at = 0
        signed = _SIGNED.match(data)
        if signed is not None and b"signature=" in signed[2]:
            self._before_query = signed[1]
            self._names.append(QUERY)
            self._between.append(data[: signed.start(2)])
            at = signed.end(2)
        for line in _LINE.finditer(data):
            name = line[1].decode().lower()
            if name in VARIED:
                self._names.append(name)
                self._between.append(data[at : line.start(2)])
                at = line.end(2)
        self._between.append(data[at:])

    def read(self, data: bytes) -> Head | None:
        """The head that these bytes are, if they differ from the parsed one only in those values."""
        between = self._between
        if not data.startswith(between[0]):
            return None
        if self._before_query:
            return self._read_signed(data)
        return self._read_rest(data, 0, len(between[0]), self._head.target)

    def _read_signed(self, data: bytes) -> Head | None:
        """The head of a request with a signature in its query. What follows it is mostly what followed the last one."""
        begin, following = len(self._between[0]), self._between[1]
        end = data.find(b" ", begin)
        if end <= begin or not data.startswith(following, end):
            return None
        query, rest, last = data[begin:end], data[end:], self._last
        if query.translate(None, _QUERY_BYTES):
            return None
        target = self._before_query + query
        if last is not None and rest == self._rest:
            head: Head | None = Head(last.method, target, last.headers, old=last.old, like=last)
        else:
            head = self._read_rest(data, 1, end + len(following), target)
        if head is not None:
            head.query = query.decode()
            self._rest, self._last = rest, head
        return head

    def _read_rest(self, data: bytes, known: int, at: int, target: bytes) -> Head | None:
        """The head whose first values are known; what follows them begins there."""
        headers = dict(self._head.headers)
        for number, name in enumerate(self._names[known:], known + 1):
            value = _VALUE.match(data, at)
            if value is None:
                return None
            text, following = value[0], self._between[number]
            at = value.end()
            if not data.startswith(following, at):
                return None
            if name == "content-length" and not (text.isdigit() and len(text) <= LENGTH_DIGITS_MAX):
                return None
            headers[name] = text.decode()
            at += len(following)
        if at != len(data):
            return None
        return Head(self._head.method, target, headers, old=self._head.old, like=self._head)

    def fits(self, data: bytes) -> bool:
        """Whether it reads the head that it was made of as the parser did."""
        head = self.read(data)
        return head is not None and (head.headers, head.target) == (self._head.headers, self._head.target)


class HeadReader:
    """The heads of a connection. `parsed` parses one, with its route; it knows heads that came before as they are."""

    __slots__ = ("_misses", "_parsed", "_pattern")

    def __init__(self, parsed: Callable[[bytes], Found]) -> None:
        self._parsed = parsed
        self._pattern: Pattern | None = None
        self._misses = 0

    def read(self, data: bytes) -> Found:
        """The head that these bytes are, and its route. Raises ApiError."""
        pattern = self._pattern
        if pattern is not None:
            head = pattern.read(data)
            if head is not None:
                self._misses = 0
                return head, pattern.route
        found = self._parsed(data)
        if found[0].varies and self._misses < MISSES_MAX:
            self._misses += 1
            pattern = Pattern(data, *found)
            self._pattern = pattern if pattern.fits(data) else None
        return found
