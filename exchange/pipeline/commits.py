"""What is committed, and how a commit in doubt is settled."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog

from exchange.core.commands import Command
from exchange.core.outcome import Applied as Applied
from exchange.failure import Failure

log = structlog.get_logger(__name__)


class Journaled(NamedTuple):
    """A command as the journal has it, and the version of the rules that it was applied under."""

    sequence: int
    time_ns: int
    command: Command
    rules_version: int


@dataclass(slots=True)
class Batch:
    """What one transaction stores: the commands after `from_sequence`, which the database must still be at."""

    from_sequence: int
    applied: list[Applied]

    @property
    def to_sequence(self) -> int:
        """The sequence that the database is at afterwards."""
        return self.applied[-1].sequence


class CommitInDoubt(Exception):
    """The connection broke: the transaction is stored completely or not at all."""


class Span(Protocol):
    """What one transaction stores: the commands after a sequence, up to another."""

    @property
    def from_sequence(self) -> int:
        """Where the database must still be."""

    @property
    def to_sequence(self) -> int:
        """Where it is afterwards."""


SpanT = TypeVar("SpanT", bound=Span)  # of what both takes and passes on; a protocol that only takes has the other
Stored = TypeVar("Stored", bound=Span, contravariant=True)


class Store(Protocol[Stored]):
    """A connection that commits: batches to the journal, or what they change to the tables that follow it."""

    async def commit(self, span: Stored) -> None:
        """Store it in one transaction, fenced. Raises CommitInDoubt, or Failure when it can never succeed."""

    async def settle(self) -> int:
        """Reconnect, without a time limit; the sequence of the database, which no older statement can still change."""

    def connected(self) -> bool:
        """Whether the connection is there, as far as is known."""


async def commit_once(store: Store[SpanT], span: SpanT) -> None:
    """Store it once: after a commit in doubt, send it again unless it is stored."""
    while True:
        try:
            await store.commit(span)
        except CommitInDoubt as doubt:
            log.warning("commit in doubt", cause=str(doubt), from_sequence=span.from_sequence)
            if await settle(store, span.from_sequence, span.to_sequence) == span.to_sequence:
                return
        else:
            return


async def settle(store: Store[Any], *expected: int) -> int:
    """Reconnect and return the sequence of the database. Raises Failure if it is none of `expected`."""
    sequence = await store.settle()
    if sequence not in expected:
        raise Failure(f"The database is at sequence {sequence}, not at {expected[0]}: something else wrote to it.")
    log.warning("reconnected to the database", sequence=sequence)
    return sequence
