"""`exchange fees …`: what fee tiers pay, and who has one."""

from typing import Any

import click

from exchange import logs
from exchange.admin.command import Run, shown_json, target_of, target_options


def fees_group(run: Run) -> click.Group:
    """`exchange fees`; `run` runs a coroutine."""

    @click.group()
    def fees() -> None:
        """Set what fee tiers pay, and give users a tier."""

    @fees.command("set")
    @click.argument("market")
    @click.argument("tier")
    @click.option("--maker-fee", required=True, metavar="DECIMAL", help="A fraction, as 0.001; negative is a rebate.")
    @click.option("--taker-fee", required=True, metavar="DECIMAL", help="A fraction, as 0.001.")
    @target_options
    def set_fees(market: str, tier: str, maker_fee: str, taker_fee: str, **where: Any) -> None:
        """Set what users of TIER pay in MARKET, for orders that enter from now on."""
        body = {"market": market, "fee_tier": tier, "maker_fee": maker_fee, "taker_fee": taker_fee}
        _show(run(lambda: target_of(**where).call("POST", "/admin/fee_tiers", body=body)))

    @fees.command()
    @click.argument("market")
    @click.argument("tier")
    @target_options
    def remove(market: str, tier: str, **where: Any) -> None:
        """Let users of TIER pay the fees of MARKET itself."""
        body = {"market": market, "fee_tier": tier}
        _show(run(lambda: target_of(**where).call("DELETE", "/admin/fee_tiers", body=body)))

    @fees.command("list")
    @click.argument("market")
    @target_options
    def list_tiers(market: str, **where: Any) -> None:
        """List what each tier pays in MARKET, one JSON object a line."""
        _show(run(lambda: target_of(**where).call("GET", "/admin/fee_tiers", query={"market": market})))

    @fees.command()
    @click.argument("user_id", metavar="USER")
    @click.argument("tier", required=False, metavar="[TIER]")
    @target_options
    def user(user_id: str, tier: str | None, **where: Any) -> None:
        """Give USER the fee tier TIER; without TIER, the fees of each market."""
        body = {"user_id": user_id, "fee_tier": tier}
        done = run(lambda: target_of(**where).call("POST", "/admin/users/fee_tier", body=body))
        logs.announce(f"{user_id} has {'no fee tier' if tier is None else 'the fee tier ' + done['fee_tier']}")

    return fees


def _show(tiers: Any) -> None:
    for row in tiers["fee_tiers"]:
        logs.announce(shown_json(row))
