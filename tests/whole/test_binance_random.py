"""Random requests to every call of the Binance-compatible dialect, half of them right: an answer of its own shape to
each, and no money from nowhere.

Nobody else trades in the market, and self-trade prevention keeps the user's orders apart: whatever happens, the user
has afterwards what there was before.
"""

import asyncio
import random
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from yarl import URL

from exchange.api.binance.calls import REST
from exchange.api.binance.security import Security
from exchange.api.binance.socket_api_methods import METHODS
from tests.whole.api import Api
from tests.whole.binance import Bot, now_ms
from tests.whole.binance_wire import ApiSocket, Socket
from tests.whole.served import Served
from tests.whole.test_binance_bad_input import BAD, USUAL

REQUESTS = 1500
AT_ONCE = 25
NUMBERS = ("0.0001", "0.01", "1", "1.5", "9.99", "10", "11", "100", "1000", "99999999", "0.00000001", "0", "-1", "1e3")
POOL: dict[str, tuple[str, ...]] = {
    "side": ("BUY", "SELL", "buy", "BOTH"),
    "type": (
        *("LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
        *("FULL", "MINI", "OCO"),
    ),
    "timeInForce": ("GTC", "IOC", "FOK", "GTD", "GTX"),
    "newOrderRespType": ("ACK", "RESULT", "FULL", "NONE"),
    "selfTradePreventionMode": ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"),
    "cancelReplaceMode": ("STOP_ON_FAILURE", "ALLOW_FAILURE", "MAYBE"),
    "cancelRestrictions": ("ONLY_NEW", "ONLY_PARTIALLY_FILLED", "ONLY_OLD"),
    "interval": ("1s", "1m", "3d", "1w", "1M", "2h", "9m"),
    "windowSize": ("1m", "59m", "1h", "23h", "1d", "7d", "8d"),
    "timeZone": ("0", "8", "-1:00", "+05:45", "15"),
    "pegPriceType": ("PRIMARY_PEG", "MARKET_PEG", "MID_PEG"),
    "pegOffsetType": ("PRICE_LEVEL", "TICKS"),
    "pegOffsetValue": ("0", "1", "2", "100", "101"),
    "trailingDelta": ("1", "100", "9999", "10000"),
    "strategyType": ("1000000", "1"),
    "recvWindow": ("1", "5000", "60000", "60001", "0.5"),
    "limit": ("0", "1", "5", "1000", "5001"),
}
PRICES = ("price", "stopPrice", "quantity", "quoteOrderQty", "newQty", "icebergQty")
IDS = ("orderId", "cancelOrderId", "fromId", "fromExecutionId", "preventedMatchId", "orderListId", "trailingDelta")
NAMES = ("newClientOrderId", "origClientOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId")
EVERY = tuple(sorted({name for usual in USUAL.values() for name in usual} | {*POOL, *PRICES, *IDS, *NAMES}))


class Chooser:
    """What is asked for next, from a seed."""

    def __init__(self, seed: int, symbol: str) -> None:
        self._chance = random.Random(f"binance/{seed}")
        self._symbol = symbol

    def call(self, among: list[Any]) -> Any:
        """Orders and cancels more often than the rest."""
        chance = self._chance
        orders = [one for one in among if "rder" in str(one)]
        return chance.choice(orders if chance.random() < 0.6 else among)

    def params(self, operation: str) -> dict[str, str]:
        """Percent-encoded parameters: the usual ones, each perhaps changed or left out, and perhaps others."""
        chance = self._chance
        usual = USUAL.get(operation, {"symbol": "{symbol}"})
        made = {}
        careful = chance.random() < 0.5
        kept = 0.97 if careful else 0.5
        for name, value in usual.items():
            if (dice := chance.random()) < kept:
                made[name] = quote(value.replace("{symbol}", self._symbol), safe="")
            elif dice < (1 + kept) / 2:
                made[name] = self._value(name)
        for name in chance.sample(EVERY, chance.choice((0, 0, 1, 2)) if not careful else 0):
            made[name] = self._value(name)
        if careful and "price" in made:  # one that the user can pay for
            made |= {"quantity": "1", "price": chance.choice(("9", "9.5", "12", "12.5"))}
            made["newClientOrderId"] = f"c{chance.randint(1, 30)}"
        items = list(made.items())
        chance.shuffle(items)
        return dict(items)

    def _value(self, name: str) -> str:
        chance = self._chance
        if chance.random() < 0.15:
            return chance.choice(BAD)
        if name == "symbol":
            return self._symbol if chance.random() < 0.9 else "BTCUSDT"
        if name in PRICES:
            return chance.choice(NUMBERS)
        if name in IDS:
            return str(chance.choice((0, 1, 2, chance.randint(1, 3000), 2**63 - 1, 2**63)))
        if name in NAMES:
            return f"c{chance.randint(1, 30)}"
        return quote(chance.choice(POOL.get(name, ("1", "true", "false", "x"))), safe="")


@pytest.fixture
async def funded(api: Api, market: str) -> Bot:
    user = await api.user(**{"USDC": "1000", market.partition("_")[0]: "1000"})
    return Bot.of_user(api.session, api.url, user, market.replace("_", ""))


async def money(api: Api, bot: Bot) -> dict[str, str]:
    """What the user has of each asset, by both dialects; nothing of it is locked."""
    await bot.call("DELETE", "/api/v3/openOrders", symbol=bot.symbol)
    native = (await api.ok("GET", "/balance", user_id=bot.api_key.removesuffix("-key")))["balances"]
    account = await bot.ok("GET", "/api/v3/account", omitZeroBalances="true")
    shown = {one["asset"]: (float(one["free"]), float(one["locked"])) for one in account["balances"]}
    assert shown == {one["asset"]: (float(one["available"]), float(one["locked"])) for one in native}
    assert all(locked == 0 for _, locked in shown.values())
    return {one["asset"]: one["total"] for one in native}


async def answer(bot: Bot, method: str, path: str, params: dict[str, str], *, signs: bool) -> tuple[int, Any, str]:
    """The status and answer of one request, and what it was."""
    query = "&".join(f"{name}={value}" for name, value in params.items())
    if signs:
        query += ("&" if query else "") + f"timestamp={now_ms()}"
        query += f"&signature={bot.sign(query.encode())}"
    in_body = method != "GET" and len(query) % 2 == 0
    url = URL(bot.url + path if in_body or not query else f"{bot.url}{path}?{query}", encoded=True)
    headers = {"X-MBX-APIKEY": bot.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    async with bot.session.request(method, url, headers=headers, data=query.encode() if in_body else None) as reply:
        return reply.status, orjson.loads(await reply.read()), f"{method} {path} {query[:300]}"


@pytest.mark.parametrize("seed", range(3))
async def test_random_requests_leave_the_money_where_it_is(api: Api, funded: Bot, seed: int) -> None:
    before, choose = await money(api, funded), Chooser(seed, funded.symbol)
    wrong, taken = [], 0
    for _ in range(REQUESTS // AT_ONCE):
        several = []
        for _ in range(AT_ONCE):
            method, path = choose.call(list(REST))
            call = REST[method, path]
            signs = call.security in (Security.USER_DATA, Security.TRADE)
            several.append(answer(funded, method, path, choose.params(call.operation), signs=signs))
        for status, said, asked in await asyncio.gather(*several):
            fine = status == 200 or (
                400 <= status < 500 and isinstance(said["code"], int) and said["code"] < 0 and bool(said["msg"])
            )
            taken += status == 200 and asked.startswith("POST /api/v3/order ")
            if not fine:
                wrong.append((asked, status, said))
    assert not wrong, wrong[:10]
    assert taken > 10, "too few orders were right for the rest to mean much"
    assert await money(api, funded) == before


@pytest.mark.parametrize("seed", range(2))
async def test_random_requests_of_a_socket_leave_the_money_where_it_is(
    shared: Served, api: Api, funded: Bot, seed: int
) -> None:
    before, choose = await money(api, funded), Chooser(100 + seed, funded.symbol)
    async with ApiSocket(shared.ws_url, funded.api_key, funded.sign) as socket:
        taken = 0
        for _ in range(REQUESTS):
            method = choose.call(list(METHODS))
            said = await socket.ask(method, socket.signed(**choose.params(METHODS[method].operation)))
            assert said["status"] < 500, (method, said)
            assert ("result" in said) == (said["status"] == 200), (method, said)
            taken += method == "order.place" and said["status"] == 200
    assert taken > 10
    assert await money(api, funded) == before


async def test_random_subscriptions_are_answered(shared: Served, market: str) -> None:
    chance, symbol = random.Random("streams"), market.replace("_", "").lower()
    whole = [f"{symbol}@{kind}" for kind in ("trade", "depth5@100ms", "kline_1m@+08:00", "ticker_1h", "bookTicker")]
    for _ in range(20):
        async with Socket(f"{shared.ws_url}/ws") as socket:  # five messages a second, and then it is closed
            for _ in range(4):
                names: list[Any] = []
                for _ in range(chance.randint(0, 4)):
                    text = list(chance.choice(whole))
                    for _ in range(chance.choice((0, 0, 1, 3))):
                        text[chance.randrange(len(text))] = chance.choice("@_!/ 0aZé\x00")
                    names.append("".join(text) if chance.random() < 0.9 else chance.choice((1, None, [], {})))
                said = await socket.ask(chance.choice(("SUBSCRIBE", "UNSUBSCRIBE")), names)
                assert said.get("result", 0) is None or isinstance(said["code"], int), said
