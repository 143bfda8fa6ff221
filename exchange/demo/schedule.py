"""Whose turn it is: every participant at a time of its own, the same for the same seed."""

import heapq
from collections.abc import Sequence

from exchange.demo.kinds.participant import Participant


class Schedule:
    """The participants in the order in which they act. `due_s` is when the next one does."""

    def __init__(self, participants: Sequence[Participant]) -> None:
        self._participants = participants
        self._due = [(participant.wait_s(1.0), number) for number, participant in enumerate(participants)]
        heapq.heapify(self._due)

    @property
    def due_s(self) -> float:
        """When the next one acts, in seconds since the beginning."""
        return self._due[0][0]

    def next(self, activity: float) -> Participant:
        """Whoever is due, with the next time noted."""
        due_s, number = self._due[0]
        participant = self._participants[number]
        heapq.heapreplace(self._due, (due_s + participant.wait_s(activity), number))
        return participant
