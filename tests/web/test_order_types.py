"""Orders beyond a plain one, as a person places, sees and changes them on the page."""

import re
import time
from datetime import datetime

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, expect

from exchange.client import Client
from exchange.testing import RunningExchange
from tests.until_soon import placed_until_soon
from tests.web.screen import PHONE, Screen, Screens

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def traded(screen: Screen) -> Screen:
    """The page at a market whose last price is 100 and whose book is 99 to 101."""
    await screen.trade_at("100")
    await screen.quote(bids=["99"], asks=["101"])
    return screen


def row(screen: Screen) -> Locator:
    """The newest open order."""
    return screen.open_orders.first


async def history(screen: Screen) -> Locator:
    """The newest order of the history."""
    await screen.page.get_by_role("tab", name="Order history").click()
    return screen.page.locator(".account tbody tr").first


async def test_a_stop_loss_waits_locks_and_is_triggered(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Sell", kind="Stop-loss", stop="95.5", quantity="2")
    await expect(screen.preview("Waits for")).to_have_text("last ≤ 95.50")
    await expect(screen.preview("Then")).to_have_text("Sells at market")
    await expect(screen.preview("Locks now")).to_have_text(f"2 {screen.base}")
    await expect(screen.preview("Worth about")).to_have_text("191 USDC")
    await screen.submit()
    await expect(screen.notice).to_have_text("Order placed: it waits for its price.")
    await expect(row(screen)).to_contain_text("Stop-loss")
    await expect(row(screen)).to_contain_text("last ≤ 95.50")
    await expect(row(screen)).to_contain_text("Waiting")
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name=screen.base)).to_contain_text("998")
    async with Client(screen.exchange.url, screen.user) as client:
        assert [order["stop_price"] for order in await client.open_orders(screen.market)] == ["95.5"]
    await screen.place(screen.someone(), "sell", "95", "60")  # takes the bids at 99, then rests
    await screen.place(screen.someone(), "buy", "95", "5")
    await expect(screen.open_orders).to_have_count(0)
    ended = await history(screen)
    await expect(ended).to_contain_text("triggered by 95.00 at")
    await expect(ended).to_contain_text("nothing more was there at its price")


