"""In keys mode: a key for whoever runs the demo, and the keys of the participants."""

import json
import os
from pathlib import Path

from exchange.client import ApiKey, KeyRing
from exchange.core.administration import KeyType
from exchange.service.administration import CONSOLE, Administration, NewKey

ADMIN = "demo-admin"
PAGE = 1000


async def key_ring(administration: Administration) -> KeyRing:
    """Makes the participants' keys, with an administrator's key that is known to this process alone."""
    made = await _made(administration, ADMIN, "admin")
    return KeyRing(ApiKey.hmac(made["api_key"], made["secret"]))


async def write_key_file(administration: Administration, user_id: str, path: Path) -> None:
    """A new key of the user, for the page and for commands, in a file that only its owner may read."""
    _write(path, json.dumps(await _made(administration, user_id, "read", "trade")) + "\n")


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


async def _made(administration: Administration, user_id: str, *permissions: str) -> dict[str, str]:
    """A new key; those of earlier demos end."""
    await administration.create_user(user_id, (), CONSOLE)
    for key in await administration.keys(user_id, "", PAGE):
        if key.label == ADMIN:
            await administration.revoke_key(key.api_key, CONSOLE)
    wanted = NewKey(user_id, KeyType.HMAC, permissions, label=ADMIN)
    key, secret = await administration.create_key(wanted, CONSOLE)
    assert secret is not None
    return {"api_key": key.api_key, "secret": secret}
