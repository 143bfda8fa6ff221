"""Runs the judge over many stories: hypothesis makes up those that the exchange must pass, and makes a failure short.

Stories that are to catch a planted error are made up by chance alone, in less time. A seed makes the same stories
again.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from exchange.core.venue import Venue
from exchange.runtime import compiled
from tests.judge import Verdict
from tests.judge_stories import Story, stories, story_by_chance, tell

JUDGE = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
)

STORIES_MAX = 5_000  # until one catches an error that was planted; it ends with the first

of_sources = pytest.mark.skipif(compiled.in_use(), reason="no wrong rule can be planted in what is compiled")

Error = Callable[[pytest.MonkeyPatch], None]


def verdict_on(
    count: int, seed: int | None = None, how: settings = JUDGE, about: str | None = None
) -> tuple[str | None, Counter[str]]:
    """The shortest story found that breaks the contract, if any, and what was judged; the same without a seed.

    `about` is a theme of `judge_themes`; without it the stories are about everything.
    """
    seen: Counter[str] = Counter()

    def judged(story: Story) -> None:
        seen["stories"] += 1
        seen.update(tell(story).seen)

    test = settings(how, max_examples=count, derandomize=seed is None)(given(stories(about))(judged))
    try:
        (test if seed is None else seeded(seed)(test))()
    except Verdict as verdict:
        return str(verdict), seen
    return None, seen


def planted(errors: dict[str, Iterable[Error]]) -> pytest.MarkDecorator:
    """Each error with the theme of the stories that are to catch it, as the parameters of a test."""
    return pytest.mark.parametrize(
        ("error", "about"),
        [pytest.param(error, about, id=str(error.__name__)) for about, some in errors.items() for error in some],
    )


def assert_caught(plant: pytest.MonkeyPatch, error: Error, about: str) -> None:
    """Plant an error, and fail unless stories of that theme tell the judge of it: the venue's own checks are off."""
    plant.setattr(Venue, "check", lambda self: None)
    error(plant)
    chance = Random(0)
    for number in range(STORIES_MAX):
        try:
            tell(story_by_chance(chance, about))
        except Verdict as verdict:
            print(f"caught by story {number + 1} about {about}, as\n{verdict}")
            return
    pytest.fail(f"{STORIES_MAX} stories about {about} did not tell of the error")
