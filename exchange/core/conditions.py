"""What an order may ask beyond a plain limit or market order, and what became of that.

Most orders ask nothing of it: they have no Conditions and no Progress, and pay nothing for what there could be.
"""

from dataclasses import dataclass, field
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


class PegTo(IntEnum):
    """The side of the book whose best price a pegged order takes."""

    PRIMARY = 0  # its own
    MARKET = 1  # the other


ALL_MODES: Final = sum([1 << mode for mode in SelfTrade])  # a set of modes is a number with a bit for each


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Conditions:
    """What an order asks; each is None where it asks nothing. Numbers, so that one text can store them all.

    `quote_minor` is what a market order may pay or shall bring: its quantity is then found by walking the book, and is
    0 in the terms. `strategy_id` and `strategy_type` are numbers that nobody interprets. `refuse_while_open`, if it is
    1, says what the same client order id means: an open order that has it refuses this one, and otherwise this is a new
    order, which it then names. Without it the same id is a retry. Of an iceberg no more than `visible_lots` are shown.

    An order that waits for a price has `stop_ticks`, or trails the last price by `trailing_bps` (basis points of it) or
    by `trailing_ticks`, from `activation_ticks` on if there is one. `expire_ns` is the time of a gtd order.

    The price of one with `peg_to` comes from the book, `peg_offset_ticks` away from the other side, or `peg_levels`
    deeper in the book: see pegs.

    With `socket` the order is bound to the socket that placed it: see bound_orders. It is not part of the content: a
    retry may come another way.
    """

    self_trade: SelfTrade | None = None
    quote_minor: int | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    refuse_while_open: int | None = None
    stop_ticks: int | None = None
    trailing_bps: int | None = None
    trailing_ticks: int | None = None
    activation_ticks: int | None = None
    expire_ns: int | None = None
    visible_lots: int | None = None
    peg_to: PegTo | None = None
    peg_offset_ticks: int | None = None
    peg_levels: int | None = None
    peg_follows: int | None = None  # 1: it is priced again when the book changes
    socket: int | None = field(default=None, compare=False)

    @property
    def trails(self) -> bool:
        """Whether it follows the last price."""
        return self.trailing_bps is not None or self.trailing_ticks is not None


class Pending(IntEnum):
    """What an order waits for before it may trade."""

    NOTHING = 0
    TRIGGER = 1
    LIST = 2  # the working order of its list


@mypyc_attr(acyclic=True)
@dataclass(slots=True)
class Progress:
    """What became of an order beside its fills. It never changes: an order gets another one.

    `self_trade` is the mode that it entered with. Of what it asked, `prevented_lots` met orders of its own user, the
    last time in the prevented match `last_match_id`. `determined_lots` is what was found for its quote_minor. It was
    amended `amendments` times; before the first time it had `first_price_ticks` and `first_quantity_lots`. Of what
    remains, `hidden_lots` are not shown. A pegged order stands in the book at `pegged_ticks`. `list_id` is that of its
    list, or 0.

    Of an order that waits, or has waited: it began to follow the price at `tracking_ns`, with the trade of its market
    that `tracking_trade` counts; the trade that `triggered_trade` counts, at `trigger_ticks`, triggered it at
    `triggered_ns`; it entered the book, or was matched, at `working_ns`. 0 is not yet. `refused` says why it could not.
    """

    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    prevented_lots: int = 0
    last_match_id: int = 0
    determined_lots: int = 0
    pending: Pending = Pending.NOTHING
    tracking_ns: int = 0
    tracking_trade: int = 0
    triggered_ns: int = 0
    triggered_trade: int = 0
    trigger_ticks: int = 0
    working_ns: int = 0
    refused: int = 0  # a key of events.REFUSED
    amendments: int = 0
    first_price_ticks: int = 0
    first_quantity_lots: int = 0
    hidden_lots: int = 0
    pegged_ticks: int = 0
    list_id: int = 0
