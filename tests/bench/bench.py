"""What a figure measures with: both servers, the pace, and the books on what the exchange answered."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.load import Slice
from tests.bench.pace import Pace
from tests.bench.side import Side

# BookSide rest, half trade; what the slices cut off and the order of replies may move it by this much.
RESTED_SHARE = (0.45, 0.55)
EXPIRED_SHARE_MAX = 0.01


@dataclass(slots=True)
class Mix:
    """What became of the orders sent to the exchange, as its replies say: proof of what the flow was."""

    statuses: Counter[str] = field(default_factory=Counter)
    fills: int = 0

    def add(self, measured: Slice) -> None:
        self.statuses.update(measured.statuses)
        self.fills += measured.fills

    def share(self, *statuses: str) -> float:
        return sum(self.statuses[status] for status in statuses) / self.statuses.total()

    def as_meant(self) -> bool:
        if not self.statuses:
            return True
        low, high = RESTED_SHARE
        return low <= self.share("open", "partially_filled") <= high and self.share("expired") <= EXPIRED_SHARE_MAX

    def __str__(self) -> str:
        if not self.statuses:
            return "no order counted"
        fills_each = self.fills / max(1, self.statuses["filled"])
        return (
            f"{self.statuses.total():,} orders: {self.share('open', 'partially_filled'):.1%} rested, "
            f"{self.share('filled'):.1%} traded at once ({fills_each:.1f} fills each), "
            f"{self.share('expired'):.2%} expired"
        )


@dataclass(slots=True)
class Bench:
    """One run. `tell` hears what is being measured; `scratch` is a directory that goes with the run."""

    pace: Pace
    scratch: Path
    tell: Callable[[str], None] = lambda text: None
    mix: Mix = field(default_factory=Mix)
    reply_bytes: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    ours: Side = field(init=False)  # the exchange
    handler: Side = field(init=False)  # the limit that pays for aiohttp
    bare: Side = field(init=False)  # the limit that pays for the parser only
    others: list[Side] = field(default_factory=list)  # exchanges of single figures

    def __post_init__(self) -> None:
        self.ours, self.handler, self.bare = (Side("", "", self.pace) for _ in range(3))

    def next_round(self, name: str, number: int) -> None:
        """Say what is measured now, and give every side the same new flow."""
        self.tell(f"{name}: round {number} of {self.pace.rounds}")
        self.seed += 1
        for side in (self.ours, self.handler, self.bare):
            side.seed = self.seed

    async def rounds(self, name: str, connections: int, kind: str = "orders") -> list[tuple[Slice, Slice, Slice]]:
        """Slices of the exchange, of the handler and of the bare protocol in turn.

        So a noisy minute falls on all of them alike. The limits always get single orders.
        """
        measured = []
        for number in range(1, self.pace.rounds + 1):
            self.next_round(name, number)
            exchange = await self.ours.load(kind, connections)
            self.mix.add(exchange)
            handler, bare = [await limit.load("orders", connections) for limit in (self.handler, self.bare)]
            self.reply_bytes |= {"handler": handler.reply_bytes_mean, "bare": bare.reply_bytes_mean}
            if kind == "orders":
                self.reply_bytes["exchange"] = exchange.reply_bytes_mean
            measured.append((exchange, handler, bare))
        return measured

    def notes(self) -> dict[str, str]:
        """What must hold for the ratios to mean anything."""
        sides = (self.ours, self.handler, self.bare, *self.others)
        language = "C" if any(side.compiled_generator for side in sides) else "Python: there is no C compiler"
        share = max(side.generator_share_max for side in sides)
        return {
            "flow": f"{self.mix}{'' if self.mix.as_meant() else ', NOT the mix that was meant'}",
            "replies": ", ".join(f"{side} {size:.0f} bytes" for side, size in self.reply_bytes.items()) or "none",
            "generator": f"{language}; at most {share:.0%} of a core",
        }

    async def socket_pairs(self, name: str, in_flight: int) -> list[tuple[Slice, Slice]]:
        """Slices over one WebSocket with so many orders in flight; the handler sends each frame back."""
        measured = []
        for number in range(1, self.pace.rounds + 1):
            self.next_round(name, number)
            exchange = await self.ours.load("orders", 1, socket=True, in_flight=in_flight)
            self.mix.add(exchange)
            echo = await self.handler.load("orders", 1, socket=True, in_flight=in_flight)
            measured.append((exchange, echo))
        return measured
