"""Records of numbers as text: `self_trade:1 quote_minor:500`.

What only a few orders have is stored so, in one column: null for most orders, and a new number needs no new column. The
names are those of the record's fields; numbers that are missing are what the record has without them.
"""

from dataclasses import fields
from functools import lru_cache
from typing import Any

from exchange.core.conditions import Conditions, PegTo, Pending, Progress, SelfTrade


def numbers_text(record: Conditions | Progress | None) -> str | None:
    """The text, which needs no quotes in a row; None for None."""
    if record is None:
        return None
    values = ((field.name, getattr(record, field.name), field.default) for field in fields(record))
    # A record of which everything is as usual still is one: it has a text.
    return " ".join(f"{name}:{int(value)}" for name, value, usual in values if value != usual) or "plain:1"


@lru_cache(maxsize=4096)  # many orders share few
def conditions_from(text: str | None) -> Conditions | None:
    """The conditions of a text."""
    if text is None:
        return None
    found = _numbers(text)
    if "peg_to" in found:
        found["peg_to"] = PegTo(found["peg_to"])
    return Conditions(**found | _mode(found))


@lru_cache(maxsize=4096)
def progress_from(text: str | None) -> Progress | None:
    """The progress of a text."""
    if text is None:
        return None
    found = _numbers(text)
    if "pending" in found:
        found["pending"] = Pending(found["pending"])
    return Progress(**found | _mode(found))


def _numbers(text: str) -> dict[str, Any]:
    pairs = (part.split(":") for part in text.split())
    return {name: int(value) for name, value in pairs if name != "plain"}


def _mode(found: dict[str, Any]) -> dict[str, Any]:
    return {"self_trade": SelfTrade(found["self_trade"])} if "self_trade" in found else {}
