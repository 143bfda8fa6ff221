"""What survives a restart in keys mode, and the master key without which there is no start."""

import asyncio
import base64
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange.client import ApiError, ApiKey, Client, Socket
from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import order_body
from tests.whole.process import until
from tests.whole.served import EXCHANGE, Served, one_sentence, plain_environment
from tests.whole.signed import MARKET, Caller, Key, keys_exchange, run

ROOT = Path(__file__).resolve().parents[2]
BUY = order_body(None, MARKET, "buy 1 @ 1")


@pytest.fixture
def stopped() -> Iterator[tuple[Served, Any]]:
    with keys_exchange() as made:
        yield made


def new_key(exchange: Served, *options: str) -> Any:
    """A key of alice, made on the stopped exchange."""
    made = run(exchange, "key", "create", "alice", *options)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


async def test_keys_statuses_and_the_audit_survive_and_old_signatures_do_not(stopped: tuple[Served, Any]) -> None:
    exchange, root_key = stopped
    assert run(exchange, "user", "create", "alice", "--balance", "USDC=100").returncode == 0
    alice_key = new_key(exchange, "--type", "hmac", "--permissions", "read,trade", "--label", "bot")
    async with aiohttp.ClientSession() as session:
        exchange.start()
        alice = Caller(session, exchange.url, Key.hmac(alice_key), [])
        await alice.ok("POST", "/order", BUY)
        used, unused = alice.parts("POST", "/order", BUY), replace(alice.parts("POST", "/order", BUY), nonce="unused")
        assert await alice.sent(used) == "OK"
        await Caller(session, exchange.url, Key.hmac(root_key), []).ok(
            "POST", "/admin/users/disable", {"user_id": "alice"}
        )
        assert exchange.stop() == 0
        exchange.start()
        alice, root = (Caller(session, exchange.url, Key.hmac(key), []) for key in (alice_key, root_key))
        for parts in (used, unused):
            assert await alice.sent(parts) == "TIMESTAMP_OUT_OF_WINDOW"
        assert await alice.code("POST", "/order", BUY) == "USER_DISABLED"
        actions = (await root.ok("GET", "/admin/audit"))["actions"]
        assert [(action["action"], action["actor"]) for action in actions] == [
            ("disable_user", "root"),
            ("create_key", "@console"),
            ("create_user", "@console"),
            ("create_key", "@console"),
            ("create_user", "@console"),
        ]
        assert exchange.stop() == 0
    checked = run(exchange, "check", "--replay")
    assert checked.returncode == 0, checked.stdout
    listed = run(exchange, "key", "list", "alice")
    assert json.loads(listed.stdout)["label"] == "bot"
    revoked = run(exchange, "key", "revoke", alice_key["api_key"])
    assert revoked.returncode == 0, revoked.stderr
    assert run(exchange, "key", "list", "alice").stdout == ""
    assert run(exchange, "user", "list").stdout.splitlines() == ["alice disabled", "root enabled"]
    assert run(exchange, "user", "enable", "alice").returncode == 0
    checked = run(exchange, "check", "--replay")
    assert checked.returncode == 0, checked.stdout


def refuses_to_start(exchange: Served, environment: dict[str, str] | None = None) -> str:
    """The sentence with which a start ends."""
    ended = run(exchange, "serve", environment=environment)
    assert ended.returncode == 2, ended.stderr
    assert one_sentence(ended), ended.stderr
    return ended.stderr


def test_a_missing_wrong_or_open_master_key_is_one_sentence(stopped: tuple[Served, Any]) -> None:
    exchange, _ = stopped
    path = exchange.data_dir / "master.key"
    assert path.stat().st_mode & 0o777 == 0o600
    right = path.read_text()
    path.unlink()
    assert "The master key is missing" in refuses_to_start(exchange)
    assert not path.exists()
    wrong = base64.b64encode(bytes(32)).decode()
    variable = {"EXCHANGE_AUTH_MASTER_KEY": wrong}
    assert "is not the one" in refuses_to_start(exchange, variable)
    assert "must be 32 bytes as base64" in refuses_to_start(exchange, {"EXCHANGE_AUTH_MASTER_KEY": "short"})
    path.write_text(right)
    path.chmod(0o644)
    assert "chmod 600" in refuses_to_start(exchange)
    path.chmod(0o600)
    exchange.start()
    assert right.strip() not in exchange.said()


