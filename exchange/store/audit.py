"""`exchange check`: judges a database from the outside, while an exchange may be running on it.

The state is copied in one short snapshot and judged here; history only ever grows, so it is read afterwards, page by
page, up to where the snapshot stood. (A long snapshot would keep dead rows alive and slow the writer down.)
"""

from configparser import Error as ConfigParserError
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg

from exchange.core.commands import Side
from exchange.core.conditions import Pending, Progress
from exchange.core.fees import needs_minor
from exchange.core.following import locking_ticks
from exchange.core.instrument import Asset, Instrument
from exchange.core.ledger import EXTERNAL, FEES
from exchange.core.money import WithdrawalStatus
from exchange.core.outcome import Applied
from exchange.core.pegs import standing_ticks
from exchange.core.state import VenueState
from exchange.core.venue import Venue
from exchange.failure import Failure, one_line
from exchange.pipeline.commits import Journaled
from exchange.store import audit_candles, audit_counts, pruned, recovery
from exchange.store.journal_replay import UNREADABLE, pages, replay_journal
from exchange.store.prune_lock import shared
from exchange.store.pruned import Pruned

FINDINGS_MAX = 20

Connection = "asyncpg.Connection[Any]"


@dataclass(slots=True)
class Report:
    """What was checked, and what is wrong with it."""

    sequence: int
    open_orders: int
    trades: int
    replayed: int
    ahead: int  # commands that the journal has beyond the tables; the next start applies them
    findings: list[str]


async def audit(dsn: str, *, replay: bool) -> Report:
    """Judge the database. Raises Failure when it cannot be read."""
    try:
        return await _audit(dsn, replay)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Failure(f"The database cannot be read: {one_line(error)}.") from error


async def _audit(dsn: str, replay: bool) -> Report:
    connection = await _connect(dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('venue')") is None:
            raise Failure("The database holds no exchange.")
        await shared(connection)
        state = await recovery.load(connection, remembered=replay)
        gone = await pruned.load(connection)
        lag: int = await connection.fetchval("SELECT sequence FROM venue") - state.sequence
        ahead, findings = await _ahead(connection, state) if replay else ([], [])
        findings += [*_balances(state), *_books(state), *audit_counts.orders(state)]
        findings += await _history(connection, state, gone)
        replayed = 0
        if replay:
            replayed, differences = await replay_journal(connection, state, gone)
            findings += differences or _goes_on(state, ahead)
    finally:
        await connection.close()
    further = len(ahead) if replay else lag
    return Report(state.sequence, len(state.orders), state.last_trade_id, replayed, further, findings[:FINDINGS_MAX])


async def _connect(dsn: str) -> Any:
    try:
        return await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "exchange check"})
    except (ValueError, ConfigParserError) as error:  # a port that is no number; a service file that is none
        raise Failure(f"The database cannot be read: {one_line(error)}.") from error


async def _ahead(connection: Any, state: VenueState) -> tuple[list[Journaled], list[str]]:
    """The commands that the journal has beyond the tables, and what is wrong with them."""
    try:
        return await recovery.unprojected(connection, state), []
    except Failure as failure:
        return [], [str(failure)]
    except UNREADABLE as error:
        return [], [f"the journal cannot be read after {state.sequence}: {error!r}"]


def _goes_on(state: VenueState, ahead: list[Journaled]) -> list[str]:
    """Whether the commands that the journal has beyond the tables can be applied to these."""
    venue = Venue.restore(state)
    for sequence, time_ns, command, rules_version in ahead:
        if not isinstance(venue.replay(command, sequence, time_ns, rules_version), Applied):
            return [f"command {sequence} was applied, and is refused by the state of the tables: {command}"]
    return []


def _balances(state: VenueState) -> list[str]:
    """Every asset sums to zero, no account is negative, and what is locked is what open orders and pending withdrawals
    need; of a list, the largest need among its orders that may work."""
    findings: list[str] = []
    sums = {asset.symbol: 0 for asset in state.assets}
    rules = {market.instrument.symbol: market.instrument for market in state.markets}
    needed: dict[tuple[str, str], int] = {}
    for found in state.withdrawals:
        if found.status is WithdrawalStatus.PENDING:
            account_key = (found.user_id, found.asset)
            needed[account_key] = needed.get(account_key, 0) + found.amount_minor
    of_lists: dict[tuple[str, str, int], int] = {}
    for order in state.orders:
        instrument, terms, progress = rules[order.terms.market], order.terms, order.progress or Progress()
        remaining_lots = terms.quantity_lots - order.executed_lots - progress.prevented_lots
        key = instrument.quote.symbol if terms.side is Side.BUY else instrument.base.symbol
        needs = needs_minor(instrument, order.rates, terms.side, locking_ticks(terms, order.progress), remaining_lots)
        if progress.pending is Pending.LIST:
            continue  # it needs nothing before it enters
        if progress.list_id:
            list_key = terms.user_id, key, progress.list_id
            of_lists[list_key] = max(of_lists.get(list_key, 0), needs)
        else:
            needed[terms.user_id, key] = needed.get((terms.user_id, key), 0) + needs
    for (user_id, key, _), needs in of_lists.items():
        needed[user_id, key] = needed.get((user_id, key), 0) + needs
    for account in state.accounts:
        sums[account.asset] += account.available_minor + account.locked_minor
        name = f"{account.user_id}'s {account.asset}"
        if (account.available_minor < 0 and account.user_id != EXTERNAL) or account.locked_minor < 0:
            findings.append(f"{name} is negative: {account.available_minor} available, {account.locked_minor} locked")
        needs = needed.pop((account.user_id, account.asset), 0)
        if needs != account.locked_minor:
            findings.append(f"{name} has {account.locked_minor} locked, and open orders and withdrawals need {needs}")
    findings += [f"{user_id}'s {asset} needs {needs}, and has no account" for (user_id, asset), needs in needed.items()]
    return findings + [f"{asset} sums to {total}, not to zero" for asset, total in sums.items() if total]


