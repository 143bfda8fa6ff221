"""The streams of users: who listens to which user, and what they are told of each released command.

While nobody listens to any user, nothing that is released comes here.
"""

from collections.abc import Sequence
from typing import Protocol

import orjson
import structlog

from exchange.api.binance.symbols import Symbols
from exchange.api.binance.user_stream_events import Happened
from exchange.core.events import BalanceChanged, OrderUpdated
from exchange.core.instrument import Instrument
from exchange.core.outcome import Applied
from exchange.core.public import PublicEvent
from exchange.service.service import Service

log = structlog.get_logger(__name__)


class Recipient(Protocol):
    """Who listens to a user."""

    @property
    def unit_ns(self) -> int:
        """The unit of its times."""

    def deliver(self, payload: bytes) -> None:
        """Send an event to it, in the write of this step."""

    def fail(self) -> None:
        """End its connection: an event could not be made."""


class UserStreams:
    """Recipients by user."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols
        self._users: dict[str, dict[Recipient, None]] = {}

    def join(self, user_id: str, recipient: Recipient) -> None:
        """Begin to listen to a user, with what is released next."""
        if not self._users:
            self._service.feeds.tap(self)
        self._users.setdefault(user_id, {})[recipient] = None

    def leave(self, user_id: str, recipient: Recipient) -> None:
        """Stop listening to a user."""
        listening = self._users.get(user_id)
        if listening is None or recipient not in listening:
            return
        del listening[recipient]
        if not listening:
            del self._users[user_id]
        if not self._users:
            self._service.feeds.untap(self)

    def take(self, applied: Applied, public: Sequence[PublicEvent]) -> None:
        """Tell those who listen to the users whom the command concerns."""
        concerned: dict[str, None] = {}
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                if event.terms.user_id in self._users:
                    concerned[event.terms.user_id] = None
            elif isinstance(event, BalanceChanged) and event.user_id in self._users:
                concerned[event.user_id] = None
        for user_id in concerned:
            self._tell(user_id, applied)

    def flush(self) -> None:
        """Nothing waits."""

    def _tell(self, user_id: str, applied: Applied) -> None:
        now_ns = self._service.engine.now_ns()
        happened = Happened(applied, user_id, now_ns, self._rules, self._service.assets)
        made: dict[int, list[bytes]] = {}
        recipients = list(self._users[user_id])
        try:
            for unit_ns in {recipient.unit_ns for recipient in recipients}:
                made[unit_ns] = [orjson.dumps(event) for event in happened.events(unit_ns)]
        except Exception as error:  # a bug here must not end the exchange
            log.error("events of a user could not be made", sequence=applied.sequence, exc_info=error)
            for recipient in recipients:
                self.leave(user_id, recipient)
                recipient.fail()
            return
        for recipient in recipients:
            for payload in made[recipient.unit_ns]:
                recipient.deliver(payload)

    def _rules(self, market: str) -> Instrument | None:
        rules = self._service.rules(market)
        return rules if self._symbols.has(rules) else None
