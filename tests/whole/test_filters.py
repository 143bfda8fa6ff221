"""The filters of a market: set by a call, by the command line and in a configuration, shown, enforced, kept."""

import json
from typing import Any

import aiohttp
import pytest

from exchange.client import ApiError, Client
from exchange.testing import RunningExchange, running_exchange
from tests.whole.api import Api, fresh
from tests.whole.binance import Bot
from tests.whole.made_once import data_directory
from tests.whole.served import CONFIG, Served, command, directory, market_text

NO_BOUNDS = dict.fromkeys(("max_open_orders", "max_open_stops", "max_open_icebergs", "max_open_lists"))
SIZES = {"tick_size": "0.01", "lot_size": "0.1"}
GIVEN: dict[str, Any] = {
    "max_price": "200",
    "market_max_quantity": "5",
    "bid_multiplier_up": "1.5",
    "fill_band": "0.1",
    "max_open_stops": 1,
    "max_open_lists": 2,
    "max_notional_applies_to_market": True,
    "max_position": "20",
}


async def filtered(api: Api, **filters: Any) -> str:
    """A new market with these filters."""
    base = fresh("F").replace("-", "").upper()[:12]
    await api.ok("POST", "/admin/assets", {"asset": base, "decimals": 4})
    market = f"{base}_USDC"
    await api.ok("POST", "/admin/markets", {"market": market, **SIZES, "filters": filters})
    return market


async def test_they_are_shown_changed_one_by_one_and_taken_away(api: Api) -> None:
    market = await filtered(api, **GIVEN)
    [rules] = [row for row in (await api.ok("GET", "/markets"))["markets"] if row["market"] == market]
    shown = {name: value for name, value in rules["filters"].items() if value}
    assert shown == GIVEN
    assert rules["filters"]["max_quantity"] is None
    assert await api.ok("POST", "/admin/markets", rules) == rules, "a row can be sent back"
    change = {"max_price": "0", "max_open_stops": 0, "max_quantity": "7"}
    after = await api.ok("POST", "/admin/markets", {"market": market, "filters": change})
    assert after["filters"] == rules["filters"] | {"max_price": None, "max_open_stops": None, "max_quantity": "7"}
    for wrong, code in (
        ({"nothing": "1"}, "INVALID_FIELD"),
        ({"max_price": "1e3"}, "INVALID_NUMBER"),
        ({"max_price": "0.001"}, "INVALID_FIELD"),
        ({"max_open_stops": -1}, "INVALID_FIELD"),
        ({"max_quantity": "1", "min_quantity": "2"}, "INVALID_FIELD"),
    ):
        assert (await api.refused("POST", "/admin/markets", {"market": market, "filters": wrong}))[1] == code
    [now] = [row for row in (await api.ok("GET", "/markets"))["markets"] if row["market"] == market]
    assert now == after


async def test_an_order_beyond_one_is_refused_by_its_code(api: Api) -> None:
    market = await filtered(api, **GIVEN)
    base = market.partition("_")[0]
    maker, taker = await api.user(**{base: "100"}), await api.user(USDC="100000")
    for text in ("sell 1 @ 100", "sell 1 @ 110", "sell 1 @ 111"):
        await api.order(maker, market, text)
    bought = await api.order(taker, market, "buy 5")
    assert (bought["executed_quantity"], bought["expire_reason"]) == ("2", "price_band")
    for text, code in (
        ("buy 1 @ 200.01", "MAX_PRICE"),
        ("buy 6", "MARKET_MAX_QUANTITY"),
        ("buy 1 @ 160", "PRICE_BAND"),
        ("buy 19 @ 50", "MAX_POSITION"),
    ):
        with pytest.raises(AssertionError, match=code):
            await api.order(taker, market, text)


async def test_a_restart_and_a_command_line_keep_them() -> None:
    with directory() as place, running_exchange(data_dir=data_directory(place / "data")) as exchange:
        async with Client(exchange.url) as client:
            rules = await client.set_market("SOL_USDC", {"filters": {"max_price": "500", "fill_band": "0.25"}})
        exchange.kill()
        exchange.start()
        async with Client(exchange.url) as client:
            [now] = [row for row in await client.markets() if row["market"] == "SOL_USDC"]
            assert now == rules
            said = command(
                *("market", "set", "SOL_USDC", "--url", exchange.url),
                *("--filter", "max-price=0", "--filter", "max_open_stops=3", "--filter", "max_notional=1000"),
            )
            assert said.returncode == 0, said.stderr
            changed = json.loads(said.stdout)["filters"]
            assert {name: value for name, value in changed.items() if value} == {
                "fill_band": "0.25",
                "max_open_stops": 3,
                "max_notional": "1000",
            }
            wrong = command("market", "set", "SOL_USDC", "--url", exchange.url, "--filter", "max_price")
            assert wrong.returncode != 0
            order = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "400", "quantity": "3"}
            user = exchange.user(USDC="10000")
            with pytest.raises(ApiError, match="MAX_NOTIONAL"):
                await client.place(order, user)
        exchange.stop()
        checked = command("check", "--data-dir", str(place / "data"), "--replay")
        assert checked.returncode == 0, checked.stdout


