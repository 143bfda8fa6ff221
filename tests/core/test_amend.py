"""An open order is changed: what it keeps, what it loses, and what it may not become."""

import pytest

from exchange.core.amendments import Amended, AmendOrder
from exchange.core.commands import SetMarketStatus
from exchange.core.events import OrderUpdated
from exchange.core.instrument import FeeAsset, MarketStatus, instrument_of
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    USDC,
    amend,
    balance,
    book_of,
    cancel,
    do,
    events_of,
    makers,
    order_after,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    same_order,
    shown,
    status,
    venue_of,
)


def reasons(outcome: Outcome) -> list[str]:
    return [event.reason.name.lower() for event in events_of(outcome) if isinstance(event, OrderUpdated)]


def queue() -> tuple[Venue, int]:
    """Alice before Bob at one price; her order."""
    venue = venue_of()
    order_id = placed(venue, "alice buy 4 @ 100 as a")
    placed(venue, "bob buy 3 @ 100")
    return venue, order_id


def test_less_quantity_keeps_the_place_and_releases_the_rest() -> None:
    venue, order_id = queue()
    outcome = amend(venue, "alice", order_id, "to 1")
    assert status(outcome) == "open 0 of 1"
    assert reasons(outcome) == ["amended"]
    assert shown(venue) == ["bid 4 @ 100"]
    assert balance(venue, "alice USDC") == "999900 + 100 locked"
    assert makers(venue, place(venue, "carol sell 2 @ 100")) == ["alice", "bob"]


@pytest.mark.parametrize("change", ["to 5", "to 4 @ 100.01", "to 3 @ 100.01", "@ 99.99"])
def test_more_quantity_or_another_price_goes_to_the_back(change: str) -> None:
    venue, order_id = queue()
    amend(venue, "alice", order_id, change)
    amend(venue, "alice", order_id, "@ 100")
    assert [line.split()[0] for line in resting(venue)] == ["bob", "alice"]


def test_quantity_is_the_total_and_must_exceed_what_is_executed() -> None:
    venue, order_id = queue()
    place(venue, "carol sell 1.5 @ 100")
    assert refusal(amend(venue, "alice", order_id, "to 1.5")) == "OUT_OF_RANGE"
    assert refusal(amend(venue, "alice", order_id, "to 0")) == "OUT_OF_RANGE"
    assert refusal(amend(venue, "alice", order_id, "by 2.5 key k")) == "OUT_OF_RANGE"
    assert status(amend(venue, "alice", order_id, "to 1.501")) == "partially_filled 1.5 of 1.501"
    assert resting(venue) == ["alice bid 0.001 @ 100", "bob bid 3 @ 100"]


def test_what_was_prevented_counts_as_executed() -> None:
    venue = venue_of()
    order_id = placed(venue, "alice buy 4 @ 100")
    place(venue, "alice sell 1 @ 100 stp decrement")
    assert refusal(amend(venue, "alice", order_id, "to 1")) == "OUT_OF_RANGE"
    assert status(amend(venue, "alice", order_id, "to 2")) == "open 0 of 2"
    assert resting(venue) == ["alice bid 1 @ 100"]
    assert balance(venue, "alice USDC") == "999900 + 100 locked"


def test_a_price_that_crosses_takes() -> None:
    venue = book_of("ask 1 @ 101", "ask 2 @ 102")
    order_id = placed(venue, "alice buy 4 @ 100")
    outcome = amend(venue, "alice", order_id, "@ 102")
    assert shown(outcome) == ["1 @ 101", "2 @ 102"]
    assert reasons(outcome) == ["amended", "filled", "filled", "filled", "filled"]
    assert status(outcome) == "partially_filled 3 of 4"
    assert shown(venue) == ["bid 1 @ 102"]
    assert balance(venue, "alice USDC") == "999593 + 102 locked"
    assert balance(venue, "alice SOL") == "1000003"


