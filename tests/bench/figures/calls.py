"""Calls other than plain orders, beside a bare protocol that parses, decodes and answers as many bytes.

- *signed-64*: orders with a header that differs from request to request.
- *split-64*: orders whose head and body come in two writes, as `http.client`, `requests` and httpx send them.
- *http-client-1*: the latency of orders from `http.client` itself, one connection.
- *cancel-64*, *closed-64*, *depth-64*, *fills-16*: `DELETE /order`; `GET /order` of a filled order; `GET /depth`;
  `GET /fills` with a thousand fills.
"""

from functools import partial

from tests.bench import loads
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Row, row_of
from tests.bench.load import Slice
from tests.bench.stats import percentile

CLIENT = "http-client-1"
READS = {"closed-64": loads.CONNECTIONS, "depth-64": loads.CONNECTIONS, "fills-16": loads.FILLS_CONNECTIONS}


async def _bare(name: str, bench: Bench, ours: Slice) -> Slice:
    if name in READS:
        return await loads.read(bench.bare, READS[name], f"/bytes?size={ours.reply_bytes_mean:.0f}")
    if name == "cancel-64":
        return await loads.cancel_all(bench.bare, "c-", ours.answered)
    return await loads.CALLS[name][1](bench.bare)


async def measure(name: str, bench: Bench) -> list[Row]:
    unit, load = loads.CALLS[name]
    speeds, tails = [], []
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round(name, number)
        ours = await load(bench.ours)
        bare = await _bare(name, bench, ours)
        speeds.append((ours.replies_a_second, bare.replies_a_second))
        tails.append((ours.p99_ns / 1e6, bare.p99_ns / 1e6))
    return [row_of(name, unit, speeds, beside="bare"), row_of(f"{name} p99", "ms", tails, beside="bare")]


async def client(bench: Bench) -> list[Row]:
    """The standard library's own client."""
    pairs: dict[int, list[tuple[float, float]]] = {50: [], 99: []}
    for number in range(1, bench.pace.rounds + 1):
        bench.next_round(CLIENT, number)
        ours, bare = await loads.client_ns(bench.ours), await loads.client_ns(bench.bare)
        for percent, measured in pairs.items():
            measured.append((percentile(ours, percent) / 1e6, percentile(bare, percent) / 1e6))
    return [row_of(f"{CLIENT} p{percent}", "ms", measured, beside="bare") for percent, measured in pairs.items()]


FIGURES = [*(Figure(name, partial(measure, name)) for name in loads.CALLS), Figure(CLIENT, client)]
