"""This dialect over HTTP: parameters in, JSON out, with the headers that count."""

from typing import Any, Final

import orjson

from exchange.api.binance.asked import MILLISECOND_NS, Asked
from exchange.api.binance.calls import Call
from exchange.api.binance.errors import BinanceError, BinanceRefusals
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.parameters import Parameters, from_http
from exchange.api.binance.running import Runner
from exchange.api.binance.security import Guard, Security, permission_of, unit_of
from exchange.api.http.request import Request
from exchange.api.http.response import JSON, Responder, Response
from exchange.api.http.routes import Handler, Route
from exchange.service.service import Service

CHANGING: Final = ("POST", "PUT", "DELETE")
SBE: Final = "application/sbe"  # a binary encoding that is not offered
NOBODY: Final = Security.NONE  # looking a member up in its enum costs more than a comparison
USED_WEIGHT: Final = "X-MBX-USED-WEIGHT"
USED_WEIGHT_1M: Final = "X-MBX-USED-WEIGHT-1M"
ORDERS_10S: Final = "X-MBX-ORDER-COUNT-10S"
ORDERS_DAY: Final = "X-MBX-ORDER-COUNT-1D"


class _Reply:
    """The reply to one request: it gets the value or the error, and sends it with the headers.

    `owed` is what the request weighs if it fails.
    """

    __slots__ = ("_limits", "_name", "_refusals", "_request", "_responder", "headers", "owed")

    def __init__(
        self, refusals: BinanceRefusals, limits: BinanceLimits, request: Request, responder: Responder, name: str
    ) -> None:
        self._refusals = refusals
        self._limits = limits
        self.owed = 0
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
        if self.owed:
            self.headers[:2] = _of_weight(self._limits.charge(self._request.address, self.owed))
        response.headers = [*self.headers, *response.headers]
        self._responder.send(response)


def _of_weight(used: int) -> list[tuple[str, str]]:
    text = str(used)
    return [(USED_WEIGHT, text), (USED_WEIGHT_1M, text)]


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
            reply = _Reply(self._refusals, self._limits, request, responder, name)
            try:
                begin(self._asked(call, request, reply), reply)
            except Exception as error:
                reply.failed(error)

        return handle

    def _asked(self, call: Call, request: Request, reply: _Reply) -> Asked:
        """What the call gets, once it is clear who asks and that they may. Raises."""
        values, headers, address = from_http(request.query, request.body), request.headers, request.address
        if call.free:
            reply.headers = _of_weight(self._limits.weigh(address, 0))
            reply.owed = call.weight_of(values)
        else:
            reply.headers = _of_weight(self._limits.weigh(address, call.weight_of(values)))
        accepted = headers.get("accept")
        if accepted is not None and SBE in accepted and JSON not in accepted:
            raise BinanceError(-1155, "SBE is not enabled.", 406)
        unit = headers.get("x-mbx-time-unit")
        unit_ns = MILLISECOND_NS if unit is None else unit_of("X-MBX-TIME-UNIT", unit)
        needed: Security = call.security
        if needed is NOBODY:
            return Asked(Parameters(values), unit_ns=unit_ns)
        principal = self._guard.of_http(request, values, needed)
        user_id = self._service.user(principal, None, permission_of(needed), cancels=call.cancels)
        if call.orders:
            ten, day = self._limits.order(user_id, call.orders)
            reply.headers.append((ORDERS_10S, str(ten)))
            reply.headers.append((ORDERS_DAY, str(day)))
        return Asked(Parameters(values), user_id, unit_ns, headers.get("x-mbx-apikey", ""), address)
