"""The ledger: every user's money, in minor units, as double entry.

Each account has an available and a locked part. Whatever one account gains another loses: deposits come out of the
asset's external account (which is therefore negative), fees go to its fee account, so all accounts of an asset sum to
zero at any time. What is locked is exactly what the user's open orders still need.

Whoever moves money here has already made sure that it is there; an account that would go below zero is a bug.
"""

from collections.abc import Iterator
from typing import Final

from exchange.core.events import BalanceChanged

EXTERNAL: Final = "@external"  # no user can have these names: `@` is not allowed in one
FEES: Final = "@fees"
HOUSE: Final = (EXTERNAL, FEES)


class User:
    """One user, or one of the house's names: their accounts, and how many events their private channels have had."""

    __slots__ = (
        *("accounts", "balances_changed_at", "balances_sequence", "is_house", "lists_sequence", "orders_sequence"),
        "tier",
        "user_id",
    )

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.is_house = user_id in HOUSE
        self.tier: str | None = None  # of fees
        self.accounts: dict[str, Account] = {}
        self.orders_sequence = 0  # one a step of an order
        self.lists_sequence = 0  # one a command that changed a list, for each
        self.balances_sequence = 0  # one a command that changed any of the accounts
        self.balances_changed_at = 0  # the sequence of the last such command


class Account:
    """One user's money in one asset. `used`: it has held something once, and so it exists for the outside.

    `touched_sequence` is the sequence of the last command that touched it: each command tells of an account once.
    """

    __slots__ = ("asset", "available", "locked", "touched_sequence", "used", "user")

    def __init__(self, user: User, asset: str) -> None:
        self.user = user
        self.asset = asset
        self.available = 0
        self.locked = 0
        self.used = False
        self.touched_sequence = 0

    def captured(self, sequence: int) -> BalanceChanged:
        """What the account holds after the command of that sequence."""
        self.used = True
        user = self.user
        if user.balances_changed_at != sequence:
            user.balances_changed_at = sequence
            user.balances_sequence += 1
        return BalanceChanged(
            user.user_id, self.asset, self.available, self.locked, user.balances_sequence, user.orders_sequence
        )

    def as_read(self) -> BalanceChanged:
        """What the account holds now."""
        user = self.user
        return BalanceChanged(
            user.user_id, self.asset, self.available, self.locked, user.balances_sequence, user.orders_sequence
        )

    def lock(self, amount_minor: int) -> None:
        """Set money aside for an order."""
        assert 0 <= amount_minor <= self.available
        self.available -= amount_minor
        self.locked += amount_minor

    def release(self, amount_minor: int) -> None:
        """Give back what an order no longer needs."""
        assert 0 <= amount_minor <= self.locked
        self.locked -= amount_minor
        self.available += amount_minor


class Ledger:
    """All accounts, by user and asset."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {name: User(name) for name in HOUSE}

    def add_user(self, user_id: str) -> User:
        """Add the user, with no balance, unless the user is known."""
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = User(user_id)
        return user

    def has_user(self, user_id: str) -> bool:
        """Whether the user is known; the house's own accounts are no users."""
        user = self._users.get(user_id)
        return user is not None and not user.is_house

    def known(self, user_id: str) -> str | None:
        """The name of a known user, as the ledger has it: to look things up by this object, none must be compared."""
        user = self._users.get(user_id)
        return None if user is None or user.is_house else user.user_id

    def user(self, user_id: str) -> User:
        """A known user."""
        return self._users[user_id]

    def users(self) -> Iterator[str]:
        """Every user, in the order they became known."""
        return (user_id for user_id in self._users if user_id not in HOUSE)

    def list_counts(self) -> Iterator[tuple[str, int]]:
        """Every user who ever had a list of orders, with the count of the events of their lists."""
        return ((user.user_id, user.lists_sequence) for user in self._users.values() if user.lists_sequence)

    def accounts(self) -> Iterator[Account]:
        """Every account that has held something, the house's included."""
        for user in self._users.values():
            yield from (account for account in user.accounts.values() if account.used)

    def accounts_of(self, user_id: str) -> list[Account]:
        """The accounts of a known user: every asset the user ever had."""
        return [account for account in self._users[user_id].accounts.values() if account.used]

    def account(self, user_id: str, asset: str) -> Account:
        """The account, opened empty when it is not there yet."""
        user = self._users[user_id]
        account = user.accounts.get(asset)
        if account is None:
            account = user.accounts[asset] = Account(user, asset)
        return account

    def restore(self, stored: BalanceChanged) -> None:
        """Put an account back as it was stored. A user's counts are the highest that any account was stored with."""
        user = self.add_user(stored.user_id)
        account = self.account(stored.user_id, stored.asset)
        account.available, account.locked, account.used = stored.available_minor, stored.locked_minor, True
        user.balances_sequence = max(user.balances_sequence, stored.balances_sequence)
        user.orders_sequence = max(user.orders_sequence, stored.orders_sequence)

    def supply_minor(self, asset: str) -> int:
        """How much of the asset has come in and not gone out."""
        return -self.account(EXTERNAL, asset).available

    def deposit(self, user_id: str, asset: str, amount_minor: int) -> tuple[Account, Account]:
        """Credit a user from outside; returns both sides."""
        assert amount_minor > 0
        external, account = self.account(EXTERNAL, asset), self.account(user_id, asset)
        external.available -= amount_minor
        account.available += amount_minor
        return external, account

    def check(self) -> None:
        """Assert that each asset sums to zero and that no account is below zero."""
        total: dict[str, int] = {}
        for account in (account for user in self._users.values() for account in user.accounts.values()):
            total[account.asset] = total.get(account.asset, 0) + account.available + account.locked
            assert account.locked >= 0, (account.user.user_id, account.asset)
            assert account.available >= 0 or account.user.user_id == EXTERNAL, (account.user.user_id, account.asset)
        for asset, sum_minor in total.items():
            assert sum_minor == 0, (asset, sum_minor)
