"""All figures, in the order in which they are measured and printed."""

from tests.bench.figure import Figure
from tests.bench.figures import (
    batches,
    binance,
    calls,
    core,
    deep,
    disturbed,
    durable_latency,
    fan_out,
    orders,
    scale,
    signed,
    socket_orders,
    writer,
)

FIGURES: list[Figure] = [
    *orders.FIGURES,
    *calls.FIGURES,
    batches.FIGURE,
    durable_latency.FIGURE,
    socket_orders.FIGURE,
    *binance.FIGURES,
    *signed.FIGURES,
    fan_out.FIGURE,
    writer.FIGURE,
    *core.FIGURES,
    *deep.FIGURES,
    # Last of those on the shared exchange, whose process is heavier afterwards.
    *disturbed.FIGURES,
    *scale.FIGURES,
]
