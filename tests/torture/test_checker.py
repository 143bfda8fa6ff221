"""Each thing that may go wrong, planted in a small history: the judge finds it, and finds nothing in the clean one."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from exchange.client import Amendment
from exchange.failure import one_line
from exchange.torture.checker import REFUSES_TO_START, check
from exchange.torture.record import Command, End, Heard, History, Told
from tests.torture.stories import ASK_CANCELED, BID, MARKET, RULES, TAKER, clean, placed, refused

Plant = Callable[[History], Any]


def test_a_clean_history_passes() -> None:
    assert check(clean()) == []


def test_the_judge_changes_nothing() -> None:
    history = clean()
    before = copy.deepcopy(history)
    check(history)
    assert history == before


def found(plant: Plant) -> list[str]:
    history = clean()
    plant(history)
    return [str(finding) for finding in check(history)]


def swap(rows: list[Any], old: Any, new: Any) -> None:
    rows[rows.index(old)] = new


def change(history: History, index: int, **fields: Any) -> None:
    """Another fill, at this place."""
    history.final.fills[index] = replace(history.final.fills[index], **fields)


def heard(history: History, channel: str, number: int) -> Heard:
    """The message of that number on a channel."""
    return [message for message in history.heard if message.channel == channel][number]


def alter(row: Any, **fields: Any) -> None:
    """Have it show something else."""
    row.update(fields)


def drop(history: History, channel: str, number: int) -> None:
    history.heard.remove(heard(history, channel, number))


def say(history: History, channel: str, number: int, **fields: Any) -> None:
    """Say that message otherwise."""
    old = heard(history, channel, number)
    swap(history.heard, old, replace(old, **fields))


def says(history: History, channel: str, number: int, **data: Any) -> None:
    old = heard(history, channel, number)
    say(history, channel, number, data={**(old.data or {}), **data})


def report(history: History, index: int, **fields: Any) -> None:
    """Another report on the user stream, at this place."""
    history.reports[index] = replace(history.reports[index], **fields)


def leave_out(history: History) -> None:
    """Three trades of Alice's order, of which her stream told the first and the last."""
    for number in ("2", "3"):
        history.final.trades[MARKET].append(another_trade(history, trade_id=number, market_trade_id=number))
        history.final.fills.append(replace(history.final.fills[0], trade_id=number))
    history.reports.append(replace(history.reports[0], sequence=6, trade="3"))


def lose_order(history: History) -> None:
    history.final.orders.remove(BID)
    history.final.open_orders.remove(BID)


def double_order(history: History) -> None:
    twin = replace(BID, order_id="4")
    history.final.orders.append(twin)
    history.final.open_orders.append(twin)


def fill_after_cancel(history: History) -> None:
    swap(history.final.orders, ASK_CANCELED, replace(ASK_CANCELED, executed_quantity="1.5"))


def double_fill(history: History) -> None:
    history.final.fills.append(history.final.fills[0])


def go_back(history: History) -> None:
    """An order was told of as filled, and now is not."""
    partly = replace(BID, executed_quantity="0.25", status="partially_filled")
    history.commands.append(placed(partly))


def lose_tape(history: History) -> None:
    history.final.trades[MARKET].clear()


def another_trade(history: History, **fields: Any) -> Any:
    """One like the first, and its fills."""
    for fill in history.final.fills[:2]:
        history.final.fills.append(replace(fill, trade_id="2"))
    return {**history.final.trades[MARKET][0], "trade_id": "2", **fields}


def other_money(history: History, amount: str) -> None:
    """Alice has that much USDC."""
    alter(history.final.balances["alice"][1], available=amount, total=str(int(amount) + 90))


def amended(body: dict[str, Any]) -> Command:
    """An acknowledged amendment of Alice's bid."""
    return Command("alice", "amend", MARKET, "alice.3", body, True, None, [], 1)


def refused_by(code: str, **body: Any) -> Command:
    """An order of Alice that was refused."""
    return Command("alice", "place", MARKET, "alice.9", body, True, code, [], 1)


