"""The bench itself: its generator, its limit, its flow and its report. Nothing here looks at how fast anything was."""

import io
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from tests.bench import flow, load, report
from tests.bench.__main__ import chosen, measure
from tests.bench.bench import QUICK, Bench, Mix
from tests.bench.figure import Figure, Goal, Row, UnmeasuredError, row_of
from tests.bench.figures import FIGURES
from tests.bench.load import Job
from tests.bench.processes import limit_command, run_load, serving
from tests.bench.stats import percentile


def shown(rows: list[Row], previous: report.Run) -> str:
    output = io.StringIO()
    Console(file=output, width=160).print(report.table(rows, previous))
    return output.getvalue()


def shown_row(text: str, name: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


async def test_generator_and_limit_understand_each_other(tmp_path: Path) -> None:
    async with serving(limit_command(), "limit", tmp_path) as server:
        measured = await run_load(Job(server.url, "orders", connections=4, seed=1, warmup_s=0.05, duration_s=0.3))
    assert measured.errors == {}
    assert measured.replies > 0
    assert 0 < measured.p50_ns <= measured.p99_ns
    assert sum(measured.statuses.values()) == measured.answered >= measured.replies


async def test_generator_counts_what_is_not_a_200(tmp_path: Path) -> None:
    async with serving(limit_command(), "limit", tmp_path) as server:
        measured = await run_load(Job(server.url, "deposits", connections=4))
    assert measured.errors == {"404 without a code": 2 * len(flow.USERS)}


def test_an_order_that_fails_within_a_batch_is_an_error() -> None:
    reply = {"results": [{"status": "open", "fills": []}, {"code": "OFF_TICK", "message": "…"}]}
    statuses, fills, errors = load.tally([msgspec.json.encode(reply)])
    assert statuses == {"open": 1}
    assert fills == 0
    assert errors == {"200 with OFF_TICK": 1}


@pytest.mark.parametrize(("percent", "value"), [(1, 10), (50, 20), (51, 30), (75, 30), (99, 40), (100, 40)])
def test_a_percentile_is_one_of_the_values(percent: int, value: int) -> None:
    assert percentile([10, 20, 30, 40], percent) == value


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7], 99) == 7


@pytest.mark.parametrize("kind", ["orders", "batches"])
def test_takers_ask_for_what_makers_bring(kind: str) -> None:
    brought: Counter[tuple[str, str]] = Counter()
    orders: Counter[str] = Counter()
    for _, body in flow.requests_of(kind, seed=7):
        request = msgspec.json.decode(body)
        for order in request.get("orders", [request]):
            brought[order["side"], order["time_in_force"]] += int(order["quantity"].replace(".", ""))
            orders[order["time_in_force"]] += 1
    assert brought["buy", "gtc"] == brought["sell", "ioc"]
    assert brought["sell", "gtc"] == brought["buy", "ioc"]
    assert orders["gtc"] == orders["ioc"]


def test_the_same_seed_is_the_same_flow() -> None:
    assert flow.orders(random.Random(3)) == flow.orders(random.Random(3)) != flow.orders(random.Random(4))


def test_a_dried_up_book_is_not_the_mix_that_was_meant() -> None:
    assert Mix(Counter(open=500, filled=500)).as_meant()
    assert not Mix(Counter(open=500, filled=450, expired=50)).as_meant()
    assert not Mix(Counter(open=900, filled=100)).as_meant()


def test_a_ratio_is_the_median_of_its_pairs() -> None:
    row = row_of("orders-16", "orders/s", [(50, 100), (80, 100), (90, 300)])
    assert row.ratio == 0.5
    assert (row.value, row.limit) == (80, 100)


async def test_a_figure_that_fails_stops_no_other(tmp_path: Path) -> None:
    async def refused(bench: Bench) -> list[Row]:
        raise UnmeasuredError("orders: 3 503 OVERLOADED")

    async def measured(bench: Bench) -> list[Row]:
        return [row_of("good", "ms", [(1, 2)])]

    bench = Bench("", "", QUICK, tmp_path)
    rows = await measure(bench, [Figure("bad", refused), Figure("good", measured)])
    assert [(row.name, row.failure) for row in rows] == [("bad", "orders: 3 503 OVERLOADED"), ("good", None)]


def test_a_figure_is_chosen_by_the_beginning_of_its_name() -> None:
    assert [figure.name for figure in chosen(("orders-16", "batches"))] == ["orders-16", "batches-8"]
    assert chosen((), full=True) == FIGURES


def test_a_goal_may_be_a_minimum_or_a_maximum() -> None:
    assert Goal(0.8, at_least=True).met(0.8)
    assert not Goal(0.8, at_least=True).met(0.79)
    assert Goal(1.5, at_least=False).met(1.5)
    assert not Goal(1.5, at_least=False).met(1.51)


def test_the_report_shows_the_goal_and_the_run_before(tmp_path: Path) -> None:
    last = tmp_path / "last.json"
    before = [row_of("orders-64", "orders/s", [(5_000, 10_000)]), row_of("orders-1", "orders/s", [(1, 4)])]
    report.save(last, report.load(last), before, {}, pace="usual", measured_at="2026-01-01T00:00:00+00:00")
    rows = [
        row_of("orders-64", "orders/s", [(8_000, 10_000), (7_000, 10_000)], Goal(0.7, at_least=True)),
        Row("batches-8", "", failure="orders: 3 503 OVERLOADED"),
    ]
    text = shown(rows, report.load(last))
    assert shown_row(text, "orders-64")[-6:] == ["0.70–0.80", "≥", "0.70", "████████████", "yes", "0.50"]  # noqa: RUF001
    assert "failed" in text

    report.save(last, report.load(last), rows, {}, pace="quick", measured_at="2026-01-02T00:00:00+00:00")
    remembered = report.load(last).rows
    assert remembered["orders-64"].ratio == 0.75
    assert remembered["orders-1"].ratio == 0.25, "a row that was not measured again stays"
    assert "batches-8" not in remembered
