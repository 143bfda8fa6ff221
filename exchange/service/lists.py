"""Lists of orders: placed, canceled and read.

Commands are in line when a call returns, so the order of calls is the order of commands; what they come to is awaited.
"""

from collections.abc import Awaitable
from dataclasses import dataclass

from exchange.core.commands import CancelList, PlaceList
from exchange.core.events import Duplicate, OrderUpdated, Rejected, RejectReason, Trade
from exchange.core.list_events import ListUpdated
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.pipeline.engine import Engine
from exchange.pipeline.outcomes import Outcome
from exchange.service.codes import Code, Refused, refusal_of
from exchange.service.history import History, ListRead, Page
from exchange.service.limits import RateLimits
from exchange.service.read_lane import HISTORY, ReadLane

Outcomes = Awaitable[list[Outcome]]


@dataclass(slots=True)
class ListName:
    """Which list is meant: the user's, in that market, by one of its ids or by both."""

    user_id: str
    market: str
    list_id: int | None
    client_list_id: str | None


class Lists:
    """What a known user can do with lists."""

    def __init__(self, engine: Engine, history: History, limits: RateLimits, lane: ReadLane) -> None:
        self._engine = engine
        self._history = history
        self._limits = limits
        self._lane = lane
        self._venue: Venue = engine.venue

    def place(self, command: PlaceList) -> Awaitable[ListRead]:
        """Place a list: as its command leaves it, or a list that was placed before as it is now.

        Raises Refused, Overloaded or Stopping, at once or when it is awaited.
        """
        self._limits.orders(command.user_id, len(command.orders))
        return self._placed(command, self._engine.submit_all((command,)))

    async def _placed(self, command: PlaceList, outcomes: Outcomes) -> ListRead:
        outcome = (await outcomes)[0]
        if isinstance(outcome, Applied):
            return read_of(outcome)
        if isinstance(outcome, Duplicate):
            return await self._look_up(ListName(command.user_id, command.market, outcome.order_id, None))
        raise refusal_of(outcome)

    def cancel(self, command: CancelList) -> Awaitable[ListRead]:
        """Cancel what is open of a list, in the same way."""
        return self._canceled(command, self._engine.submit_all((command,)))

    async def _canceled(self, command: CancelList, outcomes: Outcomes) -> ListRead:
        outcome = (await outcomes)[0]
        if isinstance(outcome, Applied):
            touched = {event.order_id: event for event in outcome.events if isinstance(event, OrderUpdated)}
            found = read_of(outcome)
            if len(touched) == len(found.told.legs):
                return found
            return await self._look_up(ListName(command.user_id, command.market, found.told.list_id, None))
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.UNKNOWN_LIST:
            await self._look_up(ListName(command.user_id, command.market, command.list_id, command.client_list_id))
            raise Refused(Code.LIST_DONE)
        raise refusal_of(outcome)

    async def _look_up(self, name: ListName) -> ListRead:
        """The list as it is now, in the lane of such queries."""
        await self._lane.turn(HISTORY)
        return await self.find(name)

    async def find(self, name: ListName) -> ListRead:
        """One list, open or done, with its orders. Raises Refused."""
        last_list_id = self._venue.counts.last_list_id
        found = None
        if name.list_id is None or name.list_id <= last_list_id:
            found = await self._history.order_list(name.user_id, name.market, name.list_id, name.client_list_id)
        if found is None:
            raise Refused(Code.UNKNOWN_LIST)
        return found

    async def page(self, user_id: str, market: str | None, is_open: bool | None, page: Page) -> list[ListRead]:
        """A page of a user's lists; the open ones, the others, or all."""
        return await self._history.lists(user_id, market, is_open, page)


def read_of(applied: Applied) -> ListRead:
    """The one list that a command has changed, with those of its orders that it has changed, as it leaves them."""
    found = next(event for event in applied.events if isinstance(event, ListUpdated))
    orders: dict[int, OrderUpdated] = {}
    for event in applied.events:
        if isinstance(event, OrderUpdated) and event.progress is not None and event.progress.list_id == found.list_id:
            orders[event.order_id] = event
    trades = [event for event in applied.events if isinstance(event, Trade) and event.taker_order_id in orders]
    return ListRead(found, [orders[leg.order_id] for leg in found.legs if leg.order_id in orders], trades)
