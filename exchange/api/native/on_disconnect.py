"""The orders of a socket that end with it."""

from collections.abc import Sequence
from dataclasses import replace

from exchange.core.bound_orders import bound_to
from exchange.core.commands import CancelOrder, PlaceList, PlaceOrder, ReplaceOrder
from exchange.pipeline.engine import Engine


class OnDisconnect:
    """Binds the orders that a socket places to it, while that is enabled, and has them canceled when it ends."""

    __slots__ = ("_engine", "_markets", "_socket", "enabled")

    def __init__(self, engine: Engine, socket: int) -> None:
        self._engine = engine
        self._socket = socket
        self._markets: dict[str, None] = {}  # that it has placed orders in
        self.enabled = False

    def bind(self, command: PlaceOrder) -> PlaceOrder:
        """The order as it is to be placed."""
        if not self.enabled:
            return command
        self._markets[command.market] = None
        return bound_to(command, self._socket)

    def bind_replacement(self, command: ReplaceOrder) -> ReplaceOrder:
        """The same for the order that a replacement places."""
        return replace(command, place=self.bind(command.place))

    def bind_list(self, command: PlaceList) -> PlaceList:
        """The same for those of a list."""
        return replace(command, orders=tuple([self.bind(terms) for terms in command.orders]))

    def bind_batch(
        self, items: Sequence[PlaceOrder | CancelOrder | BaseException]
    ) -> list[PlaceOrder | CancelOrder | BaseException]:
        """The same for those of a batch."""
        return [self.bind(item) if isinstance(item, PlaceOrder) else item for item in items]

    def end(self) -> None:
        """The socket has ended, and all that it sent is in line."""
        for market in self._markets:
            self._engine.end_socket(market, self._socket)
