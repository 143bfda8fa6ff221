"""Judges the user streams of the Binance-compatible dialect: what they told is true, and nothing is left out."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from exchange.torture.findings import Finding, lost, wrong
from exchange.torture.money import number
from exchange.torture.record import History, OrderRow, Report

CLOSED = ("filled", "canceled", "expired")

Trades = dict[tuple[str, str], str]  # ids by market and number there


def check(history: History) -> Iterator[Finding]:
    """All findings about them."""
    orders = {order.order_id: order for order in history.final.orders}
    by_user: defaultdict[str, list[Report]] = defaultdict(list)
    for report in history.reports:
        by_user[report.user_id].append(report)
    for user_id, reports in by_user.items():
        yield from _counted(user_id, reports)
        for report in reports:
            yield from _as_ordered(report, orders.get(report.order_id))
    yield from _traded(history)
    yield from _balances(history)


def _counted(user_id: str, reports: list[Report]) -> Iterator[Finding]:
    """Executions are counted upward, also when the exchange was killed in between."""
    for before, after in pairwise(reports):
        if after.sequence <= before.sequence:
            yield lost(f"the executions of {user_id} were told to {before.sequence}, and then {after.sequence}")


def _as_ordered(report: Report, order: OrderRow | None) -> Iterator[Finding]:
    """The order is there, has come at least as far, and is closed as it was told."""
    what = f"order {report.order_id} of {report.user_id}"
    if order is None:
        yield lost(f"{what} was told of on the user stream, and is not there")
        return
    if (order.user_id, order.market) != (report.user_id, report.market):
        yield wrong(f"{what} was told to somebody else, or of another market")
    told, now = number(report.executed_quantity), number(order.executed_quantity)
    if told > now:
        yield lost(f"{what} was told to have executed {told}, and has {now}")
    if report.status in CLOSED and (report.status, told) != (order.status, now):
        yield wrong(f"{what} was told to be {report.status} at {told}, and is {order.status} at {now}")


def _traded(history: History) -> Iterator[Finding]:
    """Each trade is on the tape and among the fills, and between two that one connection told none is left out."""
    tape = {
        (market, trade["market_trade_id"]): trade for market, trades in history.final.trades.items() for trade in trades
    }
    fills = {(fill.trade_id, fill.order_id) for fill in history.final.fills}
    told: defaultdict[tuple[str, int, str], set[tuple[int, str]]] = defaultdict(set)
    for report in history.reports:
        if report.trade is None:
            continue
        told[report.user_id, report.connection, report.market].add((int(report.trade), report.order_id))
        trade = tape.get((report.market, report.trade))
        what = f"trade {report.trade} of {report.market}, told to {report.user_id},"
        if trade is None or (trade["trade_id"], report.order_id) not in fills:
            yield lost(f"{what} is not there")
        elif (trade["price"], trade["quantity"]) != (report.price, report.quantity):
            yield wrong(f"{what} is {trade['quantity']} at {trade['price']}, not {report.quantity} at {report.price}")
    counts = {trade["trade_id"]: int(number) for (_, number), trade in tape.items()}
    happened: defaultdict[tuple[str, str], set[tuple[int, str]]] = defaultdict(set)
    for fill in history.final.fills:
        if fill.trade_id in counts:
            happened[fill.user_id, fill.market].add((counts[fill.trade_id], fill.order_id))
    for (user_id, connection, market), heard in told.items():
        first, last = min(heard)[0], max(heard)[0]
        for trade_number, order_id in sorted(happened[user_id, market] - heard):
            if first < trade_number < last:
                what = f"trade {trade_number} of {market} with order {order_id} of {user_id}"
                yield lost(f"{what} was not told on connection {connection}, which told of {first} and {last}")


def _balances(history: History) -> Iterator[Finding]:
    """What the last connection of a user told last of each asset is what there is at the end."""
    last = {told.user_id: told.connection for told in history.told}
    heard: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for told in history.told:
        if told.connection == last[told.user_id]:
            heard[told.user_id].update(told.balances)
    for user_id, balances in heard.items():
        there = {row["asset"]: (row["available"], row["locked"]) for row in history.final.balances[user_id]}
        for asset, shown in balances.items():
            if there.get(asset) != shown:
                yield wrong(f"{user_id} was told to have of {asset} {shown}, and has {there.get(asset)}")
