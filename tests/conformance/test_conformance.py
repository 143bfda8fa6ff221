"""Other engines' own tests, case by case, through this exchange's core."""

from pathlib import Path

import pytest

from tests.conformance.cases import APPLICABLE, CASES, HERE, NOT_HERE, Case
from tests.conformance.differs import DIFFERS, rendered
from tests.conformance.runner import Difference, Run

JUDGED = (
    *("trades", "matched", "state", "filled_qty", "cancelled_qty", "exec", "ok"),
    *("triggered", "then_trades", "cancels_both_legs", "cancelled_ids", "cancelled_qtys"),
)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.case_id) for case in APPLICABLE])
def test_case(case: Case) -> None:
    differs = DIFFERS.get(case.case_id)
    assert difference_of(case) == (differs and differs.how)


def difference_of(case: Case) -> str | None:
    """The first thing that comes out otherwise than the case has it."""
    try:
        Run(case).run()
    except Difference as difference:
        return str(difference)
    return None


def test_every_feature_is_here_or_has_a_reason_not_to_be() -> None:
    assert frozenset().union(*(case.features for case in CASES)) <= HERE | NOT_HERE.keys()
    assert not HERE & NOT_HERE.keys()


def test_only_cases_that_run_can_differ() -> None:
    assert DIFFERS.keys() <= {case.case_id for case in APPLICABLE}


def test_no_two_cases_have_the_same_name() -> None:
    assert len({case.case_id for case in CASES}) == len(CASES)


def test_the_page_says_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "write it anew: python -m tests.conformance"


def test_a_wrong_expectation_is_seen() -> None:
    """Each kind of expectation fails when it is turned into something else: nothing is skipped over."""
    for case in (case for case in APPLICABLE if case.case_id not in DIFFERS):
        for number, step in enumerate(case.steps):
            for key in JUDGED:
                if key in step.get("expect", {}):
                    _assert_seen(case, number, {**step, "expect": {**step["expect"], key: wrong(step["expect"][key])}})
            if step["op"].startswith("check_"):
                for key in step.keys() - {"op", "id", "user", "side", "asset", "bids_end", "asks_end"}:
                    _assert_seen(case, number, {**step, key: wrong(step[key])})


def _assert_seen(case: Case, number: int, wrong_step: dict[str, object]) -> None:
    steps = (*case.steps[:number], wrong_step, *case.steps[number + 1 :])
    assert difference_of(Case(case.case_id, case.features, case.symbol, steps)) is not None, (case.case_id, wrong_step)


def wrong(value: object) -> object:
    """Something else of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case "open" | "cancelled" | "pending_trigger":
            return "filled"
        case "filled":
            return "open"
        case list():
            return [*value, [1, 1, 1]]
        case dict():
            return {key: wrong(inner) for key, inner in value.items()}
    raise AssertionError(value)
