"""Whether the last that a command told of each order is how the order stands."""

from exchange.core.effects import as_read
from exchange.core.events import OrderStatus, OrderUpdated
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue

OPEN = (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


def check_told(venue: Venue, outcome: Outcome) -> None:
    """Assert it: an order that was told of as open is there as it was told, and no other is there."""
    events = getattr(outcome, "events", ())
    last = {event.order_id: event for event in events if isinstance(event, OrderUpdated)}
    for order_id, told in last.items():
        order = venue.markets[told.terms.market].find(order_id)
        assert (told.status in OPEN) == (order is not None), f"order {order_id} was told of as {told.status.name}"
        if order is not None:
            assert _standing(told) == _standing(as_read(order)), f"order {order_id} is not as it was told of"


def _standing(order: OrderUpdated) -> tuple[object, ...]:
    executed = order.executed_lots, order.executed_quote_minor
    return order.terms, order.status, executed, order.updated_ns, order.priority, order.rates, order.progress
