"""A program that acts for several users of an exchange in keys mode."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.client import ApiError, ApiKey, Client, KeyRing
from exchange.core.administration import KEYS_OF_USER_MAX
from exchange.testing import RunningExchange, running_exchange
from exchange.testing.process import ADMIN
from tests.patience import PATIENCE_S
from tests.whole.served import EXCHANGE

BID = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"}
RECORDED = """seq,ts,action,order_id,side,type,price,qty
1,1000,add,1,ask,limit,10000,100000000
2,1001,add,2,bid,limit,10000,100000000
3,1002,add,3,bid,limit,9000,100000000
4,1003,cancel,3,bid,,9000,100000000
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with running_exchange(keys=True) as running:
        yield running


@pytest.fixture
def admin(exchange: RunningExchange) -> ApiKey:
    made = exchange.new_key(ADMIN, "admin")
    return ApiKey.hmac(made["api_key"], made["secret"])


async def test_each_call_is_signed_by_the_user_whom_it_names(exchange: RunningExchange, admin: ApiKey) -> None:
    async with Client(exchange.url, key=KeyRing(admin)) as client:
        for user in ("ring-ann", "ring-bob"):
            await client.deposit("USDC", 10, f"to {user}".replace(" ", "-"), user)
            assert (await client.place(BID, user))["user_id"] == user
            assert len(await client.open_orders(user_id=user)) == 1
        assert await client.markets()
        ann = await client.key_of("ring-ann")
    async with Client(exchange.url, key=ann) as client:
        with pytest.raises(ApiError, match="FORBIDDEN"):
            await client.balance("ring-bob")


async def test_a_ring_replaces_the_keys_of_rings_before_it_and_no_others(
    exchange: RunningExchange, admin: ApiKey
) -> None:
    async with Client(exchange.url, key=admin) as root:
        await root.call("POST", "/admin/users", body={"user_id": "ring-cat"})
        wanted = {"user_id": "ring-cat", "type": "hmac", "permissions": ["read"]}
        own = await root.call("POST", "/admin/keys", body=wanted)
        for _ in range(KEYS_OF_USER_MAX - 1):
            await root.call("POST", "/admin/keys", body=wanted | {"label": "key-ring"})
        async with Client(exchange.url, key=KeyRing(admin)) as client:
            assert await client.balance("ring-cat") == []
        left = (await root.call("GET", "/admin/keys", query={"user_id": "ring-cat"}))["keys"]
    assert len(left) == 2
    assert own["api_key"] in [key["api_key"] for key in left]


def test_a_recording_is_replayed_with_a_key_file(exchange: RunningExchange, tmp_path: Path) -> None:
    recording, key_file = tmp_path / "recorded.csv", tmp_path / "admin.json"
    recording.write_text(RECORDED)
    key_file.write_text(json.dumps(exchange.new_key(ADMIN, "admin")))
    key_file.chmod(0o600)
    command = [EXCHANGE, "replay", str(recording), "--url", exchange.url, "--market", "SOL_USDC"]

    def replayed(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=PATIENCE_S
        )

    refused = replayed("--retry-s", "0")
    assert refused.returncode == 1
    assert "UNAUTHENTICATED" in refused.stderr
    done = replayed("--key-file", str(key_file))
    assert done.returncode == 0, done.stdout + done.stderr
    key_file.chmod(0o644)
    open_to_all = replayed("--key-file", str(key_file))
    assert open_to_all.returncode == 2
    assert "may be read by others" in open_to_all.stderr
