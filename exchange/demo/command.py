"""`exchange demo`: an exchange with participants who trade on it over its public API."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from exchange.client import ApiKey
from exchange.config import Config, LimitsConfig
from exchange.demo.cast import with_markets, with_users
from exchange.demo.control import Control
from exchange.demo.history import History
from exchange.demo.keys import key_ring, write_key_file
from exchange.demo.network import NetworkMarket
from exchange.demo.scenario import SCENARIOS
from exchange.demo.show import WATCHED_USER, show
from exchange.failure import Failure
from exchange.logs import announce
from exchange.runtime.app import OpenStore
from exchange.runtime.serve import ServeOptions, serve
from exchange.service.service import Service

MANY = 1_000_000
HISTORIES_MAX = 3
HOLE_MAX_NS = 30_000_000_000  # between the history and the first trades, so that no minute is without any
UNHURRIED = LimitsConfig(
    requests_per_s=MANY,
    requests_burst=MANY,
    user_requests_per_s=MANY,
    user_requests_burst=MANY,
    orders_per_s=MANY,
    orders_burst=MANY,
    frames_per_s=MANY,
    connections_per_address=MANY,
)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The same `seed` gives the same participants; at `rate` 2 time goes twice as fast for them.

    With `own_markets` the demo has the markets of the configuration, not its own.
    """

    seed: int = 20
    rate: float = 1.0
    scenario: str = "calm"
    own_markets: bool = False


async def demo(config: Config, serve_options: ServeOptions, options: DemoOptions) -> None:
    """Serve and trade until SIGINT or SIGTERM. Raises as `serve` does."""
    config = with_users(config if options.own_markets else with_markets(config))
    config = msgspec.structs.replace(config, limits=UNHURRIED)  # the participants share one address
    if not config.markets:
        raise Failure("The configuration has no market that the demo could trade on.", 2)
    key_file = Path(tempfile.mkdtemp(prefix="exchange-demo-")) / f"{WATCHED_USER}.json"
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    scenario = SCENARIOS[options.scenario]
    market = NetworkMarket(config.markets, seed=options.seed, rate=options.rate, scenario=scenario)
    control = Control(lambda: market.scenario, market.begin)

    async def play() -> None:
        url = await ready
        key = ApiKey.load(key_file) if market.keys is not None else None
        _say(url, config, key_file if market.keys is not None else None)
        async with asyncio.TaskGroup() as group:
            group.create_task(market.play(url), name="demo: participants")
            group.create_task(show(url, [entry.symbol for entry in config.markets], key), name="demo: display")

    async def stop() -> None:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        await market.withdraw()

    async def begin(service: Service) -> None:
        if config.auth.mode == "keys":
            market.keys = await key_ring(service.administration)
            await write_key_file(service.administration, WATCHED_USER, key_file)

    async def prepare(store: OpenStore) -> None:
        for _ in range(HISTORIES_MAX):
            until_ns = time.time_ns()
            await History(config, options.seed, until_ns).make(store)
            if time.time_ns() - until_ns < HOLE_MAX_NS:
                break  # else the machine is slow: what has passed meanwhile is made too

    served = replace(
        serve_options,
        prepare=prepare,
        begin=begin,
        more_routes=control.routes,
        on_ready=lambda url, _: ready.set_result(url),
        on_stop=stop,
    )
    try:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(play(), name="demo")
            await serve(config, served)
            playing.cancel()
    finally:
        shutil.rmtree(key_file.parent, ignore_errors=True)


def _say(url: str, config: Config, key_file: Path | None) -> None:
    markets = ", ".join(entry.symbol for entry in config.markets)
    announce(f"The demo trades {markets}. Open {url} to see it, and trade as alice, for example.")
    if key_file is not None:
        announce(f"The key of {WATCHED_USER} is in {key_file} as long as the demo runs. The page takes that file too.")
    announce("For another scenario, such as a crash:")
    announce(f"  curl {url}/demo/scenario -H 'Content-Type: application/json' -d '{{\"name\": \"crash\"}}'")
    announce("Ctrl-C ends it.")
