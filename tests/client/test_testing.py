"""The fixtures and the context manager that users write their own tests with."""

import asyncio
import socket
import sys
from urllib.parse import urlsplit

import pytest

from exchange.client import ApiError, Client
from exchange.testing import ExchangeFailed, RunningExchange, running_exchange
from exchange.testing.plugin import NewUser
from tests.whole.made_once import running_on_a_copy

pytest_plugins = ["pytester"]

USERS_TESTS = """
    import asyncio
    from exchange.client import Client

    def test_a_user_is_fresh(exchange_server, exchange_user):
        async def story():
            async with Client(exchange_server.url, user_id=exchange_user(USDC="1000")) as client:
                (balance,) = await client.balance()
                assert balance["total"] == "1000"
                order = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"}
                await client.place(order)
        asyncio.run(story())

    def test_the_book_is_empty_again(exchange_server):
        async def story():
            async with Client(exchange_server.url) as client:
                assert (await client.depth("SOL_USDC"))["bids"] == []
        asyncio.run(story())
"""


def test_a_users_own_tests_get_an_exchange(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USERS_TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)


async def test_users_differ_and_have_what_they_were_given(
    exchange_server: RunningExchange, exchange_user: NewUser
) -> None:
    async with Client(exchange_server.url) as client:
        her, him = exchange_user(USDC="1.5"), exchange_user(USDC="2")
        assert [(await client.balance(user))[0]["available"] for user in (her, him)] == ["1.5", "2"]
        with pytest.raises(ExchangeFailed, match="asset names none"):
            exchange_user(GOLD="1")
        with pytest.raises(ApiError, match="UNKNOWN_USER"):
            await client.balance("nobody")


def test_an_exchange_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(ExchangeFailed, match="mistake"),
        running_exchange('[server]\nmistake = "here"\n'),
    ):
        pass


SIGNING_TESTS = """
    import asyncio
    from exchange.client import ApiError, Client, Socket

    def test_a_user_signs(exchange_server, exchange_account):
        async def story():
            user_id, key = exchange_account(USDC="1000")
            order = {"market": "SOL_USDC", "side": "buy", "order_type": "limit", "price": "1", "quantity": "1"}
            async with Client(exchange_server.url, key=key) as client, Socket(exchange_server.url, key=key) as socket:
                assert (await client.place(order))["user_id"] == user_id
                assert (await socket.place(order))["user_id"] == user_id
            async with Client(exchange_server.url, user_id) as client:
                try:
                    await client.balance()
                except ApiError as error:
                    assert error.code == "UNAUTHENTICATED"
                else:
                    raise AssertionError("unsigned, and answered")
        asyncio.run(story())

    def test_the_book_is_empty_again(exchange_server):
        async def story():
            async with Client(exchange_server.url) as client:
                assert (await client.depth("SOL_USDC"))["bids"] == []
        asyncio.run(story())
"""


def test_a_users_own_tests_get_an_exchange_in_keys_mode(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SIGNING_TESTS)
    pytester.makeini("[pytest]\nexchange_keys = true\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)


async def test_a_user_with_a_key_trades_in_dev_mode_too(exchange_server: RunningExchange) -> None:
    user_id, key = exchange_server.user_with_key(USDC="3")
    async with Client(exchange_server.url, user_id, key=key) as client:
        assert (await client.balance())[0]["available"] == "3"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the exchange could not listen there again")
def test_its_ports_are_given_to_nobody_else_while_it_is_stopped() -> None:
    with running_on_a_copy() as exchange:
        port = urlsplit(exchange.url).port
        exchange.kill()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        exchange.start()
        assert urlsplit(exchange.url).port == port
        exchange.user(USDC="1")


def test_a_restart_in_keys_mode_keeps_keys() -> None:
    with running_exchange(keys=True) as exchange:
        user_id, key = exchange.user_with_key(USDC="3")
        exchange.restart(kill=True)
        exchange.deposit(user_id, "USDC", "1")

        async def story() -> None:
            async with Client(exchange.url, key=key) as client:
                assert (await client.balance())[0]["available"] == "4"

        asyncio.run(story())
