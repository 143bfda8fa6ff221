"""The filters of the venue: how much a user may have open in all markets together."""

from dataclasses import replace

import pytest

from exchange.core.administration import Administered, Origin
from exchange.core.commands import CancelAll, CancelOrder, ListType, ReplaceMode, ReplaceOrder
from exchange.core.conditions import Conditions
from exchange.core.events import REFUSED
from exchange.core.filters import changed
from exchange.core.outcome import Applied, Outcome
from exchange.core.venue import Venue
from exchange.core.venue_filters import (
    SetVenueFilters,
    VenueFilters,
    VenueFiltersSet,
    venue_filters_from,
    venue_filters_text,
    venue_filters_with,
)
from tests.core.stories import (
    SOL_EUR,
    SOL_USDC,
    amend,
    do,
    fits,
    iceberg,
    listed,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    retold,
    run,
    shown,
    status,
    venue_of,
)

ROOT = Origin("root", "127.0.0.1")


def bounded(**filters: int) -> Venue:
    """A venue of two markets with these filters."""
    venue = venue_of(SOL_USDC, SOL_EUR)
    do(venue, SetVenueFilters(VenueFilters(**filters)))
    return venue


def in_eur(venue: Venue, text: str) -> Outcome:
    return place(venue, f"{text} on SOL_EUR")


def test_open_orders_count_over_all_markets() -> None:
    venue = bounded(max_open_orders=2)
    placed(venue, "bob bid 1 @ 90")
    assert fits(in_eur(venue, "bob ask 1 @ 120"))
    assert refusal(place(venue, "bob bid 1 @ 80")) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"
    assert refusal(in_eur(venue, "bob sell 1 at market stop 50")) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"
    assert fits(place(venue, "bob buy 1 @ 80 IOC")), "it never rests"
    assert fits(place(venue, "carol bid 1 @ 80")), "each user has so many"
    do(venue, CancelAll("bob", "SOL_EUR"))
    assert fits(place(venue, "bob bid 1 @ 80"))
    assert refusal(in_eur(retold(venue), "bob bid 1 @ 1")) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"


def test_orders_that_wait_for_a_price_count_until_they_enter() -> None:
    venue = bounded(max_open_stops=1)
    placed(venue, "carol bid 5 @ 100")
    place(venue, "maker sell 1 @ 100")
    stop = placed(venue, "bob sell 1 @ 120 stop 95")
    assert refusal(in_eur(venue, "bob sell 1 at market stop 50")) == "TOO_MANY_OPEN_STOPS_EVERYWHERE"
    assert fits(place(venue, "bob bid 1 @ 90")), "it waits for no price"
    do(venue, CancelAll("carol", "SOL_USDC"))
    placed(venue, "carol bid 1 @ 95")
    place(venue, "maker sell 1 @ 95")
    assert status(run(venue), stop) == "open 0 of 1"
    assert fits(in_eur(venue, "bob sell 1 at market stop 50")), "the other one rests now"


def test_icebergs_count_over_all_markets() -> None:
    venue = bounded(max_open_icebergs=1)
    order = order_after(iceberg(venue, "bob bid 4 @ 10"))
    over = replace(order_of(venue, "bob bid 4 @ 9 on SOL_EUR"), conditions=Conditions(visible_lots=1))
    assert refusal(do(venue, over)) == "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE"
    amend(venue, "bob", order.order_id, "to 3")
    assert refusal(do(venue, over)) == "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE"
    place(venue, "carol sell 3 @ 10")
    assert fits(do(venue, over)), "the first one is filled"


def test_lists_count_over_all_markets_and_their_orders_as_open_orders() -> None:
    venue = bounded(max_open_lists=1, max_open_orders=4)
    legs = ("bob sell 1 @ 120", "bob sell 1 at market stop 90")
    assert fits(listed(venue, ListType.OCO, *legs))
    assert refusal(listed(venue, ListType.OCO, *legs, market="SOL_EUR")) == "TOO_MANY_OPEN_LISTS_EVERYWHERE"
    do(venue, SetVenueFilters(VenueFilters(max_open_orders=4)))
    assert refusal(listed(venue, ListType.OTOCO, "bob bid 1 @ 95", *legs)) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"
    assert fits(listed(venue, ListType.OTO, "bob bid 1 @ 95", legs[1], market="SOL_EUR"))
    assert refusal(listed(venue, ListType.OCO, *legs)) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"


def test_a_market_bounds_lists_as_well() -> None:
    rules = replace(SOL_USDC, filters=changed(SOL_USDC, {"max_open_lists": 1}))
    venue = venue_of(rules, SOL_EUR)
    legs = ("bob sell 1 @ 120", "bob sell 1 at market stop 90")
    assert fits(listed(venue, ListType.OCO, *legs))
    assert refusal(listed(venue, ListType.OCO, *legs)) == "TOO_MANY_OPEN_LISTS"
    assert refusal(listed(retold(venue), ListType.OCO, *legs)) == "TOO_MANY_OPEN_LISTS"
    assert fits(listed(venue, ListType.OCO, *legs, market="SOL_EUR"))
    do(venue, CancelAll("bob", "SOL_USDC"))
    assert fits(listed(venue, ListType.OCO, *legs))


