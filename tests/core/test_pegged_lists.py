"""Pegged orders in lists: as a leg, as the working order and as a pending one."""

import pytest

from exchange.core.commands import ListType
from exchange.core.events import REFUSED, OrderUpdated
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    amend,
    balance,
    cancel,
    events_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    shown,
    waiting,
)
from tests.core.test_lists import OCO, OTO, OTOCO, at_100, list_of, steps, told, traded_at

PEGGED_OCO = ("bob sell 2 pegged to primary", "bob sell 2 @ 89 stop 90")


def quoted() -> Venue:
    """100 is the last price; somebody buys at 99 and 98, and sells at 105 and 106."""
    venue = at_100()
    for order in ("bid 1 @ 99", "bid 1 @ 98", "ask 1 @ 105", "ask 1 @ 106"):
        placed(venue, f"maker {order}")
    return venue


def refused_with(outcome: Outcome) -> list[str]:
    """Why orders that had waited could not enter."""
    return [
        REFUSED[event.progress.refused].value
        for event in events_of(outcome)
        if isinstance(event, OrderUpdated) and event.progress is not None and event.progress.refused
    ]


def test_a_pegged_leg_takes_its_price_at_entry_and_its_fill_ends_the_other() -> None:
    venue = quoted()
    assert told(list_of(venue, OCO, *PEGGED_OCO)) == ["placed: open pending"]
    assert "bob ask 2 @ 105" in resting(venue)
    assert balance(venue, "bob SOL") == "999998 + 2 locked"
    retold(venue)
    outcome = place(venue, "carol buy 1.5 @ 105")
    assert shown(outcome) == ["1 @ 105", "0.5 @ 105"]
    assert steps(outcome) == ["8 expired other_leg", "7 filled"]
    assert balance(retold(venue), "bob SOL") == "999998 + 1.5 locked"


def test_a_pegged_leg_is_not_held_to_the_last_price_and_its_partner_is() -> None:
    venue = at_100()
    placed(venue, "maker ask 1 @ 100")
    assert told(list_of(venue, OCO, *PEGGED_OCO)) == ["placed: open pending"]
    assert refusal(list_of(venue, OCO, PEGGED_OCO[0], "bob sell 2 @ 89 stop 100")) == "LIST_PRICES"


def test_no_such_level_refuses_the_list() -> None:
    venue = at_100()
    assert refusal(list_of(venue, OCO, *PEGGED_OCO)) == "NO_PRICE_LEVEL"
    assert refusal(list_of(venue, OTO, "bob buy 2 pegged to primary", "bob sell 2 @ 110")) == "NO_PRICE_LEVEL"


def test_two_legs_lock_the_larger_need_at_the_price_that_was_taken() -> None:
    venue = quoted()
    list_of(venue, OCO, "bob buy 2 pegged to primary levels 1", "bob buy 2 pegged to market limit 112 stop 110")
    assert balance(venue, "bob USDC") == "999776 + 224 locked"
    retold(venue)
    traded_at(venue, "105")
    list_of(venue, OCO, "bob buy 2 pegged to primary", "bob buy 2 pegged to market stop 110")
    assert balance(retold(venue), "bob USDC") == "999578 + 422 locked", "one that waits without a price locks nothing"


def test_a_stop_leg_takes_its_price_when_it_is_triggered() -> None:
    venue = quoted()
    list_of(venue, OCO, "bob sell 2 @ 110", "bob sell 2 pegged to primary levels 1 stop 99")
    outcome = place(venue, "carol sell 1 @ 99")
    assert steps(outcome) == ["7 expired other_leg", "8 triggered"]
    retold(venue)
    assert told(run(venue)) == ["updated: expired open"]
    assert "bob ask 2 @ 106" in resting(venue)


def test_a_pegged_working_order_is_filled_and_a_pegged_pending_one_takes_the_price_of_then() -> None:
    venue = quoted()
    outcome = list_of(venue, OTO, "bob buy 1 pegged to primary", "bob sell 1 pegged to primary POST")
    assert told(outcome) == ["placed: open pending"]
    placed(venue, "maker ask 1 @ 104")
    place(venue, "carol sell 2 @ 99")
    assert waiting(venue) == ["bob limit ready"]
    retold(venue)
    assert steps(run(venue)) == ["8 working"]
    assert "bob ask 1 @ 104" in resting(venue)
    assert balance(retold(venue), "bob SOL") == "1000000 + 1 locked"


