"""The distributions: what the client alone needs, and what each contains."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import exchange
from exchange.runtime import compiled

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "exchange" / "client"

ONLY_THE_CLIENT = """
import sys

ALLOWED = set(sys.argv[1].split())


class Installed:  # finds what an environment with the client alone has

    def find_spec(self, name, path, target=None):
        top, _, rest = name.partition(".")
        if top not in sys.stdlib_module_names and top not in ALLOWED:
            return None
        if top == "exchange" and rest.partition(".")[0] not in ("", "client", "failure"):
            return None
        return PathFinder.find_spec(name, path, target)


PathFinder = sys.meta_path.pop()
sys.meta_path.append(Installed())
import asyncio
import pkgutil

import exchange.client

for module in pkgutil.iter_modules(exchange.client.__path__):
    __import__(f"exchange.client.{module.name}")


async def main():
    async with exchange.client.Client("http://127.0.0.1:1", "nobody") as client:
        try:
            await client.health()
        except exchange.client.Unreachable:
            print("unreachable")


asyncio.run(main())
"""


def project(path: Path) -> dict[str, Any]:
    """A pyproject.toml."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def brought(path: Path) -> set[str]:
    """The names of a project's dependencies, and of everything that these import."""
    named = {name.partition(">")[0].partition("=")[0] for name in project(path)["project"]["dependencies"]}
    indirect = {"aiohappyeyeballs", "aiosignal", "attr", "frozenlist", "idna", "multidict", "propcache", "yarl"}
    return named | indirect | {"typing_extensions", "exchange"}


def test_the_client_imports_and_works_without_the_servers_packages() -> None:
    allowed = " ".join(brought(CLIENT / "pyproject.toml"))
    done = subprocess.run([sys.executable, "-c", ONLY_THE_CLIENT, allowed], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("unreachable\n", 0), done.stderr


def test_the_block_of_packages_blocks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONLY_THE_CLIENT, "exchange"], capture_output=True, text=True, check=False
    )
    assert "No module named 'aiohttp'" in done.stderr or "No module named 'sortedcontainers'" in done.stderr


def test_the_clients_distribution_has_every_module_of_the_client() -> None:
    included = project(CLIENT / "pyproject.toml")["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    modules = {path.name for path in CLIENT.glob("*.py")}
    assert {source for source in included if not source.startswith("..")} == modules
    for source, target in included.items():
        assert (CLIENT / source).is_file(), source
        assert target.startswith("exchange/")


def test_client_and_server_have_one_version_and_agree_on_what_the_client_needs() -> None:
    assert project(ROOT / "pyproject.toml")["tool"]["hatch"]["version"]["path"] == "exchange/__init__.py"
    assert (CLIENT / project(CLIENT / "pyproject.toml")["tool"]["hatch"]["version"]["path"]).resolve() == Path(
        exchange.__file__
    )
    server = {
        name.partition(">")[0].partition("=")[0] for name in project(ROOT / "pyproject.toml")["project"]["dependencies"]
    }
    client = {name.partition(">")[0] for name in project(CLIENT / "pyproject.toml")["project"]["dependencies"]}
    assert client <= server


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = next(line for line in text.splitlines() if line.startswith("## "))
    assert newest.removeprefix("## ").split()[0] == exchange.__version__


def test_the_license_is_named_as_it_is() -> None:
    assert project(ROOT / "pyproject.toml")["project"]["license"] == "MIT"
    license_text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert license_text.startswith("MIT License")
    assert "the exchange authors" in license_text


def wheel(place: Path, **environment: str) -> tuple[str, set[str]]:
    """The name of the server's wheel, built as `make wheel` does, and the files in it."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(place)]
    subprocess.run([*command, str(ROOT)], env=os.environ | environment, capture_output=True, check=True)
    (made,) = place.iterdir()
    with zipfile.ZipFile(made) as archive:
        return made.name, set(archive.namelist())


def test_the_wheel_without_a_compiler_is_for_every_platform(tmp_path: Path) -> None:
    name, files = wheel(tmp_path)
    assert name == f"local_spot_exchange-{exchange.__version__}-py3-none-any.whl"
    assert {"exchange/config.toml", "exchange/web/static/index.html", "exchange/py.typed"} <= files
    assert {
        f"exchange/migrations/versions/{path.name}" for path in (ROOT / "migrations/versions").glob("*.py")
    } <= files
    tops = {file.partition("/")[0] for file in files}
    assert tops == {"exchange", f"local_spot_exchange-{exchange.__version__}.dist-info"}
    assert not any(file.endswith(".so") or "node_modules" in file for file in files)


def test_the_wheel_with_the_compiled_modules_is_for_this_platform(tmp_path: Path) -> None:
    """Where this checkout is compiled: the test does not compile it."""
    if not compiled.made():
        pytest.skip("there is no compiled build of these sources, or not one for users")
    name, files = wheel(tmp_path, EXCHANGE_WHEEL="compiled")
    assert not name.endswith("none-any.whl")
    assert f"cp{sys.version_info.major}{sys.version_info.minor}" in name
    manifest = "exchange/_compiled/manifest.json"
    assert {manifest, "exchange/core/venue.py"} <= files
    with zipfile.ZipFile(tmp_path / name) as archive:
        libraries = json.loads(archive.read(manifest))["libraries"]
        archive.extractall(tmp_path / "installed")
    assert {f"exchange/_compiled/{library}" for library in libraries.values()} <= files
    program = (
        "from exchange.runtime import compiled; compiled.use(); import exchange.core.venue as v; print(v.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "installed/exchange/_compiled")
