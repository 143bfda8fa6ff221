"""Orders as a word or two, and a random market."""

import random
from typing import Any

from exchange.client import Book, Client, Socket, Step

TICK, LOT = Step("0.01"), Step("0.0001")


def limit(market: str, side: str, price: str, quantity: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "market": market,
        "side": side,
        "order_type": "limit",
        "price": price,
        "quantity": quantity,
        **more,
    }


def random_orders(market: str, seed: int, count: int) -> list[dict[str, Any]]:
    """Around 100.00, crossing now and then."""
    chance = random.Random(seed)
    return [
        limit(
            market,
            chance.choice(("buy", "sell")),
            TICK.text(chance.randint(9_950, 10_050)),
            LOT.text(chance.randint(1_000, 90_000)),
        )
        for _ in range(count)
    ]


async def trade_at_random(socket: Socket, others: str, market: str, seed: int, rounds: int = 10) -> None:
    """Batches of the socket's user and of another in turn; each time some of those still open are canceled."""
    for number in range(rounds):
        user_id = (socket.user_id, others)[number % 2]
        placed = await socket.orders(random_orders(market, seed * 1000 + number, 40), user_id)
        ids = [order["order_id"] for order in placed if "code" not in order]
        await socket.orders([{"cancel": {"market": market, "order_id": order_id}} for order_id in ids[::2]], user_id)


async def assert_book_is_the_exchanges(book: Book, client: Client) -> None:
    """At one and the same count, level by level."""
    depth = await client.depth(book.market, limit=5000)
    await book.until(depth["last_sequence"])
    assert book.last_sequence == depth["last_sequence"], "somebody trades meanwhile"
    assert [list(level) for level in book.bids()] == [list(level) for level in depth["bids"]]
    assert [list(level) for level in book.asks()] == [list(level) for level in depth["asks"]]
    assert book.best_bid == next(iter(book.bids(1)), None)
    assert book.best_ask == next(iter(book.asks(1)), None)
