"""Orders that wait for a price: stops, take-profits and trailing stops."""

import random

import pytest

from exchange.core.commands import OrderType, PlaceOrder, RunTriggered, SetMarket, SetMarketStatus, Side, TimeInForce
from exchange.core.conditions import Conditions, Pending, Progress
from exchange.core.events import REFUSED, OrderStatus, OrderUpdated, UpdateReason
from exchange.core.instrument import FeeAsset, MarketStatus, instrument_of
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    balance,
    book_of,
    cancel,
    cancel_all,
    do,
    events_of,
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
    waiting,
)


def traded_at(venue: Venue, *prices: str) -> Outcome:
    """Two people trade at these prices, one after the other; the outcome of the last trade."""
    for price in prices:
        placed(venue, f"maker ask 0.1 @ {price}")
        outcome = place(venue, f"carol buy 0.1 @ {price}")
        assert len(shown(outcome)) == 1, price
    return outcome


def progress(outcome: Outcome, order_id: int) -> Progress:
    found = order_after(outcome, order_id).progress
    assert found is not None
    return found


def reasons(outcome: Outcome, order_id: int) -> list[str]:
    updates = [event for event in events_of(outcome) if isinstance(event, OrderUpdated)]
    return [update.reason.name.lower() for update in updates if update.order_id == order_id]


@pytest.mark.parametrize(
    ("order", "calm", "there"),
    [
        ("bob sell 2 at market stop 99", "99.01", "99"),
        ("bob buy 2 at market stop 101", "100.99", "101"),
        ("bob sell 2 at market take 101", "100.99", "101"),
        ("bob buy 2 at market take 99", "99.01", "99"),
        ("bob sell 2 @ 98 stop 99", "99.01", "98.50"),
        ("bob buy 2 @ 120 take 99", "99.01", "98.50"),
    ],
)
def test_the_last_price_triggers_what_waits_for_it(order: str, calm: str, there: str) -> None:
    venue = venue_of()
    traded_at(venue, "100")
    order_id = placed(venue, order)
    assert venue.state().orders[-1].order_id == order_id
    retold(venue)
    traded_at(venue, calm)
    assert not waiting(venue)[0].endswith("ready")
    outcome = traded_at(venue, there)
    assert waiting(venue)[0].endswith("ready")
    assert reasons(outcome, order_id) == ["triggered"]
    assert order_after(outcome, order_id).status is OrderStatus.PENDING
    assert progress(outcome, order_id).trigger_ticks == SOL_USDC.ticks(there)
    retold(venue)
    placed(venue, "alice ask 5 @ 105")
    placed(venue, "alice bid 5 @ 98")
    outcome = run(venue)
    assert reasons(outcome, order_id) == ["working", "filled"]
    assert status(outcome, order_id) == "filled 2 of 2"
    assert not waiting(venue)
    assert progress(outcome, order_id).working_ns == venue.time_ns
    retold(venue)


def test_what_waits_locks_what_a_limit_order_locks_and_a_buy_at_market_nothing() -> None:
    venue = venue_of()
    placed(venue, "bob sell 2 at market stop 99")
    assert balance(venue, "bob SOL") == "999998 + 2 locked"
    placed(venue, "bob sell 3 @ 98 stop 99")
    assert balance(venue, "bob SOL") == "999995 + 5 locked"
    placed(venue, "bob buy 4 at market stop 101")
    assert balance(venue, "bob USDC") == "1000000"
    placed(venue, "bob buy 4 @ 102.50 stop 101")
    assert balance(venue, "bob USDC") == "999590 + 410 locked"
    assert status(cancel(venue, "bob", 2)) == "canceled 0 of 3"
    assert balance(venue, "bob SOL") == "999998 + 2 locked"
    cancel_all(venue, "bob")
    assert balance(venue, "bob SOL") == balance(venue, "bob USDC") == "1000000"
    assert waiting(venue) == []
    retold(venue)


