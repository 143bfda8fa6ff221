"""The log level: by the configuration at the start, by a call and the command line afterwards."""

from collections.abc import Callable

import aiohttp

from exchange.api.native.names import LOG_LEVELS
from exchange.logs import LEVELS
from tests.whole import served
from tests.whole.api import Api

Start = Callable[[str], served.Served]
PATH = "/admin/log_level"


def lines(exchange: served.Served, text: str) -> int:
    return sum(text in line for line in exchange.said().splitlines())


async def test_a_refusal_is_a_line_while_the_level_is_debug(start: Start) -> None:
    exchange = start(served.CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        assert await api.ok("GET", PATH) == {"level": "info"}
        await api.refused("GET", "/depth", market="NONE")
        assert await api.ok("POST", PATH, {"level": "DEBUG"}) == {"level": "debug"}
        await api.refused("GET", "/depth", market="NONE")
        assert await api.ok("POST", PATH, {"level": "error"}) == {"level": "error"}
        await api.refused("GET", "/depth", market="NONE")
        assert await api.ok("GET", PATH) == {"level": "error"}
    assert lines(exchange, '"code": "UNKNOWN_MARKET"') == 1
    assert lines(exchange, '"event": "log level changed"') == 2
    assert lines(exchange, '"actor": "@dev", "address": "127.0.0.1"') == 2
    assert exchange.stop() == 0
    assert lines(exchange, '"event": "stopping"') == 0


async def test_a_level_that_there_is_not_changes_nothing(start: Start) -> None:
    exchange = start(served.CONFIG.replace("[server]\n", '[server]\nlog_level = "warning"\n'))
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        assert await api.refused("POST", PATH, {"level": "loud"}) == (400, "INVALID_FIELD")
        assert (await api.call("POST", PATH, {"level": "info"}, headers={"X-Forwarded-For": "192.0.2.1"}))[0] == 403
        assert await api.ok("GET", PATH) == {"level": "warning"}


def test_the_command_shows_and_changes_it(start: Start) -> None:
    exchange = start(served.CONFIG)
    for arguments, level in ((), "info"), (("debug",), "debug"), ((), "debug"):
        ended = served.command("log-level", *arguments, "--url", exchange.url)
        assert (ended.returncode, ended.stdout) == (0, f"the log level is {level}\n")
    ended = served.command("serve", environment={"EXCHANGE_SERVER_LOG_LEVEL": "loud"})
    assert (ended.returncode, served.one_sentence(ended)) == (2, True)


def test_the_levels_of_the_api_are_those_of_the_log() -> None:
    assert list(LEVELS) == list(LOG_LEVELS)
