"""What a person does with the page, in a real browser on a real exchange."""

import itertools
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from exchange.client import Client
from exchange.testing import RunningExchange
from tests.web.screen import DESKTOP, PATIENCE_MS, PHONE, Screen, Screens

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_is_whole_and_says_who_trades(screen: Screen) -> None:
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text(f"{screen.base}/USDC")
    await expect(screen.page.locator(".connection")).to_have_text("Live")
    await expect(screen.page.get_by_label("User")).to_have_value(screen.user)
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name="USDC")).to_contain_text("100,000")
    await expect(screen.page.get_by_role("link", name="TradingView Lightweight Charts™")).to_be_visible()


async def test_a_new_reader_begins_as_the_first_user_of_the_configuration(
    browser: Browser, exchange: RunningExchange
) -> None:
    async with await browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(exchange.url)
        await expect(page.get_by_label("User")).to_have_value("seeded")
        balances = page.get_by_role("region", name="Balances by asset")
        await expect(balances.get_by_role("row", name="USDC")).to_contain_text("1,000")
        stored = "localStorage.getItem('exchange.user')"
        assert await page.evaluate(stored) is None
        await page.get_by_label("User").fill("somebody")
        await page.get_by_label("User").press("Enter")
        await page.wait_for_function(f"{stored} === 'somebody'")


async def test_its_policy_forbids_what_is_inline_and_what_is_elsewhere(screen: Screen) -> None:
    response = await screen.page.goto(screen.exchange.url)
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    screen.expects("policy: style-src-elem forbids inline", "Applying inline style violates")
    inline = "document.body.append(Object.assign(document.createElement('style'), {textContent: 'a{}'}))"
    async with screen.page.expect_console_message(lambda message: message.text.startswith("policy: style-src-elem")):
        await screen.page.evaluate(inline)


async def test_it_shows_the_book_as_the_exchange_has_it(screen: Screen) -> None:
    maker = screen.someone()
    chance = random.Random(3)
    async with Client(screen.exchange.url, maker) as client:
        for _ in range(60):
            side = chance.choice(["buy", "sell"])
            price = f"{100 + chance.randint(1, 40) * (1 if side == 'sell' else -1) / 100:.2f}"
            order = {"market": screen.market, "side": side, "order_type": "limit", "price": price}
            placed = await client.place({**order, "quantity": f"{chance.randint(1, 50) / 10}"})
            if chance.random() < 0.4:
                await client.cancel(screen.market, order_id=placed["order_id"])
        depth = await client.depth(screen.market)
    for side, levels in (("bid", depth["bids"]), ("ask", depth["asks"])):
        assert len(levels) >= 10
        totals = itertools.accumulate(Decimal(quantity) for _, quantity in levels)
        rows = [
            [f"{float(price):.2f}", f"{float(quantity):.4f}", f"{total:.4f}"]
            for (price, quantity), total in zip(levels, totals, strict=True)
        ]
        await screen.shows(side, rows[:10])
    spread = float(depth["asks"][0][0]) - float(depth["bids"][0][0])
    await expect(screen.page.locator(".spread")).to_contain_text(f"Spread {spread:.2f}")


async def test_an_order_is_placed_seen_and_canceled(screen: Screen) -> None:
    await screen.fill_in(side="Buy", price="99.5", quantity="2")
    await expect(screen.preview("Cost at most")).to_have_text("199 USDC")
    await expect(screen.preview("Rests")).to_have_text(f"2 {screen.base}")
    await screen.submit()
    await expect(screen.notice).to_have_text("Order placed: it rests in the book.")
    await expect(screen.open_orders).to_have_count(1)
    await expect(screen.open_orders).to_contain_text("Buy")
    await expect(screen.open_orders).to_contain_text("99.50")
    await screen.shows("bid", [["99.50", "2.0000", "2.0000"]])
    await expect(screen.page.locator(".latency")).to_contain_text("durable")
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name="USDC")).to_contain_text("199")
    await screen.open_orders.get_by_role("button", name="Cancel").click()
    await expect(screen.open_orders).to_have_count(0)
    await expect(screen.notice).to_contain_text("canceled")
    await screen.page.get_by_role("tab", name="Order history").click()
    await expect(screen.page.locator(".account tbody tr")).to_contain_text(["Canceled"])


