"""The systemd unit and the container file of docs/deploy, as far as they can be tested without running them."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from exchange.config import load
from exchange.runtime import notify
from tests.patience import PATIENCE_S
from tests.whole import certificates, served

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs" / "deploy"
UNIT = (DEPLOY / "exchange.service").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
EXPOSURE_MAX = 2.0  # of 10, as `systemd-analyze security` counts; 9.6 is a unit without any hardening
HAS_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


def analyzed(tmp_path: Path, *arguments: str) -> str:
    """What systemd-analyze says of the unit, with the command of this checkout."""
    unit = tmp_path / "exchange.service"
    unit.write_text(UNIT.replace("/opt/exchange/bin/exchange", served.EXCHANGE))
    done = subprocess.run(
        ["systemd-analyze", *arguments, str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@HAS_SYSTEMD
def test_the_unit_is_one(tmp_path: Path) -> None:
    assert analyzed(tmp_path, "verify") == ""


@HAS_SYSTEMD
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    said = analyzed(tmp_path, "security", "--offline=true", "--no-pager")
    found = re.search(r"Overall exposure level for exchange\.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= EXPOSURE_MAX


def test_an_operator_may_see_the_server_of_the_unit() -> None:
    """Its working directory is what tells `exchange check` and backups that it runs (`postgres/postmaster.py`)."""
    assert not re.search(r"^(PrivateUsers|PrivatePIDs|RootDirectory|RootImage)=", UNIT, re.MULTILINE)


def test_the_service_manager_hears_when_the_exchange_is_ready_and_when_it_stops() -> None:
    with served.directory() as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place / "notify"))
        manager.settimeout(PATIENCE_S)
        exchange = served.Served(place, served.CONFIG, ephemeral=True)
        exchange.environment[notify.VARIABLE] = str(place / "notify")
        try:
            exchange.start()
            assert manager.recv(100) == b"READY=1"
            assert exchange.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"
        finally:
            exchange.end()


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/socket", "@abstract-of-nobody", "/tmp"])
def test_without_a_service_manager_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notify.VARIABLE, address)
    notify.notify(notify.READY)


def test_the_abstract_namespace_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{tmp_path}")
        monkeypatch.setenv(notify.VARIABLE, f"@{tmp_path}")
        notify.notify(notify.READY)
        manager.setblocking(False)
        assert manager.recv(100) == b"READY=1"


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each instruction of the container file."""
    text = re.sub(r"^#.*\n", "", CONTAINER, flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_the_container_file_copies_what_there_is_and_what_the_wheel_needs() -> None:
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {"exchange", "migrations", "hatch_build.py", "pyproject.toml", "config.toml"} <= set(copied)


def test_the_container_starts_the_exchange_as_an_ordinary_user_in_keys_mode() -> None:
    last: dict[str, str] = dict(instructions())
    command = json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])
    assert command[:2] == ["exchange", "serve"]
    assert last["USER"].isdigit()
    assert last["USER"] != "0"
    variables = dict(pair.split("=", 1) for pair in last["ENV"].split())
    config = load(ROOT / "config.toml", variables, {})
    assert (config.auth.mode, config.server.host) == ("keys", "0.0.0.0")
    copied = [rest.split() for name, rest in instructions() if name == "COPY"]
    assert ["config.toml", variables["EXCHANGE_CONFIG"]] in copied
    assert last["VOLUME"] == variables["EXCHANGE_DATABASE_DATA_DIR"]
    names = [name for name, _ in instructions()]
    assert names.index("HEALTHCHECK") > names.index("USER")


class Health(BaseHTTPRequestHandler):
    """Answers `GET /health` with a status."""

    status = 200

    def do_GET(self) -> None:
        """Answer it."""
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("status", [200, 503])
def test_the_container_is_healthy_when_the_exchange_is(tmp_path: Path, tls: bool, status: int) -> None:
    _, command = dict(instructions())["HEALTHCHECK"].split("CMD ")
    server = HTTPServer(("127.0.0.1", 0), type("Answering", (Health,), {"status": status}))
    if tls:
        certificates.make(tmp_path / "certificate.pem", tmp_path / "key.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        _, *rest = json.loads(command.replace(":8080/", f":{server.server_port}/"))
        done = subprocess.run([sys.executable, *rest], capture_output=True, timeout=60, check=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (done.returncode == 0) is (status == 200), done.stderr


def test_the_versions_of_the_lock_are_constraints_that_pip_can_read(tmp_path: Path) -> None:
    [made] = re.findall(r"sed .*? >constraints\.txt", " ".join(rest for name, rest in instructions() if name == "RUN"))
    script = made.replace("requirements.lock", str(ROOT / "requirements.lock"))
    subprocess.run(["sh", "-euc", script], cwd=tmp_path, check=True)
    lines = (tmp_path / "constraints.txt").read_text().splitlines()
    names = {Requirement(line).name for line in lines}
    assert {"aiohttp", "asyncpg", "uvloop"} <= names


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="there is no hadolint")
def test_the_linter_of_container_files_finds_nothing() -> None:
    subprocess.run(["hadolint", str(DEPLOY / "Containerfile")], check=True)
