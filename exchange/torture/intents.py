"""What a trader does at each step: a function of seed, trader and step only, independent of the answers.

So the same seed sends the same commands, under the same names, whatever becomes of them.
"""

import random
from dataclasses import dataclass
from typing import Any, Literal

from exchange.client import Step
from exchange.torture.list_intents import list_orders

TICK, LOT, CENT = Step("0.01"), Step("0.001"), Step("0.01")
FAR_MS = 7_258_118_400_000  # the year 2200
MODES = ("expire_taker", "expire_maker", "expire_both", "decrement", "none")
MARKETS = ("SOL_USDC", "BTC_USDC")
MIDDLE_TICKS = 10_000
WIDTH_TICKS = 60  # a resting order is this far from the middle, at most
CROSSING_TICKS = 25  # or up to this far on the other side of it
LOTS_MAX = 2000
LIVES_STEPS = 30  # after so many steps an order is canceled, so that books and recovery stay small
PAUSE_S = (0.02, 0.12)

Does = Literal[
    "place",
    "cancel",
    "cancel_all",
    "batch",
    "deposit",
    "status",
    "amend",
    "replace",
    "withdraw",
    "give",
    "timer",
    "list",
]
DOES: tuple[Does, ...] = (
    *("place", "cancel", "cancel_all", "batch", "deposit", "status", "amend", "replace", "withdraw", "give", "timer"),
    "list",
)
WEIGHTS = (700, 150, 20, 110, 20, 4, 120, 80, 12, 8, 10, 150)
KINDS = ("gtc", "post_only", "ioc", "fok", "market", "gtd", "wait", "peg")
KIND_WEIGHTS = (57, 8, 8, 5, 7, 3, 7, 5)
STATUSES = ("post_only", "cancel_only", "halted")  # of a market, for the pause of its step


@dataclass(frozen=True, slots=True)
class Asked:
    """One item: an order to place with its body, alone or in a list, or the name of an order to cancel or to amend; and
    where."""

    kind: Literal["place", "cancel", "amend"]
    market: str
    name: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Intent:
    """One step. `again` sends an acknowledged order once more, `conflicts` with another content.

    `status` is what the market becomes for a while. A withdrawal is settled or released.
    """

    does: Does
    items: tuple[Asked, ...]
    market: str | None
    again: bool
    conflicts: bool
    amount: str
    status: str
    settles: bool
    pause_s: float


def order_name(user_id: str, step: int, item: int) -> str:
    """The `client_order_id` of the order placed as that item of that step."""
    return f"{user_id}.{step}.{item}"


def market_of(seed: int, user_id: str, step: int) -> str:
    """All of a step happens in one market, so that a later step knows where its orders are."""
    return random.Random(f"market/{seed}/{user_id}/{step}").choice(MARKETS)


def intent(seed: int, user_id: str, step: int) -> Intent:
    """The intent of this trader at this step."""
    chance = random.Random(f"step/{seed}/{user_id}/{step}")
    does = chance.choices(DOES, WEIGHTS)[0]
    market = market_of(seed, user_id, step)
    items: list[Asked] = []
    if does == "list":
        bodies = list_orders(seed, user_id, step, market)
        items = [Asked("place", market, order_name(user_id, step, at), body) for at, body in enumerate(bodies)]
    for number in range(chance.randint(2, 6) if does == "batch" else 0 if does == "list" else 1):
        if does == "replace":
            items.append(_replaced(seed, user_id, step))
        if does == "amend":
            items.append(_amendment(chance, seed, user_id, step))
            continue
        cancels = does == "cancel" or (does == "batch" and chance.random() < 0.3)
        items.append(_cancel(chance, seed, user_id, step) if cancels else _order(chance, market, user_id, step, number))
    return Intent(
        does,
        tuple(items) if does in ("place", "cancel", "batch", "amend", "replace", "list") else (),
        market if does == "status" or chance.random() < 0.5 else None,
        again=chance.random() < 0.1,
        conflicts=chance.random() < 0.03,
        amount=LOT.text(chance.randint(1, 100_000)),
        status=chance.choice(STATUSES),
        settles=chance.random() < 0.5,
        pause_s=chance.uniform(*PAUSE_S),
    )


