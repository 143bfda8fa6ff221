"""What a fee, a halt, a full book, an amendment, a restart and a self-trade do to orders of the further types.

Stories for what the other files of these types leave out.
"""

from dataclasses import replace

from exchange.core.commands import CancelOrder, PlaceOrder, ReplaceMode, ReplaceOrder, SetMarket, SetMarketStatus
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.instrument import FeeAsset, Instrument, MarketStatus, instrument_of
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    amend,
    balance,
    cancel,
    do,
    expire,
    makers,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    resting,
    retold,
    run,
    shown,
    status,
    trades_of,
    venue_of,
)

FULL = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", max_open_orders=1)
IN_QUOTE = instrument_of(
    "SOL_USDC",
    SOL,
    USDC,
    tick_size="0.01",
    lot_size="0.001",
    maker_fee="0.01",
    taker_fee="0.02",
    fee_asset=FeeAsset.QUOTE,
)


def quoted(rules: Instrument = SOL_USDC) -> Venue:
    """The maker buys 1 at 99 and sells 2 at 101, and 100 is the last price."""
    venue = venue_of(rules)
    for order in ("maker ask 1 @ 100", "carol buy 1 @ 100"):
        place(venue, order)
    for order in ("alice bid 1 @ 99", "maker ask 2 @ 101"):
        placed(venue, order)
    return venue


def iceberg(venue: Venue, text: str, visible: str) -> Outcome:
    terms: PlaceOrder = order_of(venue, text)
    lots = venue.markets[terms.market].instrument.lots(visible)
    return do(venue, replace(terms, conditions=Conditions(visible_lots=lots)))


def halt(venue: Venue, status: MarketStatus = MarketStatus.HALTED) -> None:
    do(venue, SetMarketStatus("SOL_USDC", status))


# --- market orders for an amount


def test_one_for_an_amount_is_never_open_so_it_locks_nothing_and_cannot_be_amended() -> None:
    venue = quoted()
    outcome = place(venue, "bob buy for 303 at market")
    assert status(outcome) == "filled 2 of 0"
    assert balance(venue, "bob USDC") == "999798"
    assert refusal(amend(venue, "bob", order_after(outcome).order_id, "to 1")) == "UNKNOWN_ORDER"
    assert shown(retold(venue)) == ["bid 1 @ 99"]


def test_one_for_an_amount_is_taken_beside_as_many_orders_as_may_be_open() -> None:
    venue = quoted(FULL)
    assert shown(place(venue, "alice buy for 101 at market")) == ["1 @ 101"]


def test_one_for_an_amount_pays_the_fee_of_a_taker_of_what_it_got() -> None:
    dear = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", taker_fee="0.01")
    venue = quoted(dear)
    [trade] = trades_of(place(venue, "bob buy for 101 at market"))
    assert (trade.taker_fee_minor, balance(venue, "bob SOL")) == (SOL.minor("0.01"), "1000000.99")


def test_one_for_an_amount_needs_a_market_that_trades() -> None:
    venue = quoted()
    for closed in (MarketStatus.POST_ONLY, MarketStatus.CANCEL_ONLY, MarketStatus.HALTED):
        halt(venue, closed)
        assert refusal(place(venue, "bob buy for 101 at market")) == "MARKET_NOT_TRADING"


# --- stops


def test_a_stop_meets_its_own_orders_in_the_mode_that_it_was_placed_with() -> None:
    venue = quoted()
    stop = placed(venue, "bob sell 1 @ 90 stop 98")
    placed(venue, "bob bid 1 @ 97")
    placed(venue, "maker bid 1 @ 98")
    do(venue, SetMarket(replace(venue.markets["SOL_USDC"].instrument, self_trade=SelfTrade.EXPIRE_MAKER)))
    place(venue, "carol sell 2 @ 98")
    assert status(run(venue), stop) == "expired 0 of 1, self_trade"
    assert resting(retold(venue)) == ["maker ask 2 @ 101", "bob bid 1 @ 97"]


# --- good till date


def test_a_gtd_order_keeps_its_time_when_it_is_amended() -> None:
    venue = quoted()
    order_id = placed(venue, "bob bid 1 @ 98 until 5000")
    amend(venue, "bob", order_id, "to 2 @ 97")
    assert [order.order_id for order in [venue.markets["SOL_USDC"].deadlines.due(5000)] if order] == [order_id]
    amend(venue, "bob", order_id, "to 1.5")
    retold(venue)
    assert status(expire(venue, 5000), order_id) == "expired 0 of 1.5, expire_at"
    assert balance(venue, "bob USDC") == "1000000"


