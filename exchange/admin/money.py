"""`exchange withdrawal …`, `exchange transfer`, `exchange reset` and `exchange balance`."""

from typing import Any

import click

from exchange import logs
from exchange.admin.command import Run, balances_of, pages, shown_json, target_of, target_options

KEY = click.option("--key", required=True, help="A name of its own: each key counts once.")


def commands(run: Run) -> tuple[click.Command, ...]:
    """The commands; `run` runs a coroutine."""
    return _withdrawals(run), _transfer(run), _reset(run), _balance(run)


def _withdrawals(run: Run) -> click.Group:
    @click.group()
    def withdrawal() -> None:
        """Withdraw money in two steps: request, then settle or release."""

    @withdrawal.command()
    @click.argument("user_id", metavar="USER")
    @click.argument("asset")
    @click.argument("amount")
    @KEY
    @target_options
    def request(user_id: str, asset: str, amount: str, key: str, **where: Any) -> None:
        """Lock AMOUNT of ASSET of USER, or of @fees, until the withdrawal is settled or released."""
        body = {"user_id": user_id, "asset": asset, "amount": amount, "key": key}
        logs.announce(shown_json(run(lambda: target_of(**where).call("POST", "/admin/withdrawals", body=body))))

    @withdrawal.command("list")
    @click.argument("user_id", metavar="[USER]", required=False)
    @click.option("--all", "with_ended", is_flag=True, help="Those that have ended, too.")
    @target_options
    def list_withdrawals(user_id: str | None, with_ended: bool, **where: Any) -> None:
        """List the pending withdrawals of USER, or of all users, one JSON object a line."""
        listed, status = ("/admin/withdrawals", "withdrawals", "before"), None if with_ended else "pending"
        for row in run(lambda: pages(target_of(**where), *listed, user_id=user_id, status=status)):
            logs.announce(shown_json(row))

    for action, summary in (
        ("settle", "Settle the withdrawal KEY: the amount has left the exchange."),
        ("release", "Release the withdrawal KEY: the amount is available again."),
    ):
        withdrawal.add_command(_ending(run, action, summary))
    return withdrawal


def _ending(run: Run, action: str, summary: str) -> click.Command:
    @click.command(action, help=summary)
    @click.argument("key")
    @target_options
    def command(key: str, **where: Any) -> None:
        path = f"/admin/withdrawals/{action}"
        logs.announce(shown_json(run(lambda: target_of(**where).call("POST", path, body={"key": key}))))

    return command


def _transfer(run: Run) -> click.Command:
    @click.command()
    @click.argument("from_user_id", metavar="FROM")
    @click.argument("to_user_id", metavar="TO")
    @click.argument("asset")
    @click.argument("amount")
    @KEY
    @target_options
    def transfer(from_user_id: str, to_user_id: str, asset: str, amount: str, key: str, **where: Any) -> None:
        """Move AMOUNT of ASSET from a user, or from @fees, to a user."""
        body = {"from_user_id": from_user_id, "to_user_id": to_user_id, "asset": asset, "amount": amount, "key": key}
        logs.announce(shown_json(run(lambda: target_of(**where).call("POST", "/admin/transfers", body=body))))

    return transfer


def _reset(run: Run) -> click.Command:
    @click.command()
    @click.argument("user_id", metavar="USER")
    @click.option("--balance", multiple=True, metavar="ASSET=AMOUNT", help="What USER has then; several.")
    @KEY
    @target_options
    def reset(user_id: str, balance: tuple[str, ...], key: str, **where: Any) -> None:
        """Cancel all orders of USER, and set what is available to these balances and nothing else."""
        body = {"user_id": user_id, "balances": balances_of(balance), "key": key}
        done = run(lambda: target_of(**where).call("POST", "/admin/reset", body=body))
        logs.announce(f"{user_id} is reset; {len(done['canceled'])} orders were canceled")

    return reset


def _balance(run: Run) -> click.Command:
    @click.command()
    @click.argument("user_id", metavar="USER")
    @target_options
    def balance(user_id: str, **where: Any) -> None:
        """Show the balances of USER, or of @fees, one JSON object a line."""
        found = run(lambda: target_of(**where).call("GET", "/admin/balance", query={"user_id": user_id}))
        for row in found["balances"]:
            logs.announce(shown_json(row))

    return balance
