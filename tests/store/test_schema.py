"""The database is what `schema.py` says, and holds whatever the API lets in."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from exchange.api.native import codec
from exchange.api.native.errors import ApiError
from exchange.api.native.fields import minor
from exchange.api.native.models import DepositRequest, PlaceOrderRequest
from exchange.api.native.order_codec import place_order
from exchange.core.administration import CreateUser, Origin
from exchange.core.commands import AddAsset, CancelAll, Command, Deposit, SetMarket
from exchange.core.instrument import Asset, FeeAsset, instrument_of
from exchange.core.venue import Venue
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, Batch
from exchange.postgres.embedded import EmbeddedPostgres
from exchange.store import recovery
from exchange.store.migrations import migrate
from exchange.store.postgres import PostgresStore
from exchange.store.schema import metadata

SOL, USDC, WHOLE, UNIT, FINE, DUST = (
    Asset("SOL", 9), Asset("USDC", 6), Asset("WHOLE", 0), Asset("UNIT", 0), Asset("FINE", 30), Asset("DUST", 30),
)  # fmt: skip
ASSETS = {asset.symbol: asset for asset in (SOL, USDC, WHOLE, UNIT, FINE, DUST)}
MARKETS = {
    rules.symbol: rules
    for rules in (
        instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.0001", maker_fee="0.001", taker_fee="0.002"),
        # The largest order there can be is worth nearly what an amount can be.
        instrument_of(
            "WHOLE_UNIT",
            WHOLE,
            UNIT,
            tick_size="1",
            lot_size="1",
            maker_fee="0.5",
            taker_fee="1",
            fills_may_leave_nothing=True,
        ),
        instrument_of(
            "SOL_UNIT",
            SOL,
            UNIT,
            tick_size="1000",
            lot_size="0.001",
            maker_fee="-0.1",
            taker_fee="0.5",
            fee_asset=FeeAsset.QUOTE,
            max_fills_per_order=2,
        ),
        instrument_of("FINE_DUST", FINE, DUST, tick_size="1", lot_size="0." + "0" * 29 + "1"),
    )
}
USERS = ("a", "-", "." * 64)


class Trial:
    """A venue over a database of its own: what one command does is committed at once."""

    def __init__(self, store: PostgresStore, venue: Venue) -> None:
        self.store = store
        self.venue = venue
        self._keys = itertools.count()

    async def apply(self, *commands: Command) -> list[Any]:
        """The outcomes; those that changed something are one batch."""
        outcomes: list[Any] = []
        applied: list[Applied] = []
        before = self.venue.sequence
        for command in commands:
            sequence, time_ns = self.venue.sequence + 1, self.venue.time_ns + 1
            outcome = self.venue.apply(command, sequence, time_ns)
            if isinstance(outcome, Applied):
                applied.append(outcome)
            outcomes.append(outcome)
        if applied:
            batch = Batch(before, applied)
            await self.store.journal.commit(batch)
            await self.store.tables.commit(Changes.of(batch))
        return outcomes

    async def deposit(self, user_id: str, asset: str, amount_minor: int) -> None:
        """Credit a user."""
        await self.apply(Deposit(user_id, asset, amount_minor, f"key-{next(self._keys)}"))

    async def fetch(self, query: str) -> Sequence[Any]:
        """Rows, on a connection of their own."""
        connection = await asyncpg.connect(self.store.dsn)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def assert_stored(self) -> None:
        """What would be recovered is what there is, and the books balance."""
        connection = await asyncpg.connect(self.store.dsn)
        try:
            assert await recovery.load(connection) == self.venue.state()
        finally:
            await connection.close()
        self.venue.check()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for the server, its connections and every test here."""
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(scope="module")
def server(runner: asyncio.Runner) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL in a directory that its user can reach."""
    directory = Path(tempfile.mkdtemp(prefix="exchange-test-", dir="/tmp"))
    directory.chmod(0o755)
    found = EmbeddedPostgres(directory / "data")
    try:
        runner.run(found.start())
        yield found
    finally:
        runner.run(found.stop())
        shutil.rmtree(directory)


async def new_database(server: EmbeddedPostgres, name: str) -> str:
    """The dsn of an empty database."""
    connection = await asyncpg.connect(server.dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.dsn.replace("@/exchange?", f"@/{name}?")


@pytest.fixture(scope="module")
def trial(runner: asyncio.Runner, server: EmbeddedPostgres) -> Iterator[Trial]:
    """All markets and rich users, in a database that the tests here share."""

    async def begin() -> Trial:
        store = PostgresStore(await new_database(server, "trial"))
        found = Trial(store, Venue.restore(await store.open()))
        await found.apply(*(AddAsset(asset) for asset in ASSETS.values()))
        await found.apply(*(SetMarket(rules) for rules in MARKETS.values()))
        for user_id, asset in itertools.product(USERS, ASSETS):
            await found.deposit(user_id, asset, 3 * 10**37)
        return found

    found = runner.run(begin())
    yield found
    runner.run(found.assert_stored())
    runner.run(found.store.close())


def is_no_partition(name: str | None, kind: str, _: Any) -> bool:
    return kind != "table" or name is None or not name.endswith(("_first", "_default"))


def test_the_migrations_make_the_schema(runner: asyncio.Runner, server: EmbeddedPostgres) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(
            compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_no_partition}),
                metadata,
            )
        )

    async def compare() -> list[Any]:
        dsn = await new_database(server, "migrated")
        await migrate(dsn)
        engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(differences)
        finally:
            await engine.dispose()

    assert runner.run(compare()) == []


def test_migrating_again_changes_nothing(runner: asyncio.Runner, trial: Trial) -> None:
    runner.run(migrate(trial.store.dsn))


def order(user_id: str, market: str, **fields: Any) -> Command:
    """The command that the API makes of a body."""
    body = orjson.dumps({"market": market, "order_type": "limit"} | fields)
    return place_order(codec.decode(body, PlaceOrderRequest), user_id, MARKETS[market])


def test_postings_add_up_to_the_accounts(runner: asyncio.Runner, trial: Trial) -> None:
    async def trade() -> None:
        for number in range(20):
            price = f"{100 + number % 7}.0{number % 10}"
            maker, taker = USERS[number % 3], USERS[(number + 1) % 3]
            side, other = ("sell", "buy") if number % 2 else ("buy", "sell")
            await trial.apply(
                order(maker, "SOL_USDC", side=side, price=price, quantity="1.2345"),
                order(taker, "SOL_USDC", side=other, price=price, quantity="0.3333", client_order_id=f"t{number}"),
                order(maker, "SOL_UNIT", side=side, price=f"{10 + number % 3}000", quantity="0.123"),
                order(taker, "SOL_UNIT", side=other, price=f"{10 + number % 3}000", quantity="0.044"),
            )
        await trial.apply(CancelAll(USERS[0], "SOL_USDC"))

    runner.run(trade())
    accounts = runner.run(
        trial.fetch("SELECT user_id, asset, available_minor + locked_minor AS total FROM accounts ORDER BY 1, 2")
    )
    postings = runner.run(
        trial.fetch("SELECT user_id, asset, sum(amount_minor) AS total FROM postings GROUP BY 1, 2 ORDER BY 1, 2")
    )
    assert {row["user_id"] for row in accounts} == {"@external", "@fees", *USERS}
    assert nonzero(accounts) == nonzero(postings)
    assert all(row["total"] == 0 for row in runner.run(trial.fetch(BY_CAUSE)))


def test_readable_views_say_what_the_tables_hold(runner: asyncio.Runner, trial: Trial) -> None:
    async def trade() -> None:
        await trial.apply(*(CancelAll(user_id, "SOL_UNIT") for user_id in USERS))
        await trial.deposit("eve", "UNIT", 10**6)
        await trial.apply(
            order("eve", "SOL_UNIT", side="buy", price="90000", quantity="0.003", client_order_id="readable"),
            order(USERS[0], "SOL_UNIT", side="sell", price="90000", quantity="0.001", time_in_force="fok"),
        )

    runner.run(trade())
    [placed] = runner.run(trial.fetch("SELECT * FROM readable_orders WHERE client_order_id = 'readable'"))
    assert (placed["side"], placed["order_type"], placed["time_in_force"]) == ("buy", "limit", "gtc")
    assert (placed["status"], placed["expire_reason"]) == ("partially_filled", None)
    texts = [f"{placed[name]:f}" for name in ("price", "quantity", "executed_quantity", "executed_quote_quantity")]
    assert texts == ["90000", "0.003", "0.001", "90"]
    [fill] = runner.run(trial.fetch("SELECT * FROM readable_fills WHERE user_id = 'eve'"))
    assert (str(fill["fee"]), fill["fee_asset"], fill["liquidity"]) == ("-9", "UNIT", "maker")
    [trade_] = runner.run(trial.fetch("SELECT * FROM readable_trades WHERE maker_user_id = 'eve'"))
    assert (trade_["price"], trade_["taker_side"], trade_["taker_user_id"]) == (90000, "sell", USERS[0])
    balances = runner.run(trial.fetch("SELECT * FROM readable_balances WHERE user_id = 'eve' ORDER BY asset"))
    assert [(row["asset"], str(row["available"]), str(row["locked"]), str(row["total"])) for row in balances] == [
        ("SOL", "0.001", "0", "0.001"),
        ("UNIT", "999649", "270", "999919"),
    ]


BY_CAUSE = "SELECT cause, cause_id, asset, sum(amount_minor) AS total FROM postings GROUP BY 1, 2, 3"


def nonzero(rows: Sequence[Any]) -> list[tuple[str, str, int]]:
    return [(row["user_id"], row["asset"], int(row["total"])) for row in rows if row["total"]]


def test_orders_and_fills_agree(runner: asyncio.Runner, trial: Trial) -> None:
    wrong = runner.run(
        trial.fetch(
            "SELECT o.order_id FROM orders o LEFT JOIN (SELECT order_id, sum(quantity_lots) AS lots, "
            "sum(quote_minor) AS quote FROM fills GROUP BY order_id) f USING (order_id) "
            "WHERE o.executed_lots <> COALESCE(f.lots, 0) OR o.executed_quote_minor <> COALESCE(f.quote, 0)"
        )
    )
    assert wrong == []
    twice = runner.run(trial.fetch("SELECT order_id FROM orders GROUP BY order_id HAVING count(*) > 1"))
    assert twice == []


NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "1.0", "0.01", "0.0001", "7", "100.25", "0" * 50 + "1", "1." + "0" * 90]),
    st.integers(0, 10**40).map(str),
    st.integers(-2, 2).map(lambda off: str(2**63 + off)),
    st.integers(-2, 2).map(lambda off: str(10**38 + off)),
    st.decimals(0, 10**6, places=4).map(lambda number: f"{number:f}"),
    st.text(max_size=5),
)
BODIES = st.fixed_dictionaries(
    {
        "market": st.sampled_from([*MARKETS]),
        "side": st.sampled_from(["buy", "sell", "SELL"]),
        "order_type": st.sampled_from(["limit", "limit", "market"]),
        "quantity": NUMBERS,
    },
    optional={
        "price": NUMBERS,
        "client_order_id": st.one_of(st.from_regex(r"[A-Za-z0-9._-]{1,36}", fullmatch=True), st.text(max_size=36)),
        "time_in_force": st.sampled_from(["gtc", "ioc", "fok"]),
        "post_only": st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(st.tuples(st.sampled_from(USERS), BODIES), min_size=1, max_size=8))
def test_every_order_that_is_let_in_can_be_stored(
    runner: asyncio.Runner, trial: Trial, bodies: list[tuple[str, dict[str, Any]]]
) -> None:
    commands = []
    for user_id, body in bodies:
        with contextlib.suppress(ApiError):
            request = codec.decode(orjson.dumps(body), PlaceOrderRequest)
            commands.append(place_order(request, user_id, MARKETS[request.market]))
    runner.run(trial.apply(*commands))


@settings(max_examples=30, deadline=None)
@given(user=st.text(max_size=64), key=st.text(max_size=64), amount=NUMBERS, asset=st.sampled_from([*ASSETS]))
def test_every_deposit_that_is_let_in_can_be_stored(
    runner: asyncio.Runner, trial: Trial, user: str, key: str, amount: str, asset: str
) -> None:
    with contextlib.suppress(ApiError):
        body = orjson.dumps({"user_id": user, "key": key, "amount": amount, "asset": asset})
        request = codec.decode(body, DepositRequest)
        runner.run(
            trial.apply(
                Deposit(
                    codec.decode_name("user_id", request.user_id),
                    request.asset,
                    minor(ASSETS[request.asset], request.amount),
                    codec.decode_name("key", request.key),
                )
            )
        )


def test_a_user_who_is_created_with_balances_can_be_stored(runner: asyncio.Runner, trial: Trial) -> None:
    """Also in the order in which their keys will be forgotten."""
    balances = tuple((asset, number + 1) for number, asset in enumerate(sorted(ASSETS)))
    create = CreateUser("created", Origin("root", "::1"), balances)
    runner.run(trial.apply(create))
    runner.run(trial.assert_stored())
    assert runner.run(trial.apply(create)) == [None]
    kept = runner.run(trial.fetch("SELECT asset, available_minor FROM accounts WHERE user_id = 'created'"))
    assert sorted((asset, int(amount)) for asset, amount in kept) == list(balances)


def test_the_largest_trade_can_be_stored(runner: asyncio.Runner, trial: Trial) -> None:
    """Everything one can own of an asset, for everything one can own of the other."""
    largest = str(3 * 10**18)
    rich, richer = "rich", "richer"
    runner.run(trial.deposit(rich, "WHOLE", 3 * 10**18))
    runner.run(trial.deposit(richer, "UNIT", 9 * 10**36))
    outcomes = runner.run(
        trial.apply(
            order(rich, "WHOLE_UNIT", side="sell", price=largest, quantity=largest),
            order(richer, "WHOLE_UNIT", side="buy", price=largest, quantity=largest),
        )
    )
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    runner.run(trial.assert_stored())
