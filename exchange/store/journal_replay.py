"""Replays the journal from its baseline, and compares the result with what is stored: state and history.

Of history only a hash a row is kept, so that memory follows the number of orders, not what they say.
"""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

from exchange.core.administration import Administered
from exchange.core.amendments import Amended
from exchange.core.events import OrderUpdated, PreventedMatch, Trade
from exchange.core.list_events import ListUpdated
from exchange.core.money import Transferred
from exchange.core.outcome import Applied
from exchange.core.state import VenueState
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.store import baseline, journal
from exchange.store.partitions import leaves
from exchange.store.pruned import Pruned
from exchange.store.rows import (
    NULL,
    Row,
    amendment_row,
    amount,
    audit_row,
    closed_row,
    is_open,
    list_row,
    prevented_row,
    trade_row,
    transfer_row,
)

PAGE_BLOCKS = 256  # some ten thousand rows
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError)
"""What decoding and applying a row raise if it was altered: it holds no command, or none that the venue accepts."""


async def replay_journal(connection: Any, state: VenueState, gone: Pruned) -> tuple[int, list[str]]:
    """How far the journal goes from its baseline, and what differs between its replay and what is stored."""
    try:
        begun = await baseline.load(connection)
        venue = Venue.restore(begun)
    except (Failure, *UNREADABLE) as error:
        return 0, [f"the baseline of the journal cannot be read: {error!r}"]
    assets, history = {asset.symbol: asset for asset in begun.assets}, _History(begun, gone)
    async for row in _journal(connection, begun.sequence, state.sequence):
        if row["first_sequence"] != venue.sequence + 1:
            return venue.sequence, [f"the journal goes from {venue.sequence} to {row['first_sequence']}"]
        versions = row["codec_version"], row["rules_version"]
        if not journal.readable(*versions):
            return venue.sequence, [
                f"the journal after {venue.sequence} has codec version {versions[0]} and rules version {versions[1]}, "
                "which this version of the exchange cannot read"
            ]
        try:
            for sequence, time_ns, command, rules_version in journal.decode(*versions, row["commands"], assets):
                if sequence > state.sequence:  # the tables are between two commits
                    break
                applied = venue.replay(command, sequence, time_ns, rules_version)
                if not isinstance(applied, Applied):
                    return venue.sequence, [f"command {sequence} was applied, and its replay is refused: {command}"]
                history.take(applied)
        except UNREADABLE as error:
            return venue.sequence, [f"the journal cannot be applied after {venue.sequence}: {error!r}"]
        if venue.sequence != min(row["last_sequence"], state.sequence):
            return venue.sequence, [f"the journal's row {row['last_sequence']} ends at {venue.sequence}"]
    venue.check()
    return venue.sequence, [*_differences(venue.state(), state), *await history.differences(connection, state)]


class _History:
    """What the replay made of orders that closed, trades and transfers: a hash by id.

    What is older than the baseline is not of the replay: it is neither made nor looked at.
    """

    def __init__(self, begun: VenueState, gone: Pruned) -> None:
        self._begun = begun
        self._gone = gone
        self._closed: dict[int, int] = {}
        self._trades: dict[int, int] = {}
        self._matches: dict[int, int] = {}
        self._amendments: dict[int, int] = {}
        self._transfers: dict[tuple[int, str], int] = {}  # a reset moves several assets
        self._audited: dict[int, int] = {}
        self._lists: dict[int, int] = {}  # that are done: these change no more

    def take(self, applied: Applied) -> None:
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                if not is_open(event):
                    self._closed[event.order_id] = _hash(closed_row(event))
            elif isinstance(event, Trade):
                self._trades[event.trade_id] = _hash(trade_row(event))
            elif isinstance(event, PreventedMatch):
                self._matches[event.match_id] = _hash(prevented_row(event))
            elif isinstance(event, Amended):
                self._amendments[event.amendment_id] = _hash(amendment_row(event))
            elif isinstance(event, ListUpdated):
                if event.done:
                    self._lists[event.list_id] = _hash(list_row(event))
            elif isinstance(event, Transferred):
                row = transfer_row((applied.sequence, applied.time_ns, event))
                self._transfers[applied.sequence, event.asset] = _hash(row)
            elif isinstance(event, Administered):
                self._audited[applied.sequence] = _hash(audit_row((applied.sequence, applied.time_ns, event)))

    async def differences(self, connection: Any, state: VenueState) -> list[str]:
        begun = self._begun
        since = {order.order_id for order in state.orders}  # what has closed after the snapshot is not of it
        return [
            *await _compare(
                *(connection, "closed_orders", "order_id", begun.last_order_id, state.last_order_id),
                *(self._closed, since),
                dropped=self._gone.order_id,
            ),
            *await _compare(
                *(connection, "trades", "trade_id", begun.last_trade_id, state.last_trade_id),
                *(self._trades, set()),
                dropped=self._gone.trade_id,
            ),
            *await _compare(
                connection,
                "prevented_matches",
                "match_id",
                begun.last_match_id,
                state.last_match_id,
                self._matches,
                set(),
            ),
            *await _compare(
                connection,
                "amendments",
                "amendment_id",
                begun.last_amendment_id,
                state.last_amendment_id,
                self._amendments,
                set(),
            ),
            *await _compare(
                *(connection, "order_lists", "list_id", begun.last_list_id, state.last_list_id),
                *(self._lists, {found.list_id for found in state.lists}),
            ),
            *await _compare(
                *(connection, "transfers", "sequence", begun.sequence, state.sequence, self._transfers, set()),
                within="asset",
            ),
            *await _compare(connection, "audit", "sequence", begun.sequence, state.sequence, self._audited, set()),
        ]


