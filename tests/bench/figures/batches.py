"""Batches of a hundred through `POST /orders`: orders/s beside the limit handler's requests/s on as many connections.

A batch pays for HTTP once in a hundred orders, so the exchange must beat a limit that pays for each of them.
"""

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Row, row_of
from tests.bench.flow import BATCH_ORDERS

CONNECTIONS = 8
GOAL = Goal(4.0, at_least=True)
NAME = "batches-8"


async def measure(bench: Bench) -> list[Row]:
    rounds = await bench.rounds(NAME, CONNECTIONS, "batches")
    speeds = [(ours.replies_a_second * BATCH_ORDERS, handler.replies_a_second) for ours, handler, _ in rounds]
    return [row_of(NAME, "orders/s", speeds, GOAL, beside="handler")]


FIGURE = Figure(NAME, measure)
