"""Icebergs: orders of which the book shows a part at a time.

All of an iceberg is there for whoever takes: plans, sums and costs see what is hidden. But when what it shows has
traded it goes to the back of its level, with as much again.
"""

from collections import deque
from dataclasses import replace

from exchange.core.book import Order
from exchange.core.commands import PlaceOrder

Refills = deque[tuple[Order, int]]  # orders that show more again, in turn, with what of them is hidden until then


def visible_lots(terms: PlaceOrder) -> int | None:
    """How much of the order is shown at a time; None if all of it is."""
    return None if terms.conditions is None else terms.conditions.visible_lots


def next_lots(order: Order, hidden_lots: int) -> int:
    """How much of an iceberg is shown next, of so much that is hidden."""
    visible = visible_lots(order.terms)
    assert visible is not None
    return min(visible, hidden_lots)


def hide(order: Order, met_lots: int) -> None:
    """Before an order enters and meets so much: of what will rest, hide all but what it wants shown.

    That is noted now, since the events of what it meets tell of it.
    """
    visible = visible_lots(order.terms)
    if visible is not None:
        order.hidden_lots = max(0, order.remaining_lots - met_lots - visible)
        note_hidden(order)


def take_hidden(order: Order, lots: int) -> int:
    """Take lots off what an order hides, as far as they go; how many are left to take off what it shows."""
    assert lots >= 0
    hidden_lots = min(order.hidden_lots, lots)
    order.hidden_lots -= hidden_lots
    order.remaining_lots -= hidden_lots
    return lots - hidden_lots


def take_beyond(order: Order, lots: int) -> int:
    """Take off what an order hides what of the lots is more than it shows; how many it shows."""
    shown_lots = min(lots, order.remaining_lots - order.hidden_lots)
    if order.hidden_lots:
        take_hidden(order, lots - shown_lots)
        note_hidden(order)
    return shown_lots


def note_hidden(order: Order) -> None:
    """Have the order's progress say what it hides."""
    progress = order.progress
    if progress is not None and progress.hidden_lots != order.hidden_lots:
        order.progress = replace(progress, hidden_lots=order.hidden_lots)
