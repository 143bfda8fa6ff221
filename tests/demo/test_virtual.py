"""All participants on a venue in memory: the same seed gives the same tape, and scenarios do what they say."""

import math
from random import Random

import pytest

from exchange.config import Config
from exchange.core.events import Trade
from exchange.demo.cast import participants, terms_of, triangles, with_markets, with_users
from exchange.demo.fundamental import Fundamental
from exchange.demo.scenario import SCENARIOS
from exchange.demo.virtual import VirtualMarket
from tests.demo.stories import market

CONFIG = with_markets(Config())


def tape(seed: int, until_s: float) -> list[tuple[str, int, int, int]]:
    """The trades as (market, time, price, quantity)."""
    trades: list[tuple[str, int, int, int]] = []

    def add(trade: Trade) -> None:
        trades.append((trade.market, trade.time_ns, trade.price_ticks, trade.quantity_lots))

    VirtualMarket(CONFIG, seed, on_trade=add).run(until_s)
    return trades


def test_the_same_seed_gives_the_same_tape() -> None:
    first = tape(7, 120.0)
    assert len(first) > 200
    assert tape(7, 120.0) == first
    assert tape(8, 120.0) != first


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_book_is_ever_empty_and_the_ledger_is_right(name: str) -> None:
    virtual = VirtualMarket(CONFIG, 3)
    virtual.run(10.0)
    virtual.begin(SCENARIOS[name])
    for step in range(1, 300):
        virtual.run(10.0 + step * 0.5)
        for symbol, one in virtual.venue.markets.items():
            assert one.book.bids.best, (symbol, step)
            assert one.book.asks.best, (symbol, step)
    virtual.venue.check()


@pytest.mark.parametrize(
    ("name", "at_s", "least", "most"),
    [
        ("trend", 600.0, 0.01, 0.03),
        ("crash", 130.0, -0.11, -0.05),
        ("flash-crash", 18.0, -0.08, -0.035),
        ("flash-crash", 120.0, -0.02, 0.01),
    ],
)
def test_a_scenario_moves_the_price_as_it_says(name: str, at_s: float, least: float, most: float) -> None:
    fundamental = Fundamental({"BTC": 60_000.0, "USDC": 1.0}, ("USDC",), Random(1))
    fundamental.advance(50.0)
    before = fundamental.worth["BTC"]
    fundamental.begin(SCENARIOS[name])
    fundamental.advance(50.0 + at_s)
    assert least < math.log(fundamental.worth["BTC"] / before) < most


def test_the_path_does_not_depend_on_when_somebody_looks() -> None:
    often, once = (Fundamental({"BTC": 60_000.0}, (), Random(1)) for _ in range(2))
    for step in range(1000):
        often.advance(step * 0.1)
    once.advance(99.9)
    assert often.worth == once.worth


def test_every_market_has_its_participants_and_every_triangle_an_arbitrageur() -> None:
    markets = terms_of([market("A_Q"), market("B_Q"), market("B_A")])
    assert [[terms.symbol for terms in way] for way in triangles(markets)] == [["A_Q", "B_Q", "B_A"]]
    names = [participant.user_id for participant in participants(markets, 1)]
    assert len(names) == len(set(names)) == 3 * 7 + 1
    users = {user.id for user in with_users(CONFIG).users}
    assert {participant.user_id for participant in participants(terms_of(CONFIG.markets), 1)} <= users
    assert "alice" in users
