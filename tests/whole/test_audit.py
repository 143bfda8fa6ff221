"""`exchange check` finds a row that was changed by hand: one test for each kind of row."""

import asyncio
import re

import asyncpg
import pytest

from exchange.core.commands import CancelOrder, Deposit
from exchange.core.instrument import Asset
from exchange.core.venue import Venue
from exchange.store import baseline, journal
from exchange.store.audit import audit
from tests.whole import served
from tests.whole.databases import MARKET, Server, execute, order, writing

IN_THE_STATE = {
    "an account was changed": (
        "UPDATE accounts SET available_minor = available_minor + 1 WHERE user_id = 'random1' AND asset = 'SOL'",
        "SOL sums to 1, not to zero",
    ),
    "money was moved from one user to another": (
        "UPDATE accounts SET available_minor = available_minor + (CASE user_id WHEN 'random1' THEN 5 ELSE -5 END) "
        "WHERE user_id IN ('random1', 'random2') AND asset = 'USDC'",
        "random1's USDC is .*, and history adds up to",
    ),
    "locked money was made available": (
        "UPDATE accounts SET available_minor = available_minor + 1, locked_minor = locked_minor - 1 "
        "WHERE user_id = 'random2' AND asset = 'USDC'",
        "random2's USDC has .* locked, and open orders and withdrawals need",
    ),
    "an account was removed": ("DELETE FROM accounts WHERE user_id = 'random2' AND asset = 'USDC'", "has no account"),
    "an open order was deleted": (
        "DELETE FROM open_orders WHERE order_id = (SELECT min(order_id) FROM open_orders)",
        "locked, and open orders and withdrawals need",
    ),
    "an open order grew": (
        "UPDATE open_orders SET quantity_lots = quantity_lots + 1 WHERE user_id = 'random2'",
        "locked, and open orders and withdrawals need",
    ),
    "a filled order was deleted": ("DELETE FROM closed_orders WHERE status = 2", "has trades, and is not there"),
    "a trade was removed": ("DELETE FROM trades WHERE trade_id = 1", "trade 1 is missing"),
    "the last trade was removed": ("DELETE FROM trades WHERE trade_id = 2", "trade 2 is missing"),
    "all trades were removed": ("DELETE FROM trades", "trade 1 is missing, and 1 more"),
    "a trade is on two markets": (
        "INSERT INTO trades SELECT trade_id, 'JUP_USDC', price_ticks, quantity_lots, quote_minor, taker_side, "
        "maker_order_id, taker_order_id, maker_user_id, taker_user_id, maker_fee_minor, taker_fee_minor, time_ns, "
        "market_trade_id, aggregate_id "
        "FROM trades WHERE trade_id = 1",
        "trade 1 is stored twice",
    ),
    "a trade has no number that is given": (
        "UPDATE trades SET trade_id = 0 WHERE trade_id = 1",
        "trade 0 is stored twice, or has an id that was never given",
    ),
    "a trade's quantity was changed": (
        "UPDATE trades SET quantity_lots = quantity_lots - 1 WHERE trade_id = 2",
        "its trades say",
    ),
    "a trade has another's place in its market": (
        "UPDATE trades SET market_trade_id = 1 WHERE trade_id = 2",
        "trade 2 has market_trade_id 1 of SOL_USDC, and should have 2",
    ),
    "a market counts a trade that is not there": (
        "UPDATE markets SET trade_sequence = 3 WHERE symbol = 'SOL_USDC'",
        "SOL_USDC has 2 trades, and counts 3",
    ),
    "two prices are one aggregate": (
        "UPDATE trades SET aggregate_id = 1 WHERE trade_id = 2",
        "trade 2 has aggregate_id 1 of SOL_USDC, after 1",
    ),
    "an aggregate is left out": (
        "UPDATE trades SET aggregate_id = 3 WHERE trade_id = 2",
        "trade 2 has aggregate_id 3 of SOL_USDC, after 1",
    ),
    "a market counts an aggregate that is not there": (
        "UPDATE markets SET last_aggregate_id = 3 WHERE symbol = 'SOL_USDC'",
        "the last aggregate of SOL_USDC is 2, and it counts 3",
    ),
    "two orders have one priority": (
        "UPDATE open_orders SET priority = 2",
        "order 4 has priority 2, which another open order has",
    ),
    "a priority was never given": (
        "UPDATE open_orders SET priority = 6 WHERE order_id = 4",
        "order 4 has priority 6, and the last one given is 5",
    ),
    "an open order has an id that was never given": (
        "UPDATE projection SET last_order_id = 3",
        "order 4 has order_id 4, and the last one given is 3",
    ),
    "a deposit was removed": ("DELETE FROM transfers WHERE user_id = 'random2' AND asset = 'USDC'", "adds up to"),
    "a candle's volume was changed": (
        "UPDATE candles SET volume_lots = volume_lots + 1 WHERE interval_s = 300",
        "the candles of SOL_USDC 5m have volume_lots .*, and the trades have",
    ),
    "what takers bought was changed in a candle": (
        "UPDATE candles SET taker_buy_quote_minor = taker_buy_quote_minor + 1 WHERE interval_s = 60",
        "the candles of SOL_USDC 1m have taker_buy_quote_minor .*, and the trades have",
    ),
    "a candle lost a trade": (
        "UPDATE candles SET trades = trades - 1 WHERE interval_s = 86400",
        "the candle of SOL_USDC 1d at .* has .* trades, and market_trade_ids 1 to 2",
    ),
    "a candle was removed": (
        "DELETE FROM candles WHERE interval_s = 3600",
        "the candles of SOL_USDC 1h end at market_trade_id 0, and it counts 2",
    ),
    "a candle opens below its low": (
        "UPDATE candles SET low_ticks = open_ticks + 1 WHERE interval_s = 900",
        "the candle of SOL_USDC 15m at .* opens or closes outside of its low and high",
    ),
    "a candle has another's time": (
        "UPDATE candles SET open_s = open_s + 1 WHERE interval_s = 14400",
        "the candle of SOL_USDC 4h at .* begins at no multiple of its interval",
    ),
}
"""What was done, and how it is found without the journal."""
BY_THE_JOURNAL = {
    "a canceled order was deleted": ("DELETE FROM closed_orders WHERE status = 3", "is missing in closed_orders"),
    "a closed order's status was changed": (
        "UPDATE closed_orders SET status = 4 WHERE status = 3",
        "in closed_orders differs",
    ),
    "an order was made up": (
        "INSERT INTO closed_orders SELECT 0, user_id, market, NULL, side, order_type, time_in_force, post_only, "
        "price_ticks, quantity_lots, 0, 0, 3, created_ns, updated_ns, NULL FROM closed_orders LIMIT 1",
        "order_id 0 in closed_orders is not in the replay",
    ),
    "a trade's time was changed": (
        "UPDATE trades SET time_ns = time_ns + 1 WHERE trade_id = 1",
        "trade_id 1 in trades",
    ),
    "a deposit's key was changed": (
        "UPDATE transfers SET key = 'other' WHERE user_id = 'random2' AND asset = 'USDC'",
        "in transfers differs",
    ),
    "an order's priority was changed": (
        "UPDATE open_orders SET priority = 1 WHERE user_id = 'random1'",
        "orders differ",
    ),
    "the time of the last command was changed": ("UPDATE projection SET time_ns = time_ns + 1", "time_ns"),
    "the count of orders was changed": (
        "UPDATE projection SET last_order_id = last_order_id + 1",
        "last_order_id is 5, the stored one 6",
    ),
    "a journal row has other rules": (
        "UPDATE journal SET rules_version = 1 WHERE commands LIKE '%\"place\"%'",
        "its replay is refused",
    ),
    "a journal row has a version that nobody knows": (
        "UPDATE journal SET rules_version = 99",
        "rules version 99, which this version of the exchange cannot read",
    ),
    "a journaled quantity was changed": (
        "UPDATE journal SET commands = replace(commands, ',7000,', ',7001,')",
        "replayed, .* stored",
    ),
    "a journaled order is another user's": (
        'UPDATE journal SET commands = replace(commands, \'"place","random2"\', \'"place","random1"\')',
        "its replay is refused",
    ),
    "a journaled time was changed": (
        "UPDATE journal SET commands = regexp_replace(commands, '[0-9]{19}(,.cancel.)', '1\\1')",
        "cannot be applied",
    ),
    "a journal row is no JSON any more": (
        "UPDATE journal SET commands = substr(commands, 2) WHERE first_sequence > 1",
        "the journal cannot be applied after",
    ),
    "a journal row lost a command": (
        "UPDATE journal SET commands = (commands::jsonb - -1)::text WHERE first_sequence = 1",
        "the journal's row",
    ),
    "a journal row was removed": ("DELETE FROM journal WHERE first_sequence = 1", "the journal goes from 0"),
    "the last journal row was removed": (
        "DELETE FROM journal WHERE last_sequence = (SELECT max(last_sequence) FROM journal)",
        "the replay's sequence is",
    ),
}
"""What was done, and how the journal finds it."""


