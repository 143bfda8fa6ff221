"""`exchange deposit`, as a person types it."""

from tests.whole import served
from tests.whole.served import Served


def test_a_deposit_makes_a_user_and_is_credited_once(shared: Served) -> None:
    arguments = ["deposit", "newcomer", "USDC", "12.5", "--key", "newcomer-1", "--url", shared.url]
    for _ in range(2):
        ended = served.command(*arguments)
        assert (ended.returncode, ended.stdout) == (0, "newcomer has 12.5 USDC available and 0 locked\n")


def test_a_refused_deposit_is_one_sentence(shared: Served) -> None:
    ended = served.command("deposit", "newcomer", "USDC", "1e3", "--key", "newcomer-2", "--url", shared.url)
    assert ended.returncode == 1
    assert served.one_sentence(ended)
    assert "INVALID_NUMBER" in ended.stderr


def test_no_exchange_is_one_sentence() -> None:
    ended = served.command("deposit", "newcomer", "USDC", "1", "--key", "k", "--url", "http://127.0.0.1:9")
    assert ended.returncode == 1
    assert served.one_sentence(ended)