def test_a_price_that_crosses_may_fill_it_or_end_at_its_own_order() -> None:
    venue = book_of("ask 1 @ 101")
    order_id = placed(venue, "alice buy 1 @ 100 as a")
    assert status(amend(venue, "alice", order_id, "@ 101 as b")) == "filled 1 of 1"
    assert refusal(amend(venue, "alice", order_id, "to 2")) == "UNKNOWN_ORDER"
    own = placed(venue, "alice sell 1 @ 103")
    assert status(amend(venue, "alice", placed(venue, "alice buy 1 @ 100"), "@ 103")) == "expired 0 of 1, self_trade"
    assert resting(venue) == ["alice ask 1 @ 103"]
    assert status(cancel(venue, "alice", own)) == "canceled 0 of 1"


def test_post_only_stays_post_only() -> None:
    venue = book_of("ask 1 @ 101")
    order_id = placed(venue, "alice buy 1 @ 100 POST")
    assert refusal(amend(venue, "alice", order_id, "@ 101")) == "WOULD_TAKE"
    assert status(amend(venue, "alice", order_id, "@ 100.99")) == "open 0 of 1"


def test_it_must_be_worth_enough_and_be_paid() -> None:
    venue = venue_of(instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="10"))
    order_id = placed(venue, "alice buy 1 @ 100")
    assert refusal(amend(venue, "alice", order_id, "to 0.099")) == "MIN_NOTIONAL"
    assert refusal(amend(venue, "alice", order_id, "to 10000.001")) == "INSUFFICIENT_BALANCE"
    assert refusal(amend(venue, "alice", order_id, "@ 1000000.01")) == "INSUFFICIENT_BALANCE"
    amend(venue, "alice", order_id, "to 10000")
    assert balance(venue, "alice USDC") == "0 + 1000000 locked"
    assert refusal(amend(venue, "alice", order_id, "@ 0")) == "OUT_OF_RANGE"


def test_fees_are_those_of_the_moment_it_enters_again() -> None:
    rules = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="1", fee_asset=FeeAsset.QUOTE)
    dearer = instrument_of(
        "SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="1", taker_fee="0.1", fee_asset=FeeAsset.QUOTE
    )
    venue = book_of("ask 1 @ 101", rules=rules)
    order_id, other = placed(venue, "alice buy 2 @ 100"), placed(venue, "alice buy 2 @ 99")
    venue_of(dearer, people=(), venue=venue)
    amend(venue, "alice", other, "to 1")
    assert balance(venue, "alice USDC") == "999701 + 299 locked"
    outcome = amend(venue, "alice", order_id, "@ 101")
    assert makers(venue, outcome) == ["maker"]
    assert balance(venue, "alice USDC") == "999678.8 + 210.1 locked"


@pytest.mark.parametrize(
    ("market", "refused"),
    [
        (MarketStatus.HALTED, {"to 1", "to 5", "@ 99", "as b", "@ 101"}),
        (MarketStatus.CANCEL_ONLY, {"to 5", "@ 99", "@ 101"}),
        (MarketStatus.POST_ONLY, {"@ 101"}),
        (MarketStatus.TRADING, set()),
    ],
)
def test_what_a_status_lets_through(market: MarketStatus, refused: set[str]) -> None:
    for change in ("to 1", "to 5", "@ 99", "as b", "@ 101"):
        venue = book_of("ask 1 @ 101")
        order_id = placed(venue, "alice buy 4 @ 100")
        if market is not MarketStatus.TRADING:
            do(venue, SetMarketStatus("SOL_USDC", market))
        outcome = amend(venue, "alice", order_id, change)
        if change in refused:
            assert refusal(outcome) == "MARKET_NOT_TRADING"
        else:
            assert reasons(outcome)[0] == "amended"


