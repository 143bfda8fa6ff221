"""Orders and cancels: commands in, results out, whichever dialect they come in.

Every call gets its commands in line before it returns, so the order of calls is the order of commands. One order or
cancel tells its listener in the step that releases it; several are awaited.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Generic, TypeVar

from exchange.core import outcome as core_outcome
from exchange.core.amendments import AmendOrder
from exchange.core.commands import CancelAll, CancelOrder, PlaceOrder, ReplaceOrder
from exchange.core.events import Duplicate, OrderUpdated, Rejected, RejectReason
from exchange.core.instrument import Asset, Instrument
from exchange.core.outcome import Applied
from exchange.core.timers import CancelAllAfter, TimerSet
from exchange.pipeline.engine import Engine
from exchange.pipeline.outcomes import OVERLOADED, Outcome, OutcomeUnknown, Overloaded
from exchange.service.codes import Code, Refused, refusal_of
from exchange.service.history import OrderRead
from exchange.service.limits import RateLimits
from exchange.service.order_lookup import Elsewhere, OrderLookup, OrderName
from exchange.service.queries import WouldRefuse
from exchange.service.read_lane import HISTORY, MEMORY, REQUEST_S, ReadLane
from exchange.service.results import (
    BatchResult,
    Canceled,
    CanceledAll,
    Changed,
    Known,
    Listener,
    Placed,
    Replaced,
    Result,
)
from exchange.service.tasks import Tasks

ResultT = TypeVar("ResultT")
Outcomes = Awaitable[list[Outcome]]
Single = PlaceOrder | CancelOrder | AmendOrder | ReplaceOrder
Naming = CancelOrder | AmendOrder  # commands that name an order


class Submitted(Generic[ResultT]):
    """Several commands on their way: to be awaited for their result.

    `in_line` is there when they are of several markets. Then not all of them are in line yet, and what is sent after
    them could overtake them, until that is done.
    """

    def __init__(
        self,
        result: Coroutine[None, None, ResultT],
        commands: Sequence[PlaceOrder | CancelOrder | CancelAll],
        outcomes: "asyncio.Future[list[Outcome]] | None",
    ) -> None:
        self.result = result
        self.in_line = outcomes if len({command.market for command in commands}) > 1 else None

    def __await__(self) -> Generator[None, None, ResultT]:
        return self.result.__await__()


class _Ticket:
    """The ticket of one order, cancel or amendment, which has a listener."""

    __slots__ = ("_command", "_listener", "_rules", "_trading", "since")

    def __init__(
        self,
        trading: "Trading",
        listener: Listener,
        command: Single,
        rules: Instrument,
        since: float,
    ) -> None:
        self._trading = trading
        self._listener: Listener | None = listener
        self._command = command
        self._rules = rules
        self.since = since

    def resolve(self, index: int, outcome: Outcome) -> None:
        """Give the listener the result, unless it has been given OutcomeUnknown."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        try:
            if not isinstance(outcome, Applied):
                self._trading.tell(listener, self._command, self._rules, outcome)
            elif isinstance(self._command, PlaceOrder):
                listener.done(Placed(outcome, self._rules))
            elif isinstance(outcome, core_outcome.Replaced):
                self._trading.tell_of_both(listener, self._command, self._rules, outcome)
            else:
                assert outcome.order is not None
                made = Canceled if isinstance(self._command, CancelOrder) else Changed
                listener.done(made(outcome.order, self._rules))
        except Exception as error:  # one request's failure, and the writer goes on
            listener.failed(error)

    def give_up(self) -> None:
        """Give the listener OutcomeUnknown."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.failed(OutcomeUnknown())


class Trading:
    """What a known user can do, and what an administrator can."""

    def __init__(self, engine: Engine, orders: OrderLookup, limits: RateLimits, tasks: Tasks, lane: ReadLane) -> None:
        self._engine = engine
        self._orders = orders
        self._limits = limits
        self._tasks = tasks
        self._lane = lane
        self._venue = engine.venue

    def rules(self, market: str) -> Instrument:
        """The instrument of that name. Raises Refused."""
        found = self._venue.markets.get(market)
        if found is None:
            raise Refused(Code.UNKNOWN_MARKET, f"There is no market {market[:40]}.")
        return found.instrument

    def asset(self, symbol: str) -> Asset | None:
        """The asset of that symbol."""
        return self._venue.assets.get(symbol)

    # --- one order

    def place(self, listener: Listener, command: PlaceOrder, rules: Instrument) -> None:
        """Place an order; the listener gets the result once it is durable. Raises Refused, Overloaded or Stopping."""
        self._limits.orders(command.user_id, 1)
        engine = self._engine
        engine.enter(_Ticket(self, listener, command, rules, engine.loop_time()), (command,))

    async def test(self, command: PlaceOrder) -> None:
        """Every check of an order, and nothing placed. Raises Refused."""
        self._limits.orders(command.user_id, 1)
        refused = await self._engine.read(WouldRefuse(command, self._engine.time_ns()))
        if refused is not None:
            raise refusal_of(refused)

    def cancel(self, listener: Listener, command: CancelOrder, rules: Instrument) -> None:
        """Cancel an order in the same way."""
        engine = self._engine
        engine.enter(_Ticket(self, listener, command, rules, engine.loop_time()), (command,))

    def amend(self, listener: Listener, command: AmendOrder, rules: Instrument) -> None:
        """Change an open order in the same way. Raises Refused, Overloaded or Stopping."""
        self._limits.orders(command.user_id, 1)
        engine = self._engine
        engine.enter(_Ticket(self, listener, command, rules, engine.loop_time()), (command,))

    def replace(self, listener: Listener, command: ReplaceOrder, rules: Instrument) -> None:
        """Cancel an order and place another in the same way. Raises Refused, Overloaded or Stopping."""
        self._limits.orders(command.user_id, 1)
        engine = self._engine
        engine.enter(_Ticket(self, listener, command, rules, engine.loop_time()), (command,))

    def tell_of_both(
        self, listener: Listener, command: Single, rules: Instrument, outcome: core_outcome.Replaced
    ) -> None:
        """What became of both parts of a replacement; a look-up says how an order ended that could not be canceled."""
        assert isinstance(command, ReplaceOrder)
        placed, canceled, cancel = outcome.placed, outcome.canceled, command.cancel
        made: Placed | Refused = refusal_of(placed) if isinstance(placed, Rejected) else Placed(outcome, rules)
        if not isinstance(canceled, Rejected):
            listener.done(Replaced(canceled, made, rules))
        elif not _is_unknown(canceled):
            listener.done(Replaced(refusal_of(canceled), made, rules))
        else:
            refused = canceled

            async def look() -> Replaced:
                found = await self._orders.find_closed(_name_of(cancel))
                return Replaced(_closed_refusal(cancel, found, refused, rules), made, rules)

            self._later(listener, look, "look up a closed order")

    def tell(self, listener: Listener, command: Single, rules: Instrument, outcome: Outcome) -> None:
        """The result of a command that changed nothing, in the lane of reads: from memory, else from the database."""
        if isinstance(outcome, Duplicate):
            name = OrderName(command.user_id, rules.symbol, outcome.order_id, None)
            if isinstance(command, ReplaceOrder):
                cancel = command.cancel
                self._later(listener, lambda: self._both(cancel, name, rules), "look up a retried replacement")
                return
            look = self._known if isinstance(command, PlaceOrder) else self._as_it_is
            self._later(listener, lambda: look(name, rules), "look up a retried order")
            return
        if isinstance(command, PlaceOrder) or not _is_unknown(outcome):
            listener.failed(refusal_of(outcome))
            return
        naming = command.cancel if isinstance(command, ReplaceOrder) else command
        name = _name_of(naming)
        found = self._orders.recall(name)
        if isinstance(found, Elsewhere):
            missing = found
            self._later(listener, lambda: self._closed(naming, missing, outcome, rules), "look up a closed order")
        else:
            # Memory is asked now, since its answer is the one of now; what costs more is to send it.
            refused = _closed_refusal(naming, found, outcome, rules)
            if not self._lane.do(MEMORY, lambda: listener.failed(refused), listener.failed):
                listener.looks_up()

    def _later(self, listener: Listener, look: Callable[[], Coroutine[None, None, Result]], what: str) -> None:
        """Give the listener what a query of the database finds, in the lane of such queries."""

        async def tell() -> None:
            try:
                known = await look()
            except Exception as error:
                listener.failed(error)
            else:
                listener.done(known)

        def begin() -> None:
            self._tasks.start(lambda: self._lane.measured(HISTORY, tell()), what)

        self._lane.do(HISTORY, begin, listener.failed)
        listener.looks_up()

    async def _known(self, name: OrderName, rules: Instrument) -> Known:
        """The order of a retry, as it is now."""
        found = await self._orders.find(name)
        if found is None:
            raise Refused(Code.UNKNOWN_ORDER)
        return Known(found, rules)

    async def _as_it_is(self, name: OrderName, rules: Instrument) -> Changed:
        """The order of an amendment that was made before, as it is now."""
        return Changed((await self._known(name, rules)).read.order, rules)

    async def _both(self, cancel: CancelOrder, name: OrderName, rules: Instrument) -> Replaced:
        """The orders of a replacement that was made before, as they are now."""
        placed = await self._known(name, rules)
        canceled = await self._orders.find(_name_of(cancel))
        return Replaced(None if canceled is None else canceled.order, placed, rules)

    async def _closed(self, command: Naming, missing: Elsewhere, outcome: Outcome, rules: Instrument) -> Known:
        """Raises Refused: the order that could not be canceled is closed, or there is none."""
        found = await self._orders.look_up(_name_of(command), missing)
        raise _closed_refusal(command, found, outcome, rules)

    # --- several

    def cancel_all(self, user_id: str, market: str | None) -> Submitted[CanceledAll]:
        """Cancel all open orders of a user, in one market or in all."""
        markets = sorted(self._venue.markets) if market is None else [self.rules(market).symbol]
        commands = [CancelAll(user_id, symbol) for symbol in markets]
        outcomes = self._engine.submit_all(commands) if commands else None
        return Submitted(self._cancel_all(outcomes), commands, outcomes)

    async def _cancel_all(self, outcomes: Outcomes | None) -> CanceledAll:
        canceled: list[OrderUpdated] = []
        for outcome in await outcomes if outcomes is not None else ():
            if outcome is OVERLOADED:
                raise Refused(Code.OVERLOADED, "Some markets were too busy; cancel again what is still open.")
            if isinstance(outcome, Applied):
                canceled += [event for event in outcome.events if isinstance(event, OrderUpdated)]
        return CanceledAll(canceled)

    def cancel_all_after(self, user_id: str, market: str | None, timeout_ms: int) -> Awaitable[int | None]:
        """Cancel all open orders of a user after a time, in one market or in all; when that is, in nanoseconds, or None
        if it was taken back. Raises Refused."""
        command = CancelAllAfter(user_id, None if market is None else self.rules(market).symbol, timeout_ms)
        return self._due_ns(self._engine.submit_all((command,)))

    async def _due_ns(self, outcomes: Outcomes) -> int | None:
        (outcome,) = await outcomes
        if isinstance(outcome, Rejected):
            raise refusal_of(outcome)
        if not isinstance(outcome, Applied):  # nothing to take back
            return None
        done = outcome.events[0]
        assert isinstance(done, TimerSet)
        return done.due_ns

    def batch(
        self, user_id: str, items: Sequence[PlaceOrder | CancelOrder | BaseException]
    ) -> Submitted[list[BatchResult]]:
        """Place and cancel several, each on its own; an item that is an exception is its own result."""
        limited: Refused | None = None
        try:
            self._limits.orders(user_id, sum(isinstance(item, PlaceOrder) for item in items))
        except Refused as error:
            if not any(isinstance(item, CancelOrder) for item in items):
                raise
            limited = error  # a user who may place no more can still cancel
        results: list[BatchResult | None] = []
        commands: list[PlaceOrder | CancelOrder] = []
        for item in items:
            if isinstance(item, BaseException):
                results.append(item)
            elif limited is not None and isinstance(item, PlaceOrder):
                results.append(limited)
            else:
                results.append(None)
                commands.append(item)
        outcomes = self._engine.submit_all(commands) if commands else None
        return Submitted(self._batch(results, commands, outcomes), commands, outcomes)

    async def _batch(
        self,
        results: list[BatchResult | None],
        commands: Sequence[PlaceOrder | CancelOrder],
        outcomes: Outcomes | None,
    ) -> list[BatchResult]:
        answered = zip(commands, await outcomes if outcomes is not None else (), strict=True)
        complete: list[BatchResult] = []
        look_ups = 0
        for result in results:
            if result is not None:
                complete.append(result)
                continue
            command, outcome = next(answered)
            if isinstance(outcome, Applied):
                complete.append(self._done(command, outcome))
                continue
            look_ups += _is_unknown(outcome) or isinstance(outcome, Duplicate)
            try:
                complete.append(await self._not_done(command, outcome))
            except Exception as error:  # one missing answer must not hide the other results
                complete.append(error)
        if look_ups:
            with contextlib.suppress(Overloaded):  # the answer is there, and says what has happened
                await self._lane.turn(MEMORY, look_ups * REQUEST_S)
        return complete

    def _done(self, command: PlaceOrder | CancelOrder, applied: Applied) -> BatchResult:
        rules = self.rules(command.market)
        if isinstance(command, PlaceOrder):
            return Placed(applied, rules)
        assert applied.order is not None
        return Canceled(applied.order, rules)

    async def _not_done(self, command: PlaceOrder | CancelOrder, outcome: Outcome) -> BatchResult:
        """The result of a command that changed nothing. Raises Refused."""
        rules = self.rules(command.market)
        if isinstance(command, PlaceOrder):
            if isinstance(outcome, Duplicate):
                return await self._known(OrderName(command.user_id, rules.symbol, outcome.order_id, None), rules)
        elif _is_unknown(outcome):
            found = await self._orders.find_closed(_name_of(command))
            raise _closed_refusal(command, found, outcome, rules)
        raise refusal_of(outcome)


def _is_unknown(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.reason is RejectReason.UNKNOWN_ORDER


def _name_of(command: Naming) -> OrderName:
    """The order that is meant, by one id: whether the other one is its as well is seen when it is found."""
    by_id = command.order_id is not None
    return OrderName(command.user_id, command.market, command.order_id, None if by_id else command.client_order_id)


def _closed_refusal(command: Naming, found: OrderRead | None, outcome: Outcome, rules: Instrument) -> Refused:
    """Why an order could not be changed. One that was placed after the command was refused is none of its."""
    assert isinstance(outcome, Rejected)
    if found is None or found.order.order_id > outcome.last_order_id:
        return Refused(Code.UNKNOWN_ORDER)
    if command.client_order_id not in (None, found.order.terms.client_order_id):
        return Refused(Code.UNKNOWN_ORDER)
    return Refused(Code.ORDER_CLOSED, order=Known(found, rules))
