"""What a run looks like, and the venue that it wants."""

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from exchange.replay.report import progress_view

REPOSITORY = Path(__file__).parents[2]


def test_a_terminal_gets_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with progress_view(console) as progress:
        progress(1, 4)
        progress(4, 4)
    assert isinstance(console.file, io.StringIO)
    assert "4/4" in console.file.getvalue()


def test_elsewhere_a_line_now_and_then() -> None:
    seconds: Iterator[float] = iter([0.0, 1.0, 9.9, 10.0, 11.0, 25.0])
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with progress_view(console, clock=lambda: next(seconds)) as progress:
        for done in (1, 2, 3, 4, 5):
            progress(done, 5)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == ["3 of 5 commands", "5 of 5 commands"]


def test_the_venue_of_the_recording_is_configured_like_any_other() -> None:
    venue = _config(REPOSITORY / "exchange" / "replay" / "btc_usd.toml")
    usual = _config(REPOSITORY / "config.toml")
    for section in ("server", "database", "auth"):
        assert venue[section].keys() <= usual[section].keys()
    assert {asset["symbol"]: asset["decimals"] for asset in venue["assets"]} == {"USD": 10, "BTC": 8}
    (market,) = venue["markets"]
    assert market.keys() - {"min_price", "max_fills_per_order"} == usual["markets"][0].keys()
    assert (market["symbol"], market["tick_size"], market["lot_size"]) == ("BTC_USD", "0.01", "0.00000001")
    assert "users" not in venue


def _config(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())
