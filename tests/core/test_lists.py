"""Lists of orders: two of which one ends the other, and orders that wait for another one to be filled."""

from dataclasses import replace

import pytest

from exchange.core.administration import Origin, SetUserStatus
from exchange.core.bound_orders import bound_to
from exchange.core.commands import (
    CancelList,
    CancelOrder,
    EndSocket,
    ListType,
    PlaceList,
    ReplaceMode,
    ReplaceOrder,
    SetMarket,
    SetMarketStatus,
)
from exchange.core.conditions import Conditions
from exchange.core.events import REFUSED, OrderUpdated
from exchange.core.instrument import MarketStatus, instrument_of
from exchange.core.list_events import ENDED, ListUpdated
from exchange.core.list_rules import wrong_shape
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    USDC,
    amend,
    balance,
    cancel,
    cancel_all,
    do,
    events_of,
    expire,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    same_order,
    shown,
    trades_of,
    venue_of,
    waiting,
)

OCO, OTO, OTOCO = ListType
SELL_OCO = ("bob sell 2 @ 110", "bob sell 2 @ 89 stop 90")
BUY_OCO = ("bob buy 2 @ 90", "bob buy 2 @ 111 stop 110")


def list_of(venue: Venue, list_type: ListType, *orders: str, name: str | None = None) -> Outcome:
    """Somebody places a list."""
    terms = tuple(order_of(venue, order) for order in orders)
    return do(venue, PlaceList(terms[0].user_id, terms[0].market, list_type, terms, name))


def traded_at(venue: Venue, *prices: str) -> Outcome:
    """Two people trade at these prices, one after the other; the outcome of the last trade."""
    for price in prices:
        placed(venue, f"maker ask 0.1 @ {price}")
        outcome = place(venue, f"carol buy 0.1 @ {price}")
    return outcome


def at_100() -> Venue:
    venue = venue_of()
    traded_at(venue, "100")
    return venue


def told(outcome: Outcome) -> list[str]:
    """What a command told of lists."""
    names = {-1: "pending", 0: "open", 1: "partially_filled", 2: "filled", 3: "canceled", 4: "expired"}
    return [
        f"{event.change.name.lower()}: {' '.join(names[leg.status] for leg in event.legs)}"
        + (f", {event.end.name.lower()}" if event.end is not None else "")
        for event in events_of(outcome)
        if isinstance(event, ListUpdated)
    ]


def steps(outcome: Outcome) -> list[str]:
    """What a command did to the orders of lists."""
    return [
        f"{event.order_id} {event.reason.name.lower()}"
        + (f" {event.expire_reason.name.lower()}" if event.expire_reason is not None else "")
        for event in events_of(outcome)
        if isinstance(event, OrderUpdated) and event.progress is not None and event.progress.list_id
    ]


def test_the_first_fill_of_a_leg_ends_the_other() -> None:
    venue = at_100()
    assert told(list_of(venue, OCO, *SELL_OCO)) == ["placed: open pending"]
    assert balance(venue, "bob SOL") == "999998 + 2 locked"
    retold(venue)
    outcome = place(venue, "carol buy 0.5 @ 110")
    assert shown(outcome) == ["0.5 @ 110"]
    assert steps(outcome) == ["4 expired other_leg", "3 filled"]
    assert told(outcome) == ["updated: partially_filled expired"]
    assert waiting(venue) == []
    retold(venue)
    assert told(place(venue, "carol buy 1.5 @ 110")) == ["done: filled expired, filled"]
    assert venue.state().lists == []


def test_the_trigger_of_a_leg_ends_the_other_before_it_enters() -> None:
    venue = at_100()
    list_of(venue, OCO, *SELL_OCO)
    outcome = traded_at(venue, "90")
    assert steps(outcome) == ["3 expired other_leg", "4 triggered"]
    assert told(outcome) == ["updated: expired pending"]
    assert resting(venue) == []
    retold(venue)
    assert told(run(venue)) == ["updated: expired open"]
    assert resting(venue) == ["bob ask 2 @ 89"]


