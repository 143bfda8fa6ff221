"""What a proof has come to, in figures: kept as JSON, shown as a table, and written into docs/PROOF.md."""

import msgspec
from rich.table import Table


class Judged(msgspec.Struct, frozen=True):
    """The judge's part. `broken` counts the seeds one of whose stories broke the contract.

    `refused` has the refusals by reason.
    """

    stories: int
    seeds: int
    commands: int
    orders: int
    trades: int
    retries: int
    refusals: int
    reasons: int
    broken: int
    refused: dict[str, int] = {}


class Conformance(msgspec.Struct, frozen=True):
    """Other engines' cases. `wrong` are those that came out neither the same nor differently on purpose."""

    cases: int
    run: int
    same: int
    on_purpose: int
    wrong: int


class Streamed(msgspec.Struct, frozen=True):
    """Pipelined streams of requests, cut anywhere. `failed` counts the seeds with a wrong reply."""

    seeds: int
    replies: int
    failed: int


class Simulated(msgspec.Struct, frozen=True):
    """The simulator's part; from `commands_stored` on, sums over all seeds."""

    first_seed: int
    seeds: int
    failed: int
    commands_stored: int
    trades: int
    requests: int
    unanswered: int
    crashes: int
    starts: int
    faults: int
    acknowledgements_checked: int
    messages: int
    reads_compared: int
    virtual_seconds: int


class Recoveries(msgspec.Struct, frozen=True):
    """From one kind of fault, until a command sent after it was answered. `times_s` has each, where it is known."""

    count: int
    p50_s: float
    max_s: float
    times_s: list[float] = []


class Tortured(msgspec.Struct, frozen=True):
    """What `exchange torture --figures` writes; or the sums of several runs, `seed` the seed of the last and `runs` how
    many they were."""

    seed: int
    faults: dict[str, int]
    starts: int
    ended_by_itself: int
    commands: int
    acknowledged: int
    refused: int
    answers_lost: int
    sent_again: int
    recoveries: dict[str, Recoveries]
    trades: int
    fills: int
    orders: int
    orders_open: int
    events: int
    connections: int
    books_read: int
    audit: str
    lost: int
    doubled: int
    wrong: int
    took_s: int
    runs: int = 1
    lists: int = 0

    @property
    def recovered(self) -> int:
        """How many recoveries there were, from whatever."""
        return sum(one.count for one in self.recoveries.values())


class Proof(msgspec.Struct, frozen=True):
    """One run of `make prove`. A part is None where it was not asked for, or came to no end."""

    measured_at: str
    python: str
    cores: int
    took_s: int
    judge: Judged | None
    conformance: Conformance
    simulator: Simulated | None
    torture: Tortured | None
    streams: Streamed | None = None

    @property
    def wrong(self) -> int:
        """How much is wrong, of whatever kind."""
        return (
            (self.judge.broken if self.judge else 0)
            + self.conformance.wrong
            + (self.streams.failed if self.streams else 0)
            + (self.simulator.failed if self.simulator else 0)
            + (self.torture.lost + self.torture.doubled + self.torture.wrong if self.torture else 0)
        )


Row = tuple[str, str, str]  # the part, what, how much


def rows(proof: Proof) -> list[Row]:
    """The closing table, also as the page has it."""
    found: list[Row] = []
    if (judge := proof.judge) is not None:
        found += [
            ("judge", "stories, of seeds", f"{judge.stories:,}, {judge.seeds:,}"),
            ("judge", "commands judged", f"{judge.commands:,}"),
            ("judge", "orders, trades, retries", f"{judge.orders:,}, {judge.trades:,}, {judge.retries:,}"),
            ("judge", "refusals, for different reasons", f"{judge.refusals:,}, {judge.reasons}"),
            ("judge", "stories that break the contract", f"{judge.broken:,}"),
        ]
    cases = proof.conformance
    found += [
        ("conformance", "cases run, of those collected", f"{cases.run}, {cases.cases}"),
        ("conformance", "the same, different on purpose", f"{cases.same}, {cases.on_purpose}"),
        ("conformance", "anything else", f"{cases.wrong}"),
    ]
    if (streams := proof.streams) is not None:
        found += [
            ("streams", "replies to pipelined requests checked", f"{streams.replies:,}"),
            ("streams", "seeds with a wrong reply, of seeds", f"{streams.failed:,}, {streams.seeds:,}"),
        ]
    if (simulator := proof.simulator) is not None:
        found += _simulated(simulator)
    if (torture := proof.torture) is not None:
        found += _tortured(torture)
    return found


def _simulated(made: Simulated) -> list[Row]:
    found = [
        ("seeds run", f"{made.seeds:,} (from {made.first_seed})"),
        ("virtual time", f"{made.virtual_seconds / 3600:.1f} h"),
        ("commands stored, trades", f"{made.commands_stored:,}, {made.trades:,}"),
        ("faults; crashes and starts among them", f"{made.faults:,}; {made.crashes:,}, {made.starts:,}"),
        ("requests, unanswered among them", f"{made.requests:,}, {made.unanswered:,}"),
        ("acknowledgements checked", f"{made.acknowledgements_checked:,}"),
        ("feed messages checked, whole reads compared", f"{made.messages:,}, {made.reads_compared:,}"),
        ("seeds that fail", f"{made.failed:,}"),
    ]
    return [("simulator", *row) for row in found]


def _tortured(made: Tortured) -> list[Row]:
    found = [
        ("runs, seed of the last", f"{made.runs}, {made.seed}"),
        ("kills of the exchange survived", f"{made.faults['kills']:,}"),
        ("kills of PostgreSQL survived", f"{made.faults['postgres kills']:,}"),
        *((f"{fault} survived", f"{made.faults[fault]:,}") for fault in list(made.faults)[2:]),
        ("starts of the exchange", f"{made.starts:,}"),
        ("recoveries", f"{made.recovered:,}"),
        *(
            (f"recovery from {fault}: median, longest", f"{took.p50_s:.2f} s, {took.max_s:.2f} s")
            for fault, took in made.recoveries.items()
        ),
        ("commands sent, sent again for want of an answer", f"{made.commands:,}, {made.sent_again:,}"),
        ("acknowledgements checked", f"{made.acknowledged:,}"),
        ("refusals checked", f"{made.refused:,}"),
        ("trades, fills", f"{made.trades:,}, {made.fills:,}"),
        ("socket messages checked, connections", f"{made.events:,}, {made.connections:,}"),
        ("books read and compared", f"{made.books_read:,}"),
        ("`exchange check --replay`", made.audit),
        ("lost", f"{made.lost}"),
        ("doubled", f"{made.doubled}"),
        ("otherwise wrong", f"{made.wrong}"),
        ("took", f"{made.took_s // 60} min {made.took_s % 60} s"),
    ]
    return [("torture", *row) for row in found]


def table(proof: Proof) -> Table:
    """For a terminal."""
    made = Table("part", "what", "figure", title=f"Proof, in {proof.took_s} s", title_justify="left")
    for row in rows(proof):
        made.add_row(*row)
    return made
