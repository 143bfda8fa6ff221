"""The recorded half hour of a real market, where the file lies beside the repository."""

from pathlib import Path

import pytest

from exchange.replay.driver import ReplayOptions, replay
from tests.replay.fake import FakeExchange, Fault, serving

DATA = Path(__file__).parents[3] / "shared" / "data"
COMMANDS = DATA / "bitstamp_btcusd_20260502_commands.csv.gz"
TRADES = DATA / "bitstamp_btcusd_20260502_trades.csv"


@pytest.mark.skipif(not COMMANDS.exists(), reason="the recording is not beside the repository")
async def test_a_correct_matcher_does_as_the_real_market_did_though_it_goes_away_now_and_then() -> None:
    fake = FakeExchange({number: Fault("cut", applied=number % 100, away=1) for number in range(50, 2000, 100)})
    async with serving(fake) as url:
        result = await replay(ReplayOptions(COMMANDS, trades=TRADES, url=url))
    assert result.difference is None
    assert result.comparison is not None
    assert (result.comparison.recorded, result.comparison.made) == (284, 284)
    assert (result.sent, result.tally.accepted) == (212_952, 56_369)
    assert (result.tally.canceled, result.tally.cancels_as_recorded) == (56_065, 56_065)
    assert result.tally.refusals == {"WOULD_TAKE": 100_518}
    assert result.reconnects == 20
    assert result.book_empty
    # 2,130 batches if nobody traded: each switch of user costs up to one more.
    assert len(fake.batches) < 2_800
