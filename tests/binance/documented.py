"""The documented answers of Binance's REST API: for each example its fields and their types.

`documented.json` holds facts that were taken from the public repository binance/binance-spot-api-docs (state of
2026-07-21): for each example its call, its line in rest-api.md, and the types in the place of the values. A type is
`int`, `string`, `decimal-string`, `bool` or `null`; `array:A,B` in a list is a list of values of these types.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("documented.json")
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Example:
    """One documented answer."""

    endpoint: str
    line: int
    shape: Any

    def __str__(self) -> str:
        return f"{self.endpoint} (line {self.line})"


def examples() -> list[Example]:
    """All of them."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return [Example(row["endpoint"], row["line"], row["shape"]) for row in rows]


def problems(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """What a value lacks of a shape, or has of another type. Lists must not be empty where the shape has an item."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where or 'it'} is no object"
            return
        for name, inner in shape.items():
            if name in value:
                yield from problems(inner, value[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is missing"
    elif isinstance(shape, list):
        yield from _problems_of_list(shape, value, where)
    elif not _fits(shape, value):
        yield f"{where or 'it'} is {value!r} and no {shape}"


def _problems_of_list(shape: list[Any], value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where or 'it'} is no list"
        return
    if shape and not value:
        yield f"{where or 'it'} is empty"
    for item in shape:
        if isinstance(item, str) and item.startswith("array:"):
            kinds = item.removeprefix("array:").split(",")
            one_kind = len(set(kinds)) == 1
            if not one_kind and len(value) != len(kinds):
                yield f"{where or 'it'} has {len(value)} values and not {len(kinds)}"
            for kind, inner in zip(kinds * len(value) if one_kind else kinds, value, strict=False):
                if not _fits(kind, inner):
                    yield f"{where}[] is {inner!r} and no {kind}"
        else:
            for inner in value:
                yield from problems(item, inner, f"{where}[]")


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "decimal-string":
            return isinstance(value, str) and DECIMAL.fullmatch(value) is not None
        case "string":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "null":
            return value is None
    raise AssertionError(f"an unknown type: {kind}")
