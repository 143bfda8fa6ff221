"""Every REST call answers in the contract's shape."""

from typing import Any

import pytest

from exchange import __version__
from tests.whole import shapes
from tests.whole.api import Api, fresh, order_body
from tests.whole.conftest import Markets
from tests.whole.shapes import assert_depth, assert_order, assert_shape


async def test_health_names_version_sequence_and_markets(api: Api, market: str) -> None:
    health = await api.ok("GET", "/health")
    assert_shape(health, shapes.HEALTH)
    assert health["version"] == __version__
    assert health["markets"][market] == "trading"


async def test_health_counts_what_has_changed(api: Api) -> None:
    before = (await api.ok("GET", "/health"))["sequence"]
    await api.user()
    counted = (await api.ok("GET", "/health"))["sequence"] - before
    assert counted in (1, 2), "the second one, if there is one, says that a minute has passed"


async def test_time_is_milliseconds(api: Api) -> None:
    answer = await api.ok("GET", "/time")
    assert answer.keys() == {"timestamp"}
    assert shapes.a_time(answer["timestamp"])


async def test_markets_say_their_rules(api: Api, markets: Markets) -> None:
    symbol = markets.with_fees()
    shown = await api.ok("GET", "/markets")
    assert_shape(shown["filters"], shapes.EXCHANGE_FILTERS)
    rows = shown["markets"]
    for row in rows:
        assert_shape(row, shapes.MARKET)
    (rules,) = [row for row in rows if row["market"] == symbol]
    assert rules == {
        "market": symbol,
        "base": symbol.partition("_")[0],
        "quote": "USDC",
        "base_decimals": 9,
        "quote_decimals": 6,
        "tick_size": "0.01",
        "lot_size": "0.0001",
        "min_notional": "0.1",
        "maker_fee": "0.001",
        "taker_fee": "0.002",
        "max_open_orders": 1000,
        "status": "trading",
        "fee_asset": "received",
        "min_price": "0.02",
        "max_fills_per_order": 10_000,
        "min_notional_applies_to_market": False,
        "avg_price_mins": 5,
        "self_trade_prevention": "expire_taker",
        "allowed_self_trade_prevention": ["expire_taker", "expire_maker", "expire_both", "decrement", "none"],
        "filters": dict.fromkeys(shapes.FILTERS)
        | {"max_notional_applies_to_market": False, "fill_band_applies_to_limit": False},
    }


async def test_a_resting_order_is_shown_as_it_was_asked(api: Api, market: str) -> None:
    user = await api.user()
    order = await api.order(user, market, "BUY 2.50 @ 100.10", client_order_id="my.first_1-x", post_only=True)
    assert_order(order, with_fills=True)
    assert order | {"order_id": "", "created_at": 0, "updated_at": 0, "working_at": 0} == {
        "order_id": "",
        "client_order_id": "my.first_1-x",
        "user_id": user,
        "market": market,
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "gtc",
        "post_only": True,
        "price": "100.1",
        "quantity": "2.5",
        "executed_quantity": "0",
        "executed_quote_quantity": "0",
        "status": "open",
        "expire_reason": None,
        "cancel_reason": None,
        "created_at": 0,
        "updated_at": 0,
        "self_trade_prevention": "expire_taker",
        "prevented_quantity": None,
        "last_prevented_match_id": None,
        "quote_quantity": None,
        "visible_quantity": None,
        "list_id": None,
        "peg": None,
        "pegged_price": None,
        "strategy_id": None,
        "strategy_type": None,
        "fills": [],
        **dict.fromkeys(("stop_price", "trailing_delta", "trailing_amount", "activation_price", "expire_at")),
        **dict.fromkeys(("pending_for", "tracking_at", "trigger_price", "triggered_at", "refused_code")),
        "working_at": 0,
    }
    assert order["created_at"] == order["updated_at"] == order["working_at"]


