"""The page as a test sees and uses it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from exchange.client import Client
from exchange.testing import RunningExchange

DESKTOP = (1440, 900)
PHONE = (390, 844)
PATIENCE_MS = 120_000  # until a test gives up; nothing is asserted about time
POLL_S = 0.05
# What the browser says of a connection that a test cuts, and of an exchange that stops or starts.
CUT = (
    "WebSocket connection to",
    "net::ERR_CONNECTION",
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_SOCKET",
    "the server responded with a status of 503",
)

# Of an order type as a test names it: its group in the form, and its name there.
KINDS: dict[str, tuple[str, str]] = {
    "Limit": ("Limit", "Limit"),
    "Pegged": ("Limit", "Pegged"),
    "Market": ("Market", "For a quantity"),
    "Amount": ("Market", "For an amount"),
}

WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));
"""

Arrange = Callable[[Page], Awaitable[None]]


class Screen:
    """One page of one user on one market."""

    def __init__(self, page: Page, exchange: RunningExchange, base: str, user: str) -> None:
        self.page = page
        self.exchange = exchange
        self.base = base
        self.market = f"{base}_USDC"
        self.user = user
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        page.on("request", self._requested)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(message.text)

    def _note(self, problem: str) -> None:
        if not any(words in problem for words in self.expected):
            self.problems.append(problem)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(self.exchange.url):
            self.problems.append(f"asked {request.url}")

    def expects(self, *words: str) -> None:
        """From now on, a problem with any of these words is part of the test."""
        self.expected = words

    async def live(self) -> None:
        """Wait for the book."""
        await expect(self.book_state).to_have_text("Live")

    # Parts

    @property
    def book_state(self) -> Locator:
        """What the page says of its book."""
        return self.page.locator(".book .state")

    @property
    def notice(self) -> Locator:
        """What became of the last order or cancel."""
        return self.page.locator(".notices:not(.elsewhere) .notice")

    @property
    def open_orders(self) -> Locator:
        """The rows of the open orders."""
        return self.page.locator("tr[data-order]")

    async def levels(self, side: str) -> list[list[str]]:
        """The shown levels of a side, best first: price, quantity, running total."""
        rows: list[list[str]] = await self.page.evaluate(
            """(side) => [...document.querySelectorAll(`.level.${side}:enabled`)].map((row) =>
                [...row.querySelectorAll("span:not(.level-bar)")].map((cell) => cell.textContent))""",
            side,
        )
        return rows if side == "bid" else rows[::-1]

    async def shows(self, side: str, expected: list[list[str]]) -> None:
        """Wait until the first levels of a side are these, each as far as it is given."""
        shown: list[list[str]] = []
        for _ in range(round(PATIENCE_MS / 1000 / POLL_S)):
            shown = await self.levels(side)
            if [row[: len(cells)] for row, cells in zip(shown, expected, strict=False)] == expected:
                return
            await asyncio.sleep(POLL_S)
        assert shown == expected

    async def fits(self, size: tuple[int, int] = PHONE) -> None:
        """Wait until nothing of the page is wider than the screen."""
        await self.page.wait_for_function("(most) => document.documentElement.scrollWidth <= most", arg=size[0])

    def preview(self, name: str) -> Locator:
        """One figure of the preview."""
        label = self.page.locator("dt", has_text=name)
        return self.page.locator(".preview > div").filter(has=label).locator("dd")

    # Doing

    async def choose(self, side: str, kind: str) -> None:
        """Choose the side and, by its name or the one in its group, the type."""
        group, name = KINDS.get(kind, ("List" if kind.startswith("O") else "Stop", kind))
        await self.page.locator(".choices.side label", has_text=side).click()
        await self.page.locator(".choices.type label", has_text=group).click()
        await self.page.get_by_label("Type", exact=True).select_option(label=name)

    async def fill_in(self, *, side: str = "Buy", kind: str = "Limit", **fields: str) -> None:
        """Choose and type, as a person does."""
        await self.choose(side, kind)
        for name, value in fields.items():
            await self.page.locator(f"#order-{name}").fill(value)

    async def submit(self) -> None:
        """Press the button."""
        await self.page.locator("button.submit").click()

    async def place(self, user: str, side: str, price: str, quantity: str, **more: Any) -> None:
        """Place an order as somebody else would, over the API."""
        order = {
            "market": self.market,
            "side": side,
            "order_type": "limit",
            "price": price,
            "quantity": quantity,
            **more,
        }
        async with Client(self.exchange.url, user) as client:
            await client.place(order)

    async def trade_at(self, price: str) -> None:
        """Others trade at that price, so that it is the last one."""
        trades = self.page.locator(".tape tbody tr")
        before = await trades.count()
        await self.place(self.someone(), "sell", price, "0.1")
        await self.place(self.someone(), "buy", price, "0.1")
        await expect(trades).to_have_count(before + 1)

    async def quote(self, *, bids: list[str], asks: list[str]) -> None:
        """Somebody quotes 50 at each of these prices, best first, and the page shows no others."""
        maker = self.someone()
        for side, levels in (("buy", bids), ("sell", asks)):
            for price in levels:
                await self.place(maker, side, price, "50")
        for side, levels in (("bid", bids), ("ask", asks)):
            await expect(self.page.locator(f".level.{side}:enabled")).to_have_count(len(levels))
            await self.shows(side, [[f"{price}.00"] for price in levels])

    def someone(self) -> str:
        """Another user with plenty."""
        return self.exchange.user(**{self.base: "100000", "USDC": "10000000"})


class Screens:
    """Opens pages, and judges all of them at the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._screens: list[Screen] = []

    async def open(
        self,
        exchange: RunningExchange,
        base: str,
        user: str,
        *,
        size: tuple[int, int] = DESKTOP,
        arrange: Arrange | None = None,
        **options: Any,
    ) -> Screen:
        """A page in a browser profile of its own, with a live book. `arrange` is called before it is loaded."""
        width, height = size
        # Without motion, so that nothing is looked at while it appears.
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        chosen = (
            f"localStorage.setItem('exchange.user', {user!r}); localStorage.setItem('exchange.market', '{base}_USDC');"
        )
        await context.add_init_script(chosen + WATCH_POLICY)
        page = await context.new_page()
        screen = Screen(page, exchange, base, user)
        self._screens.append(screen)
        if arrange is not None:
            await arrange(page)
        await page.goto(exchange.url)
        await screen.live()
        return screen

    async def close(self) -> None:
        """Close all pages; none may have had a problem."""
        for context in self._contexts:
            await context.close()
        assert [problem for screen in self._screens for problem in screen.problems] == []
