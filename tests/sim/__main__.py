"""`python -m tests.sim --seed N` runs one seed, `--count N` so many from `--first`; prints what came of them.

A seed that fails is told as the shortest history found that fails.
"""

import argparse
import sys
from collections import Counter

from tests.sim.scenario import Broken, run
from tests.sim.shrink import shortened


def main() -> int:
    """Run what is asked for; 1 when a seed failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.count) if asked.seed is None else [asked.seed]
    totals: Counter[str] = Counter()
    failed = 0
    for seed in seeds:
        try:
            result = run(seed)
        except Broken as broken:
            print(shortened(broken))
            failed += 1
            continue
        totals.update(result.figures)
        if asked.seed is not None:
            print(f"seed {seed}: trace {result.digest}")
    print(f"{len(seeds)} seeds, {failed} failed: " + ", ".join(f"{count} {what}" for what, count in totals.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