@pytest.mark.parametrize(
    ("filters", "order", "code"),
    [
        ({"max_open_orders": 1}, "bob bid 20000 @ 100", "TOO_MANY_OPEN_ORDERS_EVERYWHERE"),
        ({"max_open_orders": 1}, "bob buy 20000 @ 100 stop 110", "TOO_MANY_OPEN_ORDERS_EVERYWHERE"),
        ({"max_open_stops": 1}, "bob buy 20000 @ 100 stop 110", "TOO_MANY_OPEN_STOPS_EVERYWHERE"),
    ],
)
def test_they_are_judged_before_the_money(filters: dict[str, int], order: str, code: str) -> None:
    venue = bounded(**filters)
    in_eur(venue, "bob sell 1 at market stop 50")
    assert refusal(place(venue, order)) == code


def test_lists_are_judged_before_the_money() -> None:
    venue = bounded(max_open_lists=1)
    legs = ("bob sell 2000000 @ 120", "bob sell 2000000 at market stop 90")
    assert refusal(listed(venue, ListType.OCO, *legs)) == "INSUFFICIENT_BALANCE"
    listed(venue, ListType.OCO, "bob sell 1 @ 120", "bob sell 1 at market stop 90", market="SOL_EUR")
    assert refusal(listed(venue, ListType.OCO, *legs)) == "TOO_MANY_OPEN_LISTS_EVERYWHERE"


def test_a_replacement_does_not_count_what_it_takes_away() -> None:
    venue = bounded(max_open_orders=1, max_open_stops=1)
    stop = placed(venue, "bob sell 1 at market stop 50")
    cancel = CancelOrder("bob", "SOL_USDC", stop, None)
    other = order_of(venue, "bob sell 1 at market stop 60")
    refused = do(venue, ReplaceOrder(cancel, other, ReplaceMode.STOP_ON_FAILURE))
    assert refusal(refused) == "TOO_MANY_OPEN_ORDERS_EVERYWHERE", "judged with the old order still there"
    assert fits(do(venue, ReplaceOrder(cancel, other, ReplaceMode.ATOMIC)))


def test_what_is_open_stays_and_what_waits_may_not_enter_any_more() -> None:
    venue = bounded()
    placed(venue, "carol bid 5 @ 100")
    place(venue, "maker sell 1 @ 100")
    placed(venue, "bob bid 1 @ 80")
    assert fits(in_eur(venue, "bob bid 1 @ 80"))
    stop = placed(venue, "bob sell 1 @ 120 stop 95")
    do(venue, CancelAll("carol", "SOL_USDC"))
    do(venue, SetVenueFilters(VenueFilters(max_open_orders=2)))
    placed(venue, "carol bid 1 @ 95")
    place(venue, "maker sell 1 @ 95")
    outcome = run(retold(venue))
    assert status(outcome, stop) == "expired 0 of 1, refused_at_trigger"
    progress = order_after(outcome, stop).progress
    assert progress is not None
    assert REFUSED[progress.refused] == "TOO_MANY_OPEN_ORDERS_EVERYWHERE"
    assert "bid 1 @ 80" in shown(venue)


def test_pending_stops_of_a_list_may_not_wait_any_more_when_the_bound_is_lower_then() -> None:
    venue = venue_of(SOL_USDC, SOL_EUR)
    placed(venue, "carol bid 1 @ 100")
    place(venue, "maker sell 1 @ 100")
    placed(venue, "bob sell 1 at market stop 50")
    outcome = listed(venue, ListType.OTO, "bob bid 1 @ 95", "bob sell 1 at market stop 90")
    assert isinstance(outcome, Applied)
    do(venue, SetVenueFilters(VenueFilters(max_open_stops=1)))
    place(venue, "maker sell 1 @ 95")
    pending = max(venue.markets["SOL_USDC"].triggers.orders)
    done = run(venue)
    assert status(done, pending) == "expired 0 of 1, refused_at_trigger"
    progress = order_after(done, pending).progress
    assert progress is not None
    assert REFUSED[progress.refused] == "TOO_MANY_OPEN_STOPS_EVERYWHERE"


def test_they_are_set_by_a_configuration_until_a_call_sets_them() -> None:
    venue = bounded(max_open_orders=3)
    state = venue.state()
    assert (state.filters, state.filters_by_call) == (VenueFilters(max_open_orders=3), False)
    outcome = do(venue, SetVenueFilters(VenueFilters(max_open_lists=2), ROOT))
    assert isinstance(outcome, Applied)
    assert outcome.events == [
        VenueFiltersSet(VenueFilters(max_open_lists=2), by_call=True),
        Administered("set_filters", None, "max_open_orders none max_open_lists 2", ROOT),
    ]
    assert do(venue, SetVenueFilters(VenueFilters(max_open_lists=2), ROOT)) is None
    state = retold(venue).state()
    assert (state.filters, state.filters_by_call) == (VenueFilters(max_open_lists=2), True)


def test_they_are_stored_as_text_and_changed_by_name() -> None:
    filters = venue_filters_with(VenueFilters(max_open_orders=3), {"max_open_lists": 7, "max_open_orders": 0})
    assert filters == VenueFilters(max_open_lists=7)
    assert venue_filters_from(venue_filters_text(filters)) == filters
    with pytest.raises(ValueError, match="max_open_stops = -1 must be 0 to 2147483647"):
        venue_filters_with(filters, {"max_open_stops": -1})
    with pytest.raises(ValueError, match="there is no filter max_price"):
        venue_filters_with(filters, {"max_price": 1})
