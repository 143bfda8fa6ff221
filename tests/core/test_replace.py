"""An order is replaced in one step: what each mode does when a part of it fails."""

import pytest

from exchange.core.commands import CancelOrder, ReplaceMode, ReplaceOrder, SetMarketStatus
from exchange.core.events import OrderUpdated, Rejected
from exchange.core.instrument import MarketStatus, instrument_of
from exchange.core.outcome import Outcome, Replaced
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    USDC,
    balance,
    book_of,
    do,
    events_of,
    makers,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    same_order,
    shown,
    venue_of,
)

ATOMIC, STOP, ALLOW = ReplaceMode


def replace(
    venue: Venue, order: int | str, text: str, mode: ReplaceMode = ATOMIC, only_if_filled: bool | None = None
) -> Outcome:
    """Alice replaces an order by another."""
    terms = order_of(venue, f"alice {text}")
    by_id = isinstance(order, int)
    cancel = CancelOrder(
        "alice", terms.market, int(order) if by_id else None, None if by_id else str(order), only_if_filled
    )
    return do(venue, ReplaceOrder(cancel, terms, mode))


def parts(outcome: Outcome) -> list[str]:
    """What became of both."""
    assert isinstance(outcome, Replaced)
    return [
        part.reason.value if isinstance(part, Rejected) else part.status.name.lower()
        for part in (outcome.canceled, outcome.placed)
    ]


def rich() -> tuple[Venue, int]:
    """Alice has all of her money in one order."""
    venue = venue_of()
    return venue, placed(venue, "alice buy 10000 @ 100")


@pytest.mark.parametrize("mode", [ATOMIC, STOP, ALLOW])
def test_the_new_order_may_use_what_the_old_one_locked(mode: ReplaceMode) -> None:
    venue, order_id = rich()
    outcome = replace(venue, order_id, "buy 5000 @ 200", mode)
    assert parts(outcome) == ["canceled", "open"]
    assert shown(venue) == ["bid 5000 @ 200"]
    assert balance(venue, "alice USDC") == "0 + 1000000 locked"
    assert isinstance(outcome, Replaced)
    assert outcome.order is outcome.placed
    assert [e.reason.name for e in events_of(outcome) if isinstance(e, OrderUpdated)] == ["CANCELED", "ACCEPTED"]


@pytest.mark.parametrize(("mode", "left"), [(ATOMIC, ["bid 10000 @ 100"]), (STOP, []), (ALLOW, [])])
def test_when_the_order_fails_atomic_changes_nothing(mode: ReplaceMode, left: list[str]) -> None:
    venue, order_id = rich()
    outcome = replace(venue, order_id, "buy 5000.001 @ 200", mode)
    if mode is ATOMIC:
        assert refusal(outcome) == "INSUFFICIENT_BALANCE"
    else:
        assert parts(outcome) == ["canceled", "INSUFFICIENT_BALANCE"]
    assert shown(venue) == left
    assert balance(venue, "alice USDC") == ("0 + 1000000 locked" if left else "1000000")


@pytest.mark.parametrize("mode", [ATOMIC, STOP, ALLOW])
def test_when_the_cancel_fails_only_one_mode_places(mode: ReplaceMode) -> None:
    venue, order_id = rich()
    for which, only_if, why in ((99, None, "UNKNOWN_ORDER"), (order_id, True, "CANCEL_CONDITION")):
        outcome = replace(venue, which, "sell 1 @ 200", mode, only_if)
        if mode is ALLOW:
            assert parts(outcome) == [why, "open"]
        else:
            assert refusal(outcome) == why


def test_when_both_fail_nothing_happens_and_both_reasons_are_said() -> None:
    venue, _ = rich()
    outcome = replace(venue, 99, "buy 1 @ 1", ALLOW)
    assert refusal(outcome) == "UNKNOWN_ORDER"
    assert isinstance(outcome, Rejected)
    assert outcome.detail is not None
    assert "INSUFFICIENT_BALANCE" in outcome.detail


