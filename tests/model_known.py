"""What the model knows: users, money, orders and counts, and what can be read of them."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

from exchange.core.administration import ApiKey
from exchange.core.amendments import AmendOrder
from exchange.core.commands import Deposit, PlaceOrder, Side
from exchange.core.instrument import Asset, FeeAsset, Instrument
from exchange.core.money import RequestWithdrawal, ResetUser, TransferFunds, WithdrawalStatus
from exchange.core.venue_filters import VenueFilters
from tests.model_records import CANDLES_S, FEES, Account, Level, ListOf, Order, Public

Rates = tuple[int, int]  # of makers and takers, in ppm
Keyed = Deposit | RequestWithdrawal | TransferFunds | ResetUser


@dataclass
class Withdrawn:
    """A withdrawal as it is now."""

    request: RequestWithdrawal
    requested_ns: int
    status: WithdrawalStatus = WithdrawalStatus.PENDING
    ended_ns: int | None = None


class Known:
    """All of it, and nothing that happens."""

    def __init__(self, client_ids_max: int, keys_max: int, reductions_max: int, told_max: int) -> None:
        self.client_ids_max = client_ids_max
        self.keys_max = keys_max
        self.reductions_max = reductions_max
        self.told_max = told_max
        self.users: set[str] = set()
        self.disabled: set[str] = set()
        self.own_met: list[tuple[Order, int, int]] = []  # by the last walk: the maker, what the taker and it lose
        self.prevented = 0
        self.amendments = 0
        self.names: list[tuple[Order, str]] = []  # all client order ids that were ever accepted, and whose
        self.reductions: list[tuple[AmendOrder, Order, PlaceOrder]] = []  # with the terms of before
        self.keys: list[ApiKey] = []
        self.assets: dict[str, Asset] = {}
        self.rules: dict[str, Instrument] = {}
        self.bounds = VenueFilters()  # on what a user has open in all markets
        self.by_call: set[str] = set()  # markets whose rules somebody has set while the venue ran
        self.tiers: dict[str, str] = {}  # of users
        self.tier_fees: dict[tuple[str, str], Rates] = {}  # by market and tier
        self.worths: dict[str, tuple[int, int]] = {}
        self.totals: Counter[Account] = Counter()
        self.accounts: set[Account] = set()  # that ever held anything
        self.fees: Counter[str] = Counter()
        self.supplies: Counter[str] = Counter()  # how much of each asset has come in and not gone out
        self.keyed: list[Keyed] = []  # all that was carried out under a key
        self.withdrawals: list[Withdrawn] = []
        self.orders: list[Order] = []  # all that were ever taken
        self.resting: list[Order] = []  # the books, in the order in which the orders came to rest
        self.waiting: list[Order] = []  # for a price, or to enter
        self.ready: list[Order] = []  # those of them that are to enter, in that order
        self.unjudged: dict[str, list[tuple[int, int]]] = {}  # of a market, the trades that are not done with
        self.judged = 0  # trades, done with or not
        self.timers: list[tuple[str, str | None, int]] = []  # the user, the market or all, and when
        self.rounds: dict[str, tuple[set[Side], int]] = {}  # of those that follow the book: sides, the last one done
        self.priorities = 0  # how many were given
        self.trades = 0
        self.public: dict[str, Public] = defaultdict(Public)
        self.prices: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # minute, price and lots of each trade
        self.order_steps: Counter[str] = Counter()
        self.lists: list[ListOf] = []  # all that were ever taken
        self.list_counts: Counter[str] = Counter()
        self.coming = 0  # orders of a list that come besides the one that is judged

    def worth_of(self, market: str) -> tuple[int, int]:
        """A lot in minor units of the base, and a tick times a lot in minor units of the quote; they never change."""
        if market not in self.worths:
            self.worths[market] = self._worth_of(self.rules[market])
        return self.worths[market]

    @staticmethod
    def _worth_of(rules: Instrument) -> tuple[int, int]:
        lot = Fraction(rules.lot, 10**rules.quantity_decimals)
        tick = Fraction(rules.tick, 10**rules.price_decimals)
        base_minor, quote_minor = lot * 10**rules.base.decimals, tick * lot * 10**rules.quote.decimals
        assert base_minor.denominator == quote_minor.denominator == 1
        return base_minor.numerator, quote_minor.numerator

    def locked(self, user: str, asset: str) -> int:
        """What the user's open orders and pending withdrawals still need of the asset; of a list the largest need."""
        need, of_lists = self.withdrawing(user, asset), Counter[int]()
        for order in (*self.resting, *self.waiting):
            if order.terms.user_id != user or order.for_list:
                continue
            needs = self._locked_by(order, asset)
            if order.of is None:
                need += needs
            else:
                of_lists[order.of.number] = max(of_lists[order.of.number], needs)
        return need + sum(of_lists.values())

    def _locked_by(self, order: Order, asset: str) -> int:
        need = 0
        if order.terms.price_ticks is not None or order.pegged or order.terms.side is not Side.BUY:
            rules = self.rules[order.terms.market]
            lot_worth, unit = self.worth_of(rules.symbol)
            if order.terms.side is Side.BUY and rules.quote.symbol == asset:
                need += order.locking * order.remaining * unit
                if rules.fee_asset is FeeAsset.QUOTE:
                    need += order.remaining * fee(order.locking * unit, max(order.maker_ppm, order.taker_ppm))
            if order.terms.side is Side.SELL and rules.base.symbol == asset:
                need += order.remaining * lot_worth
        return need

    def rates_of(self, terms: PlaceOrder) -> Rates:
        """What an order pays that enters now: the rates of its user's tier, or else those of its market."""
        rules, tier = self.rules[terms.market], self.tiers.get(terms.user_id, "")
        return self.tier_fees.get((terms.market, tier), (rules.maker_fee_ppm, rules.taker_fee_ppm))

    def needs_of(self, terms: PlaceOrder) -> tuple[str, int]:
        """What an order that waits locks, and of which asset."""
        rules, (lot_worth, unit) = self.rules[terms.market], self.worth_of(terms.market)
        if terms.side is Side.SELL:
            return rules.base.symbol, terms.quantity_lots * lot_worth
        price = terms.price_ticks or 0
        fees = fee(price * unit, max(self.rates_of(terms)))
        each = price * unit + (fees if rules.fee_asset is FeeAsset.QUOTE else 0)
        return rules.quote.symbol, terms.quantity_lots * each

    def open_count(self, terms: PlaceOrder) -> int:
        """How many open orders the user has in the market."""
        orders = (*self.resting, *self.waiting)
        mine = [o for o in orders if (o.terms.user_id, o.terms.market) == (terms.user_id, terms.market)]
        return len(mine) + self.coming

    def available(self, user: str, asset: str) -> int:
        """What the user may still spend of the asset."""
        return self.total(user, asset) - self.locked(user, asset)

    def total(self, user: str, asset: str) -> int:
        """What the user has of the asset."""
        return self.fees[asset] if user == FEES else self.totals[user, asset]

    def withdrawing(self, user: str, asset: str) -> int:
        """What pending withdrawals of the user need of the asset."""
        pending = [found.request for found in self.withdrawals if found.status is WithdrawalStatus.PENDING]
        return sum(asked.amount_minor for asked in pending if (asked.user_id, asked.asset) == (user, asset))

    def supply(self, asset: str) -> int:
        """How much of the asset is here: no balance can be more, whoever trades with whom."""
        return self.supplies[asset]

    def remembered_keys(self) -> list[Keyed]:
        """What was done under keys that are still known: all that a configuration makes, then the last others."""
        seeds = [command for command in self.keyed if command.key.startswith("config:")]
        others = [command for command in self.keyed if not command.key.startswith("config:")]
        return seeds + others[-self.keys_max :]

    def note_withdrawal(self, command: RequestWithdrawal, now_ns: int) -> None:
        """Remember a withdrawal that is pending."""
        self.withdrawals.append(Withdrawn(command, now_ns))

    def known_withdrawals(self) -> list["Withdrawn"]:
        """Those that are pending, or whose keys are still known."""
        remembered = [id(command) for command in self.remembered_keys()]
        return [
            found
            for found in self.withdrawals
            if found.status is WithdrawalStatus.PENDING or id(found.request) in remembered
        ]

    def balances(self) -> dict[Account, tuple[int, int]]:
        """Available and locked of every account that ever held something."""
        locked = {(user, asset): self.locked(user, asset) for user, asset in self.accounts}
        return {account: (self.total(*account) - amount, amount) for account, amount in locked.items()}

    def levels(self) -> dict[Level, int]:
        """The total of every price level there is."""
        totals: Counter[Level] = Counter()
        for order in self.resting:
            totals[order.terms.market, order.terms.side, order.limit] += order.shown
        return dict(totals)

    def best(self, market: str) -> list[tuple[int, int] | None]:
        """The best bid and the best ask of a market, as price and total."""
        levels = self.levels()
        bids = {price: total for (name, side, price), total in levels.items() if (name, side) == (market, 0)}
        asks = {price: total for (name, side, price), total in levels.items() if (name, side) == (market, 1)}
        bid, ask = max(bids, default=0), min(asks, default=0)
        return [(bid, bids[bid]) if bids else None, (ask, asks[ask]) if asks else None]

    def count_trade(self, market: str, now_ns: int) -> None:
        """Count a trade, and the candles that it begins."""
        public = self.public[market]
        for i, interval_s in enumerate(CANDLES_S):
            interval_ns = interval_s * 10**9
            public.candles[i] += public.trades == 0 or now_ns // interval_ns != public.last_trade_ns // interval_ns
        public.trades += 1
        public.last_trade_ns = now_ns


def fee(amount: int, ppm: int) -> int:
    """The fee on an amount: rounded up, and never more than that; of a rebate, below zero, less is paid."""
    if ppm < 0:
        return -(amount * -ppm // 1_000_000)
    exact, rest = divmod(amount * ppm, 1_000_000)
    return min(amount, exact + (1 if rest else 0))
