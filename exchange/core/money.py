"""Money that an administrator moves: withdrawals in two steps, transfers, and the reset of a user.

Each is under a key of its own, with which it is carried out once. `origin` is who asked for it; it is not part of the
content.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from exchange.core.administration import Origin


class TransferKind(IntEnum):
    """Why money moved between two accounts without a trade."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    TRANSFER = 2
    RESET = 3


class WithdrawalStatus(IntEnum):
    """Where a withdrawal is in its life. The last two are its end."""

    PENDING = 0  # the amount is locked
    SETTLED = 1  # the amount has left the exchange
    RELEASED = 2  # the amount is available again


@dataclass(slots=True)
class RequestWithdrawal:
    """Lock an amount of a user, or of the fees, until the withdrawal is settled or released."""

    user_id: str
    asset: str
    amount_minor: int
    key: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(slots=True)
class EndWithdrawal:
    """Settle the withdrawal of that key, or release what it has locked."""

    key: str
    settles: bool
    origin: Origin

    @property
    def status(self) -> WithdrawalStatus:
        """What the withdrawal is then."""
        return WithdrawalStatus.SETTLED if self.settles else WithdrawalStatus.RELEASED


@dataclass(slots=True)
class TransferFunds:
    """Move an amount from a user, or from the fees, to a user."""

    from_user_id: str
    to_user_id: str
    asset: str
    amount_minor: int
    key: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(slots=True)
class ResetUser:
    """Cancel all orders of a user, and make what is available to them these amounts, by asset, and nothing else.

    What pending withdrawals have locked stays locked.
    """

    user_id: str
    balances: tuple[tuple[str, int], ...]
    key: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(slots=True)
class Transferred:
    """An amount has moved from one account to another."""

    kind: TransferKind
    from_user_id: str
    to_user_id: str
    asset: str
    amount_minor: int
    key: str


@dataclass(slots=True)
class Withdrawal:
    """A withdrawal as it is now. `sequence` is that of its request; `ended_ns` is None while it is pending."""

    sequence: int
    key: str
    user_id: str
    asset: str
    amount_minor: int
    status: WithdrawalStatus
    requested_ns: int
    ended_ns: int | None = None


@dataclass(slots=True)
class WithdrawalChanged:
    """A withdrawal was requested, settled or released."""

    withdrawal: Withdrawal


@dataclass(slots=True)
class UserReset:
    """A user was reset."""

    user_id: str
    balances: tuple[tuple[str, int], ...]
    key: str


MoneyCommand = RequestWithdrawal | EndWithdrawal | TransferFunds | ResetUser
MoneyEvent = Transferred | WithdrawalChanged | UserReset
