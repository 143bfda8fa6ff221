"""The parts of a proof.

Judge and simulator are cut into pieces that have a seed each, for as many processes as there are cores. What is wrong
is said in words, and counted.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import Any

import msgspec
from structlog.testing import capture_logs

from exchange.core.events import RejectReason
from tests.conformance.cases import APPLICABLE, CASES
from tests.conformance.differs import DIFFERS
from tests.conformance.runner import Difference, Run
from tests.http.streams import fuzz
from tests.judging import verdict_on
from tests.prove.figures import Conformance, Judged, Simulated, Streamed, Tortured
from tests.sim.scenario import Broken, run
from tests.sim.shrink import shortened

STORIES_A_SEED = 250

Say = Callable[[str], None]
Piece = tuple[str | None, Counter[str]]  # what is wrong, in words, and what was done


def judge_stories(seed: int, count: int) -> Piece:
    """One seed's stories."""
    verdict, seen = verdict_on(count, seed)
    return (f"judge, seed {seed}: {verdict}" if verdict else None), seen


def simulate_seed(seed: int) -> Piece:
    """One seed; told as its shortest history if it fails."""
    try:
        return None, Counter(run(seed).figures)
    except Broken as broken:
        return str(shortened(broken)), Counter()


def judge(executor: Executor, stories: int, first_seed: int, done: Callable[[int], None], say: Say) -> Judged:
    """So many stories, from that seed on."""
    sizes = [min(STORIES_A_SEED, stories - begun) for begun in range(0, stories, STORIES_A_SEED)]
    pieces = [executor.submit(judge_stories, first_seed + number, size) for number, size in enumerate(sizes)]
    seen: Counter[str] = Counter()
    broken = 0
    for piece in as_completed(pieces):
        wrong, counts = piece.result()
        seen.update(counts)
        done(counts["stories"])
        if wrong is not None:
            broken += 1
            say(wrong)
    refused = {reason.value: seen[reason.value] for reason in RejectReason if seen[reason.value]}
    known = {what: seen[what] for what in ("stories", "commands", "orders", "trades", "retries")}
    found = {"refusals": sum(refused.values()), "reasons": len(refused), "broken": broken}
    return Judged(**known, **found, seeds=len(pieces), refused=refused)


def streams(seeds: range, say: Say) -> Streamed:
    """Pipelined streams cut at every byte, and longer ones cut anywhere, with orders that wait meanwhile."""
    checked = failed = 0
    for seed in seeds:
        try:
            with capture_logs():  # of requests that are refused
                checked += asyncio.run(fuzz(seed, whole_cuts=2, random_streams=100))
        except AssertionError as error:
            failed += 1
            say(f"streams, seed {seed}: {error}")
    return Streamed(len(seeds), checked, failed)


def conformance(say: Say) -> Conformance:
    """All cases that apply."""
    same = on_purpose = wrong = 0
    for case in APPLICABLE:
        try:
            Run(case).run()
            difference = None
        except Difference as found:
            difference = str(found)
        differs = DIFFERS.get(case.case_id)
        if difference != (differs and differs.how):
            wrong += 1
            say(f"conformance, {case.case_id}: {difference or 'comes out the same now'}")
        elif differs:
            on_purpose += 1
        else:
            same += 1
    return Conformance(cases=len(CASES), run=len(APPLICABLE), same=same, on_purpose=on_purpose, wrong=wrong)


def simulator(executor: Executor, seeds: range, done: Callable[[int], None], say: Say) -> Simulated:
    """All these seeds."""
    totals: Counter[str] = Counter()
    failed = 0
    for piece in as_completed([executor.submit(simulate_seed, seed) for seed in seeds]):
        wrong, figures = piece.result()
        totals.update(figures)
        done(1)
        if wrong is not None:
            failed += 1
            say(wrong)
    fields = {name: totals[name.replace("_", " ")] for name in Simulated.__struct_fields__[3:]}
    return Simulated(first_seed=seeds.start, seeds=len(seeds), failed=failed, **fields)


def torture(options: list[str], place: Path) -> Tortured | None:
    """A run of the command, which shows its own progress; None if it came to no end."""
    figures = place / "torture.json"
    figures.unlink(missing_ok=True)
    command = (sys.executable, "-m", "exchange", "torture", "--figures", str(figures), *options)
    subprocess.run(command, check=False)
    if not figures.exists():
        return None
    made: dict[str, Any] = msgspec.json.decode(figures.read_bytes())
    return msgspec.convert(made, Tortured)
