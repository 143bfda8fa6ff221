"""The participants on a venue in memory and a virtual clock: the same seed gives the same tape.

There is no network and no delay, so every decision takes effect at the time at which it is made.
"""

import random
from collections.abc import Callable

from exchange.config import Config
from exchange.core.commands import CancelOrder, Command, OrderType, PlaceOrder, TimeInForce
from exchange.core.commands import Side as CoreSide
from exchange.core.events import OrderStatus, OrderUpdated, Trade
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.demo.cast import participants, terms_of, with_users
from exchange.demo.fundamental import ACCOUNT, Fundamental
from exchange.demo.kinds.participant import Participant
from exchange.demo.scenario import Scenario
from exchange.demo.schedule import Schedule
from exchange.demo.seen import LEVELS_SEEN, BookSeen, Cancel, Decision, Place, Seen, Side
from exchange.demo.terms import start_worth
from exchange.runtime.bootstrap import differences

NS_PER_S = 1_000_000_000
ENDED = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED)


class VirtualMarket:
    """A venue with its participants. `on_trade` gets every trade, `on_turn` the time after each turn."""

    def __init__(
        self,
        config: Config,
        seed: int,
        *,
        on_trade: Callable[[Trade], None] = lambda trade: None,
        on_turn: Callable[[float], None] = lambda now_s: None,
    ) -> None:
        config = with_users(config)
        self.venue = Venue()
        self._on_trade = on_trade
        self._on_turn = on_turn
        self.now_s = 0.0
        for command in differences(config, self.venue):
            self._apply(command)
        self._terms = terms_of(config.markets)
        self.fundamental = Fundamental(start_worth(config.markets), (ACCOUNT,), random.Random(f"{seed}/fundamental"))
        self.participants = participants(self._terms, seed)
        self._by_user = {participant.user_id: participant for participant in self.participants}
        self._schedule = Schedule(self.participants)
        for number, participant in enumerate(self.participants):
            participant.prefix = f"{number}-"

    def begin(self, scenario: Scenario) -> None:
        """Let a scenario begin now."""
        self.fundamental.begin(scenario)

    def run(self, until_s: float) -> None:
        """Let time pass until then."""
        while self._schedule.due_s <= until_s:
            self.now_s = self._schedule.due_s
            self.fundamental.advance(self.now_s)
            participant = self._schedule.next(self.fundamental.activity)
            for decision in participant.decide(self._seen()):
                self._carry_out(participant, decision)
            self._on_turn(self.now_s)

    def _seen(self) -> Seen:
        worth = self.fundamental.worth
        books = {}
        for terms in self._terms:
            book = self.venue.markets[terms.symbol].book
            books[terms.symbol] = BookSeen(
                book.bids.depth(LEVELS_SEEN), book.asks.depth(LEVELS_SEEN), terms.fair_ticks(worth)
            )
        return Seen(self.now_s, books, self.fundamental.scenario, self.fundamental.activity)

    def _carry_out(self, participant: Participant, decision: Decision) -> None:
        outcome = self._apply(command_of(participant.user_id, decision))
        if not isinstance(outcome, Applied):
            participant.ended(decision.client_order_id)
            return
        for event in outcome.events:
            if isinstance(event, OrderUpdated):
                tell(self._by_user.get(event.terms.user_id), event)
            elif isinstance(event, Trade):
                self._on_trade(event)

    def _apply(self, command: Command) -> object:
        return self.venue.apply(command, self.venue.sequence + 1, int(self.now_s * NS_PER_S))


def command_of(user_id: str, decision: Decision) -> PlaceOrder | CancelOrder:
    """The command that a decision is."""
    if isinstance(decision, Cancel):
        return CancelOrder(user_id, decision.market, None, decision.client_order_id)
    assert isinstance(decision, Place)
    return PlaceOrder(
        user_id=user_id,
        market=decision.market,
        side=CoreSide.BUY if decision.side == "buy" else CoreSide.SELL,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC if decision.rests else TimeInForce.IOC,
        post_only=False,
        price_ticks=decision.price_ticks,
        quantity_lots=decision.quantity_lots,
        client_order_id=decision.client_order_id,
    )


def tell(participant: Participant | None, event: OrderUpdated) -> None:
    """Let a participant know of a step of its order."""
    if participant is None:
        return
    if event.trade is not None:
        side: Side = "buy" if event.terms.side is CoreSide.BUY else "sell"
        participant.filled(event.terms.market, side, event.trade.quantity_lots)
    if event.status in ENDED and event.terms.client_order_id is not None:
        participant.ended(event.terms.client_order_id)