async def test_cancel_all(screen: Screen) -> None:
    for price in ("98", "97", "96"):
        await screen.place(screen.user, "buy", price, "1")
    await expect(screen.open_orders).to_have_count(3)
    await screen.page.get_by_role("button", name="Cancel all", exact=True).click()
    await expect(screen.open_orders).to_have_count(0)
    await expect(screen.notice).to_have_text("3 orders canceled.")


@pytest.mark.parametrize(
    ("side", "price", "quantity", "words"),
    [
        ("Buy", "100", "5000", "Not enough USDC: the order needs 500000, and 100000 is available."),
        ("Buy", "100.001", "1", "The price must be a multiple of 0.01."),
        ("Sell", "100", "0.00001", "The quantity must be a multiple of 0.0001."),
        ("Buy", "0.01", "0.1", "The order is too small: it must be worth at least 0.1 USDC."),
        ("Buy", "1e3", "1", "Write prices and quantities in plain digits, with a point for decimals."),
    ],
)
async def test_a_refusal_is_said_in_words(screen: Screen, side: str, price: str, quantity: str, words: str) -> None:
    await expect(screen.page.locator(".available")).to_contain_text("100,000 USDC")
    await screen.fill_in(side=side, price=price, quantity=quantity)
    await screen.submit()
    await expect(screen.notice).to_have_text(words)
    await expect(screen.open_orders).to_have_count(0)


async def test_a_post_only_order_that_would_trade_is_refused(screen: Screen) -> None:
    await screen.place(screen.someone(), "sell", "100", "1")
    await screen.fill_in(side="Buy", price="100", quantity="1")
    await screen.page.get_by_label("Post-only").check()
    await screen.submit()
    await expect(screen.notice).to_contain_text("would trade at once")
    await screen.page.get_by_label("Time in force").select_option("fok")
    await expect(screen.page.get_by_label("Post-only")).to_be_disabled()


async def test_a_market_order_costs_what_the_preview_says(screen: Screen) -> None:
    maker = screen.someone()
    await screen.place(maker, "sell", "100", "1")
    await screen.place(maker, "sell", "101", "5")
    await screen.fill_in(side="Buy", kind="Market", quantity="2")
    await expect(screen.preview("Cost at most")).to_have_text("201 USDC")
    await expect(screen.preview("Trades now")).to_have_text("2 at 100.50")
    await expect(screen.preview("Taker fee")).to_have_text(f"0.004 {screen.base}")
    await screen.submit()
    await expect(screen.notice).to_have_text(f"Order filled: 2 {screen.base}.")
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name="USDC")).to_contain_text("99,799")
    await expect(balances.get_by_role("row", name=screen.base)).to_contain_text("1,001.996")
    await screen.page.get_by_role("tab", name="Fills").click()
    await expect(screen.page.locator(".account tbody tr")).to_have_count(2)
    await expect(screen.page.locator(".tape tbody tr")).to_have_count(2)


async def test_an_order_for_an_amount_of_the_quote_takes_whole_lots(screen: Screen) -> None:
    maker = screen.someone()
    await screen.place(maker, "sell", "100", "1")
    await screen.place(maker, "sell", "101", "5")
    await screen.fill_in(side="Buy", kind="Amount", amount="150.5")
    await expect(screen.preview("Trades now")).to_have_text("1.5 at 100.33")
    await expect(screen.preview("Cost at most")).to_have_text("150.5 USDC")
    await screen.submit()
    await expect(screen.notice).to_have_text(f"Order filled: 1.5 {screen.base}.")
    await screen.fill_in(kind="Amount", amount="0.000001", worst="1")
    await screen.submit()
    await expect(screen.notice).to_contain_text("too small")
    await screen.fill_in(kind="Amount", amount="5")
    await screen.submit()
    await expect(screen.notice).to_contain_text("not even one lot")
    await screen.fill_in(kind="Limit", price="90")
    await screen.choose("Buy", "Market")  # the limit of another type is no worst price
    await expect(screen.page.get_by_label("Worst price")).to_have_value("1")