@pytest.fixture(scope="module")
def template(server: Server) -> str:
    """The database that all stories begin with."""

    async def make() -> str:
        name = await server.migrated()
        await tell_story(server.dsn(name))
        return name

    return asyncio.run(make())


@pytest.fixture
async def dsn(server: Server, template: str) -> str:
    return server.dsn(await server.create(template))


async def tell_story(dsn: str) -> None:
    """Two trades of one taker, orders that rest on both sides, one that is canceled, and a deposit."""
    async with writing(dsn) as made:
        for commands in (
            [order("random1", "sell 10000 @ 150"), order("random1", "sell 10000 @ 152", "second")],
            [order("random2", "buy 15000 @ 153"), order("random2", "buy 7000 @ 140")],
            [order("random2", "buy 9000 @ 130")],
            [CancelOrder("random2", MARKET, 5, None)],
            [Deposit("random2", "USDC", 77, "once")],
        ):
            await made.commit(made.apply(*commands))


async def test_nothing_is_wrong_with_what_the_exchange_wrote(dsn: str) -> None:
    report = await audit(dsn, replay=True)
    assert report.findings == []
    assert (report.trades, report.open_orders, report.replayed) == (2, 2, report.sequence)


async def test_what_only_the_journal_has_is_looked_at(dsn: str) -> None:
    async with writing(dsn, seeded=False) as made:
        await made.store.journal.commit(made.apply(order("random2", "buy 9000 @ 129")))
        await made.store.journal.commit(made.apply(order("random2", "buy 9000 @ 128")))
    report = await audit(dsn, replay=True)
    assert report.findings == []
    assert (report.replayed, report.ahead) == (report.sequence, 2)
    assert (await audit(dsn, replay=False)).ahead == 2
    for options, words in (
        (
            (),
            "; the journal has 2 later commands, which are not in the query tables yet, and which only --replay checks",
        ),
        (("--replay",), "replayed; the journal has 2 later commands, which are not in the query tables yet"),
    ):
        said = await asyncio.to_thread(served.command, "check", "--database-url", dsn, *options)
        assert said.stdout.startswith("all is right: ")
        assert said.stdout.endswith(f"{words}\n")
    await execute(dsn, f"DELETE FROM journal WHERE last_sequence = {report.sequence + 2}")
    assert found("commands are missing", (await audit(dsn, replay=True)).findings)