async def test_a_trade_is_the_same_wherever_it_is_read(api: Api, market: str) -> None:
    maker, taker = await api.user(USDC="1000"), await api.user(**{market.partition("_")[0]: "10"})
    resting = await api.order(maker, market, "buy 3 @ 100", client_order_id="bid")
    order = await api.order(taker, market, "sell 2")
    assert_order(order, with_fills=True)
    assert (order["status"], order["executed_quantity"], order["executed_quote_quantity"]) == ("filled", "2", "200")
    assert (order["price"], order["time_in_force"]) == (None, "ioc")
    (fill,) = order["fills"]

    assert await api.ok("GET", "/order", user_id=taker, market=market, order_id=order["order_id"]) == order
    partial = await api.ok("GET", "/order", user_id=maker, market=market, client_order_id="bid")
    assert_order(partial, with_fills=True)
    assert (partial["status"], partial["executed_quantity"]) == ("partially_filled", "2")
    assert partial["fills"] == [fill | {"liquidity": "maker", "fee_asset": market.partition("_")[0]}]

    (trade,) = (await api.ok("GET", "/trade/history", market=market))["trades"]
    assert_shape(trade, shapes.TRADE)
    assert trade == {
        "trade_id": fill["trade_id"],
        "market": market,
        "price": "100",
        "quantity": "2",
        "quote_quantity": "200",
        "taker_side": "sell",
        "timestamp": fill["timestamp"],
        "market_trade_id": "1",
        "aggregate_id": "1",
    }
    (own,) = (await api.ok("GET", "/fills", user_id=taker))["fills"]
    (other,) = (await api.ok("GET", "/fills", user_id=maker, order_id=resting["order_id"]))["fills"]
    for row in (own, other):
        assert_shape(row, shapes.FILL)
    assert {name: own[name] for name in fill} == fill
    assert (own["liquidity"], own["side"], own["order_id"], own["client_order_id"]) == (
        "taker",
        "sell",
        order["order_id"],
        None,
    )
    assert (other["liquidity"], other["side"], other["client_order_id"]) == ("maker", "buy", "bid")


async def test_fees_are_taken_from_what_is_received(api: Api, markets: Markets) -> None:
    market = markets.with_fees()
    base = market.partition("_")[0]
    maker, taker = await api.user(USDC="1000"), await api.user(**{base: "10"})
    await api.order(maker, market, "buy 1 @ 100")
    (fill,) = (await api.order(taker, market, "sell 1"))["fills"]
    assert (fill["fee"], fill["fee_asset"]) == ("0.2", "USDC")
    (fill,) = (await api.ok("GET", "/fills", user_id=maker))["fills"]
    assert (fill["fee"], fill["fee_asset"]) == ("0.001", base)
    assert (await api.balances(taker))["USDC"] == ("99.8", "0")
    assert (await api.balances(maker))[base] == ("0.999", "0")


async def test_depth_adds_up_levels_best_first(api: Api, market: str) -> None:
    user = await api.user(USDC="1000", **{market.partition("_")[0]: "100"})
    empty = await api.ok("GET", "/depth", market=market)
    assert empty == {"market": market, "last_sequence": empty["last_sequence"], "bids": [], "asks": []}
    for text in ("buy 1 @ 99", "buy 0.5 @ 99", "buy 1 @ 99.5", "sell 1 @ 101", "sell 2 @ 100.5", "sell 3 @ 102"):
        await api.order(user, market, text)
    depth = await api.ok("GET", "/depth", market=market)
    assert_depth(depth)
    assert depth["bids"] == [["99.5", "1"], ["99", "1.5"]]
    assert depth["asks"] == [["100.5", "2"], ["101", "1"], ["102", "3"]]
    assert depth["last_sequence"] == empty["last_sequence"] + 6
    assert (await api.ok("GET", "/depth", market=market, limit=1))["asks"] == [["100.5", "2"]]


