"""What a figure measures with: both servers, the pace, and the books on what the exchange answered."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figure import UnmeasuredError
from tests.bench.load import Job, Slice
from tests.bench.processes import run_load

SETUP_CONNECTIONS = 16
# BookSide rest, half trade; what the slices cut off and the order of replies may move it by this much.
RESTED_SHARE = (0.45, 0.55)
EXPIRED_SHARE_MAX = 0.01


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often: each round measures every side once, for `slice_s` after `warmup_s`."""

    name: str
    slice_s: float
    warmup_s: float
    rounds: int
    operations: int  # of a slice of the core
    resting_max: int  # of the figures about many resting orders
    pause_s: float  # how long the loop is listened to


FULL = Pace("full", 2.0, 0.3, 3, operations=100_000, resting_max=1_000_000, pause_s=300.0)
# All of it in three minutes.
USUAL = Pace("usual", 1.2, 0.3, 2, operations=40_000, resting_max=1_000_000, pause_s=10.0)
QUICK = Pace("quick", 0.4, 0.1, 1, operations=4_000, resting_max=10_000, pause_s=2.0)
PACES = {pace.name: pace for pace in (FULL, USUAL, QUICK)}


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

    exchange_url: str
    limit_url: str
    pace: Pace
    scratch: Path
    exchange_ws_url: str = ""
    tell: Callable[[str], None] = lambda text: None
    mix: Mix = field(default_factory=Mix)
    generator_share_max: float = 0.0
    reply_bytes: dict[str, float] = field(default_factory=dict)
    seed: int = 0

    async def prepare(self) -> None:
        """Fund the users, and lay the depth that the takers live on."""
        for kind in ("deposits", "prime"):
            self.tell(f"preparing: {kind}")
            refuse_errors(await run_load(Job(self.exchange_url, kind, SETUP_CONNECTIONS)), kind)

    async def pairs(self, name: str, connections: int, kind: str = "orders") -> list[tuple[Slice, Slice]]:
        """Slices of the exchange and of the limit in turn, so that a noisy minute falls on both sides alike."""
        measured = []
        for number in range(1, self.pace.rounds + 1):
            self.tell(f"{name}: round {number} of {self.pace.rounds}")
            self.seed += 1
            measured.append((await self.exchange(connections, kind), await self.limit(connections)))
        return measured

    async def exchange(self, connections: int, kind: str = "orders") -> Slice:
        measured = await self._slice(self.exchange_url, connections, kind)
        self.mix.add(measured)
        if kind == "orders":
            self.reply_bytes["exchange"] = measured.reply_bytes_mean
        return measured

    async def limit(self, connections: int) -> Slice:
        measured = await self._slice(self.limit_url, connections, "orders")
        self.reply_bytes["limit"] = measured.reply_bytes_mean
        return measured

    def notes(self) -> dict[str, str]:
        """What must hold for the ratios to mean anything."""
        return {
            "flow": f"{self.mix}{'' if self.mix.as_meant() else ', NOT the mix that was meant'}",
            "replies": ", ".join(f"{side} {size:.0f} bytes" for side, size in self.reply_bytes.items()) or "none",
            "generator": f"at most {self.generator_share_max:.0%} of a core",
        }

    async def socket_pairs(self, name: str, in_flight: int) -> list[tuple[Slice, Slice]]:
        """As `pairs`, over one WebSocket with so many orders in flight; the limit sends each frame back."""
        measured = []
        for number in range(1, self.pace.rounds + 1):
            self.tell(f"{name}: round {number} of {self.pace.rounds}")
            self.seed += 1
            exchange = await self._slice(self.exchange_ws_url, 1, "orders", in_flight)
            self.mix.add(exchange)
            echo = await self._slice(self.limit_url.replace("http", "ws", 1) + "/echo", 1, "orders", in_flight)
            measured.append((exchange, echo))
        return measured

    async def _slice(self, url: str, connections: int, kind: str, in_flight: int = 1) -> Slice:
        job = Job(url, kind, connections, self.seed, self.pace.warmup_s, self.pace.slice_s, in_flight)
        measured = await run_load(job)
        refuse_errors(measured, kind)
        if not measured.replies:
            raise UnmeasuredError(f"no reply to {kind} within {self.pace.slice_s} s")
        self.generator_share_max = max(self.generator_share_max, measured.cpu_share)
        return measured


def refuse_errors(measured: Slice, kind: str) -> None:
    """A server that refuses is not fast: one reply that is not a 200 and the figure does not count."""
    if measured.errors:
        counts = ", ".join(f"{count:,} {code}" for code, count in sorted(measured.errors.items()))
        raise UnmeasuredError(f"{kind}: {counts} among {measured.answered:,} replies")
