"""Pegged orders, as a person places, sees and changes them on the page."""

import pytest
from playwright.async_api import expect

from exchange.client import Client
from tests.web.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_pegged_order_takes_its_price_from_the_book(traded: Screen) -> None:
    screen = traded
    await screen.choose("Buy", "Pegged")
    await expect(screen.page.get_by_label("Time in force")).to_have_count(0)  # to its own side it rests
    await screen.page.get_by_label("At", exact=True).select_option("levels")
    await screen.fill_in(side="Buy", kind="Pegged", pegLevels="1", quantity="2")
    await expect(screen.preview("Price now")).to_have_text("98.00")
    await expect(screen.preview("Cost at most")).to_have_text("196 USDC")
    await screen.submit()
    await expect(screen.open_orders.first).to_contain_text("98.00")
    await expect(screen.open_orders.first).to_contain_text("pegged to the level 1 behind the best bid")
    await screen.open_orders.first.get_by_role("button", name="Change").click()
    await expect(screen.page.locator("#amend-quantity")).to_be_focused()
    await expect(screen.page.locator("#amend-price")).to_have_count(0)
    await screen.page.keyboard.press("Escape")
    await expect(screen.page.get_by_role("dialog")).to_be_hidden()
    await screen.page.locator("#order-pegLevels").fill("40")
    await expect(screen.preview("Price now")).to_have_text("\u2013")
    await screen.submit()
    await expect(screen.notice).to_have_text("The book has no price level that this order could be pegged to.")
    await screen.page.get_by_label("Pegged to").select_option("market")
    await screen.page.get_by_label("At", exact=True).select_option("offset")
    await screen.page.get_by_label("Time in force").select_option("gtd")
    await screen.fill_in(side="Sell", kind="Pegged", pegOffset="1.5", quantity="1", pegLimit="110")
    await expect(screen.preview("Price now")).to_have_text("110.00")
    await screen.page.locator("#order-pegLimit").fill("")
    await expect(screen.preview("Price now")).to_have_text("100.50")
    await screen.submit()
    await expect(screen.open_orders.first).to_contain_text("pegged to the best bid + 1.5")
    await expect(screen.open_orders.first).to_contain_text("100.50")


async def test_a_pegged_stop_takes_its_price_when_it_triggers(traded: Screen) -> None:
    screen = traded
    await screen.page.locator(".choices.type label", has_text="Stop").click()
    await screen.fill_in(side="Sell", kind="Stop-loss pegged", stop="99.5", quantity="1")
    await expect(screen.preview("Then")).to_have_text("Sells at a price of the book")
    await screen.submit()
    await expect(screen.open_orders.first).to_contain_text("Book")
    await screen.place(screen.someone(), "sell", "99", "1")
    await expect(screen.open_orders.first).to_contain_text("101.00")
    async with Client(screen.exchange.url, screen.user) as client:
        (order,) = await client.open_orders(screen.market)
    assert order["pegged_price"] == "101"


async def test_one_that_follows_the_book_needs_a_limit_and_moves_with_it(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", kind="Pegged", quantity="2")
    await screen.page.get_by_label("Follows the book").check()
    await screen.submit()
    await expect(screen.notice).to_have_text("Limit price is missing.")
    await screen.page.locator("#order-pegLimit").fill("100.5")
    await expect(screen.preview("Price now")).to_have_text("99.00")
    await expect(screen.preview("Cost at most")).to_have_text("201 USDC")
    await expect(screen.preview("Rests")).to_have_text(f"2 {screen.base}")
    await screen.submit()
    await expect(screen.open_orders).to_contain_text("follows the best bid")
    await expect(screen.open_orders).to_contain_text("99.00")
    await screen.place(screen.someone(), "buy", "100", "1")
    await expect(screen.open_orders).to_contain_text("100.00")
