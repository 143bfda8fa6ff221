"""A trader that speaks the Binance-compatible dialect: the same steps as the others, in its words.

What had no answer is looked up by its client order id, as Binance's documents say, and sent again if it is not there.
"""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from exchange.client import Client
from exchange.torture.bot_calls import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    PLACE,
    QUERY,
    REPLACE,
    BotCalls,
    Busy,
    CallName,
    Params,
    Refused,
    Unknown,
)
from exchange.torture.bot_words import named_in, parameters, plain, row, shortest, symbol_of
from exchange.torture.intents import MARKETS, Asked, Intent
from exchange.torture.list_words import CANCEL_LIST, PLACE_LIST, QUERY_LIST, list_parameters, plain_orders
from exchange.torture.record import Command, History, ListCommand, OrderRow
from exchange.torture.workload import FIRST_WAIT_S, LONGEST_WAIT_S, Pulse, Trader, refuse, settle_orders

NO_SUCH_ORDER: Final = -2013
UNKNOWN_ORDER: Final = -2011  # or one that is not open: a cancel does not say which
REPLACE_FAILED: Final = -2022
REPLACED_IN_PART: Final = -2021


class Bot(Trader):
    """One user. Deposits and other moves of money are made by the house, in the native dialect."""

    def __init__(
        self,
        user_id: str,
        calls: BotCalls,
        house: Client,
        history: History,
        pulse: Pulse,
        stopping: asyncio.Event,
        friend: str,
    ) -> None:
        super().__init__(user_id, house, house, history, pulse, stopping, friend)
        self._calls = calls

    async def _do(self, meant: Intent, step: int) -> None:
        if meant.does == "place":  # once: an id whose order has closed may be used again in this dialect
            await self._place(meant.items[0], meant.items[0].body)
        elif meant.does == "list":
            await self._place_list(meant.items, step)
        else:
            await super()._do(meant, step)

    # --- commands

    async def _place(self, asked: Asked, body: dict[str, Any]) -> Command:
        terms = plain(body)
        command = self._new("place", asked.market, asked.name, terms)
        while not command.settled:
            try:
                placed = await self._once(command, PLACE, parameters(terms, asked.name))
            except Refused as refused:
                refuse(command, str(refused.code), None)
            except Unknown:
                self._take(command, await self._find(asked.market, asked.name))
            else:
                self._take(command, row(placed, self._user_id, asked.market))
        return command

    async def _cancel(self, market: str, name: str) -> None:
        command = self._new("cancel", market, name, {})
        which = {"symbol": symbol_of(market), "origClientOrderId": name}
        while not command.settled:
            try:
                canceled = await self._once(command, CANCEL, which)
            except Refused as refused:
                if refused.code == UNKNOWN_ORDER:
                    await self._was_not_canceled(command)
                else:
                    refuse(command, str(refused.code), None)
            except Unknown:
                found = await self._find(market, name)
                if found is None or found.status in ("canceled", "filled", "expired"):
                    await self._was_not_canceled(command)
            else:
                self._take(command, row(named_in(canceled, name), self._user_id, market))

    async def _was_not_canceled(self, command: Command) -> None:
        """The order is unknown or closed: look which."""
        assert command.market is not None
        assert command.name is not None
        found = await self._find(command.market, command.name)
        refuse(command, "UNKNOWN_ORDER" if found is None else "ORDER_CLOSED", found)

    async def _amend(self, asked: Asked) -> None:
        """Less of an order; another price is not in this dialect."""
        found = await self._find(asked.market, asked.name)
        less = asked.body.get("reduce_by")
        if found is None or less is None or Decimal(found.quantity) <= Decimal(less):
            return
        quantity = shortest(str(Decimal(found.quantity) - Decimal(less)))
        command = self._new("amend", asked.market, asked.name, {"reduce_by": less})
        params = {"symbol": symbol_of(asked.market), "newQty": quantity}
        # The new id is the one that it has: otherwise the order gets another.
        params |= {"origClientOrderId": asked.name, "newClientOrderId": asked.name}
        while not command.settled:
            try:
                await self._once(command, AMEND, params)
            except Refused as refused:
                refuse(command, str(refused.code), None)
            except Unknown:
                now = await self._find(asked.market, asked.name)
                command.settled = now is not None and now.quantity == quantity
            else:
                command.settled = True

    async def _replace(self, old: Asked, new: Asked) -> None:
        """The new order is not attempted where the cancel fails."""
        terms = plain(new.body)
        cancel = self._new("cancel", old.market, old.name, {})
        place = self._new("place", new.market, new.name, terms)
        params = parameters(terms, new.name)
        params |= {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": old.name}
        while not place.settled:
            try:
                both = await self._once(place, REPLACE, params)
            except Refused as refused:
                cancel.lost = place.lost
                await self._was_not_replaced(cancel, place, refused)
            except Unknown:
                found = await self._find(new.market, new.name)
                if found is not None:
                    cancel.lost = place.lost
                    await self._was_not_canceled(cancel)
                self._take(place, found)
            else:
                self._take(cancel, row(named_in(both["cancelResponse"], old.name), self._user_id, old.market))
                self._take(place, row(both["newOrderResponse"], self._user_id, new.market))
        cancel.attempts = place.attempts

    async def _was_not_replaced(self, cancel: Command, place: Command, refused: Refused) -> None:
        refuse(place, str(refused.code), None)
        outcome = refused.body.get("data", {})
        if refused.code == REPLACED_IN_PART:
            assert outcome["cancelResult"] == "SUCCESS", outcome
            canceled = named_in(outcome["cancelResponse"], cancel.name)
            self._take(cancel, row(canceled, self._user_id, place.market or ""))
        elif refused.code == REPLACE_FAILED:
            assert outcome["newOrderResult"] == "NOT_ATTEMPTED", outcome
            await self._was_not_canceled(cancel)
        else:  # the new order is refused before anything is canceled
            refuse(cancel, str(refused.code), None)

    async def _place_list(self, items: tuple[Asked, ...], step: int) -> ListCommand:
        """What had no answer is looked up by the id of the list."""
        bodies = plain_orders([asked.body for asked in items])
        items = tuple([replace(asked, body=body) for asked, body in zip(items, bodies, strict=True)])
        made, places = self._new_list(items, step)
        counting, rows = Command(self._user_id, "place", made.market, made.name, {}), list[OrderRow]()
        params = list_parameters(made.list_type, bodies, made.legs, made.name)
        while not made.settled:
            try:
                placed = await self._once(counting, PLACE_LIST[made.list_type], params)
            except Refused as refused:
                made.settled, made.code = True, str(refused.code)
            except Unknown:
                found = await self._find_list(made)
                if found is not None:
                    for name in made.legs:
                        order = await self._find(made.market, name)
                        rows += [] if order is None else [order]
            else:
                made.settled, made.list_id = True, str(placed["orderListId"])
                rows = [row(order, self._user_id, made.market) for order in placed["orderReports"]]
        made.attempts, made.lost = counting.attempts, counting.lost
        settle_orders(made, places, rows)
        return made

    async def _cancel_list(self, market: str, name: str) -> None:
        made = ListCommand(self._user_id, "cancel", market, name)
        self._history.lists.append(made)
        counting = Command(self._user_id, "cancel", market, name, {})
        params = {"symbol": symbol_of(market), "listClientOrderId": name}
        while not made.settled:
            try:
                canceled = await self._once(counting, CANCEL_LIST, params)
            except Refused as refused:
                found = await self._find_list(made)
                unknown = "UNKNOWN_LIST" if found is None else "LIST_DONE"
                made.settled, made.code = True, unknown if refused.code == UNKNOWN_ORDER else str(refused.code)
            except Unknown:
                continue
            else:
                made.settled, made.list_id = True, str(canceled["orderListId"])
        made.attempts, made.lost = counting.attempts, counting.lost

    async def _find_list(self, made: ListCommand) -> str | None:
        """The id of a list, which is asked for until there is an answer; if it is there it was placed."""
        looking = Command(self._user_id, "place", made.market, made.name, {})  # counts only
        while True:
            try:
                found = await self._once(looking, QUERY_LIST, {"origClientOrderId": made.name})
            except Refused as refused:
                if refused.code != NO_SUCH_ORDER:
                    raise
                return None
            except Unknown:
                continue
            if made.kind == "place":
                made.settled, made.list_id = True, str(found["orderListId"])
            return str(found["orderListId"])

    async def _cancel_all(self, market: str | None) -> None:
        """A market at a time, as the dialect has it."""
        for one in MARKETS if market is None else (market,):
            command = self._new("cancel_all", one, None, {})
            while not command.settled:
                try:
                    canceled = await self._once(command, CANCEL_ALL, {"symbol": symbol_of(one)})
                except Refused as refused:
                    refuse(command, str(refused.code), None)
                    if refused.code == UNKNOWN_ORDER:
                        command.code = None  # nothing is open
                except Unknown:
                    continue
                else:
                    command.settled = True
                    for order in canceled:  # those of a list are together, with what of it had ended before
                        rows = [row(each, self._user_id, one) for each in order.get("orderReports", [order])]
                        command.orders += [each for each in rows if each.status == "canceled"]

    async def _cancel_all_after(self, market: str | None, timeout_ms: int) -> None:
        """At once: the dialect has no timers."""
        await self._cancel_all(market)

    async def _batch(self, items: tuple[Asked, ...]) -> None:
        """One after the other: the dialect has no batches."""
        for asked in items:
            if asked.kind == "place":
                await self._place(asked, asked.body)
            else:
                await self._cancel(asked.market, asked.name)

    # --- parts

    def _take(self, command: Command, order: OrderRow | None) -> None:
        """Acknowledged, if the order is there."""
        if order is not None:
            command.settled = True
            command.orders.append(order)

    async def _find(self, market: str, name: str) -> OrderRow | None:
        """The order of that name, which is asked for until there is an answer."""
        looking = Command(self._user_id, "place", market, name, {})  # counts only
        while True:
            try:
                found = await self._once(looking, QUERY, {"symbol": symbol_of(market), "origClientOrderId": name})
            except Refused as refused:
                if refused.code != NO_SUCH_ORDER:
                    raise
                return None
            except Unknown:
                continue
            return row(found, self._user_id, market)

    async def _once(self, command: Command, call: CallName, params: Params) -> Any:
        """The answer to one attempt that the exchange had time for. Raises Refused or Unknown."""
        wait_s = FIRST_WAIT_S
        while True:
            begun = time.monotonic()
            command.attempts += 1
            try:
                answer = await self._calls.ask(call, params)
            except Busy:
                pass
            except Unknown:
                command.lost += 1
                await asyncio.sleep(min(wait_s * command.attempts, LONGEST_WAIT_S))
                raise
            except Refused:
                self._pulse.beat(begun)
                raise
            else:
                self._pulse.beat(begun)
                return answer
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