def test_the_legs_lock_the_larger_of_their_needs() -> None:
    venue = at_100()
    list_of(venue, OCO, *BUY_OCO)
    assert balance(venue, "bob USDC") == "999778 + 222 locked"
    retold(venue)
    place(venue, "carol sell 0.5 @ 90")
    assert balance(venue, "bob USDC") == "999820 + 135 locked"


def test_a_leg_that_takes_at_once_ends_the_other() -> None:
    venue = at_100()
    placed(venue, "maker bid 1 @ 120")
    outcome = list_of(venue, OCO, *SELL_OCO)
    assert shown(outcome) == ["1 @ 120"]
    assert told(outcome) == ["placed: partially_filled expired"]


def test_two_legs_may_wait() -> None:
    venue = at_100()
    list_of(venue, OCO, "bob sell 2 @ 105 take 110", "bob sell 2 at market stop 90")
    assert balance(venue, "bob SOL") == "999998 + 2 locked"
    assert told(traded_at(venue, "110")) == ["updated: pending expired"]
    assert told(run(venue)) == ["updated: open expired"]


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        (("bob sell 2 @ 100", "bob sell 2 @ 89 stop 90"), "LIST_PRICES"),
        (("bob sell 2 @ 110", "bob sell 2 @ 89 stop 100"), "LIST_PRICES"),
        (("bob buy 2 @ 100", "bob buy 2 @ 111 stop 110"), "LIST_PRICES"),
        (("bob buy 2 at market take 101", "bob buy 2 @ 111 stop 110"), "LIST_PRICES"),
        (("bob sell 2000000 @ 110", "bob sell 2000000 @ 89 stop 90"), "INSUFFICIENT_BALANCE"),
    ],
)
def test_a_list_is_refused_whole(orders: tuple[str, str], why: str) -> None:
    venue = at_100()
    assert refusal(list_of(venue, OCO, *orders)) == why


def test_before_the_first_trade_the_prices_must_be_the_right_way_round() -> None:
    venue = venue_of()
    assert refusal(list_of(venue, OCO, "bob sell 2 @ 80", "bob sell 2 @ 89 stop 90")) == "LIST_PRICES"
    assert told(list_of(venue, OCO, *SELL_OCO)) == ["placed: open pending"]


