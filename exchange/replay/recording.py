"""Reads a recording: the commands (csv or csv.gz) and the trades that the real market made of them (csv).

It promises that what it returns is whole and makes sense by itself: every order added once, canceled at most once and
after it was added, every trade between a bid and an ask of the file. Anything else is a `Failure` that names file and
line. Prices and quantities stay the integers of the file; `wire.Units` says what they count.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from exchange.failure import Failure
from exchange.files import content_of, unpacked

Action = Literal["add", "cancel"]
Kind = Literal["limit", "post_only", "market", ""]

COMMAND_COLUMNS = ("seq", "ts", "action", "order_id", "side", "type", "price", "qty")
TRADE_COLUMNS = ("trade_id", "cmd_seq", "ts", "taker_side", "price", "qty", "buy_order_id", "sell_order_id")

FILE_BYTES_MAX = 1 << 30  # unpacked; some ten million commands
DIGITS_MAX = 18
SHOWN_MAX = 100  # characters of a line in a message

Row = TypeVar("Row")


@dataclass(slots=True)
class Command:
    """One line of the order flow. `quantity` of a cancel is what remained of the order; `kind` of a cancel is empty.

    `recorded_ms` is its time, in milliseconds.
    """

    seq: int
    action: Action
    order_id: str
    is_bid: bool
    kind: Kind
    price: int
    quantity: int
    recorded_ms: int = 0


@dataclass(slots=True)
class RecordedTrade:
    """A trade of the real market; `cmd_seq` is the command that caused it, so its order is the taker."""

    trade_id: str
    cmd_seq: int
    taker_side: str
    price: int
    quantity: int
    buy_order_id: str
    sell_order_id: str


@dataclass(slots=True)
class Recording:
    """Commands and trades in order (`trades` None: no file was given), and a digest of the commands file's content."""

    commands: list[Command]
    trades: list[RecordedTrade] | None
    digest: str


def read_recording(commands_file: Path, trades_file: Path | None) -> Recording:
    """Both files, checked against each other."""
    content = _content(commands_file)
    commands = list(_rows(commands_file, content, COMMAND_COLUMNS, _command))
    _check_commands(commands_file, commands)
    trades = None
    if trades_file is not None:
        trades = list(_rows(trades_file, _content(trades_file), TRADE_COLUMNS, _trade))
        _check_trades(trades_file, trades, commands)
    return Recording(commands, trades, hashlib.sha256(content).hexdigest())


def _content(file: Path) -> bytes:
    try:
        # The content says what it is, whatever the file is called.
        return unpacked(content_of(file, FILE_BYTES_MAX), FILE_BYTES_MAX, file)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}") from error


def _rows(file: Path, content: bytes, columns: Sequence[str], row_of: Callable[[Sequence[str]], Row]) -> Iterator[Row]:
    """The rows; blank lines count for nothing, and neither do blanks around a value or a byte order mark."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))
    has_header = False
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells) and len(cells) <= 1:
                continue
            if not has_header:
                if cells != list(columns):
                    raise ValueError(f"the first line must name the columns {', '.join(columns)}, not {_shown(cells)}")
                has_header = True
            elif len(cells) != len(columns):
                raise ValueError(f"a line has {len(columns)} values ({', '.join(columns)}); this has {len(cells)}")
            else:
                yield row_of(cells)
        if not has_header:
            raise ValueError(f"the file is empty; the first line must name the columns {', '.join(columns)}")
    except (ValueError, csv.Error) as error:
        raise Failure(f"{file}, line {max(reader.line_num, 1)}: {error}") from error


def _shown(cells: Sequence[str]) -> str:
    text = ", ".join(cells)
    return repr(text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…")


def _command(cells: Sequence[str]) -> Command:
    seq, ts, action, order_id, side, kind, price, quantity = cells
    if not (order_id.isascii() and order_id.isdigit()):
        raise ValueError(f"the order_id {order_id!r} is not a number")
    if side not in ("bid", "ask"):
        raise ValueError(f"the side {side!r} is neither bid nor ask")
    is_bid = side == "bid"
    match action, kind:
        case "cancel", "":
            return Command(
                _count("seq", seq), "cancel", order_id, is_bid, "",
                _count("price", price), _count("qty", quantity), _count("ts", ts),
            )  # fmt: skip
        case "add", "limit" | "post_only" | "market":
            return Command(
                _count("seq", seq), "add", order_id, is_bid, kind,
                _count("price", price), _count("qty", quantity), _count("ts", ts),
            )  # fmt: skip
        case _:
            raise ValueError(
                f"the action {action!r} with the type {kind!r} must be add with limit, post_only or market, or cancel "
                "without a type"
            )


def _trade(cells: Sequence[str]) -> RecordedTrade:
    trade_id, cmd_seq, _ts, taker_side, price, quantity, buy_order_id, sell_order_id = cells
    if taker_side not in ("buy", "sell"):
        raise ValueError(f"the taker_side {taker_side!r} is neither buy nor sell")
    return RecordedTrade(
        *(trade_id, _count("cmd_seq", cmd_seq), taker_side, _count("price", price), _count("qty", quantity)),
        *(buy_order_id, sell_order_id),
    )


def _count(column: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        shown = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
        raise ValueError(f"the {column} {shown!r} must be a whole number of 0 or more, of {DIGITS_MAX} digits at most")
    return int(text)


def _check_commands(file: Path, commands: Sequence[Command]) -> None:
    is_bid: dict[str, bool] = {}
    canceled: set[str] = set()
    for command in commands:
        if command.action == "add":
            if command.order_id in is_bid:
                raise Failure(f"{file}: seq {command.seq} adds order {command.order_id} a second time.")
            is_bid[command.order_id] = command.is_bid
        else:
            if is_bid.get(command.order_id) is not command.is_bid:
                raise Failure(
                    f"{file}: seq {command.seq} cancels order {command.order_id}, which was never added on that side."
                )
            # A second cancel would make "its order is canceled" no evidence that this very command was applied.
            if command.order_id in canceled:
                raise Failure(f"{file}: seq {command.seq} cancels order {command.order_id} a second time.")
            canceled.add(command.order_id)


def _check_trades(file: Path, trades: Sequence[RecordedTrade], commands: Sequence[Command]) -> None:
    is_bid = {command.order_id: command.is_bid for command in commands if command.action == "add"}
    for trade in trades:
        if is_bid.get(trade.buy_order_id) is not True:
            raise Failure(
                f"{file}: the buyer {trade.buy_order_id} of trade {trade.trade_id} is not a bid in the commands."
            )
        if is_bid.get(trade.sell_order_id) is not False:
            raise Failure(
                f"{file}: the seller {trade.sell_order_id} of trade {trade.trade_id} is not an ask in the commands."
            )
