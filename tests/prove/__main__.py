"""`python -m tests.prove`: see `make prove` in the Makefile. Exit code 1 if anything is wrong.

`--add` adds the figures to those of the last run: so a long proof can be run in parts, with other seeds in each.
`--page` writes the figures of the last run into docs/PROOF.md.
"""

import argparse
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.prove import page, parts
from tests.prove.figures import Judged, Proof, Simulated, table
from tests.prove.sums import added

STREAM_SEEDS = 10  # some tens of thousands of replies, in half a minute
PLACE = Path(".prove")
LAST = PLACE / "last.json"
EXPECTED = (
    "Judge and simulator take about a minute for every 4000 stories or 500 seeds; the torture, the time it is given."
)


def asked_for() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stories", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the first seed of the judge and of the simulator")
    parser.add_argument("--minutes", type=float, default=2.0, help="of torture; 0 leaves it out")
    parser.add_argument("--kills", type=int, help="of the exchange, instead of --minutes")
    parser.add_argument("--postgres-kills", type=int)
    parser.add_argument("--torture-seed", type=int, default=1)
    parser.add_argument("--keys", action="store_true", help="the torture in keys mode")
    parser.add_argument("--add", action="store_true", help="add the figures to those of the last run")
    parser.add_argument("--page", action="store_true", help="take the figures of the last run into docs/PROOF.md")
    return parser.parse_args()


def judged_and_simulated(asked: argparse.Namespace, console: Console) -> tuple[Judged | None, Simulated | None]:
    """What needs no real exchange, in as many processes as there are cores."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    judge = simulator = None

    def say(wrong: str) -> None:
        console.print(wrong, soft_wrap=True, highlight=False, markup=False)

    with Progress(*columns, console=console) as progress, ProcessPoolExecutor() as executor:
        stories = progress.add_task("judge: stories", total=asked.stories)
        seeds = progress.add_task("simulator: seeds", total=asked.seeds)
        if asked.stories:
            judge = parts.judge(executor, asked.stories, asked.first, lambda n: progress.advance(stories, n), say)
        if asked.seeds:
            run = range(asked.first, asked.first + asked.seeds)
            simulator = parts.simulator(executor, run, lambda n: progress.advance(seeds, n), say)
    return judge, simulator


def torture_options(asked: argparse.Namespace) -> list[str]:
    """Of the torture's own command."""
    options = ["--seed", str(asked.torture_seed)]
    if asked.minutes:
        options += ["--minutes", str(asked.minutes)]
    if asked.kills is not None:
        options += ["--kills", str(asked.kills)]
    if asked.postgres_kills is not None:
        options += ["--postgres-kills", str(asked.postgres_kills)]
    return [*options, "--keys"] if asked.keys else options


def main() -> int:
    """Do what is asked for."""
    asked, console = asked_for(), Console()
    if asked.page:
        page.write(LAST)
        return 0
    began = time.monotonic()
    PLACE.mkdir(exist_ok=True)
    console.print(EXPECTED, highlight=False)
    judge, simulator = judged_and_simulated(asked, console)
    conformance = parts.conformance(console.print)
    streams = parts.streams(range(asked.first, asked.first + STREAM_SEEDS), console.print)
    tortures = bool(asked.minutes or asked.kills)
    torture = parts.torture(torture_options(asked), PLACE) if tortures else None
    proof = Proof(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        took_s=round(time.monotonic() - began),
        judge=judge,
        conformance=conformance,
        simulator=simulator,
        torture=torture,
        streams=streams,
    )
    if asked.add and LAST.exists():
        proof = added(msgspec.json.decode(LAST.read_bytes(), type=Proof), proof)
    LAST.write_bytes(msgspec.json.format(msgspec.json.encode(proof), indent=2) + b"\n")
    console.print(table(proof))
    unfinished = tortures and torture is None
    console.print("Nothing is wrong." if not (proof.wrong or unfinished) else "Something is wrong; it is said above.")
    return 1 if proof.wrong or unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
