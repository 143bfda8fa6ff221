"""The optional build: what is compiled is what the sources say, or it is not used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.runtime import compiled

ASK = """
import sys
from pathlib import Path
from exchange.runtime import compiled
compiled.BUILD = Path(sys.argv[1])
compiled.MANIFEST = compiled.BUILD / "manifest.json"
compiled.use()
print(compiled.in_use())
"""


def used(build: Path) -> bool:
    """Whether a fresh process would load this build."""
    # Isolated from what this checkout may have built itself: that is in use before the question is asked.
    found = subprocess.run([sys.executable, "-c", ASK, str(build)], capture_output=True, text=True, check=True)
    return found.stdout.strip() == "True"


@pytest.mark.skipif(compiled.in_use(), reason="this checkout is compiled itself")
@pytest.mark.parametrize(("digest", "expected"), [(compiled._digest(), True), ("0" * 64, False)])
def test_a_build_is_used_only_if_it_is_of_these_sources(tmp_path: Path, digest: str, expected: bool) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"digest": digest, "libraries": {}}))
    assert used(tmp_path) is expected


@pytest.mark.skipif(compiled.in_use(), reason="this checkout is compiled itself")
@pytest.mark.parametrize("text", [None, "", "{", '{"digest": "half a bu'])
def test_a_build_that_was_cut_off_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    assert not used(tmp_path)


def test_every_module_of_the_build_is_there() -> None:
    assert compiled.MODULES
    for module in compiled.MODULES:
        assert compiled._source(module).is_file(), module
    assert "exchange.core.venue" in compiled.MODULES
