"""The configuration as people write it: what is normalised, what is refused by name, and what is only warned of."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exchange.addresses import host_name, is_loopback, origin_of
from exchange.config import Config, load
from exchange.failure import Failure


def loaded(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment or {}, {})


def refusal(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None) -> str:
    with pytest.raises(Failure) as refused:
        loaded(tmp_path, text, environment)
    assert refused.value.exit_code == 2
    return str(refused.value)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("bot.test", "bot.test"),
        ("bot.test:8080", "bot.test"),
        ("Bot.TEST", "bot.test"),
        ("10.0.0.7:80", "10.0.0.7"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:8080", "::1"),
        ("[2001:DB8:0:0::1]:8080", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("my_service", "my_service"),
    ],
)
def test_a_host_is_as_a_host_header_has_it(written: str, sent: str) -> None:
    assert host_name(written) == sent


@pytest.mark.parametrize(
    "written",
    ["", "*", "*.test", "http://bot.test", "bot.test/", "bot test", "a@b.test", "bot.test:eighty", "[::1", "a:99999",
     ":8080", "a..b", "-a", "1:2:3", "bot.test?x", "bot.test\n"],
)  # fmt: skip
def test_what_no_host_header_can_have_is_refused_by_name(tmp_path: Path, written: str) -> None:
    said = refusal(tmp_path, f"[server]\nallowed_hosts = [{json.dumps(written)}]\n")
    assert repr(written) in said
    assert "allowed_hosts" in said


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("HTTPS://Bot.Test", "https://bot.test"),
        ("https://bot.test:443", "https://bot.test"),
        ("http://bot.test:80/", "http://bot.test"),
        ("http://bot.test:443", "http://bot.test:443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[0:0::1]:80", "http://[::1]"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_is_as_browsers_send_it(written: str, sent: str) -> None:
    assert origin_of(written) == sent


@pytest.mark.parametrize(
    "written",
    ["", "*", "null", "localhost:3000", "http://", "http://*", "http://a.test/path", "http://a.test//", "http://a@b.test",
     "http://a.test?x", "http://a.test:x", "http:/a.test", "//a.test"],
)  # fmt: skip
def test_what_no_browser_sends_as_origin_is_refused_by_name(tmp_path: Path, written: str) -> None:
    said = refusal(tmp_path, f'[server]\nallowed_origins = ["{written}"]\n')
    assert repr(written) in said
    assert "allowed_origins" in said


def test_lists_are_normalised_where_they_are_loaded(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, '[server]\nallowed_hosts = ["Bot.test:8080"]\nallowed_origins = ["http://localhost:3000/"]\n'
    )
    assert config.server.allowed_hosts == ["bot.test"]
    assert config.server.allowed_origins == ["http://localhost:3000"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.255.1.2", "::1", "localhost", "LOCALHOST"])
def test_every_address_of_this_machine_alone_is_loopback(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    assert loaded(tmp_path, f'[server]\nhost = "{host}"\n').server.host == host


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "127.evil.test", "localhost.evil.test"])
def test_no_other_address_is(tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    assert repr(host) in refusal(tmp_path, f'[server]\nhost = "{host}"\n')


def test_a_byte_order_mark_is_no_part_of_the_configuration(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeff[server]\nport = 1234\n").server.port == 1234


def test_a_configuration_that_never_ends_is_refused() -> None:
    with pytest.raises(Failure, match="longer than 16,777,216 bytes") as refused:
        load(Path("/dev/zero"), {}, {})
    assert refused.value.exit_code == 2


def test_a_tilde_is_a_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    here = str(tmp_path / "data")
    assert loaded(tmp_path, '[database]\ndata_dir = "~/data"\n').database.data_dir == here
    assert loaded(tmp_path, "", {"EXCHANGE_DATABASE_DATA_DIR": "~/data"}).database.data_dir == here
    said = refusal(tmp_path, '[database]\ndata_dir = "~nobody-of-this-name/data"\n')
    assert "~nobody-of-this-name/data" in said


STRANGERS = {
    "EXCHANGE_SERVICE_HOST": "10.0.0.1",
    "EXCHANGE_SERVICE_PORT": "8080",
    "EXCHANGE_PORT": "tcp://10.0.0.1:8080",
    "EXCHANGE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "EXCHANGE_API_KEY": "secret",
    "EXCHANGE_SEVER_PORT": "1",
    "EXCHANGE_": "",
    # Of a service called "exchange-server":
    "EXCHANGE_SERVER_SERVICE_HOST": "10.0.0.1",
    "EXCHANGE_SERVER_SERVICE_PORT_HTTP": "8080",
    "EXCHANGE_SERVER_PORT": "tcp://10.0.0.1:8080",
    "EXCHANGE_SERVER_PORT_8080_TCP_ADDR": "10.0.0.1",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_variable_that_is_none_of_ours_is_only_warned_of(tmp_path: Path, name: str) -> None:
    with capture_logs() as logs:
        assert loaded(tmp_path, "", {name: STRANGERS[name]}).server.port == 8080
    (line,) = logs
    assert (line["log_level"], line["name"]) == ("warning", name)
    assert "secret" not in str(line)


def test_a_wrong_key_of_a_section_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    said = refusal(tmp_path, "", {"EXCHANGE_SERVER_PROT": "1"})
    assert "EXCHANGE_SERVER_PROT" in said
    assert "idle_timeout_s, log_level, owed_bytes_max, ping_s, port, stop_timeout_s" in said


def test_one_port_cannot_be_both(tmp_path: Path) -> None:
    assert "8080" in refusal(tmp_path, "[server]\nws_port = 8080\n")
    assert loaded(tmp_path, "[server]\nport = 0\nws_port = 0\n").server.port == 0


def test_a_variable_names_the_file_and_an_option_beats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, other = tmp_path / "named.toml", tmp_path / "config.toml"
    named.write_text("[server]\nport = 1111\n")
    other.write_text("[server]\nport = 2222\n")
    monkeypatch.chdir(tmp_path)
    assert load(None, {"EXCHANGE_CONFIG": str(named)}, {}).server.port == 1111
    assert load(other, {"EXCHANGE_CONFIG": str(named)}, {}).server.port == 2222
    assert load(None, {"EXCHANGE_CONFIG": ""}, {}).server.port == 2222
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(None, {"EXCHANGE_CONFIG": "~/named.toml"}, {}).server.port == 1111
    with pytest.raises(Failure, match="nowhere"):
        load(None, {"EXCHANGE_CONFIG": str(tmp_path / "nowhere.toml")}, {})
