"""What the judge can find."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["lost", "doubled", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise: something acknowledged is `lost`, something is `doubled`, or something is `wrong`."""

    verdict: Verdict
    what: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.what}"


def lost(what: str) -> Finding:
    """Acknowledged or shown, and missing at the end."""
    return Finding("lost", what)


def doubled(what: str) -> Finding:
    """Present more than once."""
    return Finding("doubled", what)


def wrong(what: str) -> Finding:
    """Present, but not as it must be."""
    return Finding("wrong", what)
