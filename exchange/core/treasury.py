"""The treasury: money that comes in, goes out and moves between accounts, each under a key that counts once.

The keys of the last commands are remembered, those of a configuration and of pending withdrawals always. What a pending
withdrawal takes is locked in its account.
"""

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from exchange.core.administration import Administered, CreateUser, Origin
from exchange.core.commands import Deposit
from exchange.core.events import Duplicate, Event, Rejected, RejectReason, UserAdded
from exchange.core.instrument import AMOUNT_MAX
from exchange.core.ledger import EXTERNAL, FEES, HOUSE, Account, Ledger
from exchange.core.money import (
    EndWithdrawal,
    RequestWithdrawal,
    ResetUser,
    TransferFunds,
    TransferKind,
    Transferred,
    UserReset,
    Withdrawal,
    WithdrawalChanged,
    WithdrawalStatus,
)

KEYS_MAX: Final = 1_000_000  # of commands that are remembered, to carry each out once
PENDING_MAX: Final = 100_000  # withdrawals
# Of the keys of what a configuration credits, each once for ever. No client can use one: `:` is not allowed.
SEED_PREFIX: Final = "config:"
PENDING: Final = WithdrawalStatus.PENDING

Keyed = Deposit | RequestWithdrawal | TransferFunds | ResetUser
TreasuryOutcome = list[Event] | Rejected | Duplicate | None


