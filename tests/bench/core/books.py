"""The books that take the flow: this project's core, and two from the Python package index.

Each makes its own order out of the same numbers within the measured time, and reports what happened: the core as
events, liquibook through its listener, pyorderbook as the blotter that it returns. Only the core knows users, funds
and fees.
"""

import gc
import pickle
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from exchange.core.commands import CancelOrder, TimeInForce
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.runtime import garbage
from tests.bench.core.deep import instrument, state_of, terms_of
from tests.bench.core.flow import CANCEL, REST, Operation, mixed, resting
from tests.bench.figure import UnmeasuredError

SYMBOL = "SOL_USDC"
GTC, IOC = TimeInForce.GTC, TimeInForce.IOC
USERS = [f"user{number:04d}" for number in range(1_000)]
TRADERS_EACH = len(USERS) // 2

Run = Callable[[Sequence[Operation]], int]  # does them; how many trades there were


def venue(begin: list[Operation]) -> Run:
    """The core, with fees."""
    made = Venue.restore(state_of(instrument(SYMBOL, maker_fee="0.001", taker_fee="0.002"), USERS, begin))
    # The collection of garbage as the exchange has it.
    garbage.configure()

    def run(operations: Sequence[Operation]) -> int:
        first, rested = len(begin), list[int]()  # ids: those of `begin` are known, as they are to whoever sends them
        sequence, now_ns, trades = made.sequence, made.time_ns, made.counts.last_trade_id
        for operation in operations:
            sequence += 1
            now_ns += 1_000
            command: Any
            if operation.kind == CANCEL:
                target = operation.target
                order_id = target + 1 if target < first else rested[target - first]
                command = CancelOrder(USERS[operation.user], SYMBOL, order_id, None)
            elif operation.kind == REST:
                command = terms_of(operation, SYMBOL, USERS, GTC)
                rested.append(made.counts.last_order_id + 1)
            else:
                command = terms_of(operation, SYMBOL, USERS, IOC)
            outcome = made.apply(command, sequence, now_ns)
            assert outcome.__class__ is Applied, outcome
        return made.counts.last_trade_id - trades

    return run


def pyorderbook(begin: list[Operation]) -> Run:
    """Pure Python, with decimals."""
    library = _library("pyorderbook")
    book = library.Book()
    sides = {True: library.Side.BID, False: library.Side.ASK}
    orders: list[Any] = []

    def place(operation: Operation) -> Any:
        order = library.Order(sides[operation.buys], SYMBOL, operation.price_ticks, operation.lots)
        if operation.kind == REST:
            orders.append(order)
        return book.match(order)

    for operation in begin:
        place(operation)
    garbage.configure()

    def run(operations: Sequence[Operation]) -> int:
        trades = 0
        for operation in operations:
            if operation.kind == CANCEL:
                book.cancel(orders[operation.target])
            else:
                trades += len(place(operation).trades)
        return trades

    return run


def liquibook(begin: list[Operation]) -> Run:
    """C++, with a listener in Python: that is how one learns of a trade."""
    library = _library("liquibook")
    heard: list[tuple[Any, ...]] = []

    class Listener(library.OrderListener):  # type: ignore[misc, name-defined]
        def on_accept(self, order: Any) -> None:
            heard.append((order,))

        def on_cancel(self, order: Any) -> None:
            heard.append((order,))

        def on_fill(self, order: Any, matched: Any, quantity: int, cost: int) -> None:
            order.fill(quantity, cost, 0)
            matched.fill(quantity, cost, 0)
            heard.append((order, matched, quantity, cost))

    book, listener = library.DepthOrderBook(), Listener()
    book.set_symbol(SYMBOL)
    book.set_order_listener(listener)
    orders: list[Any] = []

    def place(operation: Operation) -> None:
        order = library.SimpleOrder(operation.buys, operation.price_ticks, operation.lots)
        if operation.kind == REST:
            orders.append(order)
        book.add(order)

    for operation in begin:
        place(operation)
    garbage.configure()

    def run(operations: Sequence[Operation]) -> int:
        trades = 0
        for operation in operations:
            if operation.kind == CANCEL:
                book.cancel(orders[operation.target])
            else:
                place(operation)
            trades += sum(1 for said in heard if len(said) == 4)
            heard.clear()
        return trades

    run.listener = listener  # type: ignore[attr-defined]  # the book keeps no reference to it
    return run


BOOKS: dict[str, Callable[[list[Operation]], Run]] = {
    "venue": venue,
    "pyorderbook": pyorderbook,
    "liquibook": liquibook,
}


def operations_a_second(book: str, depth: int, count: int, seed: int) -> float:
    """How many operations of the mixed flow a book does beside `depth` resting orders. For a process of its own."""
    chance = random.Random(seed)
    begin = resting(chance, depth, TRADERS_EACH)
    operations = mixed(chance, begin, count, TRADERS_EACH)
    # Each with numbers of its own, as if it had come over a wire, not with those of the order it names.
    operations = pickle.loads(pickle.dumps(operations))
    takes = sum(operation.kind not in (REST, CANCEL) for operation in operations)
    run = BOOKS[book](begin)
    gc.collect()
    before = time.perf_counter()
    trades = run(operations)
    seconds = time.perf_counter() - before
    if trades != takes:
        raise UnmeasuredError(f"{book} made {trades} trades of {takes}")
    return count / seconds


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnmeasuredError(f"{name} is not installed: `make bench` installs it") from error
