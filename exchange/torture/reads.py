"""Reads everything that the API shows at the end of a run, page by page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from exchange.client import Amendment, Client, PreventedMatch
from exchange.torture.record import FillRow, Final, ListRow, OrderRow

PAGE = 1000
LEVELS = 5000
LISTS_PAGE = 100

Row = TypeVar("Row")


async def read_final(client: Client, users: Sequence[str], markets: Sequence[str]) -> Final:
    """Orders, fills, balances, public trades and books of an exchange after trading has stopped."""
    final = Final()
    for user in users:

        async def orders(before: str | None, user: str = user) -> tuple[list[OrderRow], str | None]:
            page, following = await client.order_history(limit=PAGE, before=before, user_id=user)
            return [OrderRow.of(order) for order in page], following

        async def fills(before: str | None, user: str = user) -> tuple[list[FillRow], str | None]:
            page, following = await client.fills(limit=PAGE, before=before, user_id=user)
            return [FillRow.of(user, fill) for fill in page], following

        async def prevented(before: str | None, user: str = user) -> tuple[list[PreventedMatch], str | None]:
            return await client.prevented_matches(limit=PAGE, before=before, user_id=user)

        async def amendments(before: str | None, user: str = user) -> tuple[list[Amendment], str | None]:
            return await client.amendments(limit=PAGE, before=before, user_id=user)

        async def lists(before: str | None, user: str = user) -> tuple[list[ListRow], str | None]:
            page, following = await client.order_lists(limit=LISTS_PAGE, before=before, user_id=user)
            return [ListRow.of(found) for found in page], following

        final.lists += await _all(lists)
        final.prevented += await _all(prevented)
        final.amendments += await _all(amendments)
        final.orders += await _all(orders)
        final.fills += await _all(fills)
        final.open_orders += [OrderRow.of(order) for order in await client.open_orders(user_id=user)]
        final.balances[user] = await client.balance(user)
    shown = await client.call("GET", "/markets")
    every, final.max_open_orders = shown["markets"], shown["filters"]["max_open_orders"]
    final.statuses = {rules["market"]: rules["status"] for rules in every}
    final.taker_fees = {rules["market"]: rules["taker_fee"] for rules in every}
    for market in markets:
        tape = await _all(lambda before, market=market: client.trades(market, PAGE, before))  # type: ignore[misc]
        final.trades[market] = tape[::-1]
        final.depths.append(await client.depth(market, LEVELS))
    return final


async def _all(page_before: Callable[[str | None], Awaitable[tuple[list[Row], str | None]]]) -> list[Row]:
    found: list[Row] = []
    before: str | None = None
    while True:
        page, before = await page_before(before)
        found += page
        if before is None:
            return found
