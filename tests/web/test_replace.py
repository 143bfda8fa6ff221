"""Replacing an open order by another one, as a person does it on the page."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from exchange.client import Client
from tests.web.screen import PHONE, Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def begin(screen: Screen) -> None:
    """Replace the one open order."""
    await screen.open_orders.get_by_role("button", name="Replace").click()
    await expect(screen.page.get_by_role("group", name="Replacement")).to_be_visible()


async def choose_mode(screen: Screen, mode: str) -> None:
    """Choose what may happen alone, which is folded away."""
    await screen.page.locator("details.more summary").click()
    await screen.page.get_by_label("If the cancel or the new order fails").select_option(label=mode)


async def test_an_order_is_replaced_by_another_with_the_money_that_it_had_locked(traded: Screen) -> None:
    screen = traded
    await screen.place(screen.user, "buy", "90", "1000", self_trade_prevention="decrement")
    await expect(screen.open_orders).to_have_count(1)
    await screen.fill_in(side="Sell", kind="Limit", price="120", quantity="1")
    await begin(screen)
    await expect(screen.page.locator("#order-price")).to_have_value("90")
    await expect(screen.page.locator("#order-quantity")).to_have_value("1000")
    await expect(screen.page.locator("#order-stp")).to_have_value("decrement")
    await expect(screen.page.locator(".available b")).to_have_text("100,000 USDC")
    await screen.page.locator("#order-price").fill("95")
    await expect(screen.page.locator("button.submit")).to_have_text(f"Replace: Buy {screen.base}")
    await screen.submit()
    await expect(screen.notice).to_contain_text("canceled. Order placed: it rests in the book.")
    await expect(screen.open_orders).to_have_count(1)
    await expect(screen.open_orders.nth(0)).to_contain_text("95.00")
    await expect(screen.page.get_by_role("group", name="Replacement")).to_have_count(0)
    await screen.page.get_by_role("tab", name="Order history").click()
    await expect(screen.page.locator(".account tbody")).to_contain_text("another order replaced it")


async def test_one_that_cannot_be_paid_leaves_the_order_unless_a_part_may_stand_alone(traded: Screen) -> None:
    screen = traded
    await screen.place(screen.user, "buy", "90", "10")
    await expect(screen.open_orders).to_have_count(1)
    await begin(screen)
    await screen.page.locator("#order-quantity").fill("5000")
    await screen.submit()
    await expect(screen.notice).to_contain_text("Nothing was done. Not enough USDC")
    await expect(screen.open_orders).to_have_count(1)
    await choose_mode(screen, "The cancel may stand alone")
    await screen.submit()
    await expect(screen.notice).to_contain_text("canceled. The new order was not placed: The available balance")
    await expect(screen.open_orders).to_have_count(0)


async def test_an_order_that_has_filled_meanwhile_is_not_placed_twice(traded: Screen) -> None:
    screen = traded
    await screen.place(screen.user, "buy", "100", "10")
    await expect(screen.open_orders).to_have_count(1)
    await begin(screen)
    await screen.place(screen.someone(), "sell", "100", "10")
    await expect(screen.page.get_by_role("group", name="Replacement")).to_contain_text("which has ended")
    await screen.submit()
    await expect(screen.notice).to_have_text("Nothing was done. The order is no longer open.")
    await choose_mode(screen, "Either may stand alone")
    await screen.page.locator("#order-price").fill("97")
    await screen.submit()
    await expect(screen.notice).to_contain_text("was not canceled: The order is no longer open. Order placed")
    await expect(screen.open_orders).to_have_count(1)


async def test_a_list_goes_with_its_order_and_the_form_can_be_left(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Sell", kind="OCO: a limit or a stop", target="110", stop="95", quantity="2")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(2)
    await screen.open_orders.nth(1).get_by_role("button", name="Replace").click()
    head = screen.page.get_by_role("group", name="Replacement")
    await expect(head).to_contain_text("with its whole list")
    await expect(screen.page.locator("#order-stop")).to_have_value("95")
    await expect(screen.page.locator(".choices.type label", has_text="List")).to_have_count(0)
    await head.get_by_role("button", name="Do not replace").click()
    await expect(head).to_have_count(0)
    await expect(screen.page.locator(".choices.type label", has_text="List")).to_have_count(1)
    await screen.open_orders.nth(1).get_by_role("button", name="Replace").click()
    await screen.page.locator("#order-stop").fill("94")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(1)
    await expect(screen.open_orders.nth(0)).to_contain_text("last ≤ 94.00")


async def test_a_phone_shows_the_form_and_what_it_replaces(traded: Screen) -> None:
    screen = traded
    await screen.place(screen.user, "buy", "90", "10")
    await screen.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await screen.page.get_by_role("navigation").get_by_role("button", name="Account").click()
    await begin(screen)
    await screen.fits()
    results = await Axe().run(screen.page)
    assert results.violations_count == 0, results.generate_report()
    async with Client(screen.exchange.url, screen.user) as client:
        assert len(await client.open_orders()) == 1
