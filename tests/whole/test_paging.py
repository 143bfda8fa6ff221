"""Pages: to the end in both directions, by id and by time, without a gap and without anything twice."""

from typing import Any

import pytest

from tests.whole.api import Api, order_body
from tests.whole.conftest import Markets


@pytest.fixture
async def traded(api: Api, markets: Markets) -> tuple[str, str, str]:
    """(user, market, elsewhere): 7 trades as taker and 4 as maker, and some orders in another market."""
    market, elsewhere = markets.plain(), markets.plain()
    base = market.partition("_")[0]
    user, other = await api.user(USDC="1000", **{base: "100"}), await api.user(USDC="1000", **{base: "100"})
    for taker, maker, count in ((user, other, 7), (other, user, 4)):
        for number in range(count):
            await api.order(maker, market, f"sell 1 @ {10 + number}")
            await api.order(taker, market, f"buy 1 @ {10 + number}")
    for number in range(3):
        await api.order(user, elsewhere, f"buy 1 @ {1 + number}")
    await api.order(user, elsewhere, "buy 1 @ 1", time_in_force="ioc")
    return user, market, elsewhere


def ids(pages: list[list[Any]], name: str) -> list[int]:
    return [int(row[name]) for page in pages for row in page]


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 15, 16, 1000])
async def test_pages_of_orders_hold_each_once(api: Api, traded: tuple[str, str, str], limit: int) -> None:
    user, market, elsewhere = traded
    found = ids(await api.pages("/orders/history", "orders", user_id=user, limit=limit), "order_id")
    assert len(found) == 15
    assert found == sorted(set(found), reverse=True)
    here = ids(await api.pages("/orders/history", "orders", user_id=user, market=market, limit=limit), "order_id")
    there = ids(await api.pages("/orders/history", "orders", user_id=user, market=elsewhere, limit=limit), "order_id")
    assert (len(here), len(there)) == (11, 4)
    assert sorted(here + there, reverse=True) == found


@pytest.mark.parametrize("limit", [1, 3, 10, 11, 12])
async def test_pages_of_trades_and_fills_hold_each_once(api: Api, traded: tuple[str, str, str], limit: int) -> None:
    user, market, _ = traded
    trades = await api.pages("/trade/history", "trades", market=market, limit=limit)
    fills = await api.pages("/fills", "fills", user_id=user, limit=limit)
    assert all(len(page) == limit for page in trades[:-1])
    found = ids(trades, "trade_id")
    assert len(found) == 11
    assert found == sorted(set(found), reverse=True) == ids(fills, "trade_id")
    liquidity = [row["liquidity"] for page in fills for row in page]
    assert liquidity == ["maker"] * 4 + ["taker"] * 7


async def test_open_orders_stand_among_the_closed_ones(api: Api, market: str) -> None:
    user = await api.user()
    placed = []
    for number in range(6):
        order = await api.order(user, market, "buy 1 @ 10")
        placed.append((order["order_id"], "canceled" if number % 2 else "open"))
        if number % 2:
            await api.ok("DELETE", "/order", user_id=user, market=market, order_id=order["order_id"])
    pages = await api.pages("/orders/history", "orders", user_id=user, limit=2)
    assert [(row["order_id"], row["status"]) for page in pages for row in page] == placed[::-1]


async def test_the_last_full_page_says_that_it_is_the_last(api: Api, market: str) -> None:
    user = await api.user()
    for _ in range(2):
        await api.order(user, market, "buy 1 @ 10")
    answer = await api.ok("GET", "/orders/history", user_id=user, limit=2)
    assert (len(answer["orders"]), answer["next"]) == (2, None)


async def test_what_is_new_does_not_move_older_pages(api: Api, market: str) -> None:
    user = await api.user()
    old = [(await api.order(user, market, "buy 1 @ 10"))["order_id"] for _ in range(4)]
    first = await api.ok("GET", "/orders/history", user_id=user, limit=2)
    await api.ok("POST", "/orders", {"user_id": user, "orders": [order_body(None, market, "buy 1 @ 10")] * 3})
    second = await api.ok("GET", "/orders/history", user_id=user, limit=2, before=first["next"])
    assert [row["order_id"] for row in first["orders"] + second["orders"]] == old[::-1]


