"""The `exchange` command."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from exchange import __version__, logs
from exchange.admin.command import groups
from exchange.admin.fees import fees_group
from exchange.admin.filters import filters_command
from exchange.admin.history import commands as history_commands
from exchange.admin.markets import asset_group, set_command
from exchange.admin.money import commands as money_commands
from exchange.failure import Failure
from exchange.options import KEY_FILE, FilePath, FiniteRange
from exchange.replay.command import replay_command
from exchange.runtime import compiled
from exchange.torture.command import torture_command

if TYPE_CHECKING:
    from exchange.client import ApiKey
    from exchange.config import Config

CONFIG = click.option(
    "--config", type=FilePath(), help="The configuration file; default ./config.toml.  [env: EXCHANGE_CONFIG]"
)
DATA_DIR = click.option("--data-dir", help="Directory of the embedded PostgreSQL.  [env: EXCHANGE_DATABASE_DATA_DIR]")
HOST = click.option("--host", help="The address to listen on.  [env: EXCHANGE_SERVER_HOST]")
PORT = click.option("--port", type=int, help="The port of the API; 0 picks a free one.  [env: EXCHANGE_SERVER_PORT]")
WS_PORT = click.option(
    "--ws-port", type=int, help="A second port, which serves the same API and sockets.  [env: EXCHANGE_SERVER_WS_PORT]"
)
TOOLS = (
    *("pg_amcheck", "pg_basebackup", "pg_combinebackup", "pg_dump", "pg_isready", "pg_receivewal", "pg_restore"),
    *("pg_verifybackup", "psql", "vacuumdb"),
)
SCENARIO_NAMES = ("calm", "trend", "crash", "flash-crash", "thin-book", "halted-market")
PROFILE_NAMES = ("binance",)
PROFILE = click.option(
    "--profile", type=click.Choice(PROFILE_NAMES), help="Use these markets and users in the place of the file's."
)
READY_FILE = click.option(
    "--ready-file", type=FilePath(dir_okay=False), help="When ready, write the addresses to this file as JSON."
)
DATABASE_URL = click.option(
    "--database-url", help="Use this PostgreSQL instead of the embedded one.  [env: EXCHANGE_DATABASE_URL]"
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command which starts an exchange has."""
    for option in (READY_FILE, DATABASE_URL, DATA_DIR, WS_PORT, PORT, HOST, PROFILE, CONFIG):
        command = option(command)
    return command


def _configuration(
    config: Path | None,
    profile: str | None,
    host: str | None,
    port: int | None,
    ws_port: int | None,
    data_dir: str | None,
    database_url: str | None,
) -> "Config":
    """The configuration from the file, the environment and the options of `server_options`."""
    from exchange import config as configuration
    from exchange.profile import PROFILES

    loaded = configuration.load(
        config,
        os.environ,
        {
            ("server", "host"): host,
            ("server", "port"): port,
            ("server", "ws_port"): ws_port,
            ("database", "data_dir"): data_dir,
            ("database", "url"): database_url,
        },
    )
    return loaded if profile is None else PROFILES[profile](loaded)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="exchange")
def cli() -> None:
    """A spot exchange in one process."""


@cli.result_callback()
@click.pass_context
def _ended(context: click.Context, result: Any) -> Any:
    """A result that nobody has got is no success; what a server says of itself is no result."""
    if context.invoked_subcommand not in ("serve", "demo") and logs.results_dropped():
        raise Failure("The output cannot be written.")
    return result


@cli.command()
@server_options
@click.option("--ephemeral", is_flag=True, help="Use a new database and delete it at the end.")
def serve(ephemeral: bool, ready_file: Path | None, **options: Any) -> None:
    """Run the exchange until Ctrl-C."""
    if ephemeral and options["data_dir"] is not None:
        raise click.UsageError("--ephemeral keeps nothing and cannot be combined with --data-dir.")
    _exit_on_sigterm()
    from exchange.runtime.serve import ServeOptions
    from exchange.runtime.serve import serve as run_exchange

    loaded = _configuration(**options)
    run(lambda: run_exchange(loaded, ServeOptions(ephemeral, ready_file)))


