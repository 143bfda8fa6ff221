"""What a judge can find."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["lost", "doubled", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken: something acknowledged is `lost`, something is `doubled`, or else it is `wrong`."""

    verdict: Verdict
    what: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.what}"


def lost(what: str) -> Finding:
    """Acknowledged or shown, and not there."""
    return Finding("lost", what)


def doubled(what: str) -> Finding:
    """There more than once."""
    return Finding("doubled", what)


def wrong(what: str) -> Finding:
    """There, and not as it must be."""
    return Finding("wrong", what)
