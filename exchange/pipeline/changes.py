"""What a run of commands changes in the query tables: the last state of each changed row, once."""

from typing import Any

from exchange.core.commands import SetMarket
from exchange.core.events import (
    AssetAdded,
    BalanceChanged,
    Deposited,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderUpdated,
    TimePassed,
    Trade,
    UserAdded,
)
from exchange.core.instrument import Asset, Instrument
from exchange.pipeline.commits import Applied, Batch

Transfer = tuple[int, int, Deposited]  # with its sequence and time_ns


class Changes:
    """The changes of the commands after `from_sequence` that were added.

    Events are folded when they are added, and only what becomes a row is kept. A change of a market's rules is never
    together with other commands (`fits`), because one statement cannot write the market's row twice.
    """

    __slots__ = (
        "accounts",
        "assets",
        "commands",
        "from_sequence",
        "instruments",
        "markets",
        "orders",
        "time_ns",
        "trades",
        "transfers",
        "users",
    )

    def __init__(self, from_sequence: int) -> None:
        self.from_sequence = from_sequence
        self.commands = 0
        self.time_ns = 0
        self.orders: dict[int, OrderUpdated] = {}
        self.accounts: dict[str, dict[str, BalanceChanged]] = {}  # by asset and user
        self.trades: list[Trade] = []
        self.markets: dict[str, MarketChanged] = {}
        self.transfers: list[Transfer] = []
        self.users: list[str] = []
        self.assets: list[Asset] = []
        self.instruments: dict[str, Instrument] = {}

    @classmethod
    def of(cls, batch: Batch) -> "Changes":
        """The changes of a batch whose commands all fit together."""
        changes = cls(batch.from_sequence)
        for applied in batch.applied:
            changes.add(applied)
        return changes

    @property
    def to_sequence(self) -> int:
        """The last command's sequence."""
        return self.from_sequence + self.commands

    @property
    def rows(self) -> int:
        """How many orders and trades will be written; every other kind has fewer rows."""
        return len(self.orders) + len(self.trades)

    def fits(self, applied: Applied) -> bool:
        """Whether the command may join these changes."""
        return not self.commands or isinstance(applied.command, SetMarket) == bool(self.instruments)

    def add(self, applied: Applied) -> None:
        """Add the next command."""
        self.commands += 1
        self.time_ns = applied.time_ns
        assert applied.sequence == self.to_sequence
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                self.orders[event.order_id] = event
            elif isinstance(event, BalanceChanged):
                of_asset = self.accounts.get(event.asset)
                if of_asset is None:
                    of_asset = self.accounts[event.asset] = {}
                of_asset[event.user_id] = event
            elif isinstance(event, Trade):
                self.trades.append(event)
            elif isinstance(event, MarketChanged):
                self.markets[event.market] = event
            elif not isinstance(event, LevelChanged):
                self._add_rare(applied, event)

    def _add_rare(self, applied: Applied, event: Any) -> None:
        match event:
            case Deposited():
                self.transfers.append((applied.sequence, applied.time_ns, event))
            case UserAdded():
                self.users.append(event.user_id)
            case AssetAdded():
                self.assets.append(event.asset)
            case MarketSet():
                self.instruments[event.instrument.symbol] = event.instrument
            case TimePassed():
                pass  # the time of the last command is stored
            case _:
                raise AssertionError(event)
