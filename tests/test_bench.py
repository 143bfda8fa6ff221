"""The bench itself: its generator, its limit, its flow and its report. Nothing here looks at how fast anything was."""

import asyncio
import io
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
import pytest
from rich.console import Console

from exchange.client import ApiKey
from exchange.service.signatures import HmacVerifier
from tests.bench import flow, generator, load, loads, report, signed
from tests.bench.__main__ import chosen, measure
from tests.bench.bench import Bench, Mix
from tests.bench.figure import Figure, Goal, Row, UnmeasuredError, row_of
from tests.bench.figures import FIGURES
from tests.bench.load import Call, Job
from tests.bench.pace import QUICK
from tests.bench.pairs import Pairs
from tests.bench.processes import bare_command, limit_command, run_load, serving
from tests.bench.side import Side, cpu_seconds
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

    bench = Bench(QUICK, tmp_path)
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


GENERATORS = [True, *([False] if generator.program() else [])]  # interpreted; and compiled, where there is a compiler


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Side]:
    """The bare limit as a side."""
    async with serving(bare_command(), "bare", tmp_path) as server:
        yield Side(server.url, server.ws_url, QUICK, pid=server.pid)


@pytest.mark.parametrize("interpreted", GENERATORS)
@pytest.mark.parametrize("options", [{}, {"split": True}, {"signed": True}], ids=["plain", "split", "signed"])
async def test_both_generators_and_the_bare_limit_understand_each_other(
    bare: Side, interpreted: bool, options: dict[str, bool]
) -> None:
    measured = await bare.load("orders", 4, interpreted=interpreted, **options)
    assert measured.compiled is not interpreted
    assert 0 < measured.p50_ns <= measured.p99_ns <= measured.longest_ns
    assert measured.statuses["open"] + measured.statuses["filled"] == measured.answered >= measured.replies > 0


@pytest.mark.parametrize("interpreted", GENERATORS)
async def test_a_job_without_an_end_sends_each_call_once(bare: Side, interpreted: bool) -> None:
    calls = tuple(Call("GET", f"/bytes?size={size}") for size in range(1, 101))
    measured = await bare.load("", 4, calls=calls, duration_s=None, warmup_s=0.0, keep=False, interpreted=interpreted)
    assert (measured.replies, measured.answered) == (100, 100)
    assert measured.reply_bytes_mean == 50.5


@pytest.mark.parametrize("interpreted", GENERATORS)
async def test_both_generators_take_a_reply_that_comes_in_many_pieces(bare: Side, interpreted: bool) -> None:
    calls = (Call("GET", "/bytes?size=3000000"),)
    measured = await bare.load("", 2, calls=calls, duration_s=None, warmup_s=0.0, keep=False, interpreted=interpreted)
    assert (measured.answered, measured.reply_bytes_mean) == (1, 3_000_000)


@pytest.mark.parametrize("interpreted", GENERATORS)
async def test_both_generators_count_what_a_server_refuses(tmp_path: Path, interpreted: bool) -> None:
    calls = (Call("GET", "/nowhere"), Call("DELETE", "/order", "{}"))
    async with serving(limit_command(), "limit", tmp_path) as server:
        job = Job(server.url, "", 1, calls=calls, keep=False, interpreted=interpreted)
        measured = await run_load(job)
    assert measured.errors == {"404 without a code": 1, "405 without a code": 1}


@pytest.mark.parametrize("interpreted", GENERATORS)
async def test_both_generators_count_a_connection_that_is_cut(bare: Side, interpreted: bool) -> None:
    calls = (Call("GET", "/bytes?size=1 1 1"),)
    with pytest.raises(UnmeasuredError, match="no reply"):
        await bare.any_load("", 1, calls=calls, duration_s=None, interpreted=interpreted)


async def test_a_client_and_the_bare_limit_understand_each_other(bare: Side) -> None:
    assert await loads.client_ns(bare)
    measured = await loads.cancel_all(bare, "c-", 50)
    assert measured.answered == 50


async def test_the_cpu_time_of_a_server_is_counted_with_what_it_started() -> None:
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(3_000_000))']); print(); input()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", busy, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        own = psutil.Process(process.pid).cpu_times()
        assert cpu_seconds(process.pid) > own.user + own.system
    finally:
        await process.communicate(b"\n")


