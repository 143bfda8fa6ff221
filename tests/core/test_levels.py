"""Price levels that empty and fill again: an empty level is never shown, and the number kept is bounded."""

import random
from collections import Counter

import pytest

from exchange.core.book import IDLE_LEVELS_MAX, BookSide
from exchange.core.commands import CancelOrder, Side
from exchange.core.venue import Venue
from tests.core.stories import SOL_USDC, book_of, cancel, cancel_all, makers, order_of, place, placed, shown, venue_of

MANY = IDLE_LEVELS_MAX + 50
CHECKED_EVERY = 50


def side_of(venue: Venue, side: Side) -> BookSide:
    return venue.markets["SOL_USDC"].book.sides[side]


@pytest.mark.parametrize("at", [101, 102, 103])
def test_an_empty_level_is_not_shown(at: int) -> None:
    venue = venue_of()
    ids = {price: placed(venue, f"maker sell 1 @ {price}") for price in (101, 102, 103)}
    cancel(venue, "maker", ids[at])
    left = [price for price in ids if price != at]
    assert shown(venue) == [f"ask 1 @ {price}" for price in left]
    best = side_of(venue, Side.SELL).best
    assert best is not None
    assert SOL_USDC.price_text(best.price_ticks) == str(left[0])
    assert len(side_of(venue, Side.SELL).depth(10)) == 2


def test_a_taker_passes_over_empty_levels() -> None:
    venue = book_of("alice ask 1 @ 101", "carol ask 1 @ 102", "carol ask 1 @ 103", "maker ask 1 @ 104")
    cancel_all(venue, "carol")
    outcome = place(venue, "bob buy 3 @ 110 IOC")
    assert shown(outcome) == ["1 @ 101", "1 @ 104"]
    assert shown(venue) == []


def test_a_side_that_has_only_empty_levels_has_no_best() -> None:
    venue = book_of("ask 1 @ 101", "ask 1 @ 102", "bid 1 @ 99")
    cancel_all(venue, "maker")
    assert side_of(venue, Side.SELL).best is None
    assert shown(place(venue, "bob buy 1 @ 200")) == []
    assert shown(place(venue, "alice sell 1 @ 150")) == ["1 @ 200"]


@pytest.mark.parametrize("back", [(101, 102, 103), (103, 102, 101), (102, 103, 101)])
def test_a_level_that_fills_again_has_its_place(back: tuple[int, ...]) -> None:
    venue = book_of("ask 1 @ 101", "ask 1 @ 102", "ask 1 @ 103")
    cancel_all(venue, "maker")
    for price in back:
        place(venue, f"alice sell 2 @ {price}")
    assert shown(venue) == ["ask 2 @ 101", "ask 2 @ 102", "ask 2 @ 103"]
    assert shown(place(venue, "bob buy 6 @ 103")) == ["2 @ 101", "2 @ 102", "2 @ 103"]


def test_who_was_in_a_level_before_it_emptied_has_no_priority_in_it() -> None:
    venue = book_of("alice ask 1 @ 101")
    cancel_all(venue, "alice")
    place(venue, "carol sell 1 @ 101")
    place(venue, "alice sell 1 @ 101")
    assert makers(venue, place(venue, "bob buy 2 @ 101")) == ["carol", "alice"]


@pytest.mark.parametrize("side", list(Side))
def test_of_empty_levels_only_so_many_are_kept_and_the_latest(side: Side) -> None:
    venue = venue_of()
    for number in range(MANY):
        order_id = placed(venue, f"maker {side.name.lower()} 1 @ {100 + number}")
        cancel(venue, "maker", order_id)
    book_side = side_of(venue, side)
    assert sorted(book_side.levels) == [SOL_USDC.ticks(str(100 + number)) for number in range(50, MANY)]


def test_one_command_may_empty_more_levels_than_are_kept() -> None:
    venue = venue_of()
    for number in range(MANY):
        place(venue, f"alice sell 1 @ {100 + number}")
    place(venue, f"carol sell 1 @ {100 + MANY}")
    cancel_all(venue, "alice")
    book_side = side_of(venue, Side.SELL)
    assert len(book_side.levels) == IDLE_LEVELS_MAX + 1
    assert shown(venue) == [f"ask 1 @ {100 + MANY}"]
    assert shown(place(venue, f"bob buy 1 @ {100 + MANY}")) == [f"1 @ {100 + MANY}"]


def test_whatever_empties_and_fills_the_depth_is_that_of_the_open_orders() -> None:
    chance, venue = random.Random(1), venue_of()
    prices: dict[int, int] = {}  # of the open orders
    for step in range(3_000):
        sequence = venue.sequence + 1
        if len(prices) < chance.choice((0, 40, 400)):
            price_ticks = 1_000 + int(chance.random() * 3 * IDLE_LEVELS_MAX)
            prices[venue.counts.last_order_id + 1] = price_ticks
            venue.apply(order_of(venue, f"maker buy 0.001 @ {SOL_USDC.price_text(price_ticks)}"), sequence, sequence)
        elif prices:
            order_id = chance.choice(list(prices))
            del prices[order_id]
            venue.apply(CancelOrder("maker", "SOL_USDC", order_id, None), sequence, sequence)
        if step % CHECKED_EVERY == 0:
            venue.check()
            assert side_of(venue, Side.BUY).depth(10_000) == sorted(Counter(prices.values()).items(), reverse=True)
