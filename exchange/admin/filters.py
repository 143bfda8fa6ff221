"""`exchange filters`."""

from typing import Any

import click

from exchange import logs
from exchange.admin.command import Run, shown_json, target_of, target_options


def filters_command(run: Run) -> click.Command:
    """`exchange filters`; `run` runs a coroutine."""

    @click.command()
    @click.argument("bounds", nargs=-1, metavar="[NAME=NUMBER]...")
    @target_options
    def filters(bounds: tuple[str, ...], **where: Any) -> None:
        """Set filters of the whole exchange, and print all of them as JSON; 0 takes one away."""
        body = dict(map(_bound, bounds))
        if body:
            shown = run(lambda: target_of(**where).call("POST", "/admin/filters", body=body))
        else:
            shown = run(lambda: target_of(**where).call("GET", "/markets"))["filters"]
        logs.announce(shown_json(shown))

    return filters


def _bound(text: str) -> tuple[str, int]:
    name, _, number = text.replace("-", "_").partition("=")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER, with a whole number.")
    return name, int(number)
