"""Names in the code use the field's words: one word for one thing, and none of these."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_tidy import ROOT, files

INSTEAD = {
    "amt": "quantity, or amount of an asset",
    "asker": "principal, or user",
    "behind": "after, waiting, or lag",
    "cancelled": "canceled",
    "deal": "trade",
    "desk": "what it does",
    "filler": "projector",
    "floor": "what it holds",
    "front": "before, or first",
    "gate": "authenticator, or what it checks",
    "half": "side (of a book)",
    "halves": "sides (of a book)",
    "qty": "quantity",
    "rerun": "replay, or run again",
    "seeding": "seed (the verb)",
    "tame": "what is bounded",
    "uid": "user_id",
}

# Names that a library or a format prescribes, or that are history.
PRESCRIBED = {"qty", "open_qty", "_check_front", "0002_the_filler", "uid"}

# In texts: riddles. Put together here so that this file does not find itself.
TEXTS = re.compile(
    r"\b("
    + "|".join(
        (
            "behind every" + "body's back",
            "comes to " + "be",
            "sees to " + "it",
            "seen to " + "it",
            "is no " + "port",
        )
    )
    + r")\b",
    re.IGNORECASE,
)


def words(name: str) -> list[str]:
    """The words of a name, in snake or camel case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def given_names(tree: ast.AST) -> Iterator[str]:
    """Every name that a module gives to something of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(asname=str(name)):
                yield name


def odd_names(path: Path) -> set[str]:
    """The names in a file, its own included, with a word that has a better one."""
    names = {*given_names(ast.parse(path.read_text(encoding="utf-8"))), path.stem}
    return {name for name in names - PRESCRIBED if not INSTEAD.keys().isdisjoint(words(name))}


def sources() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def test_names_use_the_fields_words() -> None:
    found = {
        str(path.relative_to(ROOT)): {name: [INSTEAD[word] for word in words(name) if word in INSTEAD] for name in odd}
        for path in sources()
        if (odd := odd_names(path))
    }
    assert found == {}, "use the word after each name"


def test_texts_have_no_riddles() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files()
        if path.suffix in (".py", ".md", ".toml", ".html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if TEXTS.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order_desk", True),
        ("OrderDesk", True),
        ("_half", True),
        ("behalf", False),
        ("desktop", False),
        ("Halted", False),
    ],
)
def test_a_word_is_found_as_a_whole(tmp_path: Path, name: str, expected: bool) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"{name} = 1\n")
    assert bool(odd_names(module)) is expected
