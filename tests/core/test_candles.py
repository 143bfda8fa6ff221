"""Candles: what the trades of an interval make, whichever way they are added up."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core.candles import INTERVAL_NAMES, Candle, candles_of, open_s
from exchange.core.commands import Side
from exchange.core.events import INTERVALS_S, Trade

SECOND_NS = 1_000_000_000
DAY_S = 86_400
MIDNIGHT_S = 1_700_006_400


def trade_at(
    time_s: float, price_ticks: int = 100, lots: int = 1, market: str = "A_B", number: int = 1, side: Side = Side.BUY
) -> Trade:
    """A match at that time, the market's `number`-th."""
    time_ns, quote = int(time_s * SECOND_NS), price_ticks * lots
    return Trade(1, market, price_ticks, lots, quote, side, 1, 2, "m", "t", 0, 0, time_ns, number, number)


def shown(candle: Candle) -> tuple[object, ...]:
    """All that a candle says."""
    trades = (candle.trades, candle.first_market_trade_id, candle.last_market_trade_id)
    volumes = (candle.volume_lots, candle.quote_minor, candle.taker_buy_lots, candle.taker_buy_quote_minor)
    return (candle.open_s, *candle.prices(), *volumes, *trades)


def test_a_candle_opens_with_the_first_trade_and_closes_with_the_last() -> None:
    trades = [trade_at(MIDNIGHT_S + second, price) for second, price in enumerate((100, 130, 90, 110))]
    candle = candles_of(trades)["A_B", 60, MIDNIGHT_S]
    assert candle.prices() == (100, 130, 90, 110)
    assert (candle.volume_lots, candle.quote_minor, candle.trades) == (4, 430, 4)


def test_an_interval_holds_its_first_moment_and_not_that_of_the_next() -> None:
    for interval_s in INTERVALS_S:
        last_ns = (MIDNIGHT_S + interval_s) * SECOND_NS - 1
        assert open_s(MIDNIGHT_S * SECOND_NS, interval_s) == open_s(last_ns, interval_s) == MIDNIGHT_S
        assert open_s(last_ns + 1, interval_s) == MIDNIGHT_S + interval_s


def test_every_interval_has_a_name_and_is_made_of_whole_shorter_ones() -> None:
    assert dict(zip(INTERVAL_NAMES, INTERVALS_S, strict=True)) == {
        "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400,
    }  # fmt: skip
    assert all(longer % shorter == 0 for shorter, longer in itertools.pairwise(INTERVALS_S))


def test_a_minute_without_trades_has_no_candle() -> None:
    made = candles_of([trade_at(MIDNIGHT_S), trade_at(MIDNIGHT_S + 150)])
    assert [begin for (_, interval_s, begin) in made if interval_s == 60] == [MIDNIGHT_S, MIDNIGHT_S + 120]


def test_a_part_that_is_taken_out_and_merged_in_again_changes_nothing() -> None:
    whole = candles_of([trade_at(MIDNIGHT_S, 100), trade_at(MIDNIGHT_S + 70, 90), trade_at(MIDNIGHT_S + 80, 120)])
    day, minute = whole["A_B", DAY_S, MIDNIGHT_S], whole["A_B", 60, MIDNIGHT_S + 60]
    before = shown(day)
    day.without(minute)
    assert (day.volume_lots, day.trades) == (1, 1)
    day.merge(minute)
    assert shown(day) == before


@settings(deadline=None, derandomize=True, max_examples=150, database=None)
@given(
    st.lists(
        st.tuples(
            *(st.integers(0, 3 * DAY_S), st.integers(1, 50), st.integers(1, 9)),
            *(st.sampled_from(("A_B", "A_C")), st.sampled_from(Side)),
        ),
        max_size=40,
    ),
    st.integers(0, 40),
)
def test_candles_are_the_plain_sums_of_their_trades_and_parts_merge(
    told: list[tuple[int, int, int, str, Side]], cut: int
) -> None:
    trades = [
        trade_at(MIDNIGHT_S + at, price, lots, market, number, side)
        for number, (at, price, lots, market, side) in enumerate(sorted(told), 1)
    ]
    made = candles_of(trades)
    groups: dict[tuple[str, int, int], list[Trade]] = {}
    for trade in trades:
        for interval_s in INTERVALS_S:
            begin_s = trade.time_ns // SECOND_NS // interval_s * interval_s
            groups.setdefault((trade.market, interval_s, begin_s), []).append(trade)
    plain = {key: _plain(key[2], group) for key, group in groups.items()}
    assert {key: shown(candle) for key, candle in made.items()} == plain
    # As the database adds up what one commit after the other brings.
    merged = candles_of(trades[:cut])
    for key, candle in candles_of(trades[cut:]).items():
        if key in merged:
            merged[key].merge(candle)
        else:
            merged[key] = candle
    assert {key: shown(candle) for key, candle in merged.items()} == plain


def _plain(begin_s: int, group: list[Trade]) -> tuple[object, ...]:
    prices = [trade.price_ticks for trade in group]
    bought = [trade for trade in group if trade.taker_side is Side.BUY]
    volumes = [
        volume
        for part in (group, bought)
        for volume in (sum(trade.quantity_lots for trade in part), sum(trade.quote_minor for trade in part))
    ]
    ids = (len(group), group[0].market_trade_id, group[-1].market_trade_id)
    return (begin_s, prices[0], max(prices), min(prices), prices[-1], *volumes, *ids)
