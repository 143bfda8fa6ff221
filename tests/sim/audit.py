"""The auditor: compares what clients were answered, what the feeds sent and what can be read."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.core.client_ids import as_placed
from exchange.core.commands import Side
from exchange.core.conditions import SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, OrderUpdated
from exchange.core.instrument import MarketStatus
from exchange.core.venue import Venue
from tests.queries import Copy
from tests.sim.clients import Client
from tests.sim.lists import check_lists
from tests.sim.reads import Fill, Print, Reads
from tests.sim.watcher import Book, Learned, minute_of
from tests.sim.world import CONFIG, MARKETS, UNANSWERED, USERS, World


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
    for symbol, market in ((symbol, venue.markets[symbol]) for symbol in MARKETS):
        bids, asks = (tuple(side.depth(len(side.levels))) for side in market.book.sides)
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
            found = await server.read(Copy(look))
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

    def close(self, reads: Reads) -> None:
        """After the end: what clients were told and have heard, against what everybody can read."""
        orders = {order.order_id: order for theirs in reads.orders.values() for order in theirs}
        self._orders_are_there_once(reads, orders)
        self._canceled_stays_canceled(orders)
        self._what_ended_had_to(orders)
        self._tape_equals_fills(reads)
        self._minutes_are_the_tapes(reads)
        self._fills_make_orders(reads, orders)
        self._balances_add_up(reads)
        self._administration_stands(reads)
        # Whoever closes a market opens it again, and is answered.
        assert {rules.status for rules in reads.rules.values()} == {MarketStatus.TRADING}

    def _orders_are_there_once(self, reads: Reads, orders: dict[int, OrderUpdated]) -> None:
        there: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for user, theirs in reads.orders.items():
            for order in theirs:
                there[user, order.terms.client_order_id].append(order.order_id)
        for client in self._clients:
            notes = client.notes
            for name, order_id in notes.orders.items():
                found = there[client.user, name] if name in notes.lists.legs else there.pop((client.user, name), [])
                assert found == [order_id], f"{name} is there not exactly once"
                order = orders[order_id]
                assert as_placed(order.terms, order.progress) == notes.terms[name], f"{name} is there with other terms"
                less = notes.terms[name].quantity_lots - order.terms.quantity_lots
                # Of an order of a list its other leg loses as much: see check_lists.
                assert name in notes.lists.legs or less == notes.reduced[order_id], (
                    f"{name} was not reduced as often as it was acknowledged"
                )
            check_lists(client.user, notes.lists, there, orders, notes.reduced)
            for name in notes.refused:
                assert (client.user, name) not in there, f"{name} was refused, and is there"
            for order_id, (_, told) in notes.last.items():
                now = orders[order_id]
                assert now.executed_lots >= told.executed_lots, f"{order_id} has executed less than it had"
                assert now.orders_sequence >= told.orders_sequence, f"{order_id} went back"
                if told.status >= OrderStatus.FILLED:
                    assert now == told, f"{order_id} was closed, and changed"
        assert not there, f"nobody asked for {dict(there)}"
        assert self._learned.accepted.keys() <= orders.keys(), "an order was heard of, and is not there"

    def _canceled_stays_canceled(self, orders: dict[int, OrderUpdated]) -> None:
        canceled = {at: sequence for client in self._clients for at, sequence in client.notes.canceled.items()}
        for order_id in canceled:
            assert orders[order_id].status is OrderStatus.CANCELED, f"{order_id} was canceled, and is not"
        for (order_id, trade_id), (sequence, _) in self._learned.fills.items():
            late = sequence > canceled.get(order_id, sequence)
            assert not late, f"{order_id} filled as trade {trade_id} after its cancel was acknowledged"

    def _what_ended_had_to(self, orders: dict[int, OrderUpdated]) -> None:
        """A socket ends only what is bound to one, and a timer only what is of a user who has set one."""
        timed = {client.user for client in self._clients if client.notes.timers}
        for order in orders.values():
            if order.expire_reason is ExpireReason.DISCONNECT:
                assert order.terms.conditions is not None
                assert order.terms.conditions.socket is not None
            if order.expire_reason is ExpireReason.CANCEL_ALL_AFTER:
                assert order.terms.user_id in timed

    def _tape_equals_fills(self, reads: Reads) -> None:
        """The n-th that a channel told of is the n-th of the tape, and each trade has its two sides."""
        for (market, count), trade in self._learned.tape.items():
            tape = reads.tapes[market]
            assert count <= len(tape), f"trade {trade.trade_id} was heard of, and is not on the tape"
            assert tape[count - 1] == Print.of(trade), f"the tape of {market} was heard otherwise at {count}"
        sides: defaultdict[int, list[tuple[str, Fill]]] = defaultdict(list)
        for user, fills in reads.fills.items():
            for fill in fills:
                sides[fill.trade_id].append((user, fill))
        for market, tape in reads.tapes.items():
            assert [each.trade_id for each in tape] == sorted({each.trade_id for each in tape}), "a trade twice"
            assert [each.market_trade_id for each in tape] == list(range(1, len(tape) + 1)), "a hole in the tape"
            aggregates = [each.aggregate_id for each in tape]
            assert sorted(set(aggregates)) == list(range(1, max(aggregates, default=0) + 1)), "a hole in the aggregates"
            assert aggregates == sorted(aggregates)
            for each in tape:
                (one, first), (other, second) = sides.pop(each.trade_id)
                taker = first.order_id if first.is_taker else second.order_id
                assert one != other or taker in self._with_themselves(reads), "a trade with oneself"
                assert {first.side, second.side} == {Side.BUY, Side.SELL}
                assert {first.is_taker, second.is_taker} == {True, False}
                for fill in (first, second):
                    money = (fill.market, fill.price_ticks, fill.quantity_lots, fill.quote_minor)
                    assert money == (market, each.price_ticks, each.quantity_lots, each.quote_minor), each.trade_id
                    assert fill.is_taker == (fill.side is each.taker_side)
        assert not sides, "fills that are not on the tape"
        for (order_id, trade_id), (_, trade) in self._learned.fills.items():
            assert order_id in (trade.maker_order_id, trade.taker_order_id)
            assert Print.of(trade) in reads.tapes[trade.market], f"fill {trade_id} was heard of, and is not there"

    def _with_themselves(self, reads: Reads) -> set[int]:
        """The orders that may trade with their own user's."""
        asked = [order for theirs in reads.orders.values() for order in theirs if order.terms.conditions is not None]
        return {o.order_id for o in asked if o.terms.conditions and o.terms.conditions.self_trade is SelfTrade.NONE}

    def _minutes_are_the_tapes(self, reads: Reads) -> None:
        """A minute that was told as ended is made of all the trades of that minute."""
        for (market, begin_s), candle in self._learned.candles.items():
            trades = [each for each in reads.tapes[market] if begin_s <= each.time_ns // 10**9 < begin_s + 60]
            prices = [each.price_ticks for each in trades]
            bought = [each for each in trades if each.taker_side is Side.BUY]
            volumes = [
                each
                for part in (trades, bought)
                for each in (sum(trade.quantity_lots for trade in part), sum(trade.quote_minor for trade in part))
            ]
            ids = (len(trades), trades[0].market_trade_id, trades[-1].market_trade_id)
            made = (prices[0], max(prices), min(prices), prices[-1], *volumes, *ids)
            told = minute_of(candle)
            assert told == made, f"the minute {begin_s} of {market} ended as {told}, and was {made}"

    def _administration_stands(self, reads: Reads) -> None:
        """Resets, keys, statuses of users and rules of markets are as the last answer said."""
        for client in self._clients:
            notes = client.notes
            for guest, amount_minor in notes.resets.items():
                assert reads.guests[guest] == (amount_minor, 100, 0), (
                    f"{guest} was reset, and has {reads.guests[guest]}"
                )
            for api_key, revoked in notes.keys.items():
                assert (api_key in reads.keys) is not revoked, f"{api_key}: revoked is {revoked}"
            for symbol, taker_fee_ppm in notes.fees.items():
                assert reads.rules[symbol].taker_fee_ppm == taker_fee_ppm, f"the rules of {symbol}"
        assert not reads.disabled, "who was disabled was enabled again"

    def _fills_make_orders(self, reads: Reads, orders: dict[int, OrderUpdated]) -> None:
        executed: Counter[int] = Counter()
        for fills in reads.fills.values():
            for fill in fills:
                executed[fill.order_id] += fill.quantity_lots
        for order_id, order in orders.items():
            assert executed.pop(order_id, 0) == order.executed_lots, f"{order_id} and its fills"
        assert not executed, "fills of orders that are not there"

    def _balances_add_up(self, reads: Reads) -> None:
        """Every balance, from what users came with, their deposits and their fills alone."""
        money: Counter[tuple[str, str]] = Counter()
        decimals = {asset.symbol: asset.decimals for asset in CONFIG.assets}
        for user in CONFIG.users:
            for symbol, amount in user.balances.items():
                money[user.id, symbol] += int(amount) * 10 ** decimals[symbol]
        for client in self._clients:
            for amount_minor in client.notes.deposits.values():
                money[client.user, "CASH"] += amount_minor
            for gets, amount_minor in client.notes.moved.values():
                money[client.user, "CASH"] -= amount_minor
                if gets is not None:
                    money[gets, "CASH"] += amount_minor
        for user_id, fills in reads.fills.items():
            for fill in fills:
                rules = reads.rules[fill.market]
                base_minor = fill.quantity_lots * rules.lot_minor
                buys = fill.side is Side.BUY
                money[user_id, rules.base.symbol] += base_minor if buys else -base_minor
                money[user_id, rules.quote.symbol] += -fill.quote_minor if buys else fill.quote_minor
                money[user_id, rules.fees_in(buys).symbol] -= fill.fee_minor
        for user_id in USERS:
            for asset in decimals:
                assert sum(reads.balances.get((user_id, asset), (0, 0))) == money[user_id, asset], (user_id, asset)
