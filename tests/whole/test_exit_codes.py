"""Every command's exit code is its result, because scripts and CI read nothing else."""

from collections.abc import Iterator

import click
import pytest

from exchange.cli import cli
from tests.whole import served
from tests.whole.conftest import Markets
from tests.whole.served import Served

NOBODY = "http://127.0.0.1:9"
RECORDING = """\
seq,ts,action,order_id,side,type,price,qty
1,0,add,1,ask,limit,15100,30000
2,0,cancel,1,ask,,15100,{left}
"""
UNITS = ("--price-unit", "0.01", "--quantity-unit", "0.0001")


def test_a_replay_that_went_another_way_exits_with_1(shared: Served, markets: Markets) -> None:
    for left, code in ((30000, 0), (29999, 1)):
        recording = shared.place / f"flow-{left}.csv"
        recording.write_text(RECORDING.format(left=left), encoding="utf-8")
        ended = served.command("replay", str(recording), "--market", markets.plain(), "--url", shared.url, *UNITS)
        assert ended.returncode == code, ended.stdout + ended.stderr


def test_a_replay_to_nobody_exits_with_1(shared: Served) -> None:
    recording = shared.place / "flow.csv"
    recording.write_text(RECORDING.format(left=30000), encoding="utf-8")
    ended = served.command("replay", str(recording), "--url", NOBODY, "--retry-s", "0")
    assert ended.returncode == 1
    assert served.one_sentence(ended)


def test_an_address_that_is_none_is_a_wrong_option(shared: Served) -> None:
    ended = served.command("deposit", "newcomer", "USDC", "1", "--key", "k", "--url", "nonsense")
    assert ended.returncode == 2
    assert served.one_sentence(ended)


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://nobody@127.0.0.1:eighty/x", "postgresql://nobody@127.0.0.1:1/x"]
)
def test_a_check_of_no_database_is_a_sentence(url: str) -> None:
    ended = served.command("check", "--database-url", url)
    assert ended.returncode in (1, 2)
    assert served.one_sentence(ended), ended.stderr


def test_what_torture_cannot_write_it_says_before_it_begins() -> None:
    ended = served.command("torture", "--figures", "/no/such/directory/figures.json")
    assert ended.returncode == 2
    assert served.one_sentence(ended)


def test_what_is_kept_nowhere_has_no_place() -> None:
    assert served.command("serve", "--ephemeral", "--data-dir", "kept").returncode == 2


def test_help_and_version_are_no_failure() -> None:
    for arguments in (("--version",), ("--help",), ("serve", "--help"), ("replay", "--help")):
        assert served.command(*arguments).returncode == 0


def test_no_command_has_two_parameters_of_one_name() -> None:
    def commands(group: click.Group) -> Iterator[click.Command]:
        for command in group.commands.values():
            yield command
            if isinstance(command, click.Group):
                yield from commands(command)

    for command in commands(cli):
        names = [parameter.name for parameter in command.params]
        assert len(set(names)) == len(names), command.name
