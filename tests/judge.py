"""The judge: gives a venue and the model the same commands, and compares the results of each.

A difference is a `Verdict`, which tells the whole market story up to it in words.
"""

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from exchange.core.administration import (
    AdminCommand,
    Administered,
    CreateKey,
    CreateUser,
    KeyCreated,
    KeyRevoked,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
    UserStatusSet,
    UserTierSet,
)
from exchange.core.amendments import Amended, AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelOrder,
    Command,
    Deposit,
    PassTime,
    PlaceOrder,
    ReplaceOrder,
    SetMarket,
    SetMarketStatus,
)
from exchange.core.events import (
    AssetAdded,
    BalanceChanged,
    Duplicate,
    Event,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderUpdated,
    PreventedMatch,
    Rejected,
    TimePassed,
    Trade,
    UserAdded,
)
from exchange.core.instrument import Instrument
from exchange.core.ledger import EXTERNAL, FEES, HOUSE
from exchange.core.money import MoneyCommand, RequestWithdrawal, Transferred
from exchange.core.outcome import Applied, Outcome, Replaced
from exchange.core.state import VenueState
from exchange.core.venue import Venue
from exchange.core.venue_filters import SetVenueFilters
from tests.copied import copied
from tests.judge_lists import check_lists, compare_lists
from tests.judge_reading import became, compare_endings, compare_refused, inside, same_as, told_for_its_tracks
from tests.model import Model
from tests.model_records import Match, Move, Prevented, Told, Update
from tests.told import check_told
from tests.words import summary, words

START_NS = 1_700_000_000 * 10**9


class Verdict(AssertionError):
    """The venue and the model differ."""


