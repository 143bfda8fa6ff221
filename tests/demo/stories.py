"""Markets and books for stories about the participants of the demo."""

from exchange.config import MarketConfig
from exchange.demo.cast import MARKETS
from exchange.demo.kinds.participant import Participant
from exchange.demo.scenario import SCENARIOS
from exchange.demo.seen import BookSeen, Decision, Place, Seen
from exchange.demo.terms import Terms, start_worth

WORTH = start_worth(MARKETS)


def terms(symbol: str) -> Terms:
    """A market of the demo, by its symbol."""
    return Terms(next(market for market in MARKETS if market.symbol == symbol), WORTH)


BTC = terms("BTC_USDC")
FAIR = 60_000


def book(bid: int = FAIR - 1, ask: int = FAIR + 1, *, fair: float = FAIR, lots: int = 1000) -> BookSeen:
    """A book with one level a side."""
    return BookSeen([(bid, lots)], [(ask, lots)], fair)


def seen(now_s: float = 0.0, scenario: str = "calm", **books: BookSeen) -> Seen:
    """The markets at that time; without any books there is a usual one of BTC_USDC."""
    return Seen(now_s, books or {"BTC_USDC": book()}, SCENARIOS[scenario], 1.0)


def placed(decisions: list[Decision]) -> list[Place]:
    """The orders among the decisions."""
    return [decision for decision in decisions if isinstance(decision, Place)]


def shown(decisions: list[Decision]) -> list[str]:
    """The orders among the decisions, as text."""
    return [f"{order.side} {order.quantity_lots} @ {order.price_ticks} {order.market}" for order in placed(decisions)]


def holds(participant: Participant, lots: int) -> None:
    """Let the participant hold so much of BTC."""
    participant.filled("BTC_USDC", "buy" if lots > 0 else "sell", abs(lots))


def market(symbol: str) -> MarketConfig:
    """A market with a tick and a lot of 1."""
    return MarketConfig(symbol=symbol, tick_size="1", lot_size="1")
