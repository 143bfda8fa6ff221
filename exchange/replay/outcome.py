"""What became of one command, and how that compares with what the recording says became of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from exchange.client import Order, Refusal
from exchange.replay.recording import Command, Recording
from exchange.replay.wire import EXACT, Units, plain


@dataclass(slots=True)
class Outcome:
    """One acknowledged command.

    Accepted or canceled: `order_id` is the exchange's, `status` and `remaining` (quantity not executed) are the
    order's, and `code` is None. Refused: `code` says why, and the others are None. `recovered`: no reply told it; it
    was read from the exchange afterwards, or inferred, and `status` may be a later one.
    """

    command: Command
    order_id: str | None
    status: str | None
    remaining: Decimal | None
    code: str | None
    recovered: bool = False


def accepted(command: Command, order: Order, recovered: bool = False) -> Outcome:
    """The outcome of a command that the exchange carried out."""
    remaining = EXACT.subtract(Decimal(order["quantity"]), Decimal(order["executed_quantity"]))
    return Outcome(command, order["order_id"], order["status"], remaining, None, recovered)


def refused(command: Command, code: str, recovered: bool = False) -> Outcome:
    """The outcome of a command that the exchange refused."""
    return Outcome(command, None, None, None, code, recovered)


def answered(command: Command, result: Order | Refusal) -> Outcome:
    """The outcome that the exchange's own reply tells."""
    if "code" in result:
        return refused(command, result["code"])
    return accepted(command, result)


@dataclass(slots=True)
class Tally:
    """Counts outcomes and keeps them all, for whoever wants to judge the exchange by what it acknowledged."""

    acknowledged: list[Outcome] = field(default_factory=list)
    accepted: int = 0
    canceled: int = 0
    recovered: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    cancels_as_recorded: int = 0
    cancels_different: int = 0
    unexpected: int = 0
    first_difference: str | None = None


class Judge:
    """Holds outcomes against the recording.

    A limit or market order is accepted, a cancel finds the recorded quantity remaining. A post-only order that the
    recording mentions again (canceled, traded) was accepted; one that it never mentions again was refused with
    `WOULD_TAKE`, except that without the recorded trades it may as well have been accepted and filled.
    """

    def __init__(self, recording: Recording, units: Units) -> None:
        self.tally = Tally()
        self._units = units
        self._trades_known = recording.trades is not None
        self._mentioned = {command.order_id for command in recording.commands if command.action == "cancel"}
        for trade in recording.trades or ():
            self._mentioned |= {trade.buy_order_id, trade.sell_order_id}

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes, and keep the first difference among them."""
        for outcome in outcomes:
            self._count(outcome)
            if difference := self._difference(outcome):
                self.tally.unexpected += 1
                if self.tally.first_difference is None:
                    self.tally.first_difference = difference

    def _count(self, outcome: Outcome) -> None:
        tally = self.tally
        tally.acknowledged.append(outcome)
        tally.recovered += outcome.recovered
        if outcome.code is not None:
            tally.refusals[outcome.code] += 1
        elif outcome.command.action == "add":
            tally.accepted += 1
        else:
            tally.canceled += 1
            if outcome.remaining == self._units.quantities(outcome.command.quantity):
                tally.cancels_as_recorded += 1
            else:
                tally.cancels_different += 1

    def _difference(self, outcome: Outcome) -> str | None:
        command = outcome.command
        what = f"seq {command.seq} ({command.action} of {command.order_id})"
        if command.kind == "post_only" and command.order_id not in self._mentioned:
            if outcome.code == "WOULD_TAKE" or (outcome.code is None and not self._trades_known):
                return None
            return f"{what} is recorded as refused with WOULD_TAKE, and was {outcome.code or 'accepted'}"
        if outcome.code is not None:
            return f"{what} was refused with {outcome.code}"
        recorded = self._units.quantities(command.quantity)
        if command.action == "cancel" and outcome.remaining != recorded:
            left = "nothing" if outcome.remaining is None else plain(outcome.remaining)
            return f"{what} found {left} remaining, recorded is {plain(recorded)}"
        return None
