"""Lines into PNG files, where matplotlib is installed; without it the rows of the report are all there is."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from tests.bench.processes import ROOT

PLOTS_DIR = ROOT / "docs" / "plots"


def draw(
    name: str, x_label: str, points: Sequence[tuple[float, float, float]], directory: Path = PLOTS_DIR
) -> Path | None:
    """Orders a second over what grows, on a logarithmic axis; the file, or None where nothing can draw.

    Each point has the limit of the same seconds too: a machine that was slower for a while shows in both lines.
    """
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), dpi=110)
    sizes, values, limits = zip(*points, strict=True)
    axes.plot(sizes, values, marker="o", label="durable orders")
    axes.plot(sizes, limits, marker=".", linestyle=":", color="gray", label="the limit's requests, just after")
    # A scale that begins before one has room for a point at none.
    axes.set_xscale("symlog", linthresh=1)
    axes.set_ylim(0, 1.1 * max(values + limits))
    axes.set_xlabel(x_label)
    axes.set_ylabel("a second")
    axes.legend(loc="lower center", frameon=False)
    axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    path = directory / f"{name}.png"
    figure.savefig(path)
    pyplot.close(figure)
    return path