@cli.command()
@server_options
@click.option("--seed", default=20, show_default=True, help="The same seed gives the same participants.")
@click.option(
    "--rate",
    default=1.0,
    show_default=True,
    type=FiniteRange(min=0, min_open=True, max=1000),
    help="How fast time goes for them; 1 is about a hundred orders a second.",
)
@click.option(
    "--scenario", default="calm", show_default=True, type=click.Choice(SCENARIO_NAMES), help="What happens first."
)
def demo(ready_file: Path | None, seed: int, rate: float, scenario: str, **options: Any) -> None:
    """Run the exchange with participants that trade on it, until Ctrl-C.

    It has markets of its own; with --config it has those of the file, with --profile those of the profile.
    Without a data directory or a database, given as an option or in the environment, everything is deleted at the end.
    """
    _exit_on_sigterm()
    from exchange.demo.command import DemoOptions
    from exchange.demo.command import demo as run_demo
    from exchange.runtime.serve import ServeOptions

    loaded = _configuration(**options)
    kept = options["data_dir"] or os.environ.get("EXCHANGE_DATABASE_DATA_DIR") or loaded.database.url
    ephemeral = not kept
    chosen = DemoOptions(seed, rate, scenario, own_markets=bool(options["config"] or options["profile"]))
    run(lambda: run_demo(loaded, ServeOptions(ephemeral, ready_file), chosen))


@cli.command()
@CONFIG
@DATA_DIR
@DATABASE_URL
@click.option("--replay", is_flag=True, help="Also apply the journal from its baseline and compare the results.")
def check(config: Path | None, data_dir: str | None, database_url: str | None, replay: bool) -> None:
    """Audit the database of a running or a stopped exchange. Exit code 1 if anything is wrong."""
    from exchange import config as configuration
    from exchange.runtime.check import check as run_check

    loaded = configuration.load(
        config, os.environ, {("database", "data_dir"): data_dir, ("database", "url"): database_url}
    )
    report = run(lambda: run_check(loaded, replay=replay))
    for finding in report.findings:
        logs.announce(f"wrong: {finding}")
    count = len(report.findings)
    verdict = f"{count} finding{'s' if count > 1 else ''}" if count else "all is right"
    replayed = f", {report.replayed} replayed" if replay else ""
    if report.ahead:
        replayed += f"; the journal has {report.ahead} later commands, which are not in the query tables yet"
        if not replay:
            replayed += ", and which only --replay checks"
    logs.announce(
        f"{verdict}: sequence {report.sequence}, {report.open_orders} open orders, {report.trades} trades{replayed}"
    )
    sys.exit(1 if report.findings else 0)


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("tool", metavar="TOOL", type=click.Choice(TOOLS))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@CONFIG
@DATA_DIR
@click.option("--new", is_flag=True, help="Make a new, empty database first.")
def postgres(tool: str, arguments: tuple[str, ...], config: Path | None, data_dir: str | None, new: bool) -> None:
    """Run one of PostgreSQL's programs, such as psql or pg_basebackup, on the embedded database.

    The exchange may be running or stopped. Options of the exchange come before TOOL, those of the tool after it.
    """
    from exchange import config as configuration
    from exchange.postgres.tools import run_tool

    loaded = configuration.load(config, os.environ, {("database", "data_dir"): data_dir})
    if loaded.database.url:
        raise Failure("[database] url names a PostgreSQL of yours; use the programs that come with it.", 2)
    sys.exit(run(lambda: run_tool(Path(loaded.database.data_dir), tool, arguments, new=new)))


@cli.command()
@click.argument("user")
@click.argument("asset")
@click.argument("amount")
@click.option("--key", required=True, help="Identifies the deposit: each key is credited once.")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running exchange.")
@KEY_FILE
def deposit(user: str, asset: str, amount: str, key: str, url: str, signing_key: "ApiKey | None") -> None:
    """Credit USER with AMOUNT of ASSET on a running exchange. The user is created if necessary."""
    from exchange.client.deposit import deposit as run_deposit
    from exchange.client.deposit import shown

    logs.announce(shown(run(lambda: run_deposit(url, user, asset, amount, key, signing_key)), asset))


@cli.command()
@click.argument("market", required=False)
@click.option("--user", help="Also show the open orders of this user.")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running exchange.")
@KEY_FILE
def watch(market: str | None, user: str | None, url: str, signing_key: "ApiKey | None") -> None:
    """Show MARKET, or the first one, in the terminal: book, chart, trades and open orders. Ctrl-C ends it."""
    from exchange.watch.command import watch as run_watch

    run(lambda: run_watch(url, market, user, key=signing_key))


