"""Bad input to every call of the Binance-compatible dialect: an error of its own shape, never a failure, no change."""

import asyncio
import io
import itertools
from collections.abc import Iterator
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from yarl import URL

from exchange.api.binance.calls import REST
from tests.whole.api import Api
from tests.whole.binance import Bot, now_ms

# Percent-encoded, as they are sent.
BAD = [
    *("", "%20", "abc", "-1", "%2B1", "1e5", "1E5", "0x10", "NaN", "Infinity", "-Infinity", "null", "true", "None"),
    *("%00", "%ff%fe", "%ed%a0%80", "%F0%9F%92%A9", "%D9%A1", "%zz", "%", "1%0A", "%0A1", "1,2", "1.2.3", ".5", "5."),
    *("9" * 19, "9" * 20, "9" * 21, "9" * 4000, "0", "0.0", "00", "1.123456789", "[1]", "%5B%22%22%5D", "%7B%7D"),
    *("%27%3B%20DROP%20TABLE%20trades%3B--", "..%2F..%2Fetc", "a" * 4000, "[" * 2000, "%22", "LIMIT", "1s%00"),
]
ORDER = {
    "symbol": "{symbol}",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1000000",
    "price": "1000000",
    "newClientOrderId": "bad-input",
    "newOrderRespType": "FULL",
    "selfTradePreventionMode": "EXPIRE_TAKER",
    "strategyId": "1",
    "strategyType": "1000000",
}
WAITING = ORDER | {"type": "STOP_LOSS_LIMIT", "stopPrice": "2000000", "trailingDelta": "100", "icebergQty": "1"}
WAITING |= {"pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": "1"}
REPLACE = ORDER | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": "123456789"}
NAMED = {"symbol": "{symbol}", "orderId": "123456789", "origClientOrderId": "nobodys"}
RANGE = {"startTime": "1000", "endTime": "2000", "limit": "10"}
WORKING = {
    "symbol": "{symbol}",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "1000000",
    "workingQuantity": "1000000",
    "workingTimeInForce": "GTC",
    "workingClientOrderId": "working",
    "pendingSide": "SELL",
    "pendingQuantity": "1",
    "listClientOrderId": "list",
}
OCO = {"symbol": "{symbol}", "side": "SELL", "quantity": "1000000", "listClientOrderId": "list"}
ABOVE = {"Type": "LIMIT_MAKER", "Price": "1000000", "ClientOrderId": "above", "IcebergQty": "1"}
BELOW = {"Type": "STOP_LOSS_LIMIT", "Price": "1", "StopPrice": "2", "TimeInForce": "GTC", "ClientOrderId": "below"}
USUAL: dict[str, dict[str, str]] = {
    "oco": OCO | {f"above{k}": v for k, v in ABOVE.items()} | {f"below{k}": v for k, v in BELOW.items()},
    "old_oco": OCO | {"price": "1000000", "stopPrice": "2", "stopLimitPrice": "1", "stopLimitTimeInForce": "GTC"},
    "oto": WORKING | {"pendingType": "LIMIT", "pendingPrice": "1000000", "pendingTimeInForce": "GTC"},
    "otoco": WORKING
    | {f"pendingAbove{k}": v for k, v in ABOVE.items()}
    | {f"pendingBelow{k}": v for k, v in BELOW.items()},
    "cancel_list": {"symbol": "{symbol}", "orderListId": "123456", "listClientOrderId": "nobodys"},
    "order_list": {"orderListId": "123456", "origClientOrderId": "nobodys"},
    "all_lists": {"fromId": "1", "limit": "10"},
    "open_lists": {},
    "place": ORDER,
    "test": WAITING | {"computeCommissionRates": "true"},
    "cancel_replace": REPLACE,
    "cancel": NAMED | {"cancelRestrictions": "ONLY_NEW", "newClientOrderId": "other"},
    "order": NAMED,
    "amend": NAMED | {"newQty": "1", "newClientOrderId": "smaller"},
    "amendments": {"symbol": "{symbol}", "orderId": "1", "fromExecutionId": "1", "limit": "1"},
    "cancel_all": {"symbol": "NOWHERE"},
    "open_orders": {"symbol": "{symbol}"},
    "all_orders": {"symbol": "{symbol}", "orderId": "1"} | RANGE,
    "own_trades": {"symbol": "{symbol}", "orderId": "1"} | RANGE,
    "aggregates": {"symbol": "{symbol}"} | RANGE,
    "klines": {"symbol": "{symbol}", "interval": "1m", "timeZone": "0"} | RANGE,
    "historical_trades": {"symbol": "{symbol}", "fromId": "1", "limit": "10"},
    "prevented_matches": {"symbol": "{symbol}", "orderId": "1", "fromPreventedMatchId": "1", "limit": "1"},
    "allocations": {"symbol": "{symbol}", "orderId": "1"} | RANGE,
    "exchange_info": {"symbols": '["{symbol}"]', "showPermissionSets": "true"},
    "window": {"symbol": "{symbol}", "windowSize": "1d", "type": "FULL"},
    "trading_day": {"symbols": '["{symbol}"]', "timeZone": "0", "type": "FULL"},
    "day": {"symbol": "{symbol}", "type": "FULL"},
    "account": {"omitZeroBalances": "true"},
    "depth": {"symbol": "{symbol}", "limit": "5", "symbolStatus": "TRADING"},
}
AT_ONCE = 16


