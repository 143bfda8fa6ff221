"""Short recordings, written as a market story and recorded by the naive matcher."""

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from exchange.replay.recording import COMMAND_COLUMNS, TRADE_COLUMNS, Command
from tests.replay.matcher import Matcher, RefusedError


def command(line: str, seq: int = 0) -> Command:
    """`"1 bid limit 100 5"` adds order 1, `"cancel 1 bid 100 5"` cancels it with 5 remaining."""
    words = line.split()
    if words[0] == "cancel":
        return Command(seq, "cancel", words[1], words[2] == "bid", "", int(words[3]), int(words[4]), 1000 + seq)
    kind: Any = words[2]
    return Command(seq, "add", words[0], words[1] == "bid", kind, int(words[3]), int(words[4]), 1000 + seq)


def commands(lines: Iterable[str]) -> list[Command]:
    return [command(line, seq) for seq, line in enumerate(lines)]


def write_commands(file: Path, lines: Iterable[str]) -> Path:
    return write_rows(file, commands(lines))


def write_rows(file: Path, rows: Iterable[Command]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COMMAND_COLUMNS)
        for c in rows:
            side = "bid" if c.is_bid else "ask"
            writer.writerow((c.seq, c.recorded_ms, c.action, c.order_id, side, c.kind, c.price, c.quantity))
    return file


def record(lines: Sequence[str]) -> tuple[Matcher, list[tuple[object, ...]]]:
    """What a market makes of the lines: the matcher after it, and the rows of its trades file."""
    matcher = Matcher()
    rows: list[tuple[object, ...]] = []
    for c in commands(lines):
        before = len(matcher.trades)
        try:
            # Every order is its own user's: a recorded market knows of no self-trades.
            matcher.apply(c.order_id, item(c))
        except RefusedError:
            continue
        for trade in matcher.trades[before:]:
            buy, sell = trade.side("buy").client_order_id, trade.side("sell").client_order_id
            rows.append((trade.number, c.seq, 1000 + c.seq, trade.taker.side, trade.price, trade.quantity, buy, sell))
    return matcher, rows


def item(c: Command) -> dict[str, Any]:
    if c.action == "cancel":
        return {"cancel": {"market": "BTC_USD", "client_order_id": c.order_id}}
    placed = {
        "market": "BTC_USD",
        "side": "buy" if c.is_bid else "sell",
        "order_type": "market" if c.kind == "market" else "limit",
        "quantity": str(c.quantity),
        "client_order_id": c.order_id,
    }
    return placed if c.kind == "market" else placed | {"price": str(c.price), "post_only": c.kind == "post_only"}


def write_trades(file: Path, rows: Iterable[Sequence[object]]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(TRADE_COLUMNS)
        writer.writerows(rows)
    return file


def random_story(seed: int, length: int) -> list[str]:
    """Limits, post-only orders that often would take, market orders and cancels; at the end the book is empty."""
    chance = random.Random(seed)
    lines: list[str] = []
    for number in range(1, length + 1):
        matcher, _ = record(lines)
        standing = [order for book in matcher.books.values() for _, order in book]
        if standing and chance.random() < 0.3:
            lines.append(_cancel(chance.choice(standing)))
            continue
        kind = chance.choices(("limit", "post_only", "market"), (5, 4, 1))[0]
        price = 0 if kind == "market" else chance.randint(95, 105)
        lines.append(f"{number} {chance.choice(('bid', 'ask'))} {kind} {price} {chance.randint(1, 9)}")
    matcher, _ = record(lines)
    return lines + [_cancel(order) for book in matcher.books.values() for _, order in book]


def _cancel(order: Any) -> str:
    side = "bid" if order.side == "buy" else "ask"
    return f"cancel {order.client_order_id} {side} {order.price} {order.remaining}"
