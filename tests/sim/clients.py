"""Clients who trade, ask again until they are answered, and write down what they were told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from exchange.core.commands import (
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)
from exchange.core.events import Duplicate, OrderUpdated, Rejected, RejectReason
from exchange.engine import OVERLOADED
from exchange.writer import Applied
from tests.sim.world import MARKETS, UNANSWERED, World

KINDS = ("place",) * 12 + ("cancel",) * 3 + ("again", "batch", "batch", "cancel all", "deposit")


@dataclass
class Notes:
    """What a client was told."""

    orders: dict[str, int] = field(default_factory=dict)  # order_id by client_order_id
    terms: dict[str, PlaceOrder] = field(default_factory=dict)
    refused: dict[str, RejectReason] = field(default_factory=dict)
    last: dict[int, tuple[int, OrderUpdated]] = field(default_factory=dict)  # (sequence, order) by order_id
    canceled: dict[int, int] = field(default_factory=dict)  # the sequence of an acknowledged cancel, by order_id
    deposits: dict[str, int] = field(default_factory=dict)
    sequence: int = 0  # the newest that was seen


class Client:
    """One user."""

    def __init__(self, world: World, user: str) -> None:
        self.user = user
        self.notes = Notes()
        self.asked = 0
        self.unanswered = 0
        self._world = world
        self._chance = world.chance(f"client {user}")
        self._named = 0

    async def run(self, steps: int) -> None:
        """Do so many things, some at once."""
        pair = (self._steps(steps // 2), self._steps(steps - steps // 2))
        await asyncio.gather(*pair)

    async def _steps(self, steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(self._chance.expovariate(4))
            await self._step(self._chance.choice(KINDS))

    async def _step(self, kind: str) -> None:
        market = self._chance.choice(MARKETS)
        match kind:
            case "place":
                await self.insist([self._order(market)])
            case "again" if self.notes.terms:
                terms = self._chance.choice(list(self.notes.terms.values()))
                other = self._chance.random() < 0.3
                await self.insist([replace(terms, quantity_lots=terms.quantity_lots + 1) if other else terms], other)
            case "batch":
                await self.insist([self._order(self._chance.choice(MARKETS)) for _ in range(3)])
            case "cancel all":
                await self.insist([CancelAll(self.user, each) for each in MARKETS])
            case "deposit":
                self._named += 1
                key = f"{self.user} {self._named}"
                await self.insist([Deposit(self.user, "CASH", self._chance.randrange(1, 900), key)])
            case _ if self.notes.orders:
                name, order_id = self._chance.choice(list(self.notes.orders.items())[-6:])
                by_name = self._chance.random() < 0.5
                where = self.notes.terms[name].market
                ids = (None, name) if by_name else (order_id, None)
                await self.insist([CancelOrder(self.user, where, *ids)])

    def _order(self, market: str) -> PlaceOrder:
        chance = self._chance
        self._named += 1
        terms = chance.choice(("gtc",) * 10 + ("ioc", "fok", "post", "market"))
        times = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "market": TimeInForce.IOC}
        side = chance.choice((Side.BUY, Side.SELL))
        price = chance.randrange(2, 7) + (0 if side is Side.BUY else chance.randrange(0, 2))
        return PlaceOrder(
            self.user,
            market,
            side,
            OrderType.MARKET if terms == "market" else OrderType.LIMIT,
            times.get(terms, TimeInForce.GTC),
            terms == "post",
            None if terms == "market" else price,
            chance.randrange(1, 12),
            f"{self.user}-{self._named}",
        )

    async def insist(self, commands: Sequence[Command], conflicting: bool = False) -> None:
        """Ask until there is an answer to every command."""
        open_commands = list(commands)
        while open_commands:
            server = await self._world.serving()
            self.asked += 1
            try:
                outcomes = await server.ask(open_commands)
            except UNANSWERED as error:
                self.unanswered += 1
                self._world.trace(f"{self.user} is not answered: {error.__class__.__name__}")
                await asyncio.sleep(self._chance.uniform(0.01, 1.0))
                continue
            pairs = list(zip(open_commands, outcomes, strict=True))
            open_commands = [command for command, outcome in pairs if outcome is OVERLOADED]
            for command, outcome in pairs:
                if outcome is not OVERLOADED:
                    self._note(command, outcome, conflicting)

    # --- what the answer says

    def _note(self, command: Command, outcome: Any, conflicting: bool) -> None:
        self._world.trace(f"{self.user} is told {_short(outcome)} of {command}")
        if isinstance(outcome, Applied):
            self.notes.sequence = max(self.notes.sequence, outcome.sequence)
            for event in outcome.events:
                if isinstance(event, OrderUpdated):
                    at = self.notes.last.get(event.order_id, (0, event))[0]
                    if outcome.sequence >= at:
                        self.notes.last[event.order_id] = (outcome.sequence, event)
        match command:
            case PlaceOrder():
                self._note_order(command, outcome, conflicting)
            case Deposit():
                assert isinstance(outcome, Applied | Duplicate)
                self.notes.deposits[command.key] = command.amount_minor
            case CancelOrder() | CancelAll() if isinstance(outcome, Applied):
                for event in outcome.events:
                    if isinstance(event, OrderUpdated):
                        self.notes.canceled[event.order_id] = outcome.sequence

    def _note_order(self, command: PlaceOrder, outcome: Any, conflicting: bool) -> None:
        notes, name = self.notes, command.client_order_id
        assert name is not None
        known = notes.orders.get(name)
        if conflicting:
            expected = RejectReason.CLIENT_ORDER_ID_CONFLICT
            assert isinstance(outcome, Rejected | Applied), outcome
            if known is not None:
                assert outcome == Rejected(expected), f"{name} was taken"
                return
        if isinstance(outcome, Rejected):
            assert known is None, f"{name} was taken, and is now refused"
            assert outcome.reason is not RejectReason.CLIENT_ORDER_ID_CONFLICT
            notes.refused[name] = outcome.reason
            return
        order_id = outcome.order_id if isinstance(outcome, Duplicate) else outcome.sequence
        assert isinstance(order_id, int)
        assert known in (None, order_id), f"{name} is two orders"
        assert known is None or isinstance(outcome, Duplicate), f"{name} was carried out again"
        notes.orders[name] = order_id
        notes.terms[name] = command
        notes.refused.pop(name, None)


def _short(outcome: Any) -> str:
    return f"applied {outcome.sequence}" if isinstance(outcome, Applied) else str(outcome)
