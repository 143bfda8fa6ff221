"""A socket of the WebSocket API: requests by `method`, who signs them, and the streams of users.

Every method that is a call of REST is that call: the same parameters, the same refusals, the same weights.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from exchange.api.binance import socket_api_messages as messages
from exchange.api.binance.asked import Asked
from exchange.api.binance.calls import Call
from exchange.api.binance.errors import NO_KEY, NOT_OFFERED, BinanceError, BinanceRefusals, mandatory, not_valid
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.parameters import Parameters
from exchange.api.binance.running import Begin, Runner
from exchange.api.binance.security import Guard, Security, permission_of
from exchange.api.binance.socket_api_messages import NO_ID, Said, Unreadable
from exchange.api.binance.socket_api_methods import METHODS, SESSION, SESSION_WEIGHT
from exchange.api.binance.streams_sockets import (
    CLOSING_S,
    GOING_AWAY,
    INTERNAL_ERROR,
    PONG_S,
    Sockets,
    query_of,
    unit_of_query,
)
from exchange.api.binance.user_stream_hub import UserStreams
from exchange.api.http.frames import text_frame
from exchange.api.http.request import Request
from exchange.api.http.sockets import Peer
from exchange.pipeline.outcomes import Overloaded
from exchange.pipeline.subscriber import Subscriber
from exchange.service.codes import Refused
from exchange.service.principal import Principal
from exchange.service.service import Service

IN_FLIGHT_MAX: Final = 1000  # requests of one socket that are not answered; then it is not read
SUBSCRIPTIONS_MAX: Final = 1000  # of one socket, at a time
SUBSCRIPTIONS_EVER_MAX: Final = 65_535  # of one socket
ADDRESSED: Final = ("apiKey", "returnRateLimits")  # parameters of the request itself
SUBSCRIBING: Final = ("timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits")


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the sockets are made over."""

    service: Service
    runner: Runner
    guard: Guard
    limits: BinanceLimits
    refusals: BinanceRefusals
    users: UserStreams
    sockets: Sockets


class SocketApi:
    """Opens the sockets."""

    def __init__(self, parts: ApiParts) -> None:
        self.parts = parts
        self.begins: dict[str, Begin] = {method: parts.runner.of(call, method) for method, call in METHODS.items()}

    def open(self, peer: Peer, opened: Request) -> "ApiSession":
        """The session of a socket. Raises BinanceError."""
        query = query_of(opened.query)
        unit_ns = unit_of_query(query)
        if query.get("responseFormat", "json").lower() != "json":
            raise BinanceError(-1155, "SBE is not enabled.")
        shows = _flag("returnRateLimits", query.get("returnRateLimits", "true"))
        session = ApiSession(self, peer, opened, unit_ns=unit_ns, shows_limits=shows)
        self.parts.sockets.opened(session)
        peer.be_patient(PONG_S)
        return session


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise not_valid(name)
    return text.lower() == "true"


@dataclass(slots=True)
class LoggedOn:
    """The key that a socket acts by."""

    api_key: str
    principal: Principal
    since_ns: int


class Subscription:
    """A user's stream on a socket."""

    __slots__ = ("_session", "api_key", "by_logon", "number", "user_id")

    def __init__(self, session: "ApiSession", number: int, user_id: str, api_key: str, *, by_logon: bool) -> None:
        self._session = session
        self.number = number
        self.user_id = user_id
        self.api_key = api_key
        self.by_logon = by_logon

    @property
    def unit_ns(self) -> int:
        """The unit of its times."""
        return self._session.unit_ns

    def deliver(self, payload: bytes) -> None:
        """Send an event."""
        self._session.tell(b'{"subscriptionId":' + str(self.number).encode() + b',"event":' + payload + b"}")

    def fail(self) -> None:
        """An event could not be made."""
        self._session.fail()


