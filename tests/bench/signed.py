"""What a signature costs: the same orders unsigned in dev mode, and signed with HMAC and with Ed25519 keys.

`python -m exchange.runtime.compiled tests.bench.signed` starts three exchanges and sends the same orders to each in
turn, over 64 connections. They are signed before the clock starts. It prints orders a second, each beside the unsigned.
"""

import asyncio
import base64
import itertools
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.client import ApiKey, Client
from tests.bench import flow
from tests.bench.load import Call, Job
from tests.bench.processes import (
    Server,
    exchange_command,
    raise_open_files,
    run_load,
    scratch_dir,
    serving,
    write_config,
)
from tests.bench.side import refuse_errors

CONNECTIONS = 64
REPEATS = 3  # of the orders of `flow`, each signed anew
MODES = ("unsigned", "hmac", "ed25519")
# Signed before they are sent, and each remembered: more than one slice needs.
MANY = "".join(
    f"{name} = 1000000{'' if name.endswith('burst') else '.0'}\n"
    for of in ("requests", "user_requests", "orders")
    for name in (f"{of}_per_s", f"{of}_burst")
)
AUTH = f'mode = "keys"\nwindow_s = 600.0\nsignatures_max = 2000000\n[limits]\n{MANY}connections_per_address = 1000000\n'

Signer = Callable[[flow.Encoded], dict[str, str]]


def unsigned(_: flow.Encoded) -> dict[str, str]:
    """Nothing to add."""
    return {}


class Signers:
    """The keys of all users of one exchange."""

    def __init__(self, root: ApiKey, url: str, key_type: str) -> None:
        self._root = root
        self._url = url
        self._type = key_type
        self._keys: dict[str, ApiKey] = {}

    async def prepare(self) -> None:
        """Create every user with a key."""
        async with Client(self._url, key=self._root) as client:
            for user_id in flow.USERS:
                await client.call("POST", "/admin/users", body={"user_id": user_id})
                self._keys[user_id] = await self._key(client, user_id)

    async def _key(self, client: Client, user_id: str) -> ApiKey:
        body: dict[str, Any] = {"user_id": user_id, "type": self._type, "permissions": ["trade"]}
        if self._type == "hmac":
            made = await client.call("POST", "/admin/keys", body=body)
            return ApiKey.hmac(made["api_key"], made["secret"])
        private = Ed25519PrivateKey.generate()
        public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
        made = await client.call("POST", "/admin/keys", body=body | {"public_key": public})
        return ApiKey.ed25519(made["api_key"], private.private_bytes_raw())

    def headers(self, request: flow.Encoded) -> dict[str, str]:
        """The headers of one request, signed by its user, or by the administrator."""
        path, body = request
        key = self._root if path.startswith("/admin/") else self._keys[orjson.loads(body)["user_id"]]
        return key.headers("POST", path, body)


def calls(requests: Iterable[flow.Encoded], sign: Signer) -> Iterator[Call]:
    """The requests with their headers."""
    for path, body in requests:
        yield Call("POST", path, body.decode(), sign((path, body)))


async def send(server: Server, kind: str, sign: Signer, repeats: int = 1, seed: int = 0) -> float:
    """Requests a second of one kind, all of which must succeed."""
    requests = itertools.chain.from_iterable(flow.requests_of(kind, seed) for _ in range(repeats))
    measured = await run_load(Job(server.url, "", CONNECTIONS, calls=tuple(calls(requests, sign))))
    refuse_errors(measured, kind)
    return measured.replies_a_second


async def start(stack: AsyncExitStack, scratch: Path, mode: str) -> tuple[Server, Signer]:
    """An exchange of that mode, with funded users and a book."""
    place = scratch / mode
    place.mkdir()
    place.chmod(0o755)
    keep = ("--data-dir", str(place / "exchange"))
    command = exchange_command(place, *keep)
    root: ApiKey | None = None
    if mode != "unsigned":
        config = write_config(place)
        config.write_text(config.read_text().replace('mode = "dev"', AUTH))
        root = await asyncio.to_thread(_root_key, command[0], config, keep)
    server = await stack.enter_async_context(serving(command, mode, place))
    sign: Signer = unsigned
    if root is not None:
        signers = Signers(root, server.url, mode)
        await signers.prepare()
        sign = signers.headers
    for kind in ("deposits", "prime"):
        await send(server, kind, sign)
    return server, sign


def _root_key(exchange: str, config: Path, keep: tuple[str, ...]) -> ApiKey:
    where = ("--config", str(config), *keep)
    subprocess.run([exchange, "user", "create", "root", *where], check=True, capture_output=True)
    create = [exchange, "key", "create", "root", "--type", "hmac", "--permissions", "admin", *where]
    made = json.loads(subprocess.run(create, check=True, capture_output=True).stdout)
    return ApiKey.hmac(made["api_key"], made["secret"])


async def measure(rounds: int) -> dict[str, list[float]]:
    """Orders a second of each mode, by round."""
    found: dict[str, list[float]] = {mode: [] for mode in MODES}
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_dir())
        sides = {mode: await start(stack, scratch, mode) for mode in MODES}
        for number in range(rounds):
            for mode, (server, sign) in sides.items():
                found[mode].append(await send(server, "orders", sign, REPEATS, seed=number))
    return found


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(rounds: int) -> None:
    """Measure what a signature costs."""
    raise_open_files()
    found = asyncio.run(measure(rounds))
    base = statistics.median(found["unsigned"])
    for mode, speeds in found.items():
        middle = statistics.median(speeds)
        click.echo(f"{mode:>9}: {middle:8.0f} orders/s, {middle / base:.2f} of unsigned; rounds {_shown(speeds)}")


def _shown(speeds: list[float]) -> str:
    return " ".join(f"{speed:.0f}" for speed in speeds)


if __name__ == "__main__":
    sys.exit(main())