async def test_two_users_trade_with_each_other(screens: Screens, screen: Screen, exchange: RunningExchange) -> None:
    other = await screens.open(exchange, screen.base, screen.someone())
    await screen.fill_in(side="Sell", price="100", quantity="3")
    await screen.submit()
    level = other.page.locator(".level.ask:enabled")
    await expect(level).to_have_count(1)
    await level.click()
    await expect(other.page.get_by_label("Price", exact=True)).to_have_value("100")
    await other.fill_in(side="Buy", quantity="1")
    await other.submit()
    await expect(other.notice).to_have_text(f"Order filled: 1 {screen.base}.")
    await expect(screen.open_orders).to_contain_text("1 / 3")
    await expect(screen.page.locator(".tape tbody tr")).to_have_count(1)
    await screen.shows("ask", [["100.00", "2.0000", "2.0000"]])


async def test_an_unknown_user_is_said_and_another_can_be_chosen(screen: Screen) -> None:
    screen.expects("the server responded with a status of 401")
    field = screen.page.get_by_label("User")
    await field.fill("nobody-at-all")
    await field.press("Enter")
    await expect(screen.page.locator("#user-error")).to_have_text("There is no user nobody-at-all.")
    await field.fill(screen.someone())
    await field.press("Enter")
    await expect(screen.page.locator("#user-error")).to_have_count(0)
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name="USDC")).to_contain_text("10,000,000")


