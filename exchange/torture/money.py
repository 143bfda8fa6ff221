"""Judges fills and balances: both sides of each trade, the public trades, and every balance to the last minor unit.

All arithmetic is decimal and exact: where a digit would be lost it raises.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_CEILING, Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext

from exchange.client import Market, Trade
from exchange.torture import amends
from exchange.torture.findings import Finding, doubled, lost, wrong
from exchange.torture.record import FillRow, History, OrderRow

EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])
ZERO = Decimal(0)
NOTHING = ("", "", ZERO)

Amounts = defaultdict[tuple[str, str], Decimal]  # by user and asset


def number(text: str) -> Decimal:
    """The exact value of decimal text, whatever the decimal context."""
    return Decimal(text)


def check(history: History) -> list[Finding]:
    """All findings about fills, trades and balances."""
    with localcontext(EXACT):
        found = [*_trades(history), *_orders(history), *_prevented(history), *_fees(history)]
        return [*found, *_balances(history), *_conserved(history)]


def _trades(history: History) -> Iterator[Finding]:
    """Every public trade has two fills that agree with it, and every fill has its trade."""
    sides: defaultdict[str, list[FillRow]] = defaultdict(list)
    for fill in history.final.fills:
        sides[fill.trade_id].append(fill)
    seen: set[str] = set()
    with_themselves = {o.order_id for o in history.final.orders if o.self_trade_prevention == "none"}
    for market, trades in history.final.trades.items():
        for trade in trades:
            trade_id = trade["trade_id"]
            if trade_id in seen:
                yield doubled(f"trade {trade_id} is on the tape twice")
                continue
            seen.add(trade_id)
            yield from _sides(market, trade, sides.get(trade_id, []), with_themselves)
        ids = [int(trade["trade_id"]) for trade in trades]
        if ids != sorted(ids):
            yield wrong(f"the trades of {market} are not in the order of their ids")
        yield from _counted(market, trades, sides)
    for trade_id in sides.keys() - seen:
        yield lost(f"trade {trade_id} is among the fills, and not on the tape")


def _counted(market: str, trades: list[Trade], sides: defaultdict[str, list[FillRow]]) -> Iterator[Finding]:
    """The market counts its trades without holes, and its aggregates, each of one taker order at one price."""
    last = 0
    takers: dict[int, set[tuple[str, str]]] = {}
    for number, trade in enumerate(trades, 1):
        aggregate = int(trade["aggregate_id"])
        if int(trade["market_trade_id"]) != number or aggregate not in (last, last + 1):
            counted = f"market_trade_id {trade['market_trade_id']} and aggregate_id {aggregate}"
            yield wrong(f"trade {trade['trade_id']}, number {number} of {market}, has {counted} after {last}")
            return
        last = aggregate
        fills = sides.get(trade["trade_id"], [])
        of = {(fill.order_id, trade["price"]) for fill in fills if fill.liquidity == "taker"}
        if len(takers.setdefault(aggregate, of) | of) > 1:
            yield wrong(f"aggregate {aggregate} of {market} is of more than one taker or price")


def _sides(market: str, trade: Trade, fills: list[FillRow], with_themselves: set[str]) -> Iterator[Finding]:
    what = f"trade {trade['trade_id']} of {market}"
    if len(fills) < 2:
        yield lost(f"{what} has {len(fills)} fills")
        return
    if len(fills) > 2:
        yield doubled(f"{what} has {len(fills)} fills")
        return
    for fill in fills:
        if (fill.market, fill.price, fill.quantity, fill.quote_quantity) != (
            market,
            trade["price"],
            trade["quantity"],
            trade["quote_quantity"],
        ):
            yield wrong(f"{what} is not what order {fill.order_id} of {fill.user_id} was filled with")
        if (fill.side == trade["taker_side"]) != (fill.liquidity == "taker"):
            yield wrong(f"{what} has the {fill.side}er as its {fill.liquidity}, and the tape says otherwise")
    one, other = fills
    takers = {fill.order_id for fill in fills if fill.liquidity == "taker"}
    oneself = one.user_id == other.user_id and not takers <= with_themselves
    if {one.side, other.side} != {"buy", "sell"} or oneself:
        yield wrong(f"{what} is not between one who buys and another who sells")
    if number(trade["quote_quantity"]) != number(trade["price"]) * number(trade["quantity"]):
        yield wrong(f"{what} has a quote_quantity that is not its price times its quantity")


def _orders(history: History) -> Iterator[Finding]:
    """An order's executed quantity is the sum of its fills, within its limit and its quantity."""
    fills: defaultdict[str, list[FillRow]] = defaultdict(list)
    for fill in history.final.fills:
        fills[fill.order_id].append(fill)
    amendments = amends.of_orders(history)
    for order in history.final.orders:
        own = fills.pop(order.order_id, [])
        limits = amends.prices(order, amendments.get(order.order_id, []))
        if len({fill.trade_id for fill in own}) != len(own):
            yield doubled(f"order {order.order_id} has a fill twice")
        quantity = sum((number(fill.quantity) for fill in own), ZERO)
        quote = sum((number(fill.quote_quantity) for fill in own), ZERO)
        executed = (number(order.executed_quantity), number(order.executed_quote_quantity))
        if executed != (quantity, quote):
            find = lost if quantity < executed[0] else wrong
            yield find(f"order {order.order_id} has executed {executed}, and its fills add up to {(quantity, quote)}")
        prevented = number(order.prevented_quantity or "0")
        left = number(order.quantity) - quantity - prevented
        is_open = order.status in ("open", "partially_filled")
        if (
            left < 0
            or (left == 0 and is_open)
            or (left > 0 and order.status == "filled")
            or (left == 0 and not prevented and order.status != "filled")
        ):
            what = f"{quantity} filled and {prevented} prevented"
            yield wrong(f"order {order.order_id} for {order.quantity} is {order.status} with {what}")
        for fill in own:
            if not _within(order, limits, fill):
                yield wrong(f"fill {fill.trade_id} does not go with order {order.order_id}")
    for order_id in fills:
        yield lost(f"order {order_id} has fills, and is not there")


