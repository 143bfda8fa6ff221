"""An exchange that goes away mid-batch: what it ends with is what it would have ended with anyway."""

import random
from pathlib import Path

import pytest

from exchange.failure import Failure
from exchange.replay.driver import ReplayOptions, ReplayResult, replay
from tests.replay.fake import FakeExchange, Fault, FaultKind, serving
from tests.replay.stories import random_story, record, write_commands, write_trades

# Post-only orders that are refused where they stand, and would rest if they were sent again a little later.
TREACHEROUS = [
    "1 ask limit 100 5",
    "2 bid post_only 101 1",
    "cancel 1 ask 100 5",
    "3 bid limit 99 2",
    "4 ask post_only 98 1",
    "5 bid post_only 97 3",
    "cancel 3 bid 99 2",
    "cancel 5 bid 97 3",
    "6 ask limit 105 4",
    "7 bid post_only 106 1",
    "8 bid post_only 107 1",
    "cancel 6 ask 105 4",
    "9 ask limit 110 1",
    "10 bid post_only 111 1",
    "11 bid post_only 112 1",
]
KINDS: tuple[FaultKind, ...] = ("cut", "not_ready", "outcome_unknown", "items_unknown", "applied_late")


class Story:
    """A recording on disk, and what an undisturbed exchange makes of it."""

    def __init__(self, folder: Path, lines: list[str]) -> None:
        self.length = len(lines)
        self.file = write_commands(folder / "commands.csv", lines)
        self.trades = write_trades(folder / "trades.csv", record(lines)[1])

    async def run(
        self, fake: FakeExchange, *, resume: bool = False, retry_s: float = 20, batch_max: int = 100
    ) -> ReplayResult:
        async with serving(fake) as url:
            return await replay(
                ReplayOptions(
                    self.file, trades=self.trades, url=url, retry_s=retry_s, resume=resume, batch_max=batch_max
                )
            )

    async def undisturbed(self) -> FakeExchange:
        fake = FakeExchange()
        result = await self.run(fake)
        assert result.difference is None
        assert result.sent == self.length
        assert (result.reconnects, result.tally.recovered) == (0, 0)
        return fake


