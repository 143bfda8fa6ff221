"""The venue: all markets and the one ledger they share, behind `apply`.

`apply` answers Applied, with the events of the command, or says why it changed nothing: Rejected (it may not happen),
Duplicate (it has happened before) or None (it is so already). Only a command that was applied takes a sequence.

RULES_VERSION counts changes of what a command does. The journal keeps the version that a command was applied under, and
`replay` applies it under the rules of that version:

1. The id of an order and its priority are the sequence of its command.
2. Both are counts of their own, which go on from the last numbers of version 1.
3. Fees are fixed in an order when it enters, and trades count in the average price.
4. What self-trade prevention takes off an order is noted in it, and is an event.
5. Orders may wait for a price, and have a time to end; open orders can be amended and replaced.
6. The price of an order may come from the book, and orders may be of a list. Orders end by timers of their users, and
   with the sockets that placed them. Users may have a fee tier, whose rates count instead of their market's. An order
   that waits is judged last by what its user has. Of what a command triggers no more is told than a bound; the rest is
   told by the next commands.
7. A list that is canceled as a whole has ended as canceled. An order that was replaced says so. Orders that follow the
   book do so as well where an order leaves it with its list. An order that takes any price is not amended to one of
   zero.
"""

from dataclasses import replace
from typing import Final

from exchange.core import venue_state
from exchange.core.administration import (
    Administered,
    CreateKey,
    CreateUser,
    Keys,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)
from exchange.core.amend import Amending
from exchange.core.amendments import REDUCTIONS_MAX, AmendOrder
from exchange.core.book import Order
from exchange.core.client_ids import RECENT_MAX, ClientIds
from exchange.core.commands import (
    MARKET_COMMANDS,
    AddAsset,
    AddUser,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    Deposit,
    EndSocket,
    ExpireDue,
    MarketCommand,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceOrder,
    RunTriggered,
    SetMarket,
    SetMarketStatus,
    TimeInForce,
)
from exchange.core.counts import Counts
from exchange.core.events import (
    AssetAdded,
    Duplicate,
    Event,
    ExpireReason,
    MarketSet,
    Rejected,
    RejectReason,
    TimePassed,
    UserAdded,
)
from exchange.core.everywhere import cancel_everywhere, run_timer, set_timer
from exchange.core.fee_tiers import FeeTiers
from exchange.core.full_market import TOLD_MAX
from exchange.core.instrument import Asset
from exchange.core.ledger import HOUSE, Ledger
from exchange.core.list_events import ListChange, ListUpdated
from exchange.core.list_market import ListMarket
from exchange.core.listing import audit_detail, refusal_of_asset, refusal_of_market
from exchange.core.lists import ListIds, OrderList
from exchange.core.money import EndWithdrawal, MoneyCommand, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.open_counts import Everywhere
from exchange.core.outcome import Applied, Outcome
from exchange.core.replace import cancel_refusal, replace_order
from exchange.core.state import MarketState, VenueState
from exchange.core.timers import CancelAllAfter, RunTimer, Timers
from exchange.core.treasury import KEYS_MAX, Treasury
from exchange.core.users import Users
from exchange.core.venue_filters import SetVenueFilters, VenueFiltersSet, differing_filters

RULES_VERSION: Final = 7
RULES_VERSIONS: Final = (1, 2, 3, 4, 5, 6, 7)  # all that `replay` knows
ALL: Final = 2**62

VenueOutcome = list[Event] | Rejected | Duplicate | None


