"""No secret leaves: after every call, message and error of both dialects, nothing that was written down has one."""

import base64
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from exchange.api.binance.calls import REST
from exchange.api.binance.socket_api_methods import METHODS, SESSION
from exchange.api.native.calls import CALLS
from exchange.api.native.messages import TAGS
from exchange.postgres.embedded import attached
from tests.whole import served
from tests.whole.binance import Bot, bot_of_key, hmac_of
from tests.whole.binance_wire import ApiSocket
from tests.whole.databases import everything
from tests.whole.signed import Caller, Keyring, buy, socket

LISTEN_KEYS = "/api/v3/userDataStream"
LONG = re.compile(rb"[A-Za-z0-9+/=_-]{43,}")  # the shortest is a secret of 32 bytes as base64 without padding


class Said:
    """What was sent in secret, and what came back."""

    def __init__(self) -> None:
        self.signatures: list[str] = []
        self.bearers: list[str] = []  # listen keys, which some replies do have
        self.replies: list[str] = []

    def signing(self, bot: Bot) -> Bot:
        """The bot, whose signatures are noted from now on."""
        sign = bot.sign

        def noted(message: bytes) -> str:
            self.signatures.append(sign(message))
            return self.signatures[-1]

        bot.sign = noted
        return bot


@pytest_asyncio.fixture
async def verbose(ring: Keyring) -> AsyncIterator[None]:
    """The exchange logs all that it can."""
    await ring.root.ok("POST", "/admin/log_level", {"level": "debug"})
    yield
    await ring.root.ok("POST", "/admin/log_level", {"level": "info"})


async def native(ring: Keyring, ann: Caller, said: Said) -> None:
    """Each call and message, signed well and badly, and what cannot be read."""
    assert ann.key is not None
    wrong = replace(ann.key, sign=lambda message: hmac_of("another")(message))
    for key, call in itertools.product((ann.key, wrong), CALLS):
        caller = ring.caller(key)
        for target, body in (
            (call.path, {"nothing": 1}),
            (f"{call.path}?nothing=1", None),
            (f"{call.path}/none", None),
        ):
            parts = replace(caller.parts(call.method, call.path, body), target=target)
            await caller.send(parts, caller.headers(parts))
    parts = ann.parts("POST", "/order", buy())
    for times in range(2):
        status, _ = await ann.send(parts, ann.headers(parts))
        assert status == (200, 401)[times]
    for name in ("X-Timestamp", "X-API-Key", "X-Nonce"):
        await ann.send(parts, ann.headers(parts) | {name: "wrong"})
    for auth in (ann.auth(signature="0"), ann.auth(timestamp="1"), ann.auth(), ann.auth()):
        async with socket(ring) as talk:
            if auth["signature"] != "0":
                said.signatures.append(auth["signature"])
            await talk.ask(auth)
            await talk.ask(auth | {"id": [1]})
            for tag in TAGS:
                await talk.ask({"message_type": tag, "signature": auth["signature"]})


async def binance(ring: Keyring, session: aiohttp.ClientSession, said: Said) -> None:
    """Each call and method, signed well and badly."""
    user_id = await ring.user()
    good = said.signing(await bot_of_key(ring, session, user_id))
    bad = said.signing(Bot(session, good.url, good.api_key, hmac_of("another"), good.symbol))
    _, made = await good.send("POST", LISTEN_KEYS)
    said.bearers.append(made["listenKey"])
    for bot, (method, path) in itertools.product(
        (good, bad), (*REST, ("GET", "/api/v3/nothing"), ("PUT", "/api/v3/order"))
    ):
        said.replies.append(json.dumps(await bot.send(method, f"{path}?{bot.signed()}")))
        said.replies.append(json.dumps(await bot.send(method, f"{path}?signature=%zz&{bot.signed(symbol=1)}")))
    for name in (made["listenKey"], "f" * 64):
        said.replies.append(json.dumps(await good.send("PUT", f"{LISTEN_KEYS}?listenKey={name}")))
    for bot in (good, bad):
        async with ApiSocket(good.url.replace("http", "ws"), bot.api_key, bot.sign) as one:
            for name in (*METHODS, *SESSION, "nothing"):
                said.replies.append(json.dumps(await one.ask(name, one.signed())))
                said.replies.append(json.dumps(await one.ask(name, one.signed(symbol="A", side=["B"]))))


async def commands(ring: Keyring, tmp_path: Path, ann: Caller, said: Said) -> None:
    """What the command line says to a key that it may not use, and of a file that is none."""
    assert ann.key is not None
    made = {"api_key": ann.key.api_key, "secret": ring.secrets[-1]}
    deposit, listing = ("deposit", "ann", "USDC", "1", "--key", "k"), ("user", "list")
    text = json.dumps(made)
    tried = ((text, 0o600, listing), (text, 0o644, deposit), (text[:-2], 0o600, listing))
    for text, mode, command in tried:
        file = tmp_path / "key.json"
        file.write_text(text)
        file.chmod(mode)
        ended = served.command(*command, "--url", ring.exchange.url, "--key-file", str(file))
        assert ended.returncode != 0
        said.replies.append(ended.stdout + ended.stderr)


def forms(text: str) -> list[str]:
    """A secret as it may be written: as it is, and its bytes in other letters."""
    data = text.encode()
    with contextlib.suppress(ValueError):
        decoded = base64.b64decode(text, validate=True)
        return [text, data.hex(), base64.b64encode(data).decode(), decoded.hex()]
    return [text, data.hex(), base64.b64encode(data).decode()]


def files(directory: Path) -> dict[str, str]:
    """What is long enough for a secret or a signature in whatever the exchange and its PostgreSQL have written, the
    write-ahead log too; without the master key."""
    found = {}
    for path in directory.rglob("*"):
        with contextlib.suppress(OSError):  # PostgreSQL removes some meanwhile
            if path.is_file() and path.name != "master.key":
                found[str(path.relative_to(directory))] = b" ".join(LONG.findall(path.read_bytes())).decode()
    return found


@pytest.mark.usefixtures("verbose")
async def test_no_secret_or_signature_is_written_down(ring: Keyring, ann: Caller, tmp_path: Path) -> None:
    said = Said()
    await commands(ring, tmp_path, ann, said)
    await native(ring, ann, said)
    async with aiohttp.ClientSession() as session:
        await binance(ring, session, said)
        async with session.get(f"{ann.url}/metrics") as reply:
            metrics = await reply.text()
    async with attached(ring.exchange.data_dir) as dsn:
        tables = json.dumps(await everything(dsn))
    log, master_key = ring.exchange.said(), (ring.exchange.data_dir / "master.key").read_text().strip()
    texts = {"log": log, "replies": "".join((*ring.heard, *said.replies))}
    texts |= {"tables": tables, "metrics": metrics, **files(ring.exchange.data_dir)}
    signatures = said.signatures + [signature for caller in ring.callers for signature in caller.signatures]
    secrets = [form for text in (*ring.secrets, master_key) for form in forms(text)]
    assert len(ring.secrets) > 2
    assert len(signatures) > 500
    assert min(map(len, (*secrets, *signatures, *said.bearers))) >= 43
    assert log.count("request refused") > 100
    assert any("pg_wal" in name for name in texts)
    for name, text in texts.items():
        wanted = [*secrets, *(() if name == "replies" else said.bearers), *signatures]
        assert [one for one in wanted if one in text] == [], f"a secret is in {name}"
    assert "Traceback" not in log
    assert '"level": "error"' not in log
