"""The command, in short: a real exchange and a real PostgreSQL, a few of each fault, and nothing found."""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest

from exchange.runtime import compiled
from exchange.torture import campaign, silence
from exchange.torture.campaign import BOTS, Breaker, torture
from exchange.torture.faults import Fault
from exchange.torture.report import closing_table, figures, sentences
from tests.patience import PATIENCE_S
from tests.whole.process import EXCHANGE, POLL_S, directory, postgres_in

FAULTS = [
    Fault("kill", 0.3),
    Fault("cut", 0.2, 0.05, "hold answers"),
    Fault("postgres kill", 0.2, waits=False),
    Fault("kill", 0.2),
    Fault("postgres restart", 0.3),
    Fault("second start", 0.1),
    Fault("freeze", 0.1, 1.2),
    Fault("full disk", 0.1),
    Fault("kill", 0.1, 0.05, "freeze"),
]


def test_a_short_run_finds_nothing() -> None:
    said: list[str] = []
    result = asyncio.run(torture(11, FAULTS, said.append))
    assert sentences(result) == []
    history, tally = result.history, result.tally
    expected = Counter(fault.kind for fault in FAULTS if not (fault.kind == "full disk" and tally.skipped))
    assert tally.done == expected
    assert tally.starts >= 4
    assert tally.audit.startswith("all is right")
    assert len(history.second_starts) == 1
    assert any(command.attempts > 1 for command in history.commands)
    assert all(history.final.trades.values())
    assert len(history.final.fills) == 2 * sum(len(trades) for trades in history.final.trades.values())
    assert {heard.channel.partition("@")[0] for heard in history.heard} == {"trade", "depth", "orders", "balances"}
    bots = [command for command in history.commands if command.user_id in BOTS]
    assert {(c.user_id, c.kind) for c in bots if c.acknowledged} >= {(b, k) for b in BOTS for k in ("place", "cancel")}
    assert any(command.lost for command in bots)
    assert {report.user_id for report in history.reports if report.trade is not None} == set(BOTS)
    assert len(history.guests) > 3
    assert history.final.guests.keys() == {guest.user_id for guest in history.guests}
    assert history.listed
    assert closing_table(result).row_count > 10
    made = figures(result)
    assert (made["lost"], made["doubled"], made["wrong"]) == (0, 0, 0)
    assert made["faults"]["kills"] == 3
    assert made["commands"] == made["acknowledged"] + made["refused"]


def test_silence_is_a_finding_that_says_what_everybody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault: somebody locks the journal, and never lets go."""

    locking: list[Any] = []
    told = Breaker.told

    async def lock(self: Breaker, fault: Fault) -> float:
        locking.append(await asyncpg.connect(self._database.dsn))
        await locking[0].execute("BEGIN; LOCK TABLE journal")
        monkeypatch.setattr(campaign, "RECOVERY_S", 2.0)
        return time.monotonic()

    async def unlock(self: Breaker) -> str:
        said = await told(self)
        await locking[0].close()
        return said

    monkeypatch.setattr(Breaker, "do", lock)
    monkeypatch.setattr(Breaker, "told", unlock)
    monkeypatch.setattr(silence, "ASKS_S", 4.0)
    result = asyncio.run(torture(11, [Fault("kill", 0.3)], print))
    assert closing_table(result).row_count > 10  # there is one, though no recovery has a duration
    [said] = sentences(result)
    assert said.startswith("wrong: nothing was answered after Fault(kind='kill'")
    assert "s of processor time" in said
    assert "--- GET /health" in said
    assert "Lock relation" in said  # what PostgreSQL says of the exchange's connection
    assert compiled.fits() or "Writer._commit_next" in said  # where the writer is; compiled code has no frames
    assert "Command of " in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_leaves_no_process_and_no_file(number: signal.Signals) -> None:
    with directory() as place:
        process = subprocess.Popen(
            [EXCHANGE, "torture"],
            cwd=place,
            env=os.environ | {"TMPDIR": str(place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + PATIENCE_S
        while not any("is ready" in log.read_text() for log in place.glob("exchange-torture-*/exchange.log")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(POLL_S)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 130
        assert postgres_in(place) == []
        assert [process for process in psutil.process_iter(["cmdline"]) if str(place) in str(process.info)] == []
        assert list(place.iterdir()) == []
