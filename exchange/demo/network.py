"""The participants on a running exchange, as clients: each with a socket of its own.

They decide as on a virtual clock, in the same order and at the same times. What they see depends on when the answers
arrive, so the tape is not the same each time. Whoever waits for an answer misses its turn.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from exchange.client import ApiError, Book, Client, Event, Feed, Gap, KeyRing, Socket, Step, Unreachable
from exchange.config import MarketConfig
from exchange.demo.cast import participants, terms_of
from exchange.demo.fundamental import ACCOUNT, Fundamental
from exchange.demo.kinds.participant import Participant
from exchange.demo.scenario import Scenario
from exchange.demo.schedule import Schedule
from exchange.demo.seen import LEVELS_SEEN, BookSeen, Decision, Levels, Place, Seen
from exchange.demo.terms import start_worth
from exchange.failure import Failure

OPEN = ("open", "partially_filled")
LATE_MAX_S = 2.0  # after a longer pause of the machine, time goes on from there
WITHDRAW_S = 3.0


class NetworkMarket:
    """All participants on one exchange. At `rate` 2 time goes twice as fast."""

    def __init__(self, markets: Sequence[MarketConfig], *, seed: int, rate: float, scenario: Scenario) -> None:
        """`keys` is set before `play` where calls are signed."""
        self.keys: KeyRing | None = None
        self._url = ""
        self._markets = list(markets)
        self._rate = rate
        self._terms = terms_of(markets)
        self._lots = {terms.symbol: terms.lot for terms in self._terms}
        self._ticks = {terms.symbol: terms.tick for terms in self._terms}
        self.participants = participants(self._terms, seed)
        # The same ids must not be used again on a database that is kept.
        run = f"{time.time_ns() // 1_000_000:x}"
        for number, participant in enumerate(self.participants):
            participant.prefix = f"{run}-{number}-"
        self._chance = random.Random(f"{seed}/fundamental")
        self._schedule = Schedule(self.participants)
        self._scenario = scenario
        self._fundamental: Fundamental | None = None
        self._sockets: dict[str, Socket] = {}
        self._books: dict[str, Book] = {}
        self._busy: set[str] = set()  # users who wait for an answer
        self._uncertain: set[str] = set()  # users of whom it is not known what is open
        self._acting: asyncio.TaskGroup | None = None
        self._house: Client | None = None
        self._halted = False  # by a scenario

    @property
    def scenario(self) -> Scenario:
        """The scenario that has begun last."""
        return self._scenario

    def begin(self, scenario: Scenario) -> None:
        """Let a scenario begin now."""
        self._scenario = scenario
        if self._fundamental is not None and self._acting is not None:
            self._fundamental.begin(scenario)
            self._acting.create_task(self._set_status(scenario), name=f"demo: {scenario.name}")

    async def play(self, url: str) -> None:
        """Trade on the exchange at `url` until canceled. Raises Failure when it cannot begin."""
        self._url = url
        async with AsyncExitStack() as stack:
            try:
                feeds = await self._enter(stack)
            except (ApiError, Unreachable) as error:
                raise Failure(f"The demo cannot start: {error}.") from error
            async with asyncio.TaskGroup() as self._acting:
                for feed in feeds:
                    self._acting.create_task(self._follow(feed), name="demo: orders")
                self.begin(self._scenario)
                await self._take_turns()

    async def withdraw(self) -> None:
        """Cancel all orders of all participants, once `play` has ended. Gives up after a while."""
        if not self._url:
            return
        try:
            async with asyncio.timeout(WITHDRAW_S), Client(self._url, key=self.keys) as client:
                for participant in self.participants:
                    await client.cancel_all(user_id=participant.user_id)
                if self._halted:
                    await client.set_market_status(self._terms[0].symbol, "trading")
        except (ApiError, Unreachable, TimeoutError):
            pass  # the exchange ends anyway; its next start finds these orders, and `_enter` cancels them

    # --- the beginning

    async def _enter(self, stack: AsyncExitStack) -> list[Feed]:
        """Connect, and see the books and what becomes of orders."""
        house = self._house = await stack.enter_async_context(Client(self._url, key=self.keys))
        worth = start_worth(self._markets)
        for terms in self._terms:
            trades, _ = await house.trades(terms.symbol, limit=1)
            if trades and terms.quote == ACCOUNT:  # it goes on from where the market was left
                worth[terms.base] = float(trades[0]["price"])
        self._fundamental = Fundamental(worth, (ACCOUNT,), self._chance)
        watching = await stack.enter_async_context(Socket(self._url))
        for terms in self._terms:
            self._books[terms.symbol] = await watching.book(terms.symbol)
        for participant in self.participants:
            user_id = participant.user_id
            await house.cancel_all(user_id=user_id)
            connecting = Socket(self._url, user_id, key=await house.key_of(user_id))
            self._sockets[user_id] = await stack.enter_async_context(connecting)
        return [await socket.subscribe(f"orders@{user_id}") for user_id, socket in self._sockets.items()]

    # --- turns

    async def _take_turns(self) -> None:
        assert self._fundamental is not None
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            now_s = self._schedule.due_s
            late_s = loop.time() - started - now_s / self._rate
            if late_s > LATE_MAX_S:
                started += late_s
            await asyncio.sleep(max(0.0, -late_s))
            self._fundamental.advance(now_s)
            self._turn(self._schedule.next(self._fundamental.activity), now_s)

    def _turn(self, participant: Participant, now_s: float) -> None:
        """Let the participant decide, unless it waits for an answer or a book is not there."""
        user_id, acting = participant.user_id, self._acting
        assert acting is not None
        if user_id in self._busy or not all(self._books[market].current for market in participant.markets):
            return
        if user_id in self._uncertain:
            self._busy.add(user_id)
            acting.create_task(self._begin_again(participant), name=f"demo: {user_id}")
            return
        decisions = participant.decide(self._seen(participant, now_s))
        if decisions:
            self._busy.add(user_id)
            acting.create_task(self._carry_out(participant, decisions), name=f"demo: {user_id}")

    def _seen(self, participant: Participant, now_s: float) -> Seen:
        assert self._fundamental is not None
        worth = self._fundamental.worth
        books = {}
        for terms in self._terms:
            if terms.symbol in participant.markets:
                book, tick, lot = self._books[terms.symbol], terms.tick, terms.lot
                bids, asks = _levels(book.bids(LEVELS_SEEN), tick, lot), _levels(book.asks(LEVELS_SEEN), tick, lot)
                books[terms.symbol] = BookSeen(bids, asks, terms.fair_ticks(worth))
        return Seen(now_s, books, self._fundamental.scenario, self._fundamental.activity)

    async def _carry_out(self, participant: Participant, decisions: Sequence[Decision]) -> None:
        try:
            results = await self._sockets[participant.user_id].orders([self._item(made) for made in decisions])
            for decision, result in zip(decisions, results, strict=True):
                if "code" in result:
                    participant.ended(decision.client_order_id)
        except (ApiError, Unreachable):  # too busy, or the connection is lost, and comes back by itself
            self._uncertain.add(participant.user_id)
        finally:
            self._busy.discard(participant.user_id)

    async def _begin_again(self, participant: Participant) -> None:
        try:
            await self._sockets[participant.user_id].cancel_all()
            participant.forget()
            self._uncertain.discard(participant.user_id)
        except (ApiError, Unreachable):
            pass  # at its next turn
        finally:
            self._busy.discard(participant.user_id)

    def _item(self, decision: Decision) -> dict[str, Any]:
        market, name = decision.market, decision.client_order_id
        if not isinstance(decision, Place):
            return {"cancel": {"market": market, "client_order_id": name}}
        return {
            "market": market,
            "side": decision.side,
            "order_type": "limit",
            "price": self._ticks[market].text(decision.price_ticks),
            "quantity": self._lots[market].text(decision.quantity_lots),
            "time_in_force": "gtc" if decision.rests else "ioc",
            "client_order_id": name,
        }

    # --- what becomes of orders

    async def _follow(self, feed: Feed) -> None:
        by_channel = {f"orders@{participant.user_id}": participant for participant in self.participants}
        async for item in feed:
            participant = by_channel[item.channel]
            if isinstance(item, Gap):
                self._uncertain.add(participant.user_id)
            else:
                self._tell(participant, item)

    def _tell(self, participant: Participant, event: Event) -> None:
        if event.data["type"] != "update":
            return
        order, fill = event.data["order"], event.data["fill"]
        if fill is not None:
            market = order["market"]
            participant.filled(market, order["side"], self._lots[market].count(fill["quantity"]))
        if order["status"] not in OPEN and order["client_order_id"] is not None:
            participant.ended(order["client_order_id"])

    # --- the market's status

    async def _set_status(self, scenario: Scenario) -> None:
        """Halt the first market, where the scenario says so, and let it trade again."""
        assert self._house is not None
        market = self._terms[0].symbol
        try:
            if scenario.halt_s:
                self._halted = True
                await self._house.set_market_status(market, "halted")
                await asyncio.sleep(scenario.halt_s / self._rate)
            if self._halted and self._scenario is scenario:  # else the one that has begun since does it
                await self._house.set_market_status(market, "trading")
                self._halted = False
        except (ApiError, Unreachable):
            pass  # the market stays as it is


def _levels(levels: Sequence[tuple[str, str]], tick: Step, lot: Step) -> Levels:
    return [(tick.count(price), lot.count(quantity)) for price, quantity in levels]
