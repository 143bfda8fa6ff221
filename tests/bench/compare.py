"""`make bench-compare BASE=REV`: this code and that of another revision, in alternating rounds of one run.

Both exchanges run at the same time and one of them is under load; which of the two is first alternates from round to
round, so a slow minute falls on both alike. The other revision is exported to a temporary directory with an
environment of its own, and started by its own command `exchange serve`. The load generators and the flow are those of
this code, and use the published interface only: the layouts of the two revisions may differ.
"""

import asyncio
import os
import platform
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import psutil  # type: ignore[import-untyped]
import uvloop
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.figure import UnmeasuredError
from tests.bench.loads import LOADS, Load, Value, Values
from tests.bench.pace import QUICK, USUAL, Pace
from tests.bench.processes import OUTPUT_DIR, ROOT, exchange_command, raise_open_files, scratch_dir, serving, tail
from tests.bench.side import Side

OUTPUT = OUTPUT_DIR / "compare.json"
BUILD_TIMEOUT_S = 900.0
# New beside old: what no figure may fall below, and what the orders of few connections must gain.
LEAST = 0.95
FLOORS = {"orders-1": 1.2, "orders-16": 1.2, "socket-500": 1.2}
OLD, NEW = "old", "new"


class Compared(msgspec.Struct, frozen=True):
    """One value on both sides. The n-th numbers of the two are of the same round."""

    unit: str
    more_is_better: bool
    old: list[float]
    new: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times as good the new one is, by round: 2 is twice the speed or half the time."""
        pairs = zip(self.old, self.new, strict=True)
        return [new / old if self.more_is_better else old / new for old, new in pairs]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)


class Comparison(msgspec.Struct, frozen=True):
    """`.bench/compare.json`. `failures` has the loads that one side did not take, with the reason."""

    base: str
    measured_at: str
    notes: dict[str, str]
    figures: dict[str, Compared]
    failures: dict[str, str]


def chosen(names: tuple[str, ...]) -> list[Load]:
    """The loads whose name begins with one of `names`; without names all."""
    loads = [load for load in LOADS if load.name.startswith(names or "")]
    if not loads:
        raise click.BadParameter(f"no such load; there are {', '.join(load.name for load in LOADS)}")
    return loads


def least_of(name: str) -> float | None:
    """The ratio that a figure must reach; tails are too noisy for one."""
    return None if name.endswith(("p99", "longest")) else FLOORS.get(name, LEAST)


def turns(number: int) -> tuple[str, str]:
    """Which side is first in a round."""
    return (OLD, NEW) if number % 2 else (NEW, OLD)


def compared(rounds: list[dict[str, Values]]) -> dict[str, Compared]:
    """The rounds of one load, by name of the value."""
    figures = {}
    for name, value in rounds[0][OLD].items():
        old, new = ([measured[side][name].value for measured in rounds] for side in (OLD, NEW))
        figures[name] = Compared(value.unit, value.more_is_better, old, new)
    return figures


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of this project, as `git rev-parse` knows it."""

    name: str
    commit: str
    repository: Path

    @classmethod
    def of(cls, name: str, repository: Path = ROOT) -> "Revision":
        """The revision of that name."""
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UnmeasuredError(f"{name!r} is no revision of this repository")
        return cls(name, done.stdout.strip(), repository)

    async def export(self, directory: Path) -> None:
        """Write its files into an empty directory, and nothing that git would have to be told of afterwards."""
        archive = directory.with_suffix(".tar")
        await run_command(
            ["git", "archive", "--output", str(archive), self.commit], self.repository, directory.with_suffix(".log")
        )
        await run_command(
            ["tar", "-xf", str(archive), "-C", str(directory)], self.repository, directory.with_suffix(".log")
        )
        archive.unlink()


