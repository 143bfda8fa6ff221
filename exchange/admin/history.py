"""`exchange audit` and `exchange ledger`: what administrators did, and what moved the money of an account."""

from typing import Any

import click

from exchange import logs
from exchange.admin.command import Run, pages, shown_json, target_of, target_options

LAST = click.option("--last", default=100, show_default=True, type=click.IntRange(min=1), help="How many at most.")


def commands(run: Run) -> tuple[click.Command, ...]:
    """The commands; `run` runs a coroutine."""
    return _audit(run), _ledger(run)


def _audit(run: Run) -> click.Command:
    @click.command()
    @LAST
    @target_options
    def audit(last: int, **where: Any) -> None:
        """Show what administrators did, from where and when, newest first, one JSON object a line."""
        for row in run(lambda: pages(target_of(**where), "/admin/audit", "actions", "before", most=last)):
            logs.announce(shown_json(row))

    return audit


def _ledger(run: Run) -> click.Command:
    @click.command()
    @click.argument("user_id", metavar="USER")
    @click.option("--asset", help="Only this asset.")
    @LAST
    @target_options
    def ledger(user_id: str, asset: str | None, last: int, **where: Any) -> None:
        """Show the postings of USER, or of @fees, newest first, one JSON object a line."""
        listed = ("/admin/ledger", "postings", "before")
        for row in run(lambda: pages(target_of(**where), *listed, most=last, user_id=user_id, asset=asset)):
            logs.announce(shown_json(row))

    return ledger
