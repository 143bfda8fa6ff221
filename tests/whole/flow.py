"""Recordings to drive an exchange with: the half hour of a real market, where it lies beside the repository, and made
ones, which a naive matcher has gone through, for everywhere."""

import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from exchange.replay.recording import Command
from tests.replay.matcher import Matcher, RefusedError, RestingOrder
from tests.replay.stories import item, write_rows, write_trades

DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Recorded:
    """Two files, and what stands in them."""

    commands: Path
    trades: Path
    adds_accepted: int
    cancels: int
    would_take: int
    trades_made: int


REAL = Recorded(
    DATA / "bitstamp_btcusd_20260502_commands.csv.gz",
    DATA / "bitstamp_btcusd_20260502_trades.csv",
    adds_accepted=56_369,
    cancels=56_065,
    would_take=100_518,
    trades_made=284,
)


class _Writer:
    """A market that writes down what is asked of it and what it makes of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.matcher = Matcher()
        self.commands: list[Command] = []
        self.trades: list[tuple[object, ...]] = []
        self.cancels = self.refused = 0

    def take(self, action: str, order_id: str, is_bid: bool, kind: str, price: int, quantity: int) -> None:
        command = Command(len(self.commands), action, order_id, is_bid, kind, price, quantity)  # type: ignore[arg-type]
        self.commands.append(command)
        before = len(self.matcher.trades)
        try:
            self.matcher.apply(order_id, item(command))  # every order is its own user's
        except RefusedError as refusal:
            if refusal.code != "WOULD_TAKE":
                raise
            self.refused += 1
        self.cancels += action == "cancel"
        for trade in self.matcher.trades[before:]:
            buy, sell = trade.side("buy").client_order_id, trade.side("sell").client_order_id
            seq, number, taker = command.seq, trade.number, trade.taker.side
            self.trades.append((number, seq, 1000 + seq, taker, trade.price, trade.quantity, buy, sell))

    def cancel(self, order: RestingOrder) -> None:
        assert order.price is not None
        self.take("cancel", order.client_order_id, order.side == "buy", "", int(order.price), int(order.remaining))

    def resting(self) -> list[RestingOrder]:
        return [order for book in self.matcher.books.values() for _, order in book]


def make_recording(place: Path, seed: int, length: int) -> Recorded:
    """`length` commands, and those that empty the book: limits that trade often, post-only, market orders, cancels."""
    made = _Writer(seed)
    chance = made.chance
    while len(made.commands) < length:
        standing = made.resting()
        if standing and chance.random() < min(0.45, len(standing) / 200):
            made.cancel(chance.choice(standing))
            continue
        kind = chance.choices(("limit", "post_only", "market"), (60, 35, 5))[0]
        is_bid = chance.random() < 0.5
        # Around 78,000.00; who bids bids less, mostly, so that a book of some depth stands between the trades.
        price = 7_800_000 + chance.randint(-300, 60) * (1 if is_bid else -1)
        order_id = str(len(made.commands) + 1)
        made.take("add", order_id, is_bid, kind, 0 if kind == "market" else price, chance.randint(1, 90_000_001))
    for order in made.resting():
        made.cancel(order)
    commands = write_rows(place / f"commands-{seed}.csv", made.commands)
    trades = write_trades(place / f"trades-{seed}.csv", made.trades)
    accepted = len(made.commands) - made.cancels - made.refused
    assert made.trades
    assert made.refused
    assert all(Decimal(order.executed) >= 0 for order in made.matcher.orders.values())
    return Recorded(commands, trades, accepted, made.cancels, made.refused, len(made.trades))
