"""The catalogue of bad input: every call, every field, and what must be answered.

`{user}`, `{market}` and `{base}` stand for a user who could afford any of these orders, the market they could be
placed in, and its base asset: so a case that slips through would change something.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LONG = "9" * 100_000
DEEP = "[" * 100_000 + "]" * 100_000
DEEP_OBJECT = '{"a":' * 50_000 + "1" + "}" * 50_000
MISSING = object()
INVALID_FIELD = (400, "INVALID_FIELD")
INVALID_NUMBER = (400, "INVALID_NUMBER")
MALFORMED = (400, "MALFORMED_JSON")
UNKNOWN_USER = (401, "UNKNOWN_USER")
UNAUTHENTICATED = (401, "UNAUTHENTICATED")
UNKNOWN_MARKET = (404, "UNKNOWN_MARKET")
UNKNOWN_ORDER = (404, "UNKNOWN_ORDER")
CANCEL_CONDITION = (409, "CANCEL_CONDITION")
NOT_FOUND = (404, "NOT_FOUND")
WRONG_METHOD = (405, "METHOD_NOT_ALLOWED")
TOO_LARGE = (413, "TOO_LARGE")
WRONG_TYPE = (415, "UNSUPPORTED_MEDIA_TYPE")
WRONG_HOST = (421, "WRONG_HOST")
FORBIDDEN = (403, "FORBIDDEN")
OUT_OF_RANGE = (422, "OUT_OF_RANGE")
MIN_NOTIONAL = (422, "MIN_NOTIONAL")
OFF_TICK = (422, "OFF_TICK")
OFF_LOT = (422, "OFF_LOT")


@dataclass(frozen=True)
class Case:
    """One request, and the (status, code) it must get."""

    name: str
    method: str
    path: str
    expected: tuple[int, str]
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Item:
    """One item of a batch, and the code it must get."""

    name: str
    text: str
    code: str


ORDER = {
    "user_id": "{user}",
    "market": "{market}",
    "side": "buy",
    "order_type": "limit",
    "price": "10",
    "quantity": "1",
    "client_order_id": "bad-input",
    "time_in_force": "gtc",
    "post_only": False,
}
NAMED = {"user_id": "{user}", "market": "{market}", "client_order_id": "resting"}
ALL = {"user_id": "{user}", "market": "{market}"}
DEPOSIT = {"user_id": "{user}", "asset": "USDC", "amount": "1", "key": "bad-input"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/order"): ORDER,
    ("DELETE", "/order"): NAMED,
    ("PATCH", "/order"): NAMED | {"quantity": "1", "price": "10", "new_client_order_id": "bad-input"},
    ("POST", "/order/replace"): {
        "user_id": "{user}",
        "cancel": {"market": "{market}", "client_order_id": "resting"},
        "place": {name: value for name, value in ORDER.items() if name != "user_id"},
        "mode": "atomic",
    },
    ("POST", "/order/cancel_all"): ALL,
    ("POST", "/order/cancel_all_after"): ALL | {"timeout_ms": 0},
    ("POST", "/orders"): {"user_id": "{user}", "orders": [ORDER]},
    ("POST", "/admin/deposit"): DEPOSIT,
    ("POST", "/admin/markets/status"): {"market": "{market}", "status": "halted"},
}
PAGE = {"limit": "10", "before": "100", "after": "1", "start": "1000", "end": "2000"}
QUERIES: dict[str, dict[str, str]] = {
    "/order": NAMED,
    "/orders/open": ALL,
    "/orders/history": ALL | PAGE,
    "/depth": {"market": "{market}", "limit": "10"},
    "/balance": {"user_id": "{user}"},
    "/trade/history": {"market": "{market}", **PAGE},
    "/fills": ALL | {**PAGE, "order_id": "1"},
    "/order/amendments": ALL | {**PAGE, "order_id": "1"},
    "/order/list": ALL | {"client_list_id": "bad-input"},
    "/order/lists": ALL | {**PAGE, "open": "true"},
    "/ticker": {"market": "{market}"},
    "/candles": {"market": "{market}", "interval": "1m", "limit": "10", "start": "0", "end": "1800000000000"},
}
WITHOUT_QUERY = ("/health", "/time", "/markets")
CHANGED = ("/order", "/order/list")  # paths that are read and changed

NOT_TEXT: tuple[Any, ...] = (1, 1.5, True, [], {}, ["buy"], {"a": 1})
NOT_NUMBERS = (
    "",
    " ",
    "1 ",
    " 1",
    "1\n",
    "+1",
    "-1",
    "-0",
    "1e2",
    "1E2",
    "1e-2",
    ".5",
    "5.",
    ".",
    "1.2.3",
    "1,5",
    "1_000",
    "0x10",
    "١٢٣",  # Arabic digits
    "１",  # noqa: RUF001 - a full-width digit
    "²",
    "½",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "one",
    "1\u0000",
    LONG,
    "0." + LONG,
)
NOT_NAMES = ("", " ", "a b", "a/b", "a\u0000", "ä", "１", "a\n", LONG)  # noqa: RUF001
NOT_MARKETS = ("NO_SUCH", "", " ", "{base}", "{market} ", "USDC_{base}", "a\u0000b", "ä_ö", "null")
NOT_IDS = ("", " ", "abc", "-1", "+1", "1.0", "1e3", "١", "²", "0x1", "1 ", "1" * 20, LONG)  # noqa: RUF001
NOT_CHOICES = ("", " ", "bid", "buy ", "b\u0000uy", "null", "ｂuy", "mar\u212aet", "fo\u212a", LONG)  # noqa: RUF001
NOT_LIMITS = ("0", "-1", "1001", "5001", "", " ", "1.5", "1.0", "1e2", "+1", "０", "ten", "null", "true", "9" * 30)  # noqa: RUF001
NOT_TIMES = ("", " ", "abc", "-1", "+1", "1.0", "1e3", "1_000", "\u0661", "0x1", "9223372036854775807", "9" * 30)


def cases() -> Iterator[Case]:
    """Everything, in an order that means nothing."""
    for (method, path), body in BODIES.items():
        yield from _body_cases(method, path, body)
        yield from _envelope_cases(method, path, body)
    yield from _order_cases()
    yield from _deposit_cases()
    yield from _named_cases()
    for path, query in QUERIES.items():
        yield from _query_cases(path, query)
    for path in WITHOUT_QUERY:
        yield Case(f"GET {path} with a query", "GET", f"{path}?a=1", INVALID_FIELD)
    yield from _other_cases()


def _changed(method: str, path: str, body: dict[str, Any], name: str, value: Any, expected: tuple[int, str]) -> Case:
    changed = {key: old for key, old in (body | {name: value}).items() if old is not MISSING}
    shown = "without it" if value is MISSING else repr(value)[:30]
    return Case(f"{method} {path} {name} {shown}", method, path, expected, json.dumps(changed).encode())


def _body_cases(method: str, path: str, body: dict[str, Any]) -> Iterator[Case]:
    """What any field of any body may not be."""
    yield _changed(method, path, body, "nonsense", 1, INVALID_FIELD)
    yield _changed(method, path, body, "User_id", "{user}", INVALID_FIELD)
    for name, value in body.items():
        wrong = INVALID_NUMBER if name in ("price", "quantity", "amount") else INVALID_FIELD
        for other in NOT_TEXT[1:] if name == "timeout_ms" else NOT_TEXT:  # which is a whole number
            if not (isinstance(value, bool | list) and isinstance(other, type(value))):
                yield _changed(method, path, body, name, other, wrong)
    if "market" in body:
        for market in NOT_MARKETS:
            yield _changed(method, path, body, "market", market, UNKNOWN_MARKET)
        yield _changed(method, path, body, "market", LONG, INVALID_FIELD)
    if "status" in body:
        for status in ("", "closed", "trading ", "halted\u0000", None, MISSING):
            yield _changed(method, path, body, "status", status, INVALID_FIELD)
    if "user_id" not in body:
        return
    deposit = path == "/admin/deposit"
    for user in ("nobody", "@fees", "@external", *NOT_NAMES[:-1], "{user}\u0000", "{user} "):
        if not (deposit and user == "nobody"):
            yield _changed(method, path, body, "user_id", user, INVALID_FIELD if deposit else UNKNOWN_USER)
    yield _changed(method, path, body, "user_id", LONG, INVALID_FIELD)
    for absent in (MISSING, None):
        yield _changed(method, path, body, "user_id", absent, INVALID_FIELD if deposit else UNAUTHENTICATED)


def _envelope_cases(method: str, path: str, body: dict[str, Any]) -> Iterator[Case]:
    """What is wrong with a body before its fields are looked at, and with what comes around it."""
    text = json.dumps(body)
    field = "{user}" if "user_id" in body else "{market}"
    json_type = {"Content-Type": "application/json"}
    for name, raw, expected in (
        ("nothing", b"", None if method == "DELETE" else MALFORMED),
        ("a space", b" ", MALFORMED),
        ("half of it", text[: len(text) // 2].encode(), MALFORMED),
        ("something after it", text.encode() + b"x", MALFORMED),
        ("two of it", text.encode() * 2, MALFORMED),
        ("a byte order mark", b"\xef\xbb\xbf" + text.encode(), MALFORMED),
        ("UTF-16", text.encode("utf-16"), MALFORMED),
        ("single quotes", text.replace('"', "'").encode(), MALFORMED),
        ("a comma at its end", text[:-1].encode() + b",}", MALFORMED),
        ("invalid UTF-8", text.replace(field, "\x00").encode().replace(b"\\u0000", b"\xff\xfe"), MALFORMED),
        ("a lone surrogate", text.replace(field, r"\ud800").encode(), MALFORMED),
        ("a bare control character", text.replace(field, "\n").encode(), MALFORMED),
        ("NaN", text.replace(f'"{field}"', "NaN").encode(), MALFORMED),
        ("Infinity", text.replace(f'"{field}"', "Infinity").encode(), MALFORMED),
        ("a huge number", text.replace(f'"{field}"', "9" * 5000).encode(), INVALID_FIELD),
        ("a huge exponent", text.replace(f'"{field}"', "1e999999").encode(), INVALID_FIELD),
        ("nested arrays", DEEP.encode(), INVALID_FIELD),
        ("nested arrays in a field", text.replace(f'"{field}"', DEEP).encode(), INVALID_FIELD),
        ("nested objects in a field", text.replace(f'"{field}"', DEEP_OBJECT).encode(), INVALID_FIELD),
        ("an unknown field with nested arrays", ('{"x":' + DEEP + "}").encode(), INVALID_FIELD),
        ("an array", b"[]", INVALID_FIELD),
        ("a text", b'"x"', INVALID_FIELD),
        ("a number", b"1", INVALID_FIELD),
        ("null", b"null", INVALID_FIELD),
        ("the user twice", (text[:-1] + ',"user_id":1}').encode(), INVALID_FIELD),
        ("the same user twice", (text[:-1] + ',"user_id":"{user}"}').encode(), INVALID_FIELD),
        ("a field twice, spelt otherwise", (text[:-1] + ',"\\u0075ser_id":"{user}"}').encode(), INVALID_FIELD),
        ("too much", b" " * (1 << 20) + text.encode(), TOO_LARGE),
    ):
        if expected is not None:
            yield Case(f"{method} {path} with {name}", method, path, expected, raw)
    for query in ("user_id={user}", "a=1", "market={market}&market={market}", "%FF"):
        yield Case(f"{method} {path}?{query} and a body", method, f"{path}?{query}", INVALID_FIELD, text.encode())
    for kind in ("", "text/plain", "application/jsonp", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind}
        yield Case(f"{method} {path} as {kind or 'nothing'}", method, path, WRONG_TYPE, text.encode(), headers)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", ""):
        headers = json_type | {"Origin": origin}
        yield Case(f"{method} {path} from {origin or 'no'} origin", method, path, FORBIDDEN, text.encode(), headers)
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.", "10.0.0.1:8080", "localhost@evil", "[::2]"):
        yield Case(f"{method} {path} for {host}", method, path, WRONG_HOST, text.encode(), json_type | {"Host": host})


def _order_cases() -> Iterator[Case]:
    def order(name: str, value: Any, expected: tuple[int, str], **more: Any) -> Case:
        case = _changed("POST", "/order", ORDER | more, name, value, expected)
        return Case(case.name + (f" with {more}" if more else ""), *list(vars(case).values())[1:])

    for name in ("price", "quantity"):
        for text in NOT_NUMBERS:
            yield order(name, text, INVALID_NUMBER)
        nothing = OUT_OF_RANGE if name == "quantity" else MIN_NOTIONAL  # a price may be zero
        yield order(name, "0", nothing)
        yield order(name, "0.000", nothing)
        yield order(name, "9" * 90, OUT_OF_RANGE)
    yield order("price", "10.001", OFF_TICK)
    yield order("quantity", "0.00001", OFF_LOT)
    yield order("quantity", MISSING, INVALID_FIELD)
    yield order("quantity", None, INVALID_FIELD)
    yield order("price", MISSING, INVALID_FIELD)
    yield order("price", None, INVALID_FIELD)
    for name in ("side", "order_type", "time_in_force"):
        for text in NOT_CHOICES:
            yield order(name, text, INVALID_FIELD)
    for name in ("side", "order_type"):
        yield order(name, MISSING, INVALID_FIELD)
        yield order(name, None, INVALID_FIELD)
    for text in (*NOT_NAMES, "a" * 37):
        yield order("client_order_id", text, INVALID_FIELD)
    for value in (0, 1, "true", "", None):
        yield order("post_only", value, INVALID_FIELD)
    yield order("post_only", True, INVALID_FIELD, time_in_force="ioc")
    yield order("post_only", True, INVALID_FIELD, time_in_force="fok")
    yield order("post_only", True, INVALID_FIELD, order_type="market", time_in_force="ioc")
    yield order("time_in_force", "gtc", INVALID_FIELD, order_type="market")
    yield order("time_in_force", "fok", INVALID_FIELD, order_type="market")


def _deposit_cases() -> Iterator[Case]:
    def deposit(name: str, value: Any, expected: tuple[int, str]) -> Case:
        return _changed("POST", "/admin/deposit", DEPOSIT, name, value, expected)

    for text in NOT_NUMBERS:
        yield deposit("amount", text, INVALID_NUMBER)
    yield deposit("amount", "0.0000001", INVALID_NUMBER)
    yield deposit("amount", "0", OUT_OF_RANGE)
    yield deposit("amount", "1" + "0" * 32, OUT_OF_RANGE)
    yield deposit("amount", "9" * 90, OUT_OF_RANGE)
    for text in ("", "usdc", "EUR", "USDC ", "a\u0000", LONG):
        yield deposit("asset", text, INVALID_FIELD)
    for name in ("asset", "amount", "key"):
        yield deposit(name, MISSING, INVALID_FIELD)
        yield deposit(name, None, INVALID_NUMBER if name == "amount" else INVALID_FIELD)
    for text in (*NOT_NAMES, "config:{user}:USDC", "a" * 65):
        yield deposit("key", text, INVALID_FIELD)
    yield deposit("user_id", "a" * 65, INVALID_FIELD)


def _named_cases() -> Iterator[Case]:
    """DELETE /order by its body."""
    by_id = {"user_id": "{user}", "market": "{market}", "order_id": "1"}
    for text in NOT_IDS:
        yield _changed("DELETE", "/order", by_id, "order_id", text, INVALID_FIELD)
    for text in ("0", "999999999", "9223372036854775807", "9223372036854775808", "9" * 19):
        yield _changed("DELETE", "/order", by_id, "order_id", text, UNKNOWN_ORDER)
    yield _changed("DELETE", "/order", by_id, "order_id", MISSING, INVALID_FIELD)
    unlike = by_id | {"order_id": "999999999"}
    yield _changed("DELETE", "/order", unlike, "client_order_id", "resting", UNKNOWN_ORDER)
    for status in ("filled", "", 1, True):
        yield _changed("DELETE", "/order", NAMED, "only_if", status, INVALID_FIELD)
    yield _changed("DELETE", "/order", NAMED, "only_if", "partially_filled", CANCEL_CONDITION)
    yield _changed("DELETE", "/order", by_id, "side", "buy", INVALID_FIELD)
    for text in (*NOT_NAMES, "a" * 37):
        yield _changed("DELETE", "/order", NAMED, "client_order_id", text, INVALID_FIELD)
    yield _changed("DELETE", "/order", NAMED, "client_order_id", "no-such", UNKNOWN_ORDER)


def _query_cases(path: str, query: dict[str, str]) -> Iterator[Case]:
    """What any query may not be; `raw` is the query as it stands in the URL."""

    def case(raw: str, expected: tuple[int, str], **headers: str) -> Case:
        return Case(f"GET {path} {raw[:60]}", "GET", f"{path}?{raw}", expected, headers=headers)

    def changed(name: str, text: str | None) -> str:
        fields = query | {name: text} if text is not None else {k: v for k, v in query.items() if k != name}
        return "&".join(f"{key}={_escaped(value or '')}" for key, value in fields.items())

    plain = "&".join(f"{key}={value}" for key, value in query.items())
    yield case(plain + "&nonsense=1", INVALID_FIELD)
    yield case(plain + "&a", INVALID_FIELD)
    yield case(plain + "&%FF=1", INVALID_FIELD)
    yield case(plain + "&a[]=1", INVALID_FIELD)
    first = next(iter(query))
    yield case(f"{plain}&{first}={query[first]}", INVALID_FIELD)
    yield case(f"{plain}&{first}=", INVALID_FIELD)
    yield case(plain, WRONG_HOST, Host="evil.example")
    if "user_id" in query:
        for text in ("nobody", "@fees", "", "%C3%A4", "{user}%20", "{user}+", "%zz", "%", "%F", "null"):
            yield case(changed("user_id", None) + f"&user_id={text}", UNKNOWN_USER)
        for raw in ("%FF%FE", "%ED%A0%80", "%C0%AF", "%00"):
            yield case(changed("user_id", None) + f"&user_id={raw}", UNKNOWN_USER)
        yield case(changed("user_id", None), UNAUTHENTICATED)
        yield case(changed("user_id", None), UNKNOWN_USER, **{"X-User-Id": "nobody"})
        yield case(changed("user_id", None) + "&user_id=" + "9" * 200, INVALID_FIELD)
        yield case(changed("user_id", LONG), TOO_LARGE)
    if "market" in query:
        for text in NOT_MARKETS:
            yield case(changed("market", text), UNKNOWN_MARKET)
        for raw in ("%FF%FE", "%ED%A0%80", "%00", "%zz"):
            yield case(changed("market", None) + f"&market={raw}", UNKNOWN_MARKET)
        yield case(changed("market", "9" * 200), INVALID_FIELD)
    if "limit" in query:
        for text in NOT_LIMITS:
            if not (path == "/depth" and text == "1001"):
                yield case(changed("limit", text), INVALID_FIELD)
    if "interval" in query:
        for text in ("", " ", "1", "2m", "1 m", "60", "1w", "null", "1M", "1H", "1D"):
            yield case(changed("interval", text), INVALID_FIELD)
        yield case(changed("interval", None), INVALID_FIELD)
    for name in ("start", "end"):
        if name in query:
            for text in NOT_TIMES:
                yield case(changed(name, text), INVALID_FIELD)
    for name in ("before", "after", "order_id", "client_order_id"):
        if name in query:
            for text in NOT_NAMES[:-1] if name == "client_order_id" else NOT_IDS[:-1]:
                yield case(changed(name, text), INVALID_FIELD)


def _other_cases() -> Iterator[Case]:
    for path in ("/depth", "/candles"):
        yield Case(f"GET {path} without a market", "GET", path, INVALID_FIELD)
    yield Case("GET /order without a market", "GET", "/order?user_id={user}&order_id=1", INVALID_FIELD)
    yield Case("GET /order without an id", "GET", "/order?user_id={user}&market={market}", INVALID_FIELD)
    both = "/order?user_id={user}&market={market}&order_id=1&client_order_id=resting"
    yield Case("GET /order with both ids", "GET", both, INVALID_FIELD)
    unlike = both.replace("order_id=1&", "order_id=999999999&")
    yield Case("DELETE /order with ids of two orders", "DELETE", unlike, UNKNOWN_ORDER)
    beyond = "/order?user_id={user}&market={market}&order_id=" + "9" * 19
    yield Case("GET /order beyond all ids", "GET", beyond, UNKNOWN_ORDER)
    yield Case("DELETE /order beyond all ids", "DELETE", beyond, UNKNOWN_ORDER)
    evil = {"Origin": "http://evil.example"}
    yield Case("DELETE by a query from elsewhere", "DELETE", beyond, FORBIDDEN, headers=evil)
    for orders in ("[]", "[1" + ",1" * 100 + "]", "{}", '"x"', "1", "null"):
        body = f'{{"user_id":"{{user}}","orders":{orders}}}'.encode()
        yield Case(f"POST /orders of {orders[:20]}", "POST", "/orders", INVALID_FIELD, body)
    yield Case("POST /orders of none", "POST", "/orders", INVALID_FIELD, b'{"user_id":"{user}"}')
    surrogate = rb'{"user_id":"{user}","orders":[{"cancel":{"market":"\ud800","order_id":"1"}}]}'
    yield Case("POST /orders with a lone surrogate", "POST", "/orders", MALFORMED, surrogate)
    deep = f'{{"user_id":"{{user}}","orders":[{DEEP}]}}'.encode()
    yield Case("POST /orders of nested arrays", "POST", "/orders", MALFORMED, deep)
    odd = ("/nowhere", "/orders/", "//order", "/ORDER", "/order/1", "/%00", "/%FF", "/..%2Forder", "/order;a=1")
    # A proxy that keeps `/admin/…` to some would not see that these are such paths.
    for path in (*odd, "/%6frder", "/admin%2Fusers", "/%61dmin/users", "/admin/fee%5ftiers", "/%2Fadmin/users"):
        for method in ("GET", "POST", "DELETE"):
            yield Case(f"{method} {path}", method, path, NOT_FOUND, b"{}" if method == "POST" else None)
    for path, methods in (
        ("/order", ("PUT", "OPTIONS")),
        ("/orders", ("GET", "HEAD", "DELETE", "PUT")),
        ("/order/cancel_all", ("GET", "DELETE")),
        ("/order/cancel_all_after", ("GET", "DELETE")),
        ("/order/list", ("PUT", "PATCH")),
        ("/admin/deposit", ("GET", "PUT")),
        ("/admin/markets/status", ("GET", "DELETE")),
        ("/openapi.json", ("POST", "DELETE")),
        *((path, ("POST", "PUT", "DELETE", "PATCH")) for path in (*QUERIES, *WITHOUT_QUERY) if path not in CHANGED),
    ):
        for method in methods:
            yield Case(f"{method} {path}", method, path, WRONG_METHOD, b"{}")


def _escaped(text: str) -> str:
    """Percent-encoded, but for the braces of our own place holders."""
    kept = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._{}"
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def items() -> Iterator[Item]:
    """What may stand in a batch and fail alone."""
    texts: list[tuple[str, str]] = [
        *((text, "INVALID_FIELD") for text in ("1", "null", "true", "[]", "{}", '"cancel"', '["cancel"]', '{"a":1}')),
        *((f'{{"cancel":{text}}}', "INVALID_FIELD") for text in ("1", "null", "[]", "{}", '"x"', '{"market":1}')),
        ('{"cancel":{"market":"{market}"}}', "INVALID_FIELD"),
        ('{"cancel":{"market":"{market}","order_id":"999999999","client_order_id":"resting"}}', "UNKNOWN_ORDER"),
        ('{"cancel":{"market":"{market}","client_order_id":"resting","only_if":"filled"}}', "INVALID_FIELD"),
        (
            '{"cancel":{"market":"{market}","client_order_id":"resting","only_if":"partially_filled"}}',
            "CANCEL_CONDITION",
        ),
        ('{"cancel":{"market":"{market}","order_id":"x"}}', "INVALID_FIELD"),
        ('{"cancel":{"market":"{market}","order_id":"1","user_id":"{user}"}}', "INVALID_FIELD"),
        ('{"cancel":{"market":"{market}","client_order_id":"resting"},"side":"buy"}', "INVALID_FIELD"),
        ('{"cancel":{"market":"{market}","client_order_id":"resting"},"user_id":"seeded"}', "FORBIDDEN"),
        ('{"cancel":{"market":"{market}","client_order_id":"a\\u0000"}}', "INVALID_FIELD"),
        ('{"cancel":{"market":"NO_SUCH","client_order_id":"resting"}}', "UNKNOWN_MARKET"),
        ('{"cancel":{"market":"{market}","order_id":"9999999999999999999"}}', "UNKNOWN_ORDER"),
    ]
    for number, (text, code) in enumerate(texts):
        yield Item(f"{number}: {text}", text, code)
    for case in _order_cases():
        assert case.body is not None
        yield Item(case.name, case.body.decode(), case.expected[1])
    for name, value, code in (
        ("user_id", "nobody", "FORBIDDEN"),
        ("user_id", "seeded", "FORBIDDEN"),
        ("user_id", 1, "INVALID_FIELD"),
        ("market", "NO_SUCH", "UNKNOWN_MARKET"),
        ("market", 1, "INVALID_FIELD"),
        ("nonsense", 1, "INVALID_FIELD"),
        ("orders", [], "INVALID_FIELD"),
    ):
        yield Item(f"{name} {value}", json.dumps(ORDER | {name: value}), code)
