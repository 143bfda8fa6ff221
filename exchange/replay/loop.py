"""The recorded market, over and over, so that it stays alive for somebody else to trade against.

What others do changes what happens: a cancel may find its order filled, a post-only order may rest that once took. That
is how it should be, so nothing is compared here. Each time has client order ids of its own, `r<number>-<order_id>`, and
begins with an empty hand: what the time before has left open is canceled.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from exchange.client import UNSETTLED, ApiError, Client, Market, Order, Refusal, Unreachable
from exchange.failure import Failure
from exchange.replay.contact import ENDS_THE_RUN, Contact
from exchange.replay.driver import Progress, ReplayOptions, no_progress, opened
from exchange.replay.funding import fund
from exchange.replay.pace import Pace
from exchange.replay.recording import Recording
from exchange.replay.users import Batch, Owners
from exchange.replay.wire import Units, client_order_id, item_of


@dataclass(slots=True)
class LoopTally:
    """What the times so far have done; `started` counts them. Canceled are those that the recording canceled."""

    market: str
    started: int = 0
    accepted: int = 0
    canceled: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0


async def loop(
    options: ReplayOptions,
    progress: Progress = no_progress,
    on_start: Callable[[int, LoopTally], None] = lambda _number, _tally: None,
) -> None:
    """Replay until canceled, which cancels what is open.

    `on_start` hears of each time: its number, and the tally so far, which is one and the same object all along.
    Raises Failure.
    """
    async with opened(options, passing=UNSETTLED | ENDS_THE_RUN, advice="start it again") as found:
        if not found.recording.commands:
            raise Failure(f"There are no commands in {options.file}.")
        looping = _Loop(options, found.recording, found.client, found.contact, found.rules)
        try:
            await looping.forever(progress, on_start)
        finally:
            with contextlib.suppress(ApiError, Unreachable):
                await looping.clear()


class _Loop:
    """What the times share."""

    def __init__(
        self, options: ReplayOptions, recording: Recording, client: Client, contact: Contact, rules: Market
    ) -> None:
        self._options = options
        self._recording = recording
        self._client = client
        self._contact = contact
        self._rules = rules
        self._market = rules["market"]
        self._units = Units(options.price_unit, options.quantity_unit)
        self._owners = Owners(recording, options.user_ids)
        self._tally = LoopTally(self._market)

    async def forever(self, progress: Progress, on_start: Callable[[int, LoopTally], None]) -> None:
        number = 1
        while True:
            number = await self._contact.insist(lambda first=number: self._unused(first))  # type: ignore[misc]
            on_start(number, self._tally)
            self._tally.started += 1
            await self._contact.insist(self.clear)
            self._contact.well()
            await self._once(number, progress)
            number += 1
            await asyncio.sleep(0)

    async def clear(self) -> None:
        """Cancel what is open of the replay's users."""
        for user_id in self._options.user_ids:
            try:
                await self._client.cancel_all(self._market, user_id)
            except ApiError as error:
                if error.code != "UNKNOWN_USER":
                    raise

    async def _unused(self, number: int) -> int:
        """The first number from there on that no earlier run has taken; its users have what they need then."""
        while True:
            await fund(self._client, self._rules, self._recording, self._owners, self._units, run=f"loop {number}")
            if not await self._is_taken(number):
                return number
            number += 1

    async def _is_taken(self, number: int) -> bool:
        first = next((command for command in self._recording.commands if command.kind == "limit"), None)
        if first is None:
            return False
        try:
            await self._client.order(
                self._market,
                client_order_id=client_order_id(first.order_id, number),
                user_id=self._owners.user_of(first),
            )
        except ApiError as error:
            if error.code == "UNKNOWN_ORDER":
                return False
            raise
        return True

    async def _once(self, number: int, progress: Progress) -> None:
        commands = self._recording.commands
        pace = Pace(self._options.speed)
        pace.begin(commands[0])
        position = 0
        while position < len(commands):
            progress(position, len(commands))
            due = await pace.due(commands, position, self._options.batch_max)
            batch = self._owners.batch_at(commands, position, due)
            self._count(batch, await self._send(batch, number))
            position += len(batch.commands)
        progress(position, len(commands))

    async def _send(self, batch: Batch, number: int) -> list[Order | Refusal]:
        """The results of a batch, sent again as a whole when they did not come: an order has one name, and is one."""
        items = [item_of(command, self._market, self._units, number) for command in batch.commands]
        results = await self._contact.insist(lambda: self._client.orders(items, batch.user_id))
        self._contact.well()
        self._tally.reconnects = self._contact.troubles
        return results

    def _count(self, batch: Batch, results: list[Order | Refusal]) -> None:
        tally = self._tally
        for command, result in zip(batch.commands, results, strict=True):
            if "code" in result:
                tally.refusals[result["code"]] += 1
            elif command.action == "add":
                tally.accepted += 1
            else:
                tally.canceled += 1
