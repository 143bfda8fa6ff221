"""Whoever changes a row by hand is found out by `exchange check`: one story a kind of row."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from exchange.core.commands import CancelOrder, Deposit
from exchange.store.audit import audit
from tests.whole import served
from tests.whole.databases import MARKET, Server, execute, order, running_server, writing

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
        "random2's USDC has .* locked, and open orders need",
    ),
    "an account was removed": ("DELETE FROM accounts WHERE user_id = 'random2' AND asset = 'USDC'", "has no account"),
    "an open order was deleted": (
        "DELETE FROM open_orders WHERE order_id = (SELECT min(order_id) FROM open_orders)",
        "locked, and open orders need",
    ),
    "an open order grew": (
        "UPDATE open_orders SET quantity_lots = quantity_lots + 1 WHERE user_id = 'random2'",
        "locked, and open orders need",
    ),
    "a filled order was deleted": ("DELETE FROM closed_orders WHERE status = 2", "has trades, and is not there"),
    "a trade was removed": ("DELETE FROM trades WHERE trade_id = 1", "trade 1 is missing"),
    "the last trade was removed": ("DELETE FROM trades WHERE trade_id = 2", "trade 2 is missing"),
    "all trades were removed": ("DELETE FROM trades", "trade 1 is missing, and 1 more"),
    "a trade is on two markets": (
        "INSERT INTO trades SELECT trade_id, 'JUP_USDC', price_ticks, quantity_lots, quote_minor, taker_side, "
        "maker_order_id, taker_order_id, maker_user_id, taker_user_id, maker_fee_minor, taker_fee_minor, time_ns "
        "FROM trades WHERE trade_id = 1",
        "trade 1 is one too many",
    ),
    "a trade has no number that is given": (
        "UPDATE trades SET trade_id = 0 WHERE trade_id = 1",
        "trade 0 is one too many",
    ),
    "a trade's quantity was changed": (
        "UPDATE trades SET quantity_lots = quantity_lots - 1 WHERE trade_id = 2",
        "its trades say",
    ),
    "a deposit was removed": ("DELETE FROM transfers WHERE user_id = 'random2' AND asset = 'USDC'", "adds up to"),
}
"""What was done, and how it is found without the journal."""
BY_THE_JOURNAL = {
    "a canceled order was deleted": ("DELETE FROM closed_orders WHERE status = 3", "is missing in closed_orders"),
    "a closed order's status was changed": (
        "UPDATE closed_orders SET status = 4 WHERE status = 3",
        "in closed_orders is otherwise",
    ),
    "an order was made up": (
        "INSERT INTO closed_orders SELECT 1, user_id, market, NULL, side, order_type, time_in_force, post_only, "
        "price_ticks, quantity_lots, 0, 0, 3, created_ns, updated_ns, NULL FROM closed_orders LIMIT 1",
        "order_id 1 in closed_orders is not of the journal's making",
    ),
    "a trade's time was changed": (
        "UPDATE trades SET time_ns = time_ns + 1 WHERE trade_id = 1",
        "trade_id 1 in trades",
    ),
    "a deposit's key was changed": (
        "UPDATE transfers SET key = 'other' WHERE user_id = 'random2' AND asset = 'USDC'",
        "in transfers is otherwise",
    ),
    "an order's priority was changed": (
        "UPDATE open_orders SET rested_sequence = 1 WHERE user_id = 'random1'",
        "orders differ",
    ),
    "the time of the last command was changed": ("UPDATE filled SET time_ns = time_ns + 1", "time_ns"),
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
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def template(server: Server) -> str:
    """The database that all stories begin with."""

    async def make() -> str:
        name = await server.create()
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
            [CancelOrder("random2", MARKET, made.venue.sequence + 5, None)],
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
    assert found("something is missing", (await audit(dsn, replay=True)).findings)


async def test_what_only_the_journal_has_must_follow_from_the_tables(dsn: str) -> None:
    async with writing(dsn, seeded=False) as made:
        await made.store.journal.commit(made.apply(order("random2", "buy 9000 @ 129")))
    await execute(dsn, "UPDATE journal SET commands = replace(commands, ',9000,', ',900000000000,') "
                       "WHERE last_sequence = (SELECT max(last_sequence) FROM journal)")  # fmt: skip
    assert found("is refused after what the tables say", (await audit(dsn, replay=True)).findings)


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
