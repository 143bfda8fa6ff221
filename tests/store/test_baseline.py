"""The baseline of the journal: any state comes back as it was, and a replay begins from it."""

import pytest
from hypothesis import given, settings

from exchange.core.state import VenueState
from exchange.failure import Failure
from exchange.store import baseline
from tests.judge_stories import Story, stories, tell


class Rows:
    """A connection with these rows of the baseline."""

    def __init__(self, *rows: tuple[int, str]) -> None:
        self.rows = [{"codec_version": version, "content": content} for version, content in rows]

    async def fetch(self, _: str) -> list[dict[str, object]]:
        return self.rows


async def loaded(state: VenueState) -> VenueState:
    return await baseline.load(Rows(*((baseline.CODEC_VERSION, text) for text in baseline.encode(state))))


@settings(deadline=None, derandomize=True, max_examples=40, database=None)
@given(stories())
async def test_any_state_comes_back_as_it_was(story: Story) -> None:
    state = tell(story).venue.state()
    assert await loaded(state) == state


async def test_a_long_list_is_in_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "PART_MAX", 3)
    state = VenueState(sequence=7, users=[f"user-{number}" for number in range(8)])
    assert len(list(baseline.encode(state))) == 1 + 3
    assert await loaded(state) == state


async def test_a_new_database_begins_from_the_empty_venue() -> None:
    assert await baseline.load(Rows((1, "{}"))) == VenueState()


@pytest.mark.parametrize("rows", [(), ((baseline.CODEC_VERSION + 1, "{}"),), ((1, "{}"), (2, "{}"))])
async def test_a_baseline_that_is_missing_or_of_another_version_is_not_read(rows: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(Failure, match="cannot be read"):
        await baseline.load(Rows(*rows))