def test_one_whose_price_is_there_already_is_refused() -> None:
    venue = venue_of()
    placed(venue, "bob sell 2 at market stop 99")  # nothing has traded yet
    traded_at(venue, "100")
    assert refusal(place(venue, "bob sell 2 at market stop 100")) == "WOULD_TRIGGER"
    assert refusal(place(venue, "bob buy 2 @ 150 stop 99")) == "WOULD_TRIGGER"
    assert refusal(place(venue, "bob sell 2 at market take 100")) == "WOULD_TRIGGER"
    assert refusal(place(venue, "bob buy 2 at market take 100")) == "WOULD_TRIGGER"


def test_a_refusal_names_the_same_reasons_as_that_of_a_limit_order() -> None:
    venue = venue_of(instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", min_notional="5"))
    assert refusal(place(venue, "bob sell 2000000 at market stop 99")) == "INSUFFICIENT_BALANCE"
    assert refusal(place(venue, "bob buy 20000 @ 100 stop 101")) == "INSUFFICIENT_BALANCE"
    assert refusal(place(venue, "bob buy 0.01 @ 100 stop 101")) == "MIN_NOTIONAL"
    assert refusal(place(venue, "bob sell 0 at market stop 99")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob sell 1 at market stop 0")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob sell 1 at market stop trail 0.00")) == "OUT_OF_RANGE"
    assert refusal(place(venue, "bob sell 1 at market stop trail 10000bps")) == "OUT_OF_RANGE"


def test_they_count_among_the_open_orders() -> None:
    rules = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", max_open_orders=2)
    venue = venue_of(rules)
    first = placed(venue, "bob sell 1 at market stop 99")
    placed(venue, "bob bid 1 @ 50")
    assert refusal(place(venue, "bob sell 1 at market stop 99")) == "TOO_MANY_OPEN_ORDERS"
    assert refusal(place(venue, "bob bid 1 @ 50")) == "TOO_MANY_OPEN_ORDERS"
    cancel(venue, "bob", first)
    placed(venue, "bob buy 1 at market stop 99")


def test_a_client_order_id_names_what_waits_too() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob sell 2 at market stop 99 as s1")
    assert same_order(place(venue, "bob sell 2 at market stop 99 as s1")) == order_id
    assert refusal(place(venue, "bob sell 2 at market stop 98 as s1")) == "CLIENT_ORDER_ID_CONFLICT"
    assert status(cancel(venue, "bob", "s1")) == "canceled 0 of 2"


def test_they_enter_by_trade_and_then_by_id_and_at_the_back_of_their_level() -> None:
    venue = book_of("bid 1 @ 90")
    placed(venue, "alice sell 1 @ 95 stop 97")
    placed(venue, "bob sell 1 @ 95 stop 98")
    placed(venue, "carol sell 1 @ 95 stop 97.50")
    placed(venue, "maker bid 1 @ 98")
    placed(venue, "maker bid 1 @ 97")
    outcome = place(venue, "carol sell 2 @ 97")
    assert [update.order_id for update in updates(outcome, UpdateReason.TRIGGERED)] == [3, 2, 4]
    placed(venue, "maker ask 1 @ 95")
    run(venue, 2)
    assert waiting(venue) == ["carol stop_loss_limit ready"]
    retold(venue)
    run(venue, 2)
    assert resting(venue) == [
        *("maker ask 1 @ 95", "bob ask 1 @ 95", "alice ask 1 @ 95", "carol ask 1 @ 95"),
        "maker bid 1 @ 90",
    ]
    retold(venue)


def updates(outcome: Outcome, reason: UpdateReason) -> list[OrderUpdated]:
    return [event for event in events_of(outcome) if isinstance(event, OrderUpdated) and event.reason is reason]


def test_a_cascade_triggers_one_stop_by_the_trades_of_another() -> None:
    venue = book_of("bid 1 @ 99", "bid 1 @ 98", "bid 1 @ 97")
    traded_at(venue, "100")
    placed(venue, "bob sell 1 at market stop 99")
    placed(venue, "alice sell 1 at market stop 98")
    place(venue, "carol sell 1 @ 99")
    assert waiting(retold(venue)) == waiting(venue) == ["bob stop_loss ready", "alice stop_loss"]
    outcome = run(venue, 1)
    assert shown(outcome) == ["1 @ 98"]
    assert waiting(venue) == ["alice stop_loss ready"]
    assert shown(run(venue, 1)) == ["1 @ 97"]
    assert do(venue, RunTriggered("SOL_USDC", 5)) is None


