"""An exchange with a stopwatch in its loop: a task that wants to wake every millisecond, and writes how late it was.

Lateness is how long anything else in the loop could have been kept waiting. SIGUSR1 begins the record anew; SIGUSR2
writes it, as a JSON array of microseconds.
"""

import array
import asyncio
import os
import signal
from pathlib import Path

import click
import orjson

from exchange import config, logs
from exchange.cli import run
from exchange.runtime.serve import ServeOptions, serve

TICK_S = 0.001


class Ticker:
    """The stopwatch. What it records is bounded by how long somebody listens."""

    def __init__(self) -> None:
        self.late_us = array.array("q")

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.late_us.append(max(0, int((loop.time() - due) * 1e6)))

    def clear(self) -> None:
        """Begin anew."""
        del self.late_us[:]

    def write(self, output: Path) -> None:
        """Write what was recorded; the file is there only when it is whole."""
        draft = output.with_suffix(".new")
        draft.write_bytes(orjson.dumps(self.late_us.tolist()))
        draft.replace(output)


async def serve_ticking(loaded: config.Config, ready_file: Path, output: Path) -> None:
    """Serve until SIGTERM."""
    ticker, loop = Ticker(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, ticker.clear)
    loop.add_signal_handler(signal.SIGUSR2, ticker.write, output)
    ticking = asyncio.create_task(ticker.run(), name="ticker")
    try:
        await serve(loaded, ServeOptions(ready_file=ready_file))
    finally:
        ticking.cancel()


@click.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), required=True)
@click.option("--database-url", required=True)
@click.option("--ready-file", type=click.Path(path_type=Path), required=True)
@click.option("--pauses", type=click.Path(path_type=Path), required=True)
def main(config_file: Path, database_url: str, ready_file: Path, pauses: Path) -> None:
    """Serve an exchange whose loop is listened to."""
    logs.configure()
    given: dict[tuple[str, str], str | int | None] = {
        ("server", "port"): 0,
        ("server", "ws_port"): 0,
        ("database", "url"): database_url,
    }
    loaded = config.load(config_file, os.environ, given)
    run(lambda: serve_ticking(loaded, ready_file, pauses))


if __name__ == "__main__":
    main()