def reduction(before: str, after: str) -> Amendment:
    """Of Alice's bid."""
    return {
        "amendment_id": "1",
        "market": MARKET,
        "order_id": "3",
        "client_order_id": "alice.3",
        "new_client_order_id": None,
        "price": "90",
        "new_price": None,
        "quantity": before,
        "new_quantity": after,
        "key": None,
        "timestamp": 1,
    }


def amend_from(history: History, quantity: str) -> None:
    """Alice's bid was placed with that quantity."""
    for at in (3, 4):
        command = history.commands[at]
        told = replace(BID, quantity=quantity)
        history.commands[at] = replace(command, body={**command.body, "quantity": quantity}, orders=[told])


DEPTH, TRADES = f"depth@{MARKET}", f"trade@{MARKET}"
PLANTED: dict[str, tuple[Plant, str]] = {
    "a lost order": (lose_order, "lost: order alice.3 of alice was acknowledged as 3, and is not there"),
    "a doubled client_order_id": (double_order, "doubled: order alice.3 of alice is there 2 times"),
    "another order under the name": (
        lambda history: swap(history.commands, history.commands[4], placed(replace(BID, order_id="8"))),
        "doubled: order alice.3 was acknowledged as 8, and is there as ['3']",
    ),
    "a market that stays closed": (
        lambda h: h.final.statuses.update({MARKET: "halted"}),
        "SOL_USDC is halted, and was opened again by all who had closed it",
    ),
    "a status without an answer": (
        lambda h: setattr(h.status_changes[1], "settled", False),
        "alice's change of SOL_USDC to trading was never answered",
    ),
    "a doubled order_id": (lambda h: h.final.orders.append(BID), "doubled: an order_id is there more than once"),
    "an order that nobody placed": (
        lambda h: h.final.orders.append(replace(TAKER, order_id="9", client_order_id="x")),
        "order 9 of alice is there, and nobody has placed it",
    ),
    "a refused order that is there": (
        lambda h: h.final.orders.append(replace(TAKER, order_id="9", client_order_id="bob.9", user_id="bob")),
        "doubled: order bob.9 of bob was refused (INSUFFICIENT_BALANCE), and is there",
    ),
    "an order that is refused when sent again": (
        lambda h: h.commands.append(refused("place", "alice", "alice.3", "INSUFFICIENT_BALANCE")),
        "lost: order alice.3 of alice was acknowledged and refused (INSUFFICIENT_BALANCE)",
    ),
    "a conflict with nothing": (
        lambda h: h.commands.append(refused("place", "alice", "new", "CLIENT_ORDER_ID_CONFLICT")),
        "was refused as a second one, and is the first",
    ),
    "an order with another content": (
        lambda h: swap(h.commands, h.commands[0], replace(h.commands[0], body={"quantity": "3"})),
        "order bob.1 was placed with quantity 3, and has 2",
    ),
    "a command without an answer": (
        lambda h: swap(h.commands, h.commands[6], replace(h.commands[6], settled=False, code=None)),
        "order bob.9 of bob was never answered",
    ),
    "a cancel that finds an acknowledged order unknown": (
        lambda h: h.commands.append(refused("cancel", "alice", "alice.2", "UNKNOWN_ORDER")),
        "lost: order alice.2 of alice was acknowledged, and unknown when it was canceled",
    ),
    "a fill after an acknowledged cancel": (fill_after_cancel, "and was filled after that: 1.5"),
    "a lost cancel": (
        lambda h: swap(h.final.orders, ASK_CANCELED, replace(ASK_CANCELED, status="partially_filled")),
        "order 1 was canceled in a reply to cancel, and is now",
    ),
    "an order that outlives a timer": (
        lambda h: h.commands.append(Command("alice", "cancel_all_after", None, None, {}, True, None, [], 1)),
        "order 3 of alice outlived an acknowledged cancel_all_after",
    ),
    "an order that outlives a cancel_all": (
        lambda h: h.commands.append(Command("alice", "cancel_all", MARKET, None, {}, True, None, [], 1)),
        "order 3 of alice outlived an acknowledged cancel_all",
    ),
    "a cancel that nobody asked for": (
        lambda h: h.commands.pop(2),
        "order 1 is canceled, and nobody asked for that",
    ),
    "an order that goes back": (go_back, "lost: order 3 had executed 0.25, and has now 0"),
    "an open order that is not shown": (
        lambda h: h.final.open_orders.clear(),
        "order 3 is open in the history of orders, and not so among the open",
    ),
    "a reduction that is lost": (
        lambda h: h.commands.append(
            Command("alice", "amend", MARKET, "alice.3", {"reduce_by": "1"}, True, None, [], 1)
        ),
        "lost: order 3 was reduced by 1 as acknowledged, and by 0",
    ),
    "a reduction that nobody was told of": (
        lambda h: h.final.amendments.append(reduction("1.5", "1")) or amend_from(h, "1.5"),  # type: ignore[func-returns-value]
        "doubled: order 3 was reduced by 0 as acknowledged, and by 0.5",
    ),
    "an amendment that does not begin where it was": (
        lambda h: h.final.amendments.append(reduction("2", "1")),
        "lost: amendment 1 of order 3 does not begin where it was",
    ),
    "an amendment without an answer": (
        lambda h: h.commands.append(replace(amended({}), settled=False)),
        "an amendment of order alice.3 of alice was never answered",
    ),
    "a double fill": (double_fill, "doubled: trade 1 of SOL_USDC has 3 fills"),
    "a lost fill": (lambda h: h.final.fills.pop(), "lost: trade 1 of SOL_USDC has 1 fills"),
    "a tape without a trade": (lose_tape, "lost: trade 1 is among the fills, and not on the tape"),
    "a trade twice on the tape": (
        lambda h: h.final.trades[MARKET].append(h.final.trades[MARKET][0]),
        "doubled: trade 1 is on the tape twice",
    ),
    "a hole in a market's count of trades": (
        lambda h: alter(h.final.trades[MARKET][0], market_trade_id="2"),
        "trade 1, number 1 of SOL_USDC, has market_trade_id 2 and aggregate_id 1 after 0",
    ),
    "a hole in a market's count of aggregates": (
        lambda h: alter(h.final.trades[MARKET][0], aggregate_id="2"),
        "trade 1, number 1 of SOL_USDC, has market_trade_id 1 and aggregate_id 2 after 0",
    ),
    "an aggregate of two prices": (
        lambda h: h.final.trades[MARKET].append(another_trade(h, price="99", market_trade_id="2")),
        "aggregate 1 of SOL_USDC is of more than one taker or price",
    ),
    "sides that disagree on the price": (
        lambda h: change(h, 1, price="99"),
        "trade 1 of SOL_USDC is not what order 1 of bob was filled with",
    ),
    "two takers": (
        lambda h: change(h, 1, liquidity="taker"),
        "has the seller as its taker, and the tape says otherwise",
    ),
    "a trade with oneself": (
        lambda h: change(h, 1, user_id="alice"),
        "is not between one who buys and another who sells",
    ),
    "a notional that is not exact": (
        lambda h: alter(h.final.trades[MARKET][0], quote_quantity="50.000001"),
        "has a quote_quantity that is not its price times its quantity",
    ),
    "a fill beyond the limit": (
        lambda h: swap(h.final.orders, TAKER, replace(TAKER, price="99")),
        "fill 1 does not go with order 2",
    ),
    "a fill of another order": (lambda h: change(h, 0, order_id="77"), "lost: order 77 has fills, and is not there"),
    "a fee rounded down": (lambda h: change(h, 0, fee="0.000999"), "fill 1 of alice cost 0.000999 SOL"),
    "a stale balance": (
        lambda h: other_money(h, "910"),
        "doubled: alice has of USDC 910 available + 90 locked = 1000, and should have 860 available + 90 locked = 950",
    ),
    "a balance that is short": (lambda h: other_money(h, "859"), "lost: 1 USDC of all that was deposited"),
    "a withdrawal that was settled twice": (
        lambda h: h.moves.append(replace(h.moves[0], key="w2")),
        "doubled: alice has of USDC",
    ),
    "a withdrawal that was released and has left": (
        lambda h: setattr(h.moves[1], "settles", True),
        "doubled: alice has of USDC",
    ),
    "a transfer that was refused and happened": (
        lambda h: setattr(h.moves[2], "code", None),
        "lost: alice has of USDC",
    ),
    "a transfer without an answer": (
        lambda h: setattr(h.moves[3], "settled", False),
        "the move g was never answered",
    ),
    "a balance that nobody shows": (lambda h: h.final.balances["alice"].pop(0), "lost: alice should have 0.499 of SOL"),
    "money locked for nothing": (
        lambda h: alter(h.final.balances["alice"][1], available="850", locked="100"),
        "wrong: alice has of USDC 850 available + 100 locked = 950",
    ),
    "a deposit twice": (
        lambda h: alter(h.final.balances["bob"][0], available="19.5", total="19.5"),
        "doubled: 10 SOL of all that was deposited",
    ),
    "a sequence gap": (lambda h: drop(h, DEPTH, 2), "lost: depth@SOL_USDC of public went from 0 to 2"),
    "an event twice": (
        lambda h: h.heard.insert(h.heard.index(heard(h, DEPTH, 3)), heard(h, DEPTH, 2)),
        "depth@SOL_USDC of public went from 1 to 1, and has been there",
    ),
    "a count that a crash took back": (
        lambda h: say(h, TRADES, 2, channel_sequence=0),
        "lost: trade@SOL_USDC of public had counted to 1, and went back to 0",
    ),
    "a snapshot with another count": (
        lambda h: say(h, DEPTH, 1, channel_sequence=7),
        "depth@SOL_USDC of public begins with 7, and was subscribed at 0",
    ),
    "a venue that goes back": (lambda h: say(h, DEPTH, 7, sequence=3), "went back from sequence 7 to 3"),
    "an event before the subscription": (lambda h: drop(h, TRADES, 0), "sent an event before it was subscribed"),
    "a trade that was heard of and is gone": (lose_tape, "lost: trade 1 was heard by public, and is not on the tape"),
    "a trade heard otherwise": (
        lambda h: says(h, TRADES, 1, price="101"),
        "trade@SOL_USDC number 1 was heard with price 101, and is on the tape with 100",
    ),
    "a wrong book after diffs": (
        lambda h: says(h, DEPTH, 7, bids=[["90", "2"]]),
        "the book of SOL_USDC at 4, by the diffs that public had, is not that of GET /depth",
    ),
    "a snapshot that does not fit": (
        lambda h: says(h, DEPTH, 5, asks=[["100", "1.4"]]),
        "the book of SOL_USDC at 2 came back to public as another",
    ),
    "a snapshot of an earlier book": (
        lambda h: says(h, DEPTH, 5, last_sequence=1),
        "lost: the book of SOL_USDC was at 2, and a snapshot of public at 1",
    ),
    "diffs with a hole of their own": (
        lambda h: says(h, DEPTH, 7, first_sequence=5, last_sequence=5),
        "lost: the diffs of SOL_USDC went from 3 to 5 for public",
    ),
    "a read that shows another book": (
        lambda h: alter(h.depths[0], asks=[("100", "1")]),
        "the book of SOL_USDC at 2 is one in GET /depth, another in a snapshot of public",
    ),
    "a book that goes back": (
        lambda h: h.depths.append({**h.depths[0], "last_sequence": 99}),
        "lost: the book of SOL_USDC went back to 4",
    ),
    "a book that is not its orders": (
        lambda h: alter(h.final.depths[0], bids=[("90", "3")]),
        "the buy side of the book of SOL_USDC is not what its open orders have left",
    ),
    "a crossed book": (lambda h: alter(h.final.depths[0], asks=[("90", "1")]), "the book of SOL_USDC is crossed"),
    "an order that was heard of and is gone": (lose_order, "lost: order 3 was heard of by private, and is not there"),
    "a fill that was heard of and is gone": (
        lambda h: h.final.fills.pop(0),
        "lost: fill 1 was heard of by private, and is not there",
    ),
    "open orders heard otherwise": (
        lambda h: drop(h, "orders@alice", 3),
        "the open orders of alice as private has heard are not those that are shown",
    ),
    "a stale balance on the socket": (
        lambda h: drop(h, "balances@alice", 2),
        "the balances of alice were last heard as {'USDC': ('1000', '0')}",
    ),
    "an execution that is counted again": (
        lambda h: report(h, 1, sequence=4),
        "lost: the executions of alice were told to 4, and then 4",
    ),
    "an order that a user stream told of and is gone": (
        lose_order,
        "lost: order 3 of alice was told of on the user stream, and is not there",
    ),
    "an order of somebody else on a user stream": (
        lambda h: report(h, 1, order_id="1", executed_quantity="0.5"),
        "order 1 of alice was told to somebody else",
    ),
    "an execution that a crash took back": (
        lambda h: report(h, 1, executed_quantity="0.25"),
        "lost: order 3 of alice was told to have executed 0.25, and has 0",
    ),
    "an order told to be closed that is open": (
        lambda h: report(h, 1, status="canceled"),
        "order 3 of alice was told to be canceled at 0, and is open at 0",
    ),
    "a trade on a user stream that is not there": (
        lambda h: report(h, 0, trade="2"),
        "lost: trade 2 of SOL_USDC, told to alice, is not there",
    ),
    "a trade told otherwise on a user stream": (
        lambda h: report(h, 0, price="99"),
        "trade 1 of SOL_USDC, told to alice, is 0.5 at 100, not 0.5 at 99",
    ),
    "a trade that a user stream left out": (leave_out, "lost: trade 2 of SOL_USDC with order 2 of alice was not told"),
    "a stale balance on a user stream": (
        lambda h: h.told.append(Told("alice", 1, {"USDC": ("950", "0")})),
        "alice was told to have of USDC ('950', '0'), and has ('860', '90')",
    ),
    "an order above a filter that was taken": (
        lambda h: h.markets.__setitem__(0, {**RULES, "filters": cast(Any, {"max_quantity": "1.9"})}),
        "order bob.1 of 2 was taken, and max_quantity is 1.9",
    ),
    "an order that a filter refuses for nothing": (
        lambda h: h.commands.append(refused_by("MAX_QUANTITY", quantity="2")),
        "order alice.9 of 2 was refused, and max_quantity is 2",
    ),
    "more open orders than a user may have": (
        lambda h: setattr(h.final, "max_open_orders", 0),
        "alice has 1 open orders, and may have 0 in all markets",
    ),
    "an order refused for a bound that is not there": (
        lambda h: h.commands.append(refused_by("TOO_MANY_OPEN_ORDERS_EVERYWHERE")),
        "an order was refused for those in all markets, which nothing bounds",
    ),
    "an exchange that ends with a traceback": (
        lambda h: h.ends.append(End(70, "Traceback")),
        "the exchange ended with exit code 70",
    ),
    "a second exchange that starts": (
        lambda h: h.second_starts.append(End(-9, "it started")),
        "a second exchange on the database ended with -9 and the words 'it started'",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_judge_finds(name: str) -> None:
    plant, finding = PLANTED[name]
    findings = found(plant)
    assert any(finding in said for said in findings), findings


def test_an_exchange_may_end_with_a_sentence_and_a_second_one_must() -> None:
    history = clean()
    history.ends.append(End(1, "exchange: The database refused a commit: no room."))
    history.second_starts.append(End(1, f"exchange: {REFUSES_TO_START}"))
    assert check(history) == []


def test_a_history_is_written_whole(tmp_path: Path) -> None:
    history = clean()
    history.write(tmp_path / "history.json")
    written = orjson.loads((tmp_path / "history.json").read_bytes())
    assert len(written["commands"]) == len(history.commands)
    assert written["final"]["orders"][0]["status"] == "canceled"


def test_an_error_with_a_hint_is_still_one_line() -> None:
    assert one_line(ValueError("no room\nHINT:  Make some.")) == "no room; HINT:  Make some"
    assert one_line(TimeoutError()) == "TimeoutError"