def test_a_reduction_happens_once_a_key() -> None:
    venue, order_id = queue()
    amend(venue, "alice", order_id, "by 1 key k")
    assert same_order(amend(venue, "alice", order_id, "by 1 key k")) == order_id
    assert same_order(amend(venue, "alice", "a", "by 1 key k")) == order_id
    for venue_now in (venue, retold(venue)):
        assert refusal(amend(venue_now, "alice", order_id, "by 2 key k")) == "KEY_CONFLICT"
        assert refusal(amend(venue_now, "alice", order_id, "by 1 key k @ 99")) == "KEY_CONFLICT"
        assert refusal(amend(venue_now, "alice", order_id, "by 1 key k as b")) == "KEY_CONFLICT"
    assert status(amend(venue, "alice", order_id, "by 1 key l")) == "open 0 of 2"
    cancel(venue, "alice", order_id)
    assert same_order(amend(venue, "alice", order_id, "by 1 key k")) == order_id
    assert refusal(amend(venue, "alice", order_id, "by 1 key m")) == "UNKNOWN_ORDER"


def test_reductions_are_forgotten_beyond_the_limit() -> None:
    venue = venue_of(venue=Venue(reductions_max=1))
    order_id = placed(venue, "alice buy 4 @ 100")
    amend(venue, "alice", order_id, "by 1 key k")
    amend(venue, "alice", order_id, "by 1 key l")
    assert status(amend(venue, "alice", order_id, "by 1 key k")) == "open 0 of 1"


def test_an_order_that_is_so_already_is_a_retry() -> None:
    venue, order_id = queue()
    for change in ("to 4", "@ 100", "as a", "to 4 @ 100 as a"):
        assert same_order(amend(venue, "alice", order_id, change)) == order_id


def test_a_new_name_names_it_and_the_old_one_stays_taken() -> None:
    venue, order_id = queue()
    outcome = amend(venue, "alice", "a", "as b")
    assert order_after(outcome).terms.client_order_id == "b"
    for venue_now in (venue, retold(venue)):
        assert refusal(cancel(venue_now, "alice", "a")) == "UNKNOWN_ORDER"
        assert same_order(amend(venue_now, "alice", "a", "as b")) == order_id
        assert same_order(place(venue_now, "alice buy 4 @ 100 as a")) == order_id
        assert same_order(place(venue_now, "alice buy 4 @ 100 as b")) == order_id
        assert refusal(place(venue_now, "alice buy 4 @ 101 as a")) == "CLIENT_ORDER_ID_CONFLICT"
        assert refusal(amend(venue_now, "alice", order_id, "as a")) == "CLIENT_ORDER_ID_CONFLICT"
    assert status(cancel(venue, "alice", "b")) == "canceled 0 of 4"


def test_a_retry_of_the_order_is_compared_with_what_was_first_sent() -> None:
    venue, order_id = queue()
    amend(venue, "alice", order_id, "to 2 @ 99")
    amend(venue, "alice", order_id, "to 3 @ 98")
    for venue_now in (venue, retold(venue)):
        assert same_order(place(venue_now, "alice buy 4 @ 100 as a")) == order_id
        assert refusal(place(venue_now, "alice buy 3 @ 98 as a")) == "CLIENT_ORDER_ID_CONFLICT"


def test_a_retry_is_known_while_the_order_is_open_however_many_names_came_since() -> None:
    venue = venue_of(venue=Venue(client_ids_max=1))
    order_id = placed(venue, "alice buy 4 @ 100 as a")
    amend(venue, "alice", order_id, "to 2")
    placed(venue, "bob buy 1 @ 1 as other")
    assert same_order(place(venue, "alice buy 4 @ 100 as a")) == order_id
    assert refusal(place(venue, "alice buy 2 @ 100 as a")) == "CLIENT_ORDER_ID_CONFLICT"


