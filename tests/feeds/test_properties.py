"""For all commands and all speeds of reading, each reader ends with the book, the trades and the balances."""

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.core.commands import CancelAll, CancelOrder
from exchange.pipeline import subscriber as feeds
from tests.core.stories import order_of
from tests.feeds.stage import EVERY_CANDLE, MARKET, MINUTE_NS, Listener, Stage

PEOPLE = ("alice", "bob")
CHANNELS = (
    f"trade@{MARKET}",
    f"depth@{MARKET}",
    f"ticker@{MARKET}",
    f"book_ticker@{MARKET}",
    *EVERY_CANDLE,
    *(f"{kind}@{user_id}" for kind in ("orders", "balances") for user_id in PEOPLE),
)
LISTENERS = 3
ORDER = st.builds(
    "{} {} {} @ {}{}".format,
    st.sampled_from(PEOPLE),
    st.sampled_from(("buy", "sell")),
    st.integers(1, 5),
    st.integers(98, 103),
    st.sampled_from(("", "", " IOC")),
)
WHO = st.integers(0, LISTENERS - 1)
STEP = st.one_of(
    st.tuples(st.just("order"), ORDER),
    st.tuples(st.just("order"), ORDER),
    st.tuples(st.just("order"), ORDER),
    st.tuples(st.just("cancel"), st.integers(0, 1000)),
    st.tuples(st.just("cancel_all"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("minutes"), st.integers(0, 70)),
    st.tuples(st.just("release"), st.none()),
    st.tuples(st.just("stop_reading"), WHO),
    st.tuples(st.just("read"), WHO),
    st.tuples(st.just("catch_up"), st.none()),
    st.tuples(st.just("ask_again"), st.tuples(WHO, st.sampled_from(CHANNELS))),
    st.tuples(st.just("restart"), st.integers(0, 70)),
)


class Play:
    """One run: a stage, and three who listen to everything."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.crowd = [self.stage.listener(*CHANNELS) for _ in range(LISTENERS)]

    def step(self, what: str, how: object) -> None:
        stage = self.stage
        match what, how:
            case "order", str():
                stage.do(order_of(stage.venue, how))
            case "cancel", int():
                orders = sorted(stage.venue.markets[MARKET].book.orders.values(), key=lambda order: order.order_id)
                if orders:
                    order = orders[how % len(orders)]
                    stage.do(CancelOrder(order.user_id, MARKET, order.order_id, None))
            case "cancel_all", str():
                stage.do(CancelAll(how, MARKET))
            case "minutes", int():
                stage.now_ns += how * MINUTE_NS
                stage.mark()
            case "release", _:
                stage.release()
            case "stop_reading", int():
                self.crowd[how].reads = False
            case "read", int():
                self.crowd[how].read()
                self.crowd[how].reads = True
            case "catch_up", _:
                stage.feeds.catch_up()
            case "ask_again", (int(who), str(channel)):
                stage.ask(self.crowd[who], channel)
            case "restart", int():
                self._restart(how)

    def _restart(self, minutes: int) -> None:
        """What was sent arrives; what only waited, and what was not durable, does not: all listen anew."""
        self.stage.release()
        for listener in self.crowd:
            listener.read()
        self.stage = self.stage.restarted(minutes * MINUTE_NS)
        for listener in self.crowd:
            listener.come_back(self.stage.frames)
            self.stage.ask(listener, *CHANNELS)
        self.stage.release()

    def end(self) -> None:
        """All that is under way arrives."""
        self.stage.release()
        for listener in self.crowd:
            listener.read()
            listener.reads = True
        self.stage.feeds.catch_up()


@settings(
    deadline=None, derandomize=True, max_examples=200, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.lists(STEP, min_size=10, max_size=60))
def test_every_reader_ends_with_the_book_the_tape_and_the_balances(steps: Sequence[tuple[str, object]]) -> None:
    play = Play()
    with patch.object(feeds, "QUEUE_BYTES_MAX", 1 << 30):
        for what, how in steps:
            play.step(what, how)
        play.end()
    for listener in play.crowd:
        judge(play.stage, listener)


def judge(stage: Stage, listener: Listener) -> None:
    """The reader has counted every channel by itself; here is what it came to."""
    venue = stage.venue
    assert listener.book(MARKET) == stage.depth()
    rules = venue.markets[MARKET].instrument
    gaps = [(after, to) for channel, after, to in listener.gaps if channel == f"trade@{MARKET}"]
    tape = [int(trade["trade_id"]) for trade in listener.tape.get(MARKET, [])]
    missed = [t.trade_id for t in stage.trades_ever if any(after < t.market_trade_id <= to for after, to in gaps)]
    assert sorted(tape + missed) == [trade.trade_id for trade in stage.trades_ever]
    assert tape == sorted(tape)
    prices = {trade.trade_id: rules.price_text(trade.price_ticks) for trade in stage.trades_ever}
    assert all(prices[int(trade["trade_id"])] == trade["price"] for trade in listener.tape.get(MARKET, []))
    for user_id in PEOPLE:
        held = {
            account.asset: (account.available + account.locked, account.locked)
            for account in venue.ledger.accounts_of(user_id)
        }
        told = {
            symbol: (venue.assets[symbol].minor(row["total"]), venue.assets[symbol].minor(row["locked"]))
            for symbol, row in listener.balances[user_id].items()
        }
        assert told == held
        open_orders = {str(order.order_id): order for order in venue.markets[MARKET].open_orders(user_id)}
        assert listener.orders[user_id].keys() == open_orders.keys()
        for order_id, order in listener.orders[user_id].items():
            assert order["executed_quantity"] == rules.quantity_text(open_orders[order_id].executed_lots)