async def test_a_cursor_beyond_all_ids_is_the_first_page(api: Api, traded: tuple[str, str, str]) -> None:
    user, market, _ = traded
    for before in ("9223372036854775807", "9999999999999999999"):
        assert len((await api.ok("GET", "/fills", user_id=user, before=before))["fills"]) == 11
        assert len((await api.ok("GET", "/trade/history", market=market, before=before))["trades"]) == 11
        assert len((await api.ok("GET", "/orders/history", user_id=user, before=before))["orders"]) == 15
    for before in ("0", "1"):
        assert await api.ok("GET", "/fills", user_id=user, before=before) == {"fills": [], "next": None}


async def test_fills_can_be_those_of_one_order(api: Api, market: str) -> None:
    user, maker = await api.user(USDC="100"), await api.user(**{market.partition("_")[0]: "9"})
    for _ in range(3):
        await api.order(maker, market, "sell 1 @ 10")
    order = await api.order(user, market, "buy 2")
    await api.order(user, market, "buy 1")
    pages = await api.pages("/fills", "fills", user_id=user, order_id=order["order_id"], limit=1)
    assert [row["trade_id"] for page in pages for row in page] == [row["trade_id"] for row in order["fills"]][::-1]
    assert await api.ok("GET", "/fills", user_id=maker, order_id=order["order_id"]) == {"fills": [], "next": None}
    assert await api.ok("GET", "/fills", user_id=user, order_id="9999999999999999999") == {"fills": [], "next": None}


PAGED = (("/orders/history", "orders", "order_id", "created_at"), ("/fills", "fills", "trade_id", "timestamp"))


async def forwards(api: Api, path: str, rows: str, **query: Any) -> list[list[Any]]:
    """Every page from there on; `next` is the `after` of the next."""
    pages = []
    while True:
        answer = await api.ok("GET", path, **query)
        pages.append(answer[rows])
        if answer["next"] is None:
            return pages
        query["after"] = answer["next"]


@pytest.mark.parametrize("limit", [1, 4, 15, 1000])
async def test_a_reader_catches_up_from_what_it_has_seen(api: Api, traded: tuple[str, str, str], limit: int) -> None:
    user, market, _ = traded
    for path, rows, name, _ in PAGED:
        newest_first = ids(await api.pages(path, rows, user_id=user), name)
        seen = newest_first[-3]
        found = ids(await forwards(api, path, rows, user_id=user, limit=limit, after=seen), name)
        assert found == newest_first[:-3][::-1]
        assert ids(await forwards(api, path, rows, user_id=user, limit=limit, after="0"), name) == newest_first[::-1]
    trades = ids(await api.pages("/trade/history", "trades", market=market), "trade_id")
    assert ids(await forwards(api, "/trade/history", "trades", market=market, after="0"), "trade_id") == trades[::-1]


async def test_times_bound_pages_in_both_directions(api: Api, traded: tuple[str, str, str]) -> None:
    user, _, _ = traded
    for path, rows, name, time in PAGED:
        everything = [row for page in await api.pages(path, rows, user_id=user) for row in page]
        begin, end = everything[-4][time], everything[2][time]
        within = [row[name] for row in everything if begin <= row[time] < end]
        newest = await api.pages(path, rows, user_id=user, limit=2, end=end)
        oldest = await forwards(api, path, rows, user_id=user, limit=2, start=begin, end=end)
        assert [row[name] for page in oldest for row in page] == within[::-1]
        assert [row[name] for page in newest for row in page][: len(within)] == within
        both = {"start": begin, "end": end, "before": everything[0][name]}
        answer = await api.ok("GET", path, user_id=user, limit=2, **both)
        assert [row[name] for row in answer[rows]] == within[:2]


async def test_trades_of_all_markets_are_one_page(api: Api, traded: tuple[str, str, str]) -> None:
    _, market, elsewhere = traded
    user = await api.user(USDC="1000", **{elsewhere.partition("_")[0]: "100"})
    other = await api.user(USDC="1000")
    await api.order(user, elsewhere, "sell 1 @ 5")
    fill = (await api.order(other, elsewhere, "buy 1 @ 5"))["fills"][0]
    here = (await api.ok("GET", "/trade/history", market=market, limit=1))["trades"][0]
    found = await forwards(api, "/trade/history", "trades", after=int(here["trade_id"]) - 1, limit=2)
    rows = [row for page in found for row in page]
    assert rows[0] == here
    assert [row["market"] for row in rows if row["trade_id"] == fill["trade_id"]] == [elsewhere]
    trade_ids = [int(row["trade_id"]) for row in rows]
    assert trade_ids == list(range(trade_ids[0], trade_ids[0] + len(rows)))
