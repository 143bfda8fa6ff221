"""Kinds of options that several commands have."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from exchange.client import ApiKey


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


class FiniteRange(click.FloatRange):
    """A number within bounds. `click.FloatRange` takes `nan` for one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, checked as `click.FloatRange` does."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class KeyFile(click.ParamType["ApiKey"]):
    """The file of an API key, as `exchange key create` prints it; the value is the key."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "ApiKey":
        """The key, which only the file's owner may be able to read."""
        from exchange.client import ApiKey

        if isinstance(value, ApiKey):
            return value
        path = FilePath().convert(value, param, ctx)
        try:
            return ApiKey.load(path)
        except OSError as error:
            self.fail(f"{path} cannot be read: {error.strerror or error}", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


KEY_FILE = click.option(
    "--key-file",
    "signing_key",
    type=KeyFile(),
    help="Sign with the API key of this file: the JSON of `exchange key create`.",
)
