"""What the judge reads of events, and how it compares."""

from collections.abc import Collection, Sequence

from exchange.core.commands import CancelOrder, Command, OrderType, PlaceOrder, ReplaceOrder
from exchange.core.conditions import Pending
from exchange.core.effects import CanceledById
from exchange.core.events import REFUSED, Event, ExpireReason, OrderStatus, OrderUpdated, RejectReason
from exchange.core.ledger import EXTERNAL
from exchange.core.timers import CancelAllAfter, RunTimer, Timer, TimerSet


def inside(user_id: str) -> str | None:
    """The user, or None for what is outside."""
    return None if user_id == EXTERNAL else user_id


def became(event: OrderUpdated) -> tuple[int, ...]:
    """When it began to follow the price, when and where it was triggered, when it entered, what it was pegged at."""
    progress = event.progress
    if progress is None:
        return (0, 0, 0, 0, 0)
    assert (progress.pending is not Pending.NOTHING) == (event.status is OrderStatus.PENDING or _ended_waiting(event))
    triggered = progress.triggered_ns, progress.trigger_ticks
    return progress.tracking_ns, *triggered, progress.working_ns, progress.pegged_ticks


def _ended_waiting(event: OrderUpdated) -> bool:
    """Whether it ended while it waited, and not because it could not enter."""
    assert event.progress is not None
    waits = event.terms.order_type not in (OrderType.LIMIT, OrderType.MARKET)
    waits = waits or event.progress.pending is Pending.LIST
    return waits and not event.progress.working_ns and not event.progress.refused


def canceled_under(command: Command, event: OrderUpdated) -> None:
    """Assert that the event of a cancel carries its name; no other does, nor that of an order that its list ends."""
    cancel = command.cancel if isinstance(command, ReplaceOrder) else command
    expected = cancel.cancel_id if isinstance(cancel, CancelOrder) else None
    found = event.cancel_id if isinstance(event, CanceledById) else None
    named = event.status is OrderStatus.CANCELED and event.expire_reason is not ExpireReason.LIST
    same_as("the name of the cancel", found, expected if named else None)


def timers_set(command: Command, events: Sequence[Event], timers: list[Timer]) -> None:
    """Assert that a timer is told as it is now, once."""
    found = [event for event in events if isinstance(event, TimerSet)]
    if isinstance(command, CancelAllAfter):
        same_as(
            "whose timer",
            {(event.user_id, event.market) for event in found} or {(command.user_id, command.market)},
            {(command.user_id, command.market)},
        )
    due = {timer[:2]: timer[2] for timer in timers}
    same_as(
        "timers that changed",
        [event.due_ns for event in found],
        [due.get((event.user_id, event.market)) for event in found],
    )
    expected = isinstance(command, (CancelAllAfter, RunTimer))
    same_as("how many timers changed", len(found), 1 if expected and events else 0)


def same_as(what: str, found: object, expected: object) -> None:
    """Assert that both are equal, in words that name both."""
    assert found == expected, f"{what}:\n  the exchange says {found}\n  the model says    {expected}"


def compare_refused(event: OrderUpdated, expected: Collection[RejectReason]) -> None:
    """Compare why an order could not enter when its time had come."""
    refused = None if event.progress is None else REFUSED.get(event.progress.refused)
    if event.status is OrderStatus.PENDING and refused is None:
        return  # it may be refused later in the same command
    assert (refused is None and not expected) or refused in expected, (
        f"refused at its trigger as {refused}; the model says {sorted(expected)}"
    )


def told_for_its_tracks(market: str, concerned: Sequence[PlaceOrder]) -> bool:
    """Whether an order that follows the price came or went: then the market may be told."""
    asked = [terms.conditions for terms in concerned if terms.market == market and terms.conditions is not None]
    return any(each.trails or each.peg_follows for each in asked)


def compare_endings(command: Command, events: Sequence[Event], timers: list[Timer]) -> None:
    """Compare the names of cancels, and timers."""
    for event in events:
        if isinstance(event, OrderUpdated):
            canceled_under(command, event)
    timers_set(command, events, timers)
