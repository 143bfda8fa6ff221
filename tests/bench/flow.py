"""The orders that the bench sends: seeded, half resting and half trading, on a book that stays bounded by construction.

Orders that are merely uniform around a mid do not bound the book: those far from it are never reached and pile up. Here

- a *maker* is a gtc limit order 1 to 50 ticks on its own side of the mid, so it always rests;
- a *taker* is an ioc limit order that reaches 50 ticks through the mid, so it always trades, up to the last maker;
- they come in shuffled blocks, in which the takers of each side ask for exactly the quantities that the makers bring.

So what rests after a block is what rested before it: the depth that `prime` laid, from which takers borrow within one.
Makers and takers are different users: nobody meets his own order, so self-trade prevention stops no taker.
No order has a `client_order_id`; any list of requests may be sent again and again.
"""

import random
from collections.abc import Callable, Iterator, Sequence

import orjson

MARKET = "SOL_USDC"
USERS = [f"bench{number:04d}" for number in range(1_000)]
MAKERS, TAKERS = USERS[:500], USERS[500:]
BATCH_ORDERS = 100

MID_TICKS = 15_000  # 150.00 at a tick of 0.01
REACH_TICKS = 50
QUANTITY_CENTS_MAX = 10  # quantities of 0.01 to 0.10
BLOCK_MAKERS_A_SIDE = 10
BLOCKS = 400  # 16,000 requests: more than a slice sends, so that only a very fast server sees one twice
BATCH_PAIRS = 60
PRIME_ORDERS_A_LEVEL = 20
MARKETS_USERS = 5  # of makers, and of takers

Body = dict[str, object]
Encoded = tuple[str, bytes]  # path and JSON


def requests_of(kind: str, seed: int) -> list[Encoded]:
    """The requests of one kind, a name in `KINDS`, in the order to send; `markets-orders-7` is of seven markets."""
    chance = random.Random(seed)
    if kind.startswith("markets-"):
        _, what, count = kind.split("-")
        return MARKETS_KINDS[what](chance, int(count))
    return KINDS[kind](chance)


def market_of(number: int) -> str:
    """The name of one of many markets."""
    return f"M{number}_{MARKET.partition('_')[2]}"


def _order(user_id: str, side: str, price_ticks: int, quantity_cents: int, time_in_force: str) -> Body:
    return {
        "user_id": user_id,
        "market": MARKET,
        "side": side,
        "order_type": "limit",
        "price": f"{price_ticks // 100}.{price_ticks % 100:02d}",
        "quantity": f"0.{quantity_cents:02d}",
        "time_in_force": time_in_force,
    }


def _maker(chance: random.Random, user_id: str, side: str, quantity_cents: int) -> Body:
    away_ticks = chance.randint(1, REACH_TICKS)
    price_ticks = MID_TICKS - away_ticks if side == "buy" else MID_TICKS + away_ticks
    return _order(user_id, side, price_ticks, quantity_cents, "gtc")


def _taker(user_id: str, side: str, quantity_cents: int) -> Body:
    price_ticks = MID_TICKS + REACH_TICKS if side == "buy" else MID_TICKS - REACH_TICKS
    return _order(user_id, side, price_ticks, quantity_cents, "ioc")


def _quantities(chance: random.Random, count: int) -> list[int]:
    return [chance.randint(1, QUANTITY_CENTS_MAX) for _ in range(count)]


def _block(chance: random.Random) -> list[Body]:
    bodies: list[Body] = []
    for makers_side, takers_side in (("buy", "sell"), ("sell", "buy")):
        quantities = _quantities(chance, BLOCK_MAKERS_A_SIDE)
        bodies += [_maker(chance, chance.choice(MAKERS), makers_side, quantity) for quantity in quantities]
        bodies += [_taker(chance.choice(TAKERS), takers_side, quantity) for quantity in quantities]
    chance.shuffle(bodies)
    return bodies


def orders(chance: random.Random) -> list[Encoded]:
    """Single orders, block after block."""
    return [("/order", orjson.dumps(body)) for _ in range(BLOCKS) for body in _block(chance)]


