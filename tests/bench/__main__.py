"""`make bench`, or `python -m tests.bench`: start what is needed, measure, print, remember."""

import asyncio
import os
import platform
import signal
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import click
import uvloop
from rich.console import Console

from exchange.runtime import compiled
from tests.bench import report
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Row, UnmeasuredError
from tests.bench.figures import FIGURES
from tests.bench.pace import FULL, PACES, QUICK, USUAL, Pace
from tests.bench.processes import (
    OUTPUT_DIR,
    bare_command,
    exchange_command,
    limit_command,
    raise_open_files,
    scratch_dir,
    serving,
)

LAST = OUTPUT_DIR / "last.json"


def chosen(names: tuple[str, ...], *, full: bool = False) -> list[Figure]:
    """The figures whose name is, or begins with, one of `names`; without names all that there is time for."""
    figures = [
        figure for figure in FIGURES if figure.name.startswith(names or "") and (names or full >= figure.only_full)
    ]
    if not figures:
        raise click.BadParameter(f"no such figure; there are {', '.join(figure.name for figure in FIGURES)}")
    return figures


async def measure(bench: Bench, figures: list[Figure]) -> list[Row]:
    """All rows. A figure that fails becomes a row that says so, and the others go on."""
    rows: list[Row] = []
    for figure in figures:
        try:
            rows += await figure.measure(bench)
        except UnmeasuredError as error:
            rows.append(Row(figure.name, "", failure=str(error)))
    return rows


async def run(figures: list[Figure], pace: Pace, url: str | None, console: Console) -> bool:
    """Whether every figure was measured, with the flow that was meant. A missed goal is a result, not a failure."""
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    notes = {
        "build": f"Python {platform.python_version()}, {'compiled' if compiled.in_use() else 'nothing compiled'}",
        "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at start",
    }
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_dir())
        status = stack.enter_context(console.status("starting the exchange"))
        bench = Bench(pace, scratch, tell=status.update)
        if any(figure.serves for figure in figures):
            if url is None:
                served = await stack.enter_async_context(serving(exchange_command(scratch), "exchange", scratch))
                bench.ours.url, bench.ours.ws_url = served.url, served.ws_url
                bench.ours.pid = served.pid
            else:
                bench.ours.url, bench.ours.ws_url = url, url.replace("http", "ws", 1) + "/ws"
            handler = await stack.enter_async_context(serving(limit_command(), "handler", scratch))
            bench.handler.url, bench.handler.ws_url = handler.url, handler.url.replace("http", "ws", 1) + "/echo"
            bench.bare.url = (await stack.enter_async_context(serving(bare_command(), "bare", scratch))).url
            status.update("preparing: deposits, and a book")
            await bench.ours.prepare()
        rows = await measure(bench, figures)
    notes |= bench.notes() | {row.name: row.remark for row in rows if row.remark is not None}
    previous = report.load(LAST)
    report.save(LAST, previous, rows, notes, pace=pace.name, measured_at=measured_at)
    console.print(report.table(rows, previous))
    failures = [row for row in rows if row.failure is not None]
    for row in failures:
        console.print(f"{row.name}: {row.failure}", style="red", markup=False)
    for name, note in notes.items():
        console.print(f"{name}: {note}", style="dim", markup=False, highlight=False)
    return not failures and bench.mix.as_meant()


async def run_until_signal(figures: list[Figure], pace: Pace, url: str | None) -> int:
    """As `run`, but a SIGTERM ends the servers too, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    # A pipe says nothing of its width; the table needs this much.
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        return 0 if await run(figures, pace, url, console) else 1
    except UnmeasuredError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--full", "pace", flag_value=FULL.name, help="Long rounds, the whole sizes, and the plots: twenty minutes."
)
@click.option(
    "--quick", "pace", flag_value=QUICK.name, help="One short round: shows that everything runs, not how fast."
)
@click.option(
    "--url",
    help="Measure an exchange that runs already instead of starting one; its markets SOL_USDC, SWEPT_USDC and "
    "DEEP_USDC must allow a million open orders.",
)
def main(names: tuple[str, ...], pace: str | None, url: str | None) -> None:
    """Measure the exchange beside its limit: the figures whose name begins so, or all.

    Takes about seven minutes; exits 1 if a figure could not be measured.
    """
    figures = chosen(names, full=pace == FULL.name)
    raise_open_files()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sys.exit(runner.run(run_until_signal(figures, PACES[pace or USUAL.name], url)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


if __name__ == "__main__":
    main()
