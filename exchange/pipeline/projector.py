"""The projector: the query tables follow the journal, in transactions of many commands, while trading goes on.

An answer waits for the journal only. The query tables, which cost most of the database's work, are written once for
thousands of commands: an account that changed a hundred times is one row. They begin to follow within a second. A read
of history waits until they show everything durable; reads that follow each other closely share a transaction. If the
process ends before that, the next one applies the rest from the journal.
"""

import asyncio
import contextlib
from collections import deque

from exchange.pipeline.changes import Changes
from exchange.pipeline.commits import Applied, Store, commit_once, settle
from exchange.pipeline.histogram import Histogram

PROJECTION_MAX = 8192  # commands in one transaction, which begins at once when there are so many
PROJECTION_ROWS_MAX = 32_768  # orders and trades in one transaction; a single command may have more
WAITING_ROWS_MAX = 8 * PROJECTION_ROWS_MAX  # of several transactions, which begin at once when there are so many
PROJECT_AFTER_S = 1.0  # fewer commands wait for more: each transaction delays a few orders by some milliseconds
LAG_MAX = 2 * PROJECTION_MAX  # commands; commits wait when the journal is this far ahead
REST_TIMES = 3  # the next transaction of a reader begins after a rest of so many times the last one's duration
REST_MAX_S = 0.1
REACH_TIMEOUT_S = 5.0


class HistoryUnavailable(Exception):
    """The database does not answer, or the query tables did not catch up in time."""


class Projector:
    """One task that writes the query tables; `add` passes it what has become durable."""

    def __init__(self, store: Store[Changes], sequence: int) -> None:
        self.projected_sequence = sequence
        self.batch_sizes = Histogram(powers=14)
        self._store = store
        self._added_sequence = sequence
        self._changes = Changes(sequence)  # what was added last
        self._full: deque[Changes] = deque()  # what was added before it
        self._full_rows = 0
        self._readers: deque[tuple[int, asyncio.Future[None]]] = deque()  # and the sequence that each waits for
        self._wake = asyncio.Event()  # there is something to do, if not at once
        self._hurry = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._rest_until = 0.0  # in the loop's time
        self._ended = False

    @property
    def lag(self) -> int:
        """The projection lag: commands that the journal has and the query tables do not."""
        return self._added_sequence - self.projected_sequence

    def add(self, applied: list[Applied]) -> None:
        """Take commands that the journal now has."""
        for entry in applied:
            if not self._changes.fits(entry):
                self._close()
            self._changes.add(entry)
            if self._changes.commands >= PROJECTION_MAX or self._changes.rows >= PROJECTION_ROWS_MAX:
                self._close()
        self._added_sequence = self._changes.to_sequence
        self._wake.set()
        if self._pressing:
            self._hurry.set()
        if self.lag >= LAG_MAX:
            self._room.clear()

    def _close(self) -> None:
        """Let no more commands into these changes."""
        self._full.append(self._changes)
        self._full_rows += self._changes.rows
        self._changes = Changes(self._changes.to_sequence)

    @property
    def _pressing(self) -> bool:
        """Whether so much waits that it is written at once.

        An order that meets very many others has more rows than one transaction may have. They wait too, since the
        orders that follow it need the loop and the database's core more.
        """
        return self.lag >= PROJECTION_MAX or self._full_rows >= WAITING_ROWS_MAX

    def wake(self) -> None:
        """Check the connection, also if nothing is waiting."""
        self._wake.set()
        self._hurry.set()

    def has_room(self, commands: int) -> bool:
        """Whether the journal may continue after so many more commands are added."""
        return self.lag + commands < LAG_MAX

    async def room(self) -> None:
        """Return once the journal may continue."""
        await self._room.wait()

    async def reached(self, sequence: int | None = None) -> None:
        """Return once the tables show everything that is durable now, or at least everything up to a sequence.

        Raises HistoryUnavailable.
        """
        if not self.lag or (sequence is not None and sequence <= self.projected_sequence):
            return
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                await self.drained()
        except TimeoutError:
            raise HistoryUnavailable("the tables are behind, and do not come after") from None

    async def drained(self) -> None:
        """The same, without a time limit."""
        if not self.lag:
            return
        if self._ended:
            raise HistoryUnavailable("the exchange is ending")
        reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (self._added_sequence, reader)
        self._readers.append(waiting)
        self._hurry.set()
        try:
            await reader
        finally:
            if (
                waiting in self._readers
            ):  # the reader timed out; while the database is away there may be many such readers
                self._readers.remove(waiting)

    async def run(self) -> None:
        """Write the query tables until cancelled."""
        try:
            while True:
                await self._due()
                for _ in range(max(1, len(self._full))):
                    if not self._store.connected():
                        await settle(self._store, self.projected_sequence)
                    if self.lag:
                        await self.project()
                    else:
                        self._wake.clear()
        finally:
            self._ended = True
            for _, reader in self._readers:
                if not reader.done():
                    reader.set_exception(HistoryUnavailable("the exchange is ending"))

    async def _due(self) -> None:
        """Return when there are enough commands, when a reader waits, or when the first has waited long enough."""
        await self._wake.wait()
        if self._pressing or not self._store.connected():
            return
        if not self._readers:
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROJECT_AFTER_S):
                    await self._hurry.wait()
        rest_s = self._rest_until - asyncio.get_running_loop().time()
        if rest_s > 0 and not self._pressing:
            # Each transaction delays orders. Without a rest, steady readers would cause one after another.
            await asyncio.sleep(rest_s)

    async def project(self) -> None:
        """Write the next changes to the query tables, as many as one transaction may have."""
        if self._full:
            changes = self._full.popleft()
            self._full_rows -= changes.rows
        else:
            changes, self._changes = self._changes, Changes(self._added_sequence)
        assert changes.from_sequence == self.projected_sequence
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await commit_once(self._store, changes)
        now_s = loop.time()
        self._rest_until = now_s + min(REST_TIMES * (now_s - began_s), REST_MAX_S)
        self.projected_sequence = changes.to_sequence
        self.batch_sizes.observe(changes.commands)
        if self.lag < LAG_MAX:
            self._room.set()
        while self._readers and self._readers[0][0] <= self.projected_sequence:
            reader = self._readers.popleft()[1]
            if not reader.done():
                reader.set_result(None)