def _prevented(history: History) -> Iterator[Finding]:
    """What an order lost to its own user is the sum of its prevented matches, which each market counts from 1."""
    lost_by: Amounts = defaultdict(Decimal)
    counts: defaultdict[str, list[int]] = defaultdict(list)
    for match in history.final.prevented:
        counts[match["market"]].append(int(match["market_match_id"]))
        for side in ("taker", "maker"):
            lost_by[match[f"{side}_order_id"], ""] += number(match[f"{side}_prevented_quantity"])  # type: ignore[literal-required]
    for order in history.final.orders:
        shown, summed = number(order.prevented_quantity or "0"), lost_by[order.order_id, ""]
        if shown != summed:
            yield (lost if summed < shown else doubled)(
                f"order {order.order_id} shows {shown} prevented, and its prevented matches add up to {summed}"
            )
    for market, numbers in counts.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield wrong(f"the prevented matches of {market} are not counted from 1 without holes")


def _within(order: OrderRow, limits: list[Decimal], fill: FillRow) -> bool:
    if (order.user_id, order.market, order.side) != (fill.user_id, fill.market, fill.side):
        return False
    if not limits:
        return True
    return max(limits) >= number(fill.price) if order.side == "buy" else min(limits) <= number(fill.price)


def _fees(history: History) -> Iterator[Finding]:
    """A fee is a fraction of what is received, or of the quote, rounded up to the asset's minor unit."""
    rules = {market["market"]: market for market in history.markets}
    for fill in history.final.fills:
        fee = _fee(rules[fill.market], fill)
        if (number(fill.fee), fill.fee_asset) != fee:
            yield wrong(f"fill {fill.trade_id} of {fill.user_id} cost {fill.fee} {fill.fee_asset}, and not {fee}")


def _fee(rules: Market, fill: FillRow) -> tuple[Decimal, str]:
    paid_of, asset, decimals = (
        (fill.quantity, rules["base"], rules["base_decimals"])
        if fill.side == "buy" and rules["fee_asset"] == "received"
        else (fill.quote_quantity, rules["quote"], rules["quote_decimals"])
    )
    rate = rules["maker_fee"] if fill.liquidity == "maker" else rules["taker_fee"]
    return _rounded(number(paid_of) * number(rate), decimals), asset


