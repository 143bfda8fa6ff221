"""Orders of one kind beside orders of another, on the same number of connections, as rows of the report.

A row of orders/s, and one of CPU time for an order, of the exchange and its PostgreSQL until both are idle again.
Where other programs use the machine, the second says more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.figure import Goal, Row, row_of
from tests.bench.load import Call
from tests.bench.side import Side

CONNECTIONS = 64


@dataclass(slots=True)
class Pairs:
    """What was measured, one pair a round. `goal` is the least share of the speed beside it."""

    name: str
    beside: str
    goal: float
    speeds: list[tuple[float, float]] = field(default_factory=list)
    costs: list[tuple[float, float]] = field(default_factory=list)

    async def add(self, side: Side, calls: Iterator[Call], other: Side, others: Iterator[Call]) -> None:
        """Send both, one after the other. Each time the other one is first: the first finds the machine otherwise."""
        first = len(self.speeds) % 2 == 0
        if first:
            speed, cost = await _orders(side, calls)
        beside_speed, beside_cost = await _orders(other, others)
        if not first:
            speed, cost = await _orders(side, calls)
        self.speeds.append((speed, beside_speed))
        self.costs.append((cost, beside_cost))

    def rows(self) -> list[Row]:
        """The rows."""
        rows = [row_of(self.name, "orders/s", self.speeds, Goal(self.goal, at_least=True), beside=self.beside)]
        if all(cost for pair in self.costs for cost in pair):  # an exchange elsewhere does not say what it uses
            goal = Goal(1 / self.goal, at_least=False)
            rows.append(row_of(f"{self.name} cpu", "µs", self.costs, goal, beside=self.beside))
        return rows


async def _orders(side: Side, calls: Iterator[Call]) -> tuple[float, float]:
    """All of them: orders a second, and microseconds of CPU for one."""
    measured = await side.load("", CONNECTIONS, calls=tuple(calls), warmup_s=0.0, duration_s=None, keep=False)
    return measured.replies_a_second, side.cpu_us_a_reply
