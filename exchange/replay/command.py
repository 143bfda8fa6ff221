"""`exchange replay`: the command line of the replay."""

import asyncio
import math
import signal
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.failure import Failure
from exchange.options import KEY_FILE, FilePath, FiniteRange

if TYPE_CHECKING:
    from exchange.client import ApiKey
    from exchange.replay.driver import ReplayOptions, ReplayResult
    from exchange.replay.loop import LoopTally

RETRY_MAX_S = 366 * 24 * 3600
EXPONENT_MAX = 40  # no number of the exchange has more digits

# Modules are imported where they are needed: every other command starts without them.


class PositiveDecimal(click.ParamType[Decimal]):
    """A decimal text above zero, kept exact."""

    name = "decimal"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The option's number, finite and above zero."""
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not a decimal number", param, ctx)
        if not number.is_finite() or number <= 0:
            self.fail(f"{value!r} is not above zero", param, ctx)
        if abs(number.adjusted()) > EXPONENT_MAX:
            self.fail(f"{value!r} is out of range", param, ctx)
        return number


class Speed(click.ParamType[float]):
    """How many times as fast as the recording; infinity for as fast as the exchange takes it."""

    name = "number|max"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The option's number, above zero."""
        if value == "max":
            return math.inf
        try:
            speed = float(str(value))
        except ValueError:
            speed = math.nan
        if not 0 < speed < math.inf:
            self.fail(f"{value!r} is neither a number above zero nor max", param, ctx)
        return speed


FILE = FilePath(exists=True, dir_okay=False)


@click.command("replay", context_settings={"show_default": True})
@click.argument("file", type=FILE)
@click.option("--market", help="The market to replay in; may be omitted if the exchange has only one.")
@click.option("--trades", type=FILE, help="Recorded trades, to assign users by and to compare the result with.")
@click.option("--url", default="http://127.0.0.1:8080", help="Address of the running exchange.")
@click.option("--batch", default=100, type=click.IntRange(1, 100), help="Most commands in one request.")
@click.option(
    "--retry-s",
    default=60.0,
    type=FiniteRange(0, RETRY_MAX_S),
    help="How long to wait for a lost exchange.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run; give the same options.")
@click.option("--price-unit", default="0.01", type=PositiveDecimal(), help="The price that a 1 means.")
@click.option("--quantity-unit", default="0.00000001", type=PositiveDecimal(), help="The quantity that a 1 means.")
@click.option("--speed", type=Speed(), help="A multiple of the recorded speed, or max.  [default: max; 1 with --loop]")
@KEY_FILE
@click.option("--loop", "looping", is_flag=True, help="Repeat until Ctrl-C, as a market to trade in.")
def replay_command(
    file: Path,
    market: str | None,
    trades: Path | None,
    url: str,
    batch: int,
    retry_s: float,
    resume: bool,
    price_unit: Decimal,
    quantity_unit: Decimal,
    speed: float | None,
    signing_key: "ApiKey | None",
    looping: bool,
) -> None:
    """Send the recorded order flow in FILE (csv or csv.gz) to a running exchange, in order, and compare.

    FILE has the columns seq, ts, action, order_id, side, type, price, qty. Exit code 1 if the exchange did anything
    that differs from the recording, or if the run failed.

    With --loop the recording repeats, so that a bot can trade in it. The bot's orders change the results, so nothing is
    compared. Each round first cancels the orders that the last one left open. Ctrl-C ends it with exit code 0.
    """
    if looping and resume:
        raise click.UsageError("--loop starts from the beginning each time and cannot be combined with --resume.")
    from exchange.replay.driver import ReplayOptions

    pace = (1.0 if looping else math.inf) if speed is None else speed
    options = ReplayOptions(
        file,
        market,
        trades,
        url,
        batch,
        retry_s,
        resume,
        price_unit,
        quantity_unit,
        speed=None if pace == math.inf else pace,
        admin=signing_key,
    )
    try:
        if looping:
            asyncio.run(_looped(options))
            return
        result = asyncio.run(_shown(options))
    except Failure as failure:
        click.echo(f"exchange: {failure}", err=True)
        raise click.exceptions.Exit(failure.exit_code) from failure
    if result.difference is not None:
        raise click.exceptions.Exit(1)


async def _shown(options: "ReplayOptions") -> "ReplayResult":
    from rich.console import Console

    from exchange.replay.driver import replay
    from exchange.replay.report import closing_table, differences, progress_view

    with progress_view(Console(stderr=True)) as progress:
        result = await replay(options, progress)
    console = Console()
    console.print(closing_table(result))
    for sentence in differences(result):
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)
    return result


async def _looped(options: "ReplayOptions") -> None:
    """Until SIGINT or SIGTERM."""
    from rich.console import Console

    from exchange.replay.loop import loop
    from exchange.replay.report import progress_view, tally_line

    this = asyncio.current_task()
    assert this is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    last: LoopTally | None = None
    console = Console(stderr=True)

    def on_start(number: int, tally: "LoopTally") -> None:
        nonlocal last
        last = tally
        line = f"round {number} begins" + (f"; {tally_line(tally)} so far" if tally.started else "")
        if console.is_terminal:
            console.print(line, highlight=False, markup=False)  # above the bar, not into it
        else:
            click.echo(line)

    try:
        with progress_view(console) as progress:
            await loop(options, progress, on_start)
    except asyncio.CancelledError:
        this.uncancel()
    if last is not None:
        click.echo(f"ended; {tally_line(last)}")
