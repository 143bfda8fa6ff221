"""The distributions: what the client alone needs, and what it contains."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import exchange

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