async def _compare(
    connection: Any,
    table: str,
    key: str,
    begun: int,
    last: int,
    replayed: dict[Any, int],
    since: set[int],
    *,
    within: str | None = None,
    dropped: int = 0,
) -> list[str]:
    """The findings; several rows of one key differ in the column `within`. None need be there up to `dropped`."""
    findings = []
    async for row in pages(connection, table, key, last):
        expected = replayed.pop(row[key] if within is None else (row[key], row[within]), None)
        if row[key] in since or (expected is None and 0 < row[key] <= begun):
            continue
        if expected is None:
            findings.append(f"{key} {row[key]} in {table} is not in the replay of the journal")
        elif expected != _hash(tuple(_plain(name, value) for name, value in row.items())):
            findings.append(f"{key} {row[key]} in {table} differs from the replay of the journal")
    needed = [missing for missing in replayed if not dropped or missing > dropped]
    return findings + [f"{key} {missing} is missing in {table}" for missing in needed]


def _hash(row: Row) -> int:
    return hash(row)


def _plain(name: str, value: Any) -> Any:
    """As rows are made: amounts, and nulls."""
    if value is None:
        return NULL
    return amount(int(value)) if name.endswith("_minor") else value


async def pages(connection: Any, table: str, key: str, last: int) -> AsyncIterator[Any]:
    """All rows of a table up to a key, as they lie, each page in a snapshot of its own.

    The table is one that is only appended to: what is up to that key by now lies in the blocks that it has by now.
    """
    for leaf in await leaves(connection, table):
        blocks = await connection.fetchval(f"SELECT pg_relation_size('{leaf}') / current_setting('block_size')::bigint")
        for begin in range(0, blocks, PAGE_BLOCKS):
            for row in await connection.fetch(
                f"SELECT * FROM {leaf} WHERE ctid >= $1 AND ctid < $2 AND {key} <= $3",
                (begin, 0),
                (begin + PAGE_BLOCKS, 0),
                last,
            ):
                yield row


async def _journal(connection: Any, after: int, last: int) -> AsyncIterator[Any]:
    while True:
        rows = await connection.fetch(
            "SELECT * FROM journal WHERE last_sequence > $1 AND first_sequence <= $2 ORDER BY last_sequence LIMIT 200",
            after,
            last,
        )
        for row in rows:
            yield row
        if not rows:
            return
        after = rows[-1]["last_sequence"]


def _differences(replayed: VenueState, stored: VenueState) -> list[str]:
    findings: list[str] = []
    for field in fields(VenueState):
        here, there = getattr(replayed, field.name), getattr(stored, field.name)
        if here == there:
            continue
        if not isinstance(here, list):
            findings.append(f"the replay's {field.name} is {here}, the stored one {there}")
            continue
        index = next(
            (i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there))
        )
        findings.append(
            f"the replay's {field.name} differ at {index}: {here[index : index + 1]} replayed, "
            f"{there[index : index + 1]} stored"
        )
    return findings