async def test_the_binance_dialect_names_them_as_binance_does(shared: Served, api: Api) -> None:
    market = await filtered(api, **GIVEN, max_iceberg_parts=9, max_base="50", max_amends_per_order=2)
    user = await api.user(USDC="100000")
    async with aiohttp.ClientSession() as session:
        bot = Bot.of_user(session, shared.url, user, market.replace("_", ""))
        info = await bot.ok("GET", "/api/v3/exchangeInfo", symbol=bot.symbol)
        named = {found["filterType"]: found for found in info["symbols"][0]["filters"]}
        assert named["PRICE_FILTER"]["maxPrice"] == "200.00000000"
        assert named["MARKET_LOT_SIZE"]["maxQty"] == "5.00000000"
        assert named["PERCENT_PRICE_BY_SIDE"]["bidMultiplierUp"] == "1.5"
        assert named["MAX_NUM_ALGO_ORDERS"]["maxNumAlgoOrders"] == 1
        assert named["MAX_NUM_ORDER_LISTS"]["maxNumOrderLists"] == 2
        assert named["ICEBERG_PARTS"]["limit"] == 9
        assert named["MAX_NUM_ORDER_AMENDS"]["maxNumOrderAmends"] == 2
        assert named["MAX_POSITION"]["maxPosition"] == "20.00000000"
        assert "MAX_NUM_ICEBERG_ORDERS" not in named, "there is no such bound here"
        assert await bot.refused("BUY 1 @ 300") == (-1013, "Filter failure: PRICE_FILTER")
        assert await bot.refused("BUY 21 @ 10") == (-1013, "Filter failure: MAX_POSITION")
        mine = await bot.ok("GET", "/api/v3/myFilters", symbol=bot.symbol)
        assert {found["filterType"] for found in mine["symbolFilters"]} == {
            *("MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ORDER_LISTS", "MAX_POSITION"),
        }
        assert [found["limit"] for found in mine["assetFilters"]] == ["50.00000000"]


async def test_filters_of_the_exchange_are_set_shown_enforced_and_kept() -> None:
    with directory() as place:
        config = place / "config.toml"
        config.write_text(CONFIG + market_text("SOL") + market_text("ETH") + "\n[filters]\nmax_open_lists = 1\n")
        with running_exchange(config=config, data_dir=place / "data") as exchange:
            async with Client(exchange.url) as client:
                assert (await client.call("GET", "/markets"))["filters"] == {**NO_BOUNDS, "max_open_lists": 1}
                now = await client.set_filters({"max_open_orders": 3, "max_open_stops": 1, "max_open_icebergs": 7})
                assert now == {**NO_BOUNDS, **now, "max_open_lists": 1}
                with pytest.raises(ApiError, match="INVALID_FIELD"):
                    await client.set_filters({"max_open_orders": -1})
                with pytest.raises(ApiError, match="INVALID_FIELD"):
                    await client.set_filters({"max_price": 1})
            exchange.kill()
            exchange.start()
            await _filters_of_the_exchange_hold(exchange)
            said = command("filters", "max-open-orders=0", "max_open_stops=0", "--url", exchange.url)
            assert said.returncode == 0, said.stderr
            assert json.loads(said.stdout) == {**NO_BOUNDS, "max_open_lists": 1, "max_open_icebergs": 7}
            assert json.loads(command("filters", "--url", exchange.url).stdout)["max_open_icebergs"] == 7
            wrong = command("filters", "max_open_orders=many", "--url", exchange.url)
            assert wrong.returncode != 0
            exchange.stop()
        checked = command("check", "--data-dir", str(place / "data"), "--replay")
        assert checked.returncode == 0, checked.stdout


async def _filters_of_the_exchange_hold(exchange: RunningExchange) -> None:
    """Three open orders, one of which waits for a price, and one list; over two markets."""
    user = exchange.user(USDC="10000")
    async with Client(exchange.url, user_id=user) as client, aiohttp.ClientSession() as session:
        assert (await client.call("GET", "/markets"))["filters"]["max_open_orders"] == 3
        await client.place(limit("SOL_USDC", "9"))
        await client.place(limit("ETH_USDC", "9", order_type="stop_loss_limit", stop_price="12"))
        with pytest.raises(ApiError, match="TOO_MANY_OPEN_STOPS_EVERYWHERE"):
            await client.place(limit("SOL_USDC", "9", order_type="stop_loss_limit", stop_price="12"))
        both = {"type": "oto", "orders": [limit("ETH_USDC", "8"), limit("ETH_USDC", "7")]}
        with pytest.raises(ApiError, match="TOO_MANY_OPEN_ORDERS_EVERYWHERE"):
            await client.call("POST", "/order/list", body={"user_id": user, **both})
        await client.place(limit("ETH_USDC", "8"))
        bot = Bot.of_user(session, exchange.url, user, "SOLUSDC")
        assert await bot.refused("BUY 1 @ 5") == (-1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS")
        mine = await bot.ok("GET", "/api/v3/myFilters", symbol=bot.symbol)
        assert mine["exchangeFilters"] == (await bot.ok("GET", "/api/v3/exchangeInfo"))["exchangeFilters"]
        assert [found["filterType"] for found in mine["exchangeFilters"]] == [
            *("EXCHANGE_MAX_NUM_ORDERS", "EXCHANGE_MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"),
            "EXCHANGE_MAX_NUM_ORDER_LISTS",
        ]
        await client.cancel_all()
        await client.set_filters({"max_open_orders": 9})
        await client.call("POST", "/order/list", body={"user_id": user, **both})
        with pytest.raises(ApiError, match="TOO_MANY_OPEN_LISTS_EVERYWHERE"):
            await client.call("POST", "/order/list", body={"user_id": user, **both})


def limit(market: str, price: str, **more: str) -> dict[str, Any]:
    return {"market": market, "side": "buy", "order_type": "limit", "quantity": "1", "price": price, **more}