async def run_command(command: list[str], directory: Path, log: Path) -> None:
    """Run it to its end; what it says goes to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=directory, stdout=output, stderr=output, start_new_session=True
        )
    try:
        async with asyncio.timeout(BUILD_TIMEOUT_S):
            code = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code:
        raise UnmeasuredError(f"`{' '.join(command)}` ended with code {code}: {tail(log)}")


async def build(directory: Path, *, compiled: bool) -> Path:
    """Install the exported revision into an environment of its own; the Python of that environment."""
    log = directory.with_suffix(".log")
    await run_command(["make", "install", f"PYTHON={sys.executable}"], directory, log)
    if compiled:
        await run_command(["make", "compile", f"PYTHON={sys.executable}"], directory, log)
    return directory / ".venv" / "bin" / "python"


def is_compiled(libraries: Iterable[str]) -> bool:
    """Whether a process that has loaded these libraries runs compiled modules of the exchange.

    mypyc puts all modules of a build into one library with such a name, wherever the build is kept.
    """
    return any("__mypyc" in path for path in libraries)


async def measure(load: Load, sides: dict[str, Side], rounds: int, seed: int) -> dict[str, Compared]:
    """One load on both sides in turn."""
    measured: list[dict[str, Values]] = []
    for number in range(1, rounds + 1):
        both: dict[str, Values] = {}
        for name in turns(number):
            sides[name].seed = seed + number
            try:
                both[name] = await load.measure(sides[name])
            except UnmeasuredError as error:
                raise UnmeasuredError(f"{name}: {error}") from error
        measured.append(both)
    return compared(measured)


async def run(base: Revision, loads: list[Load], pace: Pace, rounds: int, *, compiled: bool, console: Console) -> bool:
    """Whether everything was measured. A ratio below its least is a result, not a failure."""
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_dir())
        status = stack.enter_context(console.status(f"installing {base.name}"))
        exported = scratch / "base"
        exported.mkdir(mode=0o755)
        await base.export(exported)
        python = await build(exported, compiled=compiled)
        sides, notes = {}, {"base": f"{base.name} ({base.commit[:12]})", "machine": machine()}
        for name, root, interpreter in ((OLD, exported, python), (NEW, ROOT, Path(sys.executable))):
            status.update(f"starting and preparing the {name} exchange")
            directory = scratch / name
            directory.mkdir(mode=0o755)
            command = exchange_command(directory, python=interpreter)
            server = await stack.enter_async_context(serving(command, name, directory, root))
            libraries = (mapped.path for mapped in psutil.Process(server.pid).memory_maps())
            notes[name] = "compiled" if is_compiled(libraries) else "nothing compiled"
            sides[name] = Side(server.url, server.ws_url, pace, pid=server.pid)
            await sides[name].prepare()
        if notes[OLD] != notes[NEW]:
            raise UnmeasuredError(f"old is {notes[OLD]}, new is {notes[NEW]}: compile both, or neither")
        figures: dict[str, Compared] = {}
        failures: dict[str, str] = {}
        for number, load in enumerate(loads):
            progress = f"{load.name}: {rounds} rounds, load {number + 1} of {len(loads)}"
            status.update(progress)
            if not console.is_terminal:
                console.print(progress, markup=False, highlight=False)
            try:
                figures |= await measure(load, sides, rounds, seed=100 * number)
            except UnmeasuredError as error:
                failures[load.name] = str(error)
        notes["generator"] = generator_note(list(sides.values()))
    result = Comparison(base.commit, datetime.now(UTC).isoformat(timespec="seconds"), notes, figures, failures)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    show(result, console)
    return not failures


def machine() -> str:
    """What the numbers were measured on."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at start, Python {platform.python_version()}"


def generator_note(sides: list[Side]) -> str:
    """What sent the requests, and how much of a core it took at most."""
    language = "C" if any(side.compiled_generator for side in sides) else "Python"
    return f"{language}; at most {max(side.generator_share_max for side in sides):.0%} of a core"


def show(result: Comparison, console: Console) -> None:
    """Print the table, what failed, and the notes."""
    console.print(table(result))
    for name, failure in result.failures.items():
        console.print(f"{name}: {failure}", style="red", markup=False)
    for name, note in result.notes.items():
        console.print(f"{name}: {note}", style="dim", markup=False, highlight=False)


def table(result: Comparison) -> Table:
    """The report. `better` is above 1 where the new code is; `rounds` are its lowest and highest."""
    shown = Table(
        title=f"this code beside {result.base[:12]}",
        caption="better: speed new/old, time old/new; 1.20 is a fifth better",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    shown.add_column("figure", no_wrap=True)
    for heading in ("old", "new", "better", "rounds", "least"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("met", no_wrap=True)
    for name, figure in result.figures.items():
        least, ratio = least_of(name), figure.ratio
        met = least is None or ratio >= least
        shown.add_row(
            name,
            quantity(Value(figure.unit, statistics.median(figure.old))),
            quantity(Value(figure.unit, statistics.median(figure.new))),
            f"{ratio:.2f}",
            f"{min(figure.ratios):.2f}–{max(figure.ratios):.2f}",  # noqa: RUF001
            "" if least is None else f"≥ {least:.2f}",
            Text("" if least is None else "yes" if met else "no", style="" if met else "red"),
        )
    return shown


def quantity(value: Value) -> str:
    """A number with its unit."""
    if value.unit.endswith("/s"):
        return f"{value.value:,.0f} {value.unit}"
    return f"{value.value:,.2f}" if value.unit == "share" else f"{value.value:,.2f} {value.unit}"


async def run_until_signal(
    base: str, loads: list[Load], pace: Pace, rounds: int, *, compiled: bool, console: Console
) -> int:
    """As `run`, but a SIGTERM ends the servers and removes the files too, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return 0 if await run(Revision.of(base), loads, pace, rounds, compiled=compiled, console=console) else 1
    except UnmeasuredError as error:
        console.print(f"bench: {error}", style="red", markup=False)
        return 1


@click.command()
@click.argument("names", nargs=-1)
@click.option("--against", "base", metavar="REV", required=True, help="The revision to compare with.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Rounds of each load.")
@click.option("--quick", is_flag=True, help="Short slices: shows that everything runs, not how fast.")
@click.option("--compiled/--interpreted", default=True, help="Compile the other revision too (the default).")
def main(names: tuple[str, ...], base: str, rounds: int, quick: bool, compiled: bool) -> None:
    """Measure this code and that of another revision in turn: the loads whose name begins so, or all.

    Exits 1 if a load could not be measured on both sides; a figure that became worse is no failure.
    """
    loads = chosen(names)
    raise_open_files()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            pace = QUICK if quick else USUAL
            sys.exit(runner.run(run_until_signal(base, loads, pace, rounds, compiled=compiled, console=console)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


if __name__ == "__main__":
    main()
