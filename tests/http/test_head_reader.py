"""Heads of one client that differ only in a few values: read as the parser reads them, without it."""

import random
from collections.abc import Callable

import pytest

from exchange.api.http.head import Head, parse_head
from exchange.api.http.head_reader import MISSES_MAX, Found, HeadReader
from exchange.api.native.errors import ApiError

FIELDS = ("method", "target", "path", "query", "old", "keep_alive", "websocket", "expects_continue", "body_bytes")


def signed(*, key: str = "k1", timestamp: str = "1800000000000", signature: str = "ab12", **more: str) -> bytes:
    """The head of a signed order."""
    headers = {
        "Host": "127.0.0.1:8080",
        "Content-Type": "application/json",
        "X-API-Key": key,
        "X-Timestamp": timestamp,
        "X-Signature": signature,
    } | {name.replace("_", "-"): value for name, value in more.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /order HTTP/1.1\r\n{lines}\r\n".encode()


def asked(
    query: str, *, path: str = "/api/v3/order", method: str = "POST", key: str = "k1", length: str = "0"
) -> bytes:
    """The head of an order that is signed in its query."""
    headers = f"Host: here\r\nX-MBX-APIKEY: {key}\r\nContent-Length: {length}\r\n"
    return f"{method} {path}?{query} HTTP/1.1\r\n{headers}\r\n".encode()


class Parsed:
    """The parser, and how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, data: bytes) -> Found:
        self.count += 1
        return parse_head(data), None


def shown(head: Head) -> tuple[object, ...]:
    """All that a head says."""
    return (*(getattr(head, name) for name in FIELDS), dict(head.headers))


def outcome(read: Callable[[bytes], Head | Found], data: bytes) -> object:
    """All that a head says, or the code of the error."""
    try:
        found = read(data)
        return shown(found if isinstance(found, Head) else found[0])
    except ApiError as error:
        return error.code


def test_the_next_signed_head_is_not_parsed() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number in range(20):
        values = {"key": f"k{number % 3}", "timestamp": str(1_800_000_000_000 + number), "signature": f"{number:064x}"}
        data = signed(**values, Content_Length=str(number))
        head, _ = reader.read(data)
        assert shown(head) == shown(parse_head(data))
    assert parsed.count == 1


def test_the_next_query_is_not_parsed() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number in range(20):
        data = asked(f"symbol=SOLUSDC&price={number}.5&id=a%20{number}&signature={number:064x}")
        assert shown(reader.read(data)[0]) == shown(parse_head(data))
    assert parsed.count == 1
    others = [
        *(asked("a=1&signature=b c"), asked("signature=1", path="/api/v3/orders"), asked("signature=1", method="GET")),
        *(asked("a=1"), asked("a=1?b=2&signature=3"), asked("signature=1").replace(b"HTTP/1.1", b"HTTP/1.0")),
        *(asked('signature="'), asked("signature=1", path="/api/v3/%6frder")),
    ]
    for data in others:
        assert outcome(reader.read, data) == outcome(parse_head, data)


def test_a_query_is_read_where_no_header_differs() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number in range(3):
        data = f"GET /a?n={number}&signature=ab HTTP/1.1\r\nHost: here\r\n\r\n".encode()
        assert shown(reader.read(data)[0]) == shown(parse_head(data))
    assert parsed.count == 1
    for end in (b"X: 1\r\n\r\n", b"\r\n\r\n", b" \r\n"):
        changed = data[:-2] + end
        assert outcome(reader.read, changed) == outcome(parse_head, changed)


def test_values_that_trade_places_are_read_as_the_parser_reads_them() -> None:
    reader = HeadReader(Parsed())
    first = signed(X_Nonce="n1", Accept="a;b", Content_Length="9")
    reader.read(first)
    for data in (
        *(signed(X_Nonce="n;", Accept="ab", Content_Length="9"), signed(X_Nonce=";", Accept="a1b", Content_Length="9")),
        *(signed(key="k;", Accept="ab", X_Nonce="n1", Content_Length="9"), first.replace(b"X-Nonce: n1\r\n", b"")),
        first.replace(b"X-Nonce: n1", b"X-Nonce: n1\r\nX-Nonce: n2"),
        first.replace(b"X-Nonce: n1\r\n", b"X-Nonce: \r\n"),
        first.replace(b"X-Nonce: n1\r\n", b"X-Nonce: \xe9\r\n"),
    ):
        assert outcome(reader.read, data) == outcome(parse_head, data), data


def test_keys_and_lengths_that_come_again_are_those_of_their_own_head() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number, (key, length) in enumerate(
        [("k1", "0"), ("k1", "0"), ("k2", "7"), ("k2", "7"), ("k1", "7"), ("k1", "0")]
    ):
        data = asked(f"n={number}&signature=ab", key=key, length=length)
        head, _ = reader.read(data)
        assert shown(head) == shown(parse_head(data))
        assert (head.headers["x-mbx-apikey"], head.body_bytes) == (key, int(length))
    assert parsed.count == 1
    for length in ("x", "9" * 19):
        data = asked("signature=ab", length=length)
        assert outcome(reader.read, data) == outcome(parse_head, data)


def test_any_other_difference_is_parsed() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number, data in enumerate(
        (signed(), signed(Accept="a"), signed(Accept="a", Expect="100-continue"), signed(Accept="a", X_Nonce="n1")), 1
    ):
        assert shown(reader.read(data)[0]) == shown(parse_head(data))
        assert parsed.count == number


@pytest.mark.parametrize("length", ["x", "1.5", "+5", "-1", "9" * 19, "5 5"])
def test_a_length_that_is_none_is_refused_as_ever(length: str) -> None:
    reader = HeadReader(Parsed())
    reader.read(signed(Content_Length="12"))
    with pytest.raises(ApiError) as read:
        reader.read(signed(Content_Length=length))
    with pytest.raises(ApiError) as parsed:
        parse_head(signed(Content_Length=length))
    assert read.value.code == parsed.value.code


def test_a_header_that_is_added_within_a_value_is_refused_as_ever() -> None:
    reader = HeadReader(Parsed())
    reader.read(signed())
    with pytest.raises(ApiError):
        reader.read(signed(signature="ab\r\nX-Signature: cd"))


def test_a_client_whose_heads_never_fit_is_not_looked_at_further() -> None:
    parsed = Parsed()
    reader = HeadReader(parsed)
    for number in range(MISSES_MAX):
        reader.read(signed(Accept=f"k{number}"))
    for _ in range(3):
        reader.read(signed(Accept="later"))
    assert parsed.count == MISSES_MAX + 3


@pytest.mark.parametrize("first", [signed(X_Nonce="n1", Content_Length="9"), asked("a=1&signature=2b")])
def test_random_changes_of_a_head_are_read_as_the_parser_reads_them(first: bytes) -> None:
    chance = random.Random(7)
    for _ in range(3_000):
        reader = HeadReader(Parsed())
        reader.read(first)
        changed = bytearray(first)
        for _ in range(chance.randint(1, 2)):
            at, letter = chance.randrange(len(changed)), chance.choice(b"\r\n :;aZ09=,\t-\x00\xff?&%#/")
            if chance.random() < 0.5:
                changed[at] = letter
            else:
                changed.insert(at, letter)
        data = bytes(changed)
        assert outcome(reader.read, data) == outcome(parse_head, data), data
