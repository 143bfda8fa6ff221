"""What the judge compares of lists of orders."""

from collections.abc import Callable

from exchange.core.events import Event
from exchange.core.list_events import ListUpdated
from exchange.core.state import VenueState
from tests.judge_reading import same_as
from tests.model import Model
from tests.model_records import Told

Number = Callable[[int], int]  # of an order, by its id


def compare_lists(events: list[Event], told: Told, model: Model, number: Number, now_ns: int) -> None:
    """What a command told of lists, and how often their users have been told."""
    told_lists = [event for event in events if isinstance(event, ListUpdated)]
    found = {
        event.list_id: (
            event.change.name.lower(),
            [leg.status for leg in event.legs],
            None if event.end is None else event.end.name.lower(),
        )
        for event in told_lists
    }
    assert len(found) == len(told_lists), "a list told twice"
    same_as("lists", found, told.lists)
    counts = dict(model.list_counts)
    for event in reversed(told_lists):
        of = model.lists[event.list_id - 1]
        same_as("what was asked", event.placed, of.asked)
        same_as("orders of a list", [number(leg.order_id) for leg in event.legs], [leg.number for leg in of.legs])
        same_as("time of a list", event.updated_ns, now_ns)
        same_as("lists_sequence", event.lists_sequence, counts[of.asked.user_id])
        counts[of.asked.user_id] -= 1


def check_lists(state: VenueState, model: Model, number: Number, client_ids_max: int) -> None:
    """What is kept of lists."""
    found = [
        (each.list_id, [(number(leg.order_id), leg.client_order_id, leg.status) for leg in each.legs])
        for each in state.lists
    ]
    expected = [
        (
            of.number,
            [
                (leg.number, terms.client_order_id, leg.status)
                for leg, terms in zip(of.legs, of.asked.orders, strict=True)
            ],
        )
        for of in model.lists
        if of.is_open
    ]
    same_as("open lists", found, expected)
    same_as("last list id", state.last_list_id, len(model.lists))
    same_as(
        "counts of lists", dict(state.list_counts), {user: count for user, count in model.list_counts.items() if count}
    )
    named = [(of.number, of.asked) for of in model.lists if of.asked.client_list_id is not None]
    same_as("recent client list ids", state.recent_client_lists, named[-client_ids_max:])
    of_orders = {number(order.order_id): order.progress.list_id for order in state.orders if order.progress}
    same_as(
        "lists of open orders", of_orders, {n: of.number if (of := model.orders[n - 1].of) else 0 for n in of_orders}
    )
