"""The state of an exchange in whose one market so many orders rest, made directly: no exchange has to take them first.

Balances, locks and counters agree with the orders, as `Venue.check` asserts and `exchange check` would.
"""

import random
import time

from exchange.core.commands import OrderType, PlaceOrder, Side, TimeInForce
from exchange.core.events import BalanceChanged
from exchange.core.instrument import COUNT_MAX, Asset, Instrument, instrument_of
from exchange.core.state import MarketState, OpenOrder, VenueState
from tests.bench.core.flow import Operation

BUY, SELL, LIMIT = Side.BUY, Side.SELL, OrderType.LIMIT  # looked up once, not once an order of the measured time
# Not long ago: an exchange refuses to start more than a year after its last command.
BEGUN_NS = time.time_ns() - 3_600_000_000_000
FUNDS_MINOR = 10**24  # of each asset, for every user: no flow comes to the end of it


def instrument(symbol: str, *, maker_fee: str = "0", taker_fee: str = "0") -> Instrument:
    """The market of the bench: its configuration says the same, but for the fees."""
    base, quote = symbol.split("_")
    return instrument_of(
        symbol,
        Asset(base, 9),
        Asset(quote, 6),
        tick_size="0.01",
        lot_size="0.0001",
        min_notional="0.1",
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        max_open_orders=1_000_000,
        max_fills_per_order=COUNT_MAX,
    )


def terms_of(operation: Operation, symbol: str, users: list[str], time_in_force: TimeInForce) -> PlaceOrder:
    """The command that places it."""
    side = BUY if operation.buys else SELL
    user_id, price_ticks, lots = users[operation.user], operation.price_ticks, operation.lots
    return PlaceOrder(user_id, symbol, side, LIMIT, time_in_force, False, price_ticks, lots, None)


def state_of(rules: Instrument, users: list[str], orders: list[Operation]) -> VenueState:
    """The n-th of `orders` has the id n + 1."""
    locked = {(user, asset): 0 for user in users for asset in (rules.base.symbol, rules.quote.symbol)}
    steps = dict.fromkeys(users, 0)
    rested = []
    for order_id, order in enumerate(orders, 1):
        terms = terms_of(order, rules.symbol, users, TimeInForce.GTC)
        rested.append(OpenOrder(order_id, terms, 0, 0, order_id, BEGUN_NS, BEGUN_NS))
        steps[terms.user_id] += 1
        if order.buys:
            locked[terms.user_id, rules.quote.symbol] += order.price_ticks * order.lots * rules.notional_unit
        else:
            locked[terms.user_id, rules.base.symbol] += order.lots * rules.lot_minor
    count = len(orders)
    return VenueState(
        sequence=count,
        time_ns=BEGUN_NS,
        last_order_id=count,
        last_priority=count,
        assets=sorted((rules.base, rules.quote), key=lambda asset: asset.symbol),
        markets=[MarketState(rules, book_sequence=count, depth_sequence=count, best_sequence=count)],
        users=sorted(users),
        accounts=[
            BalanceChanged(user, asset, FUNDS_MINOR - minor, minor, count, steps[user])
            for (user, asset), minor in sorted(locked.items())
        ],
        orders=rested,
    )


def far_orders(seed: int, count: int, users: int, nearest_ticks: int, levels: int, mid_ticks: int) -> list[Operation]:
    """Orders further from the mid than any flow reaches."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        buys = number % 2 == 0
        away = nearest_ticks + int(chance.random() * levels)
        price_ticks = mid_ticks - away if buys else mid_ticks + away
        made.append(Operation(0, buys, int(chance.random() * users), price_ticks, 100 + int(chance.random() * 900)))
    return made