class Treasury:
    """Moves money on the ledger. `keys_max` bounds what is remembered."""

    def __init__(self, ledger: Ledger, keys_max: int = KEYS_MAX) -> None:
        self._ledger = ledger
        self._keys_max = keys_max
        self._seeds: dict[str, Deposit] = {}
        self._recent: OrderedDict[str, Keyed] = OrderedDict()
        self._withdrawals: dict[str, Withdrawal] = {}  # that are pending, or whose key is remembered
        self._pending = 0
        self._locked: dict[tuple[str, str], int] = {}  # by pending withdrawals

    # --- keys

    def has_key(self, key: str) -> bool:
        """Whether something was carried out under the key, among those remembered."""
        return key in self._seeds or key in self._recent or key in self._withdrawals

    def withdrawal(self, key: str) -> Withdrawal | None:
        """The withdrawal of that key, if it is pending or its key is remembered."""
        return self._withdrawals.get(key)

    def remember(self, command: Keyed) -> None:
        """A command was carried out, after those remembered before."""
        if isinstance(command, Deposit) and command.key.startswith(SEED_PREFIX):
            self._seeds[command.key] = command
            return
        self._recent[command.key] = command
        if len(self._recent) > self._keys_max:
            key, _ = self._recent.popitem(last=False)
            found = self._withdrawals.get(key)
            if found is not None and found.status is not PENDING:
                del self._withdrawals[key]

    def seen_before(self, command: Keyed) -> Rejected | Duplicate | None:
        """A retry is known by its key; something else under the same key is refused."""
        before = self._seeds.get(command.key) or self._recent.get(command.key)
        if before is None and (pending := self._withdrawals.get(command.key)) is not None:
            before = RequestWithdrawal(pending.user_id, pending.asset, pending.amount_minor, pending.key)
        if before is None:
            return None
        return Duplicate(None) if before == command else Rejected(RejectReason.KEY_CONFLICT)

    # --- the state

    def recent(self) -> list[Keyed]:
        """What is remembered: what a configuration credited, then the last others, oldest first."""
        return [*self._seeds.values(), *self._recent.values()]

    def withdrawals(self) -> list[Withdrawal]:
        """The withdrawals that are pending or whose key is remembered, oldest first."""
        return sorted(self._withdrawals.values(), key=lambda found: found.sequence)

    def restore(self, recent: list[Keyed], withdrawals: list[Withdrawal]) -> None:
        """Go on from what was remembered; what withdrawals have locked is locked already."""
        for command in recent:
            self.remember(command)
        for found in withdrawals:
            self._withdrawals[found.key] = found
            if found.status is PENDING:
                self._count(found, 1)

    def locked_minor(self) -> dict[tuple[str, str], int]:
        """What pending withdrawals have locked, by user and asset."""
        return {account: amount_minor for account, amount_minor in self._locked.items() if amount_minor}

    def _count(self, found: Withdrawal, change: int) -> None:
        """A withdrawal has become pending (1), or is no longer (-1)."""
        account = (found.user_id, found.asset)
        self._pending += change
        self._locked[account] = self._locked.get(account, 0) + change * found.amount_minor

    # --- commands

    def deposit(self, command: Deposit, sequence: int) -> TreasuryOutcome:
        """Credit a user from outside, and add the user if need be."""
        assert command.user_id not in HOUSE
        if seen := self.seen_before(command):
            return seen
        if not self._may_come_in(command):
            return Rejected(RejectReason.OUT_OF_RANGE)
        return self.credit(command, sequence)

    def credits(self, command: CreateUser) -> list[Deposit] | Rejected:
        """The deposits of a new user's balances that were not carried out before, or why one of them may not be."""
        due = []
        for asset, amount_minor in command.balances:
            # No client can give a deposit such a key: `:` is not allowed.
            key = f"user:{command.user_id}:{asset}"
            deposit = Deposit(command.user_id, asset, amount_minor, key)
            seen = self.seen_before(deposit)
            if isinstance(seen, Rejected):
                return seen
            if seen is None and not self._may_come_in(deposit):
                return Rejected(RejectReason.OUT_OF_RANGE)
            if seen is None:
                due.append(deposit)
        return due

    def credit(self, command: Deposit, sequence: int) -> list[Event]:
        """Carry out a deposit that is not refused."""
        events: list[Event] = []
        if not self._ledger.has_user(command.user_id):
            self._ledger.add_user(command.user_id)
            events.append(UserAdded(command.user_id))
        self.remember(command)
        detail = amount_of(command.amount_minor, command.asset)
        events.append(_moved(TransferKind.DEPOSIT, EXTERNAL, command.user_id, command))
        events += _audited("deposit", command.user_id, detail, command.origin)
        for account in self._ledger.deposit(command.user_id, command.asset, command.amount_minor):
            events.append(account.captured(sequence))
        return events

    def request(self, command: RequestWithdrawal, sequence: int, now_ns: int) -> TreasuryOutcome:
        """Lock what is to be withdrawn."""
        if seen := self.seen_before(command):
            return seen
        if refused := self._refusal(command.user_id, command.asset, command.amount_minor):
            return refused
        if self._pending >= PENDING_MAX:
            return Rejected(RejectReason.TOO_MANY_WITHDRAWALS)

        # Past this line the withdrawal is pending.
        account = self._ledger.account(command.user_id, command.asset)
        account.lock(command.amount_minor)
        self.remember(command)
        found = Withdrawal(
            *(sequence, command.key, command.user_id, command.asset, command.amount_minor, PENDING, now_ns)
        )
        self._withdrawals[command.key] = found
        self._count(found, 1)
        detail = f"{command.key} {amount_of(command.amount_minor, command.asset)}"
        return [
            WithdrawalChanged(found),
            *_audited("request_withdrawal", command.user_id, detail, command.origin),
            account.captured(sequence),
        ]

    def end(self, command: EndWithdrawal, sequence: int, now_ns: int) -> TreasuryOutcome:
        """Settle or release a withdrawal that is pending."""
        found = self._withdrawals.get(command.key)
        if found is None:
            return Rejected(RejectReason.UNKNOWN_WITHDRAWAL)
        wanted = command.status
        if found.status is wanted:
            return None
        if found.status is not PENDING:
            return Rejected(RejectReason.WITHDRAWAL_ENDED)

        # Past this line the withdrawal ends.
        ended = replace(found, status=wanted, ended_ns=now_ns)
        if command.key in self._recent:
            self._withdrawals[command.key] = ended
        else:
            del self._withdrawals[command.key]
        self._count(found, -1)
        account = self._ledger.account(found.user_id, found.asset)
        action = "settle_withdrawal" if command.settles else "release_withdrawal"
        detail = f"{command.key} {amount_of(found.amount_minor, found.asset)}"
        events: list[Event] = [
            WithdrawalChanged(ended),
            *_audited(action, found.user_id, detail, command.origin),
        ]
        account.release(found.amount_minor)
        if command.settles:
            events.append(_moved(TransferKind.WITHDRAWAL, found.user_id, EXTERNAL, found))
            events += self._move(account, self._ledger.account(EXTERNAL, found.asset), found.amount_minor, sequence)
        else:
            events.append(account.captured(sequence))
        return events

    def transfer(self, command: TransferFunds, sequence: int) -> TreasuryOutcome:
        """Move an amount between two users, or from the fees to one."""
        if seen := self.seen_before(command):
            return seen
        if not self._ledger.has_user(command.to_user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        if refused := self._refusal(command.from_user_id, command.asset, command.amount_minor):
            return refused
        if command.from_user_id == command.to_user_id:
            return Rejected(RejectReason.OUT_OF_RANGE)

        # Past this line the transfer must succeed.
        self.remember(command)
        gives = self._ledger.account(command.from_user_id, command.asset)
        gets = self._ledger.account(command.to_user_id, command.asset)
        amount = amount_of(command.amount_minor, command.asset)
        detail = f"{amount} from {command.from_user_id}"
        return [
            _moved(TransferKind.TRANSFER, command.from_user_id, command.to_user_id, command),
            *_audited("transfer", command.to_user_id, detail, command.origin),
            *self._move(gives, gets, command.amount_minor, sequence),
        ]

    def refuses_reset(self, command: ResetUser) -> Rejected | Duplicate | None:
        """Why a user may not be reset, also for what all orders of theirs have locked."""
        if seen := self.seen_before(command):
            return seen
        if not self._ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        for asset, amount_minor in command.balances:
            account = self._ledger.account(command.user_id, asset)
            has_minor = account.available + account.locked - self._locked.get((command.user_id, asset), 0)
            if not 0 <= amount_minor < AMOUNT_MAX - self._ledger.supply_minor(asset) + has_minor:
                return Rejected(RejectReason.OUT_OF_RANGE)
        return None

    def reset(self, command: ResetUser, touched: dict[str, None], sequence: int) -> list[Event]:
        """Set what is available to a user without open orders. `touched`: the assets that the cancels have changed."""
        self.remember(command)
        wanted = dict(command.balances)
        told: list[Event] = []
        moved: list[Event] = []
        assets = dict.fromkeys([*wanted, *(account.asset for account in self._ledger.accounts_of(command.user_id))])
        for asset in sorted(assets):
            account, external = self._ledger.account(command.user_id, asset), self._ledger.account(EXTERNAL, asset)
            change_minor = wanted.get(asset, 0) - account.available
            account.available += change_minor
            external.available -= change_minor
            if change_minor > 0:
                move = (EXTERNAL, command.user_id, asset, change_minor, command.key)
                moved.append(Transferred(TransferKind.RESET, *move))
            elif change_minor < 0:
                move = (command.user_id, EXTERNAL, asset, -change_minor, command.key)
                moved.append(Transferred(TransferKind.RESET, *move))
            if change_minor:
                told.append(external.captured(sequence))
            if change_minor or asset in touched:
                told.append(account.captured(sequence))
        detail = " ".join((command.key, *(amount_of(amount, asset) for asset, amount in command.balances)))
        return [
            UserReset(command.user_id, command.balances, command.key),
            *moved,
            *_audited("reset", command.user_id, detail, command.origin),
            *told,
        ]

    def _may_come_in(self, command: Deposit) -> bool:
        """What came in of an asset bounds what any account, lock or notional can ever be."""
        return 0 < command.amount_minor < AMOUNT_MAX - self._ledger.supply_minor(command.asset)

    def _refusal(self, user_id: str, asset: str, amount_minor: int) -> Rejected | None:
        """Why an account may not give so much."""
        if user_id != FEES and not self._ledger.has_user(user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        if not 0 < amount_minor < AMOUNT_MAX:
            return Rejected(RejectReason.OUT_OF_RANGE)
        if amount_minor > self._ledger.account(user_id, asset).available:
            return Rejected(RejectReason.INSUFFICIENT_BALANCE)
        return None

    @staticmethod
    def _move(gives: Account, gets: Account, amount_minor: int, sequence: int) -> list[Event]:
        gives.available -= amount_minor
        gets.available += amount_minor
        return [gives.captured(sequence), gets.captured(sequence)]


def _moved(kind: TransferKind, gives: str, gets: str, what: Deposit | Withdrawal | TransferFunds) -> Transferred:
    return Transferred(kind, gives, gets, what.asset, what.amount_minor, what.key)


def amount_of(amount_minor: int, asset: str) -> str:
    """An amount as the audit has it."""
    return f"{amount_minor} minor units of {asset}"


def _audited(action: str, user_id: str, detail: str, origin: Origin | None) -> list[Event]:
    return [] if origin is None else [Administered(action, user_id, detail, origin)]
