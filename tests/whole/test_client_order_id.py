"""A retry under the same client_order_id finds its order in any state; a request with other content does not."""

from tests.whole.api import Api, order_body
from tests.whole.conftest import Markets


async def test_a_retry_of_an_open_order_is_that_order(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 1 @ 10", client_order_id="a")
    assert await api.order(user, market, "buy 1 @ 10", client_order_id="a") == order
    assert await api.balances(user) == {"USDC": ("90", "10")}


async def test_the_same_numbers_in_other_words_are_the_same_order(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 1 @ 10", client_order_id="a")
    again = await api.order(user, market, "BUY 1.0000 @ 10.00", client_order_id="a", time_in_force="gtc")
    assert again == order


async def test_a_retry_of_a_filled_order_is_that_order(api: Api, market: str) -> None:
    maker, user = await api.user(**{market.partition("_")[0]: "5"}), await api.user(USDC="100")
    await api.order(maker, market, "sell 2 @ 10")
    await api.order(maker, market, "sell 2 @ 11")
    order = await api.order(user, market, "buy 3", client_order_id="a")
    assert order["status"] == "filled"
    assert len(order["fills"]) == 2
    assert await api.order(user, market, "buy 3", client_order_id="a") == order


async def test_a_retry_shows_what_happened_since(api: Api, market: str) -> None:
    maker, user = await api.user(**{market.partition("_")[0]: "5"}), await api.user(USDC="100")
    await api.order(user, market, "buy 3 @ 10", client_order_id="a")
    await api.order(maker, market, "sell 1 @ 10")
    again = await api.order(user, market, "buy 3 @ 10", client_order_id="a")
    assert (again["status"], again["executed_quantity"], len(again["fills"])) == ("partially_filled", "1", 1)


async def test_a_retry_of_a_canceled_order_is_that_order(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    await api.order(user, market, "buy 1 @ 10", client_order_id="a")
    canceled = await api.ok("DELETE", "/order", user_id=user, market=market, client_order_id="a")
    again = await api.order(user, market, "buy 1 @ 10", client_order_id="a")
    assert {name: again[name] for name in canceled} == canceled
    assert await api.balances(user) == {"USDC": ("100", "0")}


async def test_a_retry_of_an_expired_order_is_that_order(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 1 @ 10", client_order_id="a", time_in_force="fok")
    assert order["status"] == "expired"
    assert await api.order(user, market, "buy 1 @ 10", client_order_id="a", time_in_force="fok") == order


async def test_other_content_is_a_conflict(api: Api, market: str, markets: Markets) -> None:
    user = await api.user(USDC="100")
    await api.order(user, market, "buy 1 @ 10", client_order_id="a")
    elsewhere = markets.plain()
    for other in (
        order_body(user, market, "buy 1 @ 10.01"),
        order_body(user, market, "buy 2 @ 10"),
        order_body(user, market, "sell 1 @ 10"),
        order_body(user, market, "buy 1"),
        order_body(user, market, "buy 1 @ 10", time_in_force="ioc"),
        order_body(user, market, "buy 1 @ 10", post_only=True),
        order_body(user, elsewhere, "buy 1 @ 10"),
    ):
        assert await api.refused("POST", "/order", other | {"client_order_id": "a"}) == (
            409,
            "CLIENT_ORDER_ID_CONFLICT",
        )


async def test_an_id_belongs_to_its_user(api: Api, market: str) -> None:
    one, two = await api.user(USDC="100"), await api.user(USDC="100")
    first = await api.order(one, market, "buy 1 @ 10", client_order_id="a")
    second = await api.order(two, market, "buy 1 @ 10", client_order_id="a")
    assert first["order_id"] != second["order_id"]


async def test_a_refusal_does_not_use_the_id_up(api: Api, market: str) -> None:
    user = await api.user(USDC="5")
    body = order_body(user, market, "buy 1 @ 10", client_order_id="a")
    assert await api.refused("POST", "/order", body) == (422, "INSUFFICIENT_BALANCE")
    await api.deposit(user, "USDC", "5")
    assert (await api.ok("POST", "/order", body))["status"] == "open"
