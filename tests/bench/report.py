"""The table of a run, and the file that lets the next run say what became better or worse."""

from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tests.bench.figure import Row

BAR_CELLS = 12


class Remembered(msgspec.Struct, frozen=True):
    """A row as it is kept; `pace` and `measured_at` are its own, since names renew some rows and leave others."""

    unit: str
    value: float
    limit: float
    ratio: float
    ratios: tuple[float, ...]
    goal: str | None
    met: bool | None
    pace: str
    measured_at: str


class Run(msgspec.Struct, frozen=True):
    """`.bench/last.json`. The notes are of the last run only."""

    rows: dict[str, Remembered]
    notes: dict[str, str]


def load(path: Path) -> Run:
    """The previous run; an empty one if there is none, or if its file is of another version of the bench."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Run)
    except (FileNotFoundError, msgspec.DecodeError):
        return Run({}, {})


def save(path: Path, previous: Run, rows: list[Row], notes: dict[str, str], *, pace: str, measured_at: str) -> None:
    """Write the rows measured now over those of before; a row that failed leaves the old one."""
    renewed = {row.name: _remembered(row, pace, measured_at) for row in rows if row.failure is None}
    path.parent.mkdir(exist_ok=True)
    encoded = msgspec.json.encode(Run(previous.rows | renewed, notes))
    path.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")


def _remembered(row: Row, pace: str, measured_at: str) -> Remembered:
    return Remembered(
        unit=row.unit,
        value=row.value,
        limit=row.limit,
        ratio=row.ratio,
        ratios=row.ratios,
        goal=str(row.goal) if row.goal else None,
        met=row.goal.met(row.ratio) if row.goal else None,
        pace=pace,
        measured_at=measured_at,
    )


def table(rows: list[Row], previous: Run) -> Table:
    """The report. A full bar is a goal reached; `rounds` are the lowest and the highest ratio of a round."""
    result = Table(
        title="exchange beside its limit",
        caption="* a quick run, which says little" if any(map(_quick, previous.rows.values())) else None,
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    result.add_column("figure", no_wrap=True)
    result.add_column("value", justify="right", no_wrap=True)
    result.add_column("beside", no_wrap=True)
    for heading in ("limit", "ratio", "rounds", "goal"):
        result.add_column(heading, justify="right", no_wrap=True)
    result.add_column("", no_wrap=True)
    result.add_column("met", no_wrap=True)
    result.add_column("before", justify="right", no_wrap=True)
    for row in rows:
        if row.failure is not None:
            result.add_row(
                row.name, Text("failed", style="bold red"), *[""] * 5, Text("see below", style="red"), "", ""
            )
            continue
        before = previous.rows.get(row.name)
        result.add_row(
            row.name,
            _quantity(row.value, row.unit),
            row.beside,
            _quantity(row.limit, row.unit),
            f"{row.ratio:.2f}",
            _spread(row.ratios),
            str(row.goal) if row.goal else "",
            _bar(row),
            "" if row.goal is None else "yes" if row.goal.met(row.ratio) else "no",
            f"{before.ratio:.2f}{'*' if _quick(before) else ''}" if before else "",
        )
    return result


def _quick(before: Remembered) -> bool:
    return before.pace == "quick"


def _quantity(value: float, unit: str) -> str:
    if unit in ("ms", "s"):
        return f"{value:,.2f} {unit}"
    return f"{value:,.0f} /s" if unit.endswith("/s") else f"{value:,.0f} {unit}"


def _spread(ratios: tuple[float, ...]) -> str:
    return f"{min(ratios):.2f}–{max(ratios):.2f}" if len(ratios) > 1 else ""  # noqa: RUF001


def _bar(row: Row) -> Text:
    if row.goal is None:
        return Text("")
    share = min(1.0, row.goal.share(row.ratio))
    # Rounded down: only a goal that is met fills the bar.
    cells = int(share * BAR_CELLS)
    return Text("█" * cells + "░" * (BAR_CELLS - cells), style="green" if row.goal.met(row.ratio) else "red")
