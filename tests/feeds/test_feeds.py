"""Channels begin between two commands, count without holes, and send each event once to every subscriber."""

import pytest

from exchange.core.commands import AddAsset, CancelAll, SetMarket
from tests.core.stories import SOL_EUR, SOL_USDC, venue_of
from tests.feeds.stage import EVERY_CANDLE, MARKET, MINUTE_NS, Listener, Stage
from tests.reader import STATES

EVERY = (
    f"trade@{MARKET}",
    f"depth@{MARKET}",
    f"book_ticker@{MARKET}",
    f"ticker@{MARKET}",
    *EVERY_CANDLE,
    "orders@alice",
    "balances@alice",
    "orders@bob",
    "balances@bob",
)
SOME_TRADE = ("alice sell 3 @ 101", "alice sell 2 @ 102", "bob buy 1 @ 100", "bob buy 4 @ 102", "alice sell 9 @ 99")


def holds_everything(stage: Stage, listener: Listener) -> None:
    """The listener knows what the venue knows."""
    assert listener.book(MARKET) == stage.depth()
    for user_id in ("alice", "bob"):
        accounts = {account.asset: account for account in stage.venue.ledger.accounts_of(user_id)}
        for symbol, row in listener.balances[user_id].items():
            asset = stage.venue.assets[symbol]
            assert row["available"] == asset.text(accounts[symbol].available)
            assert row["locked"] == asset.text(accounts[symbol].locked)
        open_ids = [str(order.order_id) for order in stage.venue.markets[MARKET].open_orders(user_id)]
        assert sorted(listener.orders[user_id]) == sorted(open_ids)


# --- a beginning


def test_depth_begins_with_the_whole_book_and_goes_on_with_each_change() -> None:
    stage = Stage()
    stage.tell("alice sell 3 @ 101", "alice sell 2 @ 102")
    listener = stage.listener(f"depth@{MARKET}")
    assert [event["data"] for event in listener.events(f"depth@{MARKET}")] == [
        {"type": "snapshot", "last_sequence": 2, "bids": [], "asks": [["101", "3"], ["102", "2"]]}
    ]
    stage.tell("bob buy 4 @ 102")
    assert listener.events(f"depth@{MARKET}")[-1]["data"] == {
        "type": "diff",
        "first_sequence": 3,
        "last_sequence": 4,
        "bids": [],
        "asks": [["101", "0"], ["102", "1"]],
    }
    assert listener.book(MARKET) == stage.depth()


@pytest.mark.parametrize("place", range(len(SOME_TRADE) + 1))
def test_a_subscription_begins_exactly_where_it_stands_among_the_commands_of_a_batch(place: int) -> None:
    stage = Stage()
    stage.say(*SOME_TRADE[:place])
    listener = Listener(stage.frames)
    stage.ask(listener, *EVERY)
    before = stage.venue.sequence
    stage.say(*SOME_TRADE[place:])
    assert listener.heard == []
    stage.release()
    holds_everything(stage, listener)
    for channel in EVERY:
        sequences = [event["sequence"] for event in listener.events(channel)]
        assert all(sequence > before for sequence in sequences[channel.startswith(STATES) :])
    assert listener.events(f"depth@{MARKET}")[0]["sequence"] == before


def test_an_answer_comes_before_the_first_event_and_carries_the_id() -> None:
    stage = Stage()
    listener = Listener(stage.frames)
    stage.ask(listener, f"depth@{MARKET}", f"trade@{MARKET}", request_id="mine")
    stage.release()
    assert [message.get("message_type", "event") for message in listener.heard] == ["SUBSCRIBED", "event", "SUBSCRIBED"]
    assert listener.heard[0] == {
        "message_type": "SUBSCRIBED",
        "channel": f"depth@{MARKET}",
        "channel_sequence": 0,
        "id": "mine",
    }


def test_who_asks_twice_hears_everything_once_and_begins_anew() -> None:
    stage = Stage()
    listener = stage.listener(*EVERY)
    stage.tell(*SOME_TRADE[:3])
    stage.ask(listener, *EVERY)
    stage.tell(*SOME_TRADE[3:])
    holds_everything(stage, listener)
    assert len(listener.tape[MARKET]) == len({trade["trade_id"] for trade in listener.tape[MARKET]})


def test_a_market_that_opens_can_be_listened_to_in_the_same_batch() -> None:
    stage = Stage(venue_of(SOL_USDC, people=()))
    listener = Listener(stage.frames)
    stage.do(AddAsset(SOL_EUR.quote))
    stage.do(SetMarket(SOL_EUR))
    stage.ask(listener, "ticker@SOL_EUR", "candle_1m@SOL_EUR", "depth@SOL_EUR", "trade@SOL_EUR")
    stage.release()
    assert listener.latest["ticker@SOL_EUR"]["last"] is None
    assert listener.book("SOL_EUR") == stage.depth("SOL_EUR")


# --- an end


def test_who_leaves_hears_that_and_then_nothing() -> None:
    stage = Stage()
    listener = stage.listener(f"trade@{MARKET}")
    stage.say("alice sell 3 @ 101", "bob buy 1 @ 101")
    stage.leave(listener, f"trade@{MARKET}")
    stage.say("bob buy 1 @ 101")
    stage.release()
    assert [message.get("message_type", "trade") for message in listener.heard] == [
        "SUBSCRIBED",
        "trade",
        "UNSUBSCRIBED",
    ]
    assert stage.feeds.subscribers == 0