def test_a_pending_order_enters_once_the_working_one_is_filled() -> None:
    venue = at_100()
    assert told(list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")) == ["placed: open pending"]
    assert balance(venue, "bob SOL") == "1000000"
    place(venue, "carol sell 0.5 @ 95")
    assert waiting(venue) == ["bob limit"]
    outcome = place(venue, "carol sell 1.5 @ 95")
    assert steps(outcome) == ["3 filled", "4 triggered"]
    assert waiting(venue) == ["bob limit ready"]
    assert told(outcome) == ["updated: filled pending, filled"]
    retold(venue)
    outcome = run(venue)
    assert steps(outcome) == ["4 working"]
    assert told(outcome) == ["updated: filled open, filled"]
    assert resting(venue) == ["bob ask 2 @ 105"]
    assert told(place(venue, "carol buy 2 @ 105")) == ["done: filled filled, filled"]


def test_a_working_order_that_ends_unfilled_ends_the_list() -> None:
    venue = at_100()
    outcome = list_of(venue, OTO, "bob buy 2 @ 95 IOC", "bob sell 2 @ 105")
    assert told(outcome) == ["done: expired expired, working_order_ended"]
    list_of(venue, OTO, "bob buy 2 @ 95 until 5000", "bob sell 2 @ 105")
    assert steps(expire(venue, 5000)) == ["5 expired expire_at", "6 expired working_order_ended"]


def test_pending_orders_of_three_are_then_legs() -> None:
    venue = at_100()
    placed(venue, "maker ask 2 @ 95")
    outcome = list_of(venue, OTOCO, "bob buy 2 @ 95", "bob sell 2 @ 89 stop 90", "bob sell 2 @ 110")
    assert told(outcome) == ["placed: filled pending pending, filled"]
    assert waiting(venue) == ["bob stop_loss_limit ready", "bob limit ready"]
    retold(venue)
    outcome = run(venue)
    assert steps(outcome) == ["5 waiting", "6 working"]
    assert balance(venue, "bob SOL") == "1000000 + 2 locked"
    retold(venue)
    assert told(place(venue, "carol buy 1 @ 110")) == ["updated: filled expired partially_filled, filled"]


def test_pending_legs_that_cannot_be_there_any_more_expire() -> None:
    venue = at_100()
    list_of(venue, OTOCO, "bob buy 2 @ 95", "bob sell 2 @ 96 stop 97", "bob sell 2 @ 110")
    place(venue, "carol sell 2 @ 95")
    assert told(run(venue)) == ["done: filled expired expired, refused_at_trigger"]
    list_of(venue, OTO, "bob buy 2 @ 90", "bob sell 1000005 @ 110")
    place(venue, "carol sell 2 @ 90")
    assert steps(run(venue)) == ["8 expired refused_at_trigger"]


def test_pending_legs_must_be_on_either_side_of_the_last_price_when_they_enter() -> None:
    venue = at_100()
    list_of(venue, OTOCO, "bob buy 2 @ 95", "bob sell 2 @ 89 stop 90", "bob sell 2 @ 94")
    place(venue, "carol sell 2 @ 95")
    outcome = run(retold(venue))
    refused = [
        event.progress.refused for event in events_of(outcome) if isinstance(event, OrderUpdated) and event.progress
    ]
    assert {REFUSED[number].value for number in refused} == {"LIST_PRICES"}
    assert told(outcome) == ["done: filled expired expired, refused_at_trigger"]


def test_a_cancel_of_an_order_cancels_its_list() -> None:
    venue = at_100()
    for orders in (SELL_OCO, SELL_OCO[::-1]):
        outcome = list_of(venue, OCO, *orders)
        first = next(event.order_id for event in events_of(outcome) if isinstance(event, OrderUpdated))
        assert steps(cancel(venue, "bob", first)) == [f"{first} canceled", f"{first + 1} canceled list"]
        assert balance(venue, "bob SOL") == "1000000"
    list_of(venue, OTOCO, "bob buy 2 @ 95", "bob sell 2 @ 96 stop 97", "bob sell 2 @ 110")
    assert told(cancel(venue, "bob", 9)) == ["done: canceled canceled canceled, canceled"]
    list_of(venue, OCO, *SELL_OCO)
    assert told(cancel_all(venue, "bob")) == ["done: canceled canceled, canceled"]
    list_of(venue, OCO, *SELL_OCO, name="mine")
    assert told(do(venue, CancelList("bob", "SOL_USDC", None, "mine"))) == ["done: canceled canceled, canceled"]
    assert refusal(do(venue, CancelList("bob", "SOL_USDC", None, "mine"))) == "UNKNOWN_LIST"
    assert venue.ledger.account("bob", "SOL").locked == 0


def test_a_list_that_is_canceled_whole_says_so_whatever_its_orders_did_before() -> None:
    venue = at_100()
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 110")
    assert told(place(venue, "carol sell 2 @ 95")) == ["updated: filled pending, filled"]
    run(venue)
    before = retold(venue)
    assert told(do(venue, CancelList("bob", "SOL_USDC", 1, None))) == ["done: filled canceled, canceled"]
    outcome = before.replay(CancelList("bob", "SOL_USDC", 1, None), before.sequence + 1, before.time_ns, 6)
    assert told(outcome) == ["done: filled canceled, filled"], "as it was journaled"
    assert not before.markets["SOL_USDC"].before_7


def test_the_order_that_replaces_a_leg_may_use_what_the_list_had_locked() -> None:
    venue = at_100()
    list_of(venue, OCO, "bob sell 1000000 @ 110", "bob sell 1000000 @ 89 stop 90")
    terms = order_of(venue, "bob sell 1000000 @ 120")
    outcome = do(venue, ReplaceOrder(CancelOrder("bob", "SOL_USDC", 4, None), terms, ReplaceMode.ATOMIC))
    assert steps(outcome) == ["4 canceled replaced", "3 canceled list"]
    assert resting(venue) == ["bob ask 1000000 @ 120"]


def test_the_order_that_replaces_the_smaller_leg_may_use_what_the_larger_one_had_locked() -> None:
    venue = at_100()
    list_of(venue, OCO, "bob buy 9000 @ 90", "bob buy 9000 @ 111 stop 110")
    terms = order_of(venue, "bob buy 10000 @ 100")
    do(venue, ReplaceOrder(CancelOrder("bob", "SOL_USDC", 3, None), terms, ReplaceMode.ATOMIC))
    assert balance(retold(venue), "bob USDC") == "0 + 1000000 locked"


def test_a_client_list_id_finds_its_list_again() -> None:
    venue = at_100()
    list_of(venue, OCO, *SELL_OCO, name="mine")
    assert same_order(list_of(venue, OCO, *SELL_OCO, name="mine")) == 1
    assert refusal(list_of(venue, OCO, *BUY_OCO, name="mine")) == "CLIENT_ORDER_ID_CONFLICT"
    cancel_all(venue, "bob")
    assert same_order(list_of(retold(venue), OCO, *SELL_OCO, name="mine")) == 1
    assert ENDED == 2


def test_the_end_of_a_socket_ends_its_lists() -> None:
    venue = at_100()
    asked = PlaceList("bob", "SOL_USDC", OCO, tuple(order_of(venue, order) for order in SELL_OCO), "mine")
    do(venue, replace(asked, orders=tuple(bound_to(terms, socket=7) for terms in asked.orders)))
    assert same_order(do(venue, asked)) == 1, "how it came is not what was asked"
    assert steps(do(venue, EndSocket("SOL_USDC", 7, 10))) == ["3 canceled disconnect", "4 canceled disconnect"]
    assert balance(retold(venue), "bob SOL") == "1000000"


def test_an_amendment_changes_the_quantity_of_both_legs() -> None:
    venue = at_100()
    list_of(venue, OCO, *SELL_OCO)
    placed(venue, "carol sell 1 @ 110")
    outcome = amend(venue, "bob", 4, "to 1")
    assert steps(outcome) == ["3 amended", "4 amended"]
    assert balance(venue, "bob SOL") == "999999 + 1 locked"
    retold(venue)
    assert refusal(amend(venue, "bob", 3, "to 1000001")) == "INSUFFICIENT_BALANCE"
    amend(venue, "bob", 3, "by 0.5 key k")
    assert resting(venue) == ["bob ask 0.5 @ 110", "carol ask 1 @ 110"]
    assert same_order(amend(venue, "bob", 3, "by 0.5 key k")) == 3
    amend(venue, "bob", 4, "to 3")  # more of a leg goes to the back of its level
    assert resting(venue) == ["carol ask 1 @ 110", "bob ask 3 @ 110"]
    assert balance(retold(venue), "bob SOL") == "999997 + 3 locked"


def test_an_amendment_of_a_price_changes_what_both_legs_lock() -> None:
    venue = at_100()
    list_of(venue, OCO, *BUY_OCO)
    amend(venue, "bob", 4, "@ 112")
    assert balance(venue, "bob USDC") == "999776 + 224 locked"
    amend(venue, "bob", 3, "@ 95")
    assert balance(venue, "bob USDC") == "999776 + 224 locked"
    amend(venue, "bob", 4, "to 4 @ 90")
    assert balance(retold(venue), "bob USDC") == "999620 + 380 locked"
    placed(venue, "maker ask 1 @ 96")
    outcome = amend(venue, "bob", 3, "@ 97")
    assert shown(outcome) == ["1 @ 96"]
    assert told(outcome) == ["updated: partially_filled expired"]
    assert balance(venue, "bob USDC") == "999613 + 291 locked"


def test_an_amendment_changes_both_pending_legs_and_locks_nothing() -> None:
    venue = at_100()
    list_of(venue, OTOCO, "bob buy 2 @ 95", "bob sell 2 @ 89 stop 90", "bob sell 2 @ 110")
    assert steps(amend(venue, "bob", 5, "to 5000000")) == ["4 amended", "5 amended"]
    assert balance(retold(venue), "bob SOL") == "1000000"
    amend(venue, "bob", 5, "to 3 @ 111")
    amend(venue, "bob", 3, "to 1")
    place(venue, "carol sell 1 @ 95")
    run(venue)
    assert resting(venue) == ["bob ask 3 @ 111"]
    assert balance(retold(venue), "bob SOL") == "999998 + 3 locked"


def test_of_legs_that_one_trade_triggers_the_first_stays() -> None:
    venue = at_100()
    list_of(venue, OCO, "bob sell 2 @ 80 take trail 100bps from 110", "bob sell 2 @ 70 stop trail 500bps")
    traded_at(venue, "110", "120")
    outcome = traded_at(venue, "114")
    assert steps(outcome) == ["4 expired other_leg", "3 triggered"]
    assert waiting(retold(venue)) == ["bob take_profit_limit ready"]


def test_the_end_of_a_leg_by_its_time_cancels_the_other() -> None:
    venue = at_100()
    list_of(venue, OCO, "bob sell 2 @ 110 until 5000", "bob sell 2 @ 89 stop 90")
    outcome = expire(venue, 5000)
    assert steps(outcome) == ["3 expired expire_at", "4 canceled list"]
    assert told(outcome) == ["done: expired canceled, expired"]
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105 until 9000")
    assert steps(expire(venue, 9000)) == ["6 expired expire_at", "5 canceled list"]


def test_a_pending_order_enters_at_the_back_of_its_level() -> None:
    venue = at_100()
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")
    placed(venue, "maker ask 1 @ 105")
    place(venue, "carol sell 2 @ 95")
    run(venue)
    assert resting(venue) == ["maker ask 1 @ 105", "bob ask 2 @ 105"]


def test_what_is_released_and_what_is_triggered_enter_by_trade_and_then_by_id() -> None:
    venue = at_100()
    placed(venue, "alice sell 1 at market stop 95")
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")
    placed(venue, "alice sell 1 at market stop 95")
    place(venue, "carol sell 2 @ 95")
    assert waiting(venue) == ["alice stop_loss ready", "bob limit ready", "alice stop_loss ready"]
    ready = list(retold(venue).markets["SOL_USDC"].triggers.ready)
    assert ready == list(venue.markets["SOL_USDC"].triggers.ready) == [3, 5, 6]


@pytest.mark.parametrize(
    ("mode", "bought", "legs"),
    [
        ("decrement", "bob buy 1 @ 110", ["3 prevented", "4 expired other_leg"]),
        ("expire_maker", "bob buy 1 @ 110", ["3 expired self_trade", "4 expired other_leg"]),
        ("expire_taker", "bob buy 1 @ 110", []),
    ],
)
def test_what_self_trade_prevention_takes_off_a_leg_ends_the_other(mode: str, bought: str, legs: list[str]) -> None:
    venue = at_100()
    list_of(venue, OCO, *SELL_OCO)
    assert sorted(steps(place(venue, f"{bought} stp {mode}"))) == legs
    assert (
        balance(venue, "bob SOL")
        == {
            "decrement": "999999 + 1 locked",
            "expire_maker": "1000000",
            "expire_taker": "999998 + 2 locked",
        }[mode]
    )
    retold(venue)


def test_a_working_order_that_meets_its_own_ends_the_list() -> None:
    venue = at_100()
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")
    outcome = place(venue, "bob sell 2 @ 95 stp expire_maker")
    assert told(outcome) == ["done: expired expired, working_order_ended"]


def test_pending_orders_keep_the_fees_of_when_the_list_was_placed() -> None:
    dear = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", maker_fee="0.1", taker_fee="0.1")
    venue = venue_of()
    traded_at(venue, "100")
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")
    do(venue, SetMarket(dear))
    place(venue, "carol sell 2 @ 95")
    run(venue)
    assert trades_of(place(retold(venue), "carol buy 2 @ 105"))[0].maker_fee_minor == 0


def test_a_market_that_takes_no_orders_takes_no_list() -> None:
    venue = at_100()
    list_of(venue, OTO, "bob buy 2 @ 95", "bob sell 2 @ 105")
    place(venue, "carol sell 2 @ 95")
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.CANCEL_ONLY))
    assert refusal(list_of(venue, OCO, *SELL_OCO)) == "MARKET_NOT_TRADING"
    assert steps(run(venue)) == ["4 expired refused_at_trigger"]


