"""What one transaction sends to the database; `committer` sends it without knowing what it is about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.store.rows import Row


@dataclass(frozen=True, slots=True)
class Copy:
    """Items that become new rows of a table, and how one becomes a row."""

    table: str
    items: Sequence[Any]
    row: Callable[[Any], Row]


@dataclass(frozen=True, slots=True)
class Transaction:
    """The parts of the fenced statement, its parameters, and what is copied after it, if anything."""

    parts: tuple[str, ...]
    parameters: list[Any]
    copies: list[Copy]