class Venue:
    """Markets, accounts and the counters that give them ids.

    `client_ids_max`, `keys_max` and `reductions_max` bound what is remembered, beside what is open, to recognize a
    retry; `told_max` how much of what trades trigger is told in one command.
    """

    def __init__(
        self,
        *,
        client_ids_max: int = RECENT_MAX,
        keys_max: int = KEYS_MAX,
        reductions_max: int = REDUCTIONS_MAX,
        told_max: int = TOLD_MAX,
    ) -> None:
        self._told_max = told_max
        self.sequence = 0
        self.time_ns = 0
        self.assets: dict[str, Asset] = {}
        self.markets: dict[str, ListMarket] = {}
        self.ledger = Ledger()
        self.client_ids = ClientIds(client_ids_max)
        self.list_ids = ListIds(client_ids_max)
        self.counts = Counts()
        self.everywhere = Everywhere()
        self.keys = Keys()
        self.disabled: dict[str, None] = {}  # users
        self.amending = Amending(self.client_ids, reductions_max)
        self.treasury = Treasury(self.ledger, keys_max)
        self.timers = Timers()
        self.fee_tiers = FeeTiers(self.ledger, self.markets)
        self.users = Users(self.ledger, self.treasury, self.keys, self.disabled, self.markets)

    def apply(self, command: Command, sequence: int, now_ns: int) -> Outcome:
        """Carry out one command, or say why not. `sequence` is the next one, `now_ns` never goes back."""
        assert sequence == self.sequence + 1
        assert now_ns >= self.time_ns
        outcome: Outcome
        if isinstance(command, PlaceOrder):  # this and the next are most; to ask for the whole union costs more
            outcome = self._place(command, sequence, now_ns)
        elif isinstance(command, CancelOrder):
            outcome = self._cancel(command, sequence, now_ns)
        elif isinstance(command, MARKET_COMMANDS):
            outcome = self._apply_to_market(command, sequence, now_ns)
        else:
            events = self._apply_to_venue(command, sequence, now_ns)
            outcome = Applied(sequence, now_ns, command, events) if isinstance(events, list) else events
        if isinstance(outcome, Applied):
            self.sequence = sequence
            self.time_ns = now_ns
        return outcome

    def replay(self, command: Command, sequence: int, now_ns: int, rules_version: int) -> Outcome:
        """Carry out a journaled command under the rules that it was first applied under."""
        assert rules_version in RULES_VERSIONS
        market = self.markets.get(command.market) if isinstance(command, MARKET_COMMANDS) else None
        if market is None or rules_version > 6:
            return self._replay(command, sequence, now_ns, rules_version)
        market.before_7 = True
        if rules_version < 6:
            market.told_max = ALL
        outcome = self._replay(command, sequence, now_ns, rules_version)
        market.told_max, market.before_7 = self._told_max, False
        return outcome

    def _replay(self, command: Command, sequence: int, now_ns: int, rules_version: int) -> Outcome:
        if rules_version == 1 and isinstance(command, PlaceOrder):
            self.counts.last_order_id = sequence - 1
            if command.time_in_force is TimeInForce.GTC:
                self.counts.last_priority = sequence - 1
        if rules_version < 6 and isinstance(command, ReplaceOrder) and command.place.market in self.markets:
            return self._replay_replacement(command, sequence, now_ns)
        market = self.markets.get(command.market) if isinstance(command, PlaceOrder) else None
        if market is None or rules_version > 3:
            return self.apply(command, sequence, now_ns)
        rates = market.rates
        if rules_version < 3:
            market.rates = None
        market.notes_prevented = False
        outcome = self.apply(command, sequence, now_ns)
        market.rates, market.notes_prevented = rates, True
        return outcome

    def _replay_replacement(self, command: ReplaceOrder, sequence: int, now_ns: int) -> Outcome:
        market = self.markets[command.place.market]
        market.money_first = True
        outcome = self.apply(command, sequence, now_ns)
        market.money_first = False
        return outcome

    # --- one market

    def _place(self, command: PlaceOrder, sequence: int, now_ns: int) -> Outcome:
        market = self.markets.get(command.market)
        if market is None:
            return Rejected(RejectReason.UNKNOWN_MARKET)
        # Whoever trades in a market is a known user.
        if not market.has_trader(command.user_id) and not self.ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        seen = self.client_ids.seen_before(command)
        if seen is None and self.disabled and command.user_id in self.disabled:
            return Rejected(RejectReason.USER_DISABLED)
        return seen or market.place(command, sequence, now_ns)

    def _cancel(self, command: CancelOrder, sequence: int, now_ns: int) -> Outcome:
        market = self.markets.get(command.market)
        if market is None:
            return Rejected(RejectReason.UNKNOWN_MARKET)
        order = self._open_order(market, command)
        if order is None and not self.ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        refused = cancel_refusal(command, order, self.counts.last_order_id)
        if refused is not None or order is None:
            return refused
        return market.cancel(command, order, sequence, now_ns)

    def _apply_to_market(self, command: MarketCommand, sequence: int, now_ns: int) -> Outcome:
        market = self.markets.get(command.market)
        if market is None:
            return Rejected(RejectReason.UNKNOWN_MARKET)
        if isinstance(command, SetMarketStatus):
            return market.set_status(command, sequence, now_ns)
        if isinstance(command, RunTriggered):
            return market.run_triggered(command, sequence, now_ns)
        if isinstance(command, ExpireDue):
            return market.expire_due(command, sequence, now_ns)
        if isinstance(command, EndSocket):
            return market.end_socket(command, sequence, now_ns)
        if not self.ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        if isinstance(command, ReplaceOrder):
            return self._replace(market, command, sequence, now_ns)
        if isinstance(command, AmendOrder):
            order = self.find_open(market, command.user_id, command.order_id, command.client_order_id)
            return self.amending.apply(market, command, order, sequence, now_ns)
        if isinstance(command, PlaceList):
            return self._place_list(market, command, sequence, now_ns)
        if isinstance(command, CancelList):
            found = self.find_list(market, command.user_id, command.list_id, command.client_list_id)
            if found is None:
                return Rejected(RejectReason.UNKNOWN_LIST)
            return market.cancel_list(command, found, sequence, now_ns)
        assert isinstance(command, CancelAll)
        return market.cancel_all(command, sequence, now_ns)

    def _place_list(self, market: ListMarket, command: PlaceList, sequence: int, now_ns: int) -> Outcome:
        seen = self.list_ids.seen_before(command)
        if seen is not None:
            return seen
        if any(self.client_ids.seen_before(terms) is not None for terms in command.orders):
            return Rejected(RejectReason.CLIENT_ORDER_ID_CONFLICT)
        if self.disabled and command.user_id in self.disabled:
            return Rejected(RejectReason.USER_DISABLED)
        return market.place_list(command, sequence, now_ns)

    def find_list(
        self, market: ListMarket, user_id: str, list_id: int | None, client_list_id: str | None
    ) -> OrderList | None:
        """The user's own open list in that market, by one of its ids, or by both."""
        if list_id is None:
            assert client_list_id is not None
            found = self.list_ids.open_list(user_id, client_list_id)
            return found if found is not None and found.placed.market == market.instrument.symbol else None
        found = market.lists.get(list_id)
        if found is None or found.placed.user_id != user_id:
            return None
        return found if client_list_id in (None, found.placed.client_list_id) else None

    def lists_of(self, user_id: str) -> list[ListUpdated]:
        """A user's open lists as they are now, oldest first."""
        found = [each for market in self.markets.values() for each in market.lists.values()]
        own = [each.told(ListChange.READ, 0) for each in found if each.placed.user_id == user_id]
        return sorted(own, key=lambda each: each.list_id)

    def _replace(self, market: ListMarket, command: ReplaceOrder, sequence: int, now_ns: int) -> Outcome:
        place, order = command.place, self._open_order(market, command.cancel)
        refused = cancel_refusal(command.cancel, order, self.counts.last_order_id)
        seen = self.client_ids.seen_before(place, order if refused is None else None)
        if seen is None and self.disabled and place.user_id in self.disabled:
            return Rejected(RejectReason.USER_DISABLED)
        return seen or replace_order(market, command, order, sequence, now_ns)

    def would_refuse(self, command: PlaceOrder, now_ns: int) -> Rejected | None:
        """Why the order would be refused now, or None: it changes nothing."""
        market = self.markets.get(command.market)
        if market is None:
            return Rejected(RejectReason.UNKNOWN_MARKET)
        if not self.ledger.has_user(command.user_id):
            return Rejected(RejectReason.UNKNOWN_USER)
        seen = self.client_ids.seen_before(command)
        if seen is not None:
            return seen if isinstance(seen, Rejected) else None
        if command.user_id in self.disabled:
            return Rejected(RejectReason.USER_DISABLED)
        return market.would_refuse(command, now_ns)

    def _open_order(self, market: ListMarket, command: CancelOrder) -> Order | None:
        return self.find_open(market, command.user_id, command.order_id, command.client_order_id)

    def find_open(
        self, market: ListMarket, user_id: str, order_id: int | None, client_order_id: str | None
    ) -> Order | None:
        """The user's own open order in that market, by one of its ids, or by both."""
        if order_id is not None:
            order = market.find(order_id)
            if order is None or order.user_id != user_id:
                return None
            return order if client_order_id in (None, order.terms.client_order_id) else None
        assert client_order_id is not None
        order = self.client_ids.open_order(user_id, client_order_id)
        return order if order is not None and order.terms.market == market.instrument.symbol else None

    # --- the whole venue

    def _apply_to_venue(self, command: Command, sequence: int, now_ns: int) -> VenueOutcome:
        if isinstance(command, Deposit):
            assert command.asset in self.assets
            return self.treasury.deposit(command, sequence)
        if isinstance(command, AddUser):
            assert command.user_id not in HOUSE
            if self.ledger.has_user(command.user_id):
                return None
            self.ledger.add_user(command.user_id)
            return [UserAdded(command.user_id)]
        if isinstance(command, AddAsset):
            return self._add_asset(command)
        if isinstance(command, PassTime):
            return [TimePassed()]
        if isinstance(command, CancelAllAfter):
            return set_timer(self.timers, self.markets, self.ledger, command, now_ns)
        if isinstance(command, RunTimer):
            return run_timer(self.timers, self.markets, self.ledger, sequence, now_ns)
        if isinstance(command, SetMarket):
            return self._set_market(command)
        if isinstance(command, SetVenueFilters):
            return self._set_filters(command)
        if isinstance(command, (RequestWithdrawal, EndWithdrawal, TransferFunds, ResetUser)):
            return self._move_money(command, sequence, now_ns)
        if isinstance(command, (SetTierFees, SetUserTier)):
            return self.fee_tiers.apply(command)
        assert isinstance(command, (CreateUser, SetUserStatus, CreateKey, RevokeKey))
        return self.users.apply(command, sequence, now_ns)

    def _move_money(self, command: MoneyCommand, sequence: int, now_ns: int) -> VenueOutcome:
        if isinstance(command, RequestWithdrawal):
            return self.treasury.request(command, sequence, now_ns)
        if isinstance(command, EndWithdrawal):
            return self.treasury.end(command, sequence, now_ns)
        if isinstance(command, TransferFunds):
            return self.treasury.transfer(command, sequence)
        return self._reset(command, sequence, now_ns)

    def _add_asset(self, command: AddAsset) -> VenueOutcome:
        asset = command.asset
        if self.assets.get(asset.symbol) == asset:
            return None
        if refused := refusal_of_asset(self.assets, asset):
            return refused
        self.assets[asset.symbol] = asset
        events: list[Event] = [AssetAdded(asset)]
        if command.origin is not None:
            events.append(Administered("add_asset", None, f"{asset.symbol} {asset.decimals}", command.origin))
        return events

    def has_key(self, key: str) -> bool:
        """Whether something was carried out under that key, among those remembered."""
        return self.treasury.has_key(key)

    def _reset(self, command: ResetUser, sequence: int, now_ns: int) -> VenueOutcome:
        if refused := self.treasury.refuses_reset(command):
            return refused
        # Past this line the reset must succeed.
        events, touched = cancel_everywhere(self.markets, command.user_id, ExpireReason.USER_RESET, sequence, now_ns)
        return events + self.treasury.reset(command, touched, sequence)

    def _set_market(self, command: SetMarket) -> VenueOutcome:
        instrument, origin = command.instrument, command.origin
        market = self.markets.get(instrument.symbol)
        before = None if market is None else market.instrument
        if before is not None and origin is not None:
            instrument = replace(instrument, status=before.status)
        known = {symbol: other.instrument for symbol, other in self.markets.items()}
        if refused := refusal_of_market(self.assets, known, instrument):
            return refused
        kept = self.fee_tiers.keep(instrument)
        if isinstance(kept, Rejected):
            return kept
        instrument = kept
        if before == instrument and origin is not None:
            return None
        if market is None:
            market = self.open_market(MarketState(instrument))
        market.set_rules(instrument)
        events: list[Event] = [MarketSet(instrument, market.by_call or origin is not None)]
        if origin is not None:
            market.by_call = True
            detail = audit_detail(instrument.symbol, before, instrument)
            events.append(Administered("set_market", None, detail, origin))
        return events

    def _set_filters(self, command: SetVenueFilters) -> VenueOutcome:
        differing = differing_filters(self.everywhere.filters, command.filters)
        if not differing:
            return None
        by_call = self.everywhere.by_call or command.origin is not None
        self.everywhere.set(command.filters, by_call=by_call)
        for market in self.markets.values():
            market.set_rules(market.instrument)
        events: list[Event] = [VenueFiltersSet(command.filters, by_call)]
        if command.origin is not None:
            detail = " ".join(f"{name} {text}" for name, text in differing.items())
            events.append(Administered("set_filters", None, detail, command.origin))
        return events

    def open_market(self, state: MarketState) -> ListMarket:
        """Open a market with these rules and counts."""
        market = ListMarket(state, self.ledger, self.client_ids, self.counts, self.everywhere, self.list_ids)
        market.told_max = self._told_max
        self.markets[state.instrument.symbol] = market
        return market

    # --- the state as a whole

    def state(self) -> VenueState:
        """A copy of everything that the next command can depend on, in an order that depends on nothing else."""
        return venue_state.state_of(self)

    @classmethod
    def restore(
        cls,
        state: VenueState,
        *,
        client_ids_max: int = RECENT_MAX,
        keys_max: int = KEYS_MAX,
        reductions_max: int = REDUCTIONS_MAX,
        told_max: int = TOLD_MAX,
    ) -> "Venue":
        """The venue that goes on from that state."""
        venue = cls(client_ids_max=client_ids_max, keys_max=keys_max, reductions_max=reductions_max, told_max=told_max)
        venue_state.restore(venue, state)
        return venue

    def check(self) -> None:
        """Assert what must hold between commands: money, books, counts, and that locked is what open orders and pending
        withdrawals need; of a list the largest need among its orders that may work."""
        venue_state.check(self)
