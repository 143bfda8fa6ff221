"""The names of streams, and the intervals of klines."""

from datetime import UTC, datetime

import pytest

from exchange.api.binance.intervals import LENGTHS_S, interval_of
from exchange.api.binance.streams_names import Shows, StreamName, parse_name

NOON_S = 1_700_049_600  # Wednesday, 15 November 2023, 12:00 UTC


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("solusdc@trade", StreamName(Shows.TRADES, "SOLUSDC")),
        ("solusdc@aggTrade", StreamName(Shows.AGGREGATES, "SOLUSDC")),
        ("solusdc@kline_1M", StreamName(Shows.KLINE, "SOLUSDC", "1M")),
        ("solusdc@kline_1m@+08:00", StreamName(Shows.KLINE, "SOLUSDC", "1m", 28_800)),
        ("solusdc@ticker_4h", StreamName(Shows.WINDOW, "SOLUSDC", "4h")),
        ("solusdc@depth", StreamName(Shows.DIFFS, "SOLUSDC")),
        ("solusdc@depth@100ms", StreamName(Shows.DIFFS, "SOLUSDC", fast=True)),
        ("solusdc@depth10@1000ms", StreamName(Shows.LEVELS, "SOLUSDC", levels=10)),
        ("solusdc@depth20@100ms", StreamName(Shows.LEVELS, "SOLUSDC", levels=20, fast=True)),
        ("!ticker@arr", StreamName(Shows.TICKER, None)),
        ("!miniTicker@arr", StreamName(Shows.MINI_TICKER, None)),
        ("!miniTicker@arr@1000ms", StreamName(Shows.MINI_TICKER, None)),
        ("!ticker_1d@arr", StreamName(Shows.WINDOW, None, "1d")),
    ],
)
def test_a_name_says_what_is_shown(text: str, name: StreamName) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "@", "solusdc", "solusdc@", "@trade", "SOLUSDC@trade", "solusdc@Trade", "solusdc@kline_2m"),
        *("solusdc@kline_1m@+09:00", "solusdc@depth7", "solusdc@depth@10ms", "solusdc@ticker_2h", "solusdc@kline_"),
        *("!ticker", "!ticker@", "!ticker_2h@arr", "!bookTicker@arr", "!trade@arr", "solusdc@trade@trade", "ü@trade"),
        *("solusdc@bookTicker\n", "a" * 21 + "@trade", "solusdc@kline_٣m"),
    ],
)
def test_other_names_are_of_no_stream(text: str) -> None:
    assert parse_name(text) is None


@pytest.mark.parametrize("offset_s", [0, 28_800])
@pytest.mark.parametrize("name", LENGTHS_S)
def test_an_interval_follows_the_one_before(name: str, offset_s: int) -> None:
    interval = interval_of(name, offset_s)
    begins_s = interval.begin_s(NOON_S)
    ends_s = interval.next_s(begins_s)
    assert begins_s <= NOON_S < ends_s
    assert interval.begin_s(ends_s - 1) == begins_s
    assert interval.begin_s(ends_s) == ends_s
    assert begins_s % interval.stored_s == ends_s % interval.stored_s == 0
    assert ends_s - begins_s <= interval.pieces * interval.stored_s


@pytest.mark.parametrize(
    ("interval", "offset_s", "begins"),
    [
        ("1w", 0, "2023-11-13 00:00"),  # a Monday
        ("1M", 0, "2023-11-01 00:00"),
        ("3d", 0, "2023-11-13 00:00"),
        ("1d", 28_800, "2023-11-14 16:00"),
        ("1w", 28_800, "2023-11-12 16:00"),
        ("1M", 28_800, "2023-10-31 16:00"),
    ],
)
def test_days_weeks_and_months_begin_at_midnight_there(interval: str, offset_s: int, begins: str) -> None:
    assert f"{datetime.fromtimestamp(interval_of(interval, offset_s).begin_s(NOON_S), UTC):%Y-%m-%d %H:%M}" == begins
