"""Who judges the judge of timers, ended sockets, names of cancels and new users: rules broken on purpose."""

from typing import Any

import pytest

from exchange.core import client_ids, everywhere
from exchange.core.administration import CreateUser
from exchange.core.book import Order
from exchange.core.bound_orders import BoundOrders
from exchange.core.events import ExpireReason, OrderUpdated, Rejected
from exchange.core.full_market import FullMarket
from exchange.core.market import Market
from exchange.core.outcome import Applied
from exchange.core.timers import Timer, Timers
from exchange.core.treasury import Treasury
from tests.judging import Error, assert_caught, of_sources, planted, verdict_on


def test_the_stories_reach_timers_and_sockets() -> None:
    _, seen = verdict_on(20, about="times")
    assert {"CancelAllAfter", "RunTimer", "EndSocket"} <= set(seen)


def keep_the_earlier_timer(plant: pytest.MonkeyPatch) -> None:
    rightly = Timers.set

    def set_timer(self: Timers, user_id: str, market: str | None, due_ns: int | None) -> None:
        if due_ns is None or self.due_ns(user_id, market) is None:
            rightly(self, user_id, market, due_ns)

    plant.setattr(Timers, "set", set_timer)


def run_the_latest_timer(plant: pytest.MonkeyPatch) -> None:
    def due(self: Timers, now_ns: int) -> Timer | None:
        over = [timer for timer in self.all() if timer[2] <= now_ns]
        return over[-1] if over else None

    plant.setattr(Timers, "due", due)


def forget_what_waits_when_a_timer_runs(plant: pytest.MonkeyPatch) -> None:
    rightly = everywhere.cancel_everywhere

    def cancel_everywhere(markets: Any, user_id: str, why: ExpireReason, *of: Any) -> Any:
        markets = {symbol: market for symbol, market in markets.items() if not market.triggers.orders}
        return rightly(markets, user_id, why, *of)

    plant.setattr(everywhere, "cancel_everywhere", cancel_everywhere)


def end_the_orders_of_other_sockets(plant: pytest.MonkeyPatch) -> None:
    rightly = BoundOrders.of
    plant.setattr(BoundOrders, "of", lambda self, socket, orders_max: rightly(self, None, orders_max))


def end_the_newest_orders_first(plant: pytest.MonkeyPatch) -> None:
    def of(self: BoundOrders, socket: int | None, orders_max: int) -> list[Order]:
        placed = self.orders if socket is None else self.sockets.get(socket, {})
        return [placed[order_id] for order_id in sorted(placed, reverse=True)[:orders_max]]

    plant.setattr(BoundOrders, "of", of)


def say_that_the_owner_canceled(plant: pytest.MonkeyPatch) -> None:
    rightly = FullMarket.end_socket

    def end_socket(self: FullMarket, *of: Any) -> Applied | None:
        applied = rightly(self, *of)
        for event in applied.events if applied is not None else ():
            if isinstance(event, OrderUpdated):
                event.expire_reason = None
        return applied

    plant.setattr(FullMarket, "end_socket", end_socket)


def take_a_retry_by_another_way_for_another_order(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(client_ids, "same_order", lambda sent, again: sent == again)


def forget_the_name_of_a_cancel(plant: pytest.MonkeyPatch) -> None:
    rightly = Market.take_out

    def take_out(self: Market, order: Order, now_ns: int, effects: Any, cancel_id: str | None = None) -> OrderUpdated:
        return rightly(self, order, now_ns, effects)

    plant.setattr(Market, "take_out", take_out)


def credit_a_new_user_any_amount(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Treasury, "_may_come_in", lambda self, deposit: True)


def pass_over_a_refused_balance(plant: pytest.MonkeyPatch) -> None:
    rightly = Treasury.credits

    def credits_of(self: Treasury, command: CreateUser) -> Any:
        due = rightly(self, command)
        return [] if isinstance(due, Rejected) else due

    plant.setattr(Treasury, "credits", credits_of)


@of_sources
@planted(
    {
        "times": [
            keep_the_earlier_timer,
            run_the_latest_timer,
            forget_what_waits_when_a_timer_runs,
            end_the_orders_of_other_sockets,
            end_the_newest_orders_first,
            say_that_the_owner_canceled,
        ],
        "names": [
            take_a_retry_by_another_way_for_another_order,
            forget_the_name_of_a_cancel,
        ],
        "everything": [
            credit_a_new_user_any_amount,
            pass_over_a_refused_balance,
        ],
    }
)
def test_the_judge_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch, error: Error, about: str) -> None:
    assert_caught(monkeypatch, error, about)
