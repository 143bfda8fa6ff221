"""Runs a call, whichever way it was asked: at once, or as a task, in the lane of its reads."""

from collections.abc import Callable, Coroutine
from typing import Any

from exchange.api.binance.asked import Asked
from exchange.api.binance.calls import Call, Calls, Operation
from exchange.api.binance.order_calls import Answer
from exchange.pipeline.outcomes import Overloaded
from exchange.service.service import Service
from exchange.service.tasks import Tasks

Begin = Callable[[Asked, Answer], None]


class Runner:
    """Makes what begins a call."""

    def __init__(self, service: Service, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def is_direct(self, call: Call) -> bool:
        """Whether what the call asks for is in line when it has begun."""
        return call.operation in self._calls.direct

    def of(self, call: Call, name: str) -> Begin:
        """Begins the call: the answer gets what it comes to. Raises what the call raises at once."""
        if self.is_direct(call):
            return self._calls.direct[call.operation]
        return self._awaited(call, name)

    def _awaited(self, call: Call, name: str) -> Begin:
        operation, service = self._calls.operations[call.operation], self._service
        lane, tasks = call.lane, service.tasks

        def begin(asked: Asked, answer: Answer) -> None:
            if tasks.full:
                raise Overloaded

            def work() -> Coroutine[None, None, None]:
                answering = _answer(operation, asked, answer)
                return answering if lane is None else service.lane.measured(lane, answering)

            if lane is None:
                tasks.start(work, name)
            else:
                service.lane.do(lane, lambda: _start(tasks, work, name), answer.failed)

        return begin


def _start(tasks: Tasks, work: Callable[[], Coroutine[None, None, None]], name: str) -> None:
    tasks.start(work, name)


async def _answer(operation: Operation, asked: Asked, answer: Answer) -> None:
    try:
        value: Any = await operation(asked)
    except Exception as error:
        answer.failed(error)
    else:
        answer.done(value)
