"""How PostgreSQL finds the fills of one order among many trades: by an index, whether it has statistics or not."""

import asyncpg
import pytest

from exchange.store import statements
from tests.whole.databases import Server

TRADES = 20_000
LAY = f"""
    INSERT INTO trades
    SELECT id, 'SOL_USDC', 1, 1, 1, 0, 2 * id, 2 * id + 1, 'ann', 'ben', 0, 0, id, id, id
    FROM generate_series(1, {TRADES}) AS id
"""
ASKED = (
    (statements.closed_order(by_id=True, market=True), "ben", 11, "SOL_USDC"),
    (statements.closed_order(by_id=False, market=False), "ben", "first"),
    (statements.FILLS_OF_ORDER, 11, TRADES),
)


@pytest.mark.parametrize("analyzed", [False, True])
async def test_the_fills_of_one_order_are_found_by_an_index(server: Server, analyzed: bool) -> None:
    dsn = server.dsn(await server.migrated())
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(LAY)
        if analyzed:
            await connection.execute("ANALYZE")
        for statement, *arguments in ASKED:
            plan = [row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *arguments)]
            assert not [line for line in plan if "Seq Scan on trades" in line], "\n".join(plan)
    finally:
        await connection.close()