def test_one_that_cannot_be_paid_any_more_says_so() -> None:
    venue = book_of("ask 1000 @ 2000")
    traded_at(venue, "100")
    order_id = placed(venue, "bob buy 600 at market stop 101")
    traded_at(venue, "101")
    outcome = run(venue)
    assert status(outcome, order_id) == "expired 0 of 600, refused_at_trigger"
    assert REFUSED[progress(outcome, order_id).refused].value == "INSUFFICIENT_BALANCE"
    assert waiting(venue) == []
    retold(venue)


def test_what_is_post_only_fok_or_ioc_is_judged_when_it_enters() -> None:
    venue = book_of("bid 1 @ 98", "bid 1 @ 97")
    ids = [placed(venue, f"bob sell 2 @ 98 stop 99 {terms}") for terms in ("POST", "FOK", "IOC")]
    traded_at(venue, "100", "99")
    outcome = run(venue, 3)
    assert [status(outcome, order_id) for order_id in ids] == [
        "expired 0 of 2, refused_at_trigger",
        "expired 0 of 2, fok_unfillable",
        "expired 1 of 2, unfilled",
    ]
    assert REFUSED[progress(outcome, ids[0]).refused].value == "WOULD_TAKE"
    assert balance(venue, "bob SOL") == "999999"


def test_it_keeps_the_fees_that_it_entered_with() -> None:
    rules = instrument_of(
        *("SOL_USDC", SOL, USDC), tick_size="0.01", lot_size="0.001", taker_fee="0.01", fee_asset=FeeAsset.QUOTE
    )
    venue = venue_of(rules)
    order_id = placed(venue, "bob buy 1 @ 100 stop 99")
    assert balance(venue, "bob USDC") == "999899 + 101 locked"
    dearer = instrument_of(
        *("SOL_USDC", SOL, USDC), tick_size="0.01", lot_size="0.001", taker_fee="0.5", fee_asset=FeeAsset.QUOTE
    )
    do(venue, SetMarket(dearer))
    placed(venue, "maker ask 1 @ 99")
    place(venue, "carol buy 1 @ 99")
    placed(venue, "maker ask 1 @ 99")
    outcome = run(venue)
    assert status(outcome, order_id) == "filled 1 of 1"
    assert balance(venue, "bob USDC") == "999900.01"  # 99 and a fee of one hundredth


def test_a_market_that_takes_no_orders_lets_none_wait_and_one_for_resting_orders_does() -> None:
    venue = book_of("bid 5 @ 98")
    for closed in (MarketStatus.HALTED, MarketStatus.CANCEL_ONLY):
        do(venue, SetMarketStatus("SOL_USDC", closed))
        assert refusal(place(venue, "bob sell 1 at market stop 97")) == "MARKET_NOT_TRADING"
    do(venue, SetMarketStatus("SOL_USDC", MarketStatus.POST_ONLY))
    placed(venue, "bob sell 1 @ 90 stop 97")
    placed(venue, "bob sell 1 at market stop 97")


def test_rules_that_stop_trading_between_the_trigger_and_the_entry_refuse_it() -> None:
    venue = book_of("bid 5 @ 95")
    order_id = placed(venue, "bob sell 1 at market stop 97")
    traded_at(venue, "97")
    halted = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001", status=MarketStatus.HALTED)
    do(venue, SetMarket(halted))
    outcome = run(venue)
    assert status(outcome, order_id) == "expired 0 of 1, refused_at_trigger"
    assert REFUSED[progress(outcome, order_id).refused].value == "MARKET_NOT_TRADING"


# --- trailing stops


