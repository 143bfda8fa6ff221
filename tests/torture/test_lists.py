"""What may go wrong with lists of orders, planted in a small history: the judge finds it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exchange.torture.checker import check
from exchange.torture.record import Command, History, ListCommand, OrderRow
from tests.torture.stories import MARKET, balance, clean

Plant = Callable[[History], Any]


def change(history: History, order_id: str, **fields: Any) -> None:
    """Another order of that id, wherever it is shown at the end."""
    for rows in (history.final.orders, history.final.open_orders):
        for at, order in enumerate(rows):
            if order.order_id == order_id:
                rows[at] = replace(order, **fields)


def end(history: History, order_id: str, status: str, why: str | None = None, **fields: Any) -> None:
    """The order has ended so."""
    change(history, order_id, status=status, expire_reason=why, pending_for=None, **fields)
    history.final.open_orders = [order for order in history.final.open_orders if order.order_id != order_id]


def shown(history: History, list_id: str, **fields: Any) -> None:
    """The list is shown otherwise."""
    at = [row.list_id for row in history.final.lists].index(list_id)
    history.final.lists[at] = replace(history.final.lists[at], **fields)


def lose(history: History, order_id: str) -> None:
    for rows in (history.final.orders, history.final.open_orders):
        rows[:] = [order for order in rows if order.order_id != order_id]


def double(history: History) -> None:
    history.final.lists.append(replace(history.final.lists[0], list_id="3"))


def fill_both(history: History) -> None:
    for order_id in ("11", "12"):
        end(history, order_id, "canceled", executed_quantity="1")


def holds(history: History, available: str, locked: str) -> None:
    """Carol has that much SOL."""
    history.final.balances["carol"] = [balance("SOL", available, locked, "10")]


def refuse(history: History) -> None:
    history.lists[0].code, history.lists[0].list_id = "LIST_PRICES", None


def reduced(history: History, order_id: str, by: str) -> OrderRow:
    """An acknowledged reduction of an order, of which nothing became."""
    order = next(order for order in history.final.orders if order.order_id == order_id)
    body = {"reduce_by": by}
    history.commands.append(Command("carol", "amend", MARKET, order.client_order_id, body, True, None, [], 1))
    return order


def again(history: History, quantity: str, code: str | None) -> None:
    """The first list is sent again."""
    sent, legs = history.lists[0], history.lists[0].legs
    terms = (sent.list_type, legs, [quantity] * 2, None if code else sent.list_id, True, code)
    history.lists.append(ListCommand("carol", "place", MARKET, sent.name, *terms))


PLANTED: dict[str, tuple[Plant, str]] = {
    "a list that is lost": (
        lambda h: h.final.lists.pop(0),
        "lost: list carol.l1 of carol was acknowledged as 1, and is not there",
    ),
    "an order without its list": (lambda h: h.final.lists.pop(0), "lost: order 11 is of list 1, which is not there"),
    "a list that is half there": (lambda h: lose(h, "12"), "lost: list 1 of carol has order 12, which is not there"),
    "a list with an order too few": (
        lambda h: shown(h, "2", order_ids=["13", "14"], names=["carol.13", "carol.14"]),
        "lost: list 2 of carol, an otoco, has 2 orders",
    ),
    "a retry that doubles": (double, "doubled: list carol.l1 of carol is there 2 times"),
    "a retry that is told another list": (
        lambda h: setattr(h.lists[0], "list_id", "7"),
        "doubled: list carol.l1 of carol was acknowledged as 7, and is there as 1",
    ),
    "a refused list that is there": (refuse, "doubled: list 1 of carol is there, and nobody was told"),
    "a retry that is refused": (
        lambda h: again(h, "2", "CLIENT_ORDER_ID_CONFLICT"),
        "lost: list carol.l1 of carol was acknowledged, and then refused (CLIENT_ORDER_ID_CONFLICT)",
    ),
    "another list under the same name": (
        lambda h: again(h, "1", None),
        "doubled: list carol.l1 of carol was acknowledged twice, with other orders",
    ),
    "another list": (lambda h: shown(h, "1", list_type="oto"), "list carol.l1 of carol is an oto"),
    "an order of another list": (
        lambda h: change(h, "12", list_id="9"),
        "list 1 of carol has order 12, which is of list 9 of carol",
    ),
    "a list without an answer": (
        lambda h: h.lists.append(ListCommand("carol", "cancel", MARKET, "carol.l1")),
        "list carol.l1 of carol was never answered (cancel)",
    ),
    "an acknowledged list that is unknown": (
        lambda h: setattr(h.lists[2], "code", "UNKNOWN_LIST"),
        "lost: list carol.l2 of carol was acknowledged, and unknown",
    ),
    "a cancel that does nothing": (
        lambda h: h.lists.append(ListCommand("carol", "cancel", MARKET, "carol.l1", settled=True)),
        "list carol.l1 of carol was canceled, or done, and is open",
    ),
    "two legs that fill": (
        fill_both,
        "doubled: list 1 of carol has two legs that filled: 1 and 1",
    ),
    "a leg that outlives the other": (
        lambda h: change(h, "11", triggered=True),
        "list 1 of carol has order 11 that traded or was triggered, and 12 is open",
    ),
    "a leg that ends for nothing": (
        lambda h: end(h, "11", "expired", "other_leg"),
        "list 1 of carol has order 11 that another leg ended, and 12 did nothing",
    ),
    "a pending order that entered too early": (
        lambda h: change(h, "15", triggered=True),
        "list 2 of carol has order 15 that entered, and its working order is canceled",
    ),
    "a pending order that waits for nothing": (
        lambda h: change(h, "15", status="pending", pending_for="list"),
        "list 2 of carol has order 15 that waits for one that is canceled",
    ),
    "a wrong reason of a leg": (
        lambda h: end(h, "15", "expired", "working_order_ended"),
        "list 2 of carol has order 15 that ended with a working order that is canceled",
    ),
    "a list that is said to be open": (
        lambda h: shown(h, "2", status="executing"),
        "list 2 of carol is executing with orders that are ['canceled', 'canceled', 'canceled']",
    ),
    "a wrong end of a list": (lambda h: shown(h, "2", end_reason="filled"), "list 2 of carol ended as filled"),
    "a list that nobody canceled": (
        lambda h: h.lists.pop(2),
        "order 13 is canceled, and nobody asked for that",
    ),
    "legs that lock twice": (
        lambda h: holds(h, "6", "4"),
        "carol has of SOL 6 available + 4 locked = 10, and should have 8 available + 2 locked = 10",
    ),
    "a reduction of one leg alone": (
        lambda h: reduced(h, "11", "0.5"),
        "lost: order 12 was reduced by 0.5 as acknowledged, and by 0",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_judge_finds(name: str) -> None:
    plant, finding = PLANTED[name]
    history = clean()
    plant(history)
    findings = [str(found) for found in check(history)]
    assert any(finding in said for said in findings), findings


def test_a_list_may_be_sent_again_and_another_one_is_refused() -> None:
    history = clean()
    again(history, "2", None)
    again(history, "1", "CLIENT_ORDER_ID_CONFLICT")
    assert check(history) == []


def test_a_reduction_is_of_both_legs() -> None:
    history = clean()
    reduced(history, "11", "0.5")
    for order_id in ("11", "12"):
        change(history, order_id, quantity="1.5")
        amendment: Any = {"amendment_id": order_id, "order_id": order_id, "price": None, "new_price": None}
        history.final.amendments.append(amendment | {"quantity": "2", "new_quantity": "1.5"})
    holds(history, "8.5", "1.5")
    assert check(history) == []
