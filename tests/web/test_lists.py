"""Lists of orders, as a person places, sees and cancels them on the page."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.web.screen import DESKTOP, PHONE, Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_oco_is_placed_shown_together_and_canceled(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Sell", kind="OCO: a limit or a stop", target="110", stop="95", quantity="2")
    await expect(screen.preview("Either")).to_have_text("Sells at 110.00 or better")
    await expect(screen.preview("Or")).to_have_text("Sells at market, once last ≤ 95.00")
    await expect(screen.preview("Locks now")).to_have_text(f"2 {screen.base}")
    await screen.submit()
    await expect(screen.notice).to_have_text("List placed: 2 orders.")
    head = screen.page.locator("tr.list-head")
    await expect(head).to_contain_text("OCO: one ends the other")
    await expect(screen.open_orders).to_have_count(2)
    await expect(screen.open_orders.nth(0)).to_contain_text("110.00")
    await expect(screen.open_orders.nth(1)).to_contain_text("last ≤ 95.00")
    await expect(screen.open_orders.get_by_role("button", name="Cancel")).to_have_count(0)
    await screen.place(screen.user, "buy", "90", "1")
    await expect(screen.open_orders).to_have_count(3)
    await head.get_by_role("button", name="Cancel list").click()
    await expect(screen.open_orders).to_have_count(1)
    await expect(head).to_have_count(0)
    await screen.page.get_by_role("tab", name="Order history").click()
    await expect(screen.page.locator(".account tbody")).to_contain_text("its list was canceled")


async def test_a_leg_is_changed_and_the_other_one_gets_its_quantity(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Sell", kind="OCO: a limit or a stop", target="110", stop="95", quantity="2")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(2)
    await screen.open_orders.nth(0).get_by_role("button", name="Change").click()
    dialog = screen.page.get_by_role("dialog")
    await dialog.get_by_label("Price").fill("112")
    await expect(dialog.locator("#amend-hint")).to_have_text("The order goes to the back of the queue at its price.")
    await dialog.get_by_label("Quantity").fill("1.5")
    await expect(dialog.locator("#amend-hint")).to_contain_text("the other leg of its list, gets the same quantity.")
    await dialog.get_by_role("button", name="Change").click()
    await expect(dialog).to_have_count(0)
    await expect(screen.open_orders.nth(0)).to_contain_text("112.00")
    for leg in range(2):
        await expect(screen.open_orders.nth(leg)).to_contain_text("0 / 1.5")


async def test_one_leg_of_an_oco_ends_the_other(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(
        side="Buy", kind="OCO: a limit or a stop", target="97", stop="105", stopLimit="106", quantity="2"
    )
    await expect(screen.preview("Locks now")).to_have_text("212 USDC")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(2)
    await screen.place(screen.someone(), "sell", "97", "102")
    await expect(screen.open_orders).to_have_count(0)
    await screen.page.get_by_role("tab", name="Order history").click()
    await expect(screen.page.locator(".account tbody")).to_contain_text("the other order of its list came first")


async def test_an_oco_on_the_wrong_sides_is_refused_in_words(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Sell", kind="OCO: a limit or a stop", target="95", stop="110", quantity="2")
    await expect(screen.page.locator("#order-target-hint")).to_have_text("It must be above the last price, 100.")
    await expect(screen.page.locator("#order-stop-hint")).to_have_text("The last price, 100, is there already.")
    await screen.submit()
    await expect(screen.notice).to_have_text("The limit and the stop must be on either side of the last price.")
    await screen.page.locator("#order-target").fill("")
    await screen.submit()
    await expect(screen.notice).to_have_text("Limit price is missing.")


async def test_an_otoco_brings_its_legs_when_the_first_is_filled(traded: Screen) -> None:
    screen = traded
    fields = {"price": "99.5", "quantity": "1", "target": "120", "stop": "90", "stopLimit": "89"}
    await screen.fill_in(side="Buy", kind="OTOCO: then one of both", **fields)
    await expect(screen.preview("First")).to_have_text("Buys at 99.50 or better")
    await expect(screen.preview("Either")).to_have_text("Sells at 120.00 or better")
    await expect(screen.preview("Or")).to_have_text("Sells at 89.00 or better, once last ≤ 90.00")
    await expect(screen.preview("Locks now")).to_have_text("99.5 USDC")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(3)
    await expect(screen.open_orders.nth(1)).to_contain_text("waits for its list")
    await screen.place(screen.someone(), "sell", "99.5", "1")
    await expect(screen.open_orders).to_have_count(2)
    await expect(screen.page.locator("tr.list-head")).to_contain_text("OTOCO")
    await expect(screen.open_orders.nth(0)).to_contain_text("Open")
    found = await Axe().run(screen.page)
    assert found.violations_count == 0, found.generate_report()
    tall = f"document.documentElement.scrollHeight === {DESKTOP[1]}"
    await screen.page.wait_for_function(tall)  # the form scrolls, not the page
    await screen.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await screen.page.get_by_role("navigation").get_by_role("button", name="Account").click()
    await screen.fits()
    await screen.page.get_by_role("button", name="Cancel list").click()
    await expect(screen.open_orders).to_have_count(0)


async def test_an_oto_is_followed_by_a_stop_or_a_limit(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", kind="OTO: then a stop", price="99", quantity="1", stop="90")
    await expect(screen.preview("Then")).to_have_text("Sells at market, once last ≤ 90.00")
    await screen.submit()
    await screen.fill_in(side="Buy", kind="OTO: then a limit", price="98", quantity="1", target="130")
    await expect(screen.preview("Then")).to_have_text("Sells at 130.00 or better")
    await screen.submit()
    await expect(screen.page.locator("tr.list-head")).to_have_count(2)
    await expect(screen.open_orders).to_have_count(4)
    await screen.page.get_by_role("button", name="Cancel all", exact=True).click()
    await expect(screen.open_orders).to_have_count(0)
