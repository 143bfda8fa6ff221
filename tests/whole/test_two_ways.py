"""Every request of the catalogue both ways: over the HTTP protocol, and over the aiohttp application.

A connection on which a page was read is the application's from then on, so the same request can be sent either way.
"""

from typing import Any

import aiohttp
import orjson
from yarl import URL

from tests.whole.api import Api
from tests.whole.bad_input import Case, cases
from tests.whole.conftest import everything
from tests.whole.served import Served
from tests.whole.test_bad_input import chunks, filled, sent

CASES = [case for case in cases() if len(case.path) < 4000]  # aiohttp has a limit of its own for a line
GOOD = [
    ("GET", "/time"),
    ("GET", "/health"),
    ("GET", "/markets"),
    ("GET", "/depth?market={market}&limit=2"),
    ("GET", "/balance?user_id={user}"),
    ("GET", "/orders/open?user_id={user}"),
    ("GET", "/orders/history?user_id={user}&limit=1"),
    ("GET", "/order?user_id={user}&market={market}&client_order_id=resting"),
    ("GET", "/fills?user_id={user}"),
    ("GET", "/trade/history?market={market}"),
    ("GET", "/ticker?market={market}"),
    ("GET", "/candles?market={market}&interval=1m"),
    ("HEAD", "/time"),
    ("HEAD", "/depth?market={market}"),
    ("GET", "/ws"),
]
MOVING = ("timestamp", "sequence")


async def told(session: aiohttp.ClientSession, api: Api, case: Case, meant: dict[str, str]) -> tuple[Any, ...]:
    """Status, headers that matter, and body of the reply, without what differs from one moment to the next."""
    url = URL(api.url + filled(case.path, meant), encoded=True)
    body = case.body
    for name, value in meant.items() if body is not None else ():
        body = body.replace(f"{{{name}}}".encode(), value.encode()) if body is not None else None
    async with session.request(case.method, url, data=sent(body), headers=case.headers, allow_redirects=False) as reply:
        raw = await reply.read()
        headers = [reply.headers.get(name) for name in ("Content-Type", "Allow", "Retry-After", "Location")]
        by = reply.headers["Server"]
    text = orjson.loads(raw) if raw else None
    return ("aiohttp" in by), reply.status, headers, still(text)


def still(value: Any) -> Any:
    """A reply without what differs from one moment to the next."""
    if isinstance(value, dict):
        return {name: still(inner) for name, inner in value.items() if name not in MOVING}
    return [still(inner) for inner in value] if isinstance(value, list) else value


async def taken_over(session: aiohttp.ClientSession, api: Api) -> None:
    """Make the session's one connection the application's."""
    async with session.get(api.url + "/openapi.json") as reply:
        await reply.read()


async def test_both_ways_say_the_same(api: Api, shared: Served, names: dict[str, str]) -> None:
    differing: list[str] = []
    before = await everything(api, names["user"], names["market"])
    requests = [*CASES, *(Case(f"{method} {path}", method, path, (200, "")) for method, path in GOOD)]
    async with (
        aiohttp.ClientSession() as protocol,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as application,
    ):
        by_application = 0
        for some in chunks(requests, 64):
            for case in some:
                await taken_over(application, api)  # again, since a refusal may have ended the connection
                first = await told(protocol, api, case, names)
                second = await told(application, api, case, names)
                by_application += second[0]
                if first[1:] != second[1:]:
                    differing.append(f"{case.name}: {first[1:]} by the protocol, {second[1:]} by the application")
    assert not differing, "\n".join(differing[:20])
    assert by_application > 0.9 * len(requests)
    assert await everything(api, names["user"], names["market"]) == before
