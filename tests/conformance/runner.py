"""Runs one conformance case through a real venue; the first thing that comes out otherwise is a `Difference`."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    ExpireDue,
    ListType,
    OrderType,
    PlaceList,
    PlaceOrder,
    RunTriggered,
    SetMarket,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Conditions
from exchange.core.events import Duplicate, Event, OrderStatus, OrderUpdated, Rejected, Trade, UpdateReason
from exchange.core.instrument import Asset, Instrument, instrument_of
from exchange.core.ledger import FEES
from exchange.core.outcome import Applied, Outcome
from exchange.core.venue import Venue
from tests.conformance.cases import Case, Step

PLENTY = 10**30
STATES = {
    "open": {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING},
    "pending_trigger": {OrderStatus.PENDING},
    "filled": {OrderStatus.FILLED},
    "cancelled": {OrderStatus.CANCELED, OrderStatus.EXPIRED},
}
REFUSED_AS = {
    "BAD_SIZE": "OUT_OF_RANGE",
    "BAD_LOT": "OFF_LOT",
    "MATCHING_REDUCE_FAILED_WRONG_SIZE": "OUT_OF_RANGE",
    "INSUFFICIENT_FUNDS": "INSUFFICIENT_BALANCE",
    "DUPLICATE_ORDER_ID": "CLIENT_ORDER_ID_CONFLICT",
    "MATCHING_UNKNOWN_ORDER_ID": "UNKNOWN_ORDER",
    "INVALID_STOP": "WOULD_TRIGGER",
}
REFUSED_LIST_AS = {"INVALID_STOP": "LIST_PRICES"}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}


@dataclass(frozen=True)
class Difference(Exception):
    """Where this exchange does otherwise: the number of the step, from 1, what was expected, and what it did."""

    step: int
    expected: str
    here: str

    def __str__(self) -> str:
        return f"step {self.step}: expected {self.expected}; here {self.here}"


@dataclass
class Told:
    """What a step came to, in the words of the cases."""

    refusal: str | None = None
    trades: list[dict[str, object]] = field(default_factory=list)
    triggered: list[str] = field(default_factory=list)
    then_trades: list[dict[str, object]] = field(default_factory=list)  # of what was triggered
    ended: int = 0  # orders that were canceled
    last: OrderUpdated | None = None  # of the order that the step was about


class Run:
    """A venue with one market, and what the case calls its orders."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.venue = Venue()
        self.rules = market_of(case.symbol)
        self.names: dict[int, str] = {}
        self.owners: dict[str, str] = {}
        self.orders: dict[str, OrderUpdated] = {}
        self.last_price: int | None = None
        self.at = 0
        self.executed: dict[int, dict[str, dict[str, int]]] = {}
        self.deposits = 0
        self.now_ns = 0
        for command in (AddAsset(self.rules.base), AddAsset(self.rules.quote), SetMarket(self.rules)):
            self._do(command)

    def run(self) -> None:
        """Every step in turn; raises the first Difference."""
        for number, step in enumerate(self.case.steps, 1):
            self.at = number
            getattr(self, "_" + step["op"])(step)
            self.venue.check()

    def _do(self, command: Command) -> Outcome:
        self.now_ns = max(self.now_ns, self.venue.time_ns + 1)
        return self.venue.apply(command, self.venue.sequence + 1, self.now_ns)

    def _expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise Difference(self.at, f"{what} {expected}", f"{what} {found}")

    # --- what happens

    def _user(self, step: Step) -> str:
        if self.case.about_users:
            return str(step.get("user") or "somebody")
        order_id = str(step["id"])
        user = f"{step['user']}-{order_id}" if "user" in step else f"owner-{order_id}"
        return self.owners.get(order_id, user) if "user" not in step else user

    def _fund(self, user: str) -> None:
        if self.venue.ledger.has_user(user):
            return
        self._do(AddUser(user))
        if not any(step["op"] == "deposit" for step in self.case.steps):
            for asset in (self.rules.base, self.rules.quote):
                self._pay_in(user, asset.symbol, PLENTY)

    def _pay_in(self, user: str, asset: str, amount: int) -> None:
        self.deposits += 1
        assert isinstance(self._do(Deposit(user, asset, amount, str(self.deposits))), Applied)

    def _deposit(self, step: Step) -> None:
        for asset, amount in step["amounts"].items():
            self._pay_in(step["user"], asset, amount)

    def _new(self, step: Step) -> None:
        user = self._user(step)
        self._fund(user)
        at_market, stop, expires = step["type"] == "market", step.get("stop_price"), step.get("expires")
        order_type = OrderType.MARKET if at_market else OrderType.LIMIT
        if stop is not None:
            order_type = OrderType.STOP_LOSS if at_market else OrderType.STOP_LOSS_LIMIT
        terms = PlaceOrder(
            user,
            self.rules.symbol,
            SIDES[step["side"]],
            order_type,
            TimeInForce.IOC if at_market else TimeInForce["GTD" if expires else step["tif"]],
            bool(step.get("post_only")),
            step.get("price"),
            step["qty"],
            step["id"],
            Conditions(stop_ticks=stop, expire_ns=_ns(expires) if expires else None) if stop or expires else None,
        )
        outcome = self._do(terms)
        if isinstance(outcome, Applied):
            self.owners.setdefault(step["id"], user)
        self._judge(step, self._told(step["id"], outcome))

    def _new_oco(self, step: Step) -> None:
        """A limit order and a stop with a limit, of which the first has the name of the case."""
        user, side = self._user(step), SIDES[step["side"]]
        self._fund(user)
        profit = PlaceOrder(
            *(user, self.rules.symbol, side, OrderType.LIMIT, TimeInForce.GTC, False),
            *(step["price"], step["qty"], step["id"]),
        )
        loss = PlaceOrder(
            *(user, self.rules.symbol, side, OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, False),
            *(step["stop_limit_price"], step["qty"], None, Conditions(stop_ticks=step["stop_price"])),
        )
        outcome = self._do(PlaceList(user, self.rules.symbol, ListType.OCO, (profit, loss), None))
        if isinstance(outcome, Applied):
            self.owners.setdefault(step["id"], user)
        self._judge(step, self._told(step["id"], outcome), REFUSED_LIST_AS)

    def _time(self, step: Step) -> None:
        """It is that time, and what is due then has ended."""
        self.now_ns = max(self.now_ns, _ns(step["now"]))
        self._do(ExpireDue(self.rules.symbol, 1_000))

    def _clear(self, step: Step) -> None:
        """All cancel all they have."""
        canceled: list[OrderUpdated] = []
        for user in dict.fromkeys(self.owners.values()):
            outcome = self._do(CancelAll(user, self.rules.symbol))
            if isinstance(outcome, Applied):
                canceled += [event for event in outcome.events if isinstance(event, OrderUpdated)]
        expect = step["expect"]
        self._expect("cancelled", [self.names[order.order_id] for order in canceled], expect["cancelled_ids"])
        self._expect("cancelled", [remaining(order) for order in canceled], expect["cancelled_qtys"])

    def _set_last_price(self, step: Step) -> None:
        """Two who have nothing to do with the case trade at that price."""
        for user, side in (("one", Side.SELL), ("another", Side.BUY)):
            self._fund(user)
            limit = OrderType.LIMIT, TimeInForce.GTC, False, step["price"]
            outcome = self._do(PlaceOrder(user, self.rules.symbol, side, *limit, 1, None))
            assert isinstance(outcome, Applied)
            traded = any(isinstance(event, Trade) for event in outcome.events)
        assert traded
        self.last_price = step["price"]

    def _cancel(self, step: Step) -> None:
        before, expect, user = self.orders.get(step["id"]), step.get("expect", {}), self._user(step)
        self._fund(user)
        told = self._told(step["id"], self._do(CancelOrder(user, self.rules.symbol, None, step["id"])))
        if told.refusal == "UNKNOWN_ORDER" and "ok" not in expect and before is not None:
            told = Told(last=before)  # it was closed already, and all that is expected is how it stands
        self._judge(step, told)
        if "removed_qty" in expect and before is not None:
            self._expect("removed", remaining(before), expect["removed_qty"])

    def _reduce(self, step: Step) -> None:
        before = self.orders.get(step["id"])
        by = step["by"] if "by" in step or before is None else remaining(before) - step["to"]
        self._amend(step, AmendOrder(*self._named(step), reduce_lots=by, key=str(self.at)), before)

    def _replace(self, step: Step) -> None:
        """A new price, and a total that is so much more or less."""
        before, delta = self.orders.get(step["id"]), step.get("qty_delta", 0)
        quantity_lots = before.terms.quantity_lots + delta if delta and before is not None else None
        command = AmendOrder(*self._named(step), quantity_lots=quantity_lots, price_ticks=step.get("price"))
        self._amend(step, command, before)

    def _named(self, step: Step) -> tuple[str, str, None, str]:
        return self._user(step), self.rules.symbol, None, step["id"]

    def _amend(self, step: Step, command: AmendOrder, before: OrderUpdated | None) -> None:
        self._fund(command.user_id)
        told = self._told(step["id"], self._do(command))
        self._judge(step, told)
        if "removed_qty" in step["expect"] and before is not None and told.last is not None:
            after = 0 if told.last.status in STATES["cancelled"] else remaining(told.last)
            self._expect("removed", remaining(before) - after, step["expect"]["removed_qty"])

    def _told(self, name: str, outcome: Outcome) -> Told:
        self.executed[self.at] = defaultdict(lambda: {"qty": 0, "cost": 0})
        if isinstance(outcome, Rejected):
            return Told(refusal=outcome.reason.value)
        if isinstance(outcome, Duplicate):
            return Told(last=self.orders[name])
        told = Told()
        if outcome is not None:
            told.trades = self._note(name, outcome.events, told)
        while self.venue.markets[self.rules.symbol].triggers.ready:
            entered = self._do(RunTriggered(self.rules.symbol, 1))
            assert isinstance(entered, Applied)
            told.then_trades += self._note(name, entered.events, told)
        told.last = self.orders[name]
        return told

    def _note(self, name: str, events: list[Event], told: Told) -> list[dict[str, object]]:
        """Note what became of each order; returns the trades. An order that is new has that name."""
        trades: list[dict[str, object]] = []
        for event in events:
            if isinstance(event, OrderUpdated):
                known_as = self.names.setdefault(event.order_id, name)
                self.orders[known_as] = event
                if event.reason is UpdateReason.TRIGGERED:
                    told.triggered.append(known_as)
                told.ended += event.status is OrderStatus.CANCELED
            elif isinstance(event, Trade):
                maker, taker = self.names[event.maker_order_id], self.names[event.taker_order_id]
                trades.append({"maker": maker, "taker": taker, "price": event.price_ticks, "qty": event.quantity_lots})
                self.last_price = event.price_ticks
                for order in (maker, taker):
                    self.executed[self.at][order]["qty"] += event.quantity_lots
                    self.executed[self.at][order]["cost"] += event.quantity_lots * event.price_ticks
        return trades

    # --- what is expected of it

    def _judge(self, step: Step, told: Told, refused_as: dict[str, str] = REFUSED_AS) -> None:
        expect = step.get("expect", {})
        refused = not expect.get("ok", "reject" not in expect)
        if told.refusal is not None and not refused:
            raise Difference(self.at, "to be taken", f"refused: {told.refusal}")
        if refused:
            reason = expect.get("reject")
            wanted = refused_as[reason] if reason else told.refusal
            if told.refusal is None or told.refusal != wanted:
                raise Difference(self.at, f"refused: {wanted}", f"refused: {told.refusal}" if told.refusal else "taken")
        if "trades" in expect:
            self._expect("trades", told.trades, expect["trades"])
        for name in ("triggered", "then_trades"):
            if name in expect:
                self._expect(name, getattr(told, name), expect[name])
        if "cancels_both_legs" in expect:
            self._expect("cancels both legs", told.ended == 2, expect["cancels_both_legs"])
        if "n_trades" in expect:
            self._expect("trades", len(told.trades), expect["n_trades"])
        if "matched_qty" in expect:
            matched = sum(int(str(trade["qty"])) for trade in told.trades)
            self._expect("matched", matched, expect["matched_qty"])
        if "matched" in expect:
            self._expect("matched", bool(told.trades), expect["matched"])
        for name, sums in expect.get("exec", {}).items():
            self._expect(f"executed of {name}", dict(self.executed[self.at][name]), sums)
        if not refused:
            self._judge_order(expect, told)

    def _judge_order(self, expect: dict[str, Any], told: Told) -> None:
        order = told.last
        assert order is not None
        if "state" in expect and order.status not in STATES[expect["state"]]:
            raise Difference(self.at, expect["state"], order.status.name.lower())
        if "filled_qty" in expect:
            self._expect("filled", order.executed_lots, expect["filled_qty"])
        if "cancelled_qty" in expect:
            expired = remaining(order) if order.status in STATES["cancelled"] else 0
            self._expect("cancelled", expired, expect["cancelled_qty"])

    def _check_book(self, step: Step) -> None:
        book = self.venue.markets[self.rules.symbol].book
        for name, side in (("bids", book.bids), ("asks", book.asks)):
            expected = step[name]
            found = [[level.price_ticks, level.total_lots, len(list(level))] for level in side]
            if not step.get(f"{name}_end"):
                found = found[: len(expected)]
            shown = [row[: len(expected[i])] if i < len(expected) else row for i, row in enumerate(found)]
            self._expect(name, shown, expected)

    def _check_count(self, step: Step) -> None:
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
            if name in step:
                orders = self.venue.markets[self.rules.symbol].book.orders.values()
                self._expect(name, sum(order.terms.side is side for order in orders), step[name])

    def _check_front(self, step: Step) -> None:
        best = self.venue.markets[self.rules.symbol].book.sides[SIDES[step["side"]]].best
        first = best.first if best else None
        if "id" in step:
            self._expect("front", first and self.names[first.order_id], step["id"])
        if "open_qty" in step:
            self._expect("front", first and first.remaining_lots, step["open_qty"])

    def _check_order(self, step: Step) -> None:
        order = self.orders[step["id"]]
        resting = self.venue.markets[self.rules.symbol].book.orders.get(order.order_id) is not None
        if "state" in step and order.status not in STATES[step["state"]]:
            raise Difference(self.at, step["state"], order.status.name.lower())
        found = {
            "resting": resting,
            "open_qty": remaining(order) if resting else 0,
            "filled_qty": order.executed_lots,
            "order_qty": order.terms.quantity_lots,
            "price": order.terms.price_ticks,
        }
        for key in found.keys() & step.keys():
            self._expect(key, found[key], step[key])

    def _check_balance(self, step: Step) -> None:
        for asset, amount in step["available"].items():
            found = self.venue.ledger.account(step["user"], asset).available
            self._expect(f"{step['user']}'s {asset}", found, amount)

    def _check_fees_collected(self, step: Step) -> None:
        self._expect("fees", self.venue.ledger.account(FEES, step["asset"]).available, step["amount"])

    def _check_last_price(self, step: Step) -> None:
        self._expect("last price", self.last_price, step["price"])

    def _expect_exec(self, step: Step) -> None:
        for name, sums in step["exec"].items():
            found = {"qty": 0, "cost": 0}
            for number, executed in self.executed.items():
                if number >= step["since"]:
                    found = {key: found[key] + executed.get(name, {}).get(key, 0) for key in found}
            self._expect(f"executed of {name}", found, sums)


def _ns(text: str) -> int:
    """A time of a case, in nanoseconds since the epoch."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def remaining(order: OrderUpdated) -> int:
    """What the order had not filled."""
    return order.terms.quantity_lots - order.executed_lots


def market_of(symbol: dict[str, Any]) -> Instrument:
    """The market of a case: a tick times a lot is as many quote minor units as the case says, usually one."""
    lot_minor, unit = symbol.get("base_per_lot", 1), symbol.get("quote_per_price_step_per_lot", 1)
    decimals = len(str(lot_minor)) - 1
    assert lot_minor == 10**decimals
    base, quote = Asset(symbol.get("base", "BASE"), decimals), Asset(symbol.get("quote", "QUOTE"), 0)
    name = f"{base.symbol}_{quote.symbol}"
    return instrument_of(name, base, quote, tick_size=str(unit), lot_size="1", max_open_orders=10**6)
