"""The one statistic that the standard library lacks: a percentile that was really measured."""

from collections.abc import Sequence


def percentile(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile of ascending values: the smallest of them that `percent` % do not exceed.

    No interpolation: between two latencies lies none that anybody waited for.
    """
    assert ordered, "no percentile of nothing"
    assert 0 < percent <= 100
    rank = -(-len(ordered) * percent // 100)
    return ordered[rank - 1]
