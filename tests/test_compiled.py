"""The compiled build: a process uses it only if it asks, and only if the build matches the sources."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.runtime import compiled

USE = """
import sys
from pathlib import Path
from exchange.runtime import compiled
compiled.BUILD = Path(sys.argv[1])
compiled.MANIFEST = compiled.BUILD / "manifest.json"
compiled.use()
print(compiled.in_use())
"""

COMMAND_LINE = """
import sys
from exchange.cli import main
sys.argv = ["exchange", "--version"]
try:
    main()
except SystemExit:
    import exchange.core.venue
    print(exchange.core.venue.__file__)
"""


def last_line(program: str, *arguments: str) -> str:
    """What a fresh Python process prints last."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("digest", "expected"), [(compiled._digest(), "True"), ("0" * 64, "False")])
def test_a_build_is_used_only_if_it_matches_the_sources(tmp_path: Path, digest: str, expected: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"digest": digest, "libraries": {}}))
    assert last_line(USE, str(tmp_path)) == expected


def test_a_build_of_another_optimization_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    monkeypatch.setattr(compiled, "BUILD", tmp_path)
    monkeypatch.setattr(compiled, "MANIFEST", manifest)
    manifest.write_text(json.dumps({"digest": compiled._digest(), "optimize": "0", "libraries": {}}))
    compiled.build("0")
    assert manifest.exists()
    assert compiled.fits(), "tests run on either"

    def mypycify(sources: object, *, opt_level: str, **options: object) -> None:
        raise InterruptedError(opt_level)

    monkeypatch.setattr("mypyc.build.mypycify", mypycify)
    with pytest.raises(InterruptedError, match=compiled.OPTIMIZE):
        compiled.build()
    assert not compiled.fits()


@pytest.mark.parametrize("text", [None, "", "{", '{"digest": "half a bu'])
def test_an_interrupted_build_is_not_used(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    assert last_line(USE, str(tmp_path)) == "False"


def test_every_module_of_the_build_exists() -> None:
    assert compiled.MODULES
    for module in compiled.MODULES:
        assert compiled._source(module).is_file(), module
    assert "exchange.core.venue" in compiled.MODULES


@pytest.mark.parametrize("name", compiled.MODULES)
def test_a_hot_module_is_a_library_exactly_when_the_build_is_in_use(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert Path(file).suffix == (".so" if compiled.in_use() else ".py")


def test_the_command_line_uses_the_build_if_there_is_one() -> None:
    assert Path(last_line(COMMAND_LINE)).suffix == (".so" if compiled.fits() else ".py")


def test_a_program_is_launched_on_the_build_if_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text("import exchange.core.venue as v, sys\nprint(sys.argv[1:], v.__file__)\n")
    done = subprocess.run(
        [sys.executable, "-m", "exchange.runtime.compiled", "shown", "one", "two"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments, _, file = done.stdout.strip().rpartition(" ")
    assert arguments == "['one', 'two']"
    assert Path(file).suffix == (".so" if compiled.fits() else ".py")


def test_importing_the_package_installs_nothing() -> None:
    program = "import sys; before = list(sys.meta_path); import exchange; print(sys.meta_path == before)"
    assert last_line(program) == "True"


def test_the_build_is_not_installed_after_a_hot_module_was_imported(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"digest": compiled._digest(), "libraries": {}}))
    attempt = "try:\n    compiled.use()\nexcept AssertionError as error:\n    print(error)\n    sys.exit()"
    late = "import exchange.core.venue\n" + USE.replace("compiled.use()", attempt)
    assert last_line(late, str(tmp_path)).startswith("imported before the compiled build was installed: exchange.core.")
