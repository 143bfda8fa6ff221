"""The journal's text of commands that move money; of those with a key also the form in the baseline.

Amounts are text, since they may be beyond what JSON's readers take for a number.
"""

from collections.abc import Sequence
from typing import Any

from exchange.core.administration import Origin
from exchange.core.commands import Deposit
from exchange.core.money import (
    EndWithdrawal,
    MoneyCommand,
    RequestWithdrawal,
    ResetUser,
    TransferFunds,
    Withdrawal,
    WithdrawalStatus,
)
from exchange.core.treasury import Keyed

KINDS = frozenset(("request_withdrawal", "end_withdrawal", "transfer", "reset"))


def encode(command: MoneyCommand) -> tuple[Any, ...]:
    """The kind, who asked for it, and the fields of a command."""
    if isinstance(command, EndWithdrawal):
        return ("end_withdrawal", command.origin.actor, command.origin.address, command.key, command.settles)
    assert command.origin is not None
    kind, *fields = keyed_fields(command)
    return (kind, command.origin.actor, command.origin.address, *fields)


def decode(kind: str, fields: Sequence[Any]) -> MoneyCommand:
    """The command of a kind of `KINDS`."""
    actor, address, *content = fields
    origin = Origin(actor, address)
    if kind == "end_withdrawal":
        key, settles = content
        return EndWithdrawal(key, settles, origin)
    command = keyed_from((kind, *content))
    assert not isinstance(command, Deposit)
    command.origin = origin
    return command


def keyed_fields(command: Keyed) -> tuple[Any, ...]:
    """The kind and the content of a command with a key."""
    match command:
        case Deposit(user_id, asset, amount_minor, key):
            return ("deposit", user_id, asset, str(amount_minor), key)
        case RequestWithdrawal(user_id, asset, amount_minor, key):
            return ("request_withdrawal", user_id, asset, str(amount_minor), key)
        case TransferFunds(from_user_id, to_user_id, asset, amount_minor, key):
            return ("transfer", from_user_id, to_user_id, asset, str(amount_minor), key)
        case ResetUser(user_id, balances, key):
            return ("reset", user_id, [(asset, str(amount_minor)) for asset, amount_minor in balances], key)


def keyed_from(fields: Sequence[Any]) -> Keyed:
    """The command of a kind and a content, without who asked for it."""
    match fields:
        case ("deposit", user_id, asset, amount, key):
            return Deposit(user_id, asset, int(amount), key)
        case ("request_withdrawal", user_id, asset, amount, key):
            return RequestWithdrawal(user_id, asset, int(amount), key)
        case ("transfer", from_user_id, to_user_id, asset, amount, key):
            return TransferFunds(from_user_id, to_user_id, asset, int(amount), key)
        case ("reset", user_id, balances, key):
            return ResetUser(user_id, tuple((asset, int(amount)) for asset, amount in balances), key)
    raise AssertionError(fields)


def withdrawal_fields(found: Withdrawal) -> tuple[Any, ...]:
    """A withdrawal as the baseline has it, in the order of `withdrawal_from`."""
    return (
        *(found.sequence, found.key, found.user_id, found.asset, str(found.amount_minor), found.status),
        *(found.requested_ns, found.ended_ns),
    )


def withdrawal_from(fields: Sequence[Any]) -> Withdrawal:
    """The withdrawal of stored fields."""
    sequence, key, user_id, asset, amount, status, requested_ns, ended_ns = fields
    return Withdrawal(sequence, key, user_id, asset, int(amount), WithdrawalStatus(status), requested_ns, ended_ns)
