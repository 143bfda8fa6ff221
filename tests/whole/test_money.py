"""Withdrawals, transfers, resets, the faucet and the ledger, over the wire: once a key, and after a kill."""

import asyncio
import json
import signal
from collections import Counter
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.patience import PATIENCE_S
from tests.test_docs import API
from tests.whole import served
from tests.whole.api import Api, fresh
from tests.whole.conftest import Start
from tests.whole.served import Served, one_sentence
from tests.whole.signed import Keyring

CONFIG = served.CONFIG + served.market_text("SOL", maker_fee="0.001", taker_fee="0.002") + served.USER


def request(user: str, amount: str, key: str | None = None, asset: str = "USDC") -> dict[str, str]:
    return {"user_id": user, "asset": asset, "amount": amount, "key": key or fresh("key")}


async def withdraw(api: Api, user: str, amount: str, key: str) -> Any:
    return await api.ok("POST", "/admin/withdrawals", request(user, amount, key))


def transfer(gives: str, gets: str, amount: str, key: str | None = None, asset: str = "USDC") -> dict[str, str]:
    names = {"from_user_id": gives, "to_user_id": gets}
    return {**names, "asset": asset, "amount": amount, "key": key or fresh("key")}


async def postings(api: Api, user: str, limit: int = 1000, **query: Any) -> list[Any]:
    """All pages."""
    found: list[Any] = []
    before: dict[str, str] = {}
    while True:
        page = await api.ok("GET", "/ledger", user_id=user, limit=limit, **query, **before)
        assert len(page["postings"]) <= limit
        found += page["postings"]
        if page["next"] is None:
            return found
        assert len(page["postings"]) == limit
        before = {"before": page["next"]}


# --- withdrawals


async def test_a_withdrawal_is_locked_until_it_is_settled(api: Api) -> None:
    user, key = await api.user(USDC="100"), fresh("key")
    asked = await withdraw(api, user, "60", key)
    assert (asked["status"], asked["amount"], asked["ended_at"]) == ("pending", "60", None)
    assert await withdraw(api, user, "60.00", key) == asked
    assert await api.balances(user) == {"USDC": ("40", "60")}
    assert await api.refused("POST", "/admin/withdrawals", request(user, "61", key)) == (409, "KEY_CONFLICT")
    assert await api.refused("POST", "/admin/withdrawals", request(user, "41")) == (422, "INSUFFICIENT_BALANCE")
    done = await api.ok("POST", "/admin/withdrawals/settle", {"key": key})
    assert done["status"] == "settled"
    assert done["ended_at"] >= done["requested_at"]
    assert await api.ok("POST", "/admin/withdrawals/settle", {"key": key}) == done
    assert await withdraw(api, user, "60", key) == done
    assert await api.refused("POST", "/admin/withdrawals/release", {"key": key}) == (409, "WITHDRAWAL_ENDED")
    assert await api.balances(user) == {"USDC": ("40", "0")}
    rows = [(row["cause"], row["amount"], row["key"]) for row in await postings(api, user)]
    assert rows[0] == ("withdrawal", "-60", key)


async def test_a_released_withdrawal_is_available_again(api: Api) -> None:
    user, key = await api.user(USDC="100"), fresh("key")
    await withdraw(api, user, "100", key)
    assert (await api.ok("POST", "/admin/withdrawals/release", {"key": key}))["status"] == "released"
    assert await api.balances(user) == {"USDC": ("100", "0")}
    assert await api.refused("POST", "/admin/withdrawals/settle", {"key": key}) == (409, "WITHDRAWAL_ENDED")


async def test_one_key_sent_many_times_at_once_moves_once(api: Api) -> None:
    user, other, key = await api.user(USDC="100"), await api.user(USDC="1"), fresh("key")
    body = transfer(user, other, "30", key)
    await asyncio.gather(*(api.ok("POST", "/admin/transfers", body) for _ in range(10)))
    assert await api.balances(user) == {"USDC": ("70", "0")}
    assert await api.balances(other) == {"USDC": ("31", "0")}