async def test_balances_hold_every_asset_ever_had(api: Api, market: str) -> None:
    base = market.partition("_")[0]
    user, other = await api.user(USDC="100"), await api.user(**{base: "1"})
    await api.order(other, market, "sell 1 @ 100")
    await api.order(user, market, "buy 1 @ 100")
    answer = await api.ok("GET", "/balance", user_id=user)
    assert answer["user_id"] == user
    for row in answer["balances"]:
        assert_shape(row, shapes.BALANCE)
    assert answer["balances"] == [
        {"asset": base, "available": "1", "locked": "0", "total": "1"},
        {"asset": "USDC", "available": "0", "locked": "0", "total": "0"},
    ]


async def test_available_and_locked_make_the_total(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    await api.order(user, market, "buy 0.5 @ 100.01")
    (row,) = (await api.ok("GET", "/balance", user_id=user))["balances"]
    assert row == {"asset": "USDC", "available": "49.995", "locked": "50.005", "total": "100"}


async def test_a_deposit_answers_with_the_balance(api: Api) -> None:
    user = fresh("user")
    answer = await api.deposit(user, "USDC", "12.50")
    assert answer == {
        "user_id": user,
        "balances": [{"asset": "USDC", "available": "12.5", "locked": "0", "total": "12.5"}],
    }


async def test_a_deposit_is_credited_once_a_key(api: Api) -> None:
    user, key = fresh("user"), fresh("key")
    first = await api.deposit(user, "USDC", "10", key)
    assert await api.deposit(user, "USDC", "10.000000", key) == first
    for change in ({"amount": "11"}, {"asset": "A0"}, {"user_id": fresh("user")}):
        body = {"user_id": user, "asset": "USDC", "amount": "10", "key": key} | change
        assert await api.refused("POST", "/admin/deposit", body) == (409, "KEY_CONFLICT")
    assert await api.balances(user) == {"USDC": ("10", "0")}


async def test_canceling_gives_the_order_and_the_money_back(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    order = await api.order(user, market, "buy 1 @ 50")
    names = {"user_id": user, "market": market, "order_id": order["order_id"]}
    canceled = await api.ok("DELETE", "/order", names)
    assert_order(canceled, with_fills=False)
    assert canceled["status"] == "canceled"
    assert canceled["updated_at"] >= canceled["created_at"] == order["created_at"]
    assert await api.balances(user) == {"USDC": ("100", "0")}


async def test_a_cancel_may_be_a_query(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    await api.order(user, market, "buy 1 @ 50", client_order_id="mine")
    canceled = await api.ok("DELETE", "/order", user_id=user, market=market, client_order_id="mine")
    assert canceled["status"] == "canceled"


async def test_a_closed_order_cannot_be_canceled_and_comes_along(api: Api, market: str) -> None:
    user = await api.user(USDC="100")
    await api.order(user, market, "buy 1 @ 50", client_order_id="mine")
    names = {"user_id": user, "market": market, "client_order_id": "mine"}
    canceled = await api.ok("DELETE", "/order", names)
    status, answer = await api.call("DELETE", "/order", names)
    assert (status, answer["code"]) == (422, "ORDER_CLOSED")
    assert_order(answer["order"], with_fills=False)
    assert {name: answer["order"][name] for name in canceled} == canceled


async def test_orders_of_others_do_not_exist(api: Api, market: str, markets: Markets) -> None:
    user, other = await api.user(), await api.user()
    order = await api.order(user, market, "buy 1 @ 50", client_order_id="mine")
    elsewhere = markets.plain()
    for names in (
        {"user_id": other, "market": market, "order_id": order["order_id"]},
        {"user_id": other, "market": market, "client_order_id": "mine"},
        {"user_id": user, "market": elsewhere, "order_id": order["order_id"]},
        {"user_id": user, "market": elsewhere, "client_order_id": "mine"},
    ):
        assert await api.refused("GET", "/order", **names) == (404, "UNKNOWN_ORDER")
        assert await api.refused("DELETE", "/order", names) == (404, "UNKNOWN_ORDER")
    await api.ok("DELETE", "/order", user_id=user, market=market, client_order_id="mine")
    assert await api.refused("GET", "/order", user_id=other, market=market, order_id=order["order_id"]) == (
        404,
        "UNKNOWN_ORDER",
    )


async def test_open_orders_are_the_oldest_first(api: Api, markets: Markets) -> None:
    one, two = markets.plain(), markets.plain()
    user = await api.user()
    placed = [await api.order(user, market, "buy 1 @ 10") for market in (one, two, one)]
    everywhere = (await api.ok("GET", "/orders/open", user_id=user))["orders"]
    for order in everywhere:
        assert_order(order, with_fills=False)
    assert [order["order_id"] for order in everywhere] == [order["order_id"] for order in placed]
    here = (await api.ok("GET", "/orders/open", user_id=user, market=one))["orders"]
    assert here == [everywhere[0], everywhere[2]]


async def test_cancel_all_takes_one_market_or_all(api: Api, markets: Markets) -> None:
    one, two = markets.plain(), markets.plain()
    user, other = await api.user(), await api.user()
    placed = [(await api.order(user, market, "buy 1 @ 10"))["order_id"] for market in (one, two, one)]
    theirs = await api.order(other, one, "buy 1 @ 10")
    first = (await api.ok("POST", "/order/cancel_all", {"user_id": user, "market": one}))["canceled"]
    for order in first:
        assert_order(order, with_fills=False)
        assert order["status"] == "canceled"
    assert [order["order_id"] for order in first] == [placed[0], placed[2]]
    rest = (await api.ok("POST", "/order/cancel_all", {"user_id": user}))["canceled"]
    assert [order["order_id"] for order in rest] == [placed[1]]
    assert await api.ok("POST", "/order/cancel_all", {"user_id": user}) == {"canceled": []}
    assert (await api.balances(user))["USDC"] == ("1000000", "0")
    assert (await api.ok("GET", "/orders/open", user_id=other))["orders"][0]["order_id"] == theirs["order_id"]


async def test_the_header_says_who_asks(api: Api, market: str) -> None:
    user = await api.user()
    status, order = await api.call(
        "POST", "/order", order_body(None, market, "buy 1 @ 10"), headers={"X-User-Id": user}
    )
    assert (status, order["user_id"]) == (200, user)
    status, answer = await api.call("GET", "/orders/open", headers={"X-User-Id": user})
    assert [row["order_id"] for row in answer["orders"]] == [order["order_id"]]


async def test_a_configured_user_has_what_the_configuration_says(api: Api) -> None:
    assert await api.balances("seeded") == {"USDC": ("1000", "0")}


@pytest.mark.parametrize("values", [{"side": "BUY"}, {"order_type": "Limit"}, {"time_in_force": "GTC"}])
async def test_choices_may_be_in_any_case(api: Api, market: str, values: dict[str, Any]) -> None:
    user = await api.user()
    order = await api.order(user, market, "buy 1 @ 10", **values)
    assert (order["side"], order["order_type"], order["time_in_force"]) == ("buy", "limit", "gtc")


async def test_the_document_lists_every_call(api: Api) -> None:
    document = await api.ok("GET", "/openapi.json")
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert sorted(paths["/order"]) == ["delete", "get", "patch", "post"]
    for path in ("/health", "/time", "/orders", "/orders/open", "/orders/history", "/order/cancel_all", "/depth"):
        assert path in paths
    for path in ("/balance", "/trade/history", "/fills", "/markets", "/admin/deposit"):
        assert path in paths


async def test_a_known_path_with_a_wrong_method_names_the_right_ones(api: Api) -> None:
    status, answer = await api.call("PUT", "/order", {})
    assert (status, answer["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert all(method in answer["message"] for method in ("GET", "POST", "DELETE"))