async def test_the_depth_chart_is_drawn(screen: Screen) -> None:
    maker = screen.someone()
    await screen.place(maker, "sell", "101", "3")
    await screen.place(maker, "buy", "99", "3")
    await screen.page.get_by_role("tab", name="Depth").click()
    canvas = screen.page.locator(".depth-canvas")
    colors = """(canvas) => new Set(new Uint32Array(canvas.getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    await expect(canvas).to_be_visible()
    await screen.page.wait_for_function(f"({colors})(document.querySelector('.depth-canvas')) > 10")


async def test_it_is_dark_where_the_system_is_and_where_one_says_so(screens: Screens, screen: Screen) -> None:
    body, shown = screen.page.locator("body"), "getComputedStyle(document.body).backgroundColor"
    light = await screen.page.evaluate(shown)
    await screen.page.emulate_media(color_scheme="dark")
    await expect(body).not_to_have_css("background-color", light)
    dark = await screen.page.evaluate(shown)
    await screen.page.get_by_label("Colors").select_option("light")
    await expect(body).to_have_css("background-color", light)
    await screen.page.reload()
    await expect(body).to_have_css("background-color", light)
    await screen.page.get_by_label("Colors").select_option("dark")
    await screen.page.emulate_media(color_scheme="light")
    await expect(body).to_have_css("background-color", dark)


async def test_everything_is_there_on_a_phone(screens: Screens, exchange: RunningExchange, base: str) -> None:
    user = exchange.user(**{base: "10", "USDC": "1000"})
    screen = await screens.open(exchange, base, user, size=PHONE, has_touch=True, is_mobile=True)
    views = screen.page.get_by_role("navigation")
    parts = {"Markets": ".markets", "Chart": ".chart", "Book": ".book", "Trade": ".form", "Account": ".account"}
    for name, part in parts.items():
        await views.get_by_role("button", name=name).tap()
        await expect(screen.page.locator(part)).to_be_visible()
        await screen.fits()
    await views.get_by_role("button", name="Trade").tap()
    await screen.fill_in(side="Sell", price="100", quantity="1")
    await screen.submit()
    await expect(screen.notice).to_have_text("Order placed: it rests in the book.")
    await views.get_by_role("button", name="Book").tap()
    await screen.page.locator(".level.ask:enabled").tap()
    await expect(screen.page.locator(".form")).to_be_visible()
    await views.get_by_role("button", name="Account").tap()
    await screen.open_orders.get_by_role("button", name="Cancel").tap()
    await expect(screen.open_orders).to_have_count(0)


async def test_one_can_trade_by_keyboard_alone(screen: Screen) -> None:
    await screen.place(screen.someone(), "sell", "100", "5")
    keyboard = screen.page.keyboard
    await expect(screen.page.locator(".level.ask:enabled")).to_have_count(1)
    await keyboard.press("Tab")
    await expect(screen.page.get_by_role("link", name="Skip to the order form")).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await expect(screen.page.get_by_role("radio", name="Buy")).to_be_focused()
    await keyboard.press("ArrowRight")
    await expect(screen.page.get_by_role("radio", name="Sell")).to_be_checked()
    await keyboard.press("ArrowLeft")
    for _ in range(3):
        await keyboard.press("Tab")
    await expect(screen.page.get_by_label("Price", exact=True)).to_be_focused()
    await keyboard.type("99.99")
    await keyboard.press("ArrowDown")
    await expect(screen.page.get_by_label("Price", exact=True)).to_have_value("99.98")
    await screen.page.get_by_label("Quantity", exact=True).focus()
    await keyboard.type("1")
    await keyboard.press("Enter")
    await expect(screen.notice).to_have_text("Order placed: it rests in the book.")
    await expect(screen.open_orders).to_have_count(1)
    # The book is one stop of Tab; the arrows move in it.
    await expect(screen.page.locator('.levels [tabindex="0"]')).to_be_enabled()
    await screen.page.locator('.levels [tabindex="0"]').focus()
    await keyboard.press("ArrowUp")
    await keyboard.press("Enter")
    await expect(screen.page.get_by_label("Price", exact=True)).to_have_value("100")
    await screen.open_orders.get_by_role("button", name="Cancel").focus()
    await keyboard.press("Enter")
    await expect(screen.open_orders).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_axe_finds_nothing(
    screens: Screens, exchange: RunningExchange, base: str, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    user = exchange.user(**{base: "10", "USDC": "1000"})
    screen = await screens.open(exchange, base, user, size=size, color_scheme=scheme)
    await screen.place(screen.someone(), "sell", "100", "5")
    await screen.place(user, "buy", "99", "1")
    await expect(screen.page.locator(".level:enabled")).to_have_count(2)
    for view in ("Markets", "Chart", "Book", "Trade", "Account") if size == PHONE else ("all",):
        if view != "all":
            await screen.page.get_by_role("navigation").get_by_role("button", name=view).click()
        results = await Axe().run(screen.page)
        assert results.violations_count == 0, f"{view}: {results.generate_report()}"


async def test_the_reference_shows_every_call_and_tries_one(screen: Screen) -> None:
    await screen.page.get_by_role("link", name="API").click()
    document = await (await screen.page.request.get(f"{screen.exchange.url}/openapi.json")).json()
    calls = sum(len(methods) for methods in document["paths"].values())
    await expect(screen.page.locator(".opblock")).to_have_count(calls)
    await screen.page.locator(".opblock-summary", has_text="/depth").click()
    await screen.page.get_by_role("button", name="Try it out").click()
    await screen.page.get_by_placeholder("market").fill(screen.market)
    await screen.page.get_by_role("button", name="Execute").click()
    await expect(screen.page.locator(".live-responses-table")).to_contain_text('"last_sequence": 0')


async def test_the_reference_of_the_websocket_shows_every_message(screen: Screen) -> None:
    await screen.page.get_by_role("link", name="WebSocket").click()
    document = await (await screen.page.request.get(f"{screen.exchange.url}/asyncapi.json")).json()
    described = document["components"]["messages"]
    await expect(screen.page.locator("details")).to_have_count(len(described))
    for name in ("ORDER", "depth_diff"):
        await screen.page.locator(f"#{name} summary").click()
        await expect(screen.page.locator(f"#{name} table").first).to_be_visible()
    await expect(screen.page.locator("#ORDER pre")).to_contain_text('"message_type": "ORDER"')
    assert "`" not in await screen.page.inner_text("body")
    found = await Axe().run(screen.page)
    assert found.violations_count == 0, found.generate_report()
    await screen.page.get_by_role("link", name="The API").click()
    await screen.page.get_by_role("link", name="The WebSocket").click()
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text("The WebSocket")


# One at a time: each that stays open slows all the others. Each is drawn as a whole, with its answers at the end.
OPEN_EACH = """async (names) => {
    const texts = {};
    for (const name of names) {
        const call = document.getElementById(`operations-default-${name}`);
        const summary = call.querySelector(".opblock-summary-control");
        summary.click();
        while (!call.querySelector(".responses-table .response")) await new Promise((resolve) => setTimeout(resolve));
        texts[name] = call.textContent;
        summary.click();
    }
    return texts;
}"""


def shown_as_it_is(part: Any) -> Iterator[str]:
    """Every text of a description of the API that is none for a reader, such as an example or a name."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for each in part:
            yield from shown_as_it_is(each)
    elif isinstance(part, dict):
        for name, each in part.items():
            if name != "description" or not isinstance(each, str):
                yield from shown_as_it_is(each)


