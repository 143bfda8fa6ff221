"""The judge finds what is wrong with lists of orders: each rule is broken here, in two ways or more."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from exchange.core import list_market, pegs, venue
from exchange.core import replace as replacing
from exchange.core.book import Order
from exchange.core.commands import PlaceOrder
from exchange.core.conditions import Conditions
from exchange.core.effects import Effects
from exchange.core.events import Event, OrderStatus, OrderUpdated
from exchange.core.full_market import FullMarket
from exchange.core.list_market import ListMarket
from exchange.core.list_rules import apart
from exchange.core.outcome import Applied
from tests.judging import Error, assert_caught, of_sources, planted

Plant = pytest.MonkeyPatch


def lock_what_each_leg_needs(plant: Plant) -> None:
    plant.setattr(ListMarket, "_shared", lambda *of: 0)


def lock_what_is_pending(plant: Plant) -> None:
    rightly = ListMarket._let_list_in

    def let_list_in(self: ListMarket, command: Any, trader: Any, *of: Any) -> None:
        rightly(self, command, trader, *of)
        for order in self.lists[self.counts.last_list_id].pending() if self.lists else ():
            gives = order.trader.base if order.terms.side else order.trader.quote
            gives.lock(min(gives.available, self.needs_minor(order)))

    plant.setattr(ListMarket, "_let_list_in", let_list_in)


def keep_the_other_leg_when_one_fills(plant: Plant) -> None:
    plant.setattr(ListMarket, "_part", lambda *of: None)


def keep_the_other_leg_when_one_is_triggered(plant: Plant) -> None:
    rightly = ListMarket._end_partner

    def end_partner(self: ListMarket, order: Order, *of: Any) -> None:
        if order.order_id not in self.triggers.ready:
            rightly(self, order, *of)

    plant.setattr(ListMarket, "_end_partner", end_partner)


def release_on_a_partial_fill(plant: Plant) -> None:
    rightly = ListMarket._note_filled

    def note_filled(self: ListMarket, events: Sequence[Event]) -> Any:
        released = rightly(self, list(events))
        for event in events:
            if isinstance(event, OrderUpdated) and event.progress and event.trade is not None:
                found = self.lists.get(event.progress.list_id)
                if found is not None and found.working_id == event.order_id:
                    waiting = [order for order in found.pending() if order.order_id not in self.triggers.ready]
                    released.setdefault(event.trade.trade_id, waiting)
        return released

    plant.setattr(ListMarket, "_note_filled", note_filled)


def release_nothing(plant: Plant) -> None:
    plant.setattr(ListMarket, "_note_filled", lambda *of: {})


def keep_what_is_pending_when_the_working_order_ends(plant: Plant) -> None:
    plant.setattr(ListMarket, "_follow", lambda *of: None)


def cancel_what_is_pending_instead_of_letting_it_expire(plant: Plant) -> None:
    def follow(self: ListMarket, found: Any, ended: OrderUpdated, *of: Any) -> None:
        if ended.status is not OrderStatus.FILLED:
            self._cancel_rest(found, *of)

    plant.setattr(ListMarket, "_follow", follow)


def cancel_one_leg_alone(plant: Plant) -> None:
    plant.setattr(ListMarket, "take_out", FullMarket.take_out)


def replace_one_leg_alone(plant: Plant) -> None:
    plant.setattr(ListMarket, "leaves_with", FullMarket.leaves_with)


def allow_any_prices(plant: Plant) -> None:
    plant.setattr(list_market, "apart", lambda *of: True)


def compare_prices_of_pending_legs_with_the_last_one(plant: Plant) -> None:
    rightly = ListMarket._judged_list

    def judged_list(self: ListMarket, command: Any, *of: Any) -> Any:
        last = self._average[0] if self._average else None
        if len(command.orders) == 3 and not apart(command.orders[1:], last):
            return list_market._wrong_prices(command.orders[1:])
        return rightly(self, command, *of)

    plant.setattr(ListMarket, "_judged_list", judged_list)


def amend_one_leg_alone(plant: Plant) -> None:
    plant.setattr(ListMarket, "changes_with", lambda *of: None)


def judge_an_amendment_as_of_a_single_order(plant: Plant) -> None:
    plant.setattr(ListMarket, "more_minor", FullMarket.more_minor)


def tell_nothing_of_lists(plant: Plant) -> None:
    rightly = ListMarket._tell_lists

    def tell_lists(self: ListMarket, *of: Any) -> list[Event]:
        rightly(self, *of)
        return []

    plant.setattr(ListMarket, "_tell_lists", tell_lists)


def keep_the_place_of_a_pending_order(plant: Plant) -> None:
    rightly = ListMarket._release

    def release(self: ListMarket, order: Order, *of: Any) -> None:
        before = order.priority
        rightly(self, order, *of)
        order.priority = before

    plant.setattr(ListMarket, "_release", release)


def peg_pending_orders_when_their_list_is_placed(plant: Plant) -> None:
    rightly, begun = ListMarket._let_list_in, dict[int, int | None]()

    def let_list_in(self: ListMarket, *of: Any) -> None:
        rightly(self, *of)
        for found in self.lists.values():
            for order in found.pending():
                if order.order_id not in begun and pegs.pegged(order.terms):
                    begun[order.order_id] = pegs.peg_ticks(self.book, order.terms)

    def take_price(order: Order, book: Any) -> None:
        pegs.take_price(order, book)
        price_ticks = begun.get(order.order_id)
        if price_ticks is not None and price_ticks > 0:
            assert order.progress is not None
            order.price_ticks, order.progress = price_ticks, replace(order.progress, pegged_ticks=price_ticks)

    plant.setattr(ListMarket, "_let_list_in", let_list_in)
    plant.setattr(list_market, "take_price", take_price)


def hold_a_pegged_leg_to_the_last_price(plant: Plant) -> None:
    def unpegged(terms: PlaceOrder) -> PlaceOrder:
        return replace(terms, conditions=replace(terms.conditions or Conditions(), peg_to=None))

    plant.setattr(list_market, "apart", lambda legs, last: apart(tuple(map(unpegged, legs)), last))


def look_at_the_book_before_lists_end(plant: Plant) -> None:
    rightly, look = ListMarket._tell_lists, ListMarket._look

    def tell_lists(self: ListMarket, now_ns: int, effects: Effects) -> list[Event]:
        look(self, effects)
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(ListMarket, "_look", lambda *of: None)
            return rightly(self, now_ns, effects)

    plant.setattr(ListMarket, "_tell_lists", tell_lists)


def end_a_canceled_list_as_its_orders_did(plant: Plant) -> None:
    def cancel_list(self: ListMarket, command: Any, found: Any, sequence: int, now_ns: int) -> Applied:
        effects = Effects(sequence)
        self._cancel_rest(found, now_ns, effects)
        return self.applied(command, effects, now_ns)

    plant.setattr(ListMarket, "cancel_list", cancel_list)


def tell_of_a_replaced_order_as_canceled_by_its_owner(plant: Plant) -> None:
    rightly = replacing.replace_order

    def replace_order(market: Any, *of: Any) -> Any:
        market.before_7 = True
        outcome = rightly(market, *of)
        market.before_7 = False
        return outcome

    plant.setattr(venue, "replace_order", replace_order)


@of_sources
@planted(
    {
        "lists followed": [look_at_the_book_before_lists_end],
        "amendments": [tell_of_a_replaced_order_as_canceled_by_its_owner],
        "lists pegged": [peg_pending_orders_when_their_list_is_placed, hold_a_pegged_leg_to_the_last_price],
        "lists amended": [amend_one_leg_alone, judge_an_amendment_as_of_a_single_order],
        "lists canceled": [cancel_one_leg_alone, replace_one_leg_alone],
        "lists": [
            lock_what_each_leg_needs,
            lock_what_is_pending,
            keep_the_other_leg_when_one_fills,
            keep_the_other_leg_when_one_is_triggered,
            release_on_a_partial_fill,
            release_nothing,
            keep_what_is_pending_when_the_working_order_ends,
            cancel_what_is_pending_instead_of_letting_it_expire,
            allow_any_prices,
            end_a_canceled_list_as_its_orders_did,
            compare_prices_of_pending_legs_with_the_last_one,
            tell_nothing_of_lists,
            keep_the_place_of_a_pending_order,
        ],
    }
)
def test_the_judge_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch, error: Error, about: str) -> None:
    assert_caught(monkeypatch, error, about)