def test_pending_legs_are_pegged_when_they_enter() -> None:
    venue = quoted()
    list_of(venue, OTOCO, "bob buy 1 @ 99", PEGGED_OCO[0], "bob sell 2 pegged to market stop 90")
    place(venue, "carol sell 2 @ 99")
    retold(venue)
    assert steps(run(venue)) == ["9 waiting", "8 working"]
    assert balance(retold(venue), "bob SOL") == "999999 + 2 locked"
    assert "bob ask 2 @ 105" in resting(venue)


@pytest.mark.parametrize(("list_type", "legs"), [(OTO, PEGGED_OCO[:1]), (OTOCO, PEGGED_OCO)])
def test_a_pending_one_without_a_level_expires_with_that_reason(list_type: ListType, legs: tuple[str, ...]) -> None:
    venue = at_100()
    list_of(venue, list_type, "bob buy 1 @ 99", *legs)
    place(venue, "carol sell 1 @ 99")
    outcome = run(venue)
    assert set(refused_with(outcome)) == {"NO_PRICE_LEVEL"}
    assert told(outcome)[0].endswith("refused_at_trigger")
    assert balance(retold(venue), "bob SOL") == "1000001"


def test_a_leg_may_follow_the_book_and_locks_what_its_limit_costs() -> None:
    venue = quoted()
    list_of(venue, OCO, "bob buy 2 pegged to primary limit 101 follows", "bob buy 2 @ 111 stop 110")
    assert balance(venue, "bob USDC") == "999778 + 222 locked"
    placed(venue, "maker bid 1 @ 100")
    retold(venue)
    assert steps(run(venue)) == ["7 repriced"]
    assert "bob bid 2 @ 100" in resting(venue)
    outcome = place(venue, "carol sell 1.5 @ 100")
    assert "8 expired other_leg" in steps(outcome)
    assert shown(outcome) == ["1 @ 100", "0.5 @ 100"]
    assert balance(retold(venue), "bob USDC") == "999798.5 + 151.5 locked"
    cancel(venue, "bob", 7)
    assert venue.ledger.account("bob", "USDC").locked == 0


def test_an_amendment_changes_the_quantity_of_both_and_no_price_of_a_pegged_one() -> None:
    venue = quoted()
    list_of(venue, OCO, *PEGGED_OCO)
    assert refusal(amend(venue, "bob", 7, "@ 107")) == "OUT_OF_RANGE"
    assert steps(amend(venue, "bob", 8, "to 1")) == ["7 amended", "8 amended"]
    assert "bob ask 1 @ 105" in resting(venue)
    assert balance(retold(venue), "bob SOL") == "999999 + 1 locked"
    placed(venue, "maker ask 1 @ 103")
    assert steps(amend(venue, "bob", 7, "to 3")) == ["8 amended", "7 amended"]
    assert "bob ask 3 @ 105" in resting(venue), "its price is that of when it entered"


def test_a_cancel_of_a_pegged_leg_cancels_its_list() -> None:
    venue = quoted()
    list_of(venue, OCO, "bob sell 2 pegged to primary limit 104 follows", PEGGED_OCO[1])
    assert steps(cancel(venue, "bob", 7)) == ["7 canceled", "8 canceled list"]
    assert balance(retold(venue), "bob SOL") == "1000000"
    assert not venue.markets["SOL_USDC"].following.orders


def test_a_leg_pegged_to_the_other_side_takes_and_ends_the_other() -> None:
    venue = quoted()
    outcome = list_of(venue, OCO, "bob sell 2 pegged to market", PEGGED_OCO[1])
    assert shown(outcome) == ["1 @ 99"]
    assert told(outcome) == ["placed: partially_filled expired"]
    assert "bob ask 1 @ 99" in resting(retold(venue))
