"""What an order may ask beyond a plain limit or market order, and what became of that.

Most orders ask nothing of it: they have no Conditions and no Progress, and pay nothing for what there could be.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mypy_extensions import mypyc_attr


class SelfTrade(IntEnum):
    """What happens when an order meets a resting one of its own user. The mode of the incoming one decides."""

    EXPIRE_TAKER = 0  # the incoming order ends
    EXPIRE_MAKER = 1  # the resting order ends, and the incoming one goes on
    EXPIRE_BOTH = 2
    DECREMENT = 3  # both are lowered by the smaller remainder
    NONE = 4  # they trade


ALL_MODES: Final = sum([1 << mode for mode in SelfTrade])  # a set of modes is a number with a bit for each


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Conditions:
    """What an order asks; each is None where it asks nothing. Numbers, so that one text can store them all.

    `quote_minor` is what a market order may pay or shall bring: its quantity is then found by walking the book, and is
    0 in the terms. `strategy_id` and `strategy_type` are numbers that nobody interprets. `refuse_while_open`, if it is
    1, says what the same client order id means: an open order that has it refuses this one, and otherwise this is a new
    order, which it then names. Without it the same id is a retry.
    """

    self_trade: SelfTrade | None = None
    quote_minor: int | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    refuse_while_open: int | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Progress:
    """What became of an order beside its fills. It never changes: an order gets another one.

    `self_trade` is the mode that it entered with. Of what it asked, `prevented_lots` met orders of its own user, the
    last time in the prevented match `last_match_id`. `determined_lots` is what was found for its quote_minor.
    """

    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    prevented_lots: int = 0
    last_match_id: int = 0
    determined_lots: int = 0
