"""A histogram of whole numbers for the hot path: to observe a value is one addition. `/metrics` reads it."""


class Histogram:
    """How many values there were up to 1, 2, 4, 8, … and beyond `2 ** powers`, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self, powers: int) -> None:
        self.counts = [0] * (powers + 2)
        self.total = 0

    def observe(self, value: int) -> None:
        """Count a value of zero or more."""
        counts = self.counts
        power = (value - 1).bit_length() if value else 0
        counts[power if power < len(counts) else -1] += 1
        self.total += value
