"""A database of each earlier version is migrated, is proved by its journal, and goes on."""

from pathlib import Path

import pytest

from exchange.core.commands import AddUser, CancelOrder
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Batch
from exchange.store.audit import audit
from exchange.store.postgres import PostgresStore
from tests.store.kept import kept, load
from tests.whole.databases import Server


async def recovered(store: PostgresStore) -> Venue:
    """The venue, as `app.build` makes it; the tables are then as far as the journal."""
    state = await store.open()
    venue = Venue.restore(state)
    for sequence, time_ns, command, rules_version in await store.unprojected(state):
        outcome = venue.replay(command, sequence, time_ns, rules_version)
        assert isinstance(outcome, Applied), outcome
        await store.tables.commit(Changes.of(Batch(sequence - 1, [outcome])))
    return venue


@pytest.mark.parametrize("path", kept(), ids=lambda path: path.stem)
async def test_a_database_of_an_earlier_version_goes_on(server: Server, path: Path) -> None:
    dsn = server.dsn(await server.create())
    await load(dsn, path)
    store = PostgresStore(dsn)
    venue = await recovered(store)
    begun = venue.sequence
    assert begun > 600
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed, report.ahead) == ([], begun, 0)
    order = next(iter(venue.state().orders))
    for command in (AddUser("eve"), CancelOrder(order.terms.user_id, order.terms.market, order.order_id, None)):
        before = venue.sequence
        outcome = venue.apply(command, before + 1, venue.time_ns + 1)
        assert isinstance(outcome, Applied), outcome
        await store.journal.commit(Batch(before, [outcome]))
        await store.tables.commit(Changes.of(Batch(before, [outcome])))
    await store.close()
    report = await audit(dsn, replay=True)
    assert (report.findings, report.replayed) == ([], begun + 2)


def test_there_are_databases_of_before() -> None:
    assert [path.stem.removesuffix(".gz") for path in kept()][:2] == ["database_0004", "database_0009"]