def test_a_gtd_order_counts_among_the_open_ones_until_its_time() -> None:
    venue = venue_of(FULL)
    placed(venue, "bob bid 1 @ 98 until 5000")
    assert refusal(place(venue, "bob bid 1 @ 97")) == "TOO_MANY_OPEN_ORDERS"
    expire(venue, 5000)
    assert shown(venue) == []
    placed(venue, "bob bid 1 @ 97")


def test_a_gtd_order_that_meets_its_own_ends_as_any_order() -> None:
    venue = quoted()
    outcome = place(venue, "alice sell 2 @ 99 until 5000")
    assert status(outcome) == "expired 0 of 2, self_trade"
    assert not venue.markets["SOL_USDC"].deadlines.due(6000)


# --- icebergs


def test_a_fill_of_what_an_iceberg_shows_keeps_its_place_until_all_of_that_is_gone() -> None:
    venue = venue_of()
    iceberg(venue, "bob sell 5 @ 100", "2")
    placed(venue, "alice sell 1 @ 100")
    place(venue, "carol buy 1 @ 100")
    assert shown(venue) == ["ask 2 @ 100"]
    assert balance(venue, "bob SOL") == "999995 + 4 locked"
    assert makers(venue, place(retold(venue), "carol buy 2 @ 100")) == ["bob", "alice"]


def test_an_iceberg_rests_where_only_resting_orders_are_taken_and_nowhere_else() -> None:
    venue = venue_of()
    halt(venue, MarketStatus.POST_ONLY)
    order_id = order_after(iceberg(venue, "bob sell 5 @ 100", "2")).order_id
    halt(venue)
    assert refusal(iceberg(venue, "bob sell 5 @ 100", "2")) == "MARKET_NOT_TRADING"
    assert status(cancel(venue, "bob", order_id)) == "canceled 0 of 5"
    assert balance(venue, "bob SOL") == "1000000"


def test_an_iceberg_locks_the_fee_of_all_of_it_in_the_quote() -> None:
    venue = venue_of(IN_QUOTE)
    iceberg(venue, "bob buy 5 @ 100", "2")
    assert balance(venue, "bob USDC") == "999490 + 510 locked"
    place(venue, "carol sell 3 @ 100")
    assert balance(retold(venue), "bob USDC") == "999493 + 204 locked"


def test_an_iceberg_is_one_open_order_however_many_parts_it_has() -> None:
    venue = venue_of(FULL)
    iceberg(venue, "bob sell 5 @ 100", "0.001")
    assert refusal(place(venue, "bob sell 1 @ 100")) == "TOO_MANY_OPEN_ORDERS"
    place(venue, "carol buy 5 @ 100")
    placed(venue, "bob sell 1 @ 100")


# --- pegged orders


def test_a_pegged_order_counts_among_the_open_ones() -> None:
    venue = quoted(FULL)
    placed(venue, "bob buy 1 pegged to primary")
    assert refusal(place(venue, "bob buy 1 pegged to primary")) == "TOO_MANY_OPEN_ORDERS"
    cancel(venue, "bob", 5)
    placed(venue, "bob buy 1 pegged to primary")


# --- amendments and replacements


def test_an_order_is_amended_beside_as_many_as_may_be_open() -> None:
    venue = quoted(FULL)
    assert status(amend(venue, "alice", 3, "to 2 @ 98")) == "open 0 of 2"


def replaced(venue: Venue, order_id: int, text: str) -> Outcome:
    """Alice replaces an order by another, or nothing happens."""
    which = CancelOrder("alice", "SOL_USDC", order_id, None)
    return do(venue, ReplaceOrder(which, order_of(venue, f"alice {text}"), ReplaceMode.ATOMIC))


def test_a_replacement_ends_what_has_filled_in_part_and_begins_anew() -> None:
    venue = quoted()
    place(venue, "carol sell 0.4 @ 99")
    outcome = replaced(venue, 3, "buy 1 @ 98")
    assert status(outcome, 3) == "canceled 0.4 of 1, replaced"
    assert status(outcome) == "open 0 of 1"
    assert balance(retold(venue), "alice USDC") == "999862.4 + 98 locked"


def test_a_replacement_has_the_fees_of_now() -> None:
    venue = quoted()
    do(venue, SetMarket(replace(venue.markets["SOL_USDC"].instrument, maker_fee_ppm=10_000, taker_fee_ppm=10_000)))
    assert trades_of(place(retold(venue), "carol sell 1 @ 99"))[0].maker_fee_minor == 0
    replaced(venue, 3, "buy 1 @ 99")
    assert trades_of(place(retold(venue), "carol sell 1 @ 99"))[0].maker_fee_minor == SOL.minor("0.01")