def _books(state: VenueState) -> list[str]:
    """No bid reaches an ask."""
    bids: dict[str, int] = {}
    asks: dict[str, int] = {}
    for order in state.orders:
        market = order.terms.market
        if order.progress is not None and order.progress.pending:
            continue
        price_ticks = standing_ticks(order.terms, order.progress)
        if order.terms.side is Side.BUY:
            bids[market] = max(bids.get(market, 0), price_ticks)
        else:
            asks[market] = min(asks.get(market, price_ticks), price_ticks)
    crossed = [market for market in bids if market in asks and bids[market] >= asks[market]]
    return [f"the book of {market} is crossed: bid {bids[market]}, ask {asks[market]} ticks" for market in crossed]


async def _history(connection: Any, state: VenueState, gone: Pruned) -> list[str]:
    """Transfers and trades add up to the accounts, and each order's trades to what it says it executed."""
    findings: list[str] = []
    rules = {market.instrument.symbol: market.instrument for market in state.markets}
    balances = dict(gone.postings)
    executed: dict[int, list[int]] = {}

    def post(user_id: str, asset: Asset, amount_minor: int) -> None:
        key = (user_id, asset.symbol)
        balances[key] = balances.get(key, 0) + amount_minor

    assets = {asset.symbol: asset for asset in state.assets}
    async for row in pages(connection, "transfers", "sequence", state.sequence):
        post(row["user_id"], assets[row["asset"]], int(row["amount_minor"]))
        post(row["from_user_id"], assets[row["asset"]], -int(row["amount_minor"]))
    found: set[int] = set()
    candles = audit_candles.Candles()
    await candles.read(connection, state, gone)
    tapes = {symbol: audit_counts.Tape(*gone.of_market(symbol)) for symbol in rules}
    async for row in pages(connection, "trades", "trade_id", state.last_trade_id):
        number = row["trade_id"]
        if number <= gone.trade_id or number in found:
            return [*findings, f"trade {number} is stored twice, or has an id that was never given or was dropped"]
        found.add(number)
        tapes[row["market"]].add(row)
        candles.add(row)
        _post_trade(row, rules[row["market"]], post)
        for order_id in (row["maker_order_id"], row["taker_order_id"]):
            sums = executed.setdefault(order_id, [0, 0])
            sums[0] += row["quantity_lots"]
            sums[1] += int(row["quote_minor"])
    for market in state.markets:
        findings += tapes[market.instrument.symbol].findings(market)
    findings += candles.differences()
    if missing := state.last_trade_id - gone.trade_id - len(found):
        first = next(number for number in count(gone.trade_id + 1) if number not in found)
        findings.append(f"trade {first} is missing" + (f", and {missing - 1} more" if missing > 1 else ""))
    for account in state.accounts:
        total = account.available_minor + account.locked_minor
        posted = balances.pop((account.user_id, account.asset), 0)
        if total != posted:
            findings.append(f"{account.user_id}'s {account.asset} is {total}, and history adds up to {posted}")
    findings += [
        f"{user}'s {asset} should be {sum_}, and has no account" for (user, asset), sum_ in balances.items() if sum_
    ]
    return findings + await _orders(connection, state, gone, executed)


def _post_trade(row: Any, rules: Instrument, post: Any) -> None:
    base_minor, quote_minor = row["quantity_lots"] * rules.lot_minor, int(row["quote_minor"])
    for user, fee, side in (
        (row["taker_user_id"], int(row["taker_fee_minor"]), Side(row["taker_side"])),
        (row["maker_user_id"], int(row["maker_fee_minor"]), Side(1 - row["taker_side"])),
    ):
        buys = side is Side.BUY
        post(user, rules.base, base_minor if buys else -base_minor)
        post(user, rules.quote, -quote_minor if buys else quote_minor)
        paid_in = rules.fees_in(buys)
        post(user, paid_in, -fee)
        post(FEES, paid_in, fee)


async def _orders(connection: Any, state: VenueState, gone: Pruned, executed: dict[int, list[int]]) -> list[str]:
    findings: list[str] = []

    def judge(order_id: int, lots: int, quote_minor: int, created_ns: int) -> None:
        traded = executed.pop(order_id, [0, 0])
        if created_ns <= gone.trades_ns and traded[0] <= lots and traded[1] <= quote_minor:
            return  # some of its trades may be dropped
        if traded != [lots, quote_minor]:
            findings.append(f"order {order_id} says it executed {lots} lots for {quote_minor}, its trades say {traded}")

    open_ids = {order.order_id for order in state.orders}
    for order in state.orders:
        judge(order.order_id, order.executed_lots, order.executed_quote_minor, order.created_ns)
    async for row in pages(connection, "closed_orders", "order_id", state.last_order_id):
        if row["order_id"] not in open_ids:  # else it closed after the snapshot
            judge(row["order_id"], row["executed_lots"], int(row["executed_quote_minor"]), row["created_ns"])
    there = (order_id for order_id in executed if order_id > gone.order_id)
    return findings + [f"order {order_id} has trades, and is not there" for order_id in there]
