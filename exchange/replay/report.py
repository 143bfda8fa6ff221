"""What a run looks like in a terminal, and in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from exchange.replay.driver import ReplayResult
from exchange.replay.loop import LoopTally

LINE_EVERY_S = 10.0


@contextmanager
def progress_view(
    console: Console, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, elsewhere a line now and then."""
    if not console.is_terminal:
        yield _lines(console, clock)
        return
    columns = (TextColumn("commands"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("commands", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(console: Console, clock: Callable[[], float]) -> Callable[[int, int], None]:
    said_at = clock()

    def say(done: int, total: int) -> None:
        nonlocal said_at
        now = clock()
        if now - said_at >= LINE_EVERY_S:
            said_at = now
            console.print(f"{done} of {total} commands", highlight=False)

    return say


def closing_table(result: ReplayResult) -> Table:
    """All that was counted, a row each."""
    tally = result.tally
    table = Table("", "", title=f"Replay on {result.market}", show_header=False, title_justify="left")
    table.add_row("commands sent", _of(result.sent, result.commands, result.skipped))
    table.add_row("accepted", str(tally.accepted))
    table.add_row("canceled", str(tally.canceled))
    table.add_row("… with the recorded remainder", f"{tally.cancels_as_recorded} of {tally.canceled}")
    for code, count in sorted(tally.refusals.items()):
        table.add_row(f"refused {code}", str(count))
    table.add_row("trades", str(result.trades))
    table.add_row("commands/s", f"{result.commands_per_s:,.0f}")
    table.add_row("latency of a batch p50, p99", f"{_ms(result.latency_s(50))}, {_ms(result.latency_s(99))}")
    table.add_row("reconnects", f"{result.reconnects} ({tally.recovered} outcomes recovered)")
    table.add_row("book at the end", "empty" if result.book_empty else "not empty")
    if result.comparison is not None:
        verdict = "as recorded" if result.comparison.difference is None else "different"
        table.add_row("trades against the recording", f"{result.comparison.recorded} recorded: {verdict}")
    return table


def differences(result: ReplayResult) -> list[str]:
    """A sentence each: the first command and the first trade that differ from the recording."""
    sentences = []
    if result.tally.first_difference is not None:
        sentences.append(
            f"{result.tally.unexpected} commands had other outcomes than recorded; "
            f"the first: {result.tally.first_difference}."
        )
    if result.comparison is not None and result.comparison.difference is not None:
        sentences.append(f"The trades differ: {result.comparison.difference}.")
    return sentences


def tally_line(tally: LoopTally) -> str:
    """What a loop has done, in a line."""
    refused = "".join(f", {count} refused {code}" for code, count in sorted(tally.refusals.items()))
    return f"{tally.accepted} accepted, {tally.canceled} canceled{refused}, {tally.reconnects} reconnects"


def _of(sent: int, commands: int, skipped: int) -> str:
    return f"{sent} of {commands}" + (f" ({skipped} applied by an earlier run)" if skipped else "")


def _ms(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds * 1000:.1f} ms"