async def test_a_server_that_settles_is_idle_and_its_cost_is_of_a_reply(bare: Side) -> None:
    await bare.load("orders", 4)
    assert bare.cpu_us_a_reply > 0


async def test_of_a_pair_each_is_first_in_turn(bare: Side) -> None:
    begun: list[str] = []

    def orders(name: str) -> Iterator[Call]:
        begun.append(name)
        for path, body in flow.requests_of("orders", 1)[:4_000]:
            yield Call("POST", path, body.decode())

    pairs = Pairs("signed", "unsigned", 0.8)
    for _ in range(2):
        await pairs.add(bare, orders("ours"), bare, orders("theirs"))
    assert begun == ["ours", "theirs", "theirs", "ours"]
    speed, cost = pairs.rows()
    assert (speed.name, speed.beside, speed.goal) == ("signed", "unsigned", Goal(0.8, at_least=True))
    assert (cost.name, cost.unit, cost.goal) == ("signed cpu", "µs", Goal(1.25, at_least=False))
    assert len(speed.ratios) == len(cost.ratios) == 2


def test_orders_of_the_bench_are_signed_by_their_users() -> None:
    keys = signed.Signers(ApiKey.hmac("root", "r"), "", "hmac")
    keys._keys = {user_id: ApiKey.hmac(f"{user_id}-key", "s") for user_id in flow.USERS}
    for call in itertools.islice(signed.calls("orders", 1, keys.headers), 20):
        assert call.headers["X-API-Key"] == f"{msgspec.json.decode(call.body)['user_id']}-key"
        stamp = call.headers["X-Timestamp"] + call.headers.get("X-Nonce", "")
        message = f"{stamp}{call.method}{call.target}{call.body}".encode()
        assert HmacVerifier(b"s").verified(call.headers["X-Signature"], message)
    deposit = next(signed.calls("deposits", 1, keys.headers))
    assert deposit.headers["X-API-Key"] == "root"
    assert next(signed.calls("orders", 1, signed.unsigned)).headers == {}


def test_the_notes_count_the_generator_of_a_figures_own_exchange(tmp_path: Path) -> None:
    bench = Bench(QUICK, tmp_path)
    bench.others.append(Side("", "", QUICK, generator_share_max=0.5, compiled_generator=True))
    assert bench.notes()["generator"] == "C; at most 50% of a core"


def test_what_cannot_be_compiled_is_sent_from_python() -> None:
    assert generator.program("no-such-compiler") is None


def test_signed_requests_differ_in_one_header() -> None:
    plain = load.encoded(Job("", "orders", 1, seed=3), "host:1")
    signed = load.encoded(Job("", "orders", 1, seed=3, signed=True), "host:1")
    assert [body for _, body in plain] == [body for _, body in signed]
    signatures = {re.search(rb"X-Signature: ([0-9a-f]{64})\r\n", head) for head, _ in signed}
    assert None not in signatures
    assert len({found[1] for found in signatures if found}) == len(signed)


def test_a_read_has_neither_a_body_nor_its_length() -> None:
    ((head, body),) = load.encoded(Job("", "", 1, calls=(Call("GET", "/depth?market=SOL_USDC"),)), "host:1")
    assert (head, body) == (b"GET /depth?market=SOL_USDC HTTP/1.1\r\nHost: host:1\r\n\r\n", b"")


def test_a_sweep_takes_exactly_what_was_laid() -> None:
    prices = [20_000 + number % 7 for number in range(250)]
    batches = [msgspec.json.decode(body) for _, body in flow.laid("SWEPT_USDC", "maker", "sell", prices, "c-")]
    orders = [order for batch in batches for order in batch["orders"]]
    assert [len(batch["orders"]) for batch in batches] == [100, 100, 50]
    assert len({order["client_order_id"] for order in orders}) == 250
    sweep = msgspec.json.decode(flow.sweeping("SWEPT_USDC", "taker", 20_006, len(orders))[1])
    assert Decimal(sweep["quantity"]) == sum(Decimal(order["quantity"]) for order in orders)
    assert Decimal(sweep["price"]) == max(Decimal(order["price"]) for order in orders)
