"""Draws the figures as an SVG file: bars of the autocorrelations, and the prices of the minutes."""

from collections.abc import Sequence

from tests.demo.figures import LAGS, Tape

WIDTH, HEIGHT, MARGIN = 760, 460, 46
COLORS = ("#1f6feb", "#8b949e")
INK = "#57606a"


def plot(tapes: Sequence[tuple[str, Tape]]) -> str:
    """The SVG of these markets, each with its name."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_bars(tapes),
        *(line for number, (name, tape) in enumerate(tapes) for line in _line(number, len(tapes), name, tape)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _bars(tapes: Sequence[tuple[str, Tape]]) -> list[str]:
    """The autocorrelations at lags 1 to 10, with a line at 0.1."""
    top, bottom, low, high = 40.0, HEIGHT / 2 - 20, -0.4, 0.8

    def y(value: float) -> float:
        return bottom - (max(low, min(high, value)) - low) / (high - low) * (bottom - top)

    lines = [_text(MARGIN, 20, "autocorrelation of absolute one-minute returns, by lag in minutes")]
    for value in (-0.4, 0.0, 0.1, 0.4, 0.8):
        dash = ' stroke-dasharray="4 3"' if value == 0.1 else ""
        lines.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - 10}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#d0d7de"{dash}/>'
        )
        lines.append(_text(MARGIN - 6, y(value) + 4, f"{value:g}", "end"))
    group = (WIDTH - MARGIN - 10) / len(LAGS)
    wide = group * 0.7 / len(tapes)
    for number, (name, tape) in enumerate(tapes):
        for place, value in enumerate(tape.volatility_correlations()):
            x = MARGIN + place * group + group * 0.15 + number * wide
            upper, lower = min(y(value), y(0)), max(y(value), y(0))
            lines.append(
                f'<rect x="{x:.1f}" y="{upper:.1f}" width="{wide:.1f}" height="{lower - upper:.1f}" '
                f'fill="{COLORS[number]}"/>'
            )
        lines.append(f'<rect x="{430 + 130 * number}" y="11" width="10" height="10" fill="{COLORS[number]}"/>')
        lines.append(_text(445 + 130 * number, 20, name))
    for place, lag in enumerate(LAGS):
        lines.append(_text(MARGIN + (place + 0.5) * group, bottom + 16, str(lag), "middle"))
    return lines


def _line(number: int, count: int, name: str, tape: Tape) -> list[str]:
    """The prices, in percent of the first one."""
    top, bottom = HEIGHT / 2 + 40.0, HEIGHT - 24.0
    wide = (WIDTH - MARGIN - 10) / count
    left = MARGIN + number * wide
    percents = [0.0]
    for value in tape.returns():
        percents.append(((1 + percents[-1] / 100) * (1 + value) - 1) * 100)
    low, high = min(percents), max(percents)
    span = (high - low) or 1.0
    points = " ".join(
        f"{left + place / max(len(percents) - 1, 1) * (wide - 60):.1f},"
        f"{bottom - (value - low) / span * (bottom - top):.1f}"
        for place, value in enumerate(percents)
    )
    return [
        _text(left, top - 14, f"{name}: {len(percents)} minutes, {low:+.2f} % to {high:+.2f} %"),
        f'<polyline points="{points}" fill="none" stroke="{COLORS[number]}" stroke-width="1.5"/>',
    ]
