"""The plan of a run: the faults, their order and the pauses between them, all from a seed."""

import random
from dataclasses import astuple, dataclass
from typing import Literal

Kind = Literal["kill", "postgres kill", "postgres restart", "cut", "freeze", "full disk", "second start"]
KINDS: tuple[Kind, ...] = ("kill", "postgres kill", "postgres restart", "cut", "freeze", "full disk", "second start")

First = Literal["nothing", "hold answers", "freeze"]
FIRSTS: tuple[First, ...] = ("nothing", "hold answers", "freeze")

KILLS_A_MINUTE = 15
OVERLAPS = 0.15  # the share of faults that come before the exchange has recovered from the one before
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 3.0
LONGEST_OVERLAP_S = 1.5
SHORTEST_FREEZE_S, LONGEST_FREEZE_S = 0.3, 3.0
FIRST_S = 0.06  # long enough for every client to wait for an answer


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, `pause_s` after the recovery from the one before.

    `lasts_s` is how long connections stay frozen. A kill or a cut may have that `first`, for so long: with answers held
    back it meets commits that are stored and not known to be, with all frozen commits that are not stored, and that may
    reach a PostgreSQL whose exchange is dead by then. Without `waits` the next fault comes before recovery.
    """

    kind: Kind
    pause_s: float
    lasts_s: float = 0.0
    first: First = "nothing"
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of faults of each kind."""

    kills: int
    postgres_kills: int
    postgres_restarts: int
    cuts: int
    freezes: int
    full_disks: int
    second_starts: int

    def of(self, kind: Kind) -> int:
        """The number of faults of this kind."""
        counts: tuple[int, ...] = astuple(self)
        return counts[KINDS.index(kind)]


def counts_for(minutes: float, kills: int | None, postgres_kills: int | None) -> Counts:
    """As many faults as fit into about so many minutes; a number of kills, if given, decides instead."""
    kills = max(1, round(minutes * KILLS_A_MINUTE)) if kills is None else kills
    postgres_kills = max(1, kills // 4) if postgres_kills is None else postgres_kills
    return Counts(
        kills,
        postgres_kills,
        postgres_restarts=max(1, kills // 10),
        cuts=max(1, kills // 5),
        freezes=max(1, kills // 10),
        full_disks=max(1, kills // 50),
        second_starts=max(1, kills // 20),
    )


def plan(seed: int, counts: Counts) -> list[Fault]:
    """Exactly so many of each kind, in random order."""
    chance = random.Random(f"faults/{seed}")
    kinds = [kind for kind in KINDS for _ in range(counts.of(kind))]
    chance.shuffle(kinds)
    return [_fault(kind, chance) for kind in kinds]


def _fault(kind: Kind, chance: random.Random) -> Fault:
    # Every number is drawn for every kind, so that the faults after this one do not depend on its kind.
    pause_s = chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
    freeze_s = chance.uniform(SHORTEST_FREEZE_S, LONGEST_FREEZE_S)
    first: First = chance.choice(FIRSTS)
    overlaps, overlap_s = chance.random() < OVERLAPS, chance.uniform(0, LONGEST_OVERLAP_S)
    if kind == "freeze":
        return Fault(kind, pause_s, freeze_s)
    if kind not in ("kill", "postgres kill", "postgres restart", "cut"):
        return Fault(kind, pause_s)
    lasts_s = FIRST_S if first != "nothing" else 0.0
    return Fault(kind, overlap_s if overlaps else pause_s, lasts_s, first, waits=not overlaps)
