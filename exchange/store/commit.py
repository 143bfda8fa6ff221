"""The commit: the commands of a batch become durable, as one row of the journal, in one round trip, fenced.

It moves `venue` from the batch's first sequence to its last, but only under this writer's epoch, and writes only if
that row was found. So a writer that has been replaced, or a statement that is sent a second time, changes nothing.
"""

from exchange.core.venue import RULES_VERSION
from exchange.pipeline.commits import Batch
from exchange.store import journal
from exchange.store.transaction import Transaction


def statement(_: tuple[str, ...]) -> str:
    """It returns 1, or no row if the fence refused it."""
    return (
        "WITH fence AS (UPDATE venue SET sequence = $3 WHERE epoch = $1 AND sequence = $2 RETURNING 1) "
        "INSERT INTO journal (last_sequence, first_sequence, codec_version, rules_version, commands) "
        f"SELECT $3, $2 + 1, {journal.CODEC_VERSION}, {RULES_VERSION}, $4 FROM fence RETURNING 1"
    )


async def transaction(batch: Batch, epoch: int) -> Transaction:
    """The parameters of the statement, which has no parts."""
    return Transaction((), [epoch, batch.from_sequence, batch.to_sequence, journal.encode(batch.applied)], [])
