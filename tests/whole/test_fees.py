"""Fee tiers over the wire: set by an administrator, paid in trades, shown to their user, kept over a kill."""

import signal
from typing import Any

import aiohttp

from tests.whole import served
from tests.whole.api import Api, fresh, order_body
from tests.whole.binance import Bot
from tests.whole.conftest import Start
from tests.whole.signed import Keyring

SOL_USDC = "SOL_USDC"
CONFIG = served.CONFIG + served.market_text("SOL", taker_fee="0.01", maker_fee="0.005") + served.USER


async def vip(api: Api, market: str, **rates: str) -> str:
    """A tier of its own with fees in the market."""
    tier = fresh("vip")
    fees = {"maker_fee": "0.001", "taker_fee": "0.002"} | rates
    await api.ok("POST", "/admin/fee_tiers", {"market": market, "fee_tier": tier, **fees})
    return tier


async def fees_of(api: Api, user: str, market: str) -> tuple[str | None, str, str]:
    found = await api.ok("GET", "/fees", user_id=user, market=market)
    [fee] = found["fees"]
    return found["fee_tier"], fee["maker_fee"], fee["taker_fee"]


async def give(api: Api, user: str, tier: str | None) -> Any:
    return await api.ok("POST", "/admin/users/fee_tier", {"user_id": user, "fee_tier": tier})


async def test_a_user_of_a_tier_pays_its_fees_and_sees_them(api: Api, market: str) -> None:
    base = market.partition("_")[0]
    tier = await vip(api, market)
    maker, taker = await api.user(**{base: "10"}), await api.user(USDC="1000")
    before = await fees_of(api, taker, market)
    await give(api, taker, tier)
    assert await fees_of(api, taker, market) == (tier, "0.001", "0.002")
    await api.order(maker, market, "sell 1 @ 100")
    [fill] = (await api.order(taker, market, "buy 1 @ 100"))["fills"]
    assert (fill["fee"], fill["fee_asset"]) == ("0.002", base)
    assert {"fee_tier": tier, "maker_fee": "0.001", "taker_fee": "0.002"} in (
        await api.ok("GET", "/admin/fee_tiers", market=market)
    )["fee_tiers"]
    bot = Bot.of_user(api.session, api.url, taker, market.replace("_", ""))
    commission = await bot.ok("GET", "/api/v3/account/commission", symbol=bot.symbol)
    assert commission["standardCommission"] | {"buyer": "0.00000000", "seller": "0.00000000"} == {
        "maker": "0.00100000",
        "taker": "0.00200000",
        "buyer": "0.00000000",
        "seller": "0.00000000",
    }
    await api.ok("DELETE", "/admin/fee_tiers", market=market, fee_tier=tier)
    assert await fees_of(api, taker, market) == (tier, *before[1:])
    await give(api, taker, None)
    assert await fees_of(api, taker, market) == before


async def test_it_is_in_the_audit_and_in_the_list_of_users(api: Api, market: str) -> None:
    user, tier = await api.user(), await vip(api, market)
    await give(api, user, tier)
    last, before = (await api.ok("GET", "/admin/audit", limit=2))["actions"]
    assert (last["action"], last["user_id"], last["detail"]) == ("set_user_tier", user, tier)
    assert (before["action"], before["detail"]) == (
        "set_tier_fees",
        f"{market} {tier} maker_fee 0.001 taker_fee 0.002",
    )
    users = (await api.ok("GET", "/admin/users", after=user[:-1], limit=1000))["users"]
    assert next(row["fee_tier"] for row in users if row["user_id"] == user) == tier


async def test_the_least_price_follows_the_fees(api: Api, market: str) -> None:
    async def least() -> str:
        rows = (await api.ok("GET", "/markets"))["markets"]
        return str(next(row["min_price"] for row in rows if row["market"] == market))

    before = await least()
    tier = await vip(api, market, taker_fee="0.9")
    assert float(await least()) > float(before)
    user = await api.user(USDC="1000")
    cheap = order_body(user, market, f"buy 10 @ {before}")
    assert (await api.refused("POST", "/order", cheap))[0] == 422
    await api.ok("DELETE", "/admin/fee_tiers", market=market, fee_tier=tier)
    assert await least() == before


