"""A start that fails is one sentence and an exit code, never a traceback."""

import os
from contextlib import nullcontext

import pytest

from exchange import logs
from exchange.cli import cli
from exchange.failure import Failure
from tests.whole import served
from tests.whole.process import directory
from tests.whole.served import Served, one_sentence
from tests.whole.test_restart import CONFIG

BAD_ENVIRONMENT = {
    "EXCHANGE_SERVER_PROT": "1",
    "EXCHANGE_SERVER_WS_PORT": "eighty",
    "EXCHANGE_ENGINE_REPLY_TIMEOUT_S": "nan",
    "EXCHANGE_SERVER_PING_S": "inf",
    "EXCHANGE_SERVER_HOST": "0.0.0.0",
    "EXCHANGE_AUTH_MODE": "trust",
    "EXCHANGE_DATABASE_URL": "nonsense",
}
BAD_CONFIGS = {
    "an unknown key": CONFIG.replace("[server]", "[server]\nprot = 1"),
    "an unknown table": CONFIG + "\n[sever]\nport = 1\n",
    "an unknown key of a market": CONFIG.replace("tick_size", "tik_size"),
    "a number for a text": CONFIG.replace('tick_size = "0.01"', "tick_size = 0.01"),
    "no TOML": CONFIG + "\n[[[",
    "what is nested too deeply": f"a = {'[' * 5000}{']' * 5000}",
    "a number too long": f"a = {'1' * 5000}",
    "a value for a table": "server = 1\n",
    "a market twice": CONFIG + served.MARKET.format(
        base="SOL", min_notional="0", maker_fee="0", taker_fee="0", max_open_orders=1
    ),
    "an open address": CONFIG.replace("[server]", '[server]\nhost = "0.0.0.0"'),
}  # fmt: skip
BAD_ARGUMENTS = {
    "one port for both": ("--port", "18080", "--ws-port", "18080"),
    "no such file": ("--config", "nowhere.toml"),
    "a directory": ("--config", "/tmp"),
    "no port": ("--port", "65536"),
    "an open address": ("--host", "192.0.2.1"),
    "a database of yours that keeps nothing": ("--ephemeral", "--database-url", "postgresql://localhost/x"),
    "a database that is not there": ("--database-url", "postgresql://nobody@127.0.0.1:1/x"),
    "a database URL with no port": ("--database-url", "postgresql://nobody@127.0.0.1:eighty/x"),
    "another kind of database": ("--database-url", "mysql://localhost/x"),
    "a ready file that cannot be": ("--ready-file", "/no/such/directory/ready"),
    "a file as data directory": ("--data-dir", "/dev/null"),
}


@pytest.mark.parametrize("name", BAD_ENVIRONMENT)
def test_the_environment_is_judged(name: str) -> None:
    ended = served.command("serve", "--port", "0", environment={name: BAD_ENVIRONMENT[name]})
    assert ended.returncode in (1, 2)
    assert one_sentence(ended), ended.stderr


def test_a_wrong_variable_is_named_and_not_the_file() -> None:
    for name, value in (("EXCHANGE_SERVER_WS_PORT", "eighty"), ("EXCHANGE_AUTH_MODE", "trust")):
        ended = served.command("serve", "--port", "0", environment={name: value})
        assert f"The environment variable {name} is invalid" in ended.stderr


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_the_configuration_is_judged(name: str) -> None:
    with served.directory() as place:
        (place / "config.toml").write_text(BAD_CONFIGS[name], encoding="utf-8")
        ended = served.command("serve", "--config", str(place / "config.toml"), "--data-dir", str(place / "data"))
    assert ended.returncode == 2
    assert one_sentence(ended), ended.stderr


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_the_arguments_are_judged(name: str) -> None:
    ended = served.command("serve", *BAD_ARGUMENTS[name])
    assert ended.returncode in (1, 2)
    assert one_sentence(ended), ended.stderr


def test_a_data_directory_has_one_exchange(shared: Served) -> None:
    second = served.command(*shared.arguments())
    assert second.returncode == 1
    assert one_sentence(second)
    assert "Another exchange" in second.stderr


def test_a_busy_port_is_said_in_a_sentence(shared: Served) -> None:
    port = shared.url.rpartition(":")[2]
    second = served.command("serve", "--ephemeral", "--port", port)
    assert second.returncode == 1
    assert one_sentence(second)
    assert port in second.stderr


