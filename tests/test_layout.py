"""The picture of the layout in docs/architecture.md names every package and file of `exchange`, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

from exchange.store import schema

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
IN_FULL = ("exchange/",)  # of the other folders the picture names the folders only
UNNAMED = ("__init__.py",)
GENERATED = ("__pycache__",)
ELSEWHERE = ROOT / "exchange" / "web"  # docs/page.md says what is in it

LINE = re.compile(r"^(?P<indent> *)(?P<name>[\w.]+/?)(?: +(?P<what>\S.*))?$")


def drawn() -> Iterator[tuple[str, str]]:
    """The paths of the picture, each with its line of text; the path of a folder ends in a slash."""
    after = PAGE.partition("## Layout\n")[2]
    picture = re.search(r"```\n(exchange/\n.*?)```", after, re.DOTALL)
    assert picture, "docs/architecture.md has no picture under the heading Layout"
    above: list[str] = []
    for line in picture[1].splitlines():
        found = LINE.match(line)
        assert found, f"not a line of the picture: {line!r}"
        depth = len(found["indent"]) // 2
        above = [*above[:depth], found["name"]]
        yield "".join(above), found["what"] or ""


def there() -> set[str]:
    """The paths that the picture must name."""
    found = {
        f"{folder.name}/" for folder in ROOT.iterdir() if folder.name in ("exchange", "migrations", "tests", "docs")
    }
    for path in [*(ROOT / "exchange").rglob("*"), *(ROOT / "tests").iterdir()]:
        name = path.relative_to(ROOT).as_posix()
        if path.name in UNNAMED or any(part in GENERATED for part in path.parts) or ELSEWHERE in path.parents:
            continue
        if path.is_dir():
            if any(inner.is_file() and inner.suffix != ".pyc" for inner in path.rglob("*")):
                found.add(f"{name}/")
        elif name.startswith(IN_FULL):
            found.add(name)
    return found


def test_the_picture_of_the_layout_is_the_tree() -> None:
    named = {path for path, _ in drawn()}
    missing, gone = sorted(there() - named), sorted(named - there())
    assert (missing, gone) == ([], []), f"docs/architecture.md, Layout: missing {missing}; no longer there {gone}"


def test_every_line_of_the_picture_says_what_it_is() -> None:
    silent = [path for path, what in drawn() if not what and path not in ("exchange/", "tests/")]
    assert silent == []


def test_a_path_is_drawn_once() -> None:
    paths = [path for path, _ in drawn()]
    assert len(paths) == len(set(paths))


def test_the_tables_are_those_of_the_schema() -> None:
    stored = PAGE.partition("## What is stored\n")[2].partition("\n## ")[0]
    first_cells = "".join(line.split("|")[1] for line in stored.splitlines() if line.startswith("| `"))
    views = {"orders", "fills", "postings"}
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(schema.metadata.tables) | views