def _cancel(chance: random.Random, seed: int, user_id: str, step: int) -> Asked:
    """Of an order of some steps ago, if there was one."""
    earlier = max(0, step - chance.randint(1, 10))
    return Asked("cancel", market_of(seed, user_id, earlier), order_name(user_id, earlier, 0), {})


def _amendment(chance: random.Random, seed: int, user_id: str, step: int) -> Asked:
    """Of an order of some steps ago: a little less of it, or another price, which may cross."""
    earlier = max(0, step - chance.randint(1, 6))
    body: dict[str, Any] = {"reduce_by": LOT.text(chance.randint(1, LOTS_MAX // 4)), "key": f"{user_id}.{step}"}
    if chance.random() < 0.5:
        distance = chance.randint(-CROSSING_TICKS // 2, WIDTH_TICKS)
        body = {"price": TICK.text(MIDDLE_TICKS + distance * chance.choice((-1, 1)))}
    return Asked("amend", market_of(seed, user_id, earlier), order_name(user_id, earlier, 0), body)


def _replaced(seed: int, user_id: str, step: int) -> Asked:
    """The cancel of an order of the same market some steps ago; of none if there was none."""
    market = market_of(seed, user_id, step)
    earlier = [before for before in range(max(0, step - 8), step) if market_of(seed, user_id, before) == market]
    name = order_name(user_id, earlier[0], 0) if earlier else "none"
    return Asked("cancel", market, name, {})


def _order(chance: random.Random, market: str, user_id: str, step: int, item: int) -> Asked:
    side = chance.choice(("buy", "sell"))
    kind = chance.choices(KINDS, KIND_WEIGHTS)[0]
    distance = chance.randint(-CROSSING_TICKS, WIDTH_TICKS)
    ticks = MIDDLE_TICKS - distance if side == "buy" else MIDDLE_TICKS + distance
    body: dict[str, Any] = {
        "market": market,
        "side": side,
        "order_type": "market" if kind == "market" else "limit",
        "quantity": LOT.text(chance.randint(1, LOTS_MAX)),
    }
    if kind != "market":
        body["price"] = TICK.text(ticks)
    if kind in ("ioc", "fok"):
        body["time_in_force"] = kind
    if kind == "post_only":
        body["post_only"] = True
    if kind == "gtd":
        body |= {"time_in_force": "gtd", "expire_at": FAR_MS}
    if kind == "wait":
        body |= _waits(chance, side)
        if "_limit" not in body["order_type"]:
            del body["price"]
    if kind == "peg":
        body |= _pegged(chance, side)
        if not body["peg"].get("follow") and chance.random() < 0.5:
            del body["price"]
    if kind == "market" and chance.random() < 0.5:
        body["quote_quantity"] = CENT.text(chance.randint(1, LOTS_MAX * MIDDLE_TICKS // 1000))
        del body["quantity"]
    if chance.random() < 0.3:
        body["self_trade_prevention"] = chance.choice(MODES)
    return Asked("place", market, order_name(user_id, step, item), body)


def _pegged(chance: random.Random, side: str) -> dict[str, Any]:
    """A price from the book, at once or once it is triggered."""
    peg: dict[str, Any] = {"to": chance.choice(("primary", "market"))}
    if chance.random() < 0.6:
        peg |= chance.choice(
            ({"offset": TICK.text(chance.randint(0, CROSSING_TICKS))}, {"levels": chance.randint(0, 3)})
        )
    if chance.random() < 0.4:
        peg["follow"] = True
    body: dict[str, Any] = {"peg": peg}
    if chance.random() < 0.3:
        waits = _waits(chance, side)
        body |= waits | {"order_type": waits["order_type"].removesuffix("_limit") + "_limit"}
    return body


def _waits(chance: random.Random, side: str) -> dict[str, Any]:
    """A stop or a take-profit near the middle, or one that trails the price."""
    order_type = chance.choice(("stop_loss", "stop_loss_limit", "take_profit", "take_profit_limit"))
    if chance.random() < 0.3:
        return {"order_type": order_type, "trailing_amount": TICK.text(chance.randint(1, WIDTH_TICKS))}
    above = (order_type.startswith("stop")) is (side == "buy")
    distance = chance.randint(1, WIDTH_TICKS // 2)
    return {"order_type": order_type, "stop_price": TICK.text(MIDDLE_TICKS + (distance if above else -distance))}
