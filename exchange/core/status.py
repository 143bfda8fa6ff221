"""What a market takes in each status. Cancels are taken, and orders expire, in every one."""

from typing import Final

from exchange.core.book import Book
from exchange.core.commands import PlaceOrder, TimeInForce
from exchange.core.instrument import Instrument, MarketStatus
from exchange.core.matching import crosses

TRADING: Final = MarketStatus.TRADING
POST_ONLY: Final = MarketStatus.POST_ONLY
GTC: Final = TimeInForce.GTC
GTD: Final = TimeInForce.GTD


def refuses(status: MarketStatus, terms: PlaceOrder, book: Book) -> bool:
    """Whether a market of that status refuses the order.

    While it is post-only it takes what rests and trades with nothing. An order with the flag `post_only` that would
    trade at once is not refused here: it is refused in every status.
    """
    if status is TRADING:
        return False
    if status is not POST_ONLY:
        return True
    if terms.time_in_force is not GTC and terms.time_in_force is not GTD:
        return True
    return not terms.post_only and crosses(book, terms)


def why_refused(rules: Instrument) -> str:
    """The sentence of such a refusal."""
    name = rules.status.name.lower()
    if rules.status is POST_ONLY:
        return f"{rules.symbol} takes only orders that rest and do not trade at once; its status is {name}."
    return f"{rules.symbol} takes no orders now, only cancels; its status is {name}."
