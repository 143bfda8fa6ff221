"""Adds the figures of one proof to those of another, so that a long proof can be run in parts."""

import statistics
from collections import Counter
from typing import TypeVar

import msgspec

from tests.prove.figures import Judged, Proof, Recoveries, Simulated, Streamed, Tortured

Part = TypeVar("Part", bound=msgspec.Struct)


def added(before: Proof, now: Proof) -> Proof:
    """The proof of both: what was found is never forgotten, and what is no count is that of the later one."""
    return msgspec.structs.replace(
        now,
        took_s=before.took_s + now.took_s,
        judge=_judged(before.judge, now.judge),
        simulator=_simulated(before.simulator, now.simulator),
        torture=_tortured(before.torture, now.torture),
        streams=_streamed(before.streams, now.streams),
    )


def _summed(before: Part, now: Part) -> Part:
    """The later part with every whole number added to that of the earlier one."""
    names = [name for name in now.__struct_fields__ if type(getattr(now, name)) is int]
    return msgspec.structs.replace(now, **{name: getattr(before, name) + getattr(now, name) for name in names})


def _judged(before: Judged | None, now: Judged | None) -> Judged | None:
    if before is None or now is None:
        return now or before
    refused = dict(Counter(before.refused) + Counter(now.refused))
    return msgspec.structs.replace(_summed(before, now), refused=refused, reasons=len(refused))


def _simulated(before: Simulated | None, now: Simulated | None) -> Simulated | None:
    if before is None or now is None:
        return now or before
    return msgspec.structs.replace(_summed(before, now), first_seed=min(before.first_seed, now.first_seed))


def _streamed(before: Streamed | None, now: Streamed | None) -> Streamed | None:
    return now or before if before is None or now is None else _summed(before, now)


def _tortured(before: Tortured | None, now: Tortured | None) -> Tortured | None:
    if before is None or now is None:
        return now or before
    kinds = sorted({*before.recoveries, *now.recoveries})
    recoveries = {kind: _recoveries(before.recoveries.get(kind), now.recoveries.get(kind)) for kind in kinds}
    faults = dict(Counter(before.faults) + Counter(now.faults))
    every = {kind: faults.get(kind, 0) for kind in now.faults}
    return msgspec.structs.replace(_summed(before, now), seed=now.seed, faults=every, recoveries=recoveries)


def _recoveries(before: Recoveries | None, now: Recoveries | None) -> Recoveries:
    times_s = sorted([time_s for part in (before, now) if part is not None for time_s in part.times_s])
    return Recoveries(len(times_s), statistics.median(times_s), times_s[-1], times_s)
