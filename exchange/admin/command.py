"""`exchange user …` and `exchange key …`."""

import json
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from exchange import logs
from exchange.admin.calls import Target
from exchange.client import ApiKey
from exchange.client.types import Json
from exchange.failure import Failure
from exchange.files import content_of
from exchange.options import KEY_FILE, FilePath

PAGE = 1000
PUBLIC_KEY_BYTES_MAX = 1 << 16
URL = click.option(
    "--url", help="Address of a running exchange. Without it and --key-file, work on a stopped exchange's database."
)
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where a call goes."""
    for option in (
        click.option("--database-url", help="The stopped exchange's PostgreSQL.  [env: EXCHANGE_DATABASE_URL]"),
        click.option("--data-dir", help="The stopped exchange's directory.  [env: EXCHANGE_DATABASE_DATA_DIR]"),
        click.option(
            "--config", type=FilePath(), help="The configuration file; default ./config.toml.  [env: EXCHANGE_CONFIG]"
        ),
        KEY_FILE,
        URL,
    ):
        command = option(command)
    return command


def target_of(
    url: str | None, signing_key: ApiKey | None, config: Path | None, data_dir: str | None, database_url: str | None
) -> Target:
    """Where a call goes, by the options of `target_options`."""
    from exchange import config as configuration

    said = {("database", "data_dir"): data_dir, ("database", "url"): database_url}
    return Target(configuration.load(config, os.environ, said), url, signing_key)


def groups(run: Run) -> tuple[click.Group, click.Group]:
    """The two groups of commands; `run` runs a coroutine."""
    return _users(run), _keys(run)


def _users(run: Run) -> click.Group:
    @click.group()
    def user() -> None:
        """Create, list, disable and enable users."""

    @user.command()
    @click.argument("user_id", metavar="USER")
    @click.option("--balance", multiple=True, metavar="ASSET=AMOUNT", help="Credit this; may be given several times.")
    @target_options
    def create(user_id: str, balance: tuple[str, ...], **where: Any) -> None:
        """Create USER, unless there is one of that name."""
        body = {"user_id": user_id, "balances": balances_of(balance)}
        logs.announce(shown_json(run(lambda: target_of(**where).call("POST", "/admin/users", body=body))))

    @user.command("list")
    @target_options
    def list_users(**where: Any) -> None:
        """List all users with their status."""
        for row in run(lambda: pages(target_of(**where), "/admin/users", "users", "after")):
            logs.announce(f"{row['user_id']} {row['status']}")

    for action, summary in (
        ("disable", "Disable USER: cancel all open orders and accept no new ones."),
        ("enable", "Enable USER again."),
    ):
        user.add_command(_status(run, action, summary))
    return user


def _status(run: Run, action: str, summary: str) -> click.Command:
    @click.command(action, help=summary)
    @click.argument("user_id", metavar="USER")
    @target_options
    def command(user_id: str, **where: Any) -> None:
        path, body = f"/admin/users/{action}", {"user_id": user_id}
        done = run(lambda: target_of(**where).call("POST", path, body=body))
        logs.announce(f"{user_id} is {done['status']}; {len(done['canceled'])} orders were canceled")

    return command


def _keys(run: Run) -> click.Group:
    @click.group()
    def key() -> None:
        """Create, list and revoke API keys."""

    @key.command()
    @click.argument("user_id", metavar="USER")
    @click.option("--type", "key_type", type=click.Choice(("hmac", "ed25519", "rsa")), required=True)
    @click.option("--permissions", required=True, metavar="LIST", help="Some of read,trade,admin.")
    @click.option("--public-key", type=FilePath(), help="The public key as PEM; for ed25519 and rsa.")
    @click.option("--label", help="A name for the key.")
    @click.option("--allow", multiple=True, metavar="ADDRESS", help="An address or network that may use it; several.")
    @click.option("--expires-at", type=int, metavar="MS", help="When it ends, in milliseconds since the epoch.")
    @target_options
    def create(
        user_id: str,
        key_type: str,
        permissions: str,
        public_key: Path | None,
        label: str | None,
        allow: tuple[str, ...],
        expires_at: int | None,
        **where: Any,
    ) -> None:
        """Create an API key of USER, and print it as JSON. Its secret is shown only now: keep the output."""
        body = {
            "user_id": user_id,
            "type": key_type,
            "permissions": [name.strip() for name in permissions.split(",")],
            "public_key": None if public_key is None else _read(public_key),
            "label": label,
            "allowed_addresses": list(allow),
            "expires_at": expires_at,
        }
        made = run(lambda: target_of(**where).call("POST", "/admin/keys", body=body))
        logs.announce(shown_json({name: value for name, value in made.items() if value is not None}))

    @key.command("list")
    @click.argument("user_id", metavar="[USER]", required=False)
    @target_options
    def list_keys(user_id: str | None, **where: Any) -> None:
        """List the API keys of USER, or of all users, one JSON object a line; nothing of a secret."""
        for row in run(lambda: pages(target_of(**where), "/admin/keys", "keys", "after", user_id=user_id)):
            logs.announce(shown_json(row))

    @key.command()
    @click.argument("api_key", metavar="KEY")
    @target_options
    def revoke(api_key: str, **where: Any) -> None:
        """Revoke an API key, for ever. Sockets that act by it are closed."""
        done = run(lambda: target_of(**where).call("DELETE", "/admin/keys", body={"api_key": api_key}))
        logs.announce(f"{api_key} of {done['user_id']} is revoked")

    return key


async def pages(
    target: Target, path: str, name: str, cursor: str, *, most: int | None = None, **query: str | None
) -> list[Json]:
    """The rows of all pages, at most `most`; `cursor` is the field that takes the `next` of the page before."""
    rows: list[Json] = []
    following: str | None = None
    while True:
        limit = PAGE if most is None else min(PAGE, most - len(rows))
        page = await target.call("GET", path, query={"limit": limit, cursor: following, **query})
        rows += page[name]
        following = page["next"]
        if following is None or len(rows) == most:
            return rows


def balances_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Amounts by asset, of options such as USDC=1000."""
    balances = {}
    for text in texts:
        asset, equals, amount = text.partition("=")
        if not equals:
            raise click.UsageError(f"--balance {text!r} must be ASSET=AMOUNT, as in USDC=1000.")
        balances[asset] = amount
    return balances


def _read(path: Path) -> str:
    try:
        return content_of(path, PUBLIC_KEY_BYTES_MAX).decode("ascii", "replace")
    except OSError as error:
        raise Failure(f"The public key {path} cannot be read: {error.strerror or error}.", 2) from error


def shown_json(fields: Json) -> str:
    """An object as one line."""
    return json.dumps(fields)
