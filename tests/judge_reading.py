"""What the judge reads of events, and how it compares."""

from exchange.core.commands import OrderType
from exchange.core.conditions import Pending
from exchange.core.events import OrderStatus, OrderUpdated
from exchange.core.ledger import EXTERNAL


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
    return waits and not event.progress.working_ns and not event.progress.refused


def same_as(what: str, found: object, expected: object) -> None:
    """Assert that both are equal, in words that name both."""
    assert found == expected, f"{what}:\n  the exchange says {found}\n  the model says    {expected}"