def test_what_can_be_judged_without_a_database_is_judged_before_one_is_made(shared: Served) -> None:
    """A busy port, the same port twice, the rules of a market."""
    wrong = CONFIG + served.market_text("JUP").replace('tick_size = "0.01"', 'tick_size = "0.00000001"')
    port = shared.url.rpartition(":")[2]
    for text, options in (
        (CONFIG, ("--port", port)),
        (CONFIG, ("--ws-port", port)),
        (CONFIG, ("--port", "18080", "--ws-port", "18080")),
        (wrong, ()),
    ):
        with served.directory() as place:
            (place / "config.toml").write_text(text, encoding="utf-8")
            where = ("--config", str(place / "config.toml"), "--data-dir", str(place / "data"))
            refused = served.command("serve", *where, *options)
            assert refused.returncode in (1, 2)
            assert one_sentence(refused), refused.stderr
            assert not (place / "data").exists()


def test_a_tilde_is_a_home_directory_where_no_shell_has_seen_to_it() -> None:
    with served.directory() as place:
        (place / "config.toml").write_text(CONFIG, encoding="utf-8")
        checked = served.command(
            "check", "--config=~/config.toml", "--data-dir", "~/data", environment={"HOME": str(place)}
        )
        assert checked.stderr == f"exchange: There is no exchange in {place / 'data'}.\n"


def test_an_output_that_cannot_be_written_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = served.command("--help", shell='exec "$0" "$@" >/dev/full')
    assert (ended.returncode, ended.stderr) == (
        1,
        "exchange: The output cannot be written: No space left on device.\n",
    )

    async def level(*_: object) -> str:
        return "info"

    monkeypatch.setattr("exchange.client.log_level.log_level", level)
    for dropped in (0, 1):
        monkeypatch.setattr(logs, "results_dropped", lambda lost=dropped: lost)
        with pytest.raises(Failure) if dropped else nullcontext():
            cli(["log-level"], standalone_mode=False)


def test_a_directory_that_is_gone_is_said_in_a_sentence() -> None:
    with directory() as place:
        (place / "gone").mkdir()
        ended = served.command("check", "--data-dir", "x", shell=f'cd {place}/gone && rmdir ../gone && exec "$0" "$@"')
    assert (ended.returncode, ended.stderr) == (
        1,
        "exchange: The current directory is there no more: change to another.\n",
    )


def test_a_bad_option_is_told_without_a_traceback() -> None:
    for arguments in (("serve", "--port", "eighty"), ("serve", "--nonsense"), ("nonsense",)):
        ended = served.command(*arguments)
        assert ended.returncode == 2
        assert "Error: " in ended.stderr
        assert "Traceback" not in ended.stderr


def test_an_inconsistent_market_changes_nothing() -> None:
    """The market before the wrong one is not there afterwards: its rules may still be put right."""
    wrong = CONFIG + served.market_text("JUP").replace('tick_size = "0.01"', 'tick_size = "0.00000001"')
    with served.directory() as place:
        exchange = served.Served(place, wrong)
        refused = served.command(*exchange.arguments())
        assert refused.returncode == 2
        assert one_sentence(refused), refused.stderr
        assert "JUP_USDC" in refused.stderr
        assert exchange.postgres() == []
        exchange.config.write_text(CONFIG.replace('tick_size = "0.01"', 'tick_size = "0.1"'), encoding="utf-8")
        try:
            exchange.start()
            assert exchange.stop() == 0
        finally:
            exchange.end()


def test_an_option_beats_the_environment_and_that_the_file() -> None:
    environment = {"EXCHANGE_SERVER_PORT": "70000"}
    ended = served.command("serve", environment=environment)
    assert "70000" in ended.stderr
    ended = served.command("serve", "--port", "80000", environment=environment)
    assert "80000" in ended.stderr


def test_dev_anywhere_lifts_the_bound_of_dev_mode_and_says_what_it_means() -> None:
    before = set(os.listdir("/tmp"))
    with served.directory() as place:
        text = CONFIG.replace("[server]", '[auth]\ndev_anywhere = true\n\n[server]\nhost = "0.0.0.0"')
        exchange = served.Served(place, text, ephemeral=True)
        try:
            exchange.start()
            made = [name for name in set(os.listdir("/tmp")) - before if name.startswith("exchange-")]
            assert exchange.stop() == 0
            assert "requests are not authenticated" in exchange.said()
            mine = [name for name in made if name in exchange.said()]
            assert mine
            assert not set(mine) & set(os.listdir("/tmp")), "an ephemeral exchange leaves nothing"
        finally:
            exchange.end()
