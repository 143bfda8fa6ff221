"""What the page does when something of its feeds is missing."""

import asyncio
import json
from typing import Any, cast

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from exchange.client import Client
from exchange.testing import RunningExchange
from tests.web.screen import CUT, PATIENCE_MS, Screens
from tests.whole.made_once import running_on_a_copy
from tests.whole.served import CONFIG, market_text

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Wire:
    """The page's socket, with a hand on what comes through it."""

    def __init__(self) -> None:
        self.loses_depth = False
        self.lost = asyncio.Event()
        self.holds_snapshots = False
        self._held: list[str] = []
        self._socket: WebSocketRoute | None = None

    async def arrange(self, page: Page) -> None:
        """Stand between the page and the exchange."""

        def connected(socket: WebSocketRoute) -> None:
            self._socket = socket
            socket.connect_to_server().on_message(self._message)

        await page.route_web_socket("**/ws", connected)

    def _message(self, message: str | bytes) -> None:
        assert isinstance(message, str)
        assert self._socket is not None
        frame: dict[str, Any] = json.loads(message)
        if str(frame.get("channel", "")).startswith("depth@") and "data" in frame:
            if frame["data"]["type"] == "diff" and self.loses_depth:
                self.loses_depth = False
                self.lost.set()
                return
            if frame["data"]["type"] == "snapshot" and self.holds_snapshots:
                self._held.append(message)
                return
        self._socket.send(message)

    def release(self) -> None:
        """Let the snapshots through."""
        self.holds_snapshots = False
        assert self._socket is not None
        for message in self._held:
            self._socket.send(message)
        self._held.clear()


async def test_a_gap_is_shown_and_the_book_asked_for_again(
    screens: Screens, exchange: RunningExchange, base: str
) -> None:
    wire = Wire()
    user = exchange.user(**{base: "100", "USDC": "100000"})
    screen = await screens.open(exchange, base, user, arrange=wire.arrange)
    maker = screen.someone()
    await screen.place(maker, "sell", "101", "1")
    await expect(screen.page.locator(".level.ask:enabled")).to_have_count(1)
    wire.loses_depth = wire.holds_snapshots = True
    await screen.place(maker, "sell", "102", "2")
    await asyncio.wait_for(wire.lost.wait(), PATIENCE_MS / 1000)
    await screen.place(maker, "sell", "103", "3")  # shows that something was
    await expect(screen.book_state).to_have_text("Gap: reloading")
    await expect(screen.page.locator(".status")).to_contain_text("1 gap")
    assert [row[0] for row in await screen.levels("ask")] == ["101.00"]  # the last book that was whole
    wire.release()
    await screen.live()
    await expect(screen.page.locator(".level.ask:enabled")).to_have_count(3)
    await screen.shows("ask", [["101.00", "1.0000"], ["102.00", "2.0000"], ["103.00", "3.0000"]])
    await screen.place(maker, "sell", "104", "4")
    await expect(screen.page.locator(".level.ask:enabled")).to_have_count(4)


async def test_it_comes_back_after_a_restart_of_the_exchange(screens: Screens) -> None:
    with running_on_a_copy(CONFIG + market_text("SOL")) as exchange:
        user = exchange.user(SOL="100", USDC="100000")
        screen = await screens.open(exchange, "SOL", user)
        screen.expects(*CUT)
        await screen.fill_in(side="Buy", price="99", quantity="1")
        await screen.submit()
        await expect(screen.open_orders).to_have_count(1)
        exchange.restart()
        # A cancel over the API that the page did not hear of: its channels begin anew.
        async with Client(exchange.url, user) as client:
            await client.cancel_all()
            await client.place(
                {"market": "SOL_USDC", "side": "sell", "order_type": "limit", "price": "105", "quantity": "2"}
            )
        await screen.live()
        await expect(screen.page.locator(".connection")).to_have_text("Live")
        await expect(screen.open_orders).to_contain_text("105.00")
        await expect(screen.open_orders).to_have_count(1)
        await screen.shows("ask", [["105.00", "2.0000", "2.0000"]])
        await screen.fill_in(side="Buy", price="98", quantity="1")
        await screen.submit()
        await expect(screen.open_orders).to_have_count(2)


async def test_many_changes_leave_the_same_book_and_make_no_new_elements(
    screens: Screens, exchange: RunningExchange, base: str
) -> None:
    screen = await screens.open(exchange, base, exchange.user(**{base: "1", "USDC": "1"}))
    maker = screen.someone()
    count = "document.querySelectorAll('.book *').length"
    elements = await screen.page.evaluate(count)
    async with Client(exchange.url, maker) as client:
        for turn in range(20):
            items = [
                {
                    "market": screen.market,
                    "side": "sell",
                    "order_type": "limit",
                    "price": f"{100 + turn % 7}.{index:02}",
                    "quantity": "1",
                }
                for index in range(50)
            ]
            placed = await client.orders(items)
            ids = [cast(Any, order)["order_id"] for order in placed[1:]]
            await client.orders([{"cancel": {"market": screen.market, "order_id": order_id}} for order_id in ids])
        depth = await client.depth(screen.market)
    best_price, best_quantity = depth["asks"][0]
    await expect(screen.page.locator(".level.ask:enabled")).to_have_count(len(depth["asks"]))
    await screen.shows("ask", [[f"{float(best_price):.2f}", f"{float(best_quantity):.4f}"]])
    assert await screen.page.evaluate(count) == elements
    await expect(screen.book_state).to_have_text("Live")
    await expect(screen.page.locator(".status .badge")).to_have_count(0)


async def test_history_that_arrives_after_the_first_events_is_put_before_them(
    screens: Screens, exchange: RunningExchange, base: str
) -> None:
    read, traded = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        response = await route.fetch()
        read.set()
        await traded.wait()
        await route.fulfill(response=response)

    async def arrange(page: Page) -> None:
        await page.route("**/trade/history*", late)

    maker, taker = (exchange.user(**{base: "100", "USDC": "100000"}) for _ in range(2))
    order = {"market": f"{base}_USDC", "order_type": "limit", "price": "100", "quantity": "1"}

    async def trade() -> None:
        async with Client(exchange.url) as client:
            await client.place({**order, "side": "sell"}, user_id=maker)
            await client.place({**order, "side": "buy"}, user_id=taker)

    for _ in range(3):
        await trade()
    screen = await screens.open(exchange, base, maker, arrange=arrange)
    rows = screen.page.locator(".tape tbody tr")
    await asyncio.wait_for(read.wait(), PATIENCE_MS / 1000)
    await trade()
    await expect(rows).to_have_count(1)
    traded.set()
    await expect(rows).to_have_count(4)
