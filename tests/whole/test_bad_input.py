"""Bad input of any kind: the documented status and code, in the one error shape, and nothing changed."""

import asyncio
import io
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from yarl import URL

from exchange.api.native.errors import STATUS
from tests.whole.api import Api
from tests.whole.bad_input import Case, Item, cases, items
from tests.whole.served import Served

CASES = list(cases())
ITEMS = list(items())
AT_ONCE = 16


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def answer(api: Api, case: Case, names: dict[str, str]) -> str | None:
    """What was wrong with the answer, if something was."""
    url = URL(api.url + filled(case.path, names), encoded=True)
    body = case.body
    for name, value in names.items() if body is not None else ():
        body = body.replace(f"{{{name}}}".encode(), value.encode()) if body is not None else None
    async with api.session.request(case.method, url, data=sent(body), headers=case.headers) as reply:
        raw = await reply.read()
        status, kind = reply.status, reply.headers.get("Content-Type")
    if status != case.expected[0] or kind != "application/json":
        return f"{case.name}: {status} {kind} {raw[:200]!r}, not {case.expected}"
    if case.method == "HEAD":
        return None
    error = orjson.loads(raw)
    fine = error["code"] == case.expected[1] and error.keys() == {"code", "message"} and error["message"]
    return None if fine and len(raw) < 1000 else f"{case.name}: {status} {raw[:200]!r}, not {case.expected}"


async def test_every_case_gets_its_error_and_changes_nothing(api: Api, names: dict[str, str]) -> None:
    wrong: list[str] = []
    for some in chunks(CASES, AT_ONCE):
        answers = await asyncio.gather(*(answer(api, case, names) for case in some))
        wrong += [text for text in answers if text]
    assert not wrong, "\n".join(wrong)


async def test_every_item_of_a_batch_fails_alone(api: Api, names: dict[str, str]) -> None:
    wrong: list[str] = []
    some: tuple[Item, ...]
    for some in chunks([item for item in ITEMS if len(item.text) < 10_000], 100):
        wrong += await failed_items(api, some, names)
    for item in ITEMS:
        if len(item.text) >= 10_000:
            wrong += await failed_items(api, (item,), names)
    assert not wrong, "\n".join(wrong)


async def failed_items(api: Api, some: tuple[Item, ...], names: dict[str, str]) -> list[str]:
    """The items of a batch that did not get their error."""
    orders = filled(",".join(item.text for item in some), names)
    body = f'{{"user_id":"{names["user"]}","orders":[{orders}]}}'.encode()
    headers = {"Content-Type": "application/json"}
    async with api.session.post(api.url + "/orders", data=sent(body), headers=headers) as reply:
        answered = orjson.loads(await reply.read())
    assert "results" in answered, answered
    results = answered["results"]
    return [
        f"{item.name}: {result}, not {item.code}"
        for item, result in zip(some, results, strict=True)
        if result.get("code") != item.code or result.keys() != {"code", "message"}
    ]


def sent(body: bytes | None) -> io.BytesIO | None:
    """A body as the client wants a large one."""
    return None if body is None else io.BytesIO(body)


def chunks(rows: Iterable[Any], size: int) -> Iterable[tuple[Any, ...]]:
    rows = list(rows)
    return (tuple(rows[start : start + size]) for start in range(0, len(rows), size))


def test_the_catalogue_only_expects_what_the_table_has() -> None:
    assert len(CASES) + len(ITEMS) > 500
    for case in CASES:
        status, code = case.expected
        assert STATUS[code] == status


GET_TIME = b"GET /time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GARBAGE = {
    "noise": bytes(range(256)) * 20,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    "nothing": b"",
    "a newline": b"\r\n",
    "a method alone": b"GET\r\n\r\n",
    "HTTP 0.9": b"GET /time\r\n\r\n",
    "HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FOO /time HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": b"GET /time HTTP/1.1\r\n\r\n",
    "no host, old": b"GET /time HTTP/1.0\r\n\r\n",
    "two hosts": b"GET /time HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "a long line": b"GET /time?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an endless line": b"GET /" + b"a" * 1_000_000,
    "a long header": b"GET /time HTTP/1.1\r\nHost: localhost\r\nX-User-Id: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /time HTTP/1.1\r\nHost: localhost\r\n" + b"A: 1\r\n" * 10_000 + b"\r\n",
    "bytes in the path": b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bytes in a header": b"GET /balance HTTP/1.1\r\nHost: localhost\r\nX-User-Id: \xff\xfe\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tunnel": b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "half a body": POST + b"Content-Length: 1000\r\n\r\n{",
    "no gzip": POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "an unknown encoding": POST + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
    "an expectation": POST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}",
    "more than fits": POST + b"Content-Length: 3000000\r\n\r\n" + b"[" * 3_000_000,
    "a smuggled request": POST + b"Content-Length: 2\r\n\r\n{}FOO / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_on_the_socket_disturbs_nobody(
    api: Api, shared: Served, names: dict[str, str], name: str
) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(GARBAGE[name])
        await writer.drain()
        writer.write_eof()
        said = await reader.read()
    except OSError:
        said = b""  # cut off, which is an answer too; told of by ENOTCONN, or as a ConnectionError
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    if said:
        first, _, rest = said.partition(b"\r\n")
        assert first.split()[1].startswith((b"4", b"505")), said[:200]
        body = rest.partition(b"\r\n\r\n")[2].partition(b"HTTP/1")[0]
        assert orjson.loads(body).keys() == {"code", "message"}


async def test_a_client_that_leaves_at_once_disturbs_nobody(api: Api, shared: Served, names: dict[str, str]) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    for request in (GET_TIME, POST + b"Content-Length: 1000\r\n\r\n{"):
        writers = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(20)]
        for writer in writers:
            writer.write(request)
        for writer in writers:
            writer.transport.abort()
    await api.ok("GET", "/time")
