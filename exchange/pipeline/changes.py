"""What a run of commands changes in the query tables: the last state of each changed row, once."""

from typing import Any, Final

from exchange.core.administration import (
    Administered,
    ApiKey,
    KeyCreated,
    KeyRevoked,
    SetTierFees,
    UserStatusSet,
    UserTierSet,
)
from exchange.core.amendments import Amended
from exchange.core.commands import SetMarket
from exchange.core.events import (
    AssetAdded,
    BalanceChanged,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderUpdated,
    PreventedMatch,
    TimePassed,
    Trade,
    UpdateReason,
    UserAdded,
)
from exchange.core.instrument import Asset
from exchange.core.list_events import ListUpdated
from exchange.core.money import Transferred, UserReset, Withdrawal, WithdrawalChanged
from exchange.core.outcome import Applied
from exchange.core.timers import TimerSet
from exchange.core.venue_filters import VENUE_FILTERS, VenueFiltersSet
from exchange.pipeline.commits import Batch

Audited = tuple[int, int, Administered]  # with its sequence and time_ns
KeyChange = tuple[ApiKey, int | None]  # with the time_ns of its end, if it is revoked
Transfer = tuple[int, int, Transferred]  # with its sequence and time_ns
Reset = tuple[int, int, UserReset]  # with its sequence and time_ns
ACCEPTED: Final = UpdateReason.ACCEPTED


class Changes:
    """The changes of the commands after `from_sequence` that were added.

    Events are folded when they are added, and only what will be a row is kept. Ids grow, so the orders from
    `first_order_id` on are new, and those before it have a row already. A market's rules stand apart from all else
    (`fits`), since one statement cannot write its row twice.
    """

    __slots__ = (
        "_last_order_id",
        "_last_priority",
        "accounts",
        "amendments",
        "assets",
        "audited",
        "commands",
        "filters",
        "first_order_id",
        "from_sequence",
        "instruments",
        "keys",
        "lists",
        "markets",
        "orders",
        "prevented",
        "resets",
        "time_ns",
        "timers",
        "trades",
        "transfers",
        "user_tiers",
        "users",
        "withdrawals",
    )

    def __init__(self, from_sequence: int) -> None:
        self.from_sequence = from_sequence
        self.commands = 0
        self.time_ns = 0
        self.first_order_id = 0  # of those that were accepted; 0 if none was
        self._last_order_id = 0
        self._last_priority = 0
        self.orders: dict[int, OrderUpdated] = {}
        self.accounts: dict[str, dict[str, BalanceChanged]] = {}  # by asset and user
        self.trades: list[Trade] = []
        self.prevented: list[PreventedMatch] = []
        self.amendments: list[Amended] = []
        self.markets: dict[str, MarketChanged] = {}
        self.transfers: list[Transfer] = []
        self.withdrawals: dict[int, Withdrawal] = {}  # by the sequence of their request
        self.resets: list[Reset] = []
        self.timers: dict[tuple[str, str | None], TimerSet] = {}
        self.lists: dict[int, ListUpdated] = {}
        self.users: dict[str, bool] = {}  # and whether they are disabled
        self.filters: VenueFiltersSet | None = None
        self.user_tiers: dict[str, str | None] = {}
        self.keys: dict[str, KeyChange] = {}
        self.audited: list[Audited] = []
        self.assets: list[Asset] = []
        self.instruments: dict[str, MarketSet] = {}

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

    def last_given(self) -> tuple[int, int]:
        """The largest order id and the largest priority that were given; 0 if none was."""
        return self._last_order_id, self._last_priority

    @property
    def rows(self) -> int:
        """How many orders, trades, prevented matches and amendments will be written; other kinds have fewer rows."""
        return len(self.orders) + len(self.trades) + len(self.prevented) + len(self.amendments)

    def list_counts(self) -> list[tuple[str, int]]:
        """The users whose lists have changed, and how many events these had."""
        counts: dict[str, int] = {}
        for found in self.lists.values():
            user_id = found.placed.user_id
            counts[user_id] = max(counts.get(user_id, 0), found.lists_sequence)
        return list(counts.items())

    def filter_bounds(self) -> list[tuple[str, int, bool]]:
        """The filters of the venue, if they have changed, each with whether a call has set them."""
        found = self.filters
        if found is None:
            return []
        return [(name, getattr(found.filters, name), found.by_call) for name in VENUE_FILTERS]

    def fits(self, applied: Applied) -> bool:
        """Whether the command may join these changes."""
        return not self.commands or isinstance(applied.command, SetMarket | SetTierFees) == bool(self.instruments)

    def add(self, applied: Applied) -> None:
        """Add the next command."""
        self.commands += 1
        self.time_ns = applied.time_ns
        assert applied.sequence == self.to_sequence
        for event in applied.events:
            if isinstance(event, OrderUpdated):
                self.orders[event.order_id] = event
                if event.priority > self._last_priority:
                    self._last_priority = event.priority
                if event.reason is ACCEPTED:
                    self._last_order_id = event.order_id
                    if not self.first_order_id:
                        self.first_order_id = event.order_id
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
            case PreventedMatch():
                self.prevented.append(event)
            case Amended():
                self.amendments.append(event)
            case Transferred():
                self.transfers.append((applied.sequence, applied.time_ns, event))
            case ListUpdated():
                self.lists[event.list_id] = event
            case WithdrawalChanged(withdrawal):
                self.withdrawals[withdrawal.sequence] = withdrawal
            case UserReset():
                self.resets.append((applied.sequence, applied.time_ns, event))
            case TimerSet():
                self.timers[event.user_id, event.market] = event
            case UserAdded():
                self.users[event.user_id] = False
            case UserStatusSet():
                self.users[event.user_id] = event.disabled
            case UserTierSet():
                self.user_tiers[event.user_id] = event.tier
            case VenueFiltersSet():
                self.filters = event
            case KeyCreated():
                self.keys[event.key.api_key] = event.key, None
            case KeyRevoked():
                self.keys[event.key.api_key] = event.key, applied.time_ns
            case Administered():
                self.audited.append((applied.sequence, applied.time_ns, event))
            case AssetAdded():
                self.assets.append(event.asset)
            case MarketSet():
                self.instruments[event.instrument.symbol] = event
            case TimePassed():
                pass  # the time of the last command is stored
            case _:
                raise AssertionError(event)
