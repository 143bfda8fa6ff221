"""Orders and cancels, whichever way they come in: from request to command, and from outcome to answer.

Every call checks and gets its commands in line before it returns; what it returns is to be awaited for the answer. So
the order of calls is the order of commands.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Generator, Sequence
from typing import Any, Protocol

from exchange.api.http.limits import RateLimits
from exchange.api.native import codec, models
from exchange.api.native.errors import ApiError
from exchange.core.commands import CancelAll, CancelOrder, Command, PlaceOrder
from exchange.core.events import Duplicate, OrderUpdated, Rejected
from exchange.core.instrument import Instrument
from exchange.pipeline.commits import Applied
from exchange.pipeline.engine import Engine
from exchange.pipeline.outcomes import OVERLOADED, OutcomeUnknown, Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.order_lookup import OrderLookup, OrderName

UNTOLD: dict[type[Exception], str] = {
    HistoryUnavailable: "NOT_READY",
    Stopping: "NOT_READY",
    Overloaded: "OVERLOADED",
    OutcomeUnknown: "OUTCOME_UNKNOWN",
}
"""Why one item of a batch, which changed nothing itself, cannot be told what it asks for."""

Answer = Awaitable[models.Json]
Outcomes = Awaitable[list[Any]]


class Several:
    """The answer to several commands, to be awaited.

    `outcomes` is there when they are of several markets. Then not all of them are in line yet, and what is sent after
    them could overtake them, until that is done.
    """

    def __init__(
        self,
        answer: Answer,
        commands: Sequence[PlaceOrder | CancelOrder | CancelAll],
        outcomes: "asyncio.Future[list[Any]] | None",
    ) -> None:
        self._answer = answer
        self.outcomes = outcomes if len({command.market for command in commands}) > 1 else None

    def __await__(self) -> Generator[Any, None, models.Json]:
        return self._answer.__await__()


class Asker(Protocol):
    """Somebody who has placed an order and is told in the step that releases it, without a task that waits."""

    def answer(self, order: models.Json) -> None:
        """Take the order."""

    def refuse(self, error: BaseException) -> None:
        """Take the reason why there is none."""


class _Placing:
    """The ticket of an asker's order."""

    __slots__ = ("_asker", "_rules", "_trading", "_user_id", "since")

    def __init__(self, trading: "Trading", asker: Asker, user_id: str, rules: Instrument, since: float) -> None:
        self._trading = trading
        self._asker: Asker | None = asker
        self._user_id = user_id
        self._rules = rules
        self.since = since

    def resolve(self, index: int, outcome: Any) -> None:
        """Tell the asker, unless it was told that nobody knows."""
        asker, self._asker = self._asker, None
        if asker is None:
            return
        if isinstance(outcome, Duplicate):
            self._trading.look_up(asker, self._user_id, self._rules, outcome)
            return
        try:
            if outcome.__class__ is not Applied:
                raise refused(outcome)
            order = codec.placed_json(outcome, self._rules)
        except Exception as error:  # one request's failure, and the writer goes on
            asker.refuse(error)
        else:
            asker.answer(order)

    def give_up(self) -> None:
        """Tell the asker that nobody knows."""
        asker, self._asker = self._asker, None
        if asker is not None:
            asker.refuse(OutcomeUnknown())


