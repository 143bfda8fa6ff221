"""The pytest fixtures. pytest finds them by the entry point `exchange` in the group `pytest11`.

`exchange_server` is a running exchange, one for the whole session; it starts with the first test that asks for it.
`exchange_user` makes fresh users of it for one test, whose open orders are canceled after it. The ini option
`exchange_config` names another `config.toml` than the one that comes with the exchange, relative to the ini file.

    async def test_my_bot_buys(exchange_server, exchange_user):
        async with Client(exchange_server.url, user_id=exchange_user(USDC="1000")) as client:
            ...
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from exchange.testing import RunningExchange

NewUser = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini("exchange_config", "config.toml of the fixture exchange_server", type="paths", default=[])


@pytest.fixture(scope="session")
def exchange_server(pytestconfig: pytest.Config) -> "Iterator[RunningExchange]":
    """A running exchange that keeps nothing: its `url`, and `user`, `deposit`, `cancel_all`."""
    from exchange.testing import running_exchange

    paths = pytestconfig.getini("exchange_config")
    with running_exchange(paths[0] if paths else None) as exchange:
        yield exchange


@pytest.fixture
def exchange_user(exchange_server: "RunningExchange") -> "Iterator[NewUser]":
    """Makes fresh users: `exchange_user(SOL="10", USDC="1000")` is the id of one, with these balances."""
    users: list[str] = []

    def new_user(**balances: str) -> str:
        users.append(exchange_server.user(**balances))
        return users[-1]

    yield new_user
    for user_id in users:
        exchange_server.cancel_all(user_id)
