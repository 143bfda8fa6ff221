"""Durable orders over one WebSocket, an order a frame, 500 in flight, beside an aiohttp socket that echoes them."""

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Row, row_of

NAME = "socket-500"
IN_FLIGHT = 500
GOAL = Goal(0.45, at_least=True)


async def measure(bench: Bench) -> list[Row]:
    pairs = await bench.socket_pairs(NAME, IN_FLIGHT)
    speeds = [(ours.replies_a_second, echo.replies_a_second) for ours, echo in pairs]
    return [row_of(NAME, "orders/s", speeds, GOAL, beside="echo")]


FIGURE = Figure(NAME, measure)
