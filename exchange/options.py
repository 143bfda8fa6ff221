"""Kinds of options that several commands have."""

from pathlib import Path
from typing import Any

import click


class FilePath(click.Path):
    """A path in which `~` is a home directory, also if no shell expands it, as in `--config=~/config.toml`."""

    def __init__(self, **checks: Any) -> None:
        super().__init__(path_type=Path, **checks)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, checked as `click.Path` does."""
        try:
            expanded = Path(value).expanduser()
        except RuntimeError:
            self.fail(f"{value!r} has no such home directory", param, ctx)
        return super().convert(expanded, param, ctx)
