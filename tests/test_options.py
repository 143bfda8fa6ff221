"""Options of the command line that take numbers: what is no number, or too large, is refused in a sentence."""

from collections.abc import Iterator
from typing import Any

import click
import pytest

from exchange.cli import cli


def options(command: click.Command, *path: str) -> Iterator[tuple[str, click.Parameter]]:
    """Every option and argument, with its command."""
    for parameter in command.params:
        yield " ".join((*path, parameter.opts[-1])), parameter
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from options(below, *path, name)


OPTIONS = dict(options(cli))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400"])
def test_no_option_takes_what_is_no_number(text: str) -> None:
    took: list[Any] = []
    for name, option in OPTIONS.items():
        if "number" in option.type.name or "float" in option.type.name or "decimal" in option.type.name:
            try:
                took.append((name, option.type.convert(text, None, None)))
            except click.BadParameter:
                continue
    assert took == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("torture --minutes", "1e300"),
        ("torture --minutes", "0"),
        ("torture --kills", "1000000000000"),
        ("torture --postgres-kills", "1000000000000"),
        ("demo --rate", "1e300"),
        ("demo --rate", "0"),
        ("replay --retry-s", "1e300"),
        ("replay --price-unit", "1e999999"),
        ("replay --quantity-unit", "1e-999999"),
    ],
)
def test_what_would_never_end_is_refused(name: str, text: str) -> None:
    with pytest.raises(click.BadParameter):
        OPTIONS[name].type.convert(text, None, None)


@pytest.mark.parametrize(
    ("name", "text"), [("torture --minutes", "0.5"), ("demo --rate", "2"), ("replay --retry-s", "0")]
)
def test_the_usual_number_is_taken(name: str, text: str) -> None:
    assert OPTIONS[name].type.convert(text, None, None) == float(text)


@pytest.mark.parametrize("name", ["serve --ready-file", "demo --ready-file", "torture --figures", "torture --history"])
@pytest.mark.parametrize("path", ["/", ".", "~"])
def test_a_file_that_is_written_at_the_end_is_no_directory(name: str, path: str) -> None:
    with pytest.raises(click.BadParameter, match="is a directory"):
        OPTIONS[name].type.convert(path, None, None)
