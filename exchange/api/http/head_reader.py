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

VARIED: Final = frozenset(("x-timestamp", "x-nonce", "x-signature", "x-request-id", "x-mbx-apikey", "content-length"))
MISSES_MAX: Final = 4  # patterns in a row that fit no later head; then this client's heads are only parsed
_LINE: Final = re.compile(rb"\r\n([A-Za-z-]+):[ \t]*([A-Za-z0-9._+/=-]+)(?=\r\n)")
_VALUE: Final = re.compile(rb"[A-Za-z0-9._+/=-]+")
QUERY: Final = "?"  # in the place of a header's name
_SIGNED: Final = re.compile(rb"[A-Z]+ (/[A-Za-z0-9._/-]*\?)([A-Za-z0-9._+/=&%~:,-]+) HTTP/1\.1(?=\r\n)")
_QUERY: Final = re.compile(rb"[A-Za-z0-9._+/=&%~:,-]+")

Found = tuple[Head, Route | None]


class Pattern:
    """A head that was parsed, as the texts between the values that may differ in the next one."""

    __slots__ = ("_before_query", "_between", "_head", "_names", "route")

    def __init__(self, data: bytes, head: Head, route: Route | None) -> None:
        self._head = head
        self.route = route
        self._names: list[str] = []
        self._between: list[bytes] = []
        self._before_query = b""  # of the target
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
        headers, at = dict(self._head.headers), len(between[0])
        target, query = self._head.target, self._head.query
        for number, name in enumerate(self._names, 1):
            value = (_QUERY if name == QUERY else _VALUE).match(data, at)
            if value is None:
                return None
            text, following = value[0], between[number]
            at = value.end()
            if not data.startswith(following, at):
                return None
            if name == "content-length" and not (text.isdigit() and len(text) <= LENGTH_DIGITS_MAX):
                return None
            if name == QUERY:
                target, query = self._before_query + text, text.decode()
            else:
                headers[name] = text.decode()
            at += len(following)
        if at != len(data):
            return None
        head = Head(self._head.method, target, headers, old=self._head.old, like=self._head)
        head.query = query
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