def test_who_joins_and_leaves_before_either_is_durable_has_left() -> None:
    stage = Stage()
    listener = Listener(stage.frames)
    stage.ask(listener, f"trade@{MARKET}")
    stage.leave(listener, f"trade@{MARKET}")
    stage.tell("alice sell 3 @ 101", "bob buy 1 @ 101")
    assert [message["message_type"] for message in listener.heard] == ["SUBSCRIBED", "UNSUBSCRIBED"]
    assert stage.feeds.subscribers == 0


def test_who_is_gone_before_the_beginning_is_forgotten() -> None:
    stage = Stage()
    listener = Listener(stage.frames)
    stage.ask(listener, *EVERY)
    stage.feeds.forget(listener.subscriber)
    stage.tell(*SOME_TRADE)
    assert listener.heard == []
    assert stage.feeds.subscribers == 0


# --- counting


def test_every_channel_counts_without_holes() -> None:
    stage = Stage()
    listener = stage.listener(*EVERY)
    for _ in range(3):
        stage.now_ns += MINUTE_NS
        stage.mark()
        stage.tell(*SOME_TRADE)
        stage.do(CancelAll("alice", MARKET))
        stage.do(CancelAll("bob", MARKET))
        stage.release()
    holds_everything(stage, listener)
    assert all(listener.counts[channel] > 0 for channel in EVERY)


@pytest.mark.parametrize("minutes", [0, 1, 7])
def test_every_channel_goes_on_counting_after_a_restart(minutes: int) -> None:
    stage = Stage()
    listener = stage.listener(*EVERY)
    stage.tell(*SOME_TRADE)
    again = stage.restarted(minutes * MINUTE_NS)
    listener.come_back(again.frames)
    again.ask(listener, *EVERY)
    again.release()
    # Nobody was told of what ended while nobody was there: a candle, and that is seen in the count.
    ended = {0: [], 1: ["candle_1m"], 7: ["candle_1m", "candle_5m"]}[minutes]
    assert [channel.partition("@")[0] for channel, _, _ in listener.gaps] == ended
    again.tell(*SOME_TRADE)
    holds_everything(again, listener)


def test_a_snapshot_tells_of_the_moment_it_was_asked_for_though_released_later() -> None:
    stage = Stage()
    listener = Listener(stage.frames)
    stage.say("alice sell 3 @ 101")
    stage.ask(listener, f"depth@{MARKET}", "orders@alice", "balances@alice", f"book_ticker@{MARKET}")
    stage.say("bob buy 3 @ 101")
    stage.line.pop()
    stage.release()
    assert listener.book(MARKET)["asks"] == [["101", "3"]]
    assert [order["executed_quantity"] for order in listener.orders["alice"].values()] == ["0"]
    assert listener.balances["alice"]["SOL"]["locked"] == "3"
    assert listener.latest[f"book_ticker@{MARKET}"]["best_ask_quantity"] == "3"


# --- telling


def test_an_event_is_encoded_once_for_all_who_listen() -> None:
    stage = Stage()
    crowd = [stage.listener(f"depth@{MARKET}", f"trade@{MARKET}") for _ in range(20)]
    stage.frames.encoded.clear()
    stage.tell("alice sell 3 @ 101", "bob buy 1 @ 101")
    assert stage.frames.channels == [f"depth@{MARKET}", f"trade@{MARKET}", f"depth@{MARKET}"]
    assert all(listener.book(MARKET) == stage.depth() for listener in crowd)
    assert all(listener.tape == crowd[0].tape for listener in crowd)


def test_what_nobody_listens_to_is_not_encoded() -> None:
    stage = Stage()
    stage.listener("trade@SOL_USDC", "orders@carol", "candle_1d@SOL_USDC")
    stage.frames.encoded.clear()
    stage.tell("alice sell 3 @ 101", "bob buy 1 @ 101")
    assert sorted(stage.frames.channels) == ["candle_1d@SOL_USDC", "trade@SOL_USDC"]


def test_an_order_tells_its_owner_every_step_and_its_fills() -> None:
    stage = Stage()
    maker, taker = stage.listener("orders@alice"), stage.listener("orders@bob")
    stage.tell("alice sell 3 @ 101", "bob buy 4 @ 101 IOC")
    steps = [(e["data"]["reason"], e["data"]["order"]["status"]) for e in taker.events("orders@bob")[1:]]
    assert steps == [("accepted", "open"), ("filled", "partially_filled"), ("expired", "expired")]
    last = maker.events("orders@alice")[-1]["data"]
    assert (last["reason"], last["order"]["status"], last["fill"]["liquidity"]) == ("filled", "filled", "maker")
    assert taker.events("orders@bob")[2]["data"]["fill"]["liquidity"] == "taker"


def test_one_command_is_one_event_of_balances_with_all_that_it_changed() -> None:
    stage = Stage()
    listener = stage.listener("balances@bob")
    stage.tell("alice sell 3 @ 101", "bob buy 4 @ 101")
    [event] = listener.events("balances@bob")[1:]
    assert [row["asset"] for row in event["data"]["balances"]] == ["SOL", "USDC"]
    assert [row["locked"] for row in event["data"]["balances"]] == ["0", "101"]


def test_the_best_is_told_only_when_it_changes() -> None:
    stage = Stage()
    listener = stage.listener(f"book_ticker@{MARKET}", f"ticker@{MARKET}", f"depth@{MARKET}")
    stage.tell("alice sell 3 @ 101", "alice sell 3 @ 102", "alice sell 1 @ 101")
    asks = [e["data"]["best_ask_quantity"] for e in listener.events(f"book_ticker@{MARKET}")]
    assert asks == [None, "3", "4"]
    assert len(listener.events(f"ticker@{MARKET}")) == 3
    assert len(listener.events(f"depth@{MARKET}")) == 4
