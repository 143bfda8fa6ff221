"""Every documented answer of Binance's REST API, field by field, beside what this exchange gives."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.binance.documented import Example, examples, problems
from tests.whole.api import Api
from tests.whole.binance import Bot
from tests.whole.served import Served

NOT_OFFERED = -1020

# What a spot exchange of this kind has not, and what is not here yet, with its error.
MISSING = {
    "GET /api/v3/executionRules": NOT_OFFERED,
    "GET /api/v3/referencePrice": NOT_OFFERED,
    "GET /api/v3/referencePrice/calculation": NOT_OFFERED,
    "GET /api/v3/historicalBlockTrades": NOT_OFFERED,
    "POST /api/v3/sor/order": NOT_OFFERED,
    "POST /api/v3/sor/order/test": NOT_OFFERED,
    "POST /api/v3/orderList/opo": NOT_OFFERED,
    "POST /api/v3/orderList/opoco": NOT_OFFERED,
}
# Fields of examples that an exchange of this kind has nothing to put into.
EMPTY = {
    "GET /api/v3/exchangeInfo": {".sors is empty"},
    "GET /api/v3/myAllocations": {"it is empty"},
    # Only of the leg that has them; tests/whole/test_binance_lists.py looks at each leg.
    "POST /api/v3/order/oco": {".orderReports[].stopPrice is missing"},
    "POST /api/v3/orderList/oco": {".orderReports[].stopPrice is missing", ".orderReports[].icebergQty is missing"},
    "GET /api/v3/myFilters": {
        ".exchangeFilters is empty",
        ".assetFilters is empty",
        ".symbolFilters[].maxNumOrderLists is missing",
    },
}
FIELDS = [example for example in examples() if example.endpoint not in MISSING]


class Answers:
    """What the exchange answered, by call."""

    def __init__(self) -> None:
        self.of: defaultdict[str, list[Any]] = defaultdict(list)

    async def ask(self, bot: Bot, endpoint: str, **params: Any) -> Any:
        """Ask, and keep the answer."""
        method, path = endpoint.split()
        _, answer = await bot.call(method, path, **params)
        self.of[endpoint].append(answer)
        return answer


async def all_answers(bot: Bot, other: Bot) -> Answers:
    """A little of everything."""
    made, one = Answers(), {"symbol": bot.symbol}
    for kind in ("ACK", "RESULT", "FULL"):
        await made.ask(bot, "POST /api/v3/order", **bot.terms("BUY 1 @ 10", newOrderRespType=kind))
    await made.ask(other, "POST /api/v3/order", **bot.terms("SELL 1"))
    await made.ask(bot, "POST /api/v3/order", **bot.terms("SELL 1 @ 10"))
    await other.place("SELL 1 @ 20")
    await made.ask(bot, "POST /api/v3/order", **bot.terms("BUY 0.5"))
    await made.ask(bot, "POST /api/v3/order/test", **bot.terms("BUY 1 @ 10"))
    await made.ask(bot, "POST /api/v3/order/test", **bot.terms("BUY 1 @ 10", computeCommissionRates="true"))
    resting = (await made.ask(bot, "GET /api/v3/openOrders", **one))[0]
    named = one | {"orderId": resting["orderId"]}
    await made.ask(bot, "GET /api/v3/order", **named)
    for path in ("allOrders", "myTrades", "myAllocations", "account/commission", "myFilters"):
        await made.ask(bot, f"GET /api/v3/{path}", **one)
    for path in ("account", "rateLimit/order"):
        await made.ask(bot, f"GET /api/v3/{path}")
    for order_id in (order["orderId"] for order in await bot.ok("GET", "/api/v3/allOrders", **one)):
        matches = await bot.ok("GET", "/api/v3/myPreventedMatches", **one, orderId=order_id)
        if matches:
            made.of["GET /api/v3/myPreventedMatches"].append(matches)
    for path in ("ping", "time"):
        await made.ask(bot, f"GET /api/v3/{path}")
    for path in ("exchangeInfo", "depth", "trades", "historicalTrades", "aggTrades", "avgPrice"):
        await made.ask(bot, f"GET /api/v3/{path}", **one)
    for path in ("klines", "uiKlines"):
        await made.ask(bot, f"GET /api/v3/{path}", **one, interval="1m")
    for path in ("ticker/24hr", "ticker/tradingDay", "ticker"):
        for query in (one, {"symbols": f'["{bot.symbol}"]'}):
            for kind in ("FULL", "MINI"):
                await made.ask(bot, f"GET /api/v3/{path}", **query, type=kind)
    for path in ("ticker/price", "ticker/bookTicker"):
        await made.ask(bot, f"GET /api/v3/{path}", **one)
        await made.ask(bot, f"GET /api/v3/{path}")
    await made.ask(bot, "PUT /api/v3/order/amend/keepPriority", **named, newQty="0.5")
    await made.ask(bot, "GET /api/v3/order/amendments", **named)
    await replacements(made, bot, resting["orderId"])
    await lists(made, bot)
    named = one | {"orderId": (await bot.ok("GET", "/api/v3/openOrders", **one))[0]["orderId"]}
    await made.ask(bot, "DELETE /api/v3/order", **named)
    await made.ask(bot, "DELETE /api/v3/order", **named)
    await made.ask(bot, "DELETE /api/v3/openOrders", **one)
    return made


async def lists(made: Answers, bot: Bot) -> None:
    """Each kind of list, placed, read and canceled."""
    one = {"symbol": bot.symbol}
    sell = one | {"side": "SELL", "quantity": "1"}
    old = sell | {"price": "30", "stopPrice": "5", "stopLimitPrice": "4", "stopLimitTimeInForce": "GTC"}
    await made.ask(bot, "POST /api/v3/order/oco", **old)
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "30", "belowType": "STOP_LOSS", "belowStopPrice": "5"}
    oco = await made.ask(bot, "POST /api/v3/orderList/oco", **sell, **legs, aboveIcebergQty="0.5")
    working = one | {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "6", "workingQuantity": "1"}
    working |= {"workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "1"}
    oto = await made.ask(bot, "POST /api/v3/orderList/oto", **working, pendingType="LIMIT_MAKER", pendingPrice="31")
    legs = {f"pending{name[0].upper()}{name[1:]}": value for name, value in legs.items()}
    await made.ask(bot, "POST /api/v3/orderList/otoco", **working, **legs)
    named = one | {"orderId": oto["orders"][0]["orderId"]}
    await made.ask(bot, "PUT /api/v3/order/amend/keepPriority", **named, newQty="0.5")
    await made.ask(bot, "GET /api/v3/orderList", orderListId=oco["orderListId"])
    for path in ("allOrderList", "openOrderList"):
        await made.ask(bot, f"GET /api/v3/{path}")
    stops = {"aboveType": "TAKE_PROFIT_LIMIT", "abovePrice": "30", "aboveStopPrice": "29", "aboveTimeInForce": "GTC"}
    both = await bot.ok("POST", "/api/v3/orderList/oco", **sell, **stops, belowType="STOP_LOSS", belowStopPrice="5")
    await made.ask(bot, "DELETE /api/v3/orderList", **one, orderListId=both["orderListId"])
    for left in await bot.ok("GET", "/api/v3/openOrderList"):
        await bot.ok("DELETE", "/api/v3/orderList", **one, orderListId=left["orderListId"])


async def replacements(made: Answers, bot: Bot, order_id: int) -> None:
    """All that a cancel and a new order can come to."""
    good, poor = bot.terms("BUY 1 @ 10", newOrderRespType="FULL"), bot.terms("BUY 100000 @ 10")
    for terms, mode, canceled in (
        (good, "STOP_ON_FAILURE", order_id),
        (good, "STOP_ON_FAILURE", order_id),
        (good, "ALLOW_FAILURE", order_id),
        (poor, "ALLOW_FAILURE", order_id),
        (poor, "STOP_ON_FAILURE", None),
    ):
        if canceled is None:
            canceled = (await bot.ok("GET", "/api/v3/openOrders", symbol=bot.symbol))[0]["orderId"]
        more = {"cancelReplaceMode": mode, "cancelOrderId": canceled}
        await made.ask(bot, "POST /api/v3/order/cancelReplace", **terms, **more)


@pytest_asyncio.fixture
async def bots(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Bot, Bot]]:
    base = market.partition("_")[0]
    async with aiohttp.ClientSession() as session:
        users = [await api.user(**{"USDC": "100000", base: "1000"}) for _ in range(2)]
        made = [Bot.of_user(session, shared.url, user_id, market.replace("_", "")) for user_id in users]
        yield made[0], made[1]


async def test_every_documented_field_is_there_with_its_type(bots: tuple[Bot, Bot]) -> None:
    mode = "EXPIRE_MAKER"  # so that a resting order has a prevented match of its own
    bot, other = bots
    await bot.place("BUY 1 @ 1", newClientOrderId="own")
    await bot.place("SELL 1 @ 1", selfTradePreventionMode=mode)
    await bot.ok("DELETE", "/api/v3/openOrders", symbol=bot.symbol)
    made = await all_answers(bot, other)
    found = {str(example): told for example in FIELDS if (told := lacking(example, made.of[example.endpoint]))}
    assert found == {}


def lacking(example: Example, answers: list[Any]) -> list[str]:
    """What all answers lack of an example: nothing if one of them has it all."""
    allowed, least = EMPTY.get(example.endpoint, set()), ["it was not asked for"]
    for answer in answers:
        told = [problem for problem in problems(example.shape, answer) if problem not in allowed]
        if not told:
            return []
        least = min(least, told, key=len) if least != ["it was not asked for"] else told
    return least


@pytest.mark.parametrize("endpoint", sorted(MISSING))
async def test_what_is_not_here_says_so(bots: tuple[Bot, Bot], endpoint: str) -> None:
    method, path = endpoint.split()
    assert await bots[0].code(method, path, symbol=bots[0].symbol) == MISSING[endpoint]


def test_the_list_of_what_is_missing_names_what_is_documented() -> None:
    assert set(MISSING) <= {example.endpoint for example in examples()}
