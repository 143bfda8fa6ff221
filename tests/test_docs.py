"""`docs/api.md` names everything there is: calls, fields, codes, channels, settings, options, metrics."""

import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import msgspec
import pytest

from exchange import config
from exchange.api.native import calls, replies
from exchange.api.native.errors import STATUS
from exchange.api.native.names import PRIVATE, PUBLIC
from exchange.cli import cli
from exchange.core.commands import OrderType, Side, TimeInForce
from exchange.core.events import ExpireReason, OrderStatus

ROOT = Path(__file__).resolve().parents[1]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TABLES: dict[str, type[msgspec.Struct]] = {
    "assets": config.AssetConfig,
    "markets": config.MarketConfig,
    "users": config.UserConfig,
}


def section(title: str) -> str:
    """What stands under a heading, up to the next one of its level or a higher one."""
    found = re.search(rf"^(#+) {re.escape(title)}$", API, re.MULTILINE)
    assert found, f"docs/api.md has no heading {title!r}"
    rest = API[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def row(text: str, name: str) -> str:
    """The row of a table that has `name` in its first cell."""
    for line in text.splitlines():
        if line.startswith("|") and f"`{name}`" in line.split("|")[1]:
            return line
    raise AssertionError(f"docs/api.md has no row for {name}")


@pytest.mark.parametrize("call", calls.CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_there_with_its_fields_its_reply_and_its_codes(call: Any) -> None:
    text = section(f"{call.method} {call.path}")
    for field in msgspec.structs.fields(call.request):
        cell = row(text, field.encode_name).split("|")[1]
        assert ("*" in cell) == field.required, cell
    reply = call.reply.__name__
    assert f"[{reply}](#{reply.lower()})" in text
    common = {*calls.EVERYWHERE, *calls.BODY, *calls.USER, *calls.SIGNED}
    own = call.codes - common
    if call.path.startswith("/admin"):
        own |= {"FORBIDDEN"}
    said = set(re.findall(r"`([A-Z_]{4,})`", text)) & set(STATUS)
    assert own <= said
    if call.path != "/orders":  # whose items may fail by themselves
        assert said - common <= call.codes


def test_every_shape_is_there_with_its_fields() -> None:
    shapes = [made for made in vars(replies).values() if isinstance(made, type) and issubclass(made, replies.Reply)]
    assert len(shapes) > 20
    for shape in shapes:
        if shape is replies.Reply:
            continue
        text = section(shape.__name__)
        above = [base for base in shape.__mro__[1:] if issubclass(base, replies.Reply)]
        inherited = {name for base in above for name in base.__struct_fields__}
        for name in set(shape.__struct_fields__) - inherited:
            assert f"`{name}`" in text, f"{shape.__name__} lacks {name}"


def test_every_page_is_there() -> None:
    for path in ("/openapi.json", "/docs", "/asyncapi.json", "/docs/websocket", "/metrics"):
        assert section(f"GET {path}")


@pytest.mark.parametrize("code", STATUS)
def test_every_code_is_there_with_its_status(code: str) -> None:
    cells = row(section("Errors"), code).split("|")
    assert int(cells[2]) == STATUS[code]
    assert cells[3].strip()


def test_no_code_is_there_that_is_not() -> None:
    assert set(re.findall(r"^\| `([A-Z_]+)` \| \d", section("Errors"), re.MULTILINE)) == set(STATUS)


@pytest.mark.parametrize("kind", [*PUBLIC, *PRIVATE])
def test_every_channel_is_there(kind: str) -> None:
    subject = "USER" if kind in PRIVATE else "MARKET"
    assert f"{kind}@{subject}" in section("WebSocket")


def test_every_example_is_json() -> None:
    examples = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    assert len(examples) >= 8
    assert {json.loads(example)["channel"].partition("@")[0] for example in examples} == {
        *(kind for kind in PUBLIC if not kind.startswith("candle_") or kind == "candle_1m"),
        *PRIVATE,
    }


def shown(value: Any) -> str:
    return json.dumps(value)


@pytest.mark.parametrize("name", config.SECTIONS)
def test_every_setting_is_there_with_its_default_and_its_twin(name: str) -> None:
    text = section(f"[{name}]")
    for field in msgspec.structs.fields(config.SECTIONS[name]):
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        _, _, said_default, said_twin, what, _ = row(text, field.name).split("|")
        assert said_default.strip() == f"`{shown(default)}`"
        assert said_twin.strip() == (
            f"`EXCHANGE_{name}_{field.name}`".upper() if not isinstance(default, list | dict) else ""
        )
        assert what.strip()


@pytest.mark.parametrize("name", TABLES)
def test_every_key_of_a_table_is_there_with_its_default(name: str) -> None:
    text = section(f"[[{name}]]")
    for field in msgspec.structs.fields(TABLES[name]):
        given = None if field.required else field.default
        if given is msgspec.NODEFAULT:
            given = field.default_factory()
        said = row(text, field.name).split("|")[2].strip()
        assert said == ("" if field.required else f"`{shown(given)}`")


def test_the_configuration_has_no_other_tables() -> None:
    assert set(config.Config.__struct_fields__) == {*config.SECTIONS, *TABLES}
    listed = {get_args(kind)[0] for kind in get_type_hints(config.Config).values() if get_args(kind)}
    assert listed == set(TABLES.values())


@pytest.mark.parametrize("name", ["", *cli.commands])
def test_every_command_is_there_with_its_options(name: str) -> None:
    command: click.Command = cli.commands[name] if name else cli
    text = section(f"exchange {name}".strip())
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert row(text, parameter.opts[0]).split("|")[2].strip()


def test_every_subcommand_is_there_with_its_options() -> None:
    groups = {name: command for name, command in cli.commands.items() if isinstance(command, click.Group)}
    assert groups
    for name, group in groups.items():
        text = section(f"exchange {name}")
        for subcommand in group.commands.values():
            assert f"`exchange {name} {subcommand.name} " in text
            for parameter in subcommand.params:
                if isinstance(parameter, click.Option):
                    assert row(text, parameter.opts[0]).split("|")[2].strip()


def test_every_metric_is_there() -> None:
    runtime = ROOT / "exchange" / "runtime"
    source = "".join((runtime / name).read_text(encoding="utf-8") for name in ("metrics.py", "machine_metrics.py"))
    names = re.findall(r'"(exchange_[a-z_]+)"', source)
    assert len(names) > 15
    text = section("Metrics")
    for name in names:
        assert re.search(rf"`{name}(_total)?`", text), name


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("side", Side),
        ("order_type", OrderType),
        ("time_in_force", TimeInForce),
        ("status", OrderStatus),
        ("expire_reason", ExpireReason),
    ],
)
def test_the_legend_of_a_column_has_its_values(column: str, values: type[IntEnum]) -> None:
    said = row(section("The database"), column).split("|")[2]
    for value in values:
        assert f"{value.value} {value.name.lower()}" in said.replace("partially filled", "partially_filled")


def test_links_lead_somewhere() -> None:
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            there = path.parent / file if file else path
            assert there.exists(), f"{path.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {slug(heading) for heading in headings}, f"{path.name} links to {target}"


def slug(heading: str) -> str:
    """The anchor of a heading, as the usual viewers make it."""
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


def test_the_tests_that_the_page_on_orders_names_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "orders.md").read_text(encoding="utf-8")))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert named - set(re.findall(r"def (test_\w+)", sources)) == set()
    assert len(named) > 40
