"""This dialect over HTTP: parameters in, JSON out, with the headers that count."""

from typing import Any, Final

import orjson

from exchange.api.binance.asked import Asked
from exchange.api.binance.calls import Call
from exchange.api.binance.errors import BinanceRefusals
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.parameters import Parameters, from_http
from exchange.api.binance.running import Runner
from exchange.api.binance.security import PERMISSIONS, Guard, Security, unit_of
from exchange.api.http.request import Request
from exchange.api.http.response import Responder, Response
from exchange.api.http.routes import Handler, Route
from exchange.service.service import Service

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
        self, service: Service, runner: Runner, guard: Guard, limits: BinanceLimits, refusals: BinanceRefusals
    ) -> None:
        self._service = service
        self._runner = runner
        self._guard = guard
        self._limits = limits
        self._refusals = refusals

    def route(self, method: str, path: str, call: Call) -> Route:
        """The route of a call."""
        in_order = self._runner.is_direct(call)
        changes = method in CHANGING
        return Route(method, path, self._handler(call, f"{method} {path}"), changes, in_order, call.cancels)

    def _handler(self, call: Call, name: str) -> Handler:
        begin = self._runner.of(call, name)

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
        api_key = request.headers.get("x-mbx-apikey", "")
        return Asked(Parameters(values), user_id, unit_ns, api_key, request.address)