def test_a_list_counts_all_its_orders() -> None:
    small = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", max_open_orders=3)
    venue = venue_of(small)
    three = ("bob buy 2 @ 95", "bob sell 2 @ 89 stop 90", "bob sell 2 @ 110")
    placed(venue, "bob buy 1 @ 50")
    assert refusal(list_of(venue, OTOCO, *three)) == "TOO_MANY_OPEN_ORDERS"
    assert told(list_of(venue, OCO, *SELL_OCO)) == ["placed: open pending"]
    cancel_all(venue, "bob")
    list_of(venue, OTOCO, *three)
    assert refusal(place(venue, "bob buy 1 @ 50")) == "TOO_MANY_OPEN_ORDERS"
    place(venue, "carol sell 2 @ 95")
    placed(venue, "bob buy 1 @ 50")
    assert steps(run(venue)) == ["5 waiting", "6 working"]


def test_a_pending_iceberg_that_was_made_small_enters_whole() -> None:
    venue = at_100()
    terms = order_of(venue, "bob sell 4 @ 105")
    hidden = replace(terms, conditions=Conditions(visible_lots=1000))
    do(venue, PlaceList("bob", "SOL_USDC", OTO, (order_of(venue, "bob buy 2 @ 95"), hidden)))
    amend(venue, "bob", 4, "to 1")
    place(venue, "carol sell 2 @ 95")
    assert steps(run(venue)) == ["4 working"]
    assert shown(retold(venue)) == ["ask 1 @ 105"]


