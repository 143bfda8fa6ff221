"""A slow and obvious exchange of lists and loops, written from the contract's rules of orders and from nothing else.

It shares with the exchange only the types of commands and events, and those that these are made of; what a lot and a
tick are worth it works out by itself, in fractions. Money is kept as one total for each user and asset: what is locked
is not booked but looked up, as what the open orders need. Where the contract gives several reasons to refuse, all are
named, and the exchange may say any of them.
"""

from fractions import Fraction

from exchange.core.administration import (
    CreateKey,
    CreateUser,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    Deposit,
    EndSocket,
    ExpireDue,
    OrderType,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceOrder,
    RunTriggered,
    SetMarket,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, RejectReason, UpdateReason
from exchange.core.instrument import FeeAsset, MarketStatus
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.timers import CancelAllAfter, RunTimer
from exchange.core.venue_filters import SetVenueFilters
from tests.model_endings import Endings
from tests.model_filters import Filtering
from tests.model_known import fee
from tests.model_lists import Lists
from tests.model_money import MONEY_MAX, Money
from tests.model_records import Match, Order, Prevented, Told, Update, asks_the_same
from tests.model_waiting import RESTS, waits

STEPS_MAX = 2**63  # ticks and lots stay below it
BESIDE = (ExpireReason.OTHER_LEG, ExpireReason.LIST)  # it ended because another order had
MINUTE_NS = 60 * 10**9


class Model(Lists, Money, Endings, Filtering):
    """The exchange as the contract tells it."""

    # --- one command

    def apply(self, command: Command, now_ns: int) -> Told:
        """Carry out a command and tell what came of it."""
        told = Told()
        levels, balances, bests = self.levels(), self.balances(), {market: self.best(market) for market in self.rules}
        self._apply(command, now_ns, told)
        self.follow_lists(now_ns, told)
        self.note_changes()
        after_levels, after_balances = self.levels(), self.balances()
        for level in {**levels, **after_levels}:
            if levels.get(level, 0) != after_levels.get(level, 0):
                told.levels[level] = after_levels.get(level, 0)
        for account, amounts in after_balances.items():
            if balances.get(account, (0, 0)) != amounts:
                told.balances[account] = amounts
        for market in {market for market, _, _ in told.levels}:
            self.public[market].depth += 1
            self.public[market].best += self.best(market) != bests[market]
        return told

    def _apply(self, command: Command, now_ns: int, told: Told) -> None:
        match command:
            case PlaceOrder():
                self._place(command, now_ns, told)
            case CancelOrder():
                self.cancel(command, now_ns, told)
            case AmendOrder():
                self.amend(command, now_ns, told)
            case ReplaceOrder():
                self.replace(command, now_ns, told)
            case PlaceList():
                self.place_list(command, now_ns, told)
            case CancelList():
                self.cancel_list(command, now_ns, told)
            case CancelAll():
                self.cancel_all(command, now_ns, told)
            case Deposit():
                self._deposit(command, told)
            case RequestWithdrawal():
                self._request_withdrawal(command, now_ns, told)
            case EndWithdrawal():
                self._end_withdrawal(command, now_ns, told)
            case TransferFunds():
                self._transfer(command, told)
            case ResetUser():
                self._reset(command, now_ns, told)
            case AddUser():
                self.users.add(command.user_id)
            case CreateUser():
                self._create_user(command, told)
            case SetUserStatus():
                self._set_user_status(command, now_ns, told)
            case CreateKey():
                self.create_key(command.key, told)
            case RevokeKey():
                self.revoke_key(command.api_key, told)
            case SetTierFees():
                self.set_tier_fees(command, told)
            case SetUserTier():
                self.set_user_tier(command, told)
            case SetMarket():
                self.set_market(command, told)
            case SetVenueFilters():
                self.set_bounds(command)
            case RunTriggered():
                self.run_triggered(command, now_ns, told)
            case EndSocket() | CancelAllAfter() | RunTimer():
                self.end(command, now_ns, told)
            case ExpireDue():
                self.expire_due(command, now_ns, told)
            case SetMarketStatus():
                self.set_status(command, told)
            case AddAsset():
                known = self.assets.setdefault(command.asset.symbol, command.asset)
                told.refusals = set() if known == command.asset else {RejectReason.RULE_FIXED}
            case PassTime():
                pass

    def _set_user_status(self, command: SetUserStatus, now_ns: int, told: Told) -> None:
        if command.user_id not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        elif not command.disabled:
            self.disabled.discard(command.user_id)
        elif command.user_id not in self.disabled:
            self.disabled.add(command.user_id)
            self._cancel_in_all_markets(command.user_id, ExpireReason.USER_DISABLED, now_ns, told)

    # --- an order

    def _place(self, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        known = self.known_as(terms)
        once_more = terms.conditions is not None and terms.conditions.refuse_while_open is not None
        if known is not None and asks_the_same(known.asked_as(terms.client_order_id), terms) and not once_more:
            told.duplicate, told.duplicate_of = True, known.number
            return
        told.refusals = self.all_refusals(terms, now_ns)
        if known is not None:
            told.refusals.add(RejectReason.CLIENT_ORDER_ID_CONFLICT)
        if not told.refusals:
            self.accept(terms, now_ns, told)

    def accept(self, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """Take an order that nothing refuses."""
        if waits(terms):
            self.place_waiting(terms, now_ns, told)
            return
        order = Order(len(self.orders) + 1, terms, now_ns, now_ns)
        order.maker_ppm, order.taker_ppm = self.rates_of(terms)
        order.mode = self.mode_of(terms)
        if terms.time_in_force in RESTS:  # it may come to rest
            self.priorities += 1
            order.priority = self.priorities
        self.orders.append(order)
        if terms.client_order_id is not None:
            self.names.append((order, terms.client_order_id))
        told.primary = order.number
        terms = self.priced(terms)
        order.pegged = (terms.price_ticks or 0) if self.is_pegged(terms) else 0
        self.begin_following(order)
        self.step(order, UpdateReason.ACCEPTED, now_ns, told)
        self.enter(order, terms, now_ns, told)

    def enter(self, order: Order, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        """Match the order, rest or expire what remains, and judge by its trades what waits."""
        before = len(told.trades)
        self._match(order, terms, now_ns, told)
        for trade in told.trades[before:]:
            self.judge_waiting(trade.market, trade.price, now_ns, told, self.released_by(trade, told))

    def _match(self, order: Order, terms: PlaceOrder, now_ns: int, told: Told) -> None:
        meets, end = self.meetings(terms, order.mode)
        own = self.own_met
        filled = sum(lots for _, lots in meets)
        if not terms.quantity_lots:
            order.asked_lots = filled + sum(lots for _, lots, _ in own)
        if terms.time_in_force is TimeInForce.FOK and filled < terms.quantity_lots:
            self.expire(order, end or ExpireReason.FOK_UNFILLABLE, now_ns, told)
            return
        self.part(order, meets, own, now_ns, told)
        if end is not ExpireReason.SELF_TRADE:
            self._prevent(order, own, now_ns, told)
        for maker, lots in meets:
            self._trade(maker, order, lots, now_ns, told)
        if end is ExpireReason.SELF_TRADE:
            self._prevent(order, own, now_ns, told)
        elif order.remaining == 0:
            return
        if end is not None:
            self.expire(order, end, now_ns, told)
        elif terms.time_in_force in RESTS and terms.order_type is OrderType.LIMIT:
            order.hidden = max(0, order.remaining - order.visible)
            self.resting.append(order)
        else:
            self.expire(order, ExpireReason.UNFILLED, now_ns, told)

    def mode_of(self, terms: PlaceOrder) -> SelfTrade:
        """The mode that the order names, or else that of its market."""
        named = None if terms.conditions is None else terms.conditions.self_trade
        return self.rules[terms.market].self_trade if named is None else named

    def _prevent(self, taker: Order, own: list[tuple[Order, int, int]], now_ns: int, told: Told) -> None:
        for maker, taker_lots, maker_lots in own:
            self.prevented += 1
            self.public[taker.terms.market].prevented += 1
            count, mode = self.public[taker.terms.market].prevented, taker.mode
            told.prevented.append(
                Prevented(taker.number, maker.number, mode, maker.limit, taker_lots, maker_lots, count)
            )
            maker.hidden -= max(0, maker_lots - maker.shown)
            maker.prevented_lots += maker_lots
            if maker.remaining == 0:
                self.resting.remove(maker)
                self.expire(maker, ExpireReason.SELF_TRADE, now_ns, told)
            elif maker_lots:
                self.step(maker, UpdateReason.PREVENTED, now_ns, told)
                if maker.shown == 0:
                    self.refill(maker, now_ns, told)
            taker.prevented_lots += taker_lots
            if taker.remaining:
                self.step(taker, UpdateReason.PREVENTED, now_ns, told)

    def under_name(self, user: str, name: str | None) -> Order | None:
        """The user's order that keeps this id: open under it, or among the last ids; the newest of them."""
        for at, (order, accepted) in reversed(list(enumerate(self.names))):
            if (order.user, accepted) == (user, name) and (
                at >= len(self.names) - self.client_ids_max or (order.is_open and order.terms.client_order_id == name)
            ):
                return order
        return None

    def meetings(
        self, terms: PlaceOrder, mode: SelfTrade | None = None
    ) -> tuple[list[tuple[Order, int]], ExpireReason | None]:
        """Whom the order meets for how much, best price first, then the oldest; and what ends it before the next one.

        If it still wants something then: an order of its own user, or that it had all the fills it may have. The orders
        of its own user that it meets are in `own_met`, with what it and they lose by that.
        """
        meets: list[tuple[Order, int]] = []
        end: ExpireReason | None = None
        own = self.own_met = []
        wanted, mode = terms.quantity_lots, self.mode_of(terms) if mode is None else mode
        left = None if wanted or terms.conditions is None else terms.conditions.quote_minor
        unit = self.worth_of(terms.market)[1]
        others = [order for order in self.resting if order.terms.market == terms.market]
        others = [order for order in others if order.terms.side is not terms.side and self._crosses(terms, order)]
        others.sort(key=lambda order: order.limit, reverse=terms.side is Side.SELL)
        queue = [(order, *self.there(order, terms)) for order in others]
        edge = self.edge(terms)
        while queue:
            order, there, hidden = queue.pop(0)
            if left is not None:  # as many whole lots as the rest of the sum takes, and no further if that is not all
                wanted = left // (order.limit * unit) if order.limit else there
            if wanted == 0:
                break
            if edge is not None and (order.limit > edge if terms.side is Side.BUY else order.limit < edge):
                if left is not None:
                    break
                return meets, ExpireReason.PRICE_BAND
            if len(meets) + len(own) == self.rules[terms.market].max_fills_per_order:
                end = ExpireReason.MAX_FILLS
                break
            lots = min(wanted, there)
            stops = left is not None and lots < there
            left = None if left is None else left - lots * order.limit * unit
            if order.terms.user_id != terms.user_id or mode is SelfTrade.NONE:
                meets.append((order, lots))
                if hidden and lots == there:  # what it shows next comes after all others at its price
                    same = [at for at, (other, _, _) in enumerate(queue) if other.limit == order.limit]
                    more = min(hidden, order.visible)
                    queue.insert(same[-1] + 1 if same else 0, (order, more, hidden - more))
            elif mode is SelfTrade.EXPIRE_MAKER:
                own.append((order, 0, order.remaining))
                left = None if left is None else left + lots * order.limit * unit
                continue
            elif mode is SelfTrade.DECREMENT:
                own.append((order, lots, lots))
                if left is None and lots == wanted:
                    return meets, ExpireReason.SELF_TRADE
            else:
                rest = lots if left is not None else wanted
                own.append((order, rest, order.remaining if mode is SelfTrade.EXPIRE_BOTH else 0))
                return meets, ExpireReason.SELF_TRADE
            wanted -= lots
            if stops:
                break
        if left is not None and own and not meets:
            end = ExpireReason.SELF_TRADE
        return meets, end

    def _crosses(self, terms: PlaceOrder, resting: Order) -> bool:
        if terms.price_ticks is None:
            return terms.side is Side.BUY or resting.limit >= self.rules[terms.market].min_price_ticks
        return resting.limit <= terms.price_ticks if terms.side is Side.BUY else resting.limit >= terms.price_ticks

    def all_refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse the order, whether or not it waits."""
        if waits(terms):
            return self.refusals_of_waiting(terms, now_ns)
        return self.refusals_of_pegged(terms, now_ns) if self.is_pegged(terms) else self.refusals(terms, now_ns)

    def refusals(self, terms: PlaceOrder, now_ns: int) -> set[RejectReason]:
        """Every reason to refuse the order, but for its client order id."""
        if terms.user_id not in self.users or terms.market not in self.rules:
            unknown_user = {RejectReason.UNKNOWN_USER} if terms.user_id not in self.users else set()
            return unknown_user | ({RejectReason.UNKNOWN_MARKET} if terms.market not in self.rules else set())
        rules = self.rules[terms.market]
        reasons = {RejectReason.USER_DISABLED} if terms.user_id in self.disabled else set()
        if rules.status in (MarketStatus.HALTED, MarketStatus.CANCEL_ONLY):
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        ends = None if terms.conditions is None else terms.conditions.expire_ns
        if ends is not None and ends <= now_ns:
            reasons.add(RejectReason.OUT_OF_RANGE)
        if rules.status is MarketStatus.POST_ONLY and terms.time_in_force not in RESTS:
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        others = [o for o in self.resting if (o.terms.market, o.terms.side) == (terms.market, 1 - terms.side)]
        would_trade = not terms.post_only and any(self._crosses(terms, other) for other in others)
        if rules.status is MarketStatus.POST_ONLY and would_trade:  # whatever else is wrong with it
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        mode, wish = self.mode_of(terms), terms.conditions
        if wish is not None and wish.self_trade is not None and not rules.self_trade_modes >> mode & 1:
            reasons.add(RejectReason.SELF_TRADE_PREVENTION)
        by_sum = not terms.quantity_lots and terms.order_type is OrderType.MARKET
        if by_sum and wish is not None and wish.quote_minor is not None:
            return reasons | self._refusals_of_sum(terms, wish.quote_minor, now_ns)
        if not 0 < terms.quantity_lots < STEPS_MAX:
            return reasons | {RejectReason.OUT_OF_RANGE}
        if wish is not None and wish.visible_lots is not None and not 0 < wish.visible_lots < terms.quantity_lots:
            return reasons | {RejectReason.OUT_OF_RANGE}
        if terms.price_ticks is not None and not 0 <= terms.price_ticks < STEPS_MAX:
            return reasons | {RejectReason.OUT_OF_RANGE}
        if terms.price_ticks is not None and terms.price_ticks < rules.min_price_ticks:
            reasons.add(RejectReason.OUT_OF_RANGE)
        meets, end = self.meetings(terms)
        worth = self._worth(terms, meets)
        if worth >= MONEY_MAX or terms.quantity_lots * self.worth_of(terms.market)[0] >= MONEY_MAX:
            reasons.add(RejectReason.OUT_OF_RANGE)
        if self._too_small(terms, worth, now_ns):
            reasons.add(RejectReason.MIN_NOTIONAL)
        asset, need = self._need(terms, worth, meets)
        if need > self.available(terms.user_id, asset):
            reasons.add(RejectReason.INSUFFICIENT_BALANCE)
        met = bool(meets or self.own_met or end is not None)
        if terms.post_only and met:
            reasons.add(RejectReason.WOULD_TAKE)
        elif rules.status is MarketStatus.POST_ONLY and met:
            reasons.add(RejectReason.MARKET_NOT_TRADING)
        if self.open_count(terms) >= rules.max_open_orders and terms.time_in_force in RESTS:
            reasons.add(RejectReason.TOO_MANY_OPEN_ORDERS)
        return reasons | self.broken(terms, now_ns, terms.quantity_lots, worth)

    def _refusals_of_sum(self, terms: PlaceOrder, quote_minor: int, now_ns: int) -> set[RejectReason]:
        rules, price = self.rules[terms.market], terms.price_ticks
        if not 0 < quote_minor < MONEY_MAX or (price is not None and not rules.min_price_ticks <= price < STEPS_MAX):
            return {RejectReason.OUT_OF_RANGE}
        reasons = {RejectReason.MIN_NOTIONAL} if quote_minor < rules.min_notional_minor else set()
        meets, _ = self.meetings(terms)
        lots = sum(lots for _, lots in meets) + sum(lots for _, lots, _ in self.own_met)
        if not lots:
            worth_too_much = self.broken(terms, now_ns, 0, 0) & {RejectReason.MAX_NOTIONAL}
            return reasons | worth_too_much | {RejectReason.NO_LIQUIDITY}
        reasons |= self.broken(terms, now_ns, lots, self._worth(terms, meets))
        asset, need = self._need(terms, self._worth(terms, meets), meets)
        if terms.side is Side.SELL:
            need = lots * self.worth_of(terms.market)[0]
        return reasons | ({RejectReason.INSUFFICIENT_BALANCE} if need > self.available(terms.user_id, asset) else set())

    def _worth(self, terms: PlaceOrder, meets: list[tuple[Order, int]]) -> int:
        """What an order is worth on entry: at its limit, or a market order at what walking the book says."""
        _, unit = self.worth_of(terms.market)
        if terms.order_type is OrderType.LIMIT:
            assert terms.price_ticks is not None
            return terms.price_ticks * terms.quantity_lots * unit
        return sum(maker.limit * lots * unit for maker, lots in meets)

    def _too_small(self, terms: PlaceOrder, worth: int, now_ns: int) -> bool:
        """Whether the order is below the market's min_notional: a market order at the average price, if at all."""
        rules = self.rules[terms.market]
        if terms.order_type is OrderType.LIMIT:
            return worth < rules.min_notional_minor
        if not rules.min_notional_applies_to_market:
            return False
        average = self.average_worth(terms, now_ns)
        return average is not None and average < rules.min_notional_minor

    def average_worth(self, terms: PlaceOrder, now_ns: int) -> Fraction | None:
        """What the order is worth at the average price, or at the last; None if nothing ever traded."""
        prices, minutes = self.prices[terms.market], self.rules[terms.market].avg_price_mins
        if not prices:
            return None
        last = [(price, lots) for at, price, lots in prices if at > now_ns // MINUTE_NS - minutes]
        last = last or [(prices[-1][1], 1)]
        average = Fraction(sum(price * lots for price, lots in last), sum(lots for _, lots in last))
        return terms.quantity_lots * average * self.worth_of(terms.market)[1]

    def need(self, terms: PlaceOrder) -> tuple[str, int]:
        """What an order must have available, and of which asset."""
        meets, _ = self.meetings(terms)
        return self._need(terms, self._worth(terms, meets), meets)

    def _need(self, terms: PlaceOrder, worth: int, meets: list[tuple[Order, int]]) -> tuple[str, int]:
        rules = self.rules[terms.market]
        if terms.side is Side.BUY:
            if rules.fee_asset is FeeAsset.QUOTE:
                worth += self._fees_of_buy(terms, meets)
            return rules.quote.symbol, worth
        return rules.base.symbol, terms.quantity_lots * self.worth_of(terms.market)[0]

    def _fees_of_buy(self, terms: PlaceOrder, meets: list[tuple[Order, int]]) -> int:
        """What fees in the quote may cost a buy: each lot at its limit, or a market order what the walk says."""
        rates = self.rates_of(terms)
        _, unit = self.worth_of(terms.market)
        if terms.order_type is OrderType.LIMIT:
            assert terms.price_ticks is not None
            return terms.quantity_lots * fee(terms.price_ticks * unit, max(rates))
        return sum(fee(maker.limit * lots * unit, rates[1]) for maker, lots in meets)

    # --- what happens to it

    def step(self, order: Order, reason: UpdateReason, now_ns: int, told: Told, trade: int | None = None) -> None:
        order.updated_ns = now_ns
        self.order_steps[order.terms.user_id] += 1
        if order.of is not None and not order.is_open and order.expire_reason not in BESIDE:
            order.of.end = _end(order)
        executed = order.executed_lots, order.executed_quote
        update = Update(reason, order.status, *executed, order.expire_reason, trade, order.became, order.priority)
        told.updates.setdefault(order.number, []).append(update)

    def expire(self, order: Order, reason: ExpireReason, now_ns: int, told: Told) -> None:
        order.status, order.expire_reason = OrderStatus.EXPIRED, reason
        self.step(order, UpdateReason.EXPIRED, now_ns, told)

    def _trade(self, maker: Order, taker: Order, lots: int, now_ns: int, told: Told) -> None:
        rules, price = self.rules[taker.terms.market], maker.limit
        buying = taker.terms.side is Side.BUY
        lot_worth, unit = self.worth_of(rules.symbol)
        base, quote = lots * lot_worth, price * lots * unit
        in_quote = rules.fee_asset is FeeAsset.QUOTE
        maker_fee = fee(quote if buying or in_quote else base, maker.maker_ppm)
        taker_fee = fee(quote if in_quote or not buying else base, taker.taker_ppm)
        maker_fee = max(maker_fee, -taker_fee)  # a rebate is never more than what the taker pays
        buyer, seller = (taker, maker) if buying else (maker, taker)
        buyer_fee, seller_fee = (taker_fee, maker_fee) if buying else (maker_fee, taker_fee)
        self._credit(buyer.terms.user_id, rules.quote.symbol, -quote)
        self._credit(seller.terms.user_id, rules.base.symbol, -base)
        self._credit(buyer.terms.user_id, rules.base.symbol, base)
        self._credit(seller.terms.user_id, rules.quote.symbol, quote - seller_fee)
        buyer_pays = rules.quote.symbol if in_quote else rules.base.symbol
        self._credit(buyer.terms.user_id, buyer_pays, -buyer_fee)
        self.fees[buyer_pays] += buyer_fee
        self.fees[rules.quote.symbol] += seller_fee
        self.prices[rules.symbol].append((now_ns // MINUTE_NS, price, lots))
        self.trades += 1
        self.count_trade(rules.symbol, now_ns)
        public, before = self.public[rules.symbol], told.trades[-1] if told.trades else None
        if before is None or (before.taker, before.price) != (taker.number, price):
            public.aggregates += 1
        orders, fees = (maker.number, taker.number), (maker_fee, taker_fee)
        counts = (public.trades, public.aggregates)
        told.trades.append(Match(rules.symbol, price, lots, quote, taker.terms.side, *orders, *fees, *counts))
        for order in (maker, taker):
            order.executed_lots += lots
            order.executed_quote += quote
            order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
            self.step(order, UpdateReason.FILLED, now_ns, told, self.trades)
        if maker.remaining == 0:
            self.resting.remove(maker)
        elif maker.shown == 0:
            self.refill(maker, now_ns, told)


def _end(order: Order) -> str:
    named = (ExpireReason.WORKING_ORDER_ENDED, ExpireReason.REFUSED_AT_TRIGGER)
    if order.status is OrderStatus.EXPIRED and order.expire_reason in named:
        return str(order.expire_reason.name.lower())
    return order.status.name.lower()
