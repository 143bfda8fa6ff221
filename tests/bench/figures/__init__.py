"""All figures, in the order in which they are measured and printed."""

from tests.bench.figure import Figure
from tests.bench.figures import batches, durable_latency, orders

FIGURES: list[Figure] = [*orders.FIGURES, batches.FIGURE, durable_latency.FIGURE]
