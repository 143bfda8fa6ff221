"""An independent judge of the core: the model's word against the venue's, over stories that hypothesis makes up."""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.judge import Verdict
from tests.judge_stories import Story, stories, tell

CASES = int(os.environ.get("JUDGE_CASES", "300"))
JUDGE = settings(
    deadline=None,
    max_examples=CASES,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=CASES <= 300,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
)


def verdict_of(judged: Callable[[], None]) -> str | None:
    """The shortest story that hypothesis found to break the contract, without its own notes."""
    try:
        judged()
    except Verdict as verdict:
        return str(verdict)
    return None


def test_the_venue_does_what_the_contract_says() -> None:
    seen: Counter[str] = Counter()

    @JUDGE
    @given(stories())
    def judged(story: Story) -> None:
        judge = tell(story)
        seen.update(judge.seen)
        seen["stories"] += 1

    verdict = verdict_of(judged)
    if verdict is not None:
        pytest.fail(verdict, pytrace=False)
    print(f"judged {seen.pop('stories')} stories: " + ", ".join(f"{n} {what}" for what, n in seen.most_common()))
