"""POST /orders: each item in the order given, and each on its own."""

from typing import Any

from tests.whole.api import Api, order_body
from tests.whole.conftest import Markets
from tests.whole.shapes import assert_order


async def batch(api: Api, user: str, *items: Any) -> list[Any]:
    """The results of a batch, as many as its items."""
    results = (await api.ok("POST", "/orders", {"user_id": user, "orders": list(items)}))["results"]
    assert len(results) == len(items)
    for result in results:
        if "code" not in result:
            assert_order(result, with_fills=False)
    return list(results)


def words(results: list[Any]) -> list[str]:
    """Status or code of each."""
    return [result.get("code") or result["status"] for result in results]


def cancel(market: str, **names: str) -> dict[str, Any]:
    """An item that cancels."""
    return {"cancel": {"market": market, **names}}


async def test_orders_cancels_and_errors_keep_their_places(api: Api, markets: Markets) -> None:
    one, two = markets.plain(), markets.plain()
    user, other = await api.user(USDC="100"), await api.user()
    results = await batch(
        api,
        user,
        order_body(None, one, "buy 1 @ 10", client_order_id="a"),
        order_body(None, "NO_SUCH", "buy 1 @ 10"),
        order_body(user, two, "buy 1 @ 10", client_order_id="b"),
        {"nonsense": 1},
        order_body(other, one, "buy 1 @ 10"),
        cancel(one, client_order_id="a"),
        order_body(None, one, "buy 99 @ 10"),
        cancel(two, client_order_id="c"),
        cancel(one, client_order_id="a"),
        order_body(None, one, "buy 1 @ 10.001"),
    )
    assert words(results) == [
        "open",
        "UNKNOWN_MARKET",
        "open",
        "INVALID_FIELD",
        "FORBIDDEN",
        "canceled",
        "INSUFFICIENT_BALANCE",
        "UNKNOWN_ORDER",
        "ORDER_CLOSED",
        "OFF_TICK",
    ]
    assert results[8]["order"]["order_id"] == results[0]["order_id"]
    assert await api.balances(user) == {"USDC": ("90", "10")}
    assert (await api.ok("GET", "/orders/open", user_id=other))["orders"] == []


async def test_later_items_meet_earlier_ones(api: Api, market: str) -> None:
    user = await api.user(USDC="100", **{market.partition("_")[0]: "1"})
    results = await batch(
        api,
        user,
        order_body(None, market, "buy 1 @ 10", client_order_id="a"),
        order_body(None, market, "sell 1 @ 10", client_order_id="b"),
    )
    assert words(results) == ["open", "expired"]
    assert results[1]["expire_reason"] == "self_trade"


async def test_a_retry_within_a_batch_is_the_order_as_it_is_now(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    order = order_body(None, market, "buy 1 @ 10", client_order_id="a")
    results = await batch(api, user, order, order, cancel(market, client_order_id="a"))
    assert words(results) == ["open", "canceled", "canceled"]
    assert len({result["order_id"] for result in results}) == 1


async def test_a_cancel_before_its_order_finds_nothing(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    results = await batch(
        api, user, cancel(market, client_order_id="a"), order_body(None, market, "buy 1 @ 10", client_order_id="a")
    )
    assert words(results) == ["UNKNOWN_ORDER", "open"]


async def test_a_cancel_before_its_order_finds_nothing_even_if_that_is_canceled_too(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    named = cancel(market, client_order_id="a")
    results = await batch(api, user, named, order_body(None, market, "buy 1 @ 10", client_order_id="a"), named)
    assert words(results)[0] == "UNKNOWN_ORDER"
    assert words(results)[2] == "canceled"


async def test_items_of_any_kind_fail_alone(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    nonsense: list[Any] = ["cancel", ["cancel"], 1, None, True, [], {}, {"cancel": None}, {"cancel": {}}, {"": 1}]
    results = await batch(api, user, *nonsense, order_body(None, market, "buy 1 @ 10"))
    assert words(results) == ["INVALID_FIELD"] * len(nonsense) + ["open"]


async def test_one_hundred_items_are_the_most(api: Api, market: str) -> None:
    user = await api.user()
    order = order_body(None, market, "buy 1 @ 10")
    assert words(await batch(api, user, *[order] * 100)) == ["open"] * 100
    for items in ([], [order] * 101):
        assert await api.refused("POST", "/orders", {"user_id": user, "orders": items}) == (400, "INVALID_FIELD")


async def test_the_batch_says_who_asks(api: Api, market: str) -> None:
    user = await api.user()
    order = order_body(user, market, "buy 1 @ 10")
    assert await api.refused("POST", "/orders", {"orders": [order]}) == (401, "UNAUTHENTICATED")
    status, answer = await api.call("POST", "/orders", {"orders": [order]}, headers={"X-User-Id": user})
    assert (status, words(answer["results"])) == (200, ["open"])
