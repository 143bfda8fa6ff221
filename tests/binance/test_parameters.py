"""Parameters as they travel, and what of a request is signed."""

import pytest

from exchange.api.binance.errors import BinanceError
from exchange.api.binance.parameters import Parameters, from_http
from exchange.api.binance.security import signed_part


def code_of(ask: object, *arguments: object) -> int:
    assert callable(ask)
    with pytest.raises(BinanceError) as refused:
        ask(*arguments)
    return refused.value.code


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("a=1&b=2", b"", {"a": "1", "b": "2"}),
        ("", b"a=1", {"a": "1"}),
        ("a=1", b"a=2&b=3", {"a": "1", "b": "3"}),
        ("a=%5B%22x%22%5D&b=1+2", b"", {"a": '["x"]', "b": "1 2"}),
        ("a&b=&&c=d=e", b"", {"a": "", "b": "", "c": "d=e"}),
        ("", b"\xff\xfe=1", {"\ufffd\ufffd": "1"}),
    ],
)
def test_the_query_wins_over_the_body(query: str, body: bytes, expected: dict[str, str]) -> None:
    assert from_http(query, body) == expected


def test_a_parameter_is_given_once_in_each_place_and_there_are_not_too_many() -> None:
    assert code_of(from_http, "a=1&a=2", b"") == -1101
    assert code_of(from_http, "a=%31&a=2", b"") == -1101
    assert code_of(from_http, "&".join(f"a{number}=1" for number in range(101)), b"") == -1101


@pytest.mark.parametrize(
    ("query", "body", "signed", "signature"),
    [
        ("a=1&signature=ab", b"", b"a=1", "ab"),
        ("signature=ab&a=1", b"", b"a=1", "ab"),
        ("a=1&signature=ab&b=2", b"", b"a=1&b=2", "ab"),
        ("a=1&signature=a%2Bb%3D", b"", b"a=1", "a+b="),
        ("a=1&signature=a+b=", b"", b"a=1", "a+b="),
        ("a=1", b"b=2&signature=ab", b"a=1b=2", "ab"),
        ("a=1&signature=ab", b"b=2", b"a=1b=2", "ab"),
        ("", b"signature=ab", b"", "ab"),
        ("a=%31", b"", b"a=%31", None),
        ("xsignature=1&signature=ab", b"", b"xsignature=1", "ab"),
        ("signature=ab&signature=cd", b"", b"", "ab"),
    ],
)
def test_what_is_signed_is_all_but_the_signature(query: str, body: bytes, signed: bytes, signature: str | None) -> None:
    assert signed_part(query, body) == (signed, signature)


def test_what_no_call_reads_is_refused() -> None:
    params = Parameters({"a": "1", "b": "2", "timestamp": "3", "signature": "4", "recvWindow": "5"})
    assert params.integer("a") == 1
    assert code_of(params.done) == -1104
    assert params.text("b") == "2"
    params.done()
    assert code_of(Parameters({"a": "1"}).done) == -1101
    Parameters({"timestamp": "1"}).done()


def test_values_are_what_they_must_be() -> None:
    params = Parameters({"none": "", "flag": "True", "word": "LIMIT", "many": "5000", "symbols": '["A","B"]'})
    assert code_of(params.text, "none") == -1105
    assert code_of(params.needed, "none") == -1102
    assert code_of(params.needed, "missing") == -1102
    assert params.text("missing") is None
    assert params.flag("flag") is True
    assert code_of(params.flag, "word") == -1130
    assert params.choice("word", ("LIMIT",)) == "LIMIT"
    assert code_of(params.choice, "word", ("MARKET",)) == -1130
    assert params.symbols() == ["A", "B"]
    assert code_of(params.symbols, 1) == -1101
    for text in ("A", '["A", "B"]', '["a"]', "[1]", "[]", '["A"'):
        assert code_of(Parameters({"symbols": text}).symbols) == -1100
    assert params.limit(500, 1000) == 500
    assert Parameters({"limit": "5000"}).limit(500, 1000) == 1000
    assert code_of(Parameters({"limit": "0"}).limit, 500, 1000) == -1100
