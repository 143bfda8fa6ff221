"""The cases in this directory, and which of them speak of features that this exchange has."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Step = dict[str, Any]

NOT_HERE = {
    "market_rests": "A market order never waits in the book: what it could not fill expires.",
    "aon": "There are no orders that rest until they can fill whole; a fok expires instead.",
    "fok_budget": "There is no limit on an order's total cost; a limit price bounds it.",
    "reserve_price": "A buy reserves funds at its own price.",
    "tick_rounding": "A price off the tick is refused, never rounded.",
    "pro_rata": "Priority is by price, then time.",
    "stp_transfer": "Nothing is transferred between the two orders.",
}
HERE = {
    "limit",
    "market",
    "ioc",
    "fok",
    "cancel",
    "reduce",
    "replace",
    "replace_overreduce",
    "post_only",
    "multi_symbol",
    "duplicate_id",
    "rejects",
    "stp",
    "stp_cancel_incoming",
    "balance",
    "fees",
    "insufficient_funds",
    "stop",
    "oco",
    "gtd",
    "clear",
    "set_last_price",
}


@dataclass(frozen=True)
class Case:
    """One case: what happens, and what another engine's own tests expect."""

    case_id: str
    features: frozenset[str]
    symbol: dict[str, Any]
    steps: tuple[Step, ...]

    @property
    def not_here(self) -> list[str]:
        """Its features that this exchange does not have."""
        return sorted(self.features - HERE)

    @property
    def about_users(self) -> bool:
        """Whether it matters who places an order, beyond who may cancel it."""
        return bool(self.features & {"stp", "balance", "fees", "insufficient_funds"})


def load() -> list[Case]:
    """All cases, file by file."""
    cases = []
    for path in sorted(Path(__file__).parent.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            symbol = case.get("symbol", {})
            cases.append(Case(case["id"], frozenset(case["features"]), symbol, tuple(case["steps"])))
    return cases


CASES = load()
APPLICABLE = [case for case in CASES if not case.not_here]


def not_applicable() -> Counter[str]:
    """How many cases each missing feature keeps from being run; a case may miss several."""
    return Counter(feature for case in CASES for feature in case.not_here)
