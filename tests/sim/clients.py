"""Clients that trade, repeat a request until it is answered, and record the answers."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from exchange.core.administration import (
    ApiKey,
    CreateKey,
    KeyType,
    Origin,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    OrderType,
    PlaceList,
    PlaceOrder,
    ReplaceMode,
    ReplaceOrder,
    SetMarket,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Conditions, PegTo, SelfTrade
from exchange.core.events import Duplicate, OrderUpdated, Rejected, RejectReason
from exchange.core.instrument import Asset, MarketStatus, instrument_of
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.outcome import Replaced
from exchange.core.timers import CancelAllAfter
from exchange.core.venue_filters import SetVenueFilters, VenueFilters
from exchange.pipeline.commits import Applied
from exchange.pipeline.outcomes import OVERLOADED
from tests.sim.lists import Lists, list_of
from tests.sim.world import MARKETS, UNANSWERED, USERS, World
from tests.words import summary, words

WAITING = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
KINDS = (
    *(("place",) * 12 + ("cancel",) * 3 + ("amend",) * 2 + ("replace",) * 2),
    *("again", "batch", "batch", "cancel all", "deposit", "status", "administer", "withdraw", "give", "list"),
    *("reset", "timer", "hang up", "orders", "orders", "orders", "orders again"),
)
ROOT = Origin("root", "127.0.0.1")
SOCKETS = (1, 2)  # that orders are bound to


@dataclass
class Notes:
    """What a client was told."""

    orders: dict[str, int] = field(default_factory=dict)  # order_id by client_order_id
    terms: dict[str, PlaceOrder] = field(default_factory=dict)
    refused: dict[str, RejectReason] = field(default_factory=dict)
    last: dict[int, tuple[int, OrderUpdated]] = field(default_factory=dict)  # (sequence, order) by order_id
    canceled: dict[int, int] = field(default_factory=dict)  # the sequence of an acknowledged cancel, by order_id
    reduced: Counter[int] = field(default_factory=Counter)  # by a lot each time, by order_id
    deposits: dict[str, int] = field(default_factory=dict)
    moved: dict[str, tuple[str | None, int]] = field(default_factory=dict)  # by key: whom it went to, and how much
    asked: dict[str, int] = field(default_factory=dict)  # withdrawals by key
    resets: dict[str, int] = field(default_factory=dict)  # of guests: what they have since
    keys: dict[str, bool] = field(default_factory=dict)  # whether each was revoked
    fees: dict[str, int] = field(default_factory=dict)  # the taker fee of each market that was added
    lists: Lists = field(default_factory=Lists)
    timers: int = 0  # that were asked for
    sequence: int = 0  # the newest that was seen
    answers: int = 0


class Client:
    """One user."""

    def __init__(self, world: World, user: str) -> None:
        self.user = user
        self.notes = Notes()
        self.asked = 0
        self.unanswered = 0
        self._world = world
        self._script = world.script

    async def run(self, steps: int) -> None:
        """Do so many things, some at once."""
        await asyncio.gather(self._steps(range(0, steps, 2)), self._steps(range(1, steps, 2)))

    async def _steps(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            name = f"{self.user}-{number}"
            chance = self._script.chance(f"step {name}")
            await asyncio.sleep(chance.expovariate(4))
            kind = chance.choice(KINDS)
            if self._script.happens(f"step {name}", kind):
                await self._step(kind, name, chance)

    async def _step(self, kind: str, name: str, chance: Random) -> None:
        market = chance.choice(MARKETS)
        match kind:
            case "place":
                await self.insist([self._order(market, name, chance)], chance)
            case "again" if self.notes.terms:
                terms = chance.choice(list(self.notes.terms.values()))
                other = chance.random() < 0.3
                terms = replace(terms, quantity_lots=terms.quantity_lots + 1) if other else terms
                await self.insist([terms], chance, other)
            case "batch":
                orders = [self._order(chance.choice(MARKETS), f"{name}.{item}", chance) for item in range(3)]
                await self.insist(orders, chance)
            case "amend" if self.notes.orders:
                await self.insist([self._amendment(name, chance)], chance)
            case "replace" if self.notes.orders:
                old, order_id = chance.choice(list(self.notes.orders.items())[-6:])
                terms = self._order(self.notes.terms[old].market, name, chance)
                by_name = chance.random() < 0.5
                cancel = CancelOrder(self.user, terms.market, None if by_name else order_id, old if by_name else None)
                await self.insist([ReplaceOrder(cancel, terms, chance.choice(list(ReplaceMode)))], chance)
            case "cancel all":
                await self.insist([CancelAll(self.user, each) for each in MARKETS], chance)
            case "timer":
                wait_ms = chance.choice((0, 1, 500, 3_000, 20_000))
                self.notes.timers += 1
                await self.insist([CancelAllAfter(self.user, chance.choice((None, market)), wait_ms)], chance)
            case "hang up":
                server = await self._world.serving()
                for each in MARKETS:
                    server.exchange.engine.end_socket(each, chance.choice(SOCKETS))
            case "status":
                await self._close_for_a_while(market, chance)
            case "deposit":
                await self.insist([Deposit(self.user, "CASH", chance.randrange(1, 900), name)], chance)
            case "administer":
                await self._administer(name, chance)
            case "withdraw":
                await self._withdraw(name, chance)
            case "give":
                given = (chance.choice(USERS), "CASH", chance.randrange(0, 900), name, ROOT)
                await self.insist([TransferFunds(self.user, *given)], chance)
            case "list":
                await self._list(name, chance)
            case "orders":
                now_ns = self._world.now_ns()
                await self.insist([list_of(self.user, market, name, now_ns, chance)], chance)
            case "orders again" if self.notes.lists.placed:
                await self.insist([chance.choice(list(self.notes.lists.placed.values()))], chance)
            case "reset":
                await self._reset(f"{name}.guest", chance)
            case _ if self.notes.orders:
                placed, order_id = chance.choice(list(self.notes.orders.items())[-6:])
                ids: tuple[int | None, str | None] = (None, placed) if chance.random() < 0.5 else (order_id, None)
                only_if = chance.choice((None, None, None, True, False))
                await self.insist(
                    [CancelOrder(self.user, self.notes.terms[placed].market, ids[0], ids[1], only_if)], chance
                )

    async def _close_for_a_while(self, market: str, chance: Random) -> None:
        """Change what a market takes, and open it again; another user may do the same meanwhile."""
        origin = chance.choice((None, ROOT))
        await self.insist([SetMarketStatus(market, chance.choice(list(MarketStatus)), origin)], chance)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        await self.insist([SetMarketStatus(market, MarketStatus.TRADING, origin)], chance)

    async def _withdraw(self, name: str, chance: Random) -> None:
        """Ask for a withdrawal, and settle or release it after a while; or leave it pending."""
        await self.insist([RequestWithdrawal(self.user, "CASH", chance.randrange(1, 900), name, ROOT)], chance)
        await asyncio.sleep(chance.uniform(0, 0.5))
        if chance.random() < 0.8:
            await self.insist([EndWithdrawal(name, chance.random() < 0.5, ROOT)], chance)

    async def _reset(self, guest: str, chance: Random) -> None:
        """Have a guest, who waits for a price that never comes and asks for a withdrawal; then reset the guest."""
        await self.insist([Deposit(guest, "CASH", 900, f"{guest}.first")], chance)
        waits = Conditions(stop_ticks=10**6)
        terms = (Side.BUY, OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, False, 2, 3, guest, waits)
        await self.insist([PlaceOrder(guest, "COIN_CASH", *terms)], chance)
        await self.insist([RequestWithdrawal(guest, "CASH", 100, f"{guest}.out", ROOT)], chance)
        await self.insist([ResetUser(guest, (("CASH", chance.randrange(50)),), f"{guest}.reset", ROOT)], chance)

    async def _list(self, name: str, chance: Random) -> None:
        """Add an asset and a market, which nobody trades in."""
        asset, cash = Asset(name.replace("-", ""), 2), Asset("CASH", 2)
        rules = instrument_of(f"{asset.symbol}_CASH", asset, cash, tick_size="0.01", lot_size="1")
        await self.insist([AddAsset(asset, ROOT)], chance)
        await self.insist([SetMarket(rules, ROOT)], chance)
        await self.insist([SetMarket(replace(rules, taker_fee_ppm=chance.randrange(3)), ROOT)], chance)

    async def _administer(self, name: str, chance: Random) -> None:
        """Be disabled for a moment, or have a key for a moment."""
        origin = ROOT
        if chance.random() < 0.5:
            await self.insist([SetUserStatus(self.user, True, origin)], chance)
            await asyncio.sleep(chance.uniform(0, 0.2))
            await self.insist([SetUserStatus(self.user, False, origin)], chance)
        elif chance.random() < 0.5:
            tier = chance.choice(("gold", "silver"))
            maker_ppm, taker_ppm = chance.choice(((0, 500), (1_000, 2_000), (7, 300_000), (None, None)))
            await self.insist([SetTierFees(chance.choice(MARKETS), tier, maker_ppm, taker_ppm, origin)], chance)
            await self.insist([SetUserTier(self.user, chance.choice((tier, tier, None)), origin)], chance)
        elif chance.random() < 0.3:
            bounds = VenueFilters(max_open_orders=chance.choice((0, 4, 9)), max_open_stops=chance.choice((0, 0, 1)))
            await self.insist([SetVenueFilters(bounds, origin)], chance)
        else:
            key = ApiKey(name, self.user, KeyType.ED25519, "cHVi", ("read", "trade"), None, ("::1",), None, 1)
            await self.insist([CreateKey(key, origin)], chance)
            await asyncio.sleep(chance.uniform(0, 0.2))
            if chance.random() < 0.7:
                await self.insist([RevokeKey(name, origin)], chance)

    def _amendment(self, name: str, chance: Random) -> AmendOrder:
        """A lot less of one of the last orders, or another price, which may cross."""
        placed, order_id = chance.choice(list(self.notes.orders.items())[-6:])
        ids: tuple[int | None, str | None] = (None, placed) if chance.random() < 0.5 else (order_id, None)
        market = self.notes.terms[placed].market
        if chance.random() < 0.5:
            return AmendOrder(self.user, market, *ids, reduce_lots=1, key=name)
        return AmendOrder(self.user, market, *ids, price_ticks=chance.randrange(2, 8))

    def _order(self, market: str, name: str, chance: Random) -> PlaceOrder:
        terms = chance.choice(
            ("gtc",) * 10 + ("ioc", "fok", "post", "market", "sum", "gtd", "wait", "wait", "peg", "peg")
        )
        times = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "market": TimeInForce.IOC, "sum": TimeInForce.IOC}
        side = chance.choice((Side.BUY, Side.SELL))
        price = chance.randrange(2, 7) + (0 if side is Side.BUY else chance.randrange(0, 2))
        mode = chance.choice((None,) * 5 + tuple(SelfTrade))
        quote_minor = chance.randrange(1, 3_000) if terms == "sum" else None
        if terms == "peg":
            return self._pegged(market, name, side, chance)
        if terms in ("gtd", "wait"):
            return self._later(market, name, (side, price, mode), terms == "gtd", chance)
        visible_lots = chance.choice((None, None, None, 1, 2, 4)) if terms in ("gtc", "post") else None
        asked = Conditions(mode, quote_minor, visible_lots=visible_lots, socket=chance.choice((None, None, *SOCKETS)))
        return PlaceOrder(
            self.user,
            market,
            side,
            OrderType.MARKET if terms in ("market", "sum") else OrderType.LIMIT,
            times.get(terms, TimeInForce.GTC),
            terms == "post",
            None if terms in ("market", "sum") else price,
            0 if terms == "sum" else chance.randrange(1, 12),
            name,
            None if asked == Conditions() and asked.socket is None else asked,
        )

    def _later(
        self, market: str, name: str, how: tuple[Side, int, SelfTrade | None], timed: bool, chance: Random
    ) -> PlaceOrder:
        """An order that has a time to end, or one that waits for a price."""
        (side, price, mode), order_type = how, OrderType.LIMIT
        conditions = Conditions(mode)
        if timed:
            conditions.expire_ns = self._world.now_ns() + chance.randrange(20 * 10**9)
        else:
            order_type = chance.choice(WAITING)
            conditions.trailing_ticks = chance.choice((None, None, 1, 2))
            conditions.stop_ticks = chance.randrange(2, 8) if conditions.trailing_ticks is None else None
        limit = order_type in (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        time_in_force = TimeInForce.GTD if timed else TimeInForce.GTC if limit else TimeInForce.IOC
        return PlaceOrder(
            *(self.user, market, side, order_type, time_in_force, False, price if limit else None),
            *(chance.randrange(1, 12), name, conditions),
        )

    def _pegged(self, market: str, name: str, side: Side, chance: Random) -> PlaceOrder:
        """An order whose price comes from the book, perhaps when it is triggered."""
        price = chance.randrange(2, 8)
        order = self._later(market, name, (side, price, None), False, chance)
        conditions = replace(
            order.conditions if chance.random() < 0.4 and order.conditions is not None else Conditions(),
            peg_to=chance.choice(tuple(PegTo)),
            peg_offset_ticks=chance.choice((None, None, 1)),
        )
        conditions.peg_levels = chance.choice((None, None, 1, 2)) if conditions.peg_offset_ticks is None else None
        conditions.peg_follows = chance.choice((None, 1))
        waits = conditions.stop_ticks is not None or conditions.trails
        return replace(
            order,
            order_type=chance.choice((OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT))
            if waits
            else OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price_ticks=chance.choice((None, price)) if conditions.peg_follows is None else price,
            conditions=conditions,
        )

    async def insist(self, commands: Sequence[Command], chance: Random, conflicting: bool = False) -> None:
        """Ask until there is an answer to every command."""
        open_commands = list(commands)
        while open_commands:
            server = await self._world.serving()
            self.asked += 1
            self._script.tell("; ".join(words(command) for command in open_commands))
            try:
                outcomes = await server.ask(open_commands)
            except UNANSWERED as error:
                self.unanswered += 1
                self._script.tell(f"{self.user} is not answered: {error.__class__.__name__}")
                await asyncio.sleep(chance.uniform(0.01, 1.0))
                continue
            pairs = list(zip(open_commands, outcomes, strict=True))
            open_commands = [command for command, outcome in pairs if outcome is OVERLOADED]
            for command, outcome in pairs:
                if outcome is not OVERLOADED:
                    self._note(command, outcome, conflicting)

    # --- what the answer says

    def _note(self, command: Command, outcome: Any, conflicting: bool) -> None:
        self._script.tell(f"{self.user} is told, of {_named(command)}: {_short(outcome)}")
        self.notes.answers += 1
        if isinstance(outcome, Applied):
            self._note_applied(outcome)
        match command:
            case PlaceOrder() | Deposit() | RequestWithdrawal() if command.user_id not in USERS:
                if not isinstance(command, PlaceOrder):
                    assert isinstance(outcome, Applied | Duplicate), outcome
            case PlaceOrder():
                self._note_order(command, outcome, conflicting)
            case PlaceList(orders=orders):
                self.notes.orders |= (ids := self.notes.lists.note(command, outcome))
                self.notes.terms |= {str(terms.client_order_id): terms for terms in orders if ids}
            case AmendOrder(order_id=order_id, client_order_id=placed) if command.key is not None:
                order_id = order_id or self.notes.orders[placed or ""]
                if not isinstance(outcome, Rejected):
                    self.notes.reduced[order_id] += 1
            case Deposit():
                assert isinstance(outcome, Applied | Duplicate)
                self.notes.deposits[command.key] = command.amount_minor
            case RequestWithdrawal() if isinstance(outcome, Applied | Duplicate):
                self.notes.asked[command.key] = command.amount_minor
            case TransferFunds() if isinstance(outcome, Applied | Duplicate):
                self.notes.moved[command.key] = command.to_user_id, command.amount_minor
            case EndWithdrawal():
                if command.key in self.notes.asked:
                    assert isinstance(outcome, Applied | None), outcome
                    if command.settles:
                        self.notes.moved[command.key] = None, self.notes.asked[command.key]
                else:
                    assert outcome == Rejected(RejectReason.UNKNOWN_WITHDRAWAL)
            case ReplaceOrder():
                if isinstance(outcome, Replaced):
                    if isinstance(outcome.canceled, OrderUpdated):
                        self.notes.canceled[outcome.canceled.order_id] = outcome.sequence
                    placing = outcome if isinstance(outcome.placed, OrderUpdated) else outcome.placed
                    self._note_order(command.place, placing, conflicting)
                else:
                    self._note_order(command.place, outcome, conflicting)
            case CancelOrder() | CancelAll() if isinstance(outcome, Applied):
                for event in outcome.events:
                    if isinstance(event, OrderUpdated):
                        self.notes.canceled[event.order_id] = outcome.sequence
            case _:
                self._note_administration(command, outcome)

    def _note_administration(self, command: Command, outcome: Any) -> None:
        match command:
            case ResetUser():
                assert isinstance(outcome, Applied | Duplicate), outcome
                self.notes.resets[command.user_id] = dict(command.balances)["CASH"]
            case CreateKey(key=key):
                assert isinstance(outcome, Applied) or outcome == Rejected(RejectReason.KEY_CONFLICT), outcome
                self.notes.keys[key.api_key] = False
            case RevokeKey(api_key=api_key):
                assert isinstance(outcome, Applied) or outcome == Rejected(RejectReason.UNKNOWN_KEY), outcome
                self.notes.keys[api_key] = True
            case SetMarket(instrument=rules):
                assert isinstance(outcome, Applied | None)
                self.notes.fees[rules.symbol] = rules.taker_fee_ppm
            case AddAsset():
                assert isinstance(outcome, Applied | None)
            case SetMarketStatus() | CancelAllAfter():
                assert isinstance(outcome, Applied | None)

    def _note_applied(self, outcome: Applied) -> None:
        self.notes.sequence = max(self.notes.sequence, outcome.sequence)
        for event in outcome.events:
            if isinstance(event, OrderUpdated) and event.terms.user_id in USERS:
                at = self.notes.last.get(event.order_id, (0, event))[0]
                if outcome.sequence >= at:
                    self.notes.last[event.order_id] = (outcome.sequence, event)

    def _note_order(self, command: PlaceOrder, outcome: Any, conflicting: bool) -> None:
        notes, name = self.notes, command.client_order_id
        assert name is not None
        known = notes.orders.get(name)
        if conflicting:
            expected = RejectReason.CLIENT_ORDER_ID_CONFLICT
            assert isinstance(outcome, Rejected | Applied), outcome
            if known is not None:
                assert outcome == Rejected(expected), f"{name} was taken"
                return
        if isinstance(outcome, Rejected):
            assert known is None, f"{name} was taken, and is now refused"
            assert outcome.reason is not RejectReason.CLIENT_ORDER_ID_CONFLICT
            notes.refused[name] = outcome.reason
            return
        order_id = outcome.order_id if isinstance(outcome, Duplicate) else outcome.order.order_id
        assert isinstance(order_id, int)
        assert known in (None, order_id), f"{name} is two orders"
        assert known is None or isinstance(outcome, Duplicate), f"{name} was carried out again"
        notes.orders[name] = order_id
        notes.terms[name] = command
        notes.refused.pop(name, None)


def _named(command: Command) -> str:
    match command:
        case PlaceOrder(client_order_id=name):
            return f"order {name}"
        case PlaceList(client_list_id=name):
            return f"list {name}"
        case CancelOrder(order_id=None, client_order_id=name):
            return f"the cancel of {name}"
        case CancelOrder(order_id=order_id):
            return f"the cancel of #{order_id}"
        case AmendOrder(order_id=None, client_order_id=name):
            return f"an amendment of {name}"
        case AmendOrder(order_id=order_id):
            return f"an amendment of #{order_id}"
        case ReplaceOrder(place=place):
            return f"replacement {place.client_order_id}"
        case CancelAll(market=market):
            return f"the cancel of all on {market}"
        case Deposit(key=key):
            return f"deposit {key}"
        case SetMarketStatus(market=market):
            return f"the status of {market}"
        case (
            CancelAllAfter()
            | SetTierFees()
            | SetUserTier()
            | SetUserStatus()
            | CreateKey()
            | RevokeKey()
            | RequestWithdrawal()
            | EndWithdrawal()
            | TransferFunds()
        ):
            return words(command)
        case ResetUser():
            return f"the reset of {command.user_id}"
        case AddAsset() | SetMarket() | SetVenueFilters():
            return words(command)
    raise AssertionError(command)


def _short(outcome: Any) -> str:
    return f"{summary(outcome)} at {outcome.sequence}" if isinstance(outcome, Applied) else summary(outcome)
