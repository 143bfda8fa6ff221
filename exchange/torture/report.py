"""What a run looks like in a terminal, and in a log."""

import statistics

from rich.table import Table

from exchange.torture.faults import KINDS
from exchange.torture.history import Command, Deposit
from exchange.torture.run import Result

FINDINGS_SHOWN_MAX = 50


def closing_table(result: Result) -> Table:
    """All that was done, and what is lost and doubled."""
    history, tally = result.history, result.tally
    table = Table("", "", title=f"Torture with seed {history.seed}", show_header=False, title_justify="left")
    for kind in KINDS:
        skipped = f" (skipped: {tally.skipped})" if kind == "full disk" and tally.skipped else ""
        table.add_row(kind + ("s" if not kind.endswith("s") else ""), f"{tally.done[kind]}{skipped}")
    sent: list[Command | Deposit] = [*history.commands, *history.deposits]
    table.add_row("starts of the exchange", f"{tally.starts} ({len(history.ends)} after it had ended by itself)")
    table.add_row("commands sent", str(len(sent)))
    refused = sum(command.settled and command.code is not None for command in history.commands)
    table.add_row("acknowledged", f"{sum(one.settled for one in sent) - refused}, and {refused} refused")
    table.add_row(
        "answers lost, commands sent again", f"{sum(one.lost for one in sent)}, {sum(one.attempts > 1 for one in sent)}"
    )
    for fault, took_s in sorted(tally.recoveries_s.items()):
        measured = f"{len(took_s)}: p50 {statistics.median(took_s):.2f} s, max {max(took_s):.2f} s"
        table.add_row(f"recoveries from {fault}", measured)
    table.add_row("trades, fills", f"{_trades(result)}, {len(history.final.fills)}")
    table.add_row("orders", f"{len(history.final.orders)}, {len(history.final.open_orders)} of them open at the end")
    events = f"{len(history.heard)} on {tally.connections} connections, and {len(history.depths)} reads of books"
    table.add_row("events checked", events)
    table.add_row("exchange check --replay", tally.audit or "not reached")
    for verdict in ("lost", "doubled", "wrong"):
        count = sum(finding.verdict == verdict for finding in result.findings)
        table.add_row(verdict, str(count) if count else "nothing")
    table.add_row("took", f"{tally.took_s:.0f} s")
    return table


def sentences(result: Result) -> list[str]:
    """The findings, a line each."""
    shown = [str(finding) for finding in result.findings[:FINDINGS_SHOWN_MAX]]
    more = len(result.findings) - len(shown)
    return [*shown, f"and {more} more"] if more else shown


def _trades(result: Result) -> int:
    return sum(len(trades) for trades in result.history.final.trades.values())
