"""freqtrade in live mode: a strategy enters whenever it holds nothing and leaves after a minute, for ten minutes."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bots.report import Report, example

DURATION_S = 600
TRADES_MIN = 5
POLL_S = 5
STRATEGY = """
from freqtrade.strategy import IStrategy


class Often(IStrategy):
    timeframe = "1m"
    minimal_roi = {"0": 10}
    stoploss = -0.5
    startup_candle_count = 5
    use_exit_signal = True

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["volume"] >= 0, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        return "after_a_minute" if (current_time - trade.open_date_utc).total_seconds() > 60 else None
"""


def counts(database: Path) -> tuple[int, int]:
    """How many trades were entered, and how many of them are closed."""
    if not database.exists():
        return 0, 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            rows = connection.execute("SELECT is_open, count(*) FROM trades GROUP BY is_open").fetchall()
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0, 0
    by_state = {bool(is_open): int(count) for is_open, count in rows}
    return sum(by_state.values()), by_state.get(False, 0)


def main(url: str) -> None:
    """Let it trade, and count."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="exchange-freqtrade-") as folder:
        place = Path(folder)
        (place / "user_data" / "strategies").mkdir(parents=True)
        (place / "user_data" / "strategies" / "often.py").write_text(STRATEGY, encoding="utf-8")
        (place / "config.json").write_text(json.dumps(json.loads(example("freqtrade", url, "json"))), encoding="utf-8")
        options = ["trade", "--config", "config.json", "--userdir", "user_data", "--strategy", "Often"]
        log_file = place / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "freqtrade", *options], cwd=place, stdout=log, stderr=log)
        entered, closed = watch(process, place / "tradesv3.sqlite")
        text = log_file.read_text(encoding="utf-8")
    wrong = [line for line in text.splitlines() if " - ERROR - " in line or "Traceback" in line]
    report.add("live for ten minutes", "failed" if process.returncode not in (0, -15, 130) else "passed")
    report.add("entries", "passed" if entered >= TRADES_MIN else "failed", f"{entered} entries")
    report.add("exits", "passed" if closed >= TRADES_MIN else "failed", f"{closed} exits")
    report.add("nothing went wrong", "failed" if wrong else "passed", "; ".join(wrong)[:300])
    report.end()


def watch(process: "subprocess.Popen[bytes]", database: Path) -> tuple[int, int]:
    """Wait for ten minutes, or until the process ends; what it has done by then."""
    until = time.monotonic() + DURATION_S
    while process.poll() is None and time.monotonic() < until:
        time.sleep(POLL_S)
    found = counts(database)
    if process.poll() is None:
        process.terminate()
        process.wait(60)
    return found


if __name__ == "__main__":
    main(sys.argv[1])
