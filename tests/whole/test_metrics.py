"""`/metrics` counts what happened, on an exchange of its own."""

import asyncio
from collections.abc import Callable

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from exchange.pipeline.histogram import Histogram
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import Api, order_body

Start = Callable[[str], served.Served]
Read = Callable[..., float]

CONFIG = served.CONFIG + served.market_text("SOL") + served.market_text("JUP")


async def read(api: Api) -> Read:
    """The values of one scrape, by name and labels."""
    async with api.session.get(f"{api.url}/metrics") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        text = await reply.text()
    values = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: values[name, tuple(sorted(labels.items()))]


async def test_a_scrape_shows_what_happened_and_trades_outlive_a_restart(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        before = await read(api)
        assert (before("exchange_orders_total"), before("exchange_trades_total")) == (0, 0)
        await trade(api)
        async with session.ws_connect(f"{api.url}/ws") as socket:
            await socket.send_json({"message_type": "SUBSCRIBE", "channels": ["trade@SOL_USDC", "depth@SOL_USDC"]})
            for _ in range(3):  # two answers and a snapshot
                await asyncio.wait_for(socket.receive_json(), PATIENCE_S)
            await socket.send_json({"message_type": "NONSENSE"})
            await asyncio.wait_for(socket.receive_json(), PATIENCE_S)
            after, scrapes = await read(api), 2
            while not after("exchange_loop_lag_seconds_count"):  # 20 times a second
                after, scrapes = await read(api), scrapes + 1
    assert_counted(after, scrapes)
    assert_at_rest(after, after("exchange_sequence"))
    # Deposits, orders and a cancel; and that minutes have passed.
    passed = [read("exchange_commands_total", command="pass_time") for read in (before, after)]
    assert after("exchange_sequence") - before("exchange_sequence") == 2 + 6 + 1 + passed[1] - passed[0]
    assert exchange.stop() == 0
    exchange.start()
    async with aiohttp.ClientSession() as session:
        again = await read(Api(session, exchange.url))
    assert (again("exchange_trades_total"), again("exchange_orders_total")) == (2, 0)


async def trade(api: Api) -> None:
    """Two deposits, six orders, two trades, a cancel, two reads, and five refusals."""
    maker, taker = await api.user(SOL="10"), await api.user(USDC="1000")
    await api.order(maker, "SOL_USDC", "sell 1 @ 100")
    await api.order(maker, "SOL_USDC", "sell 1 @ 101")
    await api.order(taker, "SOL_USDC", "buy 2 @ 101")
    resting = await api.order(taker, "JUP_USDC", "buy 1 @ 1")
    await api.ok("DELETE", "/order", user_id=taker, market="JUP_USDC", order_id=resting["order_id"])
    assert await api.refused("POST", "/order", order_body(taker, "SOL_USDC", "buy 1 @ 0.001")) == (422, "OFF_TICK")
    orders = [
        order_body(None, "SOL_USDC", "buy 1 @ 50"),
        order_body(None, "JUP_USDC", "buy 1 @ 2"),
        order_body(None, "SOL_USDC", "buy 1 @ 0.001"),
        order_body(None, "SOL_USDC", "buy 1000 @ 100"),
    ]
    await api.ok("POST", "/orders", {"user_id": taker, "orders": orders})
    assert await api.refused("GET", "/depth", market="NONE") == (404, "UNKNOWN_MARKET")
    closed = {"user_id": taker, "market": "JUP_USDC", "order_id": resting["order_id"]}
    assert await api.refused("DELETE", "/order", **closed) == (422, "ORDER_CLOSED")
    await api.ok("GET", "/fills", user_id=taker)


def assert_counted(after: Read, scrapes: int) -> None:
    assert after("exchange_orders_total") == 6
    assert after("exchange_commands_total", command="place_order") == 6
    assert after("exchange_commands_total", command="cancel_order") == 1
    assert after("exchange_commands_total", command="cancel_all") == 0
    assert after("exchange_commands_total", command="deposit") == 2
    assert after("exchange_trades_total") == 2
    refusals = {
        "OFF_TICK": 2,
        "INSUFFICIENT_BALANCE": 1,
        "UNKNOWN_MARKET": 1,
        "INVALID_FIELD": 1,
        "ORDER_CLOSED": 1,
        "WOULD_TAKE": 0,
    }
    for code, count in refusals.items():
        assert after("exchange_refusals_total", code=code) == count, code
    # By lane: the depth, the refused cancel, what the subscriptions began with and the scrapes; and the fills.
    assert {lane: after("exchange_reads_total", lane=lane) for lane in ("memory", "history")} == {
        "memory": 3 + scrapes,
        "history": 1,
    }
    for lane in ("memory", "history"):
        assert after("exchange_reads_refused_total", lane=lane) == after("exchange_reads_waiting", lane=lane) == 0
        assert after("exchange_reads_delayed_total", lane=lane) <= after("exchange_reads_total", lane=lane)


def assert_at_rest(after: Read, sequence: float) -> None:
    assert (after("exchange_open_sockets"), after("exchange_subscriptions")) == (1, 2)
    for name in ("durable_lag", "backlog", "queued", "queued_longest", "conflations_total"):
        assert after(f"exchange_{name}") == 0, name
    assert (after("exchange_ready"), after("exchange_postgresql_up"), after("exchange_markets")) == (1, 1, 2)
    # Every command is in exactly one batch, and every batch was one commit.
    assert after("exchange_batch_commands_sum") == sequence
    assert after("exchange_batch_commands_count") == after("exchange_commit_seconds_count")
    assert after("exchange_batch_commands_bucket", le="4096.0") == after("exchange_batch_commands_count")
    assert 0 < after("exchange_commit_seconds_sum") < 60.0
    assert after("exchange_loop_lag_seconds_bucket", le="+Inf") == after("exchange_loop_lag_seconds_count") > 0
    assert after("process_resident_memory_bytes") > 0


def test_a_histogram_counts_by_powers_of_two() -> None:
    histogram = Histogram(powers=3)
    for value in (0, 1, 2, 3, 4, 5, 8, 9, 1000):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 2, 2, 2]  # up to 1, 2, 4, 8, and beyond
    assert histogram.total == 1032