async def test_bad_fees_are_refused(api: Api, market: str) -> None:
    tier = {"market": market, "fee_tier": "vip", "maker_fee": "0", "taker_fee": "0"}
    for change, error in (
        ({"taker_fee": "-0.1"}, (400, "INVALID_NUMBER")),
        ({"taker_fee": "1e-3"}, (400, "INVALID_NUMBER")),
        ({"maker_fee": "0.0000001"}, (400, "INVALID_FIELD")),
        ({"taker_fee": "1.1"}, (400, "INVALID_FIELD")),
        ({"taker_fee": "1"}, (400, "INVALID_FIELD")),
        ({"maker_fee": "-0.1"}, (400, "INVALID_FIELD")),
        ({"fee_tier": "a b"}, (400, "INVALID_FIELD")),
        ({"market": "NO_WHERE"}, (404, "UNKNOWN_MARKET")),
    ):
        assert await api.refused("POST", "/admin/fee_tiers", {**tier, **change}) == error, change
    nobody = {"user_id": fresh("nobody"), "fee_tier": None}
    assert await api.refused("POST", "/admin/users/fee_tier", nobody) == (404, "NOT_FOUND")
    unknown = {"user_id": await api.user(), "fee_tier": fresh("unknown")}
    assert await api.refused("POST", "/admin/users/fee_tier", unknown) == (404, "NOT_FOUND")


async def test_only_an_administrator_sets_fees(ring: Keyring) -> None:
    trader = await ring.key(await ring.user())
    body = {"market": SOL_USDC, "fee_tier": "vip", "maker_fee": "0", "taker_fee": "0"}
    assert await trader.code("POST", "/admin/fee_tiers", body) == "FORBIDDEN"
    assert await trader.code("GET", "/admin/fee_tiers", market=SOL_USDC) == "FORBIDDEN"
    assert await trader.code("POST", "/admin/users/fee_tier", {"user_id": "x", "fee_tier": None}) == "FORBIDDEN"


async def test_tiers_survive_a_kill_and_the_replay_of_the_journal(start: Start) -> None:
    exchange = start(CONFIG)
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        tier = await vip(api, SOL_USDC)
        user, other = await api.user(USDC="1000", SOL="10"), await api.user(USDC="1000", SOL="10")
        await give(api, user, tier)
        await api.order(user, SOL_USDC, "sell 1 @ 100")
        await give(api, user, None)
        await give(api, other, tier)
        exchange.stop(signal.SIGKILL)
        api = Api(session, exchange.start().url)
        assert await fees_of(api, other, SOL_USDC) == (tier, "0.001", "0.002")
        assert await fees_of(api, user, SOL_USDC) == (None, "0.005", "0.01")
        await api.order(other, SOL_USDC, "buy 1 @ 100")
        [fill] = (await api.ok("GET", "/fills", user_id=user))["fills"]
        assert (fill["fee"], fill["fee_asset"]) == ("0.1", "USDC")
    assert exchange.stop() == 0
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    checked = served.command("check", *where, "--replay")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_command_line_sets_fees_on_a_stopped_exchange(start: Start) -> None:
    exchange = start(CONFIG)
    assert exchange.stop() == 0
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    done = served.command("fees", "set", SOL_USDC, "vip", "--maker-fee", "0", "--taker-fee", "0.0005", *where)
    assert '{"fee_tier": "vip", "maker_fee": "0", "taker_fee": "0.0005"}' in done.stdout, done.stderr
    done = served.command("fees", "user", "seeded", "vip", *where)
    assert "seeded has the fee tier vip" in done.stdout, done.stderr
    done = served.command("fees", "list", SOL_USDC, *where)
    assert '"vip"' in done.stdout
    done = served.command("fees", "remove", SOL_USDC, "vip", *where)
    assert done.returncode == 0, done.stderr
    done = served.command("fees", "user", "seeded", "vip", *where)
    assert (done.returncode, "No market has fees for a tier vip." in done.stderr) == (1, True), done.stderr
