"""`exchange demo`: an exchange, and participants who trade on it over its public API.

The participants know only the addresses, as they would of any exchange.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from exchange.client import ApiError, Client, Market, Socket, Unreachable
from exchange.config import Config
from exchange.demo.maker import Maker
from exchange.demo.taker import Taker
from exchange.demo.view import View
from exchange.demo.walk import Walk
from exchange.failure import Failure
from exchange.logs import announce
from exchange.runtime.serve import ServeOptions, serve

MAKERS = ("demo-maker-1", "demo-maker-2")
TAKERS = ("demo-taker-1", "demo-taker-2")
WALK_EVERY_S = 0.5
USUAL_ORDERS = 1_000_000  # so many of a usual size can a participant pay for at once
LONGEST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The same `seed` gives the same participants; at `speed` 2 they act twice as often."""

    seed: int = 1
    speed: float = 1.0


class Strategy(Protocol):
    """A participant that acts at intervals."""

    every_s: float

    async def begin(self) -> None:
        """Before the first step, and again when an answer was lost."""

    async def step(self) -> None:
        """Do it. May raise what the client raises."""


async def demo(config: Config, serve_options: ServeOptions, options: DemoOptions) -> None:
    """Serve and trade until SIGINT or SIGTERM. Raises as `serve` does."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def play() -> None:
        await Participants(await ready, options).play()

    async with asyncio.TaskGroup() as group:
        playing = group.create_task(play(), name="participants")
        await serve(config, replace(serve_options, on_ready=lambda url, _: ready.set_result(url)))
        playing.cancel()


class Participants:
    """All participants of the demo."""

    def __init__(self, url: str, options: DemoOptions) -> None:
        self._url = url
        self._options = options

    async def play(self) -> None:
        """Until canceled. Raises Failure when it cannot begin."""
        async with AsyncExitStack() as stack:
            try:
                await self._begin(stack)
            except (ApiError, Unreachable) as error:
                raise Failure(f"The demo cannot start: {error}.") from error

    async def _begin(self, stack: AsyncExitStack) -> None:
        async with Client(self._url) as house:
            rules = await house.markets()
            walks = [await self._walk(house, market) for market in rules]
            for user_id in (*MAKERS, *TAKERS):
                await self._fund(house, user_id, rules, walks)
        sockets = {
            user_id: await stack.enter_async_context(Socket(self._url, user_id)) for user_id in (*MAKERS, *TAKERS)
        }
        watching = await stack.enter_async_context(Socket(self._url))
        books = [await watching.book(walk.market) for walk in walks]
        trades = await watching.subscribe(*(f"trade@{walk.market}" for walk in walks))
        view = View(books, trades, {walk.market: walk.tick for walk in walks})
        strategies: list[tuple[str, Strategy]] = []
        for walk, book in zip(walks, books, strict=True):
            for user_id in MAKERS:
                strategies.append((user_id, Maker(sockets[user_id], walk, self._chance(user_id, walk.market))))
            for user_id in TAKERS:
                strategies.append((user_id, Taker(sockets[user_id], walk, book, self._chance(user_id, walk.market))))
        self._say(walks)
        async with asyncio.TaskGroup() as group:
            group.create_task(view.follow(), name="demo: trades")
            group.create_task(view.show(), name="demo: view")
            group.create_task(self._wander(walks), name="demo: walk")
            for number, (user_id, strategy) in enumerate(strategies):
                chance = self._chance(user_id, str(number))
                group.create_task(self._act(strategy, chance), name=f"demo: {user_id}")

    def _chance(self, *names: str) -> random.Random:
        return random.Random("/".join((str(self._options.seed), *names)))

    async def _walk(self, house: Client, rules: Market) -> Walk:
        """From where the market was left, if it was."""
        trades, _ = await house.trades(rules["market"], limit=1)
        return Walk(rules, self._chance(rules["market"]), trades[0]["price"] if trades else None)

    async def _fund(self, house: Client, user_id: str, rules: Sequence[Market], walks: Sequence[Walk]) -> None:
        for market, walk in zip(rules, walks, strict=True):
            amounts = {
                market["base"]: walk.lot.text(walk.usual_lots * USUAL_ORDERS),
                market["quote"]: str(walk.usual_quote * USUAL_ORDERS),
            }
            for asset, amount in amounts.items():
                # One key for ever: a kept database does not credit them again.
                await house.deposit(asset, amount, f"{user_id}-{market['market']}-{asset}", user_id)

    async def _wander(self, walks: Sequence[Walk]) -> None:
        while True:
            for walk in walks:
                walk.step()
            await asyncio.sleep(WALK_EVERY_S / self._options.speed)

    async def _act(self, strategy: Strategy, chance: random.Random) -> None:
        begun = False
        while True:
            try:
                if not begun:
                    await strategy.begin()
                    begun = True
                await strategy.step()
            except Unreachable:
                begun = False  # the socket comes back by itself; what became of the last step is not known
            except ApiError:
                await asyncio.sleep(LONGEST_WAIT_S)  # too busy, or the market is halted
            # Not all at the same moment.
            await asyncio.sleep(strategy.every_s * chance.uniform(0.5, 1.5) / self._options.speed)

    def _say(self, walks: Sequence[Walk]) -> None:
        who = ", ".join((*MAKERS, *TAKERS))
        announce(f"The demo trades {', '.join(walk.market for walk in walks)} as {who}. To see it, open for example")
        announce(f"  {self._url}/depth?market={walks[0].market}&limit=5")
        announce(f"  {self._url}/trade/history?market={walks[0].market}&limit=5")
        announce(f"  {self._url}/docs")
        announce("Ctrl-C ends it.")
