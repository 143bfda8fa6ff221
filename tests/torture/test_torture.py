"""The command, in short: a real exchange and a real PostgreSQL, a few of each fault, and nothing found."""

import asyncio
from collections import Counter

from exchange.torture.faults import Fault
from exchange.torture.report import closing_table, sentences
from exchange.torture.run import torture

FAULTS = [
    Fault("kill", 0.3),
    Fault("cut", 0.2, 0.05, "hold answers"),
    Fault("postgres kill", 0.2, waits=False),
    Fault("kill", 0.2),
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
    assert closing_table(result).row_count > 10
