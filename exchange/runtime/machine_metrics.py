"""The part of `/metrics` about what an operator looks after: the disk, the certificate, the markets."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exchange.core.instrument import MarketStatus
from exchange.core.venue import Venue


class MachineMetrics(Collector):
    """Asks when somebody scrapes. Without a `data_dir` the disk is that of another server."""

    def __init__(self, venue: Venue, data_dir: Path | None, certificate_expires_s: Callable[[], float]) -> None:
        self._venue = venue
        self._data_dir = data_dir
        self._certificate_expires_s = certificate_expires_s

    def collect(self) -> Iterable[Metric]:
        """What there is to say now."""
        yield from self._disk()
        yield self._markets()
        family = GaugeMetricFamily(
            "exchange_tls_certificate_expires_seconds", "When the certificate expires, since the epoch; 0 without TLS."
        )
        family.add_metric([], self._certificate_expires_s())
        yield family

    def _disk(self) -> Iterable[Metric]:
        if self._data_dir is None:
            return
        try:
            disk = os.statvfs(self._data_dir)
        except OSError:  # the directory is gone, which the database will say
            return
        for name, what, blocks in (
            ("exchange_data_free_bytes", "Free space of the disk that has the data directory.", disk.f_bavail),
            ("exchange_data_size_bytes", "The size of that disk.", disk.f_blocks),
        ):
            family = GaugeMetricFamily(name, what)
            family.add_metric([], blocks * disk.f_frsize)
            yield family

    def _markets(self) -> Metric:
        family = GaugeMetricFamily("exchange_market_status", "Markets in each status.", labels=["status"])
        counts = dict.fromkeys(MarketStatus, 0)
        for market in self._venue.markets.values():
            counts[market.instrument.status] += 1
        for status, count in counts.items():
            family.add_metric([status.name.lower()], count)
        return family
