"""Where intervals begin, in any time zone."""

from datetime import UTC, datetime

import pytest

from exchange.api.binance.errors import BinanceError
from exchange.api.binance.intervals import LENGTHS_S, interval_of
from exchange.api.binance.time_zones import zone_s


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("name", "zone", "time", "begins"),
    [
        ("1m", "0", "2026-11-28 10:17:59", "2026-11-28 10:17:00"),
        ("4h", "0", "2026-11-28 10:17:59", "2026-11-28 08:00:00"),
        ("1d", "0", "2026-11-28 10:17:59", "2026-11-28 00:00:00"),
        ("1d", "8", "2026-11-28 10:17:59", "2026-11-27 16:00:00"),
        ("1d", "8", "2026-11-28 16:00:00", "2026-11-28 16:00:00"),
        ("1d", "-5:30", "2026-11-28 10:17:59", "2026-11-28 05:30:00"),
        ("1w", "0", "2026-11-28 10:17:59", "2026-11-23 00:00:00"),
        ("1w", "0", "2026-11-23 00:00:00", "2026-11-23 00:00:00"),
        ("1M", "0", "2026-11-28 10:17:59", "2026-11-01 00:00:00"),
        ("1M", "8", "2026-10-31 17:00:00", "2026-10-31 16:00:00"),
        ("3d", "0", "1970-01-07 10:00:00", "1970-01-07 00:00:00"),
    ],
)
def test_an_interval_begins_where_the_zone_says(name: str, zone: str, time: str, begins: str) -> None:
    assert interval_of(name, zone_s(zone)).begin_s(at(time)) == at(begins)


@pytest.mark.parametrize("name", LENGTHS_S)
@pytest.mark.parametrize("zone", ["0", "14", "-12", "5:45"])
def test_going_back_and_forth_ends_where_it_began(name: str, zone: str) -> None:
    interval = interval_of(name, zone_s(zone))
    begin_s = interval.begin_s(at("2026-03-05 06:07:08"))
    later_s = begin_s
    for count in range(1, 30):
        following_s = interval.next_s(later_s)
        assert following_s > later_s
        assert interval.begin_s(following_s - 1) == later_s
        assert interval.begin_s(following_s) == following_s
        assert interval.back_s(following_s, count) == begin_s
        later_s = following_s


@pytest.mark.parametrize("name", LENGTHS_S)
@pytest.mark.parametrize("zone", ["0", "14", "-12", "5:45"])
def test_stored_candles_fit_into_an_interval(name: str, zone: str) -> None:
    interval = interval_of(name, zone_s(zone))
    begin_s = interval.begin_s(at("2026-03-05 06:07:08"))
    assert begin_s % interval.stored_s == 0
    assert interval.next_s(begin_s) % interval.stored_s == 0
    assert (interval.next_s(begin_s) - begin_s) // interval.stored_s <= interval.pieces


@pytest.mark.parametrize("text", ["15", "-13", "1:60", "abc", "+", "1:2", "", "99:99"])
def test_other_zones_are_refused(text: str) -> None:
    with pytest.raises(BinanceError):
        zone_s(text)


def test_other_intervals_are_refused() -> None:
    with pytest.raises(BinanceError) as refused:
        interval_of("7m")
    assert refused.value.code == -1120