def _rounded(fee: Decimal, decimals: int) -> Decimal:
    return fee.scaleb(decimals).to_integral_value(ROUND_CEILING).scaleb(-decimals)


def _locks(rules: Market, side: str, price: Decimal, quantity: Decimal) -> Decimal:
    """What an open order locks: a buy also its highest possible fee, a lot at a time, where that is in the quote."""
    if side == "sell":
        return quantity
    if rules["fee_asset"] == "received":
        return quantity * price
    lot, rate = number(rules["lot_size"]), max(number(rules["maker_fee"]), number(rules["taker_fee"]))
    return quantity * price + quantity / lot * _rounded(price * lot * rate, rules["quote_decimals"])


def _balances(history: History) -> Iterator[Finding]:
    """A balance is the sum of deposits, fills and other moves; the locked part is what the open orders need.

    At the end of a run no withdrawal is pending.
    """
    rules = {market["market"]: market for market in history.markets}
    totals: Amounts = defaultdict(Decimal)
    locked: Amounts = defaultdict(Decimal)
    together: dict[str, tuple[str, str, Decimal]] = {}
    for deposit in history.deposits:
        if not deposit.settled:
            yield wrong(f"deposit {deposit.key} was never answered")
        totals[deposit.user_id, deposit.asset] += number(deposit.amount)
    for move in history.moves:
        if not move.settled:
            yield wrong(f"the move {move.key} was never answered")
        if move.left:
            totals[move.user_id, move.asset] -= number(move.amount)
            if move.gets is not None:
                totals[move.gets, move.asset] += number(move.amount)
    for fill in history.final.fills:
        sign = 1 if fill.side == "buy" else -1
        totals[fill.user_id, rules[fill.market]["base"]] += sign * number(fill.quantity)
        totals[fill.user_id, rules[fill.market]["quote"]] -= sign * number(fill.quote_quantity)
        totals[fill.user_id, fill.fee_asset] -= number(fill.fee)
    for order in history.final.open_orders:
        left = number(order.quantity) - number(order.executed_quantity) - number(order.prevented_quantity or "0")
        of = rules[order.market]
        asset = of["quote"] if order.side == "buy" else of["base"]
        needs = _locks(of, order.side, number(order.locking_price or "0"), left)
        if order.list_id is None:
            locked[order.user_id, asset] += needs
        elif order.pending_for != "list":  # two legs lock together what the larger of their needs is
            together[order.list_id] = (order.user_id, asset, max(needs, together.get(order.list_id, NOTHING)[2]))
    for user_id, asset, needs in together.values():
        locked[user_id, asset] += needs
    for user_id, rows in history.final.balances.items():
        for row in rows:
            key = (user_id, row["asset"])
            expected = (totals[key] - locked[key], locked[key], totals.pop(key))
            shown = (number(row["available"]), number(row["locked"]), number(row["total"]))
            if shown != expected:
                what = f"{user_id} has of {row['asset']} {_three(shown)}, and should have {_three(expected)}"
                yield (lost if shown[2] < expected[2] else doubled if shown[2] > expected[2] else wrong)(what)
    for (user_id, asset), total in totals.items():
        yield lost(f"{user_id} should have {total} of {asset}, and no balance is shown")


def _three(amounts: tuple[Decimal, ...]) -> str:
    return "{} available + {} locked = {}".format(*(format(amount, "f") for amount in amounts))


def _conserved(history: History) -> Iterator[Finding]:
    """The balances of all users plus all fees are what was deposited and not withdrawn."""
    left: defaultdict[str, Decimal] = defaultdict(Decimal)
    for deposit in history.deposits:
        left[deposit.asset] += number(deposit.amount)
    for move in history.moves:
        if move.left and move.gets is None:
            left[move.asset] -= number(move.amount)
    for rows in history.final.balances.values():
        for row in rows:
            left[row["asset"]] -= number(row["total"])
    for fill in history.final.fills:
        left[fill.fee_asset] -= number(fill.fee)
    for asset, amount in left.items():
        if amount:
            yield (lost if amount > 0 else doubled)(f"{abs(amount).normalize():f} {asset} of all that was deposited")
