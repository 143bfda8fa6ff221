"""The command line of `exchange torture`."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from exchange.failure import Failure
from exchange.options import FilePath, FiniteRange

LINE_EVERY_S = 10.0
MINUTES_MAX, KILLS_MAX = 10_000, 100_000  # the whole plan is made at the start


@click.command("torture", context_settings={"show_default": True})
@click.option(
    "--minutes", default=2.0, type=FiniteRange(0.1, MINUTES_MAX), help="About so long; decides how many faults."
)
@click.option("--seed", default=1, help="The same number: the same faults, and the same commands.")
@click.option("--kills", type=click.IntRange(0, KILLS_MAX), help="Kills of the exchange, instead of --minutes.")
@click.option(
    "--postgres-kills", type=click.IntRange(0, KILLS_MAX), help="Kills of PostgreSQL; a quarter of the others."
)
@click.option("--keys", is_flag=True, help="In keys mode: every trader signs.")
@click.option("--figures", type=FilePath(dir_okay=False), help="Write the numbers of the closing table there, as JSON.")
@click.option("--history", type=FilePath(dir_okay=False), help="Write what the clients recorded there, as JSON.")
def torture_command(
    minutes: float,
    seed: int,
    kills: int | None,
    postgres_kills: int | None,
    keys: bool,
    figures: Path | None,
    history: Path | None,
) -> None:
    """Kill a real exchange and its PostgreSQL again and again while clients trade, and judge the result.

    Everything is in a temporary directory, which goes with the command. Exit code 1 if anything that was acknowledged
    is lost, doubled or wrong; the history is then written to torture-SEED.json, or where --history says.
    """
    from exchange.torture import report
    from exchange.torture.campaign import torture
    from exchange.torture.faults import counts_for, plan

    for file in (figures, history):
        if file is not None and not file.absolute().parent.is_dir():
            click.echo(f"exchange: {file} cannot be written: there is no such directory.", err=True)
            raise click.exceptions.Exit(2)
    faults = plan(seed, counts_for(minutes, kills, postgres_kills))
    console = Console()
    console.print(f"{len(faults)} faults, seed {seed}", highlight=False)
    try:
        result = _until_told(torture(seed, faults, _lines(console), keys=keys))
    except Failure as failure:
        click.echo(f"exchange: {failure}", err=True)
        raise click.exceptions.Exit(failure.exit_code) from failure
    console.print(report.closing_table(result))
    for sentence in report.sentences(result):
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    if figures is not None:
        figures.write_bytes(orjson.dumps(report.figures(result), option=orjson.OPT_INDENT_2) + b"\n")
    if result.findings:
        history = history or Path(f"torture-{seed}.json")
    if history is not None:
        result.history.write(history)
        console.print(f"The history is in {history}.", soft_wrap=True, highlight=False, markup=False)
    if result.findings:
        again = f"exchange torture --seed {seed}{' --keys' if keys else ''}"
        console.print(f"Again: {again}, with the same numbers of faults.", highlight=False)
        raise click.exceptions.Exit(1)


def _until_told(torture: Coroutine[Any, Any, Any]) -> Any:
    """Run it. SIGINT and SIGTERM end it, also in a script's background job, where SIGINT is ignored at first; no
    process and no mount remain."""

    async def run() -> Any:
        this = asyncio.current_task()
        assert this is not None
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        return await torture

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _lines(console: Console) -> Callable[[str], None]:
    """Prints a line of progress from time to time."""
    said_at = time.monotonic()

    def say(line: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_EVERY_S:
            said_at = time.monotonic()
            console.print(line, highlight=False)

    return say
