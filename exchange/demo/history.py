"""The days before the demo begins: trades that fill the charts, made by the exchange itself on a virtual clock.

They are sparse, so that they are made in seconds: a trade a market at every step, or two when prices move. The steps
are short in the last hours, which a chart of minutes shows, and less than a minute before. Each trade goes through the
whole exchange, as an order that rests and one that takes it, so the tables, the journal and the candles agree. Only an
empty database gets a history, or one whose history was interrupted: the virtual clock knows whole seconds only, so a
last command at a whole second is one of the history.
"""

import asyncio
import random
import time
from collections.abc import Iterator

import structlog

from exchange.config import Config
from exchange.core.average import NO_PRICE
from exchange.core.commands import Command, OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.demo.cast import KINDS, terms_of
from exchange.demo.fundamental import ACCOUNT, BUSY, Fundamental
from exchange.demo.terms import Terms, start_worth
from exchange.runtime.app import Exchange, OpenStore, build

log = structlog.get_logger(__name__)

NS_PER_S = 1_000_000_000
DAYS = 3
STEP_S, FINE_STEP_S = 50, 10
FINE_S = 7200  # the last part, with short steps
TRADES_MAX = 2  # of one market in one step
SAME_SIDE = 0.6  # the chance that the next taker does what the last one did
USUAL_ORDERS = 12  # a trade here stands for so many orders of a usual size
AHEAD_MAX = 1000  # requests that may be applied and not yet durable


class _Clock:
    """The virtual clock."""

    def __init__(self, now_ns: int) -> None:
        self.time_ns = now_ns

    def now_ns(self) -> int:
        """The time."""
        return self.time_ns


class History:
    """Makes the days up to the second of `until_ns`, from the seed."""

    def __init__(self, config: Config, seed: int, until_ns: int, *, days: float = DAYS) -> None:
        self._config = config
        self._seed = seed
        self._until_s = until_ns // NS_PER_S
        self._begin_s = self._until_s - int(days * 86_400)
        self._clock = _Clock(self._begin_s * NS_PER_S)
        self._terms = terms_of(config.markets)
        self._chance = random.Random(f"{seed}/history")
        self._fundamental = self._worth(start_worth(config.markets))
        self._sides = dict.fromkeys((terms.symbol for terms in self._terms), Side.BUY)

    async def make(self, store: OpenStore) -> bool:
        """Make it, or the rest of it, unless the database has something else in it; whether it did."""
        started = time.monotonic()
        last_s, more_ns = divmod(await _last_ns(store), NS_PER_S)
        if more_ns or last_s + FINE_STEP_S >= self._until_s:
            return False
        self._begin_s = max(self._begin_s, last_s + FINE_STEP_S)
        self._clock.time_ns = self._begin_s * NS_PER_S
        log.info("making a history", days=round((self._until_s - self._begin_s) / 86_400, 2))
        exchange = await build(self._config, store, self._clock.now_ns, self._clock.now_ns)
        self._fundamental = self._worth(self._reached(exchange.venue))
        await exchange.run(lambda: self._trade(exchange))
        log.info("made a history", commands=exchange.venue.sequence, seconds=round(time.monotonic() - started, 1))
        return True

    def _worth(self, worth: dict[str, float]) -> Fundamental:
        chance = random.Random(f"{self._seed}/history/fundamental")
        return Fundamental(worth, (ACCOUNT,), chance, step_s=FINE_STEP_S)

    def _reached(self, venue: Venue) -> dict[str, float]:
        """What the assets are worth by the last trades."""
        worth = start_worth(self._config.markets)
        for terms in self._terms:
            market = venue.markets.get(terms.symbol)
            last = market.state().average[:1] if market is not None else NO_PRICE
            if last and terms.quote == ACCOUNT:
                worth[terms.base] = last[0] * terms.tick_size
        return worth

    async def _trade(self, exchange: Exchange) -> None:
        engine = exchange.engine
        outcomes: list[asyncio.Future[list[object]]] = []
        fine_s = max(self._until_s - FINE_S, self._begin_s)
        for now_s in (*range(self._begin_s, fine_s, STEP_S), *range(fine_s, self._until_s, FINE_STEP_S)):
            self._clock.time_ns = now_s * NS_PER_S
            self._fundamental.advance(now_s - self._begin_s)
            outcomes += [engine.submit_all(list(self._orders(terms))) for terms in self._terms]  # type: ignore[misc]
            while engine.queued()[0]:  # noqa: ASYNC110 - all of it belongs to this moment
                await asyncio.sleep(0)
            if len(outcomes) >= AHEAD_MAX:
                await _all_applied(outcomes)
                outcomes.clear()
        await _all_applied(outcomes)

    def _orders(self, terms: Terms) -> Iterator[Command]:
        """The orders of one market at this step, in pairs that trade with each other."""
        chance = self._chance
        heat = self._fundamental.heat / BUSY[1]
        fair = terms.fair_ticks(self._fundamental.worth)
        for _ in range(1 + sum(chance.random() < heat for _ in range(TRADES_MAX - 1))):
            if chance.random() > SAME_SIDE:
                self._sides[terms.symbol] = Side(1 - self._sides[terms.symbol])
            side = self._sides[terms.symbol]
            wide = 1 + 4 * heat
            away = chance.uniform(0.5, 1.5) * wide
            price = max(round(fair + (away if side is Side.BUY else -away)), 1)
            times = min(chance.lognormvariate(-0.9, 1.0), 10.0) * USUAL_ORDERS * (0.5 + heat)
            lots = max(int(terms.usual_lots * times), terms.usual_lots)
            maker, taker = (f"demo-{chance.choice(kinds)}-{terms.symbol}" for kinds in (KINDS[:2], KINDS[2:]))
            yield _order(terms, maker, Side(1 - side), price, lots, TimeInForce.GTC)
            yield _order(terms, taker, side, price, lots, TimeInForce.IOC)


def _order(terms: Terms, user_id: str, side: Side, price: int, lots: int, lasts: TimeInForce) -> PlaceOrder:
    return PlaceOrder(
        user_id=user_id,
        market=terms.symbol,
        side=side,
        order_type=OrderType.LIMIT,
        time_in_force=lasts,
        post_only=False,
        price_ticks=price,
        quantity_lots=lots,
        client_order_id=None,
    )


async def _last_ns(store: OpenStore) -> int:
    """When the last command was that the database has, 0 if it has none."""
    state = await store.open()
    try:
        unprojected = await store.unprojected(state)
        return unprojected[-1].time_ns if unprojected else state.time_ns
    finally:
        await store.close()


async def _all_applied(outcomes: "list[asyncio.Future[list[object]]]") -> None:
    for several in await asyncio.gather(*outcomes):
        for outcome in several:
            assert isinstance(outcome, Applied), outcome
