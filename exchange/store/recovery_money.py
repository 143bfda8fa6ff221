"""Reads what a venue remembers of money that was moved: the last keys, and withdrawals."""

from typing import Any

from exchange.core.commands import Deposit
from exchange.core.money import RequestWithdrawal, ResetUser, TransferFunds, TransferKind, Withdrawal, WithdrawalStatus
from exchange.core.treasury import KEYS_MAX, SEED_PREFIX, Keyed

_DEPOSIT, _TRANSFER = TransferKind.DEPOSIT, TransferKind.TRANSFER
# The newest of every kind. The kind of a withdrawal's request is 1, that of a reset 3: see TransferKind.
_NEWEST = " UNION ALL ".join(
    f"(SELECT sequence, {columns} FROM {source} ORDER BY {order} LIMIT $1)"
    for columns, source, order in (
        (
            "kind::int, key, user_id, from_user_id, asset, amount_minor::text, NULL AS balances",
            f"transfers WHERE kind IN ({_DEPOSIT:d}, {_TRANSFER:d}) AND key NOT LIKE '{SEED_PREFIX}%'",
            "sequence DESC, asset DESC",  # a new user may get several
        ),
        ("1, key, user_id, NULL, asset, amount_minor::text, NULL", "withdrawals", "sequence DESC"),
        ("3, key, user_id, NULL, NULL, NULL, balances", "resets", "sequence DESC"),
    )
)


async def load(connection: Any, *, remembered: bool) -> tuple[list[Keyed], list[Withdrawal]]:
    """What is remembered, oldest first, and withdrawals: those that are pending, and the remembered ones."""
    if not remembered:
        return [], await _withdrawals(connection, None)
    seeds = await connection.fetch(
        "SELECT key, user_id, asset, amount_minor::text FROM transfers "
        f"WHERE key LIKE '{SEED_PREFIX}%' ORDER BY sequence"
    )
    rows = await connection.fetch(
        f"SELECT * FROM ({_NEWEST}) AS newest ORDER BY sequence DESC, asset DESC LIMIT $1", KEYS_MAX
    )
    recent: list[Keyed] = [Deposit(user_id, asset, int(amount), key) for key, user_id, asset, amount in seeds]
    recent += [_keyed(*fields) for _, *fields in reversed(rows)]
    return recent, await _withdrawals(connection, rows[-1]["sequence"] if rows else None)


def _keyed(
    kind: int, key: str, user_id: str, other: str | None, asset: str | None, amount: str | None, balances: str | None
) -> Keyed:
    if kind == TransferKind.RESET:
        return ResetUser(user_id, balances_from(balances), key)
    assert asset is not None
    assert amount is not None
    if kind == TransferKind.DEPOSIT:
        return Deposit(user_id, asset, int(amount), key)
    if kind == TransferKind.WITHDRAWAL:
        return RequestWithdrawal(user_id, asset, int(amount), key)
    assert other is not None
    return TransferFunds(other, user_id, asset, int(amount), key)


def balances_from(text: str | None) -> tuple[tuple[str, int], ...]:
    """The amounts by asset of stored text."""
    pairs = (pair.split(":") for pair in (text or "").split())
    return tuple((asset, int(amount)) for asset, amount in pairs)


async def _withdrawals(connection: Any, since: int | None) -> list[Withdrawal]:
    """Those that are pending, and all since a sequence."""
    rows = await connection.fetch(
        "SELECT sequence, key, user_id, asset, amount_minor::text, status, requested_ns, ended_ns FROM withdrawals "
        "WHERE status = 0 OR sequence >= $1 ORDER BY sequence",
        2**63 - 1 if since is None else since,
    )
    return [
        Withdrawal(sequence, key, user_id, asset, int(amount), WithdrawalStatus(status), requested_ns, ended_ns)
        for sequence, key, user_id, asset, amount, status, requested_ns, ended_ns in rows
    ]