def test_a_user_who_is_disabled_has_no_lists() -> None:
    venue = at_100()
    list_of(venue, OCO, *SELL_OCO)
    outcome = do(venue, SetUserStatus("bob", True, Origin("root", None)))
    assert sorted(steps(outcome)) == ["3 canceled user_disabled", "4 canceled user_disabled"]
    assert told(outcome) == ["done: canceled canceled, canceled"]
    assert refusal(list_of(venue, OCO, *SELL_OCO)) == "USER_DISABLED"


@pytest.mark.parametrize(
    ("list_type", "orders"),
    [
        (OCO, ("bob sell 2 @ 110",)),
        (OCO, ("bob sell 2 @ 110", "bob sell 1 @ 89 stop 90")),
        (OCO, ("bob sell 2 @ 110", "bob buy 2 @ 89 stop 90")),
        (OCO, ("bob sell 2 @ 110", "bob sell 2 @ 120")),
        (OCO, ("bob sell 2 @ 110 IOC", "bob sell 2 @ 89 stop 90")),
        (OCO, ("bob sell 2 @ 89 stop 90", "bob sell 2 at market stop 80")),
        (OTO, ("bob buy 2 at market", "bob sell 2 @ 110")),
        (OTO, ("bob buy 2 @ 95", "bob sell for 5 at market")),
        (OTO, ("bob buy 2 @ 95 as x", "bob sell 2 @ 110 as x")),
        (OTOCO, ("bob buy 2 @ 95", "bob sell 2 @ 110", "bob sell 2 @ 120")),
    ],
)
def test_orders_that_are_no_such_list_have_a_wrong_shape(list_type: ListType, orders: tuple[str, ...]) -> None:
    venue = at_100()
    terms = tuple(order_of(venue, order) for order in orders)
    assert wrong_shape(PlaceList("bob", "SOL_USDC", list_type, terms)) is not None
