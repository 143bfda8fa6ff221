"""`exchange asset …` and `exchange market set`."""

from collections.abc import Callable
from typing import Any

import click

from exchange import logs
from exchange.admin.command import Run, shown_json, target_of, target_options

TEXTS = ("tick-size", "lot-size", "min-notional", "maker-fee", "taker-fee", "min-price")
COUNTS = ("max-open-orders", "max-fills-per-order", "avg-price-mins")
MODES = ("expire_taker", "expire_maker", "expire_both", "decrement", "none")
STATUSES = ("trading", "post_only", "cancel_only", "halted")
HELP = {
    "tick-size": "The step of prices; never changes.",
    "lot-size": "The step of quantities; never changes.",
    "min-notional": "What an order must be worth, in the quote.",
    "maker-fee": "A fraction, as 0.001; with fees in the quote it may be negative.",
    "taker-fee": "A fraction, as 0.001.",
    "min-price": "The least price of an order.",
    "max-open-orders": "Of a user in the market.",
    "max-fills-per-order": "Of an order; the rest of it expires.",
    "avg-price-mins": "Minutes of the average price.",
}


def asset_group(run: Run) -> click.Group:
    """`exchange asset`; `run` runs a coroutine."""

    @click.group()
    def asset() -> None:
        """Add assets."""

    @asset.command()
    @click.argument("symbol")
    @click.argument("decimals", type=int)
    @target_options
    def add(symbol: str, decimals: int, **where: Any) -> None:
        """Add the asset SYMBOL, whose amounts have so many DECIMALS; these never change."""
        body = {"asset": symbol, "decimals": decimals}
        added = run(lambda: target_of(**where).call("POST", "/admin/assets", body=body))
        logs.announce(f"{added['asset']} has {added['decimals']} decimals")

    return asset


def set_command(run: Run) -> click.Command:
    """`exchange market set`; `run` runs a coroutine."""

    @click.command("set")
    @click.argument("market")
    @_rules
    @target_options
    def set_market(market: str, **options: Any) -> None:
        """Open MARKET, or change its rules, and print them as JSON. Rules that are not given stay as they are."""
        names = [name.replace("-", "_") for name in (*TEXTS, *COUNTS, *OTHERS)]
        rules = {name: options.pop(name) for name in names}
        rules["allowed_self_trade_prevention"] = list(options.pop("allow_mode")) or None
        rules["filters"] = _filters(options.pop("filter")) or None
        body = {"market": market} | {name: value for name, value in rules.items() if value is not None}
        logs.announce(shown_json(run(lambda: target_of(**options).call("POST", "/admin/markets", body=body))))

    return set_market


def _filters(given: tuple[str, ...]) -> dict[str, Any]:
    """The filters of `NAME=VALUE` each: numbers are texts, but for what is counted. The exchange knows the names."""
    filters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.replace("-", "_").partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE.")
        if name in COUNTED and not (value.isascii() and value.isdigit()):
            raise click.BadParameter(f"{name} must be a whole number, not {value!r}.")
        filters[name] = value not in ("0", "false") if "applies" in name else int(value) if name in COUNTED else value
    return filters


COUNTED = (
    *("max_open_stops", "max_open_icebergs", "max_open_lists", "max_iceberg_parts", "max_amends_per_order"),
    *("min_trailing_above_bps", "max_trailing_above_bps", "min_trailing_below_bps", "max_trailing_below_bps"),
)
OTHERS = ("status", "fee-asset", "self-trade-prevention", "min-notional-applies-to-market")


def _rules(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option a rule."""
    options = [
        *(click.option(f"--{name}", metavar="DECIMAL", help=HELP[name]) for name in TEXTS),
        *(click.option(f"--{name}", type=int, help=HELP[name]) for name in COUNTS),
        click.option("--filter", multiple=True, metavar="NAME=VALUE", help="A bound; 0 takes it away; several."),
        click.option("--status", type=click.Choice(STATUSES), help="What the market takes."),
        click.option("--fee-asset", type=click.Choice(("received", "quote")), help="What fees are in; never changes."),
        click.option("--self-trade-prevention", type=click.Choice(MODES), help="Of an order that names no mode."),
        click.option(
            "--allow-mode", multiple=True, type=click.Choice(MODES), help="A mode that orders may name; several."
        ),
        click.option(
            "--min-notional-applies-to-market/--no-min-notional-applies-to-market",
            default=None,
            help="Whether market orders are held to it.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command
