"""Assets and markets that are added and changed while the exchange runs: at once everywhere, and after a kill."""

import asyncio
import signal
from typing import Any

import aiohttp
import pytest

from tests.patience import PATIENCE_S
from tests.whole import served
from tests.whole.api import Api, fresh, order_body
from tests.whole.conftest import Start
from tests.whole.served import Served, one_sentence
from tests.whole.signed import Keyring

CONFIG = served.CONFIG + served.market_text("SOL") + served.USER
SIZES = {"tick_size": "0.01", "lot_size": "0.1"}


def symbol() -> str:
    """An asset that nobody has used."""
    return fresh("G").replace("-", "")[:16]


async def listed(api: Api, base: str, **rules: Any) -> Any:
    """A new asset and its market against USDC."""
    await api.ok("POST", "/admin/assets", {"asset": base, "decimals": 4})
    return await api.ok("POST", "/admin/markets", {"market": f"{base}_USDC", **SIZES, **rules})


async def rules_of(api: Api, market: str) -> Any:
    found = [row for row in (await api.ok("GET", "/markets"))["markets"] if row["market"] == market]
    return found[0] if found else None


async def test_a_new_market_is_everywhere_at_once(shared: Served, api: Api) -> None:
    base = symbol()
    market = f"{base}_USDC"
    async with api.session.ws_connect(f"{api.url}/ws") as socket, asyncio.timeout(PATIENCE_S):
        rules = await listed(api, base, taker_fee="0.001")
        assert (rules["base_decimals"], rules["taker_fee"], rules["status"]) == (4, "0.001", "trading")
        assert await rules_of(api, market) == rules
        assert (await api.ok("GET", "/health"))["markets"][market] == "trading"
        assert (await api.ok("GET", "/ticker", market=market))["tickers"][0]["last"] is None
        await socket.send_json({"message_type": "SUBSCRIBE", "channels": [f"trade@{market}"]})
        assert (await socket.receive_json())["message_type"] == "SUBSCRIBED"
        maker, taker = await api.user(**{base: "10"}), await api.user(USDC="1000")
        await api.order(maker, market, "sell 1 @ 10")
        assert (await api.order(taker, market, "buy 1 @ 10"))["status"] == "filled"
        assert (await socket.receive_json())["data"]["price"] == "10"
    assert (await api.ok("GET", "/candles", market=market, interval="1m"))["candles"][0]["trades"] == 1


async def test_a_row_of_markets_can_be_sent_back(api: Api) -> None:
    rules = await listed(api, symbol(), maker_fee="-0.001", taker_fee="0.002", fee_asset="quote")
    assert await api.ok("POST", "/admin/markets", rules) == rules
    changed = rules | {"min_notional": "5", "max_open_orders": 7, "allowed_self_trade_prevention": ["expire_taker"]}
    assert await api.ok("POST", "/admin/markets", changed) == changed
    actions = (await api.ok("GET", "/admin/audit", limit=1))["actions"]
    assert actions[0]["action"] == "set_market"
    assert actions[0]["user_id"] is None
    assert actions[0]["detail"] == (
        f"{rules['market']} min_notional 5 max_open_orders 7 allowed_self_trade_prevention 1"
    )


BAD: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"tick_size": "0.1"}, (422, "RULE_FIXED")),
    ({"lot_size": "1"}, (422, "RULE_FIXED")),
    ({"fee_asset": "quote"}, (422, "RULE_FIXED")),
    ({"base": "USDC"}, (422, "RULE_FIXED")),
    ({"quote_decimals": 7}, (422, "RULE_FIXED")),
    ({"taker_fee": "1"}, (400, "INVALID_FIELD")),
    ({"taker_fee": "0.9999999"}, (400, "INVALID_FIELD")),
    ({"taker_fee": "-0.1"}, (400, "INVALID_NUMBER")),
    ({"maker_fee": "-0.1"}, (400, "INVALID_FIELD")),
    ({"maker_fee": "--1"}, (400, "INVALID_NUMBER")),
    ({"min_price": "0.001"}, (400, "INVALID_FIELD")),
    ({"min_price": "9" * 60}, (400, "INVALID_FIELD")),
    ({"min_notional": "1e5"}, (400, "INVALID_NUMBER")),
    ({"min_notional": "9" * 61}, (400, "INVALID_NUMBER")),
    ({"min_notional": "9" * 50}, (400, "INVALID_FIELD")),
    ({"min_notional": 5}, (400, "INVALID_NUMBER")),
    ({"max_open_orders": 0}, (400, "INVALID_FIELD")),
    ({"max_open_orders": 2**31}, (400, "INVALID_FIELD")),
    ({"max_fills_per_order": 2**63}, (400, "INVALID_FIELD")),
    ({"avg_price_mins": 61}, (400, "INVALID_FIELD")),
    ({"status": "closed"}, (400, "INVALID_FIELD")),
    ({"self_trade_prevention": "x"}, (400, "INVALID_FIELD")),
    ({"allowed_self_trade_prevention": []}, (400, "INVALID_FIELD")),
    ({"allowed_self_trade_prevention": ["none", "x"]}, (400, "INVALID_FIELD")),
    ({"unknown": 1}, (400, "INVALID_FIELD")),
]


