"""The auditor: knows only what clients were told, what the feeds said and what can be read, and adds it up."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.core.commands import Side
from exchange.core.events import BalanceChanged, OrderStatus
from exchange.core.venue import Venue
from tests.sim.clients import Client
from tests.sim.disk import Disk
from tests.sim.watcher import Book, Learned
from tests.sim.world import MARKETS, UNANSWERED, USERS, World


@dataclass
class Look:
    """Books, balances and open orders, read at one moment."""

    sequence: int
    books: dict[tuple[str, int], Book]
    balances: dict[tuple[str, int], dict[str, tuple[int, int]]]
    open_orders: dict[tuple[str, int], frozenset[int]]
    totals: dict[str, int]


def look(venue: Venue) -> Look:
    """What GET /depth, /balance and /orders/open would say, all at once."""
    books: dict[tuple[str, int], Book] = {}
    for symbol, market in venue.markets.items():
        bids, asks = (tuple(half.depth(len(half.levels))) for half in market.book.halves)
        books[symbol, market.book.sequence] = (bids, asks)
    balances, orders = {}, {}
    for user in USERS:
        counts = venue.ledger.user(user)
        accounts = [account.as_read() for account in venue.ledger.accounts_of(user)]
        balances[user, counts.balances_sequence] = {a.asset: (a.available_minor, a.locked_minor) for a in accounts}
        theirs = [order.order_id for market in venue.markets.values() for order in market.open_orders(user)]
        orders[user, counts.orders_sequence] = frozenset(theirs)
    totals: Counter[str] = Counter()
    for account in venue.ledger.accounts():
        totals[account.asset] += account.available + account.locked
    return Look(venue.sequence, books, balances, orders, dict(totals))


def agree(what: str, read: Mapping[Any, object], told: Mapping[Any, object]) -> None:
    """What is read, the feeds have told of the same count."""
    for key, value in read.items():
        assert key in told, f"the feed has not told the {what} of {key}, which can be read"
        assert told[key] == value, f"{what} of {key}: the feed says {told[key]}, the read {value}"


class Auditor:
    """Compares while it runs, and at the end."""

    def __init__(self, world: World, clients: list[Client], learned: Learned) -> None:
        self.looks = 0
        self._world = world
        self._clients = clients
        self._learned = learned

    async def look(self) -> bool:
        """Read everything at once, and compare it with the feeds at the same counts; whether that was answered."""
        server = await self._world.serving()
        seen = max(client.notes.sequence for client in self._clients)
        try:
            found = (await server.read(look))[0]
        except UNANSWERED:
            return False
        self.looks += 1
        assert found.sequence >= seen, "a client cannot read its own write"
        assert not any(found.totals.values()), f"money came or went: {found.totals}"
        learned = self._learned
        agree("book", found.books, learned.books)
        agree("balances", found.balances, learned.balances)
        agree("open orders", found.open_orders, learned.open_orders)
        return True

    def close(self) -> None:
        """After the end: what clients were told, against history."""
        disk = self._world.disk
        self._orders_are_there_once(disk)
        self._canceled_stays_canceled(disk)
        self._tape_equals_fills(disk)
        self._balances_add_up(disk)

    def _orders_are_there_once(self, disk: Disk) -> None:
        there: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for order in disk.orders.values():
            there[order.terms.user_id, order.terms.client_order_id].append(order.order_id)
        for client in self._clients:
            notes = client.notes
            for name, order_id in notes.orders.items():
                assert there.pop((client.user, name), []) == [order_id], f"{name} is there not exactly once"
                assert disk.orders[order_id].terms == notes.terms[name]
            for name in notes.refused:
                assert (client.user, name) not in there, f"{name} was refused, and is there"
            for order_id, (_, told) in notes.last.items():
                now = disk.orders[order_id]
                assert now.executed_lots >= told.executed_lots
                assert now.orders_sequence >= told.orders_sequence
                if told.status not in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
                    assert now == told, f"{order_id} was closed, and changed"
        assert not there, f"nobody asked for {dict(there)}"
        assert self._learned.accepted.keys() <= disk.orders.keys()

    def _canceled_stays_canceled(self, disk: Disk) -> None:
        canceled = {at: sequence for client in self._clients for at, sequence in client.notes.canceled.items()}
        for order_id in canceled:
            assert disk.orders[order_id].status is OrderStatus.CANCELED
        for trade in disk.trades:
            for order_id in (trade.maker_order_id, trade.taker_order_id):
                sequence = canceled.get(order_id, disk.sequence + 1)
                assert disk.trade_at[trade.trade_id] < sequence, f"{order_id} filled after its cancel was acknowledged"

    def _tape_equals_fills(self, disk: Disk) -> None:
        history = {trade.trade_id: trade for trade in disk.trades}
        for market in MARKETS:
            counts = [trade.trade_sequence for trade in disk.trades if trade.market == market]
            assert counts == list(range(1, len(counts) + 1))
        for trade_id, trade in self._learned.tape.items():
            assert history[trade_id] == trade, "the tape told of another trade"
        executed: Counter[int] = Counter()
        for trade in disk.trades:
            executed[trade.maker_order_id] += trade.quantity_lots
            executed[trade.taker_order_id] += trade.quantity_lots
        for (order_id, trade_id), trade in self._learned.fills.items():
            assert history[trade_id] == trade
            assert order_id in (trade.maker_order_id, trade.taker_order_id)
        for order in disk.orders.values():
            assert executed[order.order_id] == order.executed_lots

    def _balances_add_up(self, disk: Disk) -> None:
        """Every balance, from deposits and fills alone."""
        money: Counter[tuple[str, str]] = Counter()
        for deposit in disk.deposits:
            money[deposit.user_id, deposit.asset] += deposit.amount_minor
        told = {key: amount for client in self._clients for key, amount in client.notes.deposits.items()}
        kept = {d.key: d.amount_minor for d in disk.deposits if not d.key.startswith("config:")}
        assert told == kept, "deposits"
        for trade in disk.trades:
            rules = disk.markets[trade.market].instrument
            base, quote, lots = rules.base.symbol, rules.quote.symbol, trade.quantity_lots * rules.lot_minor
            taker, maker = (trade.taker_user_id, trade.taker_fee_minor), (trade.maker_user_id, trade.maker_fee_minor)
            (buyer, buyer_fee), (seller, seller_fee) = (
                (taker, maker) if trade.taker_side is Side.BUY else (maker, taker)
            )
            money[buyer, base] += lots - buyer_fee
            money[buyer, quote] -= trade.quote_minor
            money[seller, base] -= lots
            money[seller, quote] += trade.quote_minor - seller_fee
        empty = BalanceChanged("", "", 0, 0, 0, 0)
        for user in USERS:
            for asset in disk.assets:
                account = disk.accounts.get((user, asset), empty)
                assert account.available_minor + account.locked_minor == money[user, asset], (user, asset)