@pytest.fixture
def treacherous(tmp_path: Path) -> Story:
    return Story(tmp_path, TREACHEROUS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("applied", range(len(TREACHEROUS) + 1))
async def test_a_batch_cut_anywhere_ends_as_if_it_had_not_been(
    treacherous: Story, kind: FaultKind, applied: int
) -> None:
    expected = (await treacherous.undisturbed()).matcher.state()
    fake = FakeExchange({0: Fault(kind, applied, answered=applied // 2, away=applied % 3)})
    result = await treacherous.run(fake)
    assert fake.matcher.state() == expected
    assert result.difference is None
    assert result.sent == treacherous.length
    assert result.tally.refusals == {"WOULD_TAKE": 6}
    assert (result.tally.accepted, result.tally.canceled, result.tally.cancels_as_recorded) == (5, 4, 4)
    assert result.reconnects == 1


async def test_sending_the_whole_batch_again_would_have_ended_otherwise(treacherous: Story) -> None:
    """The story is worth its name: without the search for what was applied, the recovery tests above would fail."""
    expected = (await treacherous.undisturbed()).matcher.state()
    fake = await treacherous.undisturbed()
    for line in ("2 bid post_only 101 1", "4 ask post_only 98 1"):
        number, side, _, price, quantity = line.split()
        again = {
            "market": "BTC_USD",
            "side": {"bid": "buy", "ask": "sell"}[side],
            "order_type": "limit",
            "price": price,
            "quantity": quantity,
            "client_order_id": f"r-{number}",
        }
        fake.matcher.place("replay-a", again)
    assert fake.matcher.state() != expected


async def test_what_was_applied_but_not_answered_is_counted_as_recovered(treacherous: Story) -> None:
    result = await treacherous.run(FakeExchange({0: Fault("cut", applied=9)}))
    recovered = [outcome for outcome in result.tally.acknowledged if outcome.recovered]
    assert [outcome.command.seq for outcome in recovered] == list(range(9))
    assert result.tally.recovered == 9
    refused = [outcome.code for outcome in recovered if outcome.code is not None]
    assert refused == ["WOULD_TAKE", "WOULD_TAKE"]
    assert [outcome.status for outcome in recovered if outcome.command.action == "cancel"] == ["canceled"] * 3


async def test_items_that_were_answered_are_not_recovered(treacherous: Story) -> None:
    result = await treacherous.run(FakeExchange({0: Fault("items_unknown", applied=9, answered=6)}))
    assert [outcome.command.seq for outcome in result.tally.acknowledged if outcome.recovered] == [6, 7, 8]


@pytest.mark.parametrize("seed", range(8))
async def test_an_exchange_that_fails_in_every_other_batch_changes_nothing(tmp_path: Path, seed: int) -> None:
    story = Story(tmp_path, random_story(seed, 50))
    expected = (await story.undisturbed()).matcher.state()
    chance = random.Random(seed)
    faults = {}
    for number in range(0, 60, 2):
        applied = chance.randint(0, 6)
        faults[number] = Fault(chance.choice(KINDS), applied, chance.randint(0, applied), chance.randint(0, 1))
    fake = FakeExchange(faults)
    result = await story.run(fake, batch_max=6)
    assert fake.matcher.state() == expected
    assert result.difference is None
    assert result.reconnects > 0
    assert sum(result.tally.refusals.values()) + result.tally.accepted + result.tally.canceled == story.length


@pytest.mark.parametrize("kind", ["cut", "applied_late"])
@pytest.mark.parametrize("applied", range(len(TREACHEROUS) + 1))
async def test_a_client_that_was_killed_resumes_where_it_was(treacherous: Story, kind: FaultKind, applied: int) -> None:
    expected = (await treacherous.undisturbed()).matcher.state()
    fake = FakeExchange({0: Fault(kind, applied)})
    with pytest.raises(Failure, match="continue with --resume"):
        await treacherous.run(fake, retry_s=0)
    result = await treacherous.run(fake, resume=True)
    assert fake.matcher.state() == expected
    assert result.skipped + result.sent == treacherous.length
    assert result.difference is None
    assert len(fake.deposits) == 2, "what both runs deposited has the same keys"


@pytest.mark.parametrize("seed", range(8))
async def test_a_long_recording_is_resumed_in_any_of_its_batches(tmp_path: Path, seed: int) -> None:
    story = Story(tmp_path, random_story(100 + seed, 50))
    expected = (await story.undisturbed()).matcher.state()
    fake = FakeExchange({3 + seed: Fault("cut", seed % 4)})
    with pytest.raises(Failure, match="continue with --resume"):
        await story.run(fake, retry_s=0, batch_max=4)
    before = sum(size for _, size in fake.batches)
    result = await story.run(fake, resume=True, batch_max=4)
    assert fake.matcher.state() == expected
    assert before - 4 - story.length < result.skipped <= before
    assert result.difference is None


async def test_resuming_a_finished_run_sends_no_order_again(treacherous: Story) -> None:
    fake = await treacherous.undisturbed()
    expected = fake.matcher.state()
    result = await treacherous.run(fake, resume=True)
    # The two refusals at the end left no trace, so they are asked once more, of the same book.
    assert (result.skipped, result.sent) == (treacherous.length - 2, 2)
    assert fake.matcher.state() == expected


async def test_resuming_what_never_began_begins(treacherous: Story) -> None:
    fake = FakeExchange()
    result = await treacherous.run(fake, resume=True)
    assert (result.skipped, result.sent) == (0, treacherous.length)
    assert fake.matcher.state() == (await treacherous.undisturbed()).matcher.state()


async def test_an_exchange_that_stays_away_ends_the_run(treacherous: Story) -> None:
    fake = FakeExchange({0: Fault("cut", 3, away=10**6)})
    with pytest.raises(Failure, match=r"did not answer within 0\.2 s"):
        await treacherous.run(fake, retry_s=0.2)


async def test_an_exchange_that_answers_but_never_gets_ahead_ends_the_run(treacherous: Story) -> None:
    fake = FakeExchange({number: Fault("not_ready", 0) for number in range(1000)})
    with pytest.raises(Failure, match=r"did not answer within 0\.2 s"):
        await treacherous.run(fake, retry_s=0.2)


async def test_why_a_lost_command_was_refused_is_inferred(tmp_path: Path) -> None:
    # One user has all orders, so order 2 expires before its owner's order 1, and its cancel finds it closed.
    lines = ["1 ask limit 100 1", "2 bid limit 100 1", "cancel 2 bid 100 1", "3 ask limit 101 1"]
    story = Story(tmp_path, lines)
    write_trades(story.trades, [])
    result = await story.run(FakeExchange({0: Fault("cut", applied=4)}))
    assert result.tally.recovered == 4
    assert result.tally.refusals == {"ORDER_CLOSED": 1}
    assert result.difference == "seq 2 (cancel of 2) was refused with ORDER_CLOSED"
