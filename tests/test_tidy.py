"""The source tree keeps its rules: layers, sizes, docstrings, and no path of a developer's machine."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "exchange"

FILE_LINES_MAX = 500
BUILT = ROOT / "exchange" / "web" / "static"  # what the page's build writes; tests/web compares it with its sources
FUNCTION_LINES_MAX = 60
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "config.toml",
    "docs",
    "exchange",
    "hatch_build.py",
    "migrations",
    "pyproject.toml",
    "requirements.lock",
    "tests",
}

# What each part may import of the house; the longest prefix that fits a module decides, and a part may import itself.
# Imports point down only: a part is below whatever may import it.
CORE = ("exchange.core",)
PIPELINE = (*CORE, "exchange.failure", "exchange.pipeline")
SERVICE = (*PIPELINE, "exchange.service")
CLIENT = ("exchange.failure", "exchange.client")
MAY: dict[str, tuple[str, ...]] = {
    "exchange": (),
    "exchange.core": (),
    "exchange.failure": (),
    "exchange.files": (),
    "exchange.logs": (),
    "exchange.addresses": (),
    "exchange.options": ("exchange.client",),
    "exchange.config": ("exchange.failure", "exchange.addresses", "exchange.files"),
    "exchange.profile": ("exchange.config",),
    "exchange.pipeline": PIPELINE,
    "exchange.service": SERVICE,
    "exchange.store": SERVICE,
    "exchange.postgres": ("exchange.failure",),
    "exchange.api": (*SERVICE, "exchange.config", "exchange.files", "exchange.__version__", "exchange.api"),
    "exchange.runtime": (
        *(*SERVICE, "exchange.config", "exchange.logs", "exchange.addresses"),
        *("exchange.api", "exchange.store", "exchange.postgres"),
    ),
    "exchange.runtime.compiled": (),
    "exchange.runtime.binary": ("exchange.cli",),
    # Clients of the exchange, which know of it what anybody can see.
    "exchange.client": ("exchange.failure",),
    "exchange.testing": ("exchange.config", "exchange.client"),
    "exchange.replay": (*CLIENT, "exchange.options", "exchange.files"),
    "exchange.torture": (*CLIENT, "exchange.options", "exchange.postgres"),  # which it starts and kills
    "exchange.torture.small": ("exchange.cli", "exchange.store"),  # the child, with other partitions
    # Its participants are clients; what runs them serves an exchange, or is one in memory.
    "exchange.demo": (
        *(*SERVICE, *CLIENT, "exchange.config", "exchange.logs", "exchange.watch"),
        *("exchange.api", "exchange.runtime", "exchange.store"),
    ),
    "exchange.demo.kinds": ("exchange.demo",),
    "exchange.watch": (*CLIENT, "exchange.logs"),
    # Asks a running exchange as a client, or opens the database of one that is stopped.
    "exchange.admin": (
        *(*CLIENT, "exchange.config", "exchange.files", "exchange.logs", "exchange.options", "exchange.runtime"),
    ),
    "exchange.cli": ("exchange",),
    "exchange.__main__": ("exchange.cli",),
}
DATABASE = ("sqlalchemy", "asyncpg", "alembic", "psutil")
OUTSIDE: dict[str, tuple[str, ...]] = {  # the libraries that only some parts may import
    **dict.fromkeys(DATABASE, ("exchange.store", "exchange.postgres")),
    "asyncpg": ("exchange.store", "exchange.postgres", "exchange.torture.silence"),  # asks what PostgreSQL waits for
    "yarl": ("exchange.client",),
    "aiohttp": ("exchange.api", "exchange.client", "exchange.replay", "exchange.torture"),
    "msgspec": (
        "exchange.api",
        "exchange.config",
        "exchange.profile",
        "exchange.client",
        "exchange.demo",
        "exchange.torture",
    ),
    "cryptography": ("exchange.service", "exchange.client", "exchange.api.http.tls"),
    "nacl": ("exchange.service",),
    "orjson": ("exchange.api", "exchange.store", "exchange.client", "exchange.replay", "exchange.torture"),
}
CORE_MAY = {*sys.stdlib_module_names, "sortedcontainers", "mypy_extensions", "exchange.core"}

# Put together here so that this file does not find itself.
UNDONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
SOMEBODYS = re.compile(
    "(" + "|".join(("/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/", "/wo" + "rk/", "C:" + r"\\")) + ")"
)
REGISTRIES = re.compile(
    "|".join((r"pypi\." + "org", "pythonhosted" + r"\.", "registry" + r"\.npm", "proxy" + r"\.golang"))
)


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def imports(name: str, path: Path) -> Iterator[str]:
    """Everything that a module imports, anywhere in it, by full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def part_of(name: str) -> str:
    """The part of the house that a module is in."""
    return max((part for part in MAY if within(name, part)), key=len)