async def test_a_stop_loss_limit_to_buy_locks_what_its_limit_needs(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", kind="Stop-loss limit", stop="105", price="106", quantity="2")
    await expect(screen.preview("Waits for")).to_have_text("last ≥ 105.00")
    await expect(screen.preview("Then")).to_have_text("Buys at 106.00 or better")
    await expect(screen.preview("Locks now")).to_have_text("212 USDC")
    await screen.page.get_by_label("Post-only").check()
    await screen.submit()
    await expect(row(screen)).to_contain_text("106.00")
    await expect(row(screen)).to_contain_text("last ≥ 105.00")
    await expect(row(screen)).to_contain_text("post-only")
    await screen.fill_in(side="Buy", kind="Stop-loss limit", stop="105", price="106", quantity="5000")
    await screen.submit()
    await expect(screen.notice).to_contain_text("Not enough USDC: the order needs 530000")
    await expect(screen.open_orders).to_have_count(1)


async def test_a_take_profit_whose_price_is_there_says_so_and_is_refused(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", kind="Take-profit", stop="100", quantity="1")
    await expect(screen.page.locator("#order-stop-hint")).to_have_text("The last price, 100, is there already.")
    await expect(screen.preview("Locks now")).to_have_text("nothing")
    await screen.submit()
    await expect(screen.notice).to_have_text("The last price is already where this order waits for it.")
    await screen.fill_in(kind="Take-profit limit", stop="98", price="98.5", quantity="1")
    await expect(screen.preview("Waits for")).to_have_text("last ≤ 98.00")
    await screen.submit()
    await expect(row(screen)).to_contain_text("Take-profit limit")


async def test_one_that_cannot_be_paid_when_it_triggers_says_why_it_ended(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", kind="Stop-loss", stop="101", quantity="2000")
    await screen.submit()
    await expect(screen.open_orders).to_have_count(1)
    await screen.place(screen.someone(), "sell", "101", "5000")
    await screen.place(screen.someone(), "buy", "101", "0.1")
    await expect(screen.open_orders).to_have_count(0)
    ended = await history(screen)
    await expect(ended).to_contain_text("it could not enter. The available balance does not cover this order.")


async def test_a_trailing_stop_follows_the_price(traded: Screen) -> None:
    screen = traded
    await screen.choose("Sell", "Stop-loss")
    await screen.page.get_by_label("Waits for").select_option(label="Trailing, points")
    await screen.fill_in(side="Sell", kind="Stop-loss", delta="150", quantity="1")
    await expect(screen.preview("Waits for")).to_have_text("last 1.5 % below its highest")
    await screen.submit()
    await expect(row(screen)).to_contain_text("last 1.5 % below its highest")
    await expect(row(screen)).to_contain_text("following since")
    await screen.page.get_by_label("Waits for").select_option(label="Trailing, price")
    await screen.fill_in(side="Sell", kind="Stop-loss", distance="2.5", activation="97", quantity="1")
    await screen.submit()
    await expect(row(screen)).to_contain_text("last 2.50 below its highest; begins at last ≤ 97.00")
    await expect(row(screen)).to_contain_text("not following yet")
    await screen.page.get_by_label("Waits for").select_option(label="Trailing, points")
    for wrong, words in (("0.5", "multiple of 1"), ("10000", "at most 9999"), ("", "Trails by is missing.")):
        await screen.page.locator("#order-delta").fill(wrong)
        await screen.submit()
        await expect(screen.notice).to_contain_text(words)
        await expect(screen.page.locator("#order-delta")).to_be_focused()
    await expect(screen.open_orders).to_have_count(2)


async def test_an_order_ends_at_its_time(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(price="90", quantity="1")
    await screen.page.get_by_label("Time in force").select_option("gtd")
    ends = screen.page.get_by_label("Ends", exact=True)
    await expect(ends).not_to_have_value("")  # a day from now
    await ends.fill("2020-01-01T00:00")
    await expect(screen.page.locator("#order-expires-hint")).to_have_text("This time is over.")
    await screen.submit()
    await expect(screen.notice).to_contain_text("the time is over")
    before = time.time()
    await screen.page.get_by_role("button", name="1 hour").click()
    await expect(screen.page.locator("#order-expires-hint")).to_have_count(0)
    chosen = datetime.fromisoformat(await ends.input_value()).timestamp()  # whole minutes
    assert before + 3600 - 60 < chosen <= time.time() + 3600
    await screen.submit()
    await expect(row(screen)).to_contain_text("until ")
    async with Client(screen.exchange.url, screen.user) as client:
        order = {"market": screen.market, "side": "buy", "order_type": "limit", "price": "80", "quantity": "1"}
        await placed_until_soon(client, order)
    await expect(await history(screen)).to_contain_text("its time was over")
    await screen.page.get_by_role("tab", name="Open orders").click()
    await expect(screen.open_orders).to_have_count(1)


async def test_an_iceberg_shows_a_part(traded: Screen) -> None:
    screen = traded
    await screen.fill_in(side="Buy", price="99.5", quantity="5")
    await screen.page.get_by_text("Iceberg, self-trade prevention").click()
    await screen.page.get_by_label("Visible quantity").fill("5")
    await expect(screen.page.locator("#order-visible-hint")).to_have_text("It must be less than the quantity.")
    await screen.page.get_by_label("Visible quantity").fill("1.5")
    await expect(screen.page.locator(".more .badge")).to_have_text("set")
    await screen.submit()
    await expect(row(screen)).to_contain_text("shows 1.5")
    await screen.shows("bid", [["99.50", "1.5000"], ["99.00"]])
    await screen.page.get_by_label("Time in force").select_option("ioc")
    await expect(screen.page.get_by_label("Visible quantity")).to_have_count(0)


async def test_the_mode_of_self_trade_prevention_is_chosen(traded: Screen) -> None:
    screen = traded
    await screen.place(screen.user, "buy", "99.5", "1")
    await screen.fill_in(side="Sell", price="99.5", quantity="3")
    await screen.page.get_by_text("Iceberg, self-trade prevention").click()
    mode = screen.page.get_by_label("If it meets your own order")
    await expect(mode).to_have_value("")
    await mode.select_option("decrement")
    await screen.submit()
    await expect(screen.notice).to_contain_text("it rests in the book")
    async with Client(screen.exchange.url, screen.user) as client:
        (left,) = await client.open_orders(screen.market)
    assert (left["side"], left["self_trade_prevention"], left["prevented_quantity"]) == ("sell", "decrement", "1")


async def test_a_price_of_the_book_goes_to_the_field_that_was_used_last(traded: Screen) -> None:
    screen = traded
    await screen.choose("Buy", "Stop-loss limit")
    ask = screen.page.locator(".level.ask:enabled")
    await ask.click()
    await expect(screen.page.locator("#order-price")).to_have_value("101")
    await screen.page.locator("#order-stop").focus()
    await screen.page.locator(".level.bid:enabled").click()
    await expect(screen.page.locator("#order-stop")).to_have_value("99")
    await expect(screen.page.locator("#order-price")).to_have_value("101")
    await screen.choose("Buy", "Stop-loss")
    await ask.click()
    await expect(screen.page.locator("#order-stop")).to_have_value("101")


async def test_an_open_order_is_changed(traded: Screen) -> None:
    screen = traded
    dialog = screen.page.get_by_role("dialog")
    await screen.place(screen.user, "buy", "98", "5")
    await row(screen).get_by_role("button", name="Change").click()
    await expect(screen.page.locator("#amend-price")).to_be_focused()
    await expect(dialog).to_contain_text("Limit to buy")
    await expect(screen.page.locator("#amend-price")).to_have_value("98")
    await screen.page.locator("#amend-quantity").fill("4")
    await expect(dialog).to_contain_text("keeps its place")
    await dialog.get_by_role("button", name="Change").click()
    await expect(dialog).to_be_hidden()
    await expect(screen.notice).to_have_text(re.compile(r"Order \d+ changed: 4 at 98\."))
    await expect(row(screen)).to_contain_text("0 / 4")
    await row(screen).get_by_role("button", name="Change").click()
    await screen.page.locator("#amend-price").fill("97.005")
    await screen.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_have_text("The price must be a multiple of 0.01.")
    await screen.page.locator("#amend-price").fill("97")
    await screen.page.keyboard.press("ArrowUp")
    await expect(screen.page.locator("#amend-price")).to_have_value("97.01")
    await expect(dialog).to_contain_text("back of the queue")
    await screen.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(row(screen).get_by_role("button", name="Change")).to_be_focused()
    await expect(row(screen)).to_contain_text("98.00")
    await row(screen).get_by_role("button", name="Change").click()
    await screen.page.locator("#amend-price").fill("101")
    await expect(dialog).to_contain_text("would trade at once")
    await screen.page.keyboard.press("Enter")
    await expect(screen.open_orders).to_have_count(0)


async def test_one_that_waits_at_market_has_no_price_to_change(traded: Screen) -> None:
    screen = traded
    async with Client(screen.exchange.url, screen.user) as client:
        stop = {"market": screen.market, "side": "sell", "order_type": "stop_loss", "stop_price": "90"}
        await client.place({**stop, "quantity": "1"})
    await row(screen).get_by_role("button", name="Change").click()
    await expect(screen.page.locator("#amend-price")).to_have_count(0)
    await screen.page.locator("#amend-quantity").fill("0")
    await expect(screen.page.get_by_role("dialog")).to_contain_text("cancel it")
    await screen.page.locator("#amend-quantity").fill("3")
    await screen.page.keyboard.press("Enter")
    await expect(row(screen)).to_contain_text("0 / 3")
    await row(screen).get_by_role("button", name="Change").click()
    async with Client(screen.exchange.url, screen.user) as client:
        await client.cancel_all(screen.market)
    await expect(screen.page.get_by_role("dialog")).to_be_hidden()  # it has ended


async def test_one_can_place_and_change_a_stop_by_keyboard_alone(traded: Screen) -> None:
    screen, keyboard = traded, traded.page.keyboard
    await screen.page.get_by_role("radio", name="Limit").focus()
    for _ in range(2):
        await keyboard.press("ArrowRight")
    await expect(screen.page.get_by_role("radio", name="Stop")).to_be_checked()
    await keyboard.press("Tab")
    await expect(screen.page.get_by_label("Type", exact=True)).to_be_focused()
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(screen.page.get_by_label("Waits for")).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.type("105")
    await keyboard.press("Tab")
    await expect(screen.page.get_by_label("Limit price")).to_be_focused()
    await keyboard.type("106")
    await screen.page.get_by_label("Quantity", exact=True).focus()
    await keyboard.type("1")
    await keyboard.press("Enter")
    await expect(row(screen)).to_contain_text("Stop-loss limit")
    await row(screen).get_by_role("button", name="Change").focus()
    await keyboard.press("Enter")
    await expect(screen.page.get_by_role("dialog").get_by_label("Price")).to_be_focused()
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await expect(row(screen)).to_contain_text("105.99")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_forms_and_the_dialog(traded: Screen, scheme: str) -> None:
    screen = traded
    await screen.page.get_by_label("Colors").select_option(scheme)
    await screen.page.get_by_text("Iceberg, self-trade prevention").click()
    await screen.page.get_by_label("Time in force").select_option("gtd")
    await screen.page.get_by_label("Ends", exact=True).fill("2020-01-01T00:00")
    found = [(await Axe().run(screen.page), "gtd")]
    await screen.choose("Buy", "Stop-loss limit")
    await screen.page.get_by_label("Waits for").select_option(label="Trailing, points")
    await screen.page.locator("#order-delta").fill("0")
    found.append((await Axe().run(screen.page), "trailing"))
    await screen.place(screen.user, "buy", "90", "1", visible_quantity="0.5")
    await row(screen).get_by_role("button", name="Change").click()
    await expect(screen.page.locator("#amend-price")).to_be_focused()
    found.append((await Axe().run(screen.page), "change"))
    for results, part in found:
        assert results.violations_count == 0, f"{part}: {results.generate_report()}"


async def test_a_stop_is_placed_changed_and_canceled_on_a_phone(
    screens: Screens, exchange: RunningExchange, base: str
) -> None:
    user = exchange.user(**{base: "10", "USDC": "1000"})
    screen = await screens.open(exchange, base, user, size=PHONE, has_touch=True, is_mobile=True)
    views = screen.page.get_by_role("navigation")
    await views.get_by_role("button", name="Trade").tap()
    await screen.fill_in(side="Sell", kind="Stop-loss limit", stop="90", price="89", quantity="1")
    await screen.submit()
    await expect(screen.notice).to_have_text("Order placed: it waits for its price.")
    await views.get_by_role("button", name="Account").tap()
    told = screen.page.locator(".notices.elsewhere .notice")
    await expect(told).to_have_text("Order placed: it waits for its price.")
    await row(screen).get_by_role("button", name="Change").tap()
    await screen.page.locator("#amend-price").fill("88")
    width = await screen.page.evaluate("document.querySelector('dialog[open]').getBoundingClientRect().width")
    assert width <= PHONE[0]
    await screen.page.get_by_role("dialog").get_by_role("button", name="Change").tap()
    await expect(told).to_contain_text("changed: 1 at 88.")
    await row(screen).get_by_role("button", name="Cancel").tap()
    await expect(told).to_contain_text("canceled")


async def test_a_filter_of_the_market_is_said_while_one_types_and_when_it_refuses(screen: Screen) -> None:
    async with Client(screen.exchange.url) as house:
        await house.set_market(screen.market, {"filters": {"max_price": "200", "market_max_quantity": "5"}})
    await screen.page.reload()
    await screen.live()
    await screen.fill_in(side="Buy", price="200.01", quantity="6")
    await expect(screen.page.locator("#order-price-hint")).to_have_text("This market takes at most 200.")
    await screen.submit()
    await expect(screen.notice).to_have_text("A price must be at most 200.")
    await screen.choose("Buy", "Market")
    await expect(screen.page.locator("#order-quantity-hint")).to_have_text("This market takes at most 5.")
    await screen.submit()
    await expect(screen.notice).to_have_text("The quantity of an order at market must be at most 5.")
