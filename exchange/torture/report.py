"""The report of a run: for a terminal, for a log, and as numbers."""

import statistics
from typing import Any

from rich.table import Table

from exchange.torture.campaign import Result
from exchange.torture.faults import KINDS
from exchange.torture.record import Command, Deposit, ListCommand, Move

FINDINGS_SHOWN_MAX = 50


def figures(result: Result) -> dict[str, Any]:
    """The numbers of a run by name, times in seconds. Names of faults are plural."""
    history, tally = result.history, result.tally
    sent: list[Command | Deposit | Move | ListCommand] = [*history.commands, *history.deposits, *history.moves]
    sent += history.lists
    refused = sum(one.settled and one.code is not None for one in sent if not isinstance(one, Deposit))
    recoveries = {
        fault: {
            "count": len(took_s),
            "p50_s": round(statistics.median(took_s), 3),
            "max_s": round(max(took_s), 3),
            "times_s": [round(each_s, 3) for each_s in took_s],
        }
        for fault, took_s in sorted(tally.recoveries_s.items())
    }
    found = {verdict: sum(f.verdict == verdict for f in result.findings) for verdict in ("lost", "doubled", "wrong")}
    return {
        "seed": history.seed,
        "faults": {plural(kind): tally.done[kind] for kind in KINDS},
        "starts": tally.starts,
        "ended_by_itself": len(history.ends),
        "commands": len(sent),
        "acknowledged": sum(one.settled for one in sent) - refused,
        "refused": refused,
        "answers_lost": sum(one.lost for one in sent),
        "sent_again": sum(one.attempts > 1 for one in sent),
        "recoveries": recoveries,
        "trades": sum(len(trades) for trades in history.final.trades.values()),
        "fills": len(history.final.fills),
        "orders": len(history.final.orders),
        "orders_open": len(history.final.open_orders),
        "lists": len(history.final.lists),
        "events": len(history.heard),
        "connections": tally.connections,
        "books_read": len(history.depths),
        "audit": tally.audit or "not reached",
        **found,
        "took_s": round(tally.took_s),
    }


def plural(kind: str) -> str:
    """The name of several faults of a kind."""
    return f"{kind}s"


def closing_table(result: Result) -> Table:
    """The table of what was done, and what was lost and doubled."""
    made, skipped = figures(result), result.tally.skipped
    table = Table("", "", title=f"Torture with seed {made['seed']}", show_header=False, title_justify="left")
    for kind, done in made["faults"].items():
        table.add_row(kind, f"{done}{f' (skipped: {skipped})' if kind == plural('full disk') and skipped else ''}")
    table.add_row(
        "starts of the exchange", f"{made['starts']} ({made['ended_by_itself']} after it had ended by itself)"
    )
    table.add_row("commands sent", str(made["commands"]))
    table.add_row("acknowledged", f"{made['acknowledged']}, and {made['refused']} refused")
    table.add_row("answers lost, commands sent again", f"{made['answers_lost']}, {made['sent_again']}")
    for fault, took in made["recoveries"].items():
        table.add_row(
            f"recoveries from {fault}", f"{took['count']}: p50 {took['p50_s']:.2f} s, max {took['max_s']:.2f} s"
        )
    table.add_row("trades, fills", f"{made['trades']}, {made['fills']}")
    table.add_row("orders", f"{made['orders']}, {made['orders_open']} of them open at the end")
    table.add_row("lists of orders", str(made["lists"]))
    heard = f"{made['events']} on {made['connections']} connections, and {made['books_read']} reads of books"
    table.add_row("events checked", heard)
    table.add_row("exchange check --replay", made["audit"])
    for verdict in ("lost", "doubled", "wrong"):
        table.add_row(verdict, str(made[verdict] or "nothing"))
    table.add_row("took", f"{made['took_s']} s")
    return table


def sentences(result: Result) -> list[str]:
    """The findings, one line each."""
    shown = [str(finding) for finding in result.findings[:FINDINGS_SHOWN_MAX]]
    more = len(result.findings) - len(shown)
    return [*shown, f"and {more} more"] if more else shown
