"""The filler: what the journal has goes on into the tables, behind everybody's back and many commands at a time.

An answer waits for the journal alone, so what the tables cost, which is most of it, is paid once for hundreds of
commands: an account that changed a hundred times is one row. The tables are behind by a fraction of a second; who
reads history waits until they show what is durable by then. A process that ends before they do leaves the rest to the
next one, which applies it again from the journal.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from itertools import islice, takewhile

from exchange.commits import Applied, Batch, Store, commit_once, settle
from exchange.core.commands import SetMarket
from exchange.counts import Histogram
from exchange.history import HistoryUnavailable

FILL_WORTH = 256  # commands; so many are worth a transaction at once
FILL_AFTER_S = 0.1  # fewer are worth one after this time
FILL_MAX = 1024  # commands in one transaction, whose rows are made without a pause
UNFILLED_MAX = 16_384  # commands; the journal goes no further ahead
REACH_TIMEOUT_S = 5.0


class Filler:
    """One task that fills the tables; `add` hands it what has become durable."""

    def __init__(self, store: Store, sequence: int) -> None:
        self.filled_sequence = sequence
        self.batch_sizes = Histogram(powers=12)
        self._store = store
        self._pending: deque[Applied] = deque()
        self._readers: deque[tuple[int, asyncio.Future[None]]] = deque()  # and the sequence that each waits for
        self._wake = asyncio.Event()  # there is something to do, if not at once
        self._hurry = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False

    @property
    def unfilled(self) -> int:
        """How many commands the tables are behind the journal."""
        return len(self._pending)

    def add(self, applied: Iterable[Applied]) -> None:
        """Take what the journal now has."""
        self._pending.extend(applied)
        self._wake.set()
        if len(self._pending) >= FILL_WORTH:
            self._hurry.set()
            if len(self._pending) >= UNFILLED_MAX:
                self._room.clear()

    def wake(self) -> None:
        """Look after the connection, although nothing is waiting."""
        self._wake.set()
        self._hurry.set()

    async def room(self) -> None:
        """Return once the journal may go on."""
        await self._room.wait()

    async def reached(self) -> None:
        """Return once the tables show everything that is durable now. Raises HistoryUnavailable."""
        if not self._pending:
            return
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                await self.drained()
        except TimeoutError:
            raise HistoryUnavailable("the tables are behind, and do not come after") from None

    async def drained(self) -> None:
        """The same, however long it takes."""
        if not self._pending:
            return
        if self._ended:
            raise HistoryUnavailable("the exchange is ending")
        reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers.append((self._pending[-1].sequence, reader))
        self._hurry.set()
        await reader

    async def run(self) -> None:
        """Fill until cancelled."""
        try:
            while True:
                await self._due()
                if not self._store.connected():
                    await settle(self._store, self.filled_sequence)
                if self._pending:
                    await self.fill()
                else:
                    self._wake.clear()
        finally:
            self._ended = True
            for _, reader in self._readers:
                if not reader.done():
                    reader.set_exception(HistoryUnavailable("the exchange is ending"))

    async def _due(self) -> None:
        """Return when there is enough, somebody waits, or the first of few has waited long enough."""
        await self._wake.wait()
        if len(self._pending) >= FILL_WORTH or self._readers or not self._store.connected():
            return
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FILL_AFTER_S):
                await self._hurry.wait()

    async def fill(self) -> None:
        """Bring the next commands into the tables, as many as one transaction may have."""
        pending = self._pending
        batch = Batch(self.filled_sequence, self._next())
        assert batch.applied[0].sequence == batch.from_sequence + 1
        await commit_once(self._store, batch)
        for _ in batch.applied:
            pending.popleft()
        self.filled_sequence = batch.to_sequence
        self.batch_sizes.observe(len(batch.applied))
        if len(pending) < UNFILLED_MAX:
            self._room.set()
        while self._readers and self._readers[0][0] <= self.filled_sequence:
            reader = self._readers.popleft()[1]
            if not reader.done():
                reader.set_result(None)

    def _next(self) -> list[Applied]:
        """What the next transaction takes: a market's rules apart from all else, since both may write its row."""
        rules = isinstance(self._pending[0].command, SetMarket)
        of_a_kind = takewhile(lambda applied: isinstance(applied.command, SetMarket) == rules, self._pending)
        return list(islice(of_a_kind, FILL_MAX))