async def test_keys_are_shared_by_all_that_moves_money(api: Api) -> None:
    user, other, key = await api.user(USDC="100"), await api.user(USDC="1"), fresh("key")
    await api.deposit(user, "USDC", "5", key)
    conflict = (409, "KEY_CONFLICT")
    assert await api.refused("POST", "/admin/withdrawals", request(user, "5", key)) == conflict
    assert await api.refused("POST", "/admin/transfers", transfer(user, other, "5", key)) == conflict
    assert await api.refused("POST", "/admin/reset", {"user_id": user, "balances": {}, "key": key}) == conflict
    assert await api.refused("POST", "/admin/withdrawals/settle", {"key": key}) == (404, "UNKNOWN_WITHDRAWAL")


BAD: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("/admin/withdrawals", {"user_id": "nobody-here"}, (404, "NOT_FOUND")),
    ("/admin/withdrawals", {"user_id": "@external"}, (400, "INVALID_FIELD")),
    ("/admin/withdrawals", {"asset": "NONE"}, (404, "UNKNOWN_ASSET")),
    ("/admin/withdrawals", {"amount": "0"}, (422, "OUT_OF_RANGE")),
    ("/admin/withdrawals", {"amount": "-1"}, (400, "INVALID_NUMBER")),
    ("/admin/withdrawals", {"amount": "0.0000001"}, (400, "INVALID_NUMBER")),
    ("/admin/withdrawals", {"amount": "9" * 60}, (422, "OUT_OF_RANGE")),
    ("/admin/withdrawals", {"amount": 1}, (400, "INVALID_NUMBER")),
    ("/admin/withdrawals", {"key": "a b"}, (400, "INVALID_FIELD")),
    ("/admin/withdrawals", {"key": "config:x"}, (400, "INVALID_FIELD")),
    ("/admin/withdrawals", {"key": 'quote"'}, (400, "INVALID_FIELD")),
    ("/admin/transfers", {"to_user_id": "@fees"}, (400, "INVALID_FIELD")),
    ("/admin/transfers", {"to_user_id": "nobody-here"}, (404, "NOT_FOUND")),
    ("/admin/transfers", {"from_user_id": "@external"}, (400, "INVALID_FIELD")),
    ("/admin/transfers", {"to_user_id": "{user}"}, (400, "INVALID_FIELD")),
    ("/admin/transfers", {"amount": "101"}, (422, "INSUFFICIENT_BALANCE")),
    ("/admin/reset", {"user_id": "nobody-here"}, (404, "NOT_FOUND")),
    ("/admin/reset", {"balances": {"NONE": "1"}}, (404, "UNKNOWN_ASSET")),
    ("/admin/reset", {"balances": {"USDC": "-1"}}, (400, "INVALID_NUMBER")),
    ("/admin/reset", {"balances": {"USDC": "9" * 40}}, (422, "OUT_OF_RANGE")),
    ("/admin/reset", {"balances": None}, (400, "INVALID_FIELD")),
]


async def test_what_cannot_be_moves_nothing(api: Api, market: str) -> None:
    user, other = await api.user(USDC="100"), await api.user(USDC="1")
    await api.order(user, market, "buy 1 @ 10")
    good: dict[str, dict[str, Any]] = {
        "/admin/withdrawals": request(user, "5"),
        "/admin/transfers": transfer(user, other, "5"),
        "/admin/reset": {"user_id": user, "balances": {"USDC": "1"}, "key": fresh("key")},
    }
    for path, change, refusal in BAD:
        filled = {name: user if value == "{user}" else value for name, value in change.items()}
        assert await api.refused("POST", path, good[path] | filled) == refusal, (path, change)
    assert await api.balances(user) == {"USDC": ("90", "10")}
    assert len(await postings(api, user)) == 1
    for cursor in ("1", "x.1", "1.1.", "1." + "9" * 19, "-1.1", "1.1.A B", "9" * 20 + ".1"):
        assert await api.refused("GET", "/ledger", user_id=user, before=cursor) == (400, "INVALID_FIELD"), cursor


# --- resets