class _Reply:
    """The answer to one request."""

    __slots__ = ("_id", "_method", "_session", "limits", "owed")

    def __init__(self, session: "ApiSession", said: Said) -> None:
        self._session = session
        self._id = said.id
        self._method = said.method
        self.limits: Callable[[], messages.Limits | None] = _no_limits
        self.owed = 0  # what the request weighs if it fails

    def done(self, value: Any) -> None:
        """Send a value."""
        self._session.count(-1)
        self._session.say(messages.answer(self._id, value, self.limits()))

    def failed(self, error: BaseException) -> None:
        """Send an error."""
        self._session.count(-1)
        if self.owed:
            self._session.charge(self.owed)
        self._session.say(messages.refusal(self._id, self._session.error_of(error, self._method), self.limits()))


def _no_limits() -> messages.Limits | None:
    return None


class ApiSession:
    """One socket's conversation."""

    def __init__(self, api: SocketApi, peer: Peer, opened: Request, *, unit_ns: int, shows_limits: bool) -> None:
        self.unit_ns = unit_ns
        self.full = False
        self.overloaded = False
        self.subscriber = Subscriber(peer, api.parts.sockets.dialect)
        self._api = api
        self._parts = api.parts
        self._peer = peer
        self._address = opened.address
        self._opened_as = opened.request_id
        self._shows_limits = shows_limits
        self._connected_ns = self._now_ns()
        self._logged_on: LoggedOn | None = None
        self._subscriptions: dict[int, Subscription] = {}
        self._subscribed_ever = 0
        self._counted: set[str] = set()  # users of whom this is one of the sockets that they may have
        self._in_flight = 0
        self._room = asyncio.Event()

    def _now_ns(self) -> int:
        return self._parts.service.reading.time_ns()

    @property
    def waiting_bytes(self) -> int:
        """How much waits for a client that reads too slowly."""
        return self.subscriber.waiting_bytes

    async def room(self) -> None:
        """Return when the client may ask for more, and after a refusal for overload when others have had a turn."""
        if self.full:
            await self._room.wait()
        else:
            self.overloaded = False
            await asyncio.sleep(0)

    # --- requests

    def handle(self, text: str | bytes) -> None:
        """Take one request; what it asks of the engine is in line when this returns."""
        if self.subscriber.closed:
            return
        try:
            said = messages.read(text)
        except Unreadable as unreadable:
            self.say(messages.refusal(unreadable.id, unreadable.error, None))
            return
        reply = _Reply(self, said)
        self.count(1)
        try:
            self._begin(said, reply)
        except Exception as error:
            self.overloaded |= isinstance(error, Overloaded)
            reply.failed(error)

    def _begin(self, said: Said, reply: _Reply) -> None:
        shows = self._shows_limits
        if "returnRateLimits" in said.values:
            shows = _flag("returnRateLimits", said.values["returnRateLimits"])
        call = METHODS.get(said.method)
        values = {name: value for name, value in said.values.items() if name not in ADDRESSED}
        if shows:
            reply.limits = lambda: self._weight()
        if call is None:
            self._parts.limits.weigh(self._address, SESSION_WEIGHT)
            if said.method not in SESSION:
                raise BinanceError(-1020, NOT_OFFERED)
            reply.done(self._about_itself(said))
            return
        weight = call.weight_of(values)
        self._parts.limits.weigh(self._address, 0 if call.free else weight)
        reply.owed = weight if call.free else 0
        asked = self._asked(call, said, values)
        if call.orders:
            self._parts.limits.order(asked.user_id, call.orders)
            if shows:
                reply.limits = lambda: [*self._parts.limits.orders_of(asked.user_id), *self._weight()]
        self._api.begins[said.method](asked, reply)

    def _weight(self) -> messages.Limits:
        return [self._parts.limits.weight_of(self._address)]

    def _asked(self, call: Call, said: Said, values: dict[str, str]) -> Asked:
        """What the call gets, once it is clear who asks and that they may. Raises BinanceError."""
        parameters = Parameters(values)
        if call.security is Security.NONE:
            return Asked(parameters, unit_ns=self.unit_ns)
        principal, api_key = self._principal(said, call.security)
        service = self._parts.service
        user_id = service.user(principal, None, permission_of(call.security), cancels=call.cancels)
        return Asked(parameters, user_id, self.unit_ns, api_key, self._address)

    def _principal(self, said: Said, needed: Security) -> tuple[Principal, str]:
        """Who has signed the request, or else who is logged on, and the key. Raises BinanceError."""
        guard, values, logged_on = self._parts.guard, said.values, self._logged_on
        api_key = values.get("apiKey")
        if needed is Security.API_KEY:
            named = api_key or (logged_on.api_key if logged_on is not None else "")
            return guard.owner(named, self._address), named
        if api_key is not None or "signature" in values or logged_on is None:
            if not api_key:
                raise mandatory("apiKey")
            signature = values.get("signature")
            message = messages.signed_text(values)
            return guard.signed(api_key, values, message, signature, self._address, needed), api_key
        self._check_logon(logged_on)
        guard.check_time(values)
        guard.check_permission(logged_on.principal, needed)
        return logged_on.principal, logged_on.api_key

    def _check_logon(self, logged_on: LoggedOn) -> None:
        """Raise BinanceError if the key of the session is no longer good; the session then has none."""
        if not self._parts.guard.usable(logged_on.api_key, self._address):
            self._log_out()
            self.say(messages.refusal(NO_ID, BinanceError(-2015, NO_KEY, 401), None))
            raise BinanceError(-2015, NO_KEY, 401)

    # --- the session itself

    def _about_itself(self, said: Said) -> Any:
        """The result of a method about the socket. Raises BinanceError."""
        match said.method:
            case "session.logon":
                self._log_on(said)
            case "session.logout":
                self._log_out()
            case "session.subscriptions":
                return [{"subscriptionId": number} for number in self._subscriptions]
            case "userDataStream.subscribe":
                if self._logged_on is None:
                    raise BinanceError(-2015, NO_KEY, 401)
                self._check_logon(self._logged_on)
                return self._subscribe(self._logged_on.principal, self._logged_on.api_key, by_logon=True)
            case "userDataStream.subscribe.signature":
                self._check_parameters(said)
                if "signature" not in said.values:
                    raise mandatory("signature")
                principal, api_key = self._principal(said, Security.USER_DATA)
                return self._subscribe(principal, api_key, by_logon=False)
            case "userDataStream.unsubscribe":
                return self._unsubscribe(said)
        return self._status()

    def _check_parameters(self, said: Said) -> None:
        unread = [name for name in said.values if name not in SUBSCRIBING]
        if unread:
            read, sent = len(said.values) - len(unread), len(said.values)
            raise BinanceError(
                *(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")
            )

    def _log_on(self, said: Said) -> None:
        self._check_parameters(said)
        api_key = said.values.get("apiKey")
        if not api_key:
            raise mandatory("apiKey")
        guard = self._parts.guard
        guard.check_session_key(api_key, self._address)
        signature, message = said.values.get("signature"), messages.signed_text(said.values)
        principal = guard.signed(api_key, said.values, message, signature, self._address, Security.USER_DATA)
        assert principal.user_id is not None
        self._count_as(principal.user_id)
        self._logged_on = LoggedOn(api_key, principal, self._now_ns())
        self._count_no_longer()

    def _log_out(self) -> None:
        self._logged_on = None
        for subscription in [one for one in self._subscriptions.values() if one.by_logon]:
            self._end_subscription(subscription)
        self._count_no_longer()

    def _count_as(self, user_id: str) -> None:
        """It is one of the sockets of a user from now on. Raises BinanceError."""
        if user_id in self._counted:
            return
        try:
            self._parts.service.limits.enter_socket(user_id)
        except Refused as refused:
            raise BinanceError(-1003, str(refused), 429, retry_after_s=refused.retry_after_s) from None
        self._counted.add(user_id)

    def _count_no_longer(self) -> None:
        """It is no socket of users for whom it neither has logged on nor subscribed any more."""
        serves = {one.user_id for one in self._subscriptions.values()}
        if self._logged_on is not None and self._logged_on.principal.user_id is not None:
            serves.add(self._logged_on.principal.user_id)
        for user_id in self._counted - serves:
            self._parts.service.limits.leave_socket(user_id)
        self._counted &= serves

    def _status(self) -> dict[str, Any]:
        logged_on, unit_ns = self._logged_on, self.unit_ns
        return {
            "apiKey": None if logged_on is None else logged_on.api_key,
            "authorizedSince": None if logged_on is None else logged_on.since_ns // unit_ns,
            "connectedSince": self._connected_ns // unit_ns,
            "returnRateLimits": self._shows_limits,
            "serverTime": self._now_ns() // unit_ns,
            "userDataStream": bool(self._subscriptions),
        }

    # --- the streams of users

    def _subscribe(self, principal: Principal, api_key: str, *, by_logon: bool) -> dict[str, Any]:
        user_id = self._parts.service.user(principal, None, permission_of(Security.USER_DATA))
        if any(one.user_id == user_id for one in self._subscriptions.values()):
            raise BinanceError(-1130, "This account has a subscription on this connection already.")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX or self._subscribed_ever >= SUBSCRIPTIONS_EVER_MAX:
            raise BinanceError(-1034, f"Too many subscriptions; current limit is '{SUBSCRIPTIONS_MAX}'.", 429)
        self._count_as(user_id)
        subscription = Subscription(self, self._subscribed_ever, user_id, api_key, by_logon=by_logon)
        self._subscribed_ever += 1
        self._subscriptions[subscription.number] = subscription
        self._parts.users.join(user_id, subscription)
        return {"subscriptionId": subscription.number}

    def _unsubscribe(self, said: Said) -> dict[str, Any]:
        number = Parameters(said.values).integer("subscriptionId")
        if number is None:
            ending = list(self._subscriptions.values())
        elif number in self._subscriptions:
            ending = [self._subscriptions[number]]
        else:
            raise BinanceError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
        for subscription in ending:
            self._end_subscription(subscription)
        return {}

    def _end_subscription(self, subscription: Subscription) -> None:
        self._parts.users.leave(subscription.user_id, subscription)
        del self._subscriptions[subscription.number]
        self._count_no_longer()
        event = {"e": "eventStreamTerminated", "E": self._now_ns() // self.unit_ns}
        subscription.deliver(orjson.dumps(event))

    def sweep(self) -> None:
        """End the subscriptions of keys that have ended."""
        guard = self._parts.guard
        if self._logged_on is not None and not guard.usable(self._logged_on.api_key, self._address):
            self._log_out()
        for subscription in list(self._subscriptions.values()):
            if not guard.usable(subscription.api_key, self._address):
                self._end_subscription(subscription)

    # --- sending

    def say(self, payload: bytes) -> None:
        """Send an answer, in one write with the others of this turn of the loop."""
        self._parts.sockets.send(self.subscriber, text_frame(payload))

    def tell(self, payload: bytes) -> None:
        """Send an event, in the write of the step that released it."""
        self._parts.sockets.send(self.subscriber, text_frame(payload))

    def error_of(self, error: BaseException, method: str) -> BinanceError:
        """What the client is told."""
        return self._parts.refusals.error_of(error, f"a socket's {method[:40]}", self._opened_as)

    def charge(self, weight: int) -> None:
        """A request that weighs something only if it fails has failed."""
        self._parts.limits.charge(self._address, weight)

    def count(self, change: int) -> None:
        """Know how many requests wait for their answer."""
        self._in_flight += change
        if self._in_flight >= IN_FLIGHT_MAX:
            self.full = True
            self._room.clear()
        elif self.full:
            self.full = False
            self._room.set()

    # --- the end

    def fail(self) -> None:
        """A stream of the socket has a bug."""
        self._peer.close(INTERNAL_ERROR, "internal error")

    def expire(self) -> None:
        """The socket has been open for as long as one may be."""
        self._peer.close(GOING_AWAY, "the connection has been open for as long as it may be")

    def end(self) -> None:
        """The connection is gone; what it asked for still happens."""
        self._parts.sockets.ended(self)
        for subscription in self._subscriptions.values():
            self._parts.users.leave(subscription.user_id, subscription)
        self._subscriptions.clear()
        self._logged_on = None
        self._count_no_longer()
        self._parts.service.feeds.forget(self.subscriber)

    async def close(self) -> None:
        """The exchange ends."""
        event = orjson.dumps({"event": {"e": "serverShutdown", "E": self._now_ns() // self.unit_ns}})
        self.say(event)
        self._parts.sockets.flush()
        await self._peer.end(GOING_AWAY, "the exchange is stopping", CLOSING_S)