def test_a_master_key_of_the_environment_is_not_in_it_for_long(stopped: tuple[Served, Any]) -> None:
    """Neither of the process, where /proc would show it and a core dump have it, nor of PostgreSQL and its programs."""
    exchange, _ = stopped
    path = exchange.data_dir / "master.key"
    right = path.read_text().strip()
    path.unlink()
    exchange.environment["EXCHANGE_AUTH_MASTER_KEY"] = right
    exchange.start()
    processes = [exchange.pid(), *exchange.postgres()]
    assert len(processes) > 1
    for pid in processes:
        assert right.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    psql = ("postgres", "--data-dir", str(exchange.data_dir), "psql", "--no-align", "--tuples-only")
    ended = served.command(*psql, "--command", r"\! env", environment={"EXCHANGE_AUTH_MASTER_KEY": right})
    assert "PGHOST=" in ended.stdout
    assert right not in ended.stdout


def test_a_running_exchange_is_not_opened_a_second_time(stopped: tuple[Served, Any]) -> None:
    exchange, _ = stopped
    exchange.start()
    ended = run(exchange, "user", "create", "bob")
    assert ended.returncode == 1
    assert one_sentence(ended)
    assert "--url" in ended.stderr


def test_without_an_admin_key_it_starts_and_names_the_commands(stopped: tuple[Served, Any]) -> None:
    exchange, root_key = stopped
    assert run(exchange, "key", "revoke", root_key["api_key"]).returncode == 0
    exchange.start()
    assert "exchange user create USER" in exchange.said()
    assert "exchange key create USER" in exchange.said()


async def client_command(exchange: Served, *arguments: str) -> tuple[int, str]:
    """A command of a client of the running exchange; its exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        EXCHANGE, *arguments, "--url", exchange.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE_S):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_the_client_and_its_commands_sign(stopped: tuple[Served, Any]) -> None:
    exchange, root_key = stopped
    key_file = exchange.place / "root.json"
    key_file.touch(0o600)
    key_file.write_text(json.dumps(root_key))
    exchange.start()
    signed = ("--key-file", str(key_file))
    code, said = await client_command(exchange, "user", "create", "alice", "--balance", "USDC=10", *signed)
    assert code == 0, said
    code, said = await client_command(exchange, "deposit", "alice", "USDC", "5", "--key", "gift", *signed)
    assert (code, said.splitlines()[-1]) == (0, "alice has 15 USDC available and 0 locked")
    code, said = await client_command(
        exchange, "key", "create", "alice", "--type", "hmac", "--permissions", "read,trade", *signed
    )
    assert code == 0, said
    made = json.loads(said)
    key = ApiKey.hmac(made["api_key"], made["secret"])
    assert made["secret"] not in repr(key)
    async with Client(exchange.url, key=key) as client, Socket(exchange.url, key=key) as socket:
        order = await client.place(BUY)
        feed = await socket.subscribe("orders@alice")
        placed = await socket.place(BUY | {"price": "2"})
        assert {row["order_id"] for row in await client.open_orders(MARKET)} == {order["order_id"], placed["order_id"]}
        assert (await client.balance())[0]["locked"] == "3"
        assert len(await socket.cancel_all()) == 2
        assert (await anext(aiter(feed))).data["type"] == "snapshot"  # type: ignore[union-attr]
        code, said = await client_command(exchange, "key", "revoke", made["api_key"], *signed)
        assert code == 0, said
        with pytest.raises(ApiError, match="UNAUTHENTICATED"):
            await client.balance()

        async def socket_is_refused() -> bool:
            return not socket.connected

        await until(socket_is_refused)
    key_file.chmod(0o644)
    code, said = await client_command(exchange, "user", "list", *signed)
    assert (code, "chmod 600" in said) == (2, True)


def test_the_page_about_keys_can_be_followed(stopped: tuple[Served, Any]) -> None:
    """Its commands as they are written, with another port, and its program signs."""
    exchange, root_key = stopped
    assert run(exchange, "key", "revoke", root_key["api_key"]).returncode == 0
    page = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    first, serve, then = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert serve == "EXCHANGE_AUTH_MODE=keys exchange serve\n"
    environment = plain_environment() | {"EXCHANGE_DATABASE_DATA_DIR": str(exchange.data_dir)}
    environment["PATH"] = f"{Path(EXCHANGE).parent}:{environment['PATH']}"

    def follow(commands: str) -> None:
        text = "set -e\n" + commands.replace("http://127.0.0.1:8080", exchange.url)
        ended = subprocess.run(
            ["sh", "-c", text], cwd=exchange.place, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr

    follow(first)
    assert (exchange.place / "root.json").stat().st_mode & 0o777 == 0o600
    exchange.start()
    follow(then)
    alice = json.loads((exchange.place / "alice.json").read_text())
    names: dict[str, Any] = {}
    exec(program, names)
    headers = names["headers"](alice["api_key"], alice["secret"], "GET", "/balance")
    with urllib.request.urlopen(urllib.request.Request(f"{exchange.url}/balance", headers=headers)) as reply:
        assert json.load(reply)["user_id"] == "alice"
