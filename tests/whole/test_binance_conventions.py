"""What clients of other languages send: the same request in other words, and words that Binance refuses."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.whole.api import Api
from tests.whole.binance import Bot, now_ms

TEST = "/api/v3/order/test"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def bot(api: Api, market: str) -> Bot:
    user = await api.user(USDC="100000")
    return Bot.of_user(api.session, api.url, user, market.replace("_", ""))


def code_of(found: tuple[int, Any]) -> int:
    """The code of a refusal; 0 where there is none."""
    status, answer = found
    return 0 if status == 200 else int(answer["code"])


@pytest.mark.parametrize(
    "content_type", [FORM, FORM + "; charset=utf-8", "application/json", "text/plain"], ids=lambda given: given[-5:]
)
async def test_a_form_is_read_whatever_its_type_is(bot: Bot, content_type: str) -> None:
    body = bot.signed(**bot.terms("BUY 1 @ 10"))
    assert await bot.send("POST", TEST, body, Content_Type=content_type) == (200, {})
    assert await bot.send("POST", f"{TEST}?{body}", Content_Type=content_type) == (200, {})


async def test_the_order_of_parameters_means_nothing(bot: Bot) -> None:
    pairs = urlencode(bot.terms("BUY 1 @ 10") | {"timestamp": now_ms()}).split("&")
    for query in ("&".join(pairs), "&".join(reversed(pairs)), "&".join(pairs) + "&", "&&".join(pairs)):
        signature = f"signature={bot.sign(query.encode())}"
        assert await bot.send("POST", f"{TEST}?{query}&{signature}") == (200, {})
        assert await bot.send("POST", f"{TEST}?{signature}&{query}") == (200, {})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": str.lower}, -1100),
        ({"symbol": "BTC/USDT"}, -1100),
        ({"symbol": "BTC-USDT"}, -1121),
        ({"side": "buy"}, -1117),
        ({"type": "limit"}, -1116),
        ({"timeInForce": "gtc"}, -1115),
        ({"newOrderRespType": "full"}, -1130),
        ({"recvWindow": "5000.5"}, 0),
        ({"recvWindow": "6000.346"}, 0),
        ({"recvWindow": "6000.3461"}, -1130),
        ({"recvWindow": ""}, -1105),
        ({"newClientOrderId": ""}, -1105),
        ({"newClientOrderId": "x-A_b:/.1"}, 0),
        ({"quantity": "1.0000000000"}, 0),
        ({"quantity": ".01"}, -1100),
        ({"quantity": "1e-2"}, -1100),
        ({"quantity": "0,01"}, -1100),
        ({"price": "10.123456789"}, -1111),
        ({"price": "10.001"}, -1013),
        ({"quoteOrderQty": "5"}, -1106),
        ({"unknown": "1"}, -1104),
    ],
    ids=lambda given: str(given),
)
async def test_an_order_in_other_words(bot: Bot, change: dict[str, Any], code: int) -> None:
    given = {name: value(bot.symbol) if callable(value) else value for name, value in change.items()}
    assert code_of(await bot.call("POST", TEST, **bot.terms("BUY 1 @ 10", **given))) == code


async def test_symbols_are_a_list_without_spaces(bot: Bot) -> None:
    for given, code in (
        (f'["{bot.symbol}"]', 0),
        (f"%5B%22{bot.symbol}%22%5D", 0),
        (f"%5b%22{bot.symbol}%22%5d", 0),
        (f'["{bot.symbol}", "{bot.symbol}X"]'.replace(" ", "%20"), -1100),
        (f'["{bot.symbol.lower()}"]', -1100),
        (bot.symbol, -1100),
        (f'["{bot.symbol}"', -1100),
        ("[1]", -1100),
        ("[]", -1100),
    ):
        for path in ("/api/v3/exchangeInfo", "/api/v3/ticker/24hr", "/api/v3/ticker/price"):
            assert code_of(await bot.send("GET", f"{path}?symbols={given}")) == code, (path, given)


async def test_how_many_symbols_may_be_asked_for(bot: Bot) -> None:
    """The calls that need symbols take a hundred of them; the others have no such limit."""
    many = "[" + ",".join(f'"X{number}"' for number in range(101)) + "]"
    for path, code in (
        ("ticker", -1101),
        ("ticker/tradingDay", -1101),
        ("ticker/24hr", -1121),
        ("ticker/price", -1121),
    ):
        assert await bot.code("GET", f"/api/v3/{path}", symbols=many) == code, path


async def test_markets_of_another_status_are_left_out_of_a_list(bot: Bot) -> None:
    for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker", "ticker", "ticker/tradingDay"):
        several = {"symbols": f'["{bot.symbol}"]'}
        assert await bot.ok("GET", f"/api/v3/{path}", **several, symbolStatus="HALT") == []
        assert len(await bot.ok("GET", f"/api/v3/{path}", **several, symbolStatus="TRADING")) == 1
        assert await bot.code("GET", f"/api/v3/{path}", symbol=bot.symbol, symbolStatus="HALT") == -1220


async def test_own_trades_are_found_by_an_order_or_by_time(bot: Bot) -> None:
    for given, code in (
        ({"orderId": 1}, 0),
        ({"orderId": 1, "fromId": 1}, 0),
        ({"startTime": 1, "endTime": 2}, 0),
        ({"startTime": now_ms(-60) * 1000}, 0),
        ({"orderId": 1, "startTime": 1}, -1128),
        ({"fromId": 1, "endTime": 1}, -1128),
        ({"startTime": now_ms(-172_800), "endTime": now_ms()}, -1127),
    ):
        assert code_of(await bot.call("GET", "/api/v3/myTrades", symbol=bot.symbol, **given)) == code, given


async def test_the_binary_encoding_is_not_there(bot: Bot) -> None:
    wanted = {"Accept": "application/sbe", "X_MBX_SBE": "3:5"}
    assert await bot.send("GET", "/api/v3/time", **wanted) == (406, {"code": -1155, "msg": "SBE is not enabled."})
    either = wanted | {"Accept": "application/sbe, application/json"}
    assert (await bot.send("GET", "/api/v3/time", **either))[0] == 200
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    opening = upgrade | {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    status, answer = await bot.send("GET", "/ws-api/v3?responseFormat=sbe", **opening)
    assert (status, answer["code"]) == (400, -1155)
