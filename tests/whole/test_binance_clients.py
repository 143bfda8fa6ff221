"""A sample of `make bots`: ccxt over REST, where `make bots` has made its environment."""

import subprocess

import pytest

from tests.bots.__main__ import PLACE, ROOT


def test_ccxt_trades_here() -> None:
    if not (PLACE / "ccxt" / "installed").exists():
        pytest.skip("`make bots` has not installed ccxt here")
    command = ["make", "--no-print-directory", "bots", "BOTS=ccxt"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 failed" in ended.stdout
