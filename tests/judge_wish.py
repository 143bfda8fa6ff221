"""One step of a story for the judge."""

from dataclasses import dataclass

from exchange.core.commands import Side
from exchange.core.conditions import SelfTrade


@dataclass(frozen=True)
class Wish:
    """One step of a story before it is known what is open; what `lots` and `price` mean depends on the kind."""

    kind: str
    user: str
    market: int
    side: Side
    terms: str
    price: int
    lots: int
    name: str | None
    soon: int
    mode: SelfTrade | None