def batches(chance: random.Random, pairs: int = BATCH_PAIRS, takers: Sequence[str] = tuple(TAKERS)) -> list[Encoded]:
    """A batch belongs to one user, so batches of makers and of takers take turns, with the same quantities."""
    encoded = []
    for _ in range(pairs):
        quantities = {side: _quantities(chance, BATCH_ORDERS // 2) for side in ("buy", "sell")}
        maker, taker = chance.choice(MAKERS), chance.choice(takers)
        resting = [_maker(chance, maker, side, quantity) for side in quantities for quantity in quantities[side]]
        taking = [_taker(taker, "sell", quantity) for quantity in quantities["buy"]]
        taking += [_taker(taker, "buy", quantity) for quantity in quantities["sell"]]
        for user_id, bodies in ((maker, resting), (taker, taking)):
            chance.shuffle(bodies)
            encoded.append(("/orders", orjson.dumps({"user_id": user_id, "orders": bodies})))
    return encoded


def deposits(chance: random.Random) -> list[Encoded]:
    """Enough for every user that no order of any length of run is refused. The keys make it safe to repeat."""
    amounts = {"SOL": "1000000", "USDC": "1000000000"}
    return [
        ("/admin/deposit", orjson.dumps({"user_id": user, "asset": asset, "amount": amount, "key": f"{user}-{asset}"}))
        for user in USERS
        for asset, amount in amounts.items()
    ]


def prime(chance: random.Random) -> list[Encoded]:
    """The standing depth: every level on both sides, the same number of orders on each."""
    bodies: list[Body] = []
    for away_ticks in range(1, REACH_TICKS + 1):
        for side, price_ticks in (("buy", MID_TICKS - away_ticks), ("sell", MID_TICKS + away_ticks)):
            quantities = _quantities(chance, PRIME_ORDERS_A_LEVEL)
            bodies += [_order(chance.choice(MAKERS), side, price_ticks, quantity, "gtc") for quantity in quantities]
    return [("/order", orjson.dumps(body)) for body in bodies]


# --- orders of one user at known places: what is canceled, swept or read from


def laid(market: str, user: str, side: str, prices_ticks: Sequence[int], client_prefix: str = "") -> Iterator[Encoded]:
    """Batches of gtc orders of 0.01, one at each price in turn; with a prefix, numbered by `client_order_id`."""
    bodies: list[Body] = []
    for number, price_ticks in enumerate(prices_ticks):
        body = _order(user, side, price_ticks, 1, "gtc") | {"market": market}
        if client_prefix:
            body["client_order_id"] = f"{client_prefix}{number}"
        bodies.append(body)
    for at in range(0, len(bodies), BATCH_ORDERS):
        yield "/orders", orjson.dumps({"user_id": user, "orders": bodies[at : at + BATCH_ORDERS]})


def sweeping(market: str, user: str, price_ticks: int, makers: int) -> Encoded:
    """One ioc order that takes so many orders of `laid`, which sell up to that price."""
    body = _order(user, "buy", price_ticks, 1, "ioc")
    quantity = f"{makers // 100}.{makers % 100:02d}"
    return "/order", orjson.dumps(body | {"market": market, "quantity": quantity})


def deposit(user: str, asset: str, amount: str, key: str) -> Encoded:
    """Money for one user; the key makes it safe to repeat."""
    return "/admin/deposit", orjson.dumps({"user_id": user, "asset": asset, "amount": amount, "key": key})


KINDS: dict[str, Callable[[random.Random], list[Encoded]]] = {
    "orders": orders,
    "batches": batches,
    "deposits": deposits,
    "prime": prime,
}

# --- many markets: a few users on all of them, and one deep order on each side instead of a whole book


def markets_orders(chance: random.Random, count: int) -> list[Encoded]:
    """Block after block as `orders`, each on the next market."""
    blocks = max(count, BLOCKS)
    few = (MAKERS[:MARKETS_USERS], TAKERS[:MARKETS_USERS])
    encoded = []
    for number in range(blocks):
        for body in _block(chance):
            users = few[body["time_in_force"] == "ioc"]
            moved = body | {"market": market_of(number % count), "user_id": chance.choice(users)}
            encoded.append(("/order", orjson.dumps(moved)))
    return encoded


def markets_deposits(chance: random.Random, count: int) -> list[Encoded]:
    """Each asset for each of the few users."""
    assets = [MARKET.partition("_")[2], *(market_of(number).partition("_")[0] for number in range(count))]
    return [
        (
            "/admin/deposit",
            orjson.dumps({"user_id": user, "asset": asset, "amount": "1000000000", "key": f"{user}-{asset}"}),
        )
        for user in (*MAKERS[:MARKETS_USERS], *TAKERS[:MARKETS_USERS])
        for asset in assets
    ]


def markets_prime(chance: random.Random, count: int) -> list[Encoded]:
    """What takers live on when they come before their makers."""
    encoded = []
    for number in range(count):
        for side, price_ticks in (("buy", MID_TICKS - REACH_TICKS), ("sell", MID_TICKS + REACH_TICKS)):
            deep = _order(MAKERS[0], side, price_ticks, 1, "gtc") | {"market": market_of(number), "quantity": "1000"}
            encoded.append(("/order", orjson.dumps(deep)))
    return encoded


MARKETS_KINDS: dict[str, Callable[[random.Random, int], list[Encoded]]] = {
    "orders": markets_orders,
    "deposits": markets_deposits,
    "prime": markets_prime,
}
