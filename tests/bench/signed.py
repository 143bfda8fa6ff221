"""The orders of `flow`, signed by their users with keys of one type, and an exchange that takes them."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.client import ApiKey, Client
from tests.bench import flow
from tests.bench.bench import Bench
from tests.bench.load import Call
from tests.bench.processes import exchange_command, scratch_dir, serving, write_config
from tests.bench.side import SETUP_CONNECTIONS, Side

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


def calls(kind: str, seed: int, sign: Signer) -> Iterator[Call]:
    """The requests of a kind with their headers."""
    for path, body in flow.requests_of(kind, seed):
        yield Call("POST", path, body.decode(), sign((path, body)))


async def start(stack: AsyncExitStack, bench: Bench, key_type: str | None) -> tuple[Side, Signer]:
    """An exchange with keys of that type, or in dev mode without one, with funded users and a book."""
    scratch = stack.enter_context(scratch_dir())
    keep = ("--data-dir", str(scratch / "exchange"))
    command = exchange_command(scratch, *keep)
    root: ApiKey | None = None
    if key_type is not None:
        config = write_config(scratch)
        config.write_text(config.read_text().replace('mode = "dev"', AUTH))
        root = await asyncio.to_thread(_root_key, command[0], config, keep)
    server = await stack.enter_async_context(serving(command, "signed", scratch))
    side = Side(server.url, server.ws_url, bench.pace, pid=server.pid)
    bench.others.append(side)
    sign: Signer = unsigned
    if root is not None and key_type is not None:
        signers = Signers(root, server.url, key_type)
        await signers.prepare()
        sign = signers.headers
    for kind in ("deposits", "prime"):
        made = tuple(calls(kind, 0, sign))
        await side.load("", SETUP_CONNECTIONS, calls=made, warmup_s=0.0, duration_s=None)
    return side, sign


def _root_key(exchange: str, config: Path, keep: tuple[str, ...]) -> ApiKey:
    where = ("--config", str(config), *keep)
    subprocess.run([exchange, "user", "create", "root", *where], check=True, capture_output=True)
    create = [exchange, "key", "create", "root", "--type", "hmac", "--permissions", "admin", *where]
    made = json.loads(subprocess.run(create, check=True, capture_output=True).stdout)
    return ApiKey.hmac(made["api_key"], made["secret"])