async def test_a_reset_begins_anew(api: Api, market: str) -> None:
    base = market.partition("_")[0]
    user, key = await api.user(**{"USDC": "100", base: "7"}), fresh("key")
    pending = fresh("key")
    await withdraw(api, user, "10", pending)
    await api.order(user, market, "buy 1 @ 20")
    await api.order(user, market, "sell 1 @ 30")
    body = {"user_id": user, "balances": {"USDC": "55"}, "key": key}
    done = await api.ok("POST", "/admin/reset", body)
    assert [(order["status"], order["cancel_reason"]) for order in done["canceled"]] == [("canceled", "reset")] * 2
    assert await api.balances(user) == {"USDC": ("55", "10"), base: ("0", "0")}
    assert await api.ok("GET", "/orders/open", user_id=user) == {"orders": []}
    closed = (await api.ok("GET", "/orders/history", user_id=user))["orders"]
    assert [order["cancel_reason"] for order in closed] == ["reset"] * 2
    await api.order(user, market, "buy 1 @ 20")
    again = await api.ok("POST", "/admin/reset", body)
    assert again["canceled"] == []
    assert await api.balances(user) == {"USDC": ("35", "30"), base: ("0", "0")}
    assert (await api.ok("POST", "/admin/withdrawals/settle", {"key": pending}))["status"] == "settled"


async def test_a_reset_is_applied_after_every_order_before_it(api: Api, markets: Any) -> None:
    """The orders of many connections are in the queues of several markets."""
    names = [markets.plain() for _ in range(3)]
    user = await api.user(USDC="100000")
    for turn in range(5):
        placing = [
            asyncio.create_task(api.call("POST", "/order", await _buy(user, market)))
            for market in names
            for _ in range(10)
        ]
        await asyncio.sleep(0)
        await api.ok("POST", "/admin/reset", {"user_id": user, "balances": {"USDC": "777"}, "key": fresh("key")})
        await asyncio.gather(*placing)
        await api.ok("POST", "/admin/reset", {"user_id": user, "balances": {"USDC": "777"}, "key": fresh("key")})
        assert (await api.balances(user))["USDC"] == ("777", "0"), turn


async def _buy(user: str, market: str) -> dict[str, Any]:
    return {"user_id": user, "market": market, "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"}


# --- the faucet and the fees


async def test_the_faucet_gives_once_in_an_interval(api: Api) -> None:
    user = await api.user(USDC="1")
    body = {"user_id": user, "asset": "USDC"}
    await api.ok("POST", "/faucet", body)
    assert await api.balances(user) == {"USDC": ("26", "0")}
    status, answer = await api.call("POST", "/faucet", body)
    assert (status, answer["code"]) == (429, "RATE_LIMITED")
    assert 0 < answer["retry_after_s"] <= 86_400
    assert await api.balances(user) == {"USDC": ("26", "0")}
    assert await api.refused("POST", "/faucet", {"user_id": user, "asset": "NONE"}) == (404, "UNKNOWN_ASSET")
    assert await api.refused("POST", "/faucet", {"user_id": "nobody-here", "asset": "USDC"}) == (401, "UNKNOWN_USER")


async def test_the_faucet_gives_nothing_to_a_user_who_is_disabled(api: Api) -> None:
    user = await api.user(USDC="1")
    await api.ok("POST", "/admin/users/disable", {"user_id": user})
    body = {"user_id": user, "asset": "USDC"}
    assert await api.refused("POST", "/faucet", body) == (403, "USER_DISABLED")
    assert await api.balances(user) == {"USDC": ("1", "0")}
    await api.ok("POST", "/admin/users/enable", {"user_id": user})
    await api.ok("POST", "/faucet", body)


async def test_without_a_faucet_there_is_none(ring: Keyring) -> None:
    user = await ring.key(await ring.user())
    assert await user.code("POST", "/faucet", {"asset": "USDC"}) == "NOT_FOUND"


async def test_money_is_moved_by_administrators_alone(ring: Keyring) -> None:
    user_id = await ring.user(USDC="10")
    caller = await ring.key(user_id, "read", "trade")
    for path, body in (
        ("/admin/withdrawals", request(user_id, "1")),
        ("/admin/transfers", transfer(user_id, await ring.user(), "1")),
        ("/admin/reset", {"user_id": user_id, "balances": {"USDC": "1000"}, "key": fresh("key")}),
    ):
        assert await caller.code("POST", path, body) == "FORBIDDEN"
    assert await caller.code("GET", "/admin/balance", user_id="@fees") == "FORBIDDEN"
    assert [row["total"] for row in (await caller.ok("GET", "/balance"))["balances"]] == ["10"]


