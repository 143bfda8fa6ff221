"""The plan of a run: which faults come, in which order, after which pause. A seed decides all of it."""

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["kill", "postgres kill", "cut", "freeze", "full disk", "second start"]
KINDS: tuple[Kind, ...] = ("kill", "postgres kill", "cut", "freeze", "full disk", "second start")

KILLS_A_MINUTE = 15
OVERLAPS = 0.15  # so often does the next fault come before the exchange has recovered from this one
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 3.0
LONGEST_OVERLAP_S = 1.5
SHORTEST_FREEZE_S, LONGEST_FREEZE_S = 0.3, 3.0
ANSWERS_HELD_S = 0.05  # long enough for a commit to be stored and its answer to wait


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, `pause_s` after the recovery from the one before.

    `lasts_s` is how long connections stay frozen, or how long before a cut answers are held back, so that what was
    stored is not known to be. Where it does not `wait`, the next fault comes without this one's recovery.
    """

    kind: Kind
    pause_s: float
    lasts_s: float = 0.0
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each kind."""

    kills: int
    postgres_kills: int
    cuts: int
    freezes: int
    full_disks: int
    second_starts: int

    def of(self, kind: Kind) -> int:
        """How many of this kind."""
        counts = (self.kills, self.postgres_kills, self.cuts, self.freezes, self.full_disks, self.second_starts)
        return dict(zip(KINDS, counts, strict=True))[kind]


def counts_for(minutes: float, kills: int | None, postgres_kills: int | None) -> Counts:
    """What fits into about so many minutes; a number of kills, if given, decides instead."""
    kills = max(1, round(minutes * KILLS_A_MINUTE)) if kills is None else kills
    postgres_kills = max(1, kills // 4) if postgres_kills is None else postgres_kills
    return Counts(
        kills,
        postgres_kills,
        cuts=max(1, kills // 5),
        freezes=max(1, kills // 10),
        full_disks=max(1, kills // 50),
        second_starts=max(1, kills // 20),
    )


def plan(seed: int, counts: Counts) -> list[Fault]:
    """Exactly as many of each kind, shuffled."""
    chance = random.Random(f"faults/{seed}")
    kinds = [kind for kind in KINDS for _ in range(counts.of(kind))]
    chance.shuffle(kinds)
    return [_fault(kind, chance) for kind in kinds]


def _fault(kind: Kind, chance: random.Random) -> Fault:
    pause_s = chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
    # Drawn for every kind, so that a kind's own numbers do not move those of the faults after it.
    freeze_s, holds, overlaps = (
        chance.uniform(SHORTEST_FREEZE_S, LONGEST_FREEZE_S),
        chance.random() < 0.5,
        chance.random() < OVERLAPS,
    )
    overlap_s = chance.uniform(0, LONGEST_OVERLAP_S)
    lasts_s = {"freeze": freeze_s, "cut": ANSWERS_HELD_S if holds else 0.0}.get(kind, 0.0)
    if overlaps and kind in ("kill", "postgres kill", "cut"):
        return Fault(kind, overlap_s, lasts_s, waits=False)
    return Fault(kind, pause_s, lasts_s)