@pytest.mark.parametrize(
    ("order", "prices", "there"),
    [
        ("bob sell 1 at market stop trail 100bps", ("105", "104", "103.96"), "103.95"),
        ("bob sell 1 at market stop trail 1.50", ("105", "104", "103.51"), "103.50"),
        ("bob buy 1 at market stop trail 100bps", ("95", "95.90", "95.94"), "95.95"),
        ("bob buy 1 at market stop trail 1.50", ("95", "96.49"), "96.50"),
        ("bob sell 1 at market take trail 1 from 103", ("99", "102.99", "90", "103", "102.01"), "102"),
        ("bob sell 1 at market stop trail 1 from 97", ("120", "97.01", "97", "98", "97.01"), "97"),
        ("bob buy 1 @ 120 take trail 1 from 97", ("98", "99", "97", "96", "96.99"), "97"),
    ],
)
def test_a_trailing_stop_follows_the_best_price_since_it_began(order: str, prices: tuple[str, ...], there: str) -> None:
    venue = venue_of()
    traded_at(venue, "100")
    order_id = placed(venue, order)
    for price in prices:
        traded_at(venue, price)
        assert not waiting(venue)[0].endswith("ready"), price
        retold(venue)
    outcome = traded_at(venue, there)
    assert waiting(venue)[0].endswith("ready")
    assert progress(outcome, order_id).tracking_ns
    retold(venue)
    cancel_all(venue, "bob")
    assert venue.markets["SOL_USDC"].tracks == ()


def test_without_a_last_price_it_begins_with_the_next_trade() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob sell 1 at market stop trail 1")
    retold(venue)
    outcome = traded_at(venue, "100")
    assert reasons(outcome, order_id) == ["tracking"]
    assert progress(outcome, order_id).pending is Pending.TRIGGER
    retold(venue)
    traded_at(venue, "99.01")
    assert not waiting(venue)[0].endswith("ready")
    traded_at(venue, "99")
    assert waiting(venue)[0].endswith("ready")


def test_an_activation_price_that_is_there_already_begins_at_once() -> None:
    venue = venue_of()
    traded_at(venue, "100")
    outcome = place(venue, "bob sell 1 at market take trail 1 from 99")
    assert order_after(outcome).progress is not None
    traded_at(venue, "99")
    assert waiting(venue)[0].endswith("ready")


def test_a_replay_of_the_commands_makes_the_same_state() -> None:
    venue, again = venue_of(), venue_of()
    chance = random.Random(7)

    def both(command: PlaceOrder | RunTriggered) -> None:
        outcome = do(venue, command)
        if outcome is not None and hasattr(outcome, "events"):
            again.replay(command, venue.sequence, venue.time_ns, 5)

    for number in range(400):
        side = chance.choice((Side.BUY, Side.SELL))
        order_type = chance.choice(list(OrderType))
        limit = order_type in (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        at = 10_000 + chance.randrange(-200, 200)
        waits = order_type not in (OrderType.LIMIT, OrderType.MARKET)
        trails = chance.random() < 0.3
        conditions = Conditions(
            stop_ticks=None if trails else at,
            trailing_ticks=chance.randrange(1, 90) if trails else None,
            activation_ticks=at if trails and chance.random() < 0.5 else None,
        )
        both(
            PlaceOrder(
                *(chance.choice(("alice", "bob", "carol")), "SOL_USDC", side, order_type),
                TimeInForce.GTC if limit else TimeInForce.IOC,
                False,
                10_000 + chance.randrange(-150, 150) if limit else None,
                chance.randrange(1, 2_000),
                f"n{number}",
                conditions if waits else None,
            )
        )
        while venue.markets["SOL_USDC"].triggers.ready:
            both(RunTriggered("SOL_USDC", 3))
    assert venue.counts.last_trade_id > 50
    assert again.state() == venue.state()
    retold(venue)


def test_after_very_many_fills_the_rest_enters_by_another_command() -> None:
    venue = venue_of()
    for _ in range(500):
        placed(venue, "maker bid 0.001 @ 90")
    placed(venue, "alice sell 0.5 at market stop 97")
    placed(venue, "bob sell 0.5 at market stop 97")
    traded_at(venue, "97")
    assert len(shown(run(venue, 9))) == 500
    assert waiting(venue) == ["bob stop_loss ready"]
    run(venue, 9)
    assert waiting(venue) == []
    retold(venue)