@pytest.mark.parametrize("mode", [STOP, ALLOW])
def test_filters_refuse_both_with_the_old_order_still_there(mode: ReplaceMode) -> None:
    rules = instrument_of(
        "SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="10", max_open_orders=1
    )
    venue = venue_of(rules)
    order_id = placed(venue, "alice buy 1 @ 100")
    assert refusal(replace(venue, order_id, "buy 0.01 @ 100", mode)) == "MIN_NOTIONAL"
    assert refusal(replace(venue, order_id, "buy 1 @ 99", mode)) == "TOO_MANY_OPEN_ORDERS"
    assert parts(replace(venue, order_id, "buy 1 @ 99", ATOMIC)) == ["canceled", "open"]


def test_an_atomic_order_does_not_meet_the_one_that_leaves() -> None:
    venue = book_of("ask 1 @ 102")
    order_id = placed(venue, "alice sell 1 @ 101")
    outcome = replace(venue, order_id, "buy 1 @ 102")
    assert shown(outcome) == ["1 @ 102"]
    assert parts(outcome) == ["canceled", "filled"]
    other = placed(venue, "alice sell 1 @ 101")
    assert parts(replace(venue, other, "buy 1 @ 101 POST")) == ["canceled", "open"]


def test_an_order_that_is_judged_and_stays_keeps_its_place() -> None:
    venue = book_of("alice bid 1 @ 100", "bob bid 1 @ 100", "carol bid 1 @ 100")
    for order_id in (1, 2, 3):
        user = ("alice", "bob", "carol")[order_id - 1]
        terms = order_of(venue, f"{user} buy 100000 @ 100")
        command = ReplaceOrder(CancelOrder(user, "SOL_USDC", order_id, None), terms, ATOMIC)
        assert refusal(do(venue, command)) == "INSUFFICIENT_BALANCE"
    assert makers(venue, place(venue, "maker sell 3 @ 100")) == ["alice", "bob", "carol"]


def test_it_goes_to_the_back_of_its_level() -> None:
    venue = book_of("alice bid 1 @ 100", "bob bid 1 @ 100")
    replace(venue, 1, "buy 1 @ 100")
    assert resting(venue) == ["bob bid 1 @ 100", "alice bid 1 @ 100"]


def test_a_retry_finds_the_order_that_was_placed() -> None:
    venue, order_id = rich()
    outcome = replace(venue, order_id, "buy 1 @ 100 as a")
    assert isinstance(outcome, Replaced)
    assert outcome.order is not None
    new = outcome.order.order_id
    for venue_now in (venue, retold(venue)):
        assert same_order(replace(venue_now, order_id, "buy 1 @ 100 as a")) == new
        assert refusal(replace(venue_now, order_id, "buy 2 @ 100 as a")) == "CLIENT_ORDER_ID_CONFLICT"
    do(venue, CancelOrder("alice", "SOL_USDC", new, None))
    assert same_order(replace(venue, order_id, "buy 1 @ 100 as a")) == new


@pytest.mark.parametrize("mode", [ATOMIC, STOP, ALLOW])
def test_a_market_that_takes_no_orders_takes_no_replacement(mode: ReplaceMode) -> None:
    venue, order_id = rich()
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.CANCEL_ONLY))
    assert refusal(replace(venue, order_id, "buy 1 @ 100", mode)) == "MARKET_NOT_TRADING"


