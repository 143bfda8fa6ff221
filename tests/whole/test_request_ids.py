"""Every reply has an id, and what the log says about a request has the same one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog.testing

from exchange.api.http.request import Request
from exchange.api.http.request_id import HEADER, RequestIds
from exchange.api.http.response import Response
from exchange.api.native.errors import Refusals
from exchange.api.native.rest import Rest
from exchange.service.tasks import Tasks
from tests.whole.api import Api

PATHS = ["/time", "/nowhere", "/depth?market=NONE", "/openapi.json", "/order"]


async def ids(api: Api, path: str, *given: str) -> list[str]:
    """The ids of replies to requests that bring these, or none."""
    found = []
    for request_id in given:
        headers = {HEADER: request_id} if request_id else {}
        async with api.session.get(api.url + path, headers=headers) as reply:
            found += reply.headers.getall(HEADER)
    return found


@pytest.mark.parametrize("path", PATHS)
async def test_every_reply_has_an_id_of_its_own(api: Api, path: str) -> None:
    first, second, third = await ids(api, path, "", "", "")
    assert len({first, second, third}) == 3
    assert first.partition("-")[0] == third.partition("-")[0]


@pytest.mark.parametrize("path", PATHS)
async def test_a_sane_id_of_the_client_comes_back(api: Api, path: str) -> None:
    assert await ids(api, path, "my-bot_1.7", "x" * 64) == ["my-bot_1.7", "x" * 64]


@pytest.mark.parametrize("given", ["x" * 65, "two words", "a/b", "naïve"])
async def test_any_other_id_of_the_client_is_replaced(api: Api, given: str) -> None:
    (made,) = await ids(api, "/time", given)
    assert made != given
    assert len(made) < 30


async def test_what_is_not_http_gets_an_id_too(api: Api) -> None:
    url = urlsplit(api.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.partition(b"\r\n")[0].split()[1] == b"400"
    assert b"X-Request-Id: " in answer


async def test_an_upgrade_has_one(api: Api) -> None:
    async with api.session.ws_connect(f"{api.url}/ws", headers={HEADER: "socket-1"}) as socket:
        assert socket._response.headers[HEADER] == "socket-1"


@dataclass
class Replies:
    """A responder that passes its reply on."""

    send: Callable[[Response], None]


async def test_a_bug_is_logged_with_the_id_that_its_client_got() -> None:
    nothing: Any = SimpleNamespace(tasks=Tasks(), administration=None, listing=None, treasury=None, fees=None)

    async def broken(_: Any) -> Any:
        raise ZeroDivisionError

    handle = Rest(nothing, Refusals()).answering(broken, "GET /time")
    replies = asyncio.Queue[Response]()
    with structlog.testing.capture_logs() as lines:
        handle(Request("GET", b"/time", "/time", "", {}, b"", b"", None, "call-7"), Replies(replies.put_nowait))
        reply = await replies.get()
    assert reply.status == 500
    assert [(line["event"], line["log_level"], line["what"], line["request_id"]) for line in lines] == [
        ("request failed", "error", "GET /time", "call-7"),
        ("request refused", "debug", "GET /time", "call-7"),
    ]


def test_ids_of_two_processes_differ() -> None:
    assert RequestIds().of(None) != RequestIds().of(None)
