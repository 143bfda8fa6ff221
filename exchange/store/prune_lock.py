"""An audit and a pruning do not run at the same time: the audit would miss what is dropped meanwhile."""

from typing import Any, Final

PRUNE_LOCK: Final = 0x5052554E  # advisory locks are numbers; this one says "PRUN"


async def shared(connection: Any) -> None:
    """Hold off prunings until this connection ends; waits for one that runs."""
    await connection.execute("SELECT pg_advisory_lock_shared($1)", PRUNE_LOCK)


async def alone(connection: Any) -> bool:
    """Whether this connection may prune until it ends: nothing else prunes or audits."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", PRUNE_LOCK)
    return taken