async def test_what_cannot_be_changes_nothing(api: Api) -> None:
    rules = await listed(api, symbol())
    for change, refusal in BAD:
        assert await api.refused("POST", "/admin/markets", {"market": rules["market"]} | change) == refusal, change
        assert await rules_of(api, rules["market"]) == rules, change


@pytest.mark.parametrize(
    ("market", "more", "refusal"),
    [
        ("{base}_USDC", {"lot_size": "1"}, (400, "INVALID_FIELD")),
        ("{base}_USDC", {"tick_size": "0", "lot_size": "1"}, (400, "INVALID_FIELD")),
        ("{base}_USDC", {"tick_size": "0.0000001", "lot_size": "0.0001"}, (400, "INVALID_FIELD")),
        ("{base}_USDC", {"tick_size": "9" * 60, "lot_size": "1"}, (400, "INVALID_FIELD")),
        ("{base}_USDC", SIZES | {"base": "SOL"}, (400, "INVALID_FIELD")),
        ("{base}_USDC", SIZES | {"base_decimals": 5}, (422, "RULE_FIXED")),
        ("{base}_{base}", SIZES, (400, "INVALID_FIELD")),
        ("{base}", SIZES, (400, "INVALID_FIELD")),
        ("{base}_USDC_", SIZES, (400, "INVALID_FIELD")),
        ('{base}_U"DC', SIZES, (400, "INVALID_FIELD")),
        ("{base}_\u00dcSDC", SIZES, (400, "INVALID_FIELD")),
        ("", SIZES, (400, "INVALID_FIELD")),
        ("{base}_NOWHERE", SIZES, (404, "UNKNOWN_ASSET")),
    ],
)
async def test_a_market_that_cannot_be_is_not_there(
    api: Api, market: str, more: dict[str, str], refusal: tuple[int, str]
) -> None:
    base = symbol()
    await api.ok("POST", "/admin/assets", {"asset": base, "decimals": 4})
    before = await api.ok("GET", "/markets")
    assert await api.refused("POST", "/admin/markets", {"market": market.format(base=base)} | more) == refusal
    assert await api.ok("GET", "/markets") == before


async def test_assets_are_what_they_are(api: Api) -> None:
    base = symbol()
    assert await api.ok("POST", "/admin/assets", {"asset": base, "decimals": 30}) == {"asset": base, "decimals": 30}
    assert await api.ok("POST", "/admin/assets", {"asset": base, "decimals": 30}) == {"asset": base, "decimals": 30}
    for body, refusal in (
        ({"asset": base, "decimals": 4}, (422, "RULE_FIXED")),
        ({"asset": base + "x" * 16, "decimals": 4}, (400, "INVALID_FIELD")),
        ({"asset": "A B", "decimals": 4}, (400, "INVALID_FIELD")),
        ({"asset": "@fees", "decimals": 4}, (400, "INVALID_FIELD")),
        ({"asset": symbol(), "decimals": 31}, (400, "INVALID_FIELD")),
        ({"asset": symbol(), "decimals": -1}, (400, "INVALID_FIELD")),
        ({"asset": symbol(), "decimals": 2**63}, (400, "INVALID_FIELD")),
    ):
        assert await api.refused("POST", "/admin/assets", body) == refusal


async def test_two_names_that_differ_in_the_line_are_refused(api: Api) -> None:
    base = symbol()[:15]
    await listed(api, base)
    for asset in (base + "U", "SDC"):
        await api.ok("POST", "/admin/assets", {"asset": asset, "decimals": 6})
    body = {"market": f"{base}U_SDC", **SIZES}
    assert await api.refused("POST", "/admin/markets", body) == (409, "MARKET_NAME_TAKEN")


