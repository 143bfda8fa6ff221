"""Lists of orders in the Binance-compatible dialect: OCO, OTO and OTOCO, by REST, socket and user stream."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.whole.api import Api
from tests.whole.binance import Bot
from tests.whole.binance_wire import ApiSocket
from tests.whole.served import Served

LEGS = {"aboveType": "LIMIT_MAKER", "abovePrice": "12", "belowType": "STOP_LOSS", "belowStopPrice": "8"}
LISTS = "/api/v3/orderList"


class Owner(Bot):
    """Who places lists, in a market where 10 is the last price."""

    def oco(self, **more: Any) -> dict[str, Any]:
        """The parameters of an OCO that sells."""
        return {"symbol": self.symbol, "side": "SELL", "quantity": "1"} | LEGS | more

    def oto(self, kind: str = "LIMIT_MAKER", **more: Any) -> dict[str, Any]:
        """The parameters of an OTO that buys at 9 and then sells at 12."""
        working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "9", "workingTimeInForce": "GTC"}
        pending = {"pendingType": kind, "pendingSide": "SELL", "pendingPrice": "12", "pendingQuantity": "1"}
        return {"symbol": self.symbol, "workingQuantity": "1"} | working | pending | more

    async def statuses(self, placed: Any) -> list[str]:
        """Those of the orders of a list."""
        return [(await self.order(leg["orderId"]))["status"] for leg in placed["orders"]]

    async def order(self, order_id: int) -> Any:
        """One order."""
        return await self.ok("GET", "/api/v3/order", symbol=self.symbol, orderId=order_id)


@pytest_asyncio.fixture
async def pair(shared: Served, api: Api, market: str) -> AsyncIterator[tuple[Owner, Owner]]:
    base, symbol = market.partition("_")[0], market.replace("_", "")
    async with aiohttp.ClientSession() as session:
        users = [await api.user(**{"USDC": "10000", base: "1000"}) for _ in range(2)]
        owner, other = (Owner.of_user(session, shared.url, user_id, symbol) for user_id in users)
        await other.place("SELL 1 @ 10")
        await owner.place("BUY 1 @ 10")
        yield owner, other


async def test_the_leg_that_trades_ends_the_other(pair: tuple[Owner, Owner]) -> None:
    owner, other = pair
    placed = await owner.ok("POST", f"{LISTS}/oco", **owner.oco(listClientOrderId="mine", aboveClientOrderId="up"))
    assert (placed["contingencyType"], placed["listStatusType"], placed["listOrderStatus"]) == (
        *("OCO", "EXEC_STARTED", "EXECUTING"),
    )
    assert placed["listClientOrderId"] == "mine"
    stop, limit = placed["orderReports"]
    assert (stop["type"], stop["stopPrice"], stop["workingTime"]) == ("STOP_LOSS", "8.00000000", -1)
    assert (limit["type"], limit["price"], limit["clientOrderId"]) == ("LIMIT_MAKER", "12.00000000", "up")
    assert {stop["orderListId"], limit["orderListId"]} == {placed["orderListId"]}
    assert await owner.statuses(placed) == ["NEW", "NEW"]
    await other.place("BUY 0.25 @ 12")
    assert await owner.statuses(placed) == ["EXPIRED", "PARTIALLY_FILLED"]
    await other.place("BUY 0.75 @ 12")
    done = await owner.ok("GET", LISTS, origClientOrderId="mine")
    assert (done["listStatusType"], done["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert await owner.statuses(placed) == ["EXPIRED", "FILLED"]


async def test_pending_orders_enter_when_the_working_one_is_filled(pair: tuple[Owner, Owner]) -> None:
    owner, other = pair
    oto = await owner.ok("POST", f"{LISTS}/oto", **owner.oto())
    assert [one["status"] for one in oto["orderReports"]] == ["NEW", "PENDING_NEW"]
    legs = {f"pending{name[0].upper()}{name[1:]}": value for name, value in LEGS.items()}
    terms = {name: value for name, value in owner.oto().items() if name not in ("pendingType", "pendingPrice")}
    otoco = await owner.ok("POST", f"{LISTS}/otoco", **terms, **legs)
    assert [one["status"] for one in otoco["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    assert (oto["contingencyType"], otoco["contingencyType"]) == ("OTO", "OTO")
    await other.place("SELL 2 @ 9")
    assert await owner.statuses(oto) == ["FILLED", "NEW"]
    assert await owner.statuses(otoco) == ["FILLED", "NEW", "NEW"]
    assert (await owner.order(oto["orders"][1]["orderId"]))["orderListId"] == oto["orderListId"]


async def test_a_new_list_says_what_its_orders_took(pair: tuple[Owner, Owner]) -> None:
    owner, other = pair
    await other.place("SELL 0.5 @ 9")
    placed = await owner.ok("POST", f"{LISTS}/oto", **owner.oto(newOrderRespType="FULL"))
    working, pending = placed["orderReports"]
    assert [(fill["price"], fill["qty"]) for fill in working["fills"]] == [("9.00000000", "0.50000000")]
    assert pending["fills"] == []
    made = await owner.ok("POST", f"{LISTS}/oto", **owner.oto(newOrderRespType="RESULT"))
    assert "fills" not in made["orderReports"][0]


async def test_a_list_is_canceled_as_a_whole(pair: tuple[Owner, Owner]) -> None:
    owner, _ = pair
    one = {"symbol": owner.symbol}
    for ask in (
        ("DELETE", LISTS, {"listClientOrderId": "mine", "newClientOrderId": "end"}),
        ("DELETE", "/api/v3/order", {"origClientOrderId": "up", "newClientOrderId": "end"}),
    ):
        placed = await owner.ok("POST", f"{LISTS}/oco", **owner.oco(listClientOrderId="mine", aboveClientOrderId="up"))
        method, path, named = ask
        canceled = await owner.ok(method, path, **one, **named)
        assert (canceled["orderListId"], canceled["listOrderStatus"]) == (placed["orderListId"], "ALL_DONE")
        assert [report["status"] for report in canceled["orderReports"]] == ["CANCELED", "CANCELED"]
        assert {report["clientOrderId"] for report in canceled["orderReports"]} == {"end"}
        assert await owner.code(method, path, **one, **named) == -2011
    await owner.ok("POST", f"{LISTS}/oco", **owner.oco())
    await owner.place("BUY 1 @ 5")
    whole, single = sorted(await owner.ok("DELETE", "/api/v3/openOrders", **one), key=lambda it: "side" in it)
    assert [report["status"] for report in whole["orderReports"]] == ["CANCELED", "CANCELED"]
    assert single["price"] == "5.00000000"
    assert await owner.ok("GET", "/api/v3/openOrderList") == []


async def test_lists_are_found_and_listed_oldest_first(pair: tuple[Owner, Owner]) -> None:
    owner, other = pair
    lists = [await owner.ok("POST", f"{LISTS}/oco", **owner.oco(listClientOrderId=f"l-{at}")) for at in range(3)]
    await owner.ok("DELETE", LISTS, symbol=owner.symbol, orderListId=lists[1]["orderListId"])
    ids = [one["orderListId"] for one in lists]
    assert [one["orderListId"] for one in await owner.ok("GET", "/api/v3/allOrderList")] == ids
    assert [one["orderListId"] for one in await owner.ok("GET", "/api/v3/allOrderList", fromId=ids[1])] == ids[1:]
    assert [one["orderListId"] for one in await owner.ok("GET", "/api/v3/openOrderList")] == [ids[0], ids[2]]
    found = await owner.ok("GET", LISTS, orderListId=ids[0], origClientOrderId="l-0")
    assert [leg["orderId"] for leg in found["orders"]] == [leg["orderId"] for leg in lists[0]["orders"]]
    assert await owner.code("GET", LISTS, orderListId=ids[0], origClientOrderId="l-1") == -2013
    assert await other.code("GET", LISTS, orderListId=ids[0]) == -2013
    assert await owner.code("GET", LISTS) == -1102
    assert await owner.code("GET", "/api/v3/allOrderList", fromId=1, startTime=1) == -1128
    assert (await owner.call("POST", f"{LISTS}/oco", **owner.oco(listClientOrderId="l-2")))[1]["code"] == -2010


async def test_a_list_of_the_native_api_is_shown_and_found(pair: tuple[Owner, Owner], api: Api, market: str) -> None:
    owner, _ = pair
    user_id = owner.api_key.removesuffix("-key")
    common = {"market": market, "side": "sell", "quantity": "1"}
    orders = [
        common | {"order_type": "limit", "price": "12", "post_only": True},
        common | {"order_type": "stop_loss", "stop_price": "8"},
    ]
    made = await api.ok("POST", "/order/list", body={"user_id": user_id, "type": "oco", "orders": orders})
    (shown,) = await owner.ok("GET", "/api/v3/openOrderList")
    assert (str(shown["orderListId"]), shown["listClientOrderId"]) == (made["list_id"], f"l{made['list_id']}")
    assert await owner.ok("GET", LISTS, origClientOrderId=f"l{made['list_id']}") == shown


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"aboveType": "MARKET"}, (-1158, "Order type not supported in OCO.")),
        ({"belowType": "LIMIT_MAKER", "belowPrice": "8"}, (-1168, "At least one OCO order must be contingent.")),
        ({"side": "BUY"}, (-1165, "A limit order in a buy OCO must be below.")),
        ({"belowType": "TAKE_PROFIT"}, (-1199, "A take profit order in a sell OCO must be above.")),
        ({"abovePrice": "9"}, (-2010, "The relationship of the prices for the orders is not correct.")),
        ({"abovePrice": "9.999"}, (-1013, "Filter failure: PRICE_FILTER")),
        ({"belowStopPrice": "11"}, (-2010, "The relationship of the prices for the orders is not correct.")),
        ({"abovePrice": ""}, (-1105, "Parameter 'abovePrice' was empty.")),
        ({"abovePrice": "x"}, (-1100, r"Illegal characters found in parameter 'abovePrice'; legal range is")),
        ({"belowPrice": "8"}, (-1106, "Parameter 'belowPrice' sent when not required.")),
        ({"belowStopPrice": None}, (-1102, "")),
        ({"quantity": None}, (-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")),
        ({"pendingPrice": "8"}, (-1104, "")),
        ({"aboveClientOrderId": "x", "belowClientOrderId": "x"}, (-2010, "Duplicate order sent.")),
        ({"quantity": "100000"}, (-2010, "Account has insufficient balance for requested action.")),
    ],
)
async def test_what_is_wrong_with_an_oco_is_said(
    pair: tuple[Owner, Owner], more: dict[str, Any], refusal: tuple[int, str]
) -> None:
    owner, other = pair
    await other.place("BUY 1 @ 9.5")
    terms = {name: value for name, value in owner.oco(**more).items() if value is not None}
    status, said = await owner.call("POST", f"{LISTS}/oco", **terms)
    assert (status, said["code"]) == (400, refusal[0]), said
    assert said["msg"].startswith(refusal[1]), said
    assert await owner.ok("GET", "/api/v3/openOrders", symbol=owner.symbol) == []


async def test_the_deprecated_oco_is_a_limit_and_a_stop(pair: tuple[Owner, Owner]) -> None:
    owner, _ = pair
    terms = {"symbol": owner.symbol, "side": "SELL", "quantity": "1", "price": "12", "stopPrice": "8"}
    placed = await owner.ok("POST", "/api/v3/order/oco", **terms, limitClientOrderId="up")
    assert [one["type"] for one in placed["orderReports"]] == ["STOP_LOSS", "LIMIT_MAKER"]
    assert placed["orders"][1]["clientOrderId"] == "up"
    limited = terms | {"stopLimitPrice": "7"}
    assert await owner.code("POST", "/api/v3/order/oco", **limited) == -1102
    placed = await owner.ok("POST", "/api/v3/order/oco", **limited, stopLimitTimeInForce="GTC")
    assert placed["orderReports"][0]["type"] == "STOP_LOSS_LIMIT"
    assert await owner.code("POST", "/api/v3/order/oco", **terms, stopLimitTimeInForce="GTC") == -1106


async def test_an_iceberg_is_shown_as_one(pair: tuple[Owner, Owner], api: Api, market: str) -> None:
    owner, _ = pair
    placed = await owner.place("SELL 1 @ 12", icebergQty="0.25")
    assert (placed["icebergQty"], placed["origQty"]) == ("0.25000000", "1.00000000")
    assert (await owner.order(placed["orderId"]))["icebergQty"] == "0.25000000"
    assert (await api.ok("GET", "/depth", market=market))["asks"] == [["12", "0.25"]]


async def test_lists_are_told_on_the_user_stream(pair: tuple[Owner, Owner], shared: Served) -> None:
    owner, other = pair
    async with ApiSocket(shared.ws_url, owner.api_key, owner.sign) as socket:
        await socket.ok("userDataStream.subscribe.signature")
        placed = await socket.ok("orderList.place.oco", **owner.oco(listClientOrderId="mine"))
        told = [event["event"] for event in socket.events]
        assert [(one["e"], one.get("x"), one.get("g")) for one in told if one["e"] == "executionReport"] == [
            ("executionReport", "NEW", placed["orderListId"])
        ] * 2
        (status,) = [one for one in told if one["e"] == "listStatus"]
        assert (status["l"], status["L"], status["c"], status["C"]) == ("EXEC_STARTED", "EXECUTING", "OCO", "mine")
        assert [leg["i"] for leg in status["O"]] == [leg["orderId"] for leg in placed["orders"]]
        await other.place("BUY 1 @ 12")
        done = (await socket.until(lambda one: one["event"]["e"] == "listStatus" and one["event"]["l"] == "ALL_DONE"))[
            "event"
        ]
        assert (done["g"], done["L"]) == (placed["orderListId"], "ALL_DONE")
        assert (await socket.ok("orderList.status", orderListId=placed["orderListId"]))["listStatusType"] == "ALL_DONE"
        assert await socket.ok("openOrderLists.status") == []
        assert len(await socket.ok("allOrderLists")) == 1
