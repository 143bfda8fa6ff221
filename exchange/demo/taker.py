"""A taker: looks at the book, and now and then buys or sells a part of what is best."""

import random

from exchange.client import Book, Socket
from exchange.demo.walk import Walk

EVERY_S = 1.5


class Taker:
    """Hits one market, at what its verified book says, with orders that never rest."""

    every_s = EVERY_S

    def __init__(self, socket: Socket, walk: Walk, book: Book, chance: random.Random) -> None:
        self._socket = socket
        self._walk = walk
        self._book = book
        self._chance = chance

    async def begin(self) -> None:
        """Nothing of a taker's is ever open."""

    async def step(self) -> None:
        """Take up to half of the best level of one side, if there is one."""
        side = self._chance.choice(("buy", "sell"))
        best = self._book.best_ask if side == "buy" else self._book.best_bid
        if best is None or not self._book.current:
            return
        price, quantity = best
        lots = self._walk.lot.count(quantity) * self._chance.randint(10, 50) // 100
        if lots:
            await self._socket.place(
                {
                    "market": self._walk.market,
                    "side": side,
                    "order_type": "limit",
                    "price": price,
                    "quantity": self._walk.lot.text(lots),
                    "time_in_force": "ioc",
                }
            )
