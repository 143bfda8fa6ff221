"""Runs the judge over many stories that hypothesis makes up. A seed makes the same stories again."""

from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.judge import Verdict
from tests.judge_stories import Story, stories, tell

JUDGE = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
)


def verdict_on(count: int, seed: int | None = None, how: settings = JUDGE) -> tuple[str | None, Counter[str]]:
    """The shortest story found that breaks the contract, if any, and what was judged; the same without a seed."""
    seen: Counter[str] = Counter()

    def judged(story: Story) -> None:
        seen["stories"] += 1
        seen.update(tell(story).seen)

    test = settings(how, max_examples=count, derandomize=seed is None)(given(stories())(judged))
    try:
        (test if seed is None else seeded(seed)(test))()
    except Verdict as verdict:
        return str(verdict), seen
    return None, seen