class Trading:
    """What a known user can do."""

    def __init__(self, engine: Engine, orders: OrderLookup, limits: RateLimits) -> None:
        self._engine = engine
        self._limits = limits
        self._venue = engine.venue
        self._orders = orders
        self.refusals: Counter[str] = Counter()  # what was answered with an error, by its code
        self._looking_up: set[asyncio.Task[None]] = set()

    def rules(self, market: str) -> Instrument:
        """The instrument of that name. Raises ApiError."""
        found = self._venue.markets.get(market)
        if found is None:
            raise ApiError("UNKNOWN_MARKET")
        return found.instrument

    # --- one order

    def place(self, request: models.PlaceOrderRequest, user_id: str) -> Answer:
        """Place an order."""
        rules = self.rules(request.market)
        command = codec.place_order(request, user_id, rules)
        self._limits.orders(user_id, 1)
        outcomes = self._engine.submit_all((command,))
        return self._place(user_id, outcomes, rules)

    async def _place(self, user_id: str, outcomes: Outcomes, rules: Instrument) -> models.Json:
        return await self._placed(user_id, (await outcomes)[0], rules)

    def place_for(self, asker: Asker, request: models.PlaceOrderRequest, user_id: str) -> None:
        """Place an order; the asker is told once it is durable. Raises ApiError, Overloaded or Stopping at once."""
        rules = self.rules(request.market)
        command = codec.place_order(request, user_id, rules)
        self._limits.orders(user_id, 1)
        self._engine.enter(_Placing(self, asker, user_id, rules, self._engine.loop_time()), (command,))

    def look_up(self, asker: Asker, user_id: str, rules: Instrument, again: Duplicate) -> None:
        """Tell the asker of the order that its retry found: that takes a look into the database."""

        async def tell() -> None:
            try:
                asker.answer(await self._placed(user_id, again, rules))
            except Exception as error:
                asker.refuse(error)

        task = asyncio.create_task(tell(), name="look up a retried order")
        self._looking_up.add(task)
        task.add_done_callback(self._looking_up.discard)

    async def _placed(self, user_id: str, outcome: Any, rules: Instrument) -> models.Json:
        if outcome.__class__ is Applied:
            return codec.placed_json(outcome, rules)
        if isinstance(outcome, Duplicate):
            return await self.find_order(user_id, rules, outcome.order_id, None)
        raise refused(outcome)

    def cancel(self, request: models.OrderRequest, user_id: str) -> Answer:
        """Cancel an order."""
        rules = self.rules(request.market)
        command = CancelOrder(user_id, rules.symbol, *codec.order_ids(request.order_id, request.client_order_id))
        return self._cancel(command, self._engine.submit_all((command,)), rules)

    async def _cancel(self, command: CancelOrder, outcomes: Outcomes, rules: Instrument) -> models.Json:
        return await self._canceled(command, (await outcomes)[0], rules)

    async def _canceled(self, command: CancelOrder, outcome: Any, rules: Instrument) -> models.Json:
        if outcome.__class__ is Applied:
            canceled = outcome.order
            assert canceled is not None
            return codec.order_json(canceled, rules)
        if isinstance(outcome, Rejected) and outcome.reason == "UNKNOWN_ORDER":
            name = OrderName(command.user_id, rules.symbol, command.order_id, command.client_order_id)
            closed = await self._orders.find_closed(name)  # at once, if it closed a short while ago
            if closed is None:
                raise ApiError("UNKNOWN_ORDER")
            raise ApiError("ORDER_CLOSED", order=codec.order_with_fills(closed, rules))
        raise refused(outcome)

    async def find_order(
        self, user_id: str, rules: Instrument, order_id: int | None, client_order_id: str | None
    ) -> models.Json:
        """The order as it is now, open or closed."""
        found = await self._orders.find(OrderName(user_id, rules.symbol, order_id, client_order_id))
        if found is None:
            raise ApiError("UNKNOWN_ORDER")
        return codec.order_with_fills(found, rules)

    # --- several

    def cancel_all(self, request: models.CancelAllRequest, user_id: str) -> Several:
        """Cancel all open orders of a user, in one market or in all."""
        markets = sorted(self._venue.markets) if request.market is None else [self.rules(request.market).symbol]
        commands = [CancelAll(user_id, symbol) for symbol in markets]
        outcomes = self._engine.submit_all(commands) if commands else None
        return Several(self._cancel_all(outcomes), commands, outcomes)

    async def _cancel_all(self, outcomes: Outcomes | None) -> models.Json:
        canceled = []
        for outcome in await outcomes if outcomes is not None else ():
            if outcome is OVERLOADED:
                raise ApiError("OVERLOADED", "Some markets were too busy; cancel again what is still open.")
            for event in outcome.events if isinstance(outcome, Applied) else ():
                if isinstance(event, OrderUpdated):
                    canceled.append(codec.order_json(event, self.rules(event.terms.market)))
        return {"canceled": canceled}

    def batch(self, request: models.BatchRequest, user_id: str) -> Several:
        """Place and cancel several, each on its own."""
        if not 1 <= len(request.orders) <= models.BATCH_MAX:
            raise ApiError("INVALID_FIELD", f"orders must hold 1 to {models.BATCH_MAX} items.")
        results: list[Any] = []
        commands: list[PlaceOrder | CancelOrder] = []
        for raw in request.orders:
            try:
                commands.append(self._batch_command(raw, user_id))
                results.append(None)
            except ApiError as error:
                results.append(self._refuse(error))
        try:
            self._limits.orders(user_id, sum(isinstance(command, PlaceOrder) for command in commands))
        except ApiError as error:
            cancels = [command for command in commands if isinstance(command, CancelOrder)]
            if not cancels:
                raise
            asked = iter(commands)  # whoever may place no more can still get out
            results = [
                self._refuse(error) if result is None and isinstance(next(asked), PlaceOrder) else result
                for result in results
            ]
            commands = [*cancels]
        outcomes = self._engine.submit_all(commands) if commands else None
        return Several(self._batch(results, commands, outcomes), commands, outcomes)

    async def _batch(self, results: list[Any], commands: Sequence[Command], outcomes: Outcomes | None) -> models.Json:
        answered = zip(commands, await outcomes if outcomes is not None else (), strict=True)
        for index, result in enumerate(results):
            if result is None:
                try:
                    results[index] = await self._batch_result(*next(answered))
                except ApiError as error:
                    results[index] = self._refuse(error)
                except tuple(UNTOLD) as error:
                    # Not to be told of one order is no reason not to tell of the others, which are done.
                    results[index] = self._refuse(ApiError(UNTOLD[error.__class__]))
        return {"results": results}

    def _refuse(self, error: ApiError) -> models.Json:
        self.refusals[error.code] += 1
        return error.json()

    def _batch_command(self, raw: Any, user_id: str) -> PlaceOrder | CancelOrder:
        item = codec.batch_item(raw)
        if item.user_id is not None and item.user_id != user_id:
            raise ApiError("FORBIDDEN", "This item names another user than its batch.")
        if isinstance(item, models.PlaceOrderRequest):
            return codec.place_order(item, user_id, self.rules(item.market))
        ids = codec.order_ids(item.cancel.order_id, item.cancel.client_order_id)
        return CancelOrder(user_id, self.rules(item.cancel.market).symbol, *ids)

    async def _batch_result(self, command: Any, outcome: Any) -> models.Json:
        rules = self.rules(command.market)
        if isinstance(command, CancelOrder):
            return await self._canceled(command, outcome, rules)
        return await self._placed(command.user_id, outcome, rules)


def refused(outcome: Any) -> ApiError:
    """What the client of a refused command is told."""
    if outcome is OVERLOADED:
        return ApiError("OVERLOADED")
    assert isinstance(outcome, Rejected), outcome
    return ApiError(outcome.reason)
