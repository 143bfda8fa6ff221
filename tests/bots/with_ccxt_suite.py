"""ccxt's own live tests, as the library brings them, over REST and over sockets.

They refuse to test a library that is installed, so a copy of it is tested. Of the copy nothing is changed, but for the
one check that the address is that of Binance.
"""

import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.bots.report import Report, pointed

SYMBOL, SOLD = "BTC/USDT", 0.001
PATIENCE_S = 240.0
# What the tests are told to leave out: the time of a book, which Binance does not say either; and that the sells of one
# millisecond are those of one order, which many participants do not keep to.
SKIPS = {
    "loadMarkets": "no swaps",
    "watchPositions": "no swaps",
    "orderBook": {"timestamp": "none", "nonce": "none"},
    "fetchTrades": {"sideSequence": "several orders in one millisecond"},
}
SWAPS = "it is for swap markets or margin, which a spot exchange has not"
MONEY = "there are no deposits and withdrawals by networks"
EXPLAINED = {
    "fetchLeverageTiers": SWAPS,
    "fetchTransfers": SWAPS,
    "fetchBorrowInterest": SWAPS,
    "fetchMarginModes": SWAPS,
    "watchPositions": SWAPS,
    "fetchDeposits": MONEY,
    "fetchWithdrawals": MONEY,
    "fetchLedger": "the library says that it is for options",
    "fetchLedgerEntry": "the library says that it is for options",
    "loadMarkets": "the test wants swap markets; ccxt leaves it out for Binance too",
}
# The tests of the library need psutil for others than these.
DRIVER = """
import runpy, sys, types
sys.modules["psutil"] = types.ModuleType("psutil")
import tests_async, tests_sync
for module in (tests_async, tests_sync):
    module.testMainClass.check_constructor = lambda *_: None
runpy.run_path("tests_init.py", run_name="__main__")
"""
ENDED = re.compile(r"^\[INFO\] (TESTING DONE|TESTING FAILED|SKIPPED_TEST) +binance (\w+)", re.MULTILINE)


def main(url: str) -> None:
    """Run them as alice."""
    report, exchange = Report(), pointed("ccxt.pro", url)["exchange"]
    with tempfile.TemporaryDirectory(prefix="exchange-suite-") as folder:
        place = Path(folder)
        package = Path(str(importlib.import_module("ccxt").__file__)).parent
        shutil.copytree(package, place / "python" / "ccxt", ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"apiKey": exchange.apiKey, "secret": exchange.secret, "urls": {"api": exchange.urls["api"]}}
        (place / "keys.json").write_text(json.dumps({"binance": settings}), encoding="utf-8")
        (place / "skip-tests.json").write_text(json.dumps({"binance": {"skipMethods": SKIPS}}), encoding="utf-8")
        found = tested(place, "--sync")
        with Trading(url):  # what a user's streams tell of
            found |= tested(place, "--ws")
    for call, failure in found.items():
        if failure and call in EXPLAINED:
            report.explained(call, EXPLAINED[call])
        else:
            report.add(call, "failed" if failure else "passed", failure)
    report.explained("createOrder", "the test adds a text and a number, which Python refuses, before it asks anything")
    if len(found) < 20:
        report.add("all", "failed", "the tests ended early")
    report.end()


def tested(place: Path, how: str) -> dict[str, str]:
    """How each test ended: with nothing to say, or with a failure."""
    command = [sys.executable, "-c", DRIVER, how, "--private", "--info", "binance", SYMBOL]
    where = place / "python" / "ccxt" / "test"
    given = {"PYTHONPATH": str(place / "python"), "PATH": ""}
    with (place / "said").open("w+", encoding="utf-8") as said:
        try:
            subprocess.run(command, cwd=where, env=given, stdout=said, stderr=said, check=False, timeout=PATIENCE_S)
            late = {}
        except subprocess.TimeoutExpired:
            late = {f"all of {how}": "it took too long"}
        said.seek(0)
        text = said.read()
    return {call: "" if word == "TESTING DONE" else why_not(text, call) for word, call in ENDED.findall(text)} | late


def why_not(text: str, call: str) -> str:
    """The end of what was said of a test that failed."""
    said = text.partition(f"[TEST_FAILURE] binance {call} ")[2].partition("\n\n")[0]
    return (said.splitlines() or ["left out"])[-1][:300]


class Trading:
    """Buys and sells a little, again and again, while something else runs."""

    def __init__(self, url: str) -> None:
        self._exchange: Any = pointed("ccxt", url)["exchange"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._trade)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _trade(self) -> None:
        sides = ("buy", "sell")
        number = 0
        while not self._stop.wait(0.5):
            self._exchange.create_order(SYMBOL, "market", sides[number % 2], SOLD)
            number += 1


if __name__ == "__main__":
    main(sys.argv[1])