def test_each_amendment_is_told() -> None:
    venue, order_id = queue()
    outcome = amend(venue, "alice", order_id, "by 1 key k")
    told = [event for event in events_of(outcome) if isinstance(event, Amended)]
    now_ns = venue.time_ns
    assert told == [Amended(1, "SOL_USDC", "alice", order_id, "a", None, 10_000, None, 4_000, 3_000, "k", 2, now_ns)]
    [event] = [e for e in events_of(amend(venue, "alice", order_id, "@ 99 as b")) if isinstance(e, Amended)]
    assert event == Amended(
        2, "SOL_USDC", "alice", order_id, "a", "b", 10_000, 9_900, 3_000, None, None, 2, venue.time_ns
    )


def test_only_the_owner_changes_an_order() -> None:
    venue, order_id = queue()
    assert refusal(amend(venue, "bob", order_id, "to 1")) == "UNKNOWN_ORDER"
    assert refusal(amend(venue, "bob", "a", "to 1")) == "UNKNOWN_ORDER"


def test_an_amended_order_goes_on_after_a_restart() -> None:
    venue, order_id = queue()
    amend(venue, "alice", order_id, "to 5 @ 99 as b")
    place(venue, "carol sell 4 @ 99")
    again = retold(venue)
    assert resting(again) == ["alice bid 4 @ 99"]
    assert status(cancel(again, "alice", "b")) == "canceled 1 of 5"


def test_an_order_that_waits_is_amended_where_it_is() -> None:
    venue = venue_of()
    order_id = placed(venue, "alice buy 4 @ 102 stop 101 as s")
    assert status(amend(venue, "alice", "s", "to 6 @ 103")) == "pending 0 of 6"
    assert balance(venue, "alice USDC") == "999382 + 618 locked"
    assert status(amend(venue, "alice", order_id, "by 5 key k")) == "pending 0 of 1"
    assert balance(venue, "alice USDC") == "999897 + 103 locked"
    retold(venue)
    at_market = placed(venue, "alice sell 4 at market stop 90")
    assert refusal(amend(venue, "alice", at_market, "@ 89")) == "OUT_OF_RANGE"
    outcome = amend(venue, "alice", at_market, "to 9")
    [amended] = [event for event in events_of(outcome) if isinstance(event, Amended)]
    assert (amended.price_ticks, amended.new_price_ticks) == (None, None)
    assert balance(venue, "alice SOL") == "999991 + 9 locked"
    assert same_order(place(venue, "alice buy 4 @ 102 stop 101 as s")) == order_id
    retold(venue)
    placed(venue, "bob ask 1 @ 101")
    place(venue, "carol buy 1 @ 101")
    placed(venue, "bob ask 5 @ 102.50")
    assert status(run(venue), order_id) == "filled 1 of 1"
    retold(venue)


def test_an_order_that_takes_any_price_has_none_to_change_not_even_to_zero() -> None:
    venue = venue_of()
    at_market = placed(venue, "alice sell 4 at market stop 90")
    for what in ("@ 89", "@ 0", "by 1 key k @ 0"):
        assert refusal(amend(venue, "alice", at_market, what)) == "OUT_OF_RANGE"
    before = retold(venue)
    command = AmendOrder("alice", "SOL_USDC", at_market, None, reduce_lots=1_000, price_ticks=0, key="k")
    outcome = before.replay(command, before.sequence + 1, before.time_ns, 6)
    assert status(outcome, at_market) == "pending 0 of 3", "as it was journaled"


def test_an_order_that_waits_hides_nothing_after_it_has_grown() -> None:
    venue = book_of("buy 1 @ 95", "buy 1 @ 94")
    order_id = placed(venue, "alice sell 2 @ 90 stop 95")
    amend(venue, "alice", order_id, "to 6")
    retold(venue)
    place(venue, "carol sell 1 @ 95")
    assert shown(run(venue)) == ["1 @ 94"]
    assert shown(venue) == ["ask 5 @ 90"]
    assert shown(place(venue, "carol buy 6 @ 90")) == ["5 @ 90"]
