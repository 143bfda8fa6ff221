"""Prints the figures of an hour of the demo, and of a recorded market beside them; draws them where a file is named.

python -m tests.demo [--seed N] [--minutes N] [--recorded COMMANDS TRADES] [--plot FILE.svg]
"""

import argparse
from pathlib import Path

from tests.demo.figures import Tape, of_demo, of_recording
from tests.demo.plot import plot


def row(name: str, tape: Tape) -> str:
    """One line of the report."""
    ticks, points = tape.median_spread()
    lags = " ".join(f"{value:.2f}" for value in tape.volatility_correlations())
    return (
        f"{name}: {len(tape.times)} trades, signs {tape.sign_correlation():.2f}, returns {lags}, "
        f"median spread {ticks:g} ticks ({points:.2f} bp), book empty for at most {tape.longest_empty_s:.1f} s"
    )


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo")
    parser.add_argument("--seed", type=int, nargs="+", default=[20])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--recorded", type=Path, nargs=2)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    tapes = []
    for seed in asked.seed:
        tapes.append((f"demo, seed {seed}", of_demo(seed, asked.minutes * 60)))
        print(row(*tapes[-1]), flush=True)
    shown = tapes[:1]
    if asked.recorded is not None:
        shown.append(("recorded", of_recording(*asked.recorded)))
        print(row(*shown[-1]))
    if asked.plot is not None:
        asked.plot.write_text(plot(shown), encoding="utf-8")


if __name__ == "__main__":
    main()
