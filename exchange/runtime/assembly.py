"""Puts the service together over an exchange, the same for a listening server and for the command line."""

import time

from exchange import logs
from exchange.config import Config
from exchange.runtime.app import Exchange
from exchange.runtime.authentication import OpenVault
from exchange.runtime.faucet import faucet_of
from exchange.service.administration import Administration
from exchange.service.ledger import LedgerReading
from exchange.service.limits import RateLimits
from exchange.service.lists import Lists
from exchange.service.order_lookup import OrderLookup
from exchange.service.principal import Authenticator
from exchange.service.read_lane import ReadLane
from exchange.service.reading import Reading
from exchange.service.service import Service
from exchange.service.tasks import Tasks
from exchange.service.trading import Trading
from exchange.service.treasury import Treasury
from exchange.store.queries import PostgresHistory


def limited(config: Config) -> bool:
    """Whether what clients may do is limited."""
    return config.limits.enabled or config.auth.mode == "keys"


def _limits(config: Config) -> RateLimits:
    return RateLimits(config.limits, time.monotonic, enabled=limited(config))


def service_of(
    exchange: Exchange, history: PostgresHistory, orders: OrderLookup, authenticator: Authenticator, vault: OpenVault
) -> Service:
    """The service over a running exchange."""
    limits, tasks = _limits(exchange.config), Tasks()
    lane = ReadLane(exchange.engine, share=exchange.config.engine.read_share)
    trading = Trading(exchange.engine, orders, limits, tasks, lane)
    reading = Reading(exchange.engine, history, orders, exchange.data, exchange.ready)
    administration = Administration(exchange.engine, history, authenticator, vault, logs)
    treasury = Treasury(exchange.engine, faucet_of(exchange.config, exchange.venue))
    return Service(
        exchange.engine,
        exchange.feeds,
        trading,
        reading,
        administration,
        authenticator,
        limits,
        tasks,
        lane,
        treasury,
        LedgerReading(exchange.venue, history),
        Lists(exchange.engine, history, limits, lane),
    )
