"""`make prove`: its figures are those of docs/PROOF.md, and findings are reported and counted."""

from collections import Counter
from concurrent.futures import Executor, Future
from typing import Any

import msgspec
import pytest

from exchange.core import settlement
from exchange.core.instrument import PPM
from exchange.pipeline import commits
from exchange.pipeline.commits import Store
from exchange.runtime import compiled
from tests.conformance.differs import DIFFERS, Differs
from tests.prove import parts
from tests.prove.figures import Proof, Recoveries, rows, table
from tests.prove.page import BEGIN, KEPT, PAGE, rendered
from tests.prove.sums import added


class Here(Executor):
    """Does everything at once, in this process, where a planted error is."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Do it."""
        done: Future[Any] = Future()
        done.set_result(function(*args, **kwargs))
        return done


of_sources = pytest.mark.skipif(
    compiled.in_use(), reason="the simulator and planted errors take nothing that is compiled"
)


@pytest.fixture
def kept() -> Proof:
    """The run whose figures the page has."""
    return msgspec.json.decode(KEPT.read_bytes(), type=Proof)


def test_the_page_has_the_figures_of_a_run(kept: Proof) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page, kept) == page, "write it anew: make prove-page"
    assert page.count(BEGIN) == 1
    assert table(kept).row_count == len(rows(kept))


def test_the_run_was_whole_and_found_nothing(kept: Proof) -> None:
    assert kept.judge is not None
    assert kept.simulator is not None
    assert kept.torture is not None
    assert kept.wrong == 0
    assert (kept.torture.lost, kept.torture.doubled) == (0, 0)
    said = {what for _, what, _ in rows(kept)}
    for what in ("commands judged", "seeds run", "recoveries", "acknowledgements checked", "lost", "doubled"):
        assert what in said


@of_sources
def test_a_proof_that_finds_nothing() -> None:
    said: list[str] = []
    done: Counter[str] = Counter()
    judged = parts.judge(Here(), 30, 7, lambda count: done.update(stories=count), said.append)
    simulated = parts.simulator(Here(), range(5, 8), lambda count: done.update(seeds=count), said.append)
    cases = parts.conformance(said.append)
    assert said == []
    assert (judged.stories, judged.seeds, judged.broken) == (30, 1, 0)
    assert judged.refusals > judged.reasons > 3
    assert (simulated.seeds, simulated.failed, simulated.first_seed) == (3, 0, 5)
    assert simulated.acknowledgements_checked > 100
    assert cases.same + cases.on_purpose == cases.run < cases.cases
    assert done == {"stories": 30, "seeds": 3}


@of_sources
def test_what_the_judge_finds_is_said_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "fee_minor", lambda received_minor, fee_ppm: received_minor * fee_ppm // PPM)
    said: list[str] = []
    assert parts.judge(Here(), 40, 7, lambda count: None, said.append).broken == 1
    assert said[0].startswith("judge, seed 7: the exchange breaks the contract")


def test_a_case_that_comes_out_otherwise_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = next(iter(DIFFERS))
    monkeypatch.setitem(DIFFERS, case_id, Differs("step 1: otherwise", "a wrong table"))
    said: list[str] = []
    assert parts.conformance(said.append).wrong == 1
    assert said[0].startswith(f"conformance, {case_id}: step ")


@of_sources
def test_what_the_simulator_finds_is_said_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def settle(store: Store[Any], *expected: int) -> int:
        await store.settle()
        return expected[-1]

    monkeypatch.setattr(commits, "settle", settle)
    said: list[str] = []
    assert parts.simulator(Here(), range(7, 8), lambda count: None, said.append).failed == 1
    assert said[0].startswith("seed 7 fails")
    assert "make sim SEED=7" in said[0]


def test_the_figures_of_two_runs_add_up(kept: Proof) -> None:
    assert kept.judge is not None
    assert kept.simulator is not None
    assert kept.torture is not None
    took = {"kill": Recoveries(3, 0.2, 0.4, [0.1, 0.2, 0.4])}
    one = msgspec.structs.replace(
        kept,
        judge=msgspec.structs.replace(kept.judge, refused={"MIN_NOTIONAL": 2}, broken=1),
        torture=msgspec.structs.replace(kept.torture, seed=7, recoveries=took),
    )
    other = msgspec.structs.replace(
        one,
        judge=msgspec.structs.replace(kept.judge, refused={"MIN_NOTIONAL": 1, "OUT_OF_RANGE": 1}),
        simulator=None,
        torture=msgspec.structs.replace(kept.torture, seed=8, lost=1, recoveries={"cut": Recoveries(1, 1, 1, [1.0])}),
    )
    both = added(one, other)
    assert both.took_s == 2 * kept.took_s
    assert both.judge is not None
    assert (both.judge.commands, both.judge.broken) == (2 * kept.judge.commands, kept.judge.broken * 2 + 1)
    assert (both.judge.refused, both.judge.reasons) == ({"MIN_NOTIONAL": 3, "OUT_OF_RANGE": 1}, 2)
    assert both.simulator == kept.simulator
    assert both.torture is not None
    assert both.torture.faults == {kind: 2 * count for kind, count in kept.torture.faults.items()}
    assert (both.torture.seed, both.torture.runs) == (8, 2 * kept.torture.runs)
    assert both.torture.lost == 2 * kept.torture.lost + 1
    assert both.torture.recoveries == {"kill": took["kill"], "cut": Recoveries(1, 1, 1, [1.0])}
    assert both.wrong == one.wrong + other.wrong - both.conformance.wrong
