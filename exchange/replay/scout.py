"""Finds out how far the exchange got, when no reply tells.

It leans on three promises of the contract: the commands of one request are applied in order, what is durable is a
prefix of what was applied, and reads show nothing that is not durable. So the last command with evidence was applied,
and everything before it was applied or refused. Evidence of an add is that its order exists; of a cancel, that its
order is canceled, which also covers an order placed by the same request. A refusal leaves no evidence. One that comes
before the last evident command must not be sent again: the book has changed since, and a post-only order that would
have taken then might rest now. Refusals after it may: nothing has changed since, so they meet the same book and the
same answer.
"""

from collections.abc import Sequence

from exchange.client import UNSETTLED, ApiError, Client, Order, Refusal
from exchange.replay.outcome import Outcome, accepted, answered, refused
from exchange.replay.recording import Command
from exchange.replay.users import Batch, Owners
from exchange.replay.wire import client_order_id

# No recorded order can have this name: their ids are numbers.
NO_ORDER = "r-none"


class Scout:
    """Asks the exchange about the orders of a recording. Raises what the client raises."""

    def __init__(self, client: Client, market: str, owners: Owners) -> None:
        self._client = client
        self._market = market
        self._owners = owners

    async def settle(self, batch: Batch, results: Sequence[Order | Refusal] | None) -> list[Outcome]:
        """The outcomes of the leading commands of a batch that the exchange is through with; the rest is to be sent
        again.

        `results` is the reply, if there was one: items whose code is in `UNSETTLED` say nothing, all others are as
        good as evidence.
        """
        await self._barrier(batch.user_id)
        told: list[Outcome | None] = [None] * len(batch.commands)
        for index, result in enumerate(results or ()):
            if is_settled(result):
                told[index] = answered(batch.commands[index], result)
        seen: dict[str, Order | None] = {}
        end = len(batch.commands)
        while end > 0 and told[end - 1] is None and not await self._is_applied(batch.commands[end - 1], seen):
            end -= 1
        return [
            outcome if outcome is not None else await self._reconstruct(command, seen)
            for outcome, command in zip(told[:end], batch.commands[:end], strict=True)
        ]

    async def resume_position(self, commands: Sequence[Command]) -> int:
        """How many commands of the whole recording an earlier run had applied.

        Limit orders of a recording are always accepted, so those that exist come before those that do not: a binary
        search finds the last one. Whatever follows it up to the next limit order is looked at one by one, from the
        end.
        """
        if not commands:
            return 0
        await self._barrier(self._owners.user_of(commands[0]))
        limits = [index for index, command in enumerate(commands) if command.kind == "limit"]
        low, high = 0, len(limits)
        while low < high:
            middle = (low + high) // 2
            if await self.find(commands[limits[middle]]) is not None:
                low = middle + 1
            else:
                high = middle
        start = limits[low - 1] + 1 if low > 0 else 0
        end = limits[low] if low < len(limits) else len(commands)
        while end > start and not await self._is_applied(commands[end - 1], {}):
            end -= 1
        return end

    async def find(self, command: Command) -> Order | None:
        """The order of a command, as its owner sees it now."""
        try:
            return await self._client.order(
                self._market,
                client_order_id=client_order_id(command.order_id),
                user_id=self._owners.user_of(command),
            )
        except ApiError as error:
            if error.code == "UNKNOWN_ORDER":
                return None
            raise

    async def _barrier(self, user_id: str) -> None:
        """Return when everything sent earlier has been applied.

        The lost request may still wait in the exchange's queue. Commands of a market overtake nothing, so the answer
        to one more, a cancel of an order that cannot exist, comes after it.
        """
        try:
            await self._client.cancel(self._market, client_order_id=NO_ORDER, user_id=user_id)
        except ApiError as error:
            if error.code != "UNKNOWN_ORDER":
                raise

    async def _seen(self, command: Command, seen: dict[str, Order | None]) -> Order | None:
        # After the barrier nothing changes any more, so one look at an order serves its add and its cancel.
        if command.order_id not in seen:
            seen[command.order_id] = await self.find(command)
        return seen[command.order_id]

    async def _is_applied(self, command: Command, seen: dict[str, Order | None]) -> bool:
        return is_evidence(command, await self._seen(command, seen))

    async def _reconstruct(self, command: Command, seen: dict[str, Order | None]) -> Outcome:
        """The outcome of a command that the exchange is through with."""
        order = await self._seen(command, seen)
        if order is not None and is_evidence(command, order):
            return accepted(command, order, recovered=True)
        if command.action == "cancel":
            return refused(command, "UNKNOWN_ORDER" if order is None else "ORDER_CLOSED", recovered=True)
        # Why a limit or market order was refused cannot be told any more; a recording expects no such refusal anyway.
        return refused(command, "WOULD_TAKE" if command.kind == "post_only" else "REFUSED_UNSEEN", recovered=True)


def is_evidence(command: Command, order: Order | None) -> bool:
    """Whether the order, as it is now, shows that the command was applied."""
    return order is not None and (command.action == "add" or order["status"] == "canceled")


def is_settled(result: Order | Refusal) -> bool:
    """Whether the result is the exchange's last word on its command."""
    return "code" not in result or result["code"] not in UNSETTLED
