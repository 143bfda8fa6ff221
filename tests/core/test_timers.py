"""Cancel-all-after: a user's orders end at a time, unless it is put off."""

import pytest

from exchange.core.commands import CancelOrder, SetMarketStatus
from exchange.core.effects import CanceledById
from exchange.core.events import OrderUpdated
from exchange.core.instrument import MarketStatus
from exchange.core.outcome import Applied, Outcome
from exchange.core.timers import TIMEOUT_MAX_MS, CancelAllAfter, RunTimer, TimerSet
from exchange.core.venue import Venue
from tests.core.stories import book_of, do, events_of, placed, refusal, retold, shown, two_markets, venue_of

MS = 1_000_000


def after(venue: Venue, timeout_ms: int, market: str | None = None, user_id: str = "bob") -> Outcome:
    return do(venue, CancelAllAfter(user_id, market, timeout_ms))


def run(venue: Venue, time_ns: int) -> Outcome:
    """What the engine does at that time."""
    venue.time_ns = time_ns - 1
    return do(venue, RunTimer())


def reasons(outcome: Outcome) -> list[str]:
    updates = [event for event in events_of(outcome) if isinstance(event, OrderUpdated)]
    assert all(update.expire_reason is not None for update in updates)
    return [update.expire_reason.name for update in updates if update.expire_reason is not None]


def test_all_orders_of_a_user_end_when_the_time_is_over() -> None:
    venue = two_markets()
    for text in ("bob bid 1 @ 99", "bob ask 1 @ 101 on SOL_EUR", "bob sell 1 at market stop 90", "carol bid 2 @ 98"):
        placed(venue, text)
    set_at = after(venue, 5)
    due_ns = venue.time_ns + 5 * MS
    assert isinstance(set_at, Applied)
    assert set_at.events == [TimerSet("bob", None, due_ns)]
    venue = retold(venue)
    assert run(venue, due_ns - 1) is None
    ended = run(venue, due_ns)
    assert reasons(ended) == ["CANCEL_ALL_AFTER"] * 3
    assert TimerSet("bob", None, None) in events_of(ended)
    assert [order.terms.user_id for market in venue.markets.values() for order in market.all_open()] == ["carol"]
    assert run(retold(venue), due_ns + 1) is None


def test_another_call_replaces_the_time_of_its_market_only() -> None:
    venue = two_markets()
    placed(venue, "bob bid 1 @ 99 on SOL_EUR")
    placed(venue, "bob bid 1 @ 99 on SOL_USDC")
    after(venue, 5, "SOL_EUR")
    after(venue, 100, "SOL_USDC")
    first_ns = venue.time_ns
    after(venue, 50, "SOL_USDC")
    assert [market for _, market, _ in venue.timers.all()] == ["SOL_EUR", "SOL_USDC"]
    assert len(reasons(run(venue, first_ns + 20 * MS))) == 1
    assert [order.terms.market for order in venue.markets["SOL_USDC"].all_open()] == ["SOL_USDC"]
    assert len(reasons(run(venue, first_ns + 60 * MS))) == 1


def test_zero_takes_it_back_and_once_more_changes_nothing() -> None:
    venue = book_of("bob bid 1 @ 99")
    after(venue, 5)
    assert isinstance(after(venue, 0), Applied)
    assert after(venue, 0) is None
    assert run(venue, 10**12) is None
    assert shown(venue) == ["bid 1 @ 99"]


@pytest.mark.parametrize(
    ("user_id", "market", "timeout_ms", "why"),
    [
        ("nobody", None, 5, "UNKNOWN_USER"),
        ("bob", "NO_WHERE", 5, "UNKNOWN_MARKET"),
        ("bob", None, -1, "OUT_OF_RANGE"),
        ("bob", None, TIMEOUT_MAX_MS + 1, "OUT_OF_RANGE"),
    ],
)
def test_what_cannot_be_is_refused(user_id: str, market: str | None, timeout_ms: int, why: str) -> None:
    venue = venue_of()
    assert refusal(after(venue, timeout_ms, market, user_id)) == why


def test_one_timer_a_command_by_time_then_by_user() -> None:
    venue = book_of("bob bid 1 @ 99", "alice bid 1 @ 98")
    venue.timers.set("bob", None, 10**9)
    venue.timers.set("alice", "SOL_USDC", 10**9)
    first = run(venue, 10**9)
    assert [e.terms.user_id for e in events_of(first) if isinstance(e, OrderUpdated)] == ["alice"]
    assert venue.timers.next_ns == 10**9
    assert shown(venue) == ["bid 1 @ 99"]
    run(venue, 10**9 + 1)
    assert shown(venue) == []


@pytest.mark.parametrize("status", [MarketStatus.HALTED, MarketStatus.CANCEL_ONLY, MarketStatus.POST_ONLY])
def test_a_timer_runs_in_every_status(status: MarketStatus) -> None:
    venue = book_of("bob bid 1 @ 99")
    do(venue, SetMarketStatus("SOL_USDC", status))
    after(venue, 5)
    assert reasons(run(venue, venue.time_ns + 6 * MS)) == ["CANCEL_ALL_AFTER"]


def test_a_timer_without_orders_just_ends() -> None:
    venue = venue_of()
    after(venue, 5)
    assert events_of(run(venue, venue.time_ns + 6 * MS)) == [TimerSet("bob", None, None)]


def test_the_event_of_a_cancel_carries_its_name() -> None:
    venue = book_of("bob bid 1 @ 99")
    outcome = do(venue, CancelOrder("bob", "SOL_USDC", 1, None, None, "why-not"))
    assert isinstance(outcome, Applied)
    assert isinstance(outcome.order, CanceledById)
    assert outcome.order.cancel_id == "why-not"
    assert outcome.order is outcome.events[0]
