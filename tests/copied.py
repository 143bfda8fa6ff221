"""Copies of records by their fields, because compiled records can be copied in no other way."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

T = TypeVar("T")


def copied(value: T) -> T:
    """A copy that shares no list or record with the original."""
    made: object = value
    if isinstance(value, list | tuple):
        made = value.__class__(copied(item) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        made = replace(value, **{field.name: copied(getattr(value, field.name)) for field in fields(value)})
    return made  # type: ignore[return-value]  # of the same class in each case
