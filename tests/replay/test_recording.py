"""Reading recordings, and saying their integers in the contract's words."""

import gzip
from collections.abc import Callable
from decimal import Decimal, Inexact
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.failure import Failure
from exchange.replay.recording import read_recording
from exchange.replay.wire import EXACT, Units, item_of, plain
from tests.replay.stories import command, commands, write_commands, write_trades

STORY = [
    "1 ask limit 7831900 12100000",
    "2 bid post_only 7831900 5",
    "3 bid market 0 100",
    "cancel 1 ask 7831900 12099900",
]
CENTS_AND_SATOSHI = Units(Decimal("0.01"), Decimal("0.00000001"))


def test_a_recording_reads_the_same_plain_and_compressed(tmp_path: Path) -> None:
    plain_file = write_commands(tmp_path / "story.csv", STORY)
    packed_file = tmp_path / "story.csv.gz"
    packed_file.write_bytes(gzip.compress(plain_file.read_bytes()))
    recording = read_recording(plain_file, None)
    assert recording.commands == commands(STORY)
    assert recording.trades is None
    assert read_recording(packed_file, None) == recording


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text + "\n",
        lambda text: "\n" + text.replace("\r\n", "\n\n") + "  \n\n",
        lambda text: text.replace(",", " , "),
        lambda text: text.replace(",", ",\t"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\r\n", "\r"),
        lambda text: text.rstrip(),
    ],
)
def test_blank_lines_blanks_and_a_mark_at_the_beginning_count_for_nothing(
    tmp_path: Path, written: Callable[[str], str]
) -> None:
    trades_file = write_trades(tmp_path / "trades.csv", [(77, 2, 1002, "buy", 7831900, 100, 3, 1)])
    file = write_commands(tmp_path / "story.csv", STORY)
    expected = read_recording(file, trades_file)
    for either in (file, trades_file):
        either.write_bytes(written(either.read_bytes().decode()).encode())
    found = read_recording(file, trades_file)
    assert (found.commands, found.trades) == (expected.commands, expected.trades)


def test_trades_come_with_their_sides(tmp_path: Path) -> None:
    trades = write_trades(tmp_path / "trades.csv", [(77, 2, 1002, "buy", 7831900, 100, 3, 1)])
    recording = read_recording(write_commands(tmp_path / "story.csv", STORY), trades)
    assert recording.trades is not None
    (trade,) = recording.trades
    assert (trade.trade_id, trade.cmd_seq, trade.taker_side) == ("77", 2, "buy")
    assert (trade.price, trade.quantity, trade.buy_order_id, trade.sell_order_id) == (7831900, 100, "3", "1")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["1 bid limit 100 5", "1 ask limit 101 5"], "seq 1 adds order 1 a second time"),
        (["cancel 1 bid 100 5", "1 bid limit 100 5"], "seq 0 cancels order 1, which was never added on that side"),
        (["1 bid limit 100 5", "cancel 1 ask 100 5"], "seq 1 cancels order 1, which was never added on that side"),
        (["1 bid limit 100 5", "cancel 1 bid 100 5", "cancel 1 bid 100 5"], "seq 2 cancels order 1 a second time"),
        (["1 bid limit 100 5", "2 bid iceberg 100 5"], "line 3: the action 'add' with the type 'iceberg' must be"),
        (["1 bid limit 100 -5"], "line 2: the qty '-5' must be a whole number of 0 or more"),
        ([f"1 bid limit {'9' * 4000} 5"], f"line 2: the price '{'9' * 100}…' must be a whole number of 0 or more, of"),
        (["x1 bid limit 100 5"], "line 2: the order_id 'x1' is not a number"),
    ],
)
def test_a_recording_that_makes_no_sense_is_refused(tmp_path: Path, lines: list[str], sentence: str) -> None:
    file = write_commands(tmp_path / "story.csv", lines)
    with pytest.raises(Failure, match=sentence):
        read_recording(file, None)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "line 1: the file is empty; the first line must name the columns seq, ts"),
        (b"\n\n", "the file is empty"),
        (b"a,b\n1,2\n", "line 1: the first line must name the columns seq, ts.*, not 'a, b'"),
        (b"a" * 1000, "not 'a{100}…'"),
        (b"seq,ts,action,order_id,side,type,price,qty\n1,2\n", r"line 2: a line has 8 values \(.*\); this has 2"),
        (b"seq,ts,action,order_id,side,type,price,qty\n,,,,,,,\n", "line 2: the order_id '' is not a number"),
        (
            b"seq,ts,action,order_id,side,type,price,qty\n1,1,add,1,bid,limit,100.5,5\n",
            "line 2: the price '100.5' must be a whole number of 0 or more",
        ),
        (b"\x1f\x8bnonsense", "cannot be read"),
        (gzip.compress(b"seq", mtime=0)[:10] + b"\xff" * 20, "cannot be read"),
        (b"\xff\xfe", "line 1: "),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "story.csv"
    file.write_bytes(content)
    with pytest.raises(Failure, match=sentence):
        read_recording(file, None)


def test_a_trade_of_orders_that_are_not_there_is_refused(tmp_path: Path) -> None:
    story = write_commands(tmp_path / "story.csv", STORY)
    nobody = write_trades(tmp_path / "nobody.csv", [(77, 2, 1002, "buy", 7831900, 100, 9, 1)])
    with pytest.raises(Failure, match="buyer 9 of trade 77"):
        read_recording(story, nobody)
    reversed_sides = write_trades(tmp_path / "reversed.csv", [(77, 2, 1002, "buy", 7831900, 100, 3, 2)])
    with pytest.raises(Failure, match="seller 2 of trade 77"):
        read_recording(story, reversed_sides)


def test_commands_become_items_of_a_batch() -> None:
    limit, post_only, market, cancel = [item_of(c, "BTC_USD", CENTS_AND_SATOSHI) for c in commands(STORY)]
    assert limit == {
        "market": "BTC_USD",
        "side": "sell",
        "order_type": "limit",
        "price": "78319",
        "quantity": "0.121",
        "client_order_id": "r-1",
        "time_in_force": "gtc",
        "post_only": False,
    }
    assert (post_only["side"], post_only["post_only"], post_only["quantity"]) == ("buy", True, "0.00000005")
    assert market == {
        "market": "BTC_USD",
        "side": "buy",
        "order_type": "market",
        "quantity": "0.000001",
        "client_order_id": "r-3",
    }
    assert cancel == {"cancel": {"market": "BTC_USD", "client_order_id": "r-1"}}


@given(count=st.integers(0, 10**30), exponent=st.integers(-20, 5), factor=st.integers(1, 999))
def test_units_lose_nothing_and_need_no_exponent(count: int, exponent: int, factor: int) -> None:
    text = plain(Units(Decimal(factor).scaleb(exponent), Decimal(1)).prices(count))
    assert set(text) <= set("0123456789.")
    whole, _, fraction = text.partition(".")
    assert int(whole + fraction) * 10**20 == count * factor * 10 ** (20 + exponent + len(fraction))


def test_a_digit_that_would_be_lost_is_an_error() -> None:
    with pytest.raises(Inexact):
        EXACT.multiply(Decimal(10**150 + 1), Decimal(10**150 + 1))


def test_an_order_of_a_thousand_bitcoin_is_said_in_plain_digits() -> None:
    item = item_of(command("1 bid limit 48398000000 100000000000"), "BTC_USD", CENTS_AND_SATOSHI)
    assert (item["price"], item["quantity"]) == ("483980000", "1000")