class Judge:
    """A venue and a model side by side. Orders are spoken of by the model's numbers: 1 is the first that was taken."""

    def __init__(
        self, rules: list[Instrument], client_ids_max: int, keys_max: int, reductions_max: int, told_max: int
    ) -> None:
        self.bounds = {"client_ids_max": client_ids_max, "keys_max": keys_max, "reductions_max": reductions_max}
        self.bounds["told_max"] = told_max
        self.client_ids_max = client_ids_max
        self.venue = Venue(**self.bounds)
        self.model = Model(client_ids_max, keys_max, reductions_max, told_max)
        self.now_ns = START_NS
        self.order_ids: list[int] = []  # by number - 1
        self.trade_ids: list[int] = []
        self.match_ids = 0
        self.amendments: list[AmendOrder] = []  # that were asked for
        self.book_counts: Counter[str] = Counter()
        self.step_counts: Counter[str] = Counter()
        self.balance_counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.seen: Counter[str] = Counter()
        for asset in dict.fromkeys(asset for each in rules for asset in (each.base, each.quote)):
            self.do(AddAsset(asset))
        for each in rules:
            self.do(SetMarket(each))

    def restart(self) -> None:
        """Go on with a venue that was restored from a copy of the state."""
        self.story.append("the venue restarts")
        self.venue = Venue.restore(copied(self.venue.state()), **self.bounds)
        self._check_state()

    def do(self, command: Command, later_ns: int = 1) -> Told:
        """Carry out one command on both. Of a cancel or an amendment, `order_id` is the model's number."""
        self.now_ns += later_ns
        self.story.append(words(command))
        if isinstance(command, AmendOrder):
            self.amendments.append(command)
        told = self.model.apply(command, self.now_ns)
        try:
            asked = self._by_id(command)
            before = self.venue.sequence
            outcome = self.venue.apply(asked, before + 1, self.now_ns)
            self.story[-1] += f"  ->  {summary(outcome)}"
            taken = 1 if isinstance(outcome, Applied) else 0
            same_as("sequences that it took", self.venue.sequence - before, taken)
            check_told(self.venue, outcome)
            self._compare(command, outcome, told)
            self._check_state()
        except (AssertionError, LookupError) as error:
            story = "\n".join(f"  {line}" for line in self.story)
            said = str(error) or f"an assertion fails: {traceback.extract_tb(error.__traceback__)[-1].line}"
            raise Verdict(f"the exchange breaks the contract in the last step of\n{story}\n{said}") from error
        self._count(command, outcome)
        return told

    def _by_id(self, command: Command) -> Command:
        if isinstance(command, ReplaceOrder):
            cancel = self._by_id(command.cancel)
            assert isinstance(cancel, CancelOrder)
            return replace(command, cancel=cancel)
        if not isinstance(command, CancelOrder | AmendOrder) or command.order_id is None:
            return command
        known = 0 < command.order_id <= len(self.order_ids)
        return replace(command, order_id=self.order_ids[command.order_id - 1] if known else 10**9)

    def _count(self, command: Command, outcome: Outcome) -> None:
        self.seen["commands"] += 1
        self.seen["orders"] += isinstance(command, PlaceOrder)
        self.seen[type(command).__name__] += 1
        self.seen["amendments"] += isinstance(command, AmendOrder) and isinstance(outcome, Applied)
        if isinstance(outcome, Replaced):
            parts = isinstance(outcome.canceled, Rejected), isinstance(outcome.placed, Rejected)
            self.seen[f"replacements, cancel refused {parts[0]}, order refused {parts[1]}"] += 1
        if isinstance(outcome, Applied):
            self.seen["trades"] += sum(isinstance(event, Trade) for event in outcome.events)
        elif outcome is not None:
            self.seen[outcome.reason.value if isinstance(outcome, Rejected) else "retries"] += 1

    # --- one outcome

    def _compare(self, command: Command, outcome: Outcome, told: Told) -> None:
        if isinstance(outcome, Rejected):
            said = sorted(told.refusals) or "that it happens"
            assert outcome.reason in told.refusals, f"refused as {outcome.reason.value}; the model says {said}"
            return
        if isinstance(outcome, Duplicate):
            same = None if told.duplicate_of is None else self.order_ids[told.duplicate_of - 1]
            assert told.duplicate, "taken for a retry"
            if told.duplicate_list is not None:
                same_as("the list of the retry", outcome.order_id, told.duplicate_list)
                return
            same_as("the order of the retry", outcome.order_id, same)
            return
        assert not told.refusals, f"not refused; the model says {sorted(told.refusals)}"
        assert not told.duplicate, "not taken for the retry that it is"
        events = [] if outcome is None else outcome.events
        self._learn(events, told)
        same_as("trades", [self._match(event) for event in events if isinstance(event, Trade)], told.trades)
        self._compare_prevented(events, told)
        self._compare_amended(events, told)
        self._compare_replaced(outcome, told)
        self._compare_orders(events, told)
        compare_endings(command, events, self.model.timers)
        self._compare_primary(outcome, told)
        self._compare_levels(events, told)
        self._compare_markets(events, told)
        self._compare_balances(events, told)
        compare_lists(events, told, self.model, self._number, self.now_ns)
        self._compare_the_rest(command, events, told)

    def _learn(self, events: list[Event], told: Told) -> None:
        """Which ids the venue gave: venue-wide counts from 1, and a refusal takes none."""
        for event in events:
            if isinstance(event, OrderUpdated) and event.order_id not in self.order_ids:
                same_as("order id", event.order_id, len(self.order_ids) + 1)
                self.order_ids.append(event.order_id)
            elif isinstance(event, Trade):
                same_as("trade id", event.trade_id, len(self.trade_ids) + 1)
                self.trade_ids.append(event.trade_id)
        same_as("count of orders", len(self.order_ids), len(self.model.orders))
        same_as("count of trades", len(self.trade_ids), self.model.trades)

    def _number(self, order_id: int) -> int:
        return self.order_ids.index(order_id) + 1

    def _match(self, trade: Trade) -> Match:
        maker, taker = self._number(trade.maker_order_id), self._number(trade.taker_order_id)
        orders = self.model.orders
        same_as("the maker", trade.maker_user_id, orders[maker - 1].terms.user_id)
        same_as("the taker", trade.taker_user_id, orders[taker - 1].terms.user_id)
        same_as("time of a trade", trade.time_ns, self.now_ns)
        return Match(
            trade.market,
            trade.price_ticks,
            trade.quantity_lots,
            trade.quote_minor,
            trade.taker_side,
            maker,
            taker,
            trade.maker_fee_minor,
            trade.taker_fee_minor,
            trade.market_trade_id,
            trade.aggregate_id,
        )

    def _compare_prevented(self, events: list[Event], told: Told) -> None:
        found = [event for event in events if isinstance(event, PreventedMatch)]
        for event in found:
            self.match_ids += 1
            same_as("match id", event.match_id, self.match_ids)
            same_as("time of a prevented match", event.time_ns, self.now_ns)
            same_as("who is prevented", event.user_id, self.model.orders[self._number(event.taker_order_id) - 1].user)
        matches = [
            Prevented(
                *(self._number(event.taker_order_id), self._number(event.maker_order_id), event.mode),
                *(event.price_ticks, event.taker_prevented_lots, event.maker_prevented_lots, event.market_match_id),
            )
            for event in found
        ]
        same_as("prevented matches", matches, told.prevented)

    def _compare_amended(self, events: list[Event], told: Told) -> None:
        found = [event for event in events if isinstance(event, Amended)]
        amended = [] if told.beside is None else [told.beside]
        if told.amended is not None:
            assert told.primary is not None
            amended.append((self.model.orders[told.primary - 1], told.amended))
        same_as("amendments", len(found), len(amended))
        for event, (order, before), later in zip(found, amended, range(len(found) - 1, -1, -1), strict=True):
            new = event.new_client_order_id, event.new_price_ticks, event.new_quantity_lots
            was = before.client_order_id, before.price_ticks, before.quantity_lots
            is_now = order.terms.client_order_id, order.terms.price_ticks, order.terms.quantity_lots
            same_as("what an amendment found", (event.client_order_id, event.price_ticks, event.quantity_lots), was)
            changed = tuple(None if old == now else now for old, now in zip(was, is_now, strict=True))
            same_as("what an amendment made", new, changed)
            same_as("amendment id", event.amendment_id, self.model.amendments - later)
            where = (event.market, event.user_id, self._number(event.order_id), event.after_order_id, event.time_ns)
            expected = (before.market, before.user_id, order.number, len(self.order_ids), self.now_ns)
            same_as("which order was amended, and when", where, expected)

    def _compare_replaced(self, outcome: Applied | None, told: Told) -> None:
        parts = (outcome.canceled, outcome.placed) if isinstance(outcome, Replaced) else (None, None)
        for what, part, reasons in zip(("cancel", "order"), parts, (told.not_canceled, told.not_placed), strict=True):
            refused = part.reason if isinstance(part, Rejected) else None
            assert (refused in reasons) if reasons else refused is None, f"the {what} is refused as {refused}"

    def _compare_primary(self, outcome: Applied | None, told: Told) -> None:
        """The order that the command is about, as the command leaves it."""
        primary = None if outcome is None else outcome.order
        same_as("the primary order", None if primary is None else self._number(primary.order_id), told.primary)
        if outcome is not None and primary is not None:
            updates = [event for event in outcome.events if isinstance(event, OrderUpdated)]
            last = [event for event in updates if event.order_id == primary.order_id][-1]
            assert primary is last, "the primary order is not as the command leaves it"

    def _compare_orders(self, events: list[Event], told: Told) -> None:
        found: dict[int, list[Update]] = {}
        trades = {id(event) for event in events if isinstance(event, Trade)}
        for event in events:
            if not isinstance(event, OrderUpdated):
                continue
            number = self._number(event.order_id)
            order = self.model.orders[number - 1]
            same_as("terms", event.terms, order.terms)
            same_as("created_ns", event.created_ns, order.created_ns)
            same_as("updated_ns", event.updated_ns, self.now_ns)
            self.step_counts[event.terms.user_id] += 1
            same_as("orders_sequence", event.orders_sequence, self.step_counts[event.terms.user_id])
            assert event.trade is None or id(event.trade) in trades, "an update with a trade of its own"
            trade = None if event.trade is None else self.trade_ids.index(event.trade.trade_id) + 1
            executed = event.executed_lots, event.executed_quote_minor
            now, priority = became(event), event.priority
            update = Update(event.reason, event.status, *executed, event.expire_reason, trade, now, priority)
            compare_refused(event, order.refused)
            found.setdefault(number, []).append(update)
        same_as("orders", found, told.updates)

    def _compare_levels(self, events: list[Event], told: Told) -> None:
        changes = [event for event in events if isinstance(event, LevelChanged)]
        found = {(event.market, event.side, event.price_ticks): event.total_lots for event in changes}
        assert len(found) == len(changes), "a level told twice"
        same_as("levels", found, told.levels)
        for event in changes:
            self.book_counts[event.market] += 1
            same_as("book_sequence", event.book_sequence, self.book_counts[event.market])

    def _compare_markets(self, events: list[Event], told: Told) -> None:
        changes = {event.market: event for event in events if isinstance(event, MarketChanged)}
        expected = {market for market, _, _ in told.levels}
        if told.new_status is not None:
            expected.add(told.new_status)
        expected |= {self.model.orders[match.taker - 1].terms.market for match in told.prevented}
        expected |= {trade.market for trade in told.trades}
        concerned = [self.model.orders[number - 1].terms for number in told.updates]
        expected |= {market for market in changes if told_for_its_tracks(market, concerned)}
        expected |= {market for market, _, _ in told.touched} | told.rounds
        same_as("markets that changed", sorted(changes), sorted(expected))
        for market, event in changes.items():
            same_as("the best of the book", [event.best_bid, event.best_ask], self.model.best(market))
            counts = (event.depth_sequence, event.best_sequence, event.trade_sequence, event.last_trade_ns)
            self._compare_counts(market, event.book_sequence, counts, event.candles)
            same_as("status", event.status, self.model.rules[market].status)
            same_as(f"prevented matches of {market}", event.last_match_id, self.model.public[market].prevented)
            same_as(f"aggregates of {market}", event.last_aggregate_id, self.model.public[market].aggregates)

    def _compare_counts(self, market: str, book: int, counts: tuple[int, ...], candles: tuple[int, ...]) -> None:
        public = self.model.public[market]
        expected = (public.depth, public.best, public.trades, public.last_trade_ns)
        same_as(f"book count of {market}", book, self.book_counts[market])
        same_as(f"depth, best and trade counts and last trade of {market}", counts, expected)
        same_as(f"candles of {market}", candles, tuple(public.candles))

    def _compare_balances(self, events: list[Event], told: Told) -> None:
        changes = [event for event in events if isinstance(event, BalanceChanged) and event.user_id not in HOUSE]
        found = {(event.user_id, event.asset): (event.available_minor, event.locked_minor) for event in changes}
        assert len(found) == len(changes), "an account told twice"
        unchanged = {account: amounts for account, amounts in found.items() if account not in told.balances}
        for (user, asset), amounts in unchanged.items():
            # Locked and released within the command: it may be told, though it comes out the same.
            assert user in {self.model.orders[number - 1].terms.user_id for number in told.updates}, "not their command"
            now = (self.model.available(user, asset), self.model.locked(user, asset))
            same_as("a balance that did not change", amounts, now)
        same_as("balances", found, {**told.balances, **unchanged})
        self.balance_counts.update({event.user_id for event in changes})
        for event in changes:
            counts = (event.balances_sequence, event.orders_sequence)
            expected = (self.balance_counts[event.user_id], self.model.order_steps[event.user_id])
            same_as(f"balance and order counts of {event.user_id}", counts, expected)

    def _compare_the_rest(self, command: Command, events: list[Event], told: Told) -> None:
        rest = [event for event in events if isinstance(event, UserAdded | AssetAdded | MarketSet | TimePassed)]
        self._compare_moves(command, events, told)
        if isinstance(command, SetMarket):
            self._compare_rules(command, events, rest)
        if isinstance(command, AddAsset | SetMarket | SetMarketStatus | SetVenueFilters):
            self._compare_audited(command.origin, events)
        if isinstance(command, PassTime):
            same_as("events", events, [TimePassed()])
        elif isinstance(command, AdminCommand):
            self._compare_administered(command, events, [*rest], told)
        elif not isinstance(command, AddAsset | AddUser | Deposit | SetMarket):
            same_as("other events", rest, [])

    def _compare_moves(self, command: Command, events: list[Event], told: Told) -> None:
        """What moved besides trades, once, under the key of the command; and that the audit has it."""
        moved = [event for event in events if isinstance(event, Transferred)]
        found = [
            Move(inside(event.from_user_id), inside(event.to_user_id), event.asset, event.amount_minor)
            for event in moved
        ]
        same_as("what moved", found, told.moves)
        if isinstance(command, Deposit | MoneyCommand):
            same_as("the keys of what moved", {event.key for event in moved}, {command.key} if moved else set())
            origins = [event.origin for event in events if isinstance(event, Administered)]
            same_as("who moved it", origins, [command.origin] if events and command.origin is not None else [])

    def _compare_rules(self, command: SetMarket, events: list[Event], rest: Sequence[Event]) -> None:
        symbol = command.instrument.symbol
        if command.origin is None or events:
            same_as("rules", rest, [MarketSet(self.model.rules[symbol], symbol in self.model.by_call)])

    def _compare_audited(self, origin: object, events: list[Event]) -> None:
        """What somebody asked for and was carried out is in the audit, with its origin."""
        audited = [event.origin for event in events if isinstance(event, Administered)]
        same_as("the origin in the audit", audited, [origin] if origin is not None and events else [])

    def _compare_administered(self, command: AdminCommand, events: list[Event], rest: list[Event], told: Told) -> None:
        """What an administrative command changes besides orders, once; and that the audit has it, with its origin."""
        audited = [event for event in events if isinstance(event, Administered)]
        if not events:
            return
        same_as("the origin in the audit", [event.origin for event in audited], [command.origin])
        if isinstance(command, CreateUser):
            same_as("users", rest, [UserAdded(command.user_id)] if told.new_user else [])
        elif isinstance(command, SetUserStatus):
            statuses = [event for event in events if isinstance(event, UserStatusSet)]
            same_as("statuses", statuses, [UserStatusSet(command.user_id, command.disabled)])
        elif isinstance(command, SetTierFees):
            symbol = command.market
            same_as("rules", rest, [MarketSet(self.model.rules[symbol], symbol in self.model.by_call)])
        elif isinstance(command, SetUserTier):
            tiers = [event for event in events if isinstance(event, UserTierSet)]
            same_as("tiers", tiers, [UserTierSet(command.user_id, command.tier)])
        else:
            keys = [event.key.api_key for event in events if isinstance(event, KeyCreated | KeyRevoked)]
            named = command.key.api_key if isinstance(command, CreateKey) else command.api_key
            same_as("keys", keys, [named])

    # --- the whole state

    def _check_state(self) -> None:
        self.venue.check()
        state, model = self.venue.state(), self.model
        same_as("users", set(state.users), model.users)
        same_as("disabled users", state.disabled_users, sorted(model.disabled))
        expected = sorted(model.timers, key=lambda timer: (timer[2], timer[0], timer[1] or ""))
        same_as("timers", state.timers, expected)
        same_as("tiers, bounds", (state.user_tiers, state.filters), (sorted(model.tiers.items()), model.bounds))
        same_as("keys", state.keys, sorted(model.keys, key=lambda key: key.api_key))
        self._check_money(state)
        self._check_orders(state)
        counts = (state.last_order_id, state.last_priority, state.last_trade_id)
        same_as("last order id, priority and trade id", counts, (len(model.orders), model.priorities, model.trades))
        same_as("last match id", state.last_match_id, model.prevented)
        lost = {self._number(order.order_id): order.progress.prevented_lots for order in state.orders if order.progress}
        same_as("what open orders lost to their own", lost, {n: model.orders[n - 1].prevented_lots for n in lost})
        same_as("assets", {asset.symbol: asset for asset in state.assets}, model.assets)
        hidden = {self._number(o.order_id): o.progress.hidden_lots for o in state.orders if o.progress}
        same_as("what open orders hide", hidden, {n: model.orders[n - 1].hidden for n in hidden})
        same_as("rules", {m.instrument.symbol: m.instrument for m in state.markets}, model.rules)
        same_as("markets by call", {m.instrument.symbol for m in state.markets if m.by_call}, model.by_call)
        for market in state.markets:
            public = (market.depth_sequence, market.best_sequence, market.trade_sequence, market.last_trade_ns)
            self._compare_counts(market.instrument.symbol, market.book_sequence, public, market.candles)
            same_as("last prevented match", market.last_match_id, model.public[market.instrument.symbol].prevented)
            aggregates = model.public[market.instrument.symbol].aggregates
            same_as(f"aggregates of {market.instrument.symbol}", market.last_aggregate_id, aggregates)
        self._check_remembered(state)
        check_lists(state, model, self._number, self.client_ids_max)

    def _check_remembered(self, state: VenueState) -> None:
        """What is kept to recognize a retry."""
        model = self.model
        named = [(self._number(order_id), terms) for order_id, terms in state.recent_client_orders]
        recent = [(order.number, order.asked_as(name)) for order, name in model.names]
        same_as("recent client order ids", named, recent[-self.client_ids_max :])
        same_as("last amendment id", state.last_amendment_id, model.amendments)
        changed = {self._number(o.order_id): o.progress.amendments for o in state.orders if o.progress}
        same_as("amendments of open orders", changed, {n: model.orders[n - 1].amendments for n in changed})
        reductions = [(r.user_id, r.key, self._number(r.order_id)) for r in state.recent_reductions]
        known_keys = [(r.user_id, r.key, order.number) for r, order, _ in model.reductions]
        same_as("recent reductions", reductions, known_keys[-self.bounds["reductions_max"] :])

    def _check_money(self, state: VenueState) -> None:
        model = self.model
        accounts = {(a.user_id, a.asset): (a.available_minor, a.locked_minor) for a in state.accounts}
        theirs = {account: amounts for account, amounts in accounts.items() if account[0] not in HOUSE}
        same_as("accounts", theirs, {**dict.fromkeys(theirs, (0, 0)), **model.balances()})
        paid = ((asset, model.withdrawing(FEES, asset), amount) for asset, amount in model.fees.items())
        fees = {asset: (amount - locked, locked) for asset, locked, amount in paid if amount}
        house = {asset: amounts for (user, asset), amounts in accounts.items() if user == FEES and any(amounts)}
        same_as("fees collected", house, fees)
        for asset in {asset for _, asset in accounts}:
            same_as(f"{asset} that came in", accounts.get((EXTERNAL, asset), (0, 0)), (-model.supply(asset), 0))
        same_as("recent keys", state.recent_keys, model.remembered_keys())
        withdrawals = [
            (RequestWithdrawal(w.user_id, w.asset, w.amount_minor, w.key), w.requested_ns, w.status, w.ended_ns)
            for w in state.withdrawals
        ]
        theirs_now = [(w.request, w.requested_ns, w.status, w.ended_ns) for w in model.known_withdrawals()]
        same_as("withdrawals", withdrawals, theirs_now)
        known = {command.key for command in model.remembered_keys()} | {w[0].key for w in withdrawals}
        for command in model.keyed:
            same_as(f"whether {command.key} is known", self.venue.has_key(command.key), command.key in known)

    def _check_orders(self, state: VenueState) -> None:
        """What is open, how it stands, and what is to enter."""
        model = self.model
        resting = [
            (
                *(self._number(order.order_id), order.priority, order.terms),
                *(order.executed_lots, order.executed_quote_minor, order.created_ns, order.updated_ns),
            )
            for order in state.orders
        ]
        expected = [
            (
                *(order.number, order.priority, order.terms),
                *(order.executed_lots, order.executed_quote, order.created_ns, order.updated_ns),
            )
            for order in sorted((*model.resting, *model.waiting), key=lambda order: order.priority)
        ]
        same_as("open orders in priority order", resting, expected)
        standing = {
            self._number(order.order_id): order.status
            for market in self.venue.markets.values()
            for order in market.all_open()
        }
        same_as("how open orders stand", standing, {o.number: o.status for o in (*model.resting, *model.waiting)})
        ready = [self._number(number) for market in self.venue.markets.values() for number in market.triggers.ready]
        expected_ready = sorted(model.ready, key=lambda order: list(self.venue.markets).index(order.terms.market))
        begun = {m.instrument.symbol: m.tracks[:2] for m in state.markets if m.tracks and -4 < m.tracks[0] < 0}
        rounds = {market: (-sum(1 + side for side in sides), after) for market, (sides, after) in model.rounds.items()}
        same_as("what is to be priced again", begun, rounds)
        in_order = sorted if model.unjudged else list  # a restart sorts early what is not all told yet
        same_as("what is to enter", in_order(ready), in_order([order.number for order in expected_ready]))
