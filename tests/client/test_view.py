"""The demo's table: numbers keep their decimals and their places, and a log line does not tear it."""

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from exchange.client import Step
from exchange.demo.view import View
from tests.test_logs import run

TICKS = {"SOL_USDC": Step("0.01"), "BONK_USDC": Step("0.00000001")}


def view_of(**best: tuple[str, str] | None) -> View:
    """A view of books with this best bid and best ask, by market."""
    books: Any = [
        SimpleNamespace(
            market=market,
            best_bid=(prices[0], "1") if prices else None,
            best_ask=(prices[1], "1") if prices else None,
        )
        for market, prices in best.items()
    ]
    nothing: Any = None
    return View(books, nothing, TICKS)


def drawn(view: View) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(view.table())
    return captured.get().splitlines()


def test_prices_have_the_decimals_of_their_market() -> None:
    view = view_of(SOL_USDC=("150", "150.1"), BONK_USDC=("0.00002", "0.00002003"))
    assert "SOL_USDC 150.00/150.10, 0 trades; BONK_USDC 0.00002000/0.00002003, 0 trades" in view.line()


def test_no_number_moves_another() -> None:
    before = drawn(view_of(SOL_USDC=None, BONK_USDC=None))
    after = drawn(view_of(SOL_USDC=("9.5", "1000"), BONK_USDC=("0.00002", "0.1")))
    assert [[place for place, mark in enumerate(line) if mark in "│┃"] for line in before] == [
        [place for place, mark in enumerate(line) if mark in "│┃"] for line in after
    ]
    sol, bonk = after[3], after[4]
    assert sol.index(" 9.50 │") + len(" 9.50") == bonk.index(" 0.00002000 │") + len(" 0.00002000"), "to the right"


def test_log_lines_go_to_a_display_on_the_same_terminal_and_nowhere_else_afterwards() -> None:
    program = """
import pty
reader, writer = pty.openpty()
os.dup2(writer, 2)
logs.configure()
shown = []
with logs.displayed(shown.append):
    log.warning("meanwhile")
    logging.getLogger("x").warning("by a library")
log.warning("afterwards")
said = os.read(reader, 10000).decode()
assert len(shown) == 2 and "meanwhile" in shown[0] and "by a library" in shown[1], shown
assert "afterwards" in said and "meanwhile" not in said, said
"""
    assert run(program).returncode == 0


def test_a_log_that_goes_elsewhere_is_left_alone() -> None:
    program = """
import json
reader, writer = os.pipe()
os.dup2(writer, 2)
logs.configure()
shown = []
with logs.displayed(shown.append):
    log.warning("meanwhile")
assert shown == [] and json.loads(os.read(reader, 10000))["event"] == "meanwhile"
"""
    assert run(program).returncode == 0