@cli.group()
def market() -> None:
    """Administer markets."""


@market.command()
@click.argument("market")
@click.argument("status", required=False, type=click.Choice(["trading", "post_only", "cancel_only", "halted"]))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running exchange.")
@KEY_FILE
def status(market: str, status: str | None, url: str, signing_key: "ApiKey | None") -> None:
    """Show what MARKET takes, or change it to STATUS. Cancels are always taken."""
    from exchange.client.market_status import market_status

    logs.announce(f"{market} is {run(lambda: market_status(url, market, status, signing_key))}")


@cli.group()
def journal() -> None:
    """Look after the journal and the rest of the history."""


@journal.command()
@CONFIG
@DATA_DIR
@DATABASE_URL
def prune(config: Path | None, data_dir: str | None, database_url: str | None) -> None:
    """Drop what is older than [retention] says, of a running or a stopped exchange."""
    from exchange import config as configuration
    from exchange.runtime.retention import be_nice, prune_configured

    loaded = configuration.load(
        config, os.environ, {("database", "data_dir"): data_dir, ("database", "url"): database_url}
    )
    be_nice()
    dropped = run(lambda: prune_configured(loaded))
    logs.announce(
        f"dropped partitions: {dropped.journal} of the journal, {dropped.trades} of trades, {dropped.closed_orders} of "
        f"closed orders; and {dropped.candles} candles of a minute. The journal begins after {dropped.baseline}"
    )


@cli.command("log-level")
@click.argument("level", required=False, type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running exchange.")
@KEY_FILE
def log_level(level: str | None, url: str, signing_key: "ApiKey | None") -> None:
    """Show what a running exchange logs, or change it to LEVEL until its next start."""
    from exchange.client.log_level import log_level as run_log_level

    logs.announce(f"the log level is {run(lambda: run_log_level(url, level, signing_key))}")


def _exit_on_sigterm() -> None:
    """While modules are imported nothing runs yet that would have to be stopped; later there is another handler.

    An exception would not do: the import of an extension module may swallow it.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


cli.add_command(replay_command)
cli.add_command(torture_command)


def run(program: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        logs.watch_loop(runner.get_loop())
        return runner.run(_until_terminated(program()))


async def _until_terminated(program: Coroutine[Any, Any, Any]) -> Any:
    """Cancel the program on SIGTERM, as asyncio does on SIGINT, so that it can stop the PostgreSQL it has started."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    return await program


for command in (*groups(run), asset_group(run), filters_command(run), fees_group(run)):
    cli.add_command(command)
for command in (*money_commands(run), *history_commands(run)):
    cli.add_command(command)
market.add_command(set_command(run))


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Run the command line. An error is reported as one sentence and an exit code."""
    if not __debug__:
        sys.exit("exchange: python -O removes the assertions that protect balances; run Python without -O.")
    _usual_signals()
    compiled.use()  # the commands import the hot modules when they run, which is later
    logs.configure()
    try:
        # click returns the exit code of a command that has exited, and None for any other.
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BaseException as error:
        _end(error)


def _usual_signals() -> None:
    """Undo what the parent process may have left: an ignored SIGCHLD hides how PostgreSQL's programs end, and a blocked
    signal never comes."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def _end(error: BaseException) -> None:
    from exchange.runtime.app import only_failure

    reason = only_failure(error)
    if isinstance(reason, KeyboardInterrupt):
        sys.exit(130)
    if isinstance(reason, SystemExit):
        raise reason
    if isinstance(reason, asyncio.CancelledError):
        sys.exit(128 + signal.SIGTERM)
    if isinstance(reason, Failure):
        logs.complain(f"exchange: {reason}")
        sys.exit(reason.exit_code)
    if isinstance(reason, OSError) and (surroundings := _surroundings(reason)):
        logs.complain(f"exchange: {surroundings}")
        sys.exit(1)
    structlog.get_logger().critical("internal error", exc_info=reason)
    logs.complain(f"exchange: internal error (see the traceback above): {type(reason).__name__}: {reason}")
    sys.exit(70)


def _surroundings(error: OSError) -> str | None:
    """What is wrong around the process, if that is why the system has refused something."""
    frames = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    if click.echo.__code__ in frames:
        return f"The output cannot be written: {error.strerror or error}."
    try:
        os.getcwd()
    except OSError:
        return "The current directory is there no more: change to another."
    return None
