"""What a market takes in each status, and what a change of it counts."""

import pytest

from exchange.core.commands import SetMarketStatus
from exchange.core.events import MarketChanged
from exchange.core.instrument import MarketStatus
from exchange.core.outcome import Applied, Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    book_of,
    cancel,
    cancel_all,
    do,
    events_of,
    place,
    placed,
    refusal,
    same_order,
    shown,
    status,
)


def become(venue: Venue, name: str, market: str = "SOL_USDC") -> Outcome:
    return do(venue, SetMarketStatus(market, MarketStatus[name.upper()]))


@pytest.mark.parametrize("name", ["halted", "cancel_only"])
@pytest.mark.parametrize(
    "order", ["buy 1 @ 100", "buy 1 @ 100 POST", "buy 1 @ 110 IOC", "buy 1 @ 110 FOK", "sell 1 at market"]
)
def test_a_closed_market_takes_no_order(name: str, order: str) -> None:
    venue = book_of("ask 1 @ 105", "bid 1 @ 95")
    become(venue, name)
    assert refusal(place(venue, f"carol {order}")) == "MARKET_NOT_TRADING"


@pytest.mark.parametrize("name", ["halted", "cancel_only", "post_only"])
def test_cancels_are_taken_in_every_status(name: str) -> None:
    venue = book_of("bob ask 1 @ 105", "bob ask 1 @ 106")
    first = placed(venue, "bob sell 1 @ 107")
    become(venue, name)
    assert status(cancel(venue, "bob", first)) == "canceled 0 of 1"
    cancel_all(venue, "bob")
    assert shown(venue) == []


def test_a_post_only_market_takes_what_rests() -> None:
    venue = book_of("ask 1 @ 105", "bid 1 @ 95")
    become(venue, "post_only")
    assert status(place(venue, "carol buy 1 @ 104")) == "open 0 of 1"
    assert status(place(venue, "carol sell 1 @ 106 POST")) == "open 0 of 1"


@pytest.mark.parametrize(
    "order", ["buy 1 @ 105", "buy 1 @ 100 IOC", "buy 1 @ 100 FOK", "buy 1 at market", "sell 1 @ 90"]
)
def test_a_post_only_market_takes_nothing_that_could_trade(order: str) -> None:
    venue = book_of("ask 1 @ 105", "bid 1 @ 95")
    become(venue, "post_only")
    assert refusal(place(venue, f"carol {order}")) == "MARKET_NOT_TRADING"


def test_a_post_only_order_that_would_trade_is_refused_as_in_any_market() -> None:
    venue = book_of("ask 1 @ 105")
    become(venue, "post_only")
    assert refusal(place(venue, "carol buy 1 @ 105 POST")) == "WOULD_TAKE"


def test_a_retry_finds_its_order_in_every_status() -> None:
    venue = book_of("ask 1 @ 105")
    kept = placed(venue, "bob buy 1 @ 100 as kept")
    for name in ("post_only", "cancel_only", "halted"):
        become(venue, name)
        assert same_order(place(venue, "bob buy 1 @ 100 as kept")) == kept


def test_a_market_that_trades_again_takes_everything() -> None:
    venue = book_of("ask 1 @ 105")
    become(venue, "halted")
    become(venue, "trading")
    assert shown(place(venue, "carol buy 1 at market")) == ["1 @ 105"]


def test_a_change_is_one_event_and_counts_as_a_change_of_the_best() -> None:
    venue = book_of("ask 1 @ 105")
    before = venue.markets["SOL_USDC"].changed()
    (event,) = events_of(become(venue, "post_only"))
    assert isinstance(event, MarketChanged)
    assert event.status is MarketStatus.POST_ONLY
    assert (event.best_sequence, event.depth_sequence) == (before.best_sequence + 1, before.depth_sequence)
    assert event.best_ask == before.best_ask


def test_the_status_that_it_has_changes_nothing() -> None:
    venue = book_of("ask 1 @ 105")
    assert become(venue, "trading") is None


def test_there_is_no_status_of_an_unknown_market() -> None:
    assert refusal(become(book_of("ask 1 @ 105"), "halted", "NO_WHERE")) == "UNKNOWN_MARKET"


def test_a_status_survives_in_the_state() -> None:
    venue = book_of("ask 1 @ 105")
    assert isinstance(become(venue, "cancel_only"), Applied)
    restored = Venue.restore(venue.state())
    assert refusal(place(restored, "carol buy 1 @ 100")) == "MARKET_NOT_TRADING"