def requests(bot: Bot) -> Iterator[tuple[str, str, str]]:
    """Method, path and unsigned query of each request."""
    for (method, path), call in REST.items():
        usual = USUAL.get(call.operation, {"symbol": "{symbol}"})
        fields = {name: quote(value.replace("{symbol}", bot.symbol), safe="") for name, value in usual.items()}
        for name, bad in itertools.product([*fields, "unheardOf"], BAD):
            changed = fields | {name: bad}
            yield method, path, "&".join(f"{key}={value}" for key, value in changed.items())
        if method == "GET":
            for name, bad in itertools.product(("timestamp", "recvWindow", "signature"), BAD):
                yield method, path, f"{name}={bad}"
        yield method, path, "&".join(f"{key}={value}" for key, value in fields.items()) + "&a" * 200
        for odd in ("&&&", "=", "=&=", "a;b", "%26=%3D", "symbol", "&".join(f"a{number}=1" for number in range(200))):
            yield method, path, odd


async def told(bot: Bot, method: str, path: str, query: str) -> str | None:
    """What was wrong with the answer, if something was."""
    if "timestamp" not in query:
        query += f"&timestamp={now_ms()}"
    if "signature" not in query:
        query += f"&signature={bot.sign(query.encode())}"
    in_body = method == "POST"
    url = URL(bot.url + path if in_body else f"{bot.url}{path}?{query}", encoded=True)
    headers = {"X-MBX-APIKEY": bot.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    data = query.encode() if in_body else None
    async with bot.session.request(method, url, headers=headers, data=data) as reply:
        status, raw = reply.status, await reply.read()
    if status == 200:
        return None
    answer = orjson.loads(raw)
    fine = 400 <= status < 500 and isinstance(answer.get("code"), int) and isinstance(answer.get("msg"), str)
    return None if fine and len(raw) < 2000 else f"{method} {path} {query[:200]}: {status} {raw[:300]!r}"


async def test_bad_input_gets_an_error_and_changes_nothing(api: Api, names: dict[str, str]) -> None:
    bot = Bot.of_user(api.session, api.url, names["user"], names["market"].replace("_", ""))
    wrong: list[str] = []
    every = requests(bot)
    while some := list(itertools.islice(every, AT_ONCE)):
        wrong += [text for text in await asyncio.gather(*(told(bot, *one) for one in some)) if text]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"{}",
        b'{"symbol":"BTCUSDT","side":"BUY"}',
        b"[" * 100_000,
        b"&" * 100_000,
        b"a=1&" * 5_000,
        b"symbol=" + b"%41" * 10_000,
        b"signature=&signature=&signature",
    ],
)
async def test_bodies_of_any_kind_are_refused(api: Api, names: dict[str, str], body: bytes) -> None:
    headers = {"X-MBX-APIKEY": f"{names['user']}-key"}
    for method in ("POST", "DELETE"):
        url = f"{api.url}/api/v3/order"
        async with api.session.request(method, url, data=body, headers=headers) as reply:
            assert 400 <= reply.status < 500
            assert set(orjson.loads(await reply.read())) == {"code", "msg"}


async def test_what_the_transport_refuses_is_refused_in_this_dialect(api: Api) -> None:
    async with aiohttp.ClientSession() as session:
        large = session.post(f"{api.url}/api/v3/order", data=io.BytesIO(b"a" * 20_000_000))
        async with large as reply:
            assert (reply.status, (await reply.json())["code"]) == (413, -1101)
        async with session.get(f"{api.url}/api/v3/time", headers={"Host": "elsewhere.example"}) as reply:
            assert (reply.status, (await reply.json())["code"]) == (421, -1002)
        foreign = {"Origin": "https://elsewhere.example"}
        async with session.post(f"{api.url}/api/v3/order", headers=foreign) as reply:
            assert (reply.status, (await reply.json())["code"]) == (403, -1002)
