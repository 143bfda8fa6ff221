"""The lists of orders that a trader places: a function of seed, trader and step only, as all that it does."""

import random
from typing import Any

from exchange.client import Step

TICK, LOT = Step("0.01"), Step("0.001")
TYPES = ("oco", "oto", "otoco")
MODES = ("expire_taker", "expire_maker", "expire_both", "decrement", "none")
MIDDLE_TICKS = 10_000
NEAR_TICKS = 20  # a working order is this far from the middle at most, on either side
APART_TICKS = (5, 70)  # a leg is so far from the middle
LOTS_MAX = 1500

Body = dict[str, Any]


def list_name(user_id: str, step: int) -> str:
    """The `client_list_id` of the list placed at that step."""
    return f"{user_id}.{step}.l"


def list_type(seed: int, user_id: str, step: int) -> str:
    """The type of the list of that step."""
    return _chance(seed, user_id, step).choice(TYPES)


def list_orders(seed: int, user_id: str, step: int, market: str) -> list[Body]:
    """The orders of the list of that step: of an oco its legs, else the working order first."""
    chance = _chance(seed, user_id, step)
    kind, side = chance.choice(TYPES), chance.choice(("buy", "sell"))
    lots = chance.randint(2, LOTS_MAX)
    shared: Body = {"market": market}
    if chance.random() < 0.4:
        shared["self_trade_prevention"] = chance.choice(MODES)
    legs = [{**shared, **leg} for leg in _legs(chance, side, lots)]
    if kind == "oco":
        return legs
    ahead = chance.randint(-NEAR_TICKS, 2 * NEAR_TICKS)
    working = shared | {
        "side": "sell" if side == "buy" else "buy",
        "order_type": "limit",
        "quantity": LOT.text(chance.randint(1, lots)),
        "price": TICK.text(MIDDLE_TICKS + (ahead if side == "buy" else -ahead)),
    }
    if chance.random() < 0.15:
        working["time_in_force"] = chance.choice(("ioc", "fok"))
    elif chance.random() < 0.2:
        working["peg"] = {"to": "primary"}
    if kind == "otoco":
        return [working, *legs]
    if chance.random() < 0.3:
        return [working, {**shared, "side": side, "order_type": "market", "quantity": LOT.text(lots)}]
    return [working, chance.choice(legs)]


def _legs(chance: random.Random, side: str, lots: int) -> list[Body]:
    """One that takes a profit, and one that stops a loss, in either order."""
    away = 1 if side == "sell" else -1
    shared: Body = {"side": side, "quantity": LOT.text(lots)}
    high = TICK.text(MIDDLE_TICKS + away * chance.randint(*APART_TICKS))
    low_ticks = MIDDLE_TICKS - away * chance.randint(*APART_TICKS)
    profit = shared | {"order_type": "limit", "post_only": True, "price": high}
    how = chance.random()
    if how < 0.2:
        profit = shared | {"order_type": chance.choice(("take_profit", "take_profit_limit")), "stop_price": high}
        if profit["order_type"] == "take_profit_limit":
            profit["price"] = high
    elif how < 0.4:
        profit["peg"] = {"to": "primary"}
        if chance.random() < 0.5:
            profit["peg"]["follow"] = True
        else:
            del profit["price"]
    loss = shared | {
        "order_type": chance.choice(("stop_loss", "stop_loss_limit")),
        "stop_price": TICK.text(low_ticks),
    }
    if loss["order_type"] == "stop_loss_limit":
        loss["price"] = TICK.text(low_ticks - away * chance.randint(0, NEAR_TICKS))
        if chance.random() < 0.2:
            loss["peg"] = {"to": "market"}
    return [profit, loss] if chance.random() < 0.5 else [loss, profit]


def _chance(seed: int, user_id: str, step: int) -> random.Random:
    return random.Random(f"list/{seed}/{user_id}/{step}")
