"""The pytest fixtures. pytest finds them by the entry point `exchange` in the group `pytest11`.

`exchange_server` is a running exchange, one for the whole session; it starts with the first test that asks for it.
`exchange_user` makes fresh users of it for one test, whose open orders are canceled after it, and `exchange_account`
such users with an API key each. The ini option `exchange_config` names another `config.toml` than the one that comes
with the exchange, relative to the ini file, and `exchange_keys = true` has calls signed.

    async def test_my_bot_buys(exchange_server, exchange_user):
        async with Client(exchange_server.url, user_id=exchange_user(USDC="1000")) as client:
            ...
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from exchange.client import ApiKey
    from exchange.testing import RunningExchange

NewUser = Callable[..., str]
NewAccount = Callable[..., "tuple[str, ApiKey]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini options."""
    parser.addini("exchange_config", "config.toml of the fixture exchange_server", type="paths", default=[])
    parser.addini("exchange_keys", "whether exchange_server is in keys mode", type="bool", default=False)


@pytest.fixture(scope="session")
def exchange_server(pytestconfig: pytest.Config) -> "Iterator[RunningExchange]":
    """A running exchange that keeps nothing: its `url`, and `user`, `deposit`, `cancel_all`."""
    from exchange.testing import running_exchange

    paths = pytestconfig.getini("exchange_config")
    with running_exchange(paths[0] if paths else None, keys=pytestconfig.getini("exchange_keys")) as exchange:
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


@pytest.fixture
def exchange_account(exchange_server: "RunningExchange") -> "Iterator[NewAccount]":
    """Makes fresh users with a key: `user_id, key = exchange_account(USDC="1000")`."""
    users: list[str] = []

    def new_account(**balances: str) -> "tuple[str, ApiKey]":
        account = exchange_server.user_with_key(**balances)
        users.append(account[0])
        return account

    yield new_account
    for user_id in users:
        exchange_server.cancel_all(user_id)
