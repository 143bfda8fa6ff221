"""Makes a history that fails short: leaves out steps and faults as long as it fails.

One broken promise is often seen in several ways, and the shortest of them may be another than the first: any failure
of the same kind, a broken assertion or this exception, will do.
"""

from tests.sim.scenario import Broken, run

RUNS_MAX = 400


def shortened(broken: Broken, runs_max: int = RUNS_MAX) -> Broken:
    """The shortest history found that fails: half of what happens is left out, then quarters, …"""
    runs, parts = 0, 2
    while broken.happened and runs < runs_max:
        names = list(broken.happened)
        size = -(-len(names) // parts)
        for start in range(0, len(names), size):
            runs += 1
            shorter = _fails(broken, frozenset(names[:start] + names[start + size :]))
            if shorter is not None:
                broken, parts = shorter, max(2, parts - 1)
                break
            if runs >= runs_max:
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(names))
    return broken


def _fails(broken: Broken, kept: frozenset[str]) -> Broken | None:
    """The run with only these steps and faults, if it fails."""
    try:
        run(broken.seed, kept)
    except Broken as shorter:
        return shorter if type(shorter.cause) is type(broken.cause) else None
    return None
