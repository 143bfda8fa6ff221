"""Market data of the Binance-compatible dialect."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.whole.api import Api
from tests.whole.binance import Bot, now_ms
from tests.whole.served import Served

DAY_MS = 86_400_000


@pytest_asyncio.fixture
async def traded(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Bot, Any]]:
    """A market with a book and five trades, of which the second and third are one aggregate."""
    base = market.partition("_")[0]
    async with aiohttp.ClientSession() as session:
        maker = await api.user(**{"USDC": "100000", base: "1000"})
        taker = await api.user(**{"USDC": "100000", base: "1000"})
        for text in ("sell 1 @ 101", "sell 1 @ 102", "sell 1 @ 102", "sell 2 @ 103", "buy 2 @ 99"):
            await api.order(maker, market, text)
        await api.order(taker, market, "buy 1")
        await api.order(taker, market, "buy 2.5")
        await api.order(taker, market, "sell 0.5")
        yield Bot.of_user(session, shared.url, taker, market.replace("_", "")), taker


async def test_a_depth_snapshot_has_the_best_levels(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    depth = await bot.ok("GET", "/api/v3/depth", symbol=bot.symbol, limit=1)
    assert (depth["bids"], depth["asks"]) == ([["99.00000000", "1.50000000"]], [["103.00000000", "1.50000000"]])
    assert depth["lastUpdateId"] == 9, "one for each level that changed"


async def test_trades_are_numbered_by_their_market(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    trades = await bot.ok("GET", "/api/v3/trades", symbol=bot.symbol)
    assert [(trade["id"], trade["price"], trade["qty"], trade["isBuyerMaker"]) for trade in trades] == [
        (1, "101.00000000", "1.00000000", False),
        (2, "102.00000000", "1.00000000", False),
        (3, "102.00000000", "1.00000000", False),
        (4, "103.00000000", "0.50000000", False),
        (5, "99.00000000", "0.50000000", True),
    ]
    assert trades[3]["quoteQty"] == "51.50000000"
    for first, limit, expected in ((2, 2, [2, 3]), (0, 1, [1]), (5, 10, [5]), (6, 10, [])):
        found = await bot.ok("GET", "/api/v3/historicalTrades", symbol=bot.symbol, fromId=first, limit=limit)
        assert [trade["id"] for trade in found] == expected
    assert await bot.ok("GET", "/api/v3/historicalTrades", symbol=bot.symbol) == trades


async def test_an_aggregate_is_what_one_taker_took_at_one_price(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    found = await bot.ok("GET", "/api/v3/aggTrades", symbol=bot.symbol)
    assert [(one["a"], one["p"], one["q"], one["f"], one["l"], one["m"]) for one in found] == [
        (1, "101.00000000", "1.00000000", 1, 1, False),
        (2, "102.00000000", "2.00000000", 2, 3, False),
        (3, "103.00000000", "0.50000000", 4, 4, False),
        (4, "99.00000000", "0.50000000", 5, 5, True),
    ]
    start, end = found[0]["T"], found[-1]["T"]
    for query, expected in (
        ({"fromId": 3}, [3, 4]),
        ({"fromId": 2, "limit": 1}, [2]),
        ({"limit": 2}, [3, 4]),
        ({"startTime": start, "limit": 1}, [1]),
        ({"startTime": end + 1}, []),
        ({"endTime": end, "limit": 3}, [2, 3, 4]),
        ({"startTime": start, "endTime": end}, [1, 2, 3, 4]),
        ({"endTime": start - 1}, []),
    ):
        rows = await bot.ok("GET", "/api/v3/aggTrades", symbol=bot.symbol, **query)
        assert [one["a"] for one in rows] == expected, query
    assert await bot.code("GET", "/api/v3/aggTrades", symbol=bot.symbol, fromId=1, startTime=1) == -1128


async def test_own_trades_are_found_by_order_by_id_and_by_time(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    path, every = "/api/v3/myTrades", await bot.ok("GET", "/api/v3/myTrades", symbol=bot.symbol)
    assert [(one["id"], one["isBuyer"], one["isMaker"]) for one in every] == [
        *((number, True, False) for number in (1, 2, 3, 4)),
        (5, False, False),
    ]
    for query, expected in (
        ({"orderId": every[1]["orderId"]}, [2, 3, 4]),
        ({"orderId": every[1]["orderId"], "fromId": 3}, [3, 4]),
        ({"fromId": 4}, [4, 5]),
        ({"limit": 2}, [4, 5]),
        ({"startTime": every[0]["time"], "limit": 1}, [1]),
        ({"startTime": every[0]["time"], "endTime": now_ms(1)}, [1, 2, 3, 4, 5]),
        ({"endTime": every[0]["time"] - 1}, []),
    ):
        rows = await bot.ok("GET", path, symbol=bot.symbol, **query)
        assert [one["id"] for one in rows] == expected, query
    assert await bot.code("GET", path, symbol=bot.symbol, startTime=1, endTime=DAY_MS + 2) == -1127


@pytest.mark.parametrize(
    "interval",
    ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"],
)
@pytest.mark.parametrize("zone", ["0", "8", "-5:30"])
async def test_candles_of_every_interval_hold_the_trades(traded: tuple[Bot, str], interval: str, zone: str) -> None:
    bot, _ = traded
    query = {"symbol": bot.symbol, "interval": interval, "timeZone": zone}
    candles = await bot.ok("GET", "/api/v3/klines", **query)
    assert sum(candle[8] for candle in candles) == 5
    assert sum(float(candle[5]) for candle in candles) == 4.0
    assert sum(float(candle[9]) for candle in candles) == 3.5
    assert max(float(candle[2]) for candle in candles) == 103
    for before, after in itertools.pairwise(candles):
        assert after[0] == before[6] + 1
    # A new second may have begun since: the last candle of before is asked for by its time.
    (newest,) = await bot.ok("GET", "/api/v3/uiKlines", **query, limit=1)
    assert newest[0] >= candles[-1][0]
    assert await bot.ok("GET", "/api/v3/uiKlines", **query, limit=1, endTime=candles[-1][0]) == candles[-1:]
    begin = candles[0][0]
    assert await bot.ok("GET", "/api/v3/klines", **query, startTime=begin, limit=1) == candles[:1]
    assert await bot.ok("GET", "/api/v3/klines", **query, endTime=begin) == candles[:1]
    assert await bot.ok("GET", "/api/v3/klines", **query, endTime=begin - 1) == []
    assert await bot.ok("GET", "/api/v3/klines", **query, startTime=now_ms(10**8)) == []


async def test_weeks_begin_on_monday_and_days_where_the_zone_says(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    for interval, zone, rest in (("1d", "0", 0), ("1d", "8", 16 * 3600), ("1d", "-5:30", 19800), ("1h", "5:45", 900)):
        [candle] = await bot.ok("GET", "/api/v3/klines", symbol=bot.symbol, interval=interval, timeZone=zone, limit=1)
        assert candle[0] // 1000 % (3600 if interval == "1h" else 86400) == rest
    [week] = await bot.ok("GET", "/api/v3/klines", symbol=bot.symbol, interval="1w", limit=1)
    assert (week[0] // DAY_MS + 3) % 7 == 0


async def test_an_empty_second_has_the_price_before_it(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    candles = await bot.ok("GET", "/api/v3/klines", symbol=bot.symbol, interval="1s")
    while candles[-1][8]:  # until a second has passed
        candles = await bot.ok("GET", "/api/v3/klines", symbol=bot.symbol, interval="1s")
    assert candles[-1][1:6] == ["99.00000000"] * 4 + ["0.00000000"]
    later = {"symbol": bot.symbol, "interval": "1s", "startTime": candles[-1][0]}
    assert (await bot.ok("GET", "/api/v3/klines", **later))[0] == candles[-1]


async def test_a_market_without_trades_has_no_candles(shared: Served, market: str) -> None:
    async with aiohttp.ClientSession() as session:
        bot = Bot.of_user(session, shared.url, "nobody", market.replace("_", ""))
        for interval in ("1s", "1m", "1M"):
            assert await bot.ok("GET", "/api/v3/klines", symbol=bot.symbol, interval=interval) == []
        day = await bot.ok("GET", "/api/v3/ticker/24hr", symbol=bot.symbol)
        assert (day["lastPrice"], day["firstId"], day["count"]) == ("0.00000000", -1, 0)
        assert (await bot.ok("GET", "/api/v3/avgPrice", symbol=bot.symbol))["price"] == "0.00000000"


async def test_tickers_sum_up_a_window(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    expected = {
        "symbol": bot.symbol,
        "priceChange": "-2.00000000",
        "priceChangePercent": "-1.980",
        "weightedAvgPrice": "101.50000000",
        "openPrice": "101.00000000",
        "highPrice": "103.00000000",
        "lowPrice": "99.00000000",
        "lastPrice": "99.00000000",
        "volume": "4.00000000",
        "quoteVolume": "406.00000000",
        "firstId": 1,
        "lastId": 5,
        "count": 5,
    }
    one = {"symbol": bot.symbol}
    paths: tuple[tuple[str, dict[str, str]], ...] = (
        ("/api/v3/ticker/24hr", {}),
        ("/api/v3/ticker", {}),
        ("/api/v3/ticker", {"windowSize": "15m"}),
        ("/api/v3/ticker", {"windowSize": "7d"}),
        ("/api/v3/ticker/tradingDay", {"timeZone": "3"}),
    )
    for path, more in paths:
        if now_ms() % DAY_MS < 120_000 or (now_ms() + 3 * 3_600_000) % DAY_MS < 120_000:
            continue  # around midnight a day may begin between the trades and the question
        found = await bot.ok("GET", path, **one, **more)
        assert {name: found[name] for name in expected} == expected, path
        [same] = await bot.ok("GET", path, symbols=f'["{bot.symbol}"]', **more)
        assert {name: same[name] for name in expected} == expected, path
        small = await bot.ok("GET", path, **one, **more, type="MINI")
        assert "priceChange" not in small
        assert small["volume"] == "4.00000000"
    day = await bot.ok("GET", "/api/v3/ticker/24hr", **one)
    assert (day["lastQty"], day["bidPrice"], day["askQty"]) == ("0.50000000", "99.00000000", "1.50000000")
    assert await bot.ok("GET", "/api/v3/ticker/price", **one) == {"symbol": bot.symbol, "price": "99.00000000"}
    book = await bot.ok("GET", "/api/v3/ticker/bookTicker", **one)
    assert (book["bidQty"], book["askPrice"]) == ("1.50000000", "103.00000000")
    assert len(await bot.ok("GET", "/api/v3/ticker/price")) > 100


async def test_exchange_info_has_the_rules_of_markets(traded: tuple[Bot, str]) -> None:
    bot, _ = traded
    info = await bot.ok("GET", "/api/v3/exchangeInfo", symbol=bot.symbol)
    [symbol] = info["symbols"]
    filters = {one["filterType"]: one for one in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00010000"
    assert filters["NOTIONAL"]["minNotional"] == "0.10000000"
    assert symbol["status"] == "TRADING"
    assert len((await bot.ok("GET", "/api/v3/exchangeInfo"))["symbols"]) > 100
    assert (await bot.ok("GET", "/api/v3/exchangeInfo", permissions="MARGIN"))["symbols"] == []
    for query, code in (
        ({"symbol": "NONE"}, -1121),
        ({"symbol": "none"}, -1100),
        ({"symbols": "[]"}, -1100),
        ({"symbols": f'["{bot.symbol}","{bot.symbol}"]'}, -1151),
        ({"symbols": f'["{bot.symbol}"]', "symbol": bot.symbol}, -1128),
        ({"other": "1"}, -1101),
        ({"symbolStatus": "OPEN"}, -1122),
        ({"symbol": bot.symbol, "other": "1"}, -1104),
    ):
        assert await bot.code("GET", "/api/v3/exchangeInfo", **query) == code, query


async def test_the_status_of_a_market_is_shown(traded: tuple[Bot, str], api: Api, market: str) -> None:
    bot, _ = traded
    for native, shown in (("halted", "HALT"), ("cancel_only", "CANCEL_ONLY"), ("trading", "TRADING")):
        await api.ok("POST", "/admin/markets/status", {"market": market, "status": native})
        [symbol] = (await bot.ok("GET", "/api/v3/exchangeInfo", symbol=bot.symbol))["symbols"]
        assert symbol["status"] == shown
        if native == "halted":
            assert await bot.refused("BUY 1 @ 10") == (-2010, "Market is closed.")
            assert await bot.code("GET", "/api/v3/depth", symbol=bot.symbol, symbolStatus="TRADING") == -1220
