"""`exchange replay --loop`: the recorded market again and again, while another user trades in it."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exchange.failure import Failure
from exchange.replay.command import replay_command
from exchange.replay.driver import ReplayOptions
from exchange.replay.loop import LoopTally, loop
from tests.replay.fake import FakeExchange, Fault, serving
from tests.replay.stories import write_commands

# Alone in the market: a trade, a refused post-only order, a cancel; and one ask stays.
LINES = [
    "1 ask limit 10000 100000000",
    "2 ask limit 10100 100000000",
    "3 bid limit 10000 100000000",
    "4 bid post_only 10100 100000000",
    "5 bid limit 9900 100000000",
    "cancel 5 bid 9900 100000000",
]


class Times:
    """Runs so many times, with something done before some of them."""

    def __init__(self, folder: Path, fake: FakeExchange) -> None:
        self.fake = fake
        self.file = write_commands(folder / "commands.csv", LINES)
        self.begun: list[int] = []
        self.tally = LoopTally("")

    async def run(self, count: int) -> LoopTally:
        """A tally that is as it was when the time after the last was about to begin."""
        this = asyncio.current_task()
        assert this is not None

        def on_start(number: int, tally: LoopTally) -> None:
            self.begun.append(number)
            self.tally = tally
            if tally.started == count:
                this.cancel()

        async with serving(self.fake) as url:
            with pytest.raises(asyncio.CancelledError):
                await loop(ReplayOptions(self.file, url=url), on_start=on_start)
        this.uncancel()
        return self.tally


def names(fake: FakeExchange, status: str) -> list[str]:
    return [order.client_order_id for order in fake.matcher.orders.values() if order.status == status]


async def test_each_time_is_as_the_first_under_new_names(tmp_path: Path) -> None:
    fake = FakeExchange()
    times = Times(tmp_path, fake)
    tally = await times.run(3)
    assert times.begun == [1, 2, 3, 4]
    assert (tally.accepted, tally.canceled, tally.refusals) == (12, 3, {"WOULD_TAKE": 3})
    assert len(fake.matcher.trades) == 3
    assert names(fake, "canceled") == ["r1-2", "r1-5", "r2-2", "r2-5", "r3-2", "r3-5"], "what is left is canceled"


async def test_a_new_run_takes_numbers_that_the_old_one_has_not(tmp_path: Path) -> None:
    fake = FakeExchange()
    await Times(tmp_path, fake).run(2)
    again = Times(tmp_path, fake)
    tally = await again.run(1)
    assert again.begun == [3, 4]
    assert (tally.accepted, tally.canceled) == (4, 1)


async def test_what_a_stranger_does_changes_what_happens_and_is_no_failure(tmp_path: Path) -> None:
    fake = FakeExchange()
    # The stranger's ask takes the place of the replay's own, and then meets the bid that should have been canceled.
    ask = {"market": "BTC_USD", "side": "sell", "order_type": "limit", "price": "99", "quantity": "2"}
    fake.matcher.place("bot", ask | {"client_order_id": "bot-1"})
    tally = await Times(tmp_path, fake).run(1)
    assert tally.refusals["ORDER_CLOSED"] == 1
    assert tally.canceled == 0
    assert {trade.maker.user_id for trade in fake.matcher.trades} >= {"bot"}


@pytest.mark.parametrize("kind", ["cut", "not_ready", "outcome_unknown", "overloaded"])
async def test_a_lost_answer_makes_no_second_order(tmp_path: Path, kind: str) -> None:
    fake = FakeExchange({0: Fault(kind, 1, away=1), 2: Fault(kind, 1)})  # type: ignore[arg-type]
    tally = await Times(tmp_path, fake).run(2)
    assert len([name for name in names(fake, "filled") if name.endswith("-3")]) <= 2
    assert len(fake.matcher.orders) == len({order.client_order_id for order in fake.matcher.orders.values()}) == 8
    assert tally.accepted == 8


async def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    file = write_commands(tmp_path / "commands.csv", [])
    async with serving(FakeExchange()) as url:
        with pytest.raises(Failure, match="no commands"):
            await loop(ReplayOptions(file, url=url))


async def test_ctrl_c_ends_the_command_well(tmp_path: Path) -> None:
    fake = FakeExchange()
    file = write_commands(tmp_path / "commands.csv", LINES)
    async with serving(fake) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exchange", "replay", str(file), "--url", url, "--loop", "--speed", "1000"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        lines += (await process.stdout.read()).decode().splitlines()
        assert await process.wait() == 0
    assert lines[0] == "round 1 begins\n"
    assert lines[1] == "round 2 begins; 4 accepted, 1 canceled, 1 refused WOULD_TAKE, 0 reconnects so far\n"
    assert lines[-1].startswith("ended; ")
    assert names(fake, "open") == [], "what it had open is canceled"


@pytest.mark.parametrize("options", [["--loop", "--resume"], ["--speed", "0"], ["--speed", "fast"], ["--speed", "inf"]])
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: list[str]) -> None:
    file = write_commands(tmp_path / "commands.csv", LINES)
    assert CliRunner().invoke(replay_command, [str(file), *options]).exit_code == 2
