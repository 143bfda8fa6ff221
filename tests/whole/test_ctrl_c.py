"""A second Ctrl-C ends the exchange at once, whatever it is doing, and the next start finds everything in order."""

import asyncio
import signal
from collections.abc import AsyncIterator

from exchange.client import Client, Order, Unreachable
from tests.whole.process import MARKET, Exchange, gone, looking_into, postgres_in, serving, until

ORDER = {"market": MARKET, "side": "buy", "order_type": "limit", "price": "1", "quantity": "0.001"}


async def place_until_it_ends(exchange: Exchange, number: int, answered: dict[str, str]) -> None:
    """One trader: an order after the other, and what was answered."""
    async with Client(exchange.url, user_id="trader") as client:
        turn = 0
        while True:
            name = f"{number}-{turn}"
            try:
                answered[name] = (await client.place(ORDER | {"client_order_id": name}, retry_s=0))["order_id"]
            except Unreachable:
                return
            turn += 1


async def all_orders(client: Client) -> AsyncIterator[Order]:
    before: str | None = None
    while True:
        page, before = await client.order_history(limit=1000, before=before, user_id="trader")
        for row in page:
            yield row
        if before is None:
            return


async def test_a_second_ctrl_c_ends_at_once_and_loses_nothing_that_was_answered() -> None:
    answered: dict[str, str] = {}

    async def is_busy() -> bool:
        return len(answered) >= 100

    async def is_stopping() -> bool:
        return '"stopping"' in exchange.said()

    with serving() as exchange:
        async with Client(exchange.url) as client, looking_into(exchange) as eye:
            await client.deposit("USD", "1000000", "once", "trader")
            traders = asyncio.gather(*(place_until_it_ends(exchange, number, answered) for number in range(8)))
            await until(is_busy)
            # The first one has something to wait for: a commit that cannot come to its end.
            backend = await eye.backend("exchange writer")
            backend.suspend()
            exchange.send(signal.SIGINT)
            await until(is_stopping)
            exchange.send(signal.SIGINT)
            assert await asyncio.to_thread(exchange.wait) == 128 + signal.SIGINT
            await traders
            await gone(backend)
        assert postgres_in(exchange.data_dir) == []
        exchange.start()
        async with Client(exchange.url) as client:
            found = [row async for row in all_orders(client)]
        names = {row["client_order_id"]: (row["order_id"], row["status"]) for row in found}
        assert len(names) == len(found)
        assert {name: names.get(name) for name in answered} == {name: (id_, "open") for name, id_ in answered.items()}
        assert exchange.check().returncode == 0
        assert exchange.stop(signal.SIGINT) == 0
        assert postgres_in(exchange.data_dir) == []
        assert "Traceback" not in exchange.said()
