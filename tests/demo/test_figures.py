"""The demo looks like a market: twenty minutes of its default seed; docs/demo.md has the figures of an hour."""

import math
from pathlib import Path
from random import Random

import pytest

from exchange.demo.command import DemoOptions
from exchange.demo.fundamental import Fundamental
from tests.demo.figures import LAGS, Tape, autocorrelation, of_demo, of_recording
from tests.demo.plot import plot

MINUTES = 12 * 60  # an hour has too few returns for a figure that holds for every seed
EMPTY_MAX_S = 0.1
SPREAD_MAX_TICKS = 5


@pytest.fixture(scope="module")
def calm() -> Tape:
    return of_demo(DemoOptions().seed, 1200.0)


def test_trade_signs_come_in_runs(calm: Tape) -> None:
    assert calm.sign_correlation() > 0.1


def test_volatility_comes_in_clusters() -> None:
    fundamental = Fundamental({"BTC": 60_000.0}, (), Random(1))
    sizes, last = [], 60_000.0
    for minute in range(1, MINUTES):
        fundamental.advance(minute * 60.0)
        sizes.append(abs(fundamental.worth["BTC"] / last - 1))
        last = fundamental.worth["BTC"]
    assert all(autocorrelation(sizes, lag) > 0.1 for lag in LAGS)


def test_the_spread_is_narrow_and_the_book_is_never_empty(calm: Tape) -> None:
    assert calm.median_spread()[0] <= SPREAD_MAX_TICKS
    assert calm.longest_empty_s < EMPTY_MAX_S


def test_a_plot_has_a_bar_for_each_lag(calm: Tape) -> None:
    drawn = plot([("demo", calm), ("again", calm)])
    assert drawn.startswith("<svg")
    assert drawn.count('fill="#1f6feb"') == 10 + 1
    assert "demo: 20 minutes" in drawn


def test_autocorrelation_is_that_of_the_textbook() -> None:
    assert autocorrelation([1, -1] * 50, 1) == pytest.approx(-0.99)
    assert autocorrelation([1.0] * 5, 1) == 0
    assert math.isclose(autocorrelation([1, 2, 3, 4], 1), 0.25)


def test_a_recording_has_its_trades_and_its_spread(tmp_path: Path) -> None:
    commands, trades = tmp_path / "commands.csv", tmp_path / "trades.csv"
    commands.write_text(
        "seq,ts,action,order_id,side,type,price,qty\n"
        "1,1000,add,1,ask,limit,105,3\n2,1000,add,2,bid,limit,100,5\n3,3000,add,3,bid,limit,105,1\n"
        "4,5000,cancel,2,bid,,100,5\n5,6000,add,4,bid,limit,103,1\n"
    )
    trades.write_text("trade_id,cmd_seq,ts,taker_side,price,qty,buy_order_id,sell_order_id\n1,3,3000,buy,105,1,3,1\n")
    tape = of_recording(commands, trades)
    assert (tape.signs, tape.prices) == ([1], [105])
    assert [ticks for ticks, _ in tape.spreads] == [5, 5, 2]
