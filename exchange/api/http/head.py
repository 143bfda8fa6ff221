"""The head of a request: its line and its headers, parsed by httptools and then judged.

`parse_head` is a pure function of the bytes up to and with the empty line, so its result can be kept and used again for
the same bytes.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import httptools

from exchange.api.native.errors import ApiError

HEAD_MAX_BYTES = 16 << 10
HEADERS_MAX = 100
LENGTH_DIGITS_MAX: Final = 18
# A request that has two of these would mean one thing to one reader and another to the next.
SINGLE = frozenset(
    (
        "host",
        "origin",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "authorization",
        "x-user-id",
        "x-request-id",
        "x-api-key",
        "x-timestamp",
        "x-nonce",
        "x-signature",
    )
)
# They differ with every request, so that a head that has one of them hardly comes again.
VARYING: Final = frozenset(("x-signature", "x-timestamp", "x-nonce", "x-request-id", "authorization"))
# Letters, digits and / - . _ ~, which a path need not encode.
_DISGUISED: Final = re.compile(r"%(?:2[DEFdef]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")


def path_of(path: str) -> str:
    """The path that a target without its query names.

    A letter or slash that is written as %61 or %2F is not decoded: a rule of a proxy for a path would not see it.
    """
    return unquote(path) if "%" in path and not _DISGUISED.search(path) else path


class Head:
    """What a head says. `body_bytes` is -1 for a chunked body; `old` is HTTP/1.0; `varies`: it has a header of VARYING
    or a signature in the query.

    `headers` has lower-case names; the values of one that came several times are joined by `, `.
    """

    __slots__ = (
        "body_bytes",
        "expects_continue",
        "headers",
        "keep_alive",
        "method",
        "old",
        "path",
        "query",
        "target",
        "varies",
        "websocket",
    )

    def __init__(
        self, method: str, target: bytes, headers: Mapping[str, str], *, old: bool, like: "Head | None" = None
    ) -> None:
        """`like` is a head that has the same values of all headers that this looks at."""
        self.method = method
        self.target = target
        self.headers = headers
        self.old = old
        self.body_bytes = 0
        self.path, self.query = "", ""
        self.varies = self.keep_alive = self.websocket = self.expects_continue = False
        if like is None:
            self._judge()
            return
        self.path, self.query, self.varies, self.body_bytes = like.path, like.query, like.varies, like.body_bytes
        self.keep_alive, self.websocket = like.keep_alive, like.websocket
        self.expects_continue = like.expects_continue

    def _judge(self) -> None:
        headers, old = self.headers, self.old
        self.body_bytes = _body_bytes(headers, old=old)
        path, _, self.query = self.target.decode("utf-8", "replace").partition("?")
        self.path = path_of(path)
        self.varies = "signature=" in self.query or not VARYING.isdisjoint(headers)
        options = _tokens(headers.get("connection"))
        self.keep_alive = "keep-alive" in options if old else "close" not in options
        upgrade = headers.get("upgrade")
        self.websocket = upgrade is not None and "upgrade" in options and upgrade.lower() == "websocket"
        self.expects_continue = not old and headers.get("expect", "").lower() == "100-continue"


class _Found:
    """What the parser calls back."""

    __slots__ = ("complete", "fields", "target")

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self.complete = True


def parse_head(data: bytes) -> Head:
    """The head that these bytes are, from the request line to the empty line. Raises ApiError."""
    found = _Found()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # whether it is one of ours is judged later; every other is ignored
    except httptools.HttpParserError as error:
        if not found.complete:
            raise ApiError("INVALID_FIELD", f"The request cannot be read: {_reason(error)}.") from None
    if not found.complete:
        raise ApiError("INVALID_FIELD", "The request cannot be read: its head is not complete.")
    version = parser.get_http_version()
    if version not in ("1.1", "1.0"):
        raise ApiError("HTTP_VERSION_NOT_SUPPORTED", f"Version {version} of HTTP is not served here; use 1.1.")
    target = found.target
    if not target.startswith(b"/") or b"#" in target:
        raise ApiError("INVALID_FIELD", "The target of the request must be a path that begins with /.")
    return Head(parser.get_method().decode(), target, _headers(found.fields), old=version == "1.0")


def asked_path(data: bytes, at: int) -> str:
    """The path in a request line that begins there, as far as one can be seen; the rest need not be readable."""
    words = data[at : at + HEAD_MAX_BYTES].lstrip(b"\r\n").partition(b"\r\n")[0].split(b" ", 2)
    return words[1].partition(b"?")[0].decode("latin-1") if len(words) > 1 else ""


def _headers(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    if len(fields) > HEADERS_MAX:
        raise ApiError("TOO_LARGE", f"A request may have {HEADERS_MAX} headers.")
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        if name in headers:
            if name in SINGLE:
                raise ApiError("INVALID_FIELD", f"The header {name} is given twice.")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _body_bytes(headers: Mapping[str, str], *, old: bool) -> int:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if old or coding.lower() != "chunked" or length is not None:
            raise ApiError("INVALID_FIELD", "The only transfer coding served here is chunked, in HTTP/1.1.")
        return -1
    if length is None:
        return 0
    if not (length.isascii() and length.isdigit()):
        raise ApiError("INVALID_FIELD", "Content-Length must be digits.")
    length = length.lstrip("0")
    if len(length) > LENGTH_DIGITS_MAX:
        raise ApiError("TOO_LARGE", "The body is too large.")
    return int(length or "0")


def _tokens(value: str | None) -> list[str]:
    return [] if value is None else [token.strip() for token in value.lower().split(",")]


def _reason(error: BaseException) -> str:
    text = str(error).strip(" .:")
    return text[:1].lower() + text[1:] if text else "it is not HTTP"
