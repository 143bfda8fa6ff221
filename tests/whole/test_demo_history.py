"""The days before the demo: made once, gone on with when they were interrupted, never among what people did."""

from exchange.config import Config
from exchange.core.commands import Deposit
from exchange.demo.cast import with_markets, with_users
from exchange.demo.history import NS_PER_S, STEP_S, History
from exchange.runtime.app import build
from exchange.store.audit import audit
from exchange.store.postgres import PostgresStore
from tests.whole.databases import value

DEMO = with_users(with_markets(Config()))
SEED = 7
UNTIL_S = 1_800_000_000
HOURS = 3
TRADED = "SELECT count(DISTINCT time_ns / 3600000000000) FROM trades"
LONGEST_PAUSE = "SELECT max(pause) FROM (SELECT time_ns - lag(time_ns) OVER (ORDER BY time_ns) AS pause FROM trades) t"


async def number(dsn: str, sql: str) -> int:
    found = await value(dsn, sql)
    assert isinstance(found, int)
    return found


async def made(dsn: str, until_s: float, hours: float = HOURS) -> bool:
    """Whether there was something to make."""
    return await History(DEMO, SEED, int(until_s * NS_PER_S), days=hours / 24).make(PostgresStore(dsn))


async def test_it_goes_on_where_it_was_interrupted(dsn: str) -> None:
    """A history up to an earlier time is what one leaves that is killed."""
    assert await made(dsn, UNTIL_S - 3600, HOURS - 1)
    price = await number(dsn, "SELECT price_ticks FROM trades WHERE market = 'BTC_USDC' ORDER BY trade_id DESC LIMIT 1")
    trades = await number(dsn, "SELECT count(*) FROM trades")
    assert await made(dsn, UNTIL_S + 0.5)
    assert await number(dsn, TRADED) == HOURS
    assert await number(dsn, LONGEST_PAUSE) <= STEP_S * NS_PER_S
    next_price = (
        f"SELECT price_ticks FROM trades WHERE market = 'BTC_USDC' AND trade_id > {trades} ORDER BY trade_id LIMIT 1"
    )
    assert abs(await number(dsn, next_price) / price - 1) < 0.01, "and at the price that was reached"
    assert not await made(dsn, UNTIL_S)
    assert not (await audit(dsn, replay=True)).findings


async def test_what_people_did_gets_none(dsn: str) -> None:
    assert await made(dsn, UNTIL_S, 0.1)
    exchange = await build(DEMO, PostgresStore(dsn), lambda: UNTIL_S * NS_PER_S + 1)

    async def deposit() -> None:
        await exchange.engine.submit(Deposit("alice", "USDC", 1, "once"))

    await exchange.run(deposit)
    assert not await made(dsn, UNTIL_S + 3600)
