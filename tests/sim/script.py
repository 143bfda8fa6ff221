"""What happens in a world that its code does not decide: every step of a client and every fault, each under a name.

All of it comes from the seed, and each thing from a source of chance of its own. So any of it can be left out, and
the rest stays as it was: that is how a history that fails is made short.
"""

import hashlib
from collections.abc import Callable
from random import Random


class Script:
    """The things that happen, and the lines that tell of it. `kept` names those that may; None is all of them."""

    def __init__(self, seed: int, time_s: Callable[[], float], kept: frozenset[str] | None = None) -> None:
        self.seed = seed
        self.happened: dict[str, str] = {}  # in words, by name
        self.history: list[str] = []
        self.lines = 0
        self._time_s = time_s
        self._kept = kept
        self._digest = hashlib.sha256()

    def chance(self, name: str) -> Random:
        """A source of chance of its own, so that one part's does not depend on how often another asks."""
        return Random(f"{self.seed} {name}")

    def happens(self, name: str, words: str) -> bool:
        """Whether this step or fault, which no other has the name of, is not left out."""
        if self._kept is not None and name not in self._kept:
            return False
        self.happened[name] = words
        return True

    def trace(self, line: str) -> None:
        """Write down what somebody saw: too much to be read, and the same whenever the seed is."""
        self.lines += 1
        self._digest.update(f"{self._time_s():.6f} {line}\n".encode())

    def tell(self, line: str) -> None:
        """Write down what happened: who asked for what, what came of it, and what broke."""
        self.trace(line)
        self.history.append(f"{self._time_s():10.6f} {line}")

    @property
    def digest(self) -> str:
        """The trace so far, as a hash."""
        return self._digest.hexdigest()