async def test_fees_are_read_and_paid_out(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        maker, taker = await api.user(SOL="10"), await api.user(USDC="1000")
        await api.order(maker, "SOL_USDC", "sell 5 @ 100")
        await api.order(taker, "SOL_USDC", "buy 5 @ 100")
        fees = {row["asset"]: row["available"] for row in (await _account(api, "@fees"))}
        assert fees == {"SOL": "0.01", "USDC": "0.5"}
        await api.ok("POST", "/admin/transfers", transfer("@fees", maker, "0.2"))
        await withdraw(api, "@fees", "0.3", "payout")
        assert await api.refused("POST", "/admin/transfers", transfer("@fees", maker, "0.1")) == (
            422,
            "INSUFFICIENT_BALANCE",
        )
        for limit in (1, 2, 100):
            assert await fee_postings(api, limit) == ["transfer USDC -0.2", "fee USDC 0.5", "fee SOL 0.01"]
            assert await fee_postings(api, limit, asset="SOL") == ["fee SOL 0.01"]
        exchange.stop(signal.SIGKILL)
        api = Api(session, exchange.start().url)
        assert {row["asset"]: row["locked"] for row in (await _account(api, "@fees"))} == {"SOL": "0", "USDC": "0.3"}
        assert (await withdraw(api, "@fees", "0.3", "payout"))["status"] == "pending"
        await api.ok("POST", "/admin/withdrawals/settle", {"key": "payout"})
        await withdraw(api, taker, "1", "left-pending")
        assert await reconciled(exchange) == []
        exchange.stop(signal.SIGKILL)
        exchange.start()
        assert await reconciled(exchange) == []
    assert exchange.stop() == 0
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    checked = served.command("check", *where, "--replay")
    assert checked.returncode == 0, checked


async def fee_postings(api: Api, limit: int, **query: Any) -> list[str]:
    """The ledger of the fees, newest first, page by page."""
    found: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = await api.ok("GET", "/admin/ledger", user_id="@fees", limit=limit, **query, **before)
        assert len(page["postings"]) <= limit
        found += [f"{row['cause']} {row['asset']} {row['amount']}" for row in page["postings"]]
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


async def test_withdrawals_are_listed_to_their_user_and_to_administrators(api: Api, ring: Keyring) -> None:
    user, other = await api.user(USDC="100"), await api.user(USDC="100")
    keys = [fresh("payout") for _ in range(3)]
    for key in keys:
        await withdraw(api, user, "1", key)
    await withdraw(api, other, "1", fresh("payout"))
    await api.ok("POST", "/admin/withdrawals/settle", {"key": keys[1]})
    listed = await api.ok("GET", "/withdrawals", user_id=user)
    assert [(row["key"], row["status"]) for row in listed["withdrawals"]] == [
        *((keys[2], "pending"), (keys[1], "settled"), (keys[0], "pending")),
    ]
    assert listed["next"] is None
    first = await api.ok("GET", "/withdrawals", user_id=user, status="pending", limit=1)
    rest = await api.ok("GET", "/withdrawals", user_id=user, status="pending", before=first["next"])
    assert [row["key"] for row in (*first["withdrawals"], *rest["withdrawals"])] == [keys[2], keys[0]]
    everybody = (await api.ok("GET", "/admin/withdrawals", status="pending", limit=2))["withdrawals"]
    assert [row["user_id"] for row in everybody] == [other, user]
    assert (await api.ok("GET", "/admin/withdrawals", user_id=other))["withdrawals"][0]["user_id"] == other
    assert await api.refused("GET", "/withdrawals", user_id=user, status="gone") == (400, "INVALID_FIELD")
    trader = await ring.key(await ring.user())
    assert await trader.code("GET", "/admin/withdrawals") == "FORBIDDEN"
    assert await trader.code("GET", "/admin/ledger", user_id="@fees") == "FORBIDDEN"


async def _account(api: Api, user_id: str) -> Any:
    return (await api.ok("GET", "/admin/balance", user_id=user_id))["balances"]


async def reconciled(exchange: Served) -> list[Any]:
    """What the documented query finds, once the tables are there."""
    text = API.partition("reconciles the ledger")[2].split("```")[1]
    connection = await asyncpg.connect(host=str(exchange.data_dir / "run"), user="exchange", database="exchange")
    try:
        lag = "SELECT (SELECT sequence FROM venue) - (SELECT sequence FROM projection)"
        async with asyncio.timeout(PATIENCE_S):
            while await connection.fetchval(lag):  # noqa: ASYNC110 - it is the database that it waits for
                await asyncio.sleep(0.02)
        assert await connection.fetchval("SELECT count(*) FROM postings") > 0
        return list(await connection.fetch(text))
    finally:
        await connection.close()


# --- the ledger


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_the_ledger_adds_up_page_by_page(api: Api, markets: Any, limit: int) -> None:
    market = markets.with_fees() if limit == 1000 else markets.plain()
    base = market.partition("_")[0]
    user, other = await api.user(**{base: "10", "USDC": "1000"}), await api.user(**{base: "10", "USDC": "1000"})
    await api.order(user, market, "sell 3 @ 10")
    await api.order(other, market, "buy 1 @ 10")
    await api.ok("POST", "/admin/transfers", transfer(user, other, "3"))
    await api.order(other, market, "buy 1 @ 10")
    await api.order(user, market, "buy 1 @ 10", self_trade_prevention="none")
    await api.ok("POST", "/faucet", {"user_id": user, "asset": "USDC"})
    body = {"user_id": user, "balances": {base: "1", "USDC": "500"}, "key": fresh("key")}
    await api.ok("POST", "/admin/reset", body)
    found = await postings(api, user, limit)
    assert found == await postings(api, user)
    times = [row["timestamp"] for row in found]
    assert times == sorted(times, reverse=True)
    sums: Counter[str] = Counter()
    for row in found:
        sums[row["asset"]] += Decimal(row["amount"])  # type: ignore[assignment]
    assert {asset: Decimal(total) for asset, total in sums.items()} == {base: Decimal(1), "USDC": Decimal(500)}
    for asset in (base, "USDC"):
        assert await postings(api, user, limit, asset=asset) == [row for row in found if row["asset"] == asset]
    assert Counter(row["cause"] for row in found)["reset"] == 2
    assert len([row for row in found if row["cause"] == "trade"]) == 8  # one of the trades has both sides
    assert await api.refused("GET", "/ledger", user_id=user, asset="NONE") == (404, "UNKNOWN_ASSET")


# --- the command line


async def test_the_command_line_moves_money(shared: Served, api: Api) -> None:
    user, other, key = await api.user(USDC="100"), await api.user(USDC="1"), fresh("key")
    where = ["--url", shared.url]
    ended = served.command("withdrawal", "request", user, "USDC", "10", "--key", key, *where)
    assert '"status": "pending"' in ended.stdout
    assert '"status": "settled"' in served.command("withdrawal", "settle", key, *where).stdout
    ended = served.command("withdrawal", "release", key, *where)
    assert ended.returncode == 1
    assert one_sentence(ended)
    ended = served.command("transfer", user, other, "USDC", "20", "--key", fresh("key"), *where)
    assert '"amount": "20"' in ended.stdout
    ended = served.command("reset", user, "--balance", "USDC=3", "--key", fresh("key"), *where)
    assert ended.stdout == f"{user} is reset; 0 orders were canceled\n"
    assert '"available": "3"' in served.command("balance", user, *where).stdout
    ended = served.command("ledger", user, "--asset", "USDC", "--last", "3", *where)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(row["cause"], row["amount"]) for row in rows] == [
        *(("reset", "-67"), ("transfer", "-20"), ("withdrawal", "-10")),
    ]
    ended = served.command("audit", "--last", "1", *where)
    (action,) = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (action["actor"], action["action"], action["user_id"]) == ("@dev", "reset", user)
