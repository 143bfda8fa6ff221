"""A line of prices as text: one column a minute, with a resolution of an eighth of a row."""

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"


def chart(prices: Sequence[float], width: int, height: int) -> list[str]:
    """The last `width` prices as `height` rows, the highest first. All blank without prices."""
    shown = list(prices)[-width:]
    if not shown or height < 1:
        return [" " * width for _ in range(height)]
    low, high = min(shown), max(shown)
    span = high - low
    # The lowest price still fills an eighth, and where all are equal they fill the lower part.
    filled = [1 + round((price - low) / span * (8 * height - 1)) if span else 4 * height for price in shown]
    rows = []
    for row in range(height - 1, -1, -1):
        rows.append("".join(EIGHTHS[max(0, min(8, eighths - 8 * row))] for eighths in filled).rjust(width))
    return rows
