"""The option `--compiled`: run the suite on the compiled build, and refuse to run if there is none that fits."""

import pytest

from exchange.runtime import compiled


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--compiled`, which `make test-compiled` gives."""
    parser.addoption("--compiled", action="store_true", help="run the hot modules compiled (see `make compile`)")


def pytest_configure(config: pytest.Config) -> None:
    """Install the compiled build before a test module imports what it replaces."""
    if config.getoption("--compiled"):
        compiled.use()
        if not compiled.in_use():
            raise pytest.UsageError("--compiled: there is no compiled build of these sources; run `make compile` first")