def arrows(name: str) -> Iterator[str]:
    """The imports of a module that point where they may not."""
    part = part_of(name)
    for imported in imports(name, MODULES[name]):
        library = imported.partition(".")[0]
        if within(name, "exchange.core"):
            allowed = any(within(imported, may) for may in CORE_MAY)
        elif library == "exchange":
            allowed = any(within(imported, may) for may in (part, *MAY[part])) or imported == "exchange"
        else:
            allowed = library not in OUTSIDE or any(within(name, may) for may in OUTSIDE[library])
        if not allowed:
            yield f"{name} -> {imported}"


def files() -> list[Path]:
    """What is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


SOURCES = (".py", ".ts", ".tsx", ".js", ".mjs", ".css", ".html")
PICTURES = (".png",)  # their bytes spell whatever chance has it


def texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        if path.name != "requirements.lock" and path.suffix not in PICTURES:
            yield path, path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name: str) -> None:
    assert list(arrows(name)) == []


def test_the_rules_of_layers_see_a_wrong_arrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import os\nfrom exchange.store import postgres\nimport asyncpg.types\n")
    for name, expected in (
        (
            "exchange.core.wrong",
            ["exchange.core.wrong -> exchange.store.postgres", "exchange.core.wrong -> asyncpg.types"],
        ),
        (
            "exchange.api.wrong",
            ["exchange.api.wrong -> exchange.store.postgres", "exchange.api.wrong -> asyncpg.types"],
        ),
        (
            "exchange.pipeline.wrong",
            ["exchange.pipeline.wrong -> exchange.store.postgres", "exchange.pipeline.wrong -> asyncpg.types"],
        ),
        ("exchange.store.wrong", []),
    ):
        monkeypatch.setitem(MODULES, name, wrong)
        assert list(arrows(name)) == expected


PRIVATE = re.compile(r"\b(aiohttp|httptools|websockets)(\.\w+)*\._\w+|from (aiohttp|httptools|websockets)[\w.]*\._")
INSIDE_AIOHTTP = re.compile(r"from aiohttp\.(?!test_utils\b)[\w.]+ import|import aiohttp\.")


def test_only_public_names_of_the_http_libraries_are_used() -> None:
    """A transport that stands on private names of a library breaks with its next release."""
    found = []
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        taken = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if str(node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
            in ("aiohttp", "httptools", "websockets")
        }
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if PRIVATE.search(line) or INSIDE_AIOHTTP.search(line):
                found.append(f"{name}:{number}: {line.strip()}")
        bases = {
            ast.unparse(base).partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for base in node.bases
        }
        # A subclass of a library's class reaches its private attributes without naming it.
        found += [f"{name}: subclass of {base}" for base in sorted(bases & taken)]
    assert found == []


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): text.count("\n")
        for path, text in texts()
        if path.suffix in SOURCES and BUILT not in path.parents and text.count("\n") > FILE_LINES_MAX
    }
    assert long == {}


def test_functions_fit_a_screen() -> None:
    long = {}
    for path, text in texts():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long == {}


@pytest.mark.parametrize(
    ("what", "pattern"),
    [("something undone", UNDONE), ("a path of somebody's machine", SOMEBODYS), ("a package registry", REGISTRIES)],
)
def test_the_tree_is_free_of(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()[:100]}"
        for path, text in texts()
        if pattern is not UNDONE or BUILT not in path.parents  # what others left undone in what they publish
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_locks_name_no_registry() -> None:
    for name in ("requirements.lock", "exchange/web/package-lock.json"):
        lock = (ROOT / name).read_text(encoding="utf-8")
        assert not REGISTRIES.search(lock)
        assert "index-url" not in lock
        assert '"resolved"' not in lock


def undocumented(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if tree.body and not ast.get_docstring(tree):
        yield f"{name_of(path)}"
    for node in ast.iter_child_nodes(tree):
        yield from _undocumented(name_of(path), node)


def _undocumented(where: str, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return
    if not ast.get_docstring(node):
        yield f"{where}.{node.name}"
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _undocumented(f"{where}.{node.name}", inner)


def test_everything_public_says_what_it_is() -> None:
    assert [name for path in MODULES.values() for name in undocumented(path)] == []


def test_the_top_of_the_repository_is_tidy() -> None:
    there = {path.relative_to(ROOT).parts[0] for path in files()}
    assert there - TOP_LEVEL == set()
