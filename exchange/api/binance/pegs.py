"""Pegged orders: their parameters, and the words they are shown in."""

from typing import Any, Final

from exchange.api.binance.errors import BinanceError, mandatory, not_valid
from exchange.api.binance.parameters import Parameters
from exchange.core.commands import TimeInForce
from exchange.core.conditions import Conditions, PegTo
from exchange.core.pegs import LEVELS_MAX

PEGS: Final = {"PRIMARY_PEG": PegTo.PRIMARY, "MARKET_PEG": PegTo.MARKET}
PEG_WORDS: Final = {peg_to: word for word, peg_to in PEGS.items()}
OFFSET_TYPE: Final = "PRICE_LEVEL"
LIMIT_TYPES: Final = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")


def asks_peg(params: Parameters) -> bool:
    """Whether one of the parameters of a peg was sent."""
    return "pegPriceType" in params or "pegOffsetType" in params or "pegOffsetValue" in params


def peg(conditions: Conditions, params: Parameters, kind: str, time_in_force: TimeInForce) -> None:
    """Read where the price of an order of that type comes from. Raises BinanceError."""
    word = params.needed("pegPriceType")
    if word not in PEGS:
        raise BinanceError(-1210, "Invalid pegPriceType.")
    offset_type, levels = params.text("pegOffsetType"), params.integer("pegOffsetValue")
    if offset_type not in (None, OFFSET_TYPE):
        raise BinanceError(-1211, "Invalid pegOffsetType.")
    if (offset_type is None) is not (levels is None):
        raise mandatory("pegOffsetType" if offset_type is None else "pegOffsetValue")
    if levels is not None and levels > LEVELS_MAX:
        raise not_valid("pegOffsetValue")
    if kind not in LIMIT_TYPES:
        raise BinanceError(-2010, "This order type may not use pegged price.")
    peg_to = PEGS[word]
    # A peg to the order's own side rests there; a post-only order pegged to the other side would take.
    if kind == "LIMIT_MAKER" if peg_to is PegTo.MARKET else time_in_force is not TimeInForce.GTC:
        raise BinanceError(-2010, "This price peg cannot be used with this order type.")
    conditions.peg_to, conditions.peg_levels = peg_to, levels


def shown(asked: Conditions) -> dict[str, Any]:
    """The peg of an order as it was asked for, without the price. An offset in money has no words here."""
    if asked.peg_to is None:
        return {}
    made: dict[str, Any] = {"pegPriceType": PEG_WORDS[asked.peg_to]}
    if asked.peg_levels is not None:
        made |= {"pegOffsetType": OFFSET_TYPE, "pegOffsetValue": asked.peg_levels}
    return made
