"""The mixed flow of the core: of ten operations five rest, four cancel and one takes.

A take asks for exactly the best order of the other side, so as many orders leave as come and the book keeps its depth.
What is the best order, and which are still there to be canceled, is known from a small book kept here; so every
operation succeeds on every book that matches by price and time, and none needs to look anything up.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from sortedcontainers import SortedDict

MID_TICKS = 15_000
LEVELS = 500  # of each side
LOTS_MAX = 1_000
LOTS_MIN = 10

REST, CANCEL, TAKE = 0, 1, 2
MIX = (REST,) * 5 + (CANCEL,) * 4 + (TAKE,)


@dataclass(slots=True)
class Operation:
    """One step. A cancel takes back what was rested `target`-th, counted from the first order of the flow."""

    kind: int
    buys: bool
    user: int
    price_ticks: int
    lots: int
    target: int = -1


class _Side:
    """One side of the book of whoever writes the flow: numbers of orders by price, the oldest first."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: SortedDict[int, dict[int, int]] = SortedDict()

    def add(self, number: int, price_ticks: int, lots: int) -> None:
        self.levels.setdefault(self.sign * price_ticks, {})[number] = lots

    def remove(self, number: int, price_ticks: int) -> None:
        level = self.levels[self.sign * price_ticks]
        del level[number]
        if not level:
            del self.levels[self.sign * price_ticks]

    def best(self) -> tuple[int, int, int]:
        """Price, number and lots of the order that a taker meets first."""
        key, level = self.levels.peekitem(0)
        number, lots = next(iter(level.items()))
        return self.sign * key, number, lots


def resting(chance: random.Random, count: int, users: int) -> list[Operation]:
    """Orders that do not meet, half on each side."""
    return [_rest(chance, number % 2 == 0, users) for number in range(count)]


def _rest(chance: random.Random, buys: bool, users: int) -> Operation:
    away = 1 + int(chance.random() * LEVELS)
    price_ticks = MID_TICKS - away if buys else MID_TICKS + away
    lots = LOTS_MIN + int(chance.random() * (LOTS_MAX - LOTS_MIN))
    return Operation(REST, buys, int(chance.random() * users), price_ticks, lots)


def mixed(chance: random.Random, begin: Sequence[Operation], count: int, users: int) -> list[Operation]:
    """`count` operations on a book in which `begin` rests. Takers are users of their own: nobody meets himself."""
    sides = {True: _Side(-1), False: _Side(1)}
    orders = list(begin)
    alive: list[int] = list(range(len(orders)))
    place = {number: number for number in alive}  # of each living order in `alive`
    for number, order in enumerate(orders):
        sides[order.buys].add(number, order.price_ticks, order.lots)

    def end(number: int) -> Operation:
        order = orders[number]
        sides[order.buys].remove(number, order.price_ticks)
        last, hole = alive.pop(), place.pop(number)
        if last != number:
            alive[hole], place[last] = last, hole
        return order

    operations: list[Operation] = []
    while len(operations) < count:
        for kind in chance.sample(MIX, len(MIX)):
            if kind == REST:
                made = _rest(chance, chance.random() < 0.5, users)
                number = len(orders)
                orders.append(made)
                place[number] = len(alive)
                alive.append(number)
                sides[made.buys].add(number, made.price_ticks, made.lots)
            elif kind == CANCEL:
                number = alive[int(chance.random() * len(alive))]
                order = end(number)
                made = Operation(CANCEL, order.buys, order.user, order.price_ticks, order.lots, number)
            else:
                buys = chance.random() < 0.5
                price_ticks, number, lots = sides[not buys].best()
                end(number)
                made = Operation(TAKE, buys, users + int(chance.random() * users), price_ticks, lots)
            operations.append(made)
    return operations[:count]
