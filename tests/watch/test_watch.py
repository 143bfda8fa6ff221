"""The screen of `exchange watch`: what it shows of a market, and that it fits the terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from exchange.client import Book, Event, Gap
from exchange.failure import Failure
from exchange.watch.chart import chart
from exchange.watch.command import watch
from exchange.watch.market import WatchedMarket
from exchange.watch.screen import screen

RULES: Any = {
    "market": "BTC_USDC",
    "base": "BTC",
    "quote": "USDC",
    "status": "trading",
    "tick_size": "0.5",
    "lot_size": "0.001",
}
TICKER: Any = {"last": "100", "open": "101.5", "low": "90", "high": "110", "volume": "12.5", "change": "-1.5"}


def event(channel: str, **data: Any) -> Event:
    return Event(channel, 1, 1, 1, data)


def trade(price: str, at_s: int, taker_side: str = "buy") -> Event:
    made = {"trade_id": str(at_s), "price": price, "quantity": "0.25", "taker_side": taker_side}
    return event("trade@BTC_USDC", **made, timestamp=at_s * 1000)


def order(order_id: str, **more: Any) -> dict[str, Any]:
    usual = {"market": "BTC_USDC", "side": "buy", "price": "99", "quantity": "2", "executed_quantity": "0.5"}
    waits = ("stop_price", "trailing_delta", "trailing_amount", "activation_price", "tracking_at")
    absent = dict.fromkeys(("visible_quantity", "expire_at", *waits))
    return {"order_id": order_id, "status": "open", "order_type": "limit", **absent, **usual, **more}


def market() -> WatchedMarket:
    """A market with two levels a side."""
    book = Book("BTC_USDC", lambda: None)
    levels: Any = {"bids": [("100", "1"), ("99.5", "2")], "asks": [("101", "3"), ("102", "4")]}
    book.take(event("depth@BTC_USDC", type="snapshot", last_sequence=7, **levels))
    return WatchedMarket(RULES, book, [], TICKER)


def drawn(watched: WatchedMarket, user_id: str | None = None, *, width: int = 100, height: int = 30) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    made = screen(
        watched,
        width=width,
        height=height,
        where="http://exchange.test",
        connected=True,
        user_id=user_id,
        notes=["a line of the log"],
    )
    with console.capture() as captured:
        console.print(made, height=height)
    return captured.get().splitlines()


def test_it_shows_the_book_with_its_spread_and_the_trades_newest_first() -> None:
    watched = market()
    watched.take(trade("100", 60))
    watched.take(trade("101.5", 120, "sell"))
    text = "\n".join(drawn(watched))
    assert (
        text.index("102.0") < text.index("101.0") < text.index("2 ticks") < text.index(" 100.0 ") < text.index("99.5")
    )
    assert text.index("101.5  0.250") < text.index("100.0  0.250")
    assert "book 7, verified" in text
    assert "a line of the log" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (60, 16), (40, 12), (20, 6)])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    watched = market()
    for at_s in range(500):
        watched.take(trade(str(100 + at_s % 7), at_s))
    lines = drawn(watched, "alice", width=width, height=height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert lines[4].rstrip().endswith("╮"), "the frame of the book is whole"


def test_in_a_small_terminal_the_book_stays() -> None:
    watched = market()
    watched.take(trade("100", 60))
    text = "\n".join(drawn(watched, "alice", width=40, height=12))
    assert "101.0" in text
    assert "99.5" in text
    assert "open orders" not in text
    assert "a line of the log" not in text


def test_the_tape_begins_with_the_last_trades_and_has_each_once() -> None:
    first: Any = [trade("101", 2).data, trade("100", 1).data]
    watched = WatchedMarket(RULES, market().book, [], TICKER, first)
    for at_s in (2, 3):
        watched.take(trade("101", at_s))
    assert [made["trade_id"] for made in watched.tape] == ["3", "2", "1"]
    watched.take(trade("101", 1))
    assert len(watched.tape) == 4, "another database counts anew"


def test_the_change_of_24_hours_has_its_sign_and_its_share() -> None:
    assert "-1.5 (-1.48%)" in drawn(market())[1]
    rising = WatchedMarket(RULES, market().book, [], TICKER | {"change": "2", "open": "100"})
    assert "+2 (+2.00%)" in drawn(rising)[1]


def test_it_shows_open_orders_until_they_are_closed() -> None:
    watched = market()
    elsewhere = order("3", market="ETH_USDC")
    watched.take(event("orders@alice", type="snapshot", orders=[order("1"), elsewhere]))
    watched.take(event("orders@alice", type="update", reason="accepted", order=order("2", side="sell"), fill=None))
    assert "open orders of alice (2)" in "\n".join(drawn(watched, "alice"))
    watched.take(event("orders@alice", type="update", reason="filled", order=order("1", status="filled"), fill=None))
    text = "\n".join(drawn(watched, "alice"))
    assert "open orders of alice (1)" in text
    assert "sell  limit  99.0  0.5 of 2 BTC" in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"order_type": "stop_loss", "price": None, "stop_price": "110"},
            "stop loss  -  0 of 2 BTC  waits for >= 110.0",
        ),
        ({"order_type": "take_profit_limit", "stop_price": "90"}, "99.0  0 of 2 BTC  waits for <= 90.0"),
        ({"order_type": "stop_loss", "side": "sell", "stop_price": "90"}, "waits for <= 90.0"),
        ({"order_type": "take_profit", "side": "sell", "stop_price": "120"}, "waits for >= 120.0"),
        ({"order_type": "stop_loss", "trailing_delta": 150}, "trails by 150 basis points "),
        ({"order_type": "stop_loss", "trailing_amount": "2", "activation_price": "95"}, "trails by 2.0 from 95.0 on"),
        ({"order_type": "stop_loss", "trailing_amount": "2", "activation_price": "9", "tracking_at": 1}, "by 2.0 "),
        ({"status": "open", "visible_quantity": "0.5", "expire_at": 1_800_000_000_000}, "shows 0.5, until 20"),
    ],
)
def test_it_shows_what_an_order_waits_for_and_what_it_is(more: dict[str, Any], words: str) -> None:
    watched = market()
    asked = order("1", executed_quantity="0", **{"status": "pending", **more})
    watched.take(event("orders@alice", type="update", reason="accepted", order=asked, fill=None))
    text = "\n".join(drawn(watched, "alice"))
    assert "open orders of alice (1)" in text
    assert words in text


def test_a_book_that_is_not_complete_is_said_to_be() -> None:
    watched = market()
    watched.book.lost()
    watched.gap(Gap("depth@BTC_USDC", 1, 2, "lost"))
    text = "\n".join(drawn(watched))
    assert "waiting for the book, 1 gaps" in text
    assert "verified" not in text


def test_the_chart_fills_its_rows_from_the_lowest_to_the_highest_price() -> None:
    low, middle, high = zip(*chart([1.0, 2.0, 3.0], 3, 2), strict=True)
    assert (low, high) == ((" ", "▁"), ("█", "█"))
    assert middle[1] == "█"
    assert [len(row) for row in chart([1.0, 5.0], 10, 4)] == [10] * 4
    assert chart([], 4, 2) == ["    ", "    "]
    assert chart([5.0, 5.0], 2, 2) == ["  ", "██"]


async def test_it_wants_a_terminal() -> None:
    with pytest.raises(Failure, match="terminal"):
        await watch("http://127.0.0.1:1", None, None, Console(file=io.StringIO()))