@pytest.mark.parametrize("mode", [ATOMIC, STOP, ALLOW])
def test_an_order_that_waits_is_replaced(mode: ReplaceMode) -> None:
    venue = venue_of()
    stop = placed(venue, "alice buy 10000 @ 100 stop 99")
    assert balance(venue, "alice USDC") == "0 + 1000000 locked"
    outcome = replace(venue, stop, "buy 5000 @ 100 stop 98", mode)
    if mode is ATOMIC:
        assert parts(outcome) == ["canceled", "pending"]
    assert balance(venue, "alice USDC") == "500000 + 500000 locked"
    [waits] = venue.markets["SOL_USDC"].triggers.orders.values()
    assert waits.order_id != stop
    assert parts(replace(venue, waits.order_id, "buy 10000 @ 90", mode)) == ["canceled", "open"]
    assert not venue.markets["SOL_USDC"].triggers.orders
    retold(venue)


def test_an_order_that_stays_open_keeps_its_client_order_id() -> None:
    venue = venue_of()
    stays = placed(venue, "alice buy 1 @ 90 as v")
    outcome = replace(venue, stays, "buy 1 @ 80 as v once more", ALLOW, only_if_filled=True)
    assert refusal(outcome) == "CLIENT_ORDER_ID_CONFLICT"
    assert parts(replace(venue, stays, "buy 1 @ 80 as v once more", ALLOW)) == ["canceled", "open"]
    assert resting(venue) == ["alice bid 1 @ 80"]
    retold(venue)


def all_in_a_stop() -> tuple[Venue, int]:
    """Alice has all of her money in an order that waits; the last trade was at 100."""
    venue = venue_of()
    placed(venue, "maker ask 1 @ 100")
    place(venue, "carol buy 1 @ 100")
    return venue, placed(venue, "alice buy 10000 @ 100 stop 110")


@pytest.mark.parametrize("mode", [STOP, ALLOW])
def test_what_would_trigger_at_once_replaces_nothing_also_without_the_money(mode: ReplaceMode) -> None:
    venue, stop = all_in_a_stop()
    assert refusal(replace(venue, stop, "buy 5000 @ 100 stop 90", mode)) == "WOULD_TRIGGER"
    assert list(venue.markets["SOL_USDC"].triggers.orders) == [stop]


def why_canceled(outcome: Outcome) -> str | None:
    """The reason of the cancel of a replacement."""
    assert isinstance(outcome, Replaced)
    assert isinstance(outcome.canceled, OrderUpdated)
    assert outcome.canceled in events_of(outcome)
    reason = outcome.canceled.expire_reason
    return None if reason is None else reason.name


@pytest.mark.parametrize("mode", [ATOMIC, STOP, ALLOW])
def test_an_order_that_was_replaced_says_so(mode: ReplaceMode) -> None:
    venue, order = rich()
    before = retold(venue)
    assert why_canceled(replace(venue, order, "buy 9000 @ 100", mode)) == "REPLACED"
    command = ReplaceOrder(CancelOrder("alice", "SOL_USDC", order, None), order_of(venue, "alice buy 1 @ 1"), mode)
    assert why_canceled(before.replay(command, before.sequence + 1, before.time_ns, 6)) is None, "as it was journaled"


@pytest.mark.parametrize("mode", [STOP, ALLOW])
def test_an_order_that_no_other_has_replaced_was_canceled_by_its_owner(mode: ReplaceMode) -> None:
    venue, order = rich()
    outcome = replace(venue, order, "buy 10001 @ 100", mode)
    assert parts(outcome) == ["canceled", "INSUFFICIENT_BALANCE"]
    assert why_canceled(outcome) is None


def test_before_version_6_what_a_user_has_was_judged_first() -> None:
    venue, stop = all_in_a_stop()
    terms = order_of(venue, "alice buy 5000 @ 100 stop 90")
    command = ReplaceOrder(CancelOrder("alice", "SOL_USDC", stop, None), terms, ALLOW)
    outcome = venue.replay(command, venue.sequence + 1, venue.time_ns, 5)
    assert parts(outcome) == ["canceled", "WOULD_TRIGGER"]
    stop = placed(venue, "alice buy 10000 @ 100 stop 110")
    assert refusal(replace(venue, stop, "buy 5000 @ 100 stop 90", ALLOW)) == "WOULD_TRIGGER"
