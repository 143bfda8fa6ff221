"""`/metrics`: with `machine_metrics.py`, the one place that knows the names of what is measured.

Nothing is pushed here. The parts of the exchange count in plain integers, and this asks for them when somebody scrapes.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from exchange import __version__
from exchange.api.http.site import Site
from exchange.core import administration, amendments, commands, money, timers
from exchange.logs import lines_dropped
from exchange.pipeline.histogram import Histogram
from exchange.runtime.app import Exchange
from exchange.service.read_lane import LANES, ReadLane

COMMANDS = (
    commands.PlaceOrder,
    commands.CancelOrder,
    commands.CancelAll,
    commands.RunTriggered,
    commands.ExpireDue,
    commands.EndSocket,
    timers.CancelAllAfter,
    timers.RunTimer,
    commands.Deposit,
    commands.AddUser,
    commands.AddAsset,
    commands.SetMarket,
    commands.SetMarketStatus,
    commands.PassTime,
    amendments.AmendOrder,
    commands.ReplaceOrder,
    administration.CreateUser,
    administration.SetUserStatus,
    administration.CreateKey,
    administration.RevokeKey,
    money.RequestWithdrawal,
    money.EndWithdrawal,
    money.TransferFunds,
    money.ResetUser,
)


class Metrics:
    """What a scrape of one exchange is answered with."""

    def __init__(
        self,
        exchange: Exchange,
        refusals: Mapping[str, int],
        codes: Iterable[str],
        site: Callable[[], Site],
        order_lookups: Mapping[str, int],
        lane: ReadLane,
        machine: Collector,
    ) -> None:
        """`order_lookups` counts by source. `machine` has what the exchange stands on."""
        self._registry = CollectorRegistry()
        self._registry.register(_Pulled(exchange, refusals, tuple(codes), site, order_lookups, lane))
        self._registry.register(machine)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """Every metric as it is now, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Pulled(Collector):
    def __init__(
        self,
        exchange: Exchange,
        refusals: Mapping[str, int],
        codes: tuple[str, ...],
        site: Callable[[], Site],
        order_lookups: Mapping[str, int],
        lane: ReadLane,
    ) -> None:
        self._exchange = exchange
        self._refusals = refusals
        self._codes = codes
        self._site = site
        self._order_lookups = order_lookups
        self._lane = lane

    def collect(self) -> Iterable[Metric]:
        """Ask everybody."""
        yield _gauge("exchange_info", "Always 1; its label says what runs.", 1, version=__version__)
        yield from self._flow()
        yield from self._state()
        yield from self._reads()
        yield from self._clients()

    def _flow(self) -> Iterable[Metric]:
        exchange = self._exchange
        committed = exchange.writer.committed
        yield _counter("exchange_orders", "Orders accepted since the start.", committed[commands.PlaceOrder])
        carried_out = CounterMetricFamily(
            "exchange_commands", "Commands carried out since the start, durably.", labels=["command"]
        )
        for kind in COMMANDS:
            carried_out.add_metric([_snake(kind.__name__)], committed[kind])
        yield carried_out
        trades = sum(view.changed.trade_sequence for view in exchange.data)
        yield _counter("exchange_trades", "Trades since the exchange was set up, also those before this start.", trades)
        refused = CounterMetricFamily(
            "exchange_refusals", "Requests, and items of batches, answered with an error.", labels=["code"]
        )
        for code in self._codes:
            refused.add_metric([code], self._refusals.get(code, 0))
        yield refused
        looked_up = CounterMetricFamily(
            "exchange_order_lookups",
            "Look-ups of one order, refused cancels among them, by where the answer came from.",
            labels=["source"],
        )
        for source, count in self._order_lookups.items():
            looked_up.add_metric([source], count)
        yield looked_up
        writer = exchange.writer
        yield _histogram("exchange_batch_commands", "Commands in one commit.", writer.batch_sizes, 1)
        fills = exchange.projector.batch_sizes
        yield _histogram("exchange_projection_commands", "Commands in one transaction on the tables.", fills, 1)
        yield _histogram("exchange_commit_seconds", "How long a commit took.", writer.commit_us, 1_000_000)
        yield _histogram(
            "exchange_loop_lag_seconds", "How late the loop was, looked at 20 times a second.", exchange.loop_lag_us,
            1_000_000,
        )  # fmt: skip

    def _state(self) -> Iterable[Metric]:
        exchange = self._exchange
        engine, writer = exchange.engine, exchange.writer
        queued, longest = engine.queued()
        yield _gauge("exchange_ready", "Whether it can trade: 1 or 0.", exchange.ready())
        yield _gauge(
            "exchange_postgresql_up", "Whether writer and projector are connected: 1 or 0.", exchange.connected()
        )
        yield _gauge("exchange_sequence", "The last durable sequence.", engine.durable_sequence)
        lag = exchange.venue.sequence - engine.durable_sequence
        yield _gauge("exchange_durable_lag", "Commands that are applied and not yet durable.", lag)
        lag = exchange.projector.lag
        yield _gauge("exchange_projection_lag", "Commands that are durable and not yet in the tables.", lag)
        yield _gauge("exchange_backlog", "Outcomes, reads among them, that wait for the writer.", writer.backlog)
        yield _gauge("exchange_queued", "Requests that wait to be applied, over all markets.", queued)
        yield _gauge("exchange_queued_longest", "The same, of the market where most wait.", longest)
        yield _gauge(
            "exchange_clock_offset_seconds",
            "The exchange's time less the machine's clock; 0 within a second.",
            engine.clock_offset_ns / 1_000_000_000,
        )
        yield _gauge("exchange_markets", "Markets.", len(exchange.venue.markets))
        yield _gauge("exchange_closed_orders", "Closed orders that are kept in memory.", len(exchange.closed_orders))

    def _reads(self) -> Iterable[Metric]:
        reads = CounterMetricFamily("exchange_reads", "Reads and look-ups, by what answers them.", labels=["lane"])
        delayed = CounterMetricFamily(
            "exchange_reads_delayed", "Reads that waited, because orders waited.", labels=["lane"]
        )
        refused = CounterMetricFamily(
            "exchange_reads_refused", "Reads refused, because too many waited or for too long.", labels=["lane"]
        )
        waiting = GaugeMetricFamily("exchange_reads_waiting", "Reads that wait.", labels=["lane"])
        for name in LANES:
            counts = self._lane.counts(name)
            reads.add_metric([name], counts.reads)
            delayed.add_metric([name], counts.delayed)
            refused.add_metric([name], counts.refused)
            waiting.add_metric([name], self._lane.waiting(name))
        yield from (reads, delayed, refused, waiting)

    def _clients(self) -> Iterable[Metric]:
        feeds = self._exchange.feeds
        site = self._site()
        yield _gauge("exchange_open_sockets", "Open WebSockets.", len(site.sessions))
        yield _gauge("exchange_connections", "Open connections, WebSockets among them.", len(site.connections))
        yield _gauge("exchange_owed_bytes", "What waits in this process for clients to read it.", site.owed_bytes())
        counts = site.counts
        requests = CounterMetricFamily(
            "exchange_http_requests", "Requests by HTTP, by the path that they took.", labels=["path"]
        )
        for path in ("protocol", "handed_over", "websocket"):
            requests.add_metric([path], counts.requests[path])
        yield requests
        timeouts = CounterMetricFamily("exchange_http_timeouts", "Deadlines that clients missed.", labels=["deadline"])
        for deadline in ("head", "body", "idle", "write", "ping", "handshake"):
            timeouts.add_metric([deadline], counts.timeouts[deadline])
        yield timeouts
        yield _counter(
            "exchange_refused_connections", "Connections refused beyond the cap.", counts.refused_connections
        )
        yield _counter("exchange_slow_closed", "Clients cut off for what they were owed.", counts.slow_closed)
        yield _gauge("exchange_subscriptions", "Channels listened to, over all sockets.", feeds.subscribers)
        yield _counter("exchange_conflations", "Events that came while their subscriber was slow.", feeds.conflations)
        yield _counter("exchange_log_lines_dropped", "Log lines that could not be written.", lines_dropped())


def _gauge(name: str, what: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, what, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _counter(name: str, what: str, value: int) -> Metric:
    return CounterMetricFamily(name, what, value=value)


def _histogram(name: str, what: str, counted: Histogram, unit: int) -> Metric:
    """The powers of two as buckets; `unit` of the counted make one of the shown."""
    below = 0
    buckets: list[tuple[str, float]] = []
    for power, count in enumerate(counted.counts):
        below += count
        buckets.append((repr(2**power / unit) if power < len(counted.counts) - 1 else "+Inf", below))
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=counted.total / unit)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
