"""A map that may hold a million entries and never pauses for it.

A dict that is full moves to a larger place at once: a tenth of a second for a million entries, in which nobody is
served. Here they are spread over many dicts, and one of them moves at a time.
"""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

PARTS: Final = 64  # a power of two
RUN_BITS: Final = 10  # a run of 1,024 ids goes to one part and the next to another, so that no two are full at once


class BigMap(Generic[K, V]):
    """What a dict does, as far as it is needed here; entries come in no order."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[dict[K, V]] = [{} for _ in range(PARTS)]

    def get(self, key: K) -> V | None:
        """The value of the key, if it is there."""
        return self._parts[hash(key) >> RUN_BITS & PARTS - 1].get(key)

    def put(self, key: K, value: V) -> None:
        """Set the value of the key."""
        self._parts[hash(key) >> RUN_BITS & PARTS - 1][key] = value

    def remove(self, key: K) -> None:
        """Take out a key that is there."""
        del self._parts[hash(key) >> RUN_BITS & PARTS - 1][key]

    def __len__(self) -> int:
        return sum([len(part) for part in self._parts])

    def values(self) -> Iterator[V]:
        """All values."""
        for part in self._parts:
            if part:
                yield from part.values()