async def test_the_reference_has_no_raw_markdown_and_lists_every_code(screen: Screen) -> None:
    await screen.page.get_by_role("link", name="API").click()
    await expect(screen.page.locator(".info table code", has_text="MARKET_NOT_TRADING")).to_be_visible()
    assert "`" not in await screen.page.inner_text("body")
    document = await (await screen.page.request.get(f"{screen.exchange.url}/openapi.json")).json()
    assert [text for text in shown_as_it_is(document["paths"]) if "`" in text] == []
    # A call of each kind; to open all of them would take a minute.
    kinds = {
        (method, "requestBody" in call, bool(call.get("parameters"))): call["operationId"]
        for methods in document["paths"].values()
        for method, call in methods.items()
    }
    texts: dict[str, str] = await screen.page.evaluate(OPEN_EACH, [*kinds.values(), "place"])
    assert len(texts) >= 5
    assert [name for name, text in texts.items() if "`" in text] == []
    assert '"client_order_id": "mine"' in texts["place"]


async def test_a_market_that_does_not_trade_says_so_and_takes_what_it_can(screen: Screen) -> None:
    page, submit = screen.page, screen.page.locator("button.submit")
    heading = page.get_by_role("heading", level=1)
    async with Client(screen.exchange.url) as house:
        await house.set_market_status(screen.market, "halted")
        await expect(heading).to_contain_text("Halted")
        await expect(submit).to_have_text("Halted")
        await expect(submit).to_have_attribute("aria-disabled", "true")
        await expect(page.locator(".market-status")).to_contain_text("takes no orders")
        await house.set_market_status(screen.market, "post_only")
        await expect(submit).to_have_attribute("aria-disabled", "false")
        await screen.fill_in(price="90", quantity="1")
        await screen.submit()
        await expect(screen.notice).to_contain_text("rests in the book")
        await screen.fill_in(kind="Market", quantity="1")
        await expect(submit).to_have_text("Post-only")
        await house.set_market_status(screen.market, "trading")
        await expect(page.locator(".market-status")).to_have_count(0)
        await expect(submit).to_have_attribute("aria-disabled", "false")


async def test_a_market_is_chosen_and_its_book_shown(screen: Screen, fresh_bases: Iterator[str]) -> None:
    other = next(fresh_bases)
    await screen.page.get_by_label("Search markets").fill(other.lower())
    await screen.page.locator(".market-row", has_text=f"{other}/USDC").first.click()
    await expect(screen.page.get_by_role("heading", level=1)).to_have_text(f"{other}/USDC")
    await screen.live()
    await expect(screen.page).to_have_title(re.compile(f"{other}/USDC"))
