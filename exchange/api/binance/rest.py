"""This dialect over HTTP: parameters in, JSON out, with the headers that count."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson

from exchange.api.binance.asked import Asked
from exchange.api.binance.calls import Call, Calls, Operation
from exchange.api.binance.errors import BinanceRefusals
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.parameters import Parameters, from_http
from exchange.api.binance.security import PERMISSIONS, Guard, Security, unit_of
from exchange.api.http.request import Request
from exchange.api.http.response import Responder, Response
from exchange.api.http.routes import Handler, Route
from exchange.pipeline.outcomes import Overloaded
from exchange.service.service import Service
from exchange.service.tasks import Tasks

CHANGING: Final = ("POST", "PUT", "DELETE")
USED_WEIGHT: Final = "X-MBX-USED-WEIGHT"


class _Reply:
    """The reply to one request: it gets the value or the error, and sends it with the headers."""

    __slots__ = ("_name", "_refusals", "_request", "_responder", "headers")

    def __init__(self, refusals: BinanceRefusals, request: Request, responder: Responder, name: str) -> None:
        self._refusals = refusals
        self._request = request
        self._responder = responder
        self._name = name
        self.headers: list[tuple[str, str]] = []

    def done(self, value: Any) -> None:
        """Send a value."""
        self._responder.send(Response(orjson.dumps(value), headers=self.headers))

    def failed(self, error: BaseException) -> None:
        """Send an error."""
        response = self._refusals.refuse(error, self._name, self._request.request_id)
        response.headers = [*self.headers, *response.headers]
        self._responder.send(response)


class BinanceRest:
    """Makes the routes."""

    def __init__(
        self, service: Service, calls: Calls, guard: Guard, limits: BinanceLimits, refusals: BinanceRefusals
    ) -> None:
        self._service = service
        self._calls = calls
        self._guard = guard
        self._limits = limits
        self._refusals = refusals

    def route(self, method: str, path: str, call: Call) -> Route:
        """The route of a call."""
        in_order = call.operation in self._calls.direct
        changes = method in CHANGING
        return Route(method, path, self._handler(call, f"{method} {path}"), changes, in_order, call.cancels)

    def _handler(self, call: Call, name: str) -> Handler:
        begin = self._direct(call) if call.operation in self._calls.direct else self._awaited(call, name)

        def handle(request: Request, responder: Responder) -> None:
            reply = _Reply(self._refusals, request, responder, name)
            try:
                begin(self._asked(call, request, reply), reply)
            except Exception as error:
                reply.failed(error)

        return handle

    def _asked(self, call: Call, request: Request, reply: _Reply) -> Asked:
        """What the call gets, once it is clear who asks and that they may. Raises."""
        values = from_http(request.query, request.body)
        used = str(self._limits.weigh(request.address, call.weight_of(values)))
        reply.headers += ((USED_WEIGHT, used), (USED_WEIGHT + "-1M", used))
        unit_ns = unit_of("X-MBX-TIME-UNIT", request.headers.get("x-mbx-time-unit"))
        if call.security is Security.NONE:
            return Asked(Parameters(values), unit_ns=unit_ns)
        principal = self._guard.of_http(request, values, call.security)
        user_id = self._service.user(principal, None, PERMISSIONS[call.security], cancels=call.cancels)
        if call.orders:
            ten, day = self._limits.order(user_id, call.orders)
            reply.headers += (("X-MBX-ORDER-COUNT-10S", str(ten)), ("X-MBX-ORDER-COUNT-1D", str(day)))
        return Asked(Parameters(values), user_id, unit_ns)

    def _direct(self, call: Call) -> Any:
        return self._calls.direct[call.operation]

    def _awaited(self, call: Call, name: str) -> Any:
        operation, service = self._calls.operations[call.operation], self._service
        lane, tasks = call.lane, service.tasks

        def begin(asked: Asked, reply: _Reply) -> None:
            if tasks.full:
                raise Overloaded

            def work() -> Coroutine[None, None, None]:
                replying = _answer(operation, asked, reply)
                return replying if lane is None else service.lane.measured(lane, replying)

            if lane is None:
                tasks.start(work, name)
            else:
                service.lane.do(lane, lambda: _start(tasks, work, name), reply.failed)

        return begin


def _start(tasks: Tasks, work: Callable[[], Coroutine[None, None, None]], name: str) -> None:
    tasks.start(work, name)


async def _answer(operation: Operation, asked: Asked, reply: _Reply) -> None:
    try:
        value = await operation(asked)
    except Exception as error:
        reply.failed(error)
    else:
        reply.done(value)
