"""The ledger: every user's money, in minor units, as double entry.

Each account has an available and a locked part. Whatever one account gains another loses: deposits come out of the
asset's external account (which is therefore negative), fees go to its fee account, so all accounts of an asset sum to
zero at any time. What is locked is exactly what the user's open orders still need.

Whoever moves money here has already made sure that it is there; an account that would go below zero is a bug.
"""

from collections.abc import Iterator

EXTERNAL = "@external"  # no user can have these names: `@` is not allowed in one
FEES = "@fees"
HOUSE = (EXTERNAL, FEES)


class Account:
    """One user's money in one asset. `used`: it has held something once, and so it exists for the outside."""

    __slots__ = ("asset", "available", "locked", "used", "user_id")

    def __init__(self, user_id: str, asset: str, available: int = 0, locked: int = 0) -> None:
        self.user_id = user_id
        self.asset = asset
        self.available = available
        self.locked = locked
        self.used = False

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
        self._accounts: dict[str, dict[str, Account]] = {EXTERNAL: {}, FEES: {}}

    def add_user(self, user_id: str) -> None:
        """Make the user known; they own nothing yet."""
        self._accounts.setdefault(user_id, {})

    def has_user(self, user_id: str) -> bool:
        """Whether the user is known; the house's own accounts are no users."""
        return user_id in self._accounts and user_id not in HOUSE

    def users(self) -> Iterator[str]:
        """Every user, in the order they became known."""
        return (user_id for user_id in self._accounts if user_id not in HOUSE)

    def accounts(self) -> Iterator[Account]:
        """Every account, the house's included."""
        for owned in self._accounts.values():
            yield from (account for account in owned.values() if account.used)

    def accounts_of(self, user_id: str) -> list[Account]:
        """The accounts of a known user: every asset the user ever had."""
        return [account for account in self._accounts[user_id].values() if account.used]

    def account(self, user_id: str, asset: str) -> Account:
        """The account, opened empty when it is not there yet."""
        owned = self._accounts[user_id]
        account = owned.get(asset)
        if account is None:
            account = owned[asset] = Account(user_id, asset)
        return account

    def restore(self, user_id: str, asset: str, available_minor: int, locked_minor: int) -> None:
        """Put an account back as it was stored."""
        self.add_user(user_id)
        account = self.account(user_id, asset)
        account.available, account.locked, account.used = available_minor, locked_minor, True

    def supply_minor(self, asset: str) -> int:
        """How much of the asset has come in and not gone out."""
        return -self.account(EXTERNAL, asset).available

    def deposit(self, user_id: str, asset: str, amount_minor: int) -> tuple[Account, Account]:
        """Credit a user from outside; returns both sides."""
        assert amount_minor > 0
        external, account = self.account(EXTERNAL, asset), self.account(user_id, asset)
        external.available -= amount_minor
        account.available += amount_minor
        external.used = account.used = True
        return external, account

    def check(self) -> None:
        """Assert that each asset sums to zero and that nobody owes."""
        total: dict[str, int] = {}
        for account in (account for owned in self._accounts.values() for account in owned.values()):
            total[account.asset] = total.get(account.asset, 0) + account.available + account.locked
            assert account.locked >= 0, (account.user_id, account.asset)
            assert account.available >= 0 or account.user_id == EXTERNAL, (account.user_id, account.asset)
        for asset, sum_minor in total.items():
            assert sum_minor == 0, (asset, sum_minor)
