"""The traders: clients over REST or the socket that send one command after the other, each until it is answered.

What had no answer is sent again under the same name, at once, and whatever comes of it goes into the history.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from exchange.client import ApiError, Client, Order, OrderList, Refusal, Replaced, Unreachable
from exchange.torture.intents import LIVES_STEPS, Asked, Intent, intent, market_of
from exchange.torture.list_intents import list_name, list_type
from exchange.torture.record import Command, Deposit, History, ListCommand, Move, OrderRow, StatusChange

FIRST_WAIT_S, LONGEST_WAIT_S = 0.02, 0.25
BUSY = frozenset({"OVERLOADED", "RATE_LIMITED"})  # temporary refusals: nothing was done

Reply = TypeVar("Reply")


class Trading(Protocol):
    """The calls that `Client` and `Socket` have in common."""

    async def place(self, order: dict[str, Any], user_id: str | None = None, retry_s: float = 0) -> Order:
        """Place an order."""

    async def cancel(
        self,
        market: str,
        *,
        order_id: str | None = None,
        client_order_id: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Cancel an order."""

    async def amend(
        self,
        market: str,
        *,
        client_order_id: str | None = None,
        reduce_by: str | None = None,
        key: str | None = None,
        price: str | None = None,
        user_id: str | None = None,
    ) -> Order:
        """Change an open order."""

    async def replace(
        self, cancel: dict[str, Any], place: dict[str, Any], mode: str = "atomic", user_id: str | None = None
    ) -> Replaced:
        """Cancel an order and place another."""

    async def cancel_all(self, market: str | None = None, user_id: str | None = None) -> list[Order]:
        """Cancel all orders."""

    async def cancel_all_after(
        self, timeout_ms: int, market: str | None = None, user_id: str | None = None
    ) -> int | None:
        """Cancel all orders after a time."""

    async def place_list(
        self,
        list_type: str,
        orders: Sequence[Mapping[str, Any]],
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Place a list of orders."""

    async def cancel_list(
        self,
        market: str,
        *,
        list_id: str | None = None,
        client_list_id: str | None = None,
        user_id: str | None = None,
    ) -> OrderList:
        """Cancel a list of orders."""

    async def orders(self, items: list[dict[str, Any]], user_id: str | None = None) -> list[Order | Refusal]:
        """Send a batch."""


class Pulse:
    """The latest start of a command that was answered; a recovery ends when one starts after it and is answered."""

    def __init__(self) -> None:
        self._begun = 0.0
        self._beats = asyncio.Event()

    def beat(self, begun: float) -> None:
        """A command that was sent at this moment has been answered."""
        self._begun = max(self._begun, begun)
        self._beats.set()

    async def after(self, moment: float) -> None:
        """Return when a command sent after this moment has been answered."""
        while self._begun <= moment:
            self._beats.clear()
            await self._beats.wait()


class Trader:
    """One user. `house` is the client of an administrator; `friend` is the user who is given money now and then."""

    def __init__(
        self,
        user_id: str,
        trading: Trading,
        house: Client,
        history: History,
        pulse: Pulse,
        stopping: asyncio.Event,
        friend: str,
    ) -> None:
        self._user_id = user_id
        self._trading = trading
        self._house = house
        self._history = history
        self._pulse = pulse
        self._stopping = stopping
        self._friend = friend

    async def work(self) -> None:
        """Carry out step after step until told to stop. Then every command is answered, unless the exchange is gone."""
        step = 0
        while not self._stopping.is_set():
            meant = intent(self._history.seed, self._user_id, step)
            await self._do(meant, step)
            await self._end_of(step - LIVES_STEPS)
            await asyncio.sleep(meant.pause_s)
            step += 1

    async def deposit(self, asset: str, amount: str, key: str) -> None:
        """Make a deposit, once."""
        deposit = Deposit(self._user_id, asset, amount, key)
        self._history.deposits.append(deposit)
        await self._settled(deposit, lambda: self._house.deposit(asset, amount, key, self._user_id))

    async def _do(self, meant: Intent, step: int) -> None:
        match meant.does:
            case "place":
                command = await self._place(meant.items[0], meant.items[0].body)
                if command.acknowledged and meant.again:
                    await self._place(meant.items[0], meant.items[0].body)
                if command.acknowledged and meant.conflicts:
                    other = "sell" if meant.items[0].body["side"] == "buy" else "buy"
                    await self._place(meant.items[0], meant.items[0].body | {"side": other})
            case "cancel":
                await self._cancel(meant.items[0].market, meant.items[0].name)
            case "amend":
                await self._amend(meant.items[0])
            case "replace":
                await self._replace(*meant.items)
            case "cancel_all":
                await self._cancel_all(meant.market)
            case "timer":
                await self._cancel_all_after(meant.market, int(meant.pause_s * 1000))
            case "batch":
                await self._batch(meant.items)
            case "list":
                placed = await self._place_list(meant.items, step)
                if placed.acknowledged and meant.again:
                    await self._place_list(meant.items, step)
                if placed.acknowledged and meant.conflicts:
                    await self._place_list(tuple(map(_less, meant.items)), step)
            case "deposit":
                await self.deposit("USDC", meant.amount, f"{self._user_id}.{step}")
            case "withdraw":
                await self._withdraw(meant.amount, f"{self._user_id}.{step}", settles=meant.settles)
            case "give":
                await self._give(meant.amount, f"{self._user_id}.{step}")
            case "status":
                assert meant.market is not None
                await self._set_status(meant.market, meant.status)
                await asyncio.sleep(meant.pause_s)
                await self._set_status(meant.market, "trading")

    async def _end_of(self, step: int) -> None:
        """Cancel the order of an earlier step, whatever its state."""
        if step < 0:
            return
        market = market_of(self._history.seed, self._user_id, step)
        meant = intent(self._history.seed, self._user_id, step)
        items = meant.items
        if meant.does == "list" and meant.settles:
            await self._cancel_list(market, list_name(self._user_id, step))
            return
        if meant.does == "list":
            items = items[:1]  # with one order of it the list is canceled
        rests = [asked for asked in items if asked.kind == "place"]
        rests = [asked for asked in rests if asked.body.get("time_in_force") in (None, "gtd")]
        rests = [asked for asked in rests if asked.body["order_type"] != "market"]
        if len(rests) == 1:
            await self._cancel(market, rests[0].name)
        elif rests:
            await self._batch(tuple(Asked("cancel", market, asked.name, {}) for asked in rests))

    # --- commands, each sent until it is answered

    async def _place(self, asked: Asked, body: dict[str, Any]) -> Command:
        command = self._new("place", asked.market, asked.name, body)
        order = {**body, "client_order_id": asked.name}
        placed = await self._settled(command, lambda: self._trading.place(order, self._user_id, 0))
        if placed is not None:
            command.orders.append(OrderRow.of(placed))
        return command

    async def _cancel(self, market: str, name: str) -> None:
        command = self._new("cancel", market, name, {})
        canceled = await self._settled(
            command, lambda: self._trading.cancel(market, client_order_id=name, user_id=self._user_id)
        )
        if canceled is not None:
            command.orders.append(OrderRow.of(canceled))

    async def _amend(self, asked: Asked) -> None:
        command = self._new("amend", asked.market, asked.name, asked.body)
        amended = await self._settled(
            command,
            lambda: self._trading.amend(asked.market, client_order_id=asked.name, user_id=self._user_id, **asked.body),
        )
        if amended is not None:
            command.orders.append(OrderRow.of(amended))

    async def _replace(self, old: Asked, new: Asked) -> None:
        """Both or nothing. The name of the new order is what keeps a retry from happening twice."""
        cancel = self._new("cancel", old.market, old.name, {})
        place = self._new("place", new.market, new.name, new.body)
        which = {"market": old.market, "client_order_id": old.name}
        order = {**new.body, "client_order_id": new.name}
        both = await self._settled(place, lambda: self._trading.replace(which, order, "atomic", self._user_id))
        cancel.settled, cancel.attempts, cancel.lost, cancel.code = True, place.attempts, place.lost, place.code
        if both is None:
            cancel.orders, place.orders = place.orders, []
            return
        canceled, placed = both["canceled"], both["placed"]
        assert canceled is not None
        assert "order_id" in canceled
        assert "order_id" in placed
        cancel.orders.append(OrderRow.of(canceled))
        place.orders.append(OrderRow.of(placed))

    async def _place_list(self, items: tuple[Asked, ...], step: int) -> ListCommand:
        """All of its orders or none: each has a command of its own as well."""
        bodies = [{**asked.body, "client_order_id": asked.name} for asked in items]
        made, places = self._new_list(items, step)
        placed = await self._settled(
            made, lambda: self._trading.place_list(made.list_type, bodies, made.name, self._user_id)
        )
        made.list_id = None if placed is None else placed["list_id"]
        settle_orders(made, places, [] if placed is None else [OrderRow.of(order) for order in placed["orders"]])
        return made

    def _new_list(self, items: tuple[Asked, ...], step: int) -> tuple[ListCommand, list[Command]]:
        name, kind = list_name(self._user_id, step), list_type(self._history.seed, self._user_id, step)
        legs, quantities = [asked.name for asked in items], [asked.body["quantity"] for asked in items]
        made = ListCommand(self._user_id, "place", items[0].market, name, kind, legs, quantities)
        self._history.lists.append(made)
        return made, [self._new("place", asked.market, asked.name, asked.body) for asked in items]

    async def _cancel_list(self, market: str, name: str) -> None:
        made = ListCommand(self._user_id, "cancel", market, name)
        self._history.lists.append(made)
        canceled = await self._settled(
            made, lambda: self._trading.cancel_list(market, client_list_id=name, user_id=self._user_id)
        )
        made.list_id = None if canceled is None else canceled["list_id"]

    async def _cancel_all(self, market: str | None) -> None:
        command = self._new("cancel_all", market, None, {})
        canceled = await self._settled(command, lambda: self._trading.cancel_all(market, self._user_id))
        command.orders += [OrderRow.of(order) for order in canceled or ()]

    async def _cancel_all_after(self, market: str | None, timeout_ms: int) -> None:
        command = self._new("cancel_all_after", market, None, {})
        await self._settled(command, lambda: self._trading.cancel_all_after(timeout_ms, market, self._user_id))

    async def _withdraw(self, amount: str, key: str, *, settles: bool) -> None:
        move = Move(self._user_id, None, "USDC", amount, key, settles)
        self._history.moves.append(move)
        asked = await self._settled(move, lambda: self._house.request_withdrawal("USDC", amount, key, self._user_id))
        if asked is not None:
            move.settled = False
            await self._settled(move, lambda: self._house.end_withdrawal(key, settle=settles))

    async def _give(self, amount: str, key: str) -> None:
        move = Move(self._user_id, self._friend, "USDC", amount, key, False)
        self._history.moves.append(move)
        names = {"from_user_id": self._user_id, "to_user_id": self._friend}
        await self._settled(move, lambda: self._house.transfer("USDC", amount, key, **names))

    async def _set_status(self, market: str, status: str) -> None:
        change = StatusChange(self._user_id, market, status)
        self._history.status_changes.append(change)
        rules = await self._settled(change, lambda: self._house.set_market_status(market, status))
        assert rules is not None

    async def _batch(self, items: tuple[Asked, ...]) -> None:
        """Send a batch, and send the items without an answer again."""
        made = [(asked, self._new(asked.kind, asked.market, asked.name, asked.body)) for asked in items]
        wait_s = FIRST_WAIT_S
        # An answered item is not sent again: what was refused then might be accepted now.
        while waiting := [(asked, command) for asked, command in made if not command.settled]:
            begun = time.monotonic()
            commands = [command for _, command in waiting]
            for command in commands:
                command.attempts += 1
            try:
                results = await self._trading.orders([_item(asked) for asked, _ in waiting], self._user_id)
            except (ApiError, Unreachable) as error:
                if isinstance(error, ApiError) and not (error.unsettled or error.code in BUSY):
                    raise
                for command in commands:
                    command.lost += 1
            else:
                self._pulse.beat(begun)
                for command, result in zip(commands, results, strict=True):
                    _take(command, result)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _new(self, kind: Any, market: str | None, name: str | None, body: dict[str, Any]) -> Command:
        command = Command(self._user_id, kind, market, name, body)
        self._history.commands.append(command)
        return command

    async def _settled(
        self, command: Command | Deposit | StatusChange | Move | ListCommand, send: Callable[[], Awaitable[Reply]]
    ) -> Reply | None:
        """The reply, or None for a refusal, which is recorded in the command."""
        wait_s = FIRST_WAIT_S
        while True:
            begun = time.monotonic()
            command.attempts += 1
            try:
                reply = await send()
            except Unreachable:
                command.lost += 1
            except ApiError as error:
                if not (error.unsettled or error.code in BUSY):
                    if isinstance(command, (Move, ListCommand)):
                        command.settled, command.code = True, error.code
                        return None
                    if not isinstance(command, Command):
                        raise
                    self._pulse.beat(begun)
                    refuse(command, error.code, _row(error.body.get("order")))
                    return None
                command.lost += error.unsettled
            else:
                self._pulse.beat(begun)
                command.settled = True
                return reply
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def refuse(command: Command, code: str, order: OrderRow | None) -> None:
    """Record a refusal. A cancel that is sent again and finds its order canceled counts as acknowledged."""
    command.settled = True
    if order is not None:
        command.orders.append(order)
    canceled_before = command.kind == "cancel" and command.lost
    if not (code == "ORDER_CLOSED" and canceled_before and order is not None and order.status == "canceled"):
        command.code = code


def _less(asked: Asked) -> Asked:
    """The same order for less."""
    return replace(asked, body=asked.body | {"quantity": "0.001"})


def settle_orders(made: ListCommand, places: list[Command], rows: list[OrderRow]) -> None:
    """The commands of the orders of a list are answered as the list was."""
    by_name = {row.client_order_id: row for row in rows}
    for place in places:
        place.settled, place.code, place.attempts, place.lost = made.settled, made.code, made.attempts, made.lost
        place.orders += [by_name[place.name]] if place.name in by_name else []


def _row(order: Order | None) -> OrderRow | None:
    return None if order is None else OrderRow.of(order)


def _take(command: Command, result: Order | Refusal) -> None:
    if "code" not in result:
        command.settled = True
        command.orders.append(OrderRow.of(result))
    elif result["code"] in ("NOT_READY", "OUTCOME_UNKNOWN"):
        command.lost += 1
    elif result["code"] not in BUSY:
        refuse(command, result["code"], _row(result.get("order")))


def _item(asked: Asked) -> dict[str, Any]:
    if asked.kind == "place":
        return {**asked.body, "client_order_id": asked.name}
    return {"cancel": {"market": asked.market, "client_order_id": asked.name}}
