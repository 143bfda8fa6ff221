"""What survives a crash: the journal of commands, and behind it the tables, made of the changes alone.

Beside each a shadow venue replays the commands; it must always tell the same state.
"""

from dataclasses import replace
from typing import Protocol

from exchange.core.amendments import Amended
from exchange.core.candles import candles_of
from exchange.core.client_ids import as_placed
from exchange.core.commands import Deposit, PlaceOrder
from exchange.core.events import INTERVALS_S, BalanceChanged, OrderStatus, OrderUpdated, PreventedMatch, Trade
from exchange.core.instrument import Asset
from exchange.core.list_events import ListUpdated
from exchange.core.money import RequestWithdrawal, ResetUser, TransferFunds, TransferKind, Withdrawal
from exchange.core.outcome import Applied
from exchange.core.state import ListState, MarketState, OpenOrder, VenueState
from exchange.core.timers import Timer, TimerSet
from exchange.core.treasury import Keyed
from exchange.core.venue import RULES_VERSION, Venue
from exchange.core.venue_filters import VenueFilters
from exchange.pipeline.changes import Audited, Changes, KeyChange
from exchange.pipeline.commits import Batch, Journaled, Stored
from exchange.runtime.app import StoredCandle
from tests.copied import copied

OPEN = (OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


class Place(Protocol[Stored]):
    """Where things are stored, one after the other, beside a shadow venue that is told the commands alone."""

    name: str
    sequence: int

    def store(self, stored: Stored) -> None:
        """Take it in, whole."""


class Journal:
    """The commands."""

    name = "journal"

    def __init__(self) -> None:
        self.sequence = 0
        self.shadow = Venue()
        self._commands: list[Journaled] = []

    def store(self, stored: Batch) -> None:
        """Take a batch in, whole."""
        assert stored.from_sequence == self.sequence, "another batch was here"
        for applied in stored.applied:
            assert applied.sequence == self.sequence + 1
            again = self.shadow.apply(applied.command, applied.sequence, applied.time_ns)
            assert isinstance(again, Applied)
            assert again.events == applied.events, "the commands tell another story than the events"
            self.sequence = applied.sequence
            self._commands.append(Journaled(applied.sequence, applied.time_ns, applied.command, RULES_VERSION))

    def after(self, sequence: int) -> list[Journaled]:
        """The commands beyond a sequence."""
        return self._commands[sequence:]


class Disk:
    """Both, and whose they are."""

    def __init__(self) -> None:
        self.epoch = 0  # of the process that may write
        self.journal = Journal()
        self.tables = Tables(self.journal)


class Tables:
    """The rows."""

    name = "tables"

    def __init__(self, journal: Journal) -> None:
        self.sequence = 0
        self.shadow = Venue()
        self._journal = journal
        self.time_ns = 0
        self.last_order_id = self.last_priority = 0
        self.assets: dict[str, Asset] = {}
        self.users: dict[str, bool] = {}  # and whether they are disabled
        self.user_tiers: dict[str, str | None] = {}
        self.bounds: dict[str, tuple[int, bool]] = {}  # the filters of the venue, and whether a call has set them
        self.keys: dict[str, KeyChange] = {}
        self.audited: list[Audited] = []
        self.markets: dict[str, MarketState] = {}
        self.accounts: dict[tuple[str, str], BalanceChanged] = {}
        self.orders: dict[int, OrderUpdated] = {}  # the last word on each
        self.accepted: list[tuple[int, PlaceOrder]] = []
        self.trades: list[Trade] = []
        self.prevented: list[PreventedMatch] = []
        self.amendments: list[Amended] = []
        self.lists: dict[int, ListUpdated] = {}  # the last word on each
        self.list_counts: dict[str, int] = {}
        self.recent_keys: list[tuple[int, Keyed]] = []  # with their sequence
        self.withdrawals: dict[int, Withdrawal] = {}
        self.timers: dict[tuple[str, str | None], TimerSet] = {}

    def store(self, stored: Changes) -> None:
        """Take changes in, whole."""
        assert stored.from_sequence == self.sequence, "other changes were here"
        assert not stored.instruments.keys() & stored.markets.keys(), "a market's row would be written twice"
        for sequence, time_ns, command, _ in self._journal.after(self.sequence)[: stored.commands]:
            self.shadow.apply(command, sequence, time_ns)
            self.sequence, self.time_ns = sequence, time_ns
        assert (self.sequence, self.time_ns) == (stored.to_sequence, stored.time_ns), "the journal is not there yet"
        self.assets |= {asset.symbol: asset for asset in stored.assets}
        self._store_users(stored)
        for asset, accounts in stored.accounts.items():
            self.accounts |= {(user_id, asset): account for user_id, account in accounts.items()}
        self.accepted += [
            (order.order_id, as_placed(order.terms, order.progress))
            for order in stored.orders.values()
            if order.order_id not in self.orders
        ]
        known = max(self.orders, default=0)
        assert not stored.first_order_id or stored.first_order_id > known, "an order is new that has a row"
        self.orders |= stored.orders
        last_order_id, last_priority = stored.last_given()
        self.last_order_id = max(self.last_order_id, last_order_id)
        self.last_priority = max(self.last_priority, last_priority)
        self.trades += stored.trades
        self.prevented += stored.prevented
        self.amendments += stored.amendments
        self.lists |= stored.lists
        self.list_counts |= dict(stored.list_counts())
        for symbol, change in stored.instruments.items():
            state = self.markets.setdefault(symbol, MarketState(change.instrument))
            state.instrument, state.by_call = change.instrument, change.by_call
        for symbol, changed in stored.markets.items():
            self.markets[symbol] = MarketState(
                replace(self.markets[symbol].instrument, status=changed.status),
                changed.book_sequence,
                changed.depth_sequence,
                changed.best_sequence,
                changed.trade_sequence,
                changed.last_aggregate_id,
                changed.last_trade_ns,
                changed.candles,
                changed.average,
                changed.last_match_id,
                self.markets[symbol].by_call,
                changed.tracks,
            )
        for sequence, _, moved in stored.transfers:
            content = (moved.to_user_id, moved.asset, moved.amount_minor, moved.key)
            if moved.kind is TransferKind.DEPOSIT:
                self.recent_keys.append((sequence, Deposit(*content)))
            elif moved.kind is TransferKind.TRANSFER:
                self.recent_keys.append((sequence, TransferFunds(moved.from_user_id, *content)))
        for sequence, found in stored.withdrawals.items():
            if sequence not in self.withdrawals:
                request = RequestWithdrawal(found.user_id, found.asset, found.amount_minor, found.key)
                self.recent_keys.append((sequence, request))
            self.withdrawals[sequence] = found
        self.recent_keys += [
            (sequence, ResetUser(done.user_id, done.balances, done.key)) for sequence, _, done in stored.resets
        ]

    def _timers(self) -> list[Timer]:
        timers = [(each.user_id, each.market, each.due_ns) for each in self.timers.values() if each.due_ns is not None]
        return sorted(timers, key=lambda timer: (timer[2], timer[0], timer[1] or ""))

    def _store_users(self, stored: Changes) -> None:
        self.users, self.timers = self.users | stored.users, self.timers | stored.timers
        self.user_tiers |= stored.user_tiers
        self.bounds |= {name: (bound, by_call) for name, bound, by_call in stored.filter_bounds()}
        self.keys |= stored.keys
        self.audited += stored.audited

    def state(self) -> VenueState:
        """What a process that starts now recovers."""
        orders = [order for order in self.orders.values() if order.status in OPEN]
        state = VenueState(
            sequence=self.sequence,
            time_ns=self.time_ns,
            last_order_id=self.last_order_id,
            last_priority=self.last_priority,
            last_trade_id=self.trades[-1].trade_id if self.trades else 0,
            last_match_id=self.prevented[-1].match_id if self.prevented else 0,
            last_amendment_id=self.amendments[-1].amendment_id if self.amendments else 0,
            assets=sorted(self.assets.values(), key=lambda asset: asset.symbol),
            markets=[self.markets[symbol] for symbol in sorted(self.markets)],
            users=sorted(self.users),
            disabled_users=sorted(user for user, disabled in self.users.items() if disabled),
            user_tiers=sorted((user, tier) for user, tier in self.user_tiers.items() if tier is not None),
            keys=[key for _, (key, revoked_ns) in sorted(self.keys.items()) if revoked_ns is None],
            accounts=[self._account(key) for key in sorted(self.accounts)],
            orders=[_open_order(order) for order in sorted(orders, key=lambda order: order.priority)],
            recent_client_orders=[(at, terms) for at, terms in self.accepted if terms.client_order_id is not None],
            recent_keys=[command for _, command in sorted(self.recent_keys, key=lambda found: found[0])],
            withdrawals=[found for _, found in sorted(self.withdrawals.items())],
            recent_reductions=[amended for amended in self.amendments if amended.key is not None],
            timers=self._timers(),
            last_list_id=max(self.lists, default=0),
            lists=[_open_list(found) for _, found in sorted(self.lists.items()) if not found.done],
            recent_client_lists=[(list_id, found.placed) for list_id, found in sorted(self.lists.items())],
            list_counts=sorted(self.list_counts.items()),
            filters=VenueFilters(**{name: bound for name, (bound, _) in self.bounds.items()}),
            filters_by_call=any(by_call for _, by_call in self.bounds.values()),
        )
        assert state == self.shadow.state(), "the rows are not what the journal makes"
        return copied(state)

    def _account(self, key: tuple[str, str]) -> BalanceChanged:
        """The account, with its user's counts: the highest that any account of theirs was stored with."""
        theirs = [account for account in self.accounts.values() if account.user_id == key[0]]
        account = self.accounts[key]
        return BalanceChanged(
            account.user_id,
            account.asset,
            account.available_minor,
            account.locked_minor,
            max(account.balances_sequence for account in theirs),
            max(account.orders_sequence for account in theirs),
        )

    def candles(self, since_s: int) -> list[StoredCandle]:
        """The minutes since then, and the last candle of each market and interval; by market, in order."""
        made = candles_of(self.trades)
        last = {(market, interval_s): open_s for market, interval_s, open_s in made}
        return [
            (market, interval_s, candle)
            for (market, interval_s, open_s), candle in sorted(made.items(), key=lambda item: item[0])
            if (interval_s == INTERVALS_S[0] and open_s >= since_s) or last[market, interval_s] == open_s
        ]


def _open_list(found: ListUpdated) -> ListState:
    return ListState(found.list_id, found.placed, found.legs, found.end, found.created_ns, found.updated_ns)


def _open_order(order: OrderUpdated) -> OpenOrder:
    return OpenOrder(
        order.order_id,
        order.terms,
        order.executed_lots,
        order.executed_quote_minor,
        order.priority,
        order.created_ns,
        order.updated_ns,
        order.rates,
        order.progress,
    )
