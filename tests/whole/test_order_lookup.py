"""Where a running exchange looks for an order: its metric says so."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.whole import served
from tests.whole.api import Api
from tests.whole.test_metrics import read

Start = Callable[[str], served.Served]

CONFIG = served.CONFIG.replace("[[assets]]", "[engine]\nclosed_orders_max = 4\n[[assets]]") + served.market_text("SOL")
MARKET = "SOL_USDC"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


class Sources:
    """Counts where answers came from, since it was last asked."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._seen = dict.fromkeys(("memory", "database", "none"), 0.0)

    async def since(self) -> dict[str, int]:
        """By source, without those that gave none."""
        scrape = await read(self._api)
        now = {source: scrape("exchange_order_lookups_total", source=source) for source in self._seen}
        found = {source: int(now[source] - self._seen[source]) for source in now if now[source] > self._seen[source]}
        self._seen = now
        return found


async def cancel(api: Api, user: str, **ids: Any) -> tuple[str, Any]:
    """The code that a cancel is refused with, and the order that comes with it."""
    status, answer = await api.call("DELETE", "/order", user_id=user, market=MARKET, **ids)
    assert status >= 400
    return answer["code"], answer.get("order")


async def test_the_database_is_asked_only_for_what_may_be_in_it(start: Start, session: aiohttp.ClientSession) -> None:
    exchange = start(CONFIG)
    api = Api(session, exchange.url)
    sources = Sources(api)
    user, other = await api.user(USDC="1000"), await api.user(SOL="100")
    filled = await api.order(other, MARKET, "sell 3 @ 10", client_order_id="f")
    for _ in range(3):
        await api.order(user, MARKET, "buy 1 @ 10")
    # Four closed orders are in memory: the filled one with its three fills, and those that it met.
    whole = await api.ok("GET", "/order", user_id=other, market=MARKET, order_id=filled["order_id"])
    assert (whole["status"], len(whole["fills"])) == ("filled", 3)
    assert await cancel(api, other, client_order_id="f") == ("ORDER_CLOSED", whole)
    assert await sources.since() == {"memory": 2}

    last = await api.order(user, MARKET, "buy 1 @ 10", time_in_force="ioc")  # the fifth
    await api.order(user, MARKET, "buy 1 @ 10", time_in_force="ioc")  # and the sixth
    beyond = str(int(last["order_id"]) + 1000)
    assert await cancel(api, user, order_id=beyond) == ("UNKNOWN_ORDER", None)
    assert await cancel(api, user, client_order_id="never") == ("UNKNOWN_ORDER", None)
    assert await cancel(api, other, order_id=last["order_id"]) == ("UNKNOWN_ORDER", None)
    assert await sources.since() == {"none": 3}

    first = await api.ok("GET", "/orders/history", user_id=user, limit=1, before=last["order_id"])
    await api.order(user, MARKET, "buy 1 @ 10", time_in_force="ioc")
    await api.order(user, MARKET, "buy 1 @ 10", time_in_force="ioc")
    code, order = await cancel(api, user, order_id=first["orders"][0]["order_id"])
    assert (code, len(order["fills"])) == ("ORDER_CLOSED", 1)
    assert await sources.since() == {"database": 1}

    assert exchange.stop() == 0
    exchange.start()
    api = Api(session, exchange.url)
    sources = Sources(api)
    assert await api.ok("GET", "/order", user_id=other, market=MARKET, client_order_id="f") == whole
    assert await cancel(api, other, client_order_id="f") == ("ORDER_CLOSED", whole)
    assert await cancel(api, user, client_order_id="never") == ("UNKNOWN_ORDER", None)
    assert await sources.since() == {"database": 2, "none": 1}
