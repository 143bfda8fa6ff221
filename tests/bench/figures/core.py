"""Operations a second of `Venue.apply` on a mixed flow: beside other people's books, and deep beside shallow."""

from functools import partial

from tests.bench.bench import Bench
from tests.bench.core.books import operations_a_second
from tests.bench.figure import Figure, Goal, Row, row_of
from tests.bench.processes import in_a_process

GOALS = {"pyorderbook": Goal(2.0, at_least=True), "liquibook": Goal(0.6, at_least=True)}
DEEP = Goal(0.7, at_least=True)
SHALLOW_ORDERS = 1_000


async def beside(other: str, bench: Bench) -> list[Row]:
    """The core and another book in turn, each in a process of its own."""
    name = f"core-{other}"
    pairs = []
    for number in range(1, bench.pace.rounds + 1):
        bench.tell(f"{name}: round {number} of {bench.pace.rounds}")
        speeds = [
            await in_a_process(operations_a_second, book, SHALLOW_ORDERS, bench.pace.operations, number)
            for book in ("venue", other)
        ]
        pairs.append((speeds[0], speeds[1]))
    return [row_of(name, "operations/s", pairs, GOALS[other], beside=other)]


async def deep(bench: Bench) -> list[Row]:
    """The same flow with very many orders in the book, beside few."""
    many, pairs = bench.pace.resting_max, []
    for number in range(1, bench.pace.rounds + 1):
        bench.tell(f"core-deep: round {number} of {bench.pace.rounds}")
        speeds = [
            await in_a_process(operations_a_second, "venue", depth, bench.pace.operations, number)
            for depth in (many, SHALLOW_ORDERS)
        ]
        pairs.append((speeds[0], speeds[1]))
    return [
        row_of(
            "core-deep",
            "operations/s",
            pairs,
            DEEP,
            f"{many:,} resting orders beside {SHALLOW_ORDERS:,}",
            beside="shallow",
        )
    ]


FIGURES = [
    *(Figure(f"core-{other}", partial(beside, other), serves=False) for other in GOALS),
    Figure("core-deep", deep, serves=False),
]
