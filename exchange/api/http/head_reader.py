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
_VALUE_BYTES: Final = bytes(byte for byte in range(256) if re.match(rb"[A-Za-z0-9._+/=-]", bytes([byte])))
LINE_END: Final = "\r\n"
_SIGNED: Final = re.compile(rb"[A-Z]+ (/[A-Za-z0-9._/-]*\?)([A-Za-z0-9._+/=&%~:,-]+) HTTP/1\.1(?=\r\n)")
_QUERY_BYTES: Final = bytes(byte for byte in range(256) if re.match(rb"[A-Za-z0-9._+/=&%~:,-]", bytes([byte])))

Found = tuple[Head, Route | None]


class Pattern:
    """A head that was parsed, as the texts between the values that may differ in the next one."""

    __slots__ = (*("_before_query", "_between", "_head", "_last", "_lines", "_names", "_others", "_rest", "route"),)

    def __init__(self, data: bytes, head: Head, route: Route | None) -> None:
        self._head = head
        self.route = route
        self._between: list[bytes] = []
        self._before_query = b""  # of the target
        self._rest = b""  # what followed the query in the last head that was read, and that head
        self._last: Head | None = None
        at = 0
        names = []
        signed = _SIGNED.match(data)
        if signed is not None and b"signature=" in signed[2]:
            self._before_query = signed[1]
            self._between.append(data[: signed.start(2)])
            at = signed.end(2)
        for line in _LINE.finditer(data):
            name = line[1].decode().lower()
            if name in VARIED:
                names.append(name)
                self._between.append(data[at : line.start(2)])
                at = line.end(2)
        self._between.append(data[at:])
        self._cut(names, self._between[2 if self._before_query else 1 :])

    def _cut(self, names: list[str], between: list[bytes]) -> None:
        """What follows the first value, as lines: what each begins with, and the header whose value ends it, if any."""
        self._names = names[:1] or [""]
        self._lines = [""]
        for number, texts in enumerate(between, 1):
            # A text that stands between values begins with the end of a line, and ends with the name of a header.
            lines = texts.decode("latin-1").split(LINE_END)[1:]
            self._lines += lines
            self._names += [""] * len(lines)
            if number < len(names):
                self._names[-1] = names[number]
        self._others = b"".join(between).translate(None, _VALUE_BYTES)

    def read(self, data: bytes) -> Head | None:
        """The head that these bytes are, if they differ from the parsed one only in those values."""
        between = self._between
        if not data.startswith(between[0]):
            return None
        if self._before_query:
            return self._read_signed(data)
        return self._read_rest(data[len(between[0]) :], self._head.target)

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
            head = self._read_rest(data[end + len(following) :], target)
        if head is not None:
            head.query = query.decode()
            self._rest, self._last = rest, head
        return head

    def _read_rest(self, rest: bytes, target: bytes) -> Head | None:
        """The head of which this is what follows the text before the first value of a header."""
        like, names, begins = self._head, self._names, self._lines
        # All bytes that no value may have are those of the parsed head: every value has usual letters only.
        if rest.translate(None, _VALUE_BYTES) != self._others:
            return None
        lines = rest.decode("latin-1").split(LINE_END)
        if len(lines) != len(begins):
            return None
        headers, body_bytes = dict(like.headers), like.body_bytes
        for number, line in enumerate(lines):
            name, begin = names[number], begins[number]
            if not name:
                if line != begin:
                    return None
                continue
            value = line[len(begin) :]
            if not value or not line.startswith(begin):
                return None
            if name == "content-length":
                if not value.isdigit() or len(value) > LENGTH_DIGITS_MAX:
                    return None
                body_bytes = int(value)
            headers[name] = value
        head = Head(like.method, target, headers, old=like.old, like=like)
        head.body_bytes = body_bytes
        return head

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