async def test_what_only_the_journal_has_must_follow_from_the_tables(dsn: str) -> None:
    async with writing(dsn, seeded=False) as made:
        await made.store.journal.commit(made.apply(order("random2", "buy 9000 @ 129")))
    await execute(dsn, "UPDATE journal SET commands = replace(commands, ',9000,', ',900000000000,') "
                       "WHERE last_sequence = (SELECT max(last_sequence) FROM journal)")  # fmt: skip
    assert found("is refused by the state of the tables", (await audit(dsn, replay=True)).findings)


async def begin_later(dsn: str) -> int:
    """Prune the journal up to before the last two commands, a cancel and a deposit; where it begins now."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT * FROM journal ORDER BY last_sequence")
        venue, assets = Venue(), dict[str, Asset]()
        for row in rows[:-2]:
            for entry in journal.decode(row["codec_version"], row["rules_version"], row["commands"], assets):
                venue.replay(entry.command, entry.sequence, entry.time_ns, entry.rules_version)
        await baseline.store(connection, venue.state())
        await connection.execute("DELETE FROM journal WHERE last_sequence <= $1", venue.sequence)
    finally:
        await connection.close()
    return venue.sequence


async def test_a_replay_begins_from_the_baseline(dsn: str) -> None:
    begun = await begin_later(dsn)
    report = await audit(dsn, replay=True)
    assert report.findings == []
    assert report.replayed == report.sequence == begun + 2


LATER = (
    "an order's priority was changed",
    "a canceled order was deleted",
    "a closed order's status was changed",
    "an order was made up",
    "the count of orders was changed",
    "the last journal row was removed",
)


@pytest.mark.parametrize("done", LATER)
async def test_what_is_later_than_the_baseline_is_found(dsn: str, done: str) -> None:
    await begin_later(dsn)
    await test_it_is_found_by_the_journal(dsn, done)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE baseline SET codec_version = 999", "codec versions \\[999\\], which cannot be read"),
        ("DELETE FROM baseline", "the baseline of the journal cannot be read"),
        ("DELETE FROM baseline WHERE part = (SELECT max(part) FROM baseline)", "recent_keys differ"),
        ("UPDATE baseline SET content = substr(content, 2)", "the baseline of the journal cannot be read"),
        ("UPDATE baseline SET content = replace(content, '\"sequence\":2', '\"sequence\":')", "the journal goes from"),
    ],
)
async def test_a_baseline_that_was_changed_is_found(dsn: str, sql: str, expected: str) -> None:
    await begin_later(dsn)
    await execute(dsn, sql)
    assert found(expected, (await audit(dsn, replay=True)).findings)


@pytest.mark.parametrize("done", IN_THE_STATE)
async def test_it_is_found_without_the_journal(dsn: str, done: str) -> None:
    sql, expected = IN_THE_STATE[done]
    await execute(dsn, sql)
    assert found(expected, (await audit(dsn, replay=False)).findings)
    assert found(expected, (await audit(dsn, replay=True)).findings)


@pytest.mark.parametrize("done", BY_THE_JOURNAL)
async def test_it_is_found_by_the_journal(dsn: str, done: str) -> None:
    sql, expected = BY_THE_JOURNAL[done]
    await execute(dsn, sql)
    assert found(expected, (await audit(dsn, replay=True)).findings)


def found(expected: str, findings: list[str]) -> bool:
    """Whether one of the sentences says so; else all of them are shown."""
    matching = [sentence for sentence in findings if re.search(expected, sentence)]
    assert matching, findings
    return True