async def test_only_an_administrator_lists(api: Api, ring: Keyring) -> None:
    body = {"market": "NEW_USDC", **SIZES}
    status, answer = await api.call("POST", "/admin/markets", body, headers={"Forwarded": "for=192.0.2.1"})
    assert (status, answer["code"]) == (403, "FORBIDDEN")
    trader = await ring.key(await ring.user())
    assert await trader.code("POST", "/admin/markets", body) == "FORBIDDEN"
    assert await trader.code("POST", "/admin/assets", {"asset": "NEW", "decimals": 1}) == "FORBIDDEN"
    assert (await ring.root.ok("POST", "/admin/assets", {"asset": "NEW", "decimals": 1}))["decimals"] == 1
    assert (await ring.root.ok("GET", "/admin/audit"))["actions"][0]["actor"] == "root"


async def test_a_call_has_the_last_word_over_the_configuration(start: Start) -> None:
    exchange = start(CONFIG + served.market_text("JUP"))
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        await listed(api, "GEM")
        await api.ok("POST", "/admin/markets", {"market": "SOL_USDC", "taker_fee": "0.003"})
        user = await api.user(USDC="1000")
        await api.order(user, "GEM_USDC", "buy 1 @ 10", client_order_id="kept")
        exchange.stop(signal.SIGKILL)
        exchange.config.write_text(CONFIG + served.market_text("JUP", taker_fee="0.001"), encoding="utf-8")
        api = Api(session, exchange.start().url)
        fees = {row["market"]: row["taker_fee"] for row in (await api.ok("GET", "/markets"))["markets"]}
        assert fees == {"GEM_USDC": "0", "JUP_USDC": "0.001", "SOL_USDC": "0.003"}
        assert await api.refused("POST", "/order", order_body(user, "GEM_USDC", "buy 1 @ 0.001")) == (422, "OFF_TICK")
        body = {"user_id": user, "market": "GEM_USDC", "client_order_id": "kept"}
        assert (await api.ok("DELETE", "/order", body))["status"] == "canceled"
        detail = [action["detail"] for action in (await api.ok("GET", "/admin/audit"))["actions"]]
        assert detail[1] == "SOL_USDC taker_fee 0.003 min_price 0.02"
    assert exchange.stop() == 0
    assert "the configuration does not count" in exchange.said()
    assert '"taker_fee": "0.003, configured 0"' in exchange.said()
    assert "the configuration changes a market" in exchange.said()
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    checked = served.command("check", *where, "--replay")
    assert checked.returncode == 0, checked


def test_the_command_line_adds_and_changes(shared: Served) -> None:
    base = symbol()
    ended = served.command("asset", "add", base, "4", "--url", shared.url)
    assert (ended.returncode, ended.stdout) == (0, f"{base} has 4 decimals\n")
    sizes = ["--tick-size", "0.01", "--lot-size", "0.1"]
    ended = served.command("market", "set", f"{base}_USDC", *sizes, "--taker-fee", "0.001", "--url", shared.url)
    assert ended.returncode == 0
    assert '"taker_fee": "0.001"' in ended.stdout
    modes = ["--allow-mode", "none", "--allow-mode", "expire_taker", "--no-min-notional-applies-to-market"]
    ended = served.command("market", "set", f"{base}_USDC", *modes, "--status", "halted", "--url", shared.url)
    assert '"status": "halted"' in ended.stdout
    assert '"allowed_self_trade_prevention": ["expire_taker", "none"]' in ended.stdout
    ended = served.command("market", "set", f"{base}_USDC", "--tick-size", "1", "--url", shared.url)
    assert ended.returncode == 1
    assert one_sentence(ended)
    assert "RULE_FIXED" in ended.stderr


def test_a_stopped_exchange_is_changed_as_well(start: Start) -> None:
    exchange = start(CONFIG)
    assert exchange.stop() == 0
    where = ["--config", str(exchange.config), "--data-dir", str(exchange.data_dir)]
    assert served.command("asset", "add", "GEM", "4", *where).returncode == 0
    ended = served.command("market", "set", "SOL_USDC", "--maker-fee", "0.001", *where)
    assert ended.returncode == 0, ended.stderr
    checked = served.command("check", *where, "--replay")
    assert checked.returncode == 0, checked
