"""What a figure is: a name and a coroutine from the `Bench`, which knows both servers, to rows of the report."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.bench import Bench


class UnmeasuredError(Exception):
    """A figure could not be measured, or what was measured does not count; the text is the reason, one sentence."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The ratio to reach, from below or from above."""

    bound: float
    at_least: bool

    def share(self, ratio: float) -> float:
        """How much of the way to the goal is done: 1 or more is there."""
        if not self.at_least:
            return self.bound / ratio if ratio else 1.0
        return ratio / self.bound

    def met(self, ratio: float) -> bool:
        return self.share(ratio) >= 1

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:.2f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: medians over the rounds, and each pair's ratio, which show how noisy it was."""

    name: str
    unit: str
    value: float = 0.0
    limit: float = 0.0
    ratios: tuple[float, ...] = ()
    goal: Goal | None = None
    failure: str | None = None
    remark: str | None = None  # what was measured less than the figure means: fewer orders, a shorter time
    beside: str = ""  # what the limit is, in a word or two

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


def row_of(
    name: str,
    unit: str,
    pairs: Sequence[tuple[float, float]],
    goal: Goal | None = None,
    remark: str | None = None,
    *,
    beside: str = "",
) -> Row:
    """A row of pairs (value, limit), each measured side by side; its ratio is the median of theirs."""
    values, limits = zip(*pairs, strict=True)
    ratios = tuple(value / limit for value, limit in pairs)
    value, limit = statistics.median(values), statistics.median(limits)
    return Row(name, unit, value, limit, ratios, goal, remark=remark, beside=beside)


@dataclass(frozen=True, slots=True)
class Figure:
    """Something to measure, by the name that it is chosen by on the command line.

    `serves`: it needs the exchange and the limit that all figures share. `only_full`: too long for `make bench`.
    """

    name: str
    measure: Callable[[Bench], Awaitable[list[Row]]]
    serves: bool = True
    only_full: bool = False
