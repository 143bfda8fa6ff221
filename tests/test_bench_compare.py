"""`bench-compare`: how rounds become ratios, what is exported, and that it leaves nothing. Nothing here is timed."""

import io
import subprocess
from pathlib import Path

import click
import msgspec
import pytest
from rich.console import Console

from tests.bench import compare
from tests.bench.compare import NEW, OLD, Comparison, Revision, chosen, compared, least_of, turns
from tests.bench.figure import UnmeasuredError
from tests.bench.loads import LOADS, Load, Value, Values
from tests.bench.pace import QUICK
from tests.bench.processes import ROOT
from tests.bench.side import Side


def rounds_of(name: str, unit: str, *pairs: tuple[float, float]) -> list[dict[str, Values]]:
    return [{OLD: {name: Value(unit, old)}, NEW: {name: Value(unit, new)}} for old, new in pairs]


def test_more_orders_are_better_and_less_time_is() -> None:
    speeds = compared(rounds_of("orders-16", "orders/s", (100, 120), (200, 300), (100, 90)))["orders-16"]
    assert speeds.ratios == [1.2, 1.5, 0.9]
    assert speeds.ratio == 1.2
    times = compared(rounds_of("sweep", "s", (2.0, 1.0), (1.0, 2.0)))["sweep"]
    assert times.ratios == [2.0, 0.5]


def test_each_side_is_first_in_every_other_round() -> None:
    assert [turns(number) for number in (1, 2, 3)] == [(OLD, NEW), (NEW, OLD), (OLD, NEW)]


async def test_both_sides_of_a_round_get_the_same_seed_in_alternating_turns() -> None:
    seen = []

    async def seeing(side: Side) -> Values:
        seen.append((side.url, side.seed))
        return {"seen": Value("orders/s", 1.0)}

    sides = {OLD: Side("old", "", QUICK), NEW: Side("new", "", QUICK)}
    figures = await compare.measure(Load("seen", seeing), sides, 2, seed=100)
    assert seen == [("old", 101), ("new", 101), ("new", 102), ("old", 102)]
    assert figures["seen"].ratios == [1.0, 1.0]


async def test_a_side_that_refuses_is_named() -> None:
    async def refused(side: Side) -> Values:
        if side.url == "old":
            raise UnmeasuredError("orders: 3 503 OVERLOADED")
        return {"seen": Value("orders/s", 1.0)}

    sides = {OLD: Side("old", "", QUICK), NEW: Side("new", "", QUICK)}
    with pytest.raises(UnmeasuredError, match=r"^old: orders: 3 503 OVERLOADED$"):
        await compare.measure(Load("refused", refused), sides, 1, seed=0)


@pytest.mark.parametrize(
    ("name", "least"),
    [("orders-1", 1.2), ("orders-16", 1.2), ("socket-500", 1.2), ("orders-64", 0.95), ("orders-1 p99", None)],
)
def test_few_connections_must_gain_and_nothing_may_lose(name: str, least: float | None) -> None:
    assert least_of(name) == least


def test_every_least_ratio_is_of_a_load() -> None:
    assert set(compare.FLOORS) <= {load.name for load in LOADS}


def test_a_load_is_chosen_by_the_beginning_of_its_name() -> None:
    assert [load.name for load in chosen(("orders-1", "sweep"))] == ["orders-1", "orders-16", "sweep"]
    assert chosen(()) == LOADS
    with pytest.raises(click.BadParameter, match="no such load"):
        chosen(("nothing",))


def test_the_report_shows_ratios_floors_and_failures() -> None:
    figures = compared(rounds_of("orders-16", "orders/s", (1_000, 1_100), (1_000, 1_300)))
    figures |= compared(rounds_of("sweep", "s", (1.0, 2.0)))
    result = Comparison("0123456789abcdef", "", {"old": "compiled"}, figures, {"fills-16": "old: 404"})
    output = io.StringIO()
    compare.show(result, Console(file=output, width=120))
    lines = [line.split() for line in output.getvalue().splitlines()]
    assert ["orders-16", "1,000", "orders/s", "1,200", "orders/s", "1.20", "1.10–1.30", "≥", "1.20", "yes"] in lines  # noqa: RUF001
    assert ["sweep", "1.00", "s", "2.00", "s", "0.50", "0.50–0.50", "≥", "0.95", "no"] in lines  # noqa: RUF001
    assert ["fills-16:", "old:", "404"] in lines
    assert ["old:", "compiled"] in lines
    assert msgspec.json.decode(msgspec.json.encode(result), type=Comparison) == result


def test_what_is_no_revision_is_refused() -> None:
    with pytest.raises(UnmeasuredError, match="'no-such-revision' is no revision"):
        Revision.of("no-such-revision")


async def test_a_revision_is_exported_and_git_hears_nothing_of_it(tmp_path: Path) -> None:
    repository, exported = tmp_path / "repository", tmp_path / "base"
    repository.mkdir()
    exported.mkdir()

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@localhost", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    git("init", "--quiet")
    (repository / "rules").write_text("old")
    git("add", "rules")
    git("commit", "--quiet", "--message=old")
    (repository / "rules").write_text("new")
    revision = Revision.of("HEAD", repository)
    await revision.export(exported)
    assert (exported / "rules").read_text() == "old"
    assert [path.name for path in exported.iterdir()] == ["rules"]
    assert git("worktree", "list").count("\n") == 1
    assert not exported.with_suffix(".tar").exists()


async def test_a_command_that_fails_says_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(UnmeasuredError, match="code 3: no such target"):
        await compare.run_command(["sh", "-c", "echo no such target; exit 3"], ROOT, tmp_path / "log")


def test_an_interpreted_process_is_told_from_a_compiled_one() -> None:
    assert compare.is_compiled(["/lib/libc.so", "/x/.compiled/8d0__mypyc.cpython-311-x86_64-linux-gnu.so"])
    assert not compare.is_compiled(["/lib/libc.so", "/x/site-packages/orjson/orjson.cpython-311-x86_64-linux-gnu.so"])
