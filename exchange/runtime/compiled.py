"""The optional build of the hot modules: the same source, compiled by mypyc.

`make compile` makes it, in `.compiled` beside the package, where there is a C compiler. From then on
the compiled modules are loaded instead of the sources that they were made of; when one of these has changed by a byte,
none is, and everything is Python again. So what runs is always what the sources say.
"""

import hashlib
import importlib.util
import json
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parent.parent
BUILD = PACKAGE.parent / ".compiled"
MANIFEST = BUILD / "manifest.json"

# Whatever an order passes through, but for two kinds: what deals in aiohttp's classes, which are not what their types
# say, and msgspec's structs, which read the annotations that a compiled class has no more.
MODULES = (
    *(f"exchange.core.{path.stem}" for path in sorted((PACKAGE / "core").glob("*.py")) if path.stem != "__init__"),
    "exchange.pipeline.histogram",
    "exchange.pipeline.commits",
    "exchange.pipeline.changes",
    "exchange.pipeline.projector",
    "exchange.pipeline.writer",
    "exchange.pipeline.engine",
    "exchange.pipeline.outcomes",
    "exchange.pipeline.subscriber",
    "exchange.pipeline.depth",
    "exchange.pipeline.subscriptions",
    "exchange.pipeline.closed_orders",
    "exchange.pipeline.feeds",
    "exchange.store.rows",
    "exchange.store.journal",
    "exchange.store.commit",
    "exchange.store.projection",
    "exchange.store.queries",
    "exchange.service.history",
    "exchange.service.queries",
    "exchange.service.results",
    "exchange.service.limits",
    "exchange.service.principal",
    "exchange.service.trading",
    "exchange.service.service",
    "exchange.api.native.malformed",
    "exchange.api.native.codec",
    "exchange.api.native.encode",
    "exchange.api.native.feed_frames",
    "exchange.api.http.frames",
    "exchange.api.native.session",
)


class _Finder(MetaPathFinder):
    """Finds the compiled modules before Python finds their sources."""

    def __init__(self, libraries: dict[str, str]) -> None:
        self._libraries = libraries

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The compiled module of that name, if it is one."""
        library = self._libraries.get(name)
        return None if library is None else importlib.util.spec_from_file_location(name, BUILD / library)


def use() -> None:
    """Load the compiled modules from here on, if they are what the sources say."""
    try:
        made = json.loads(MANIFEST.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if made["digest"] == _digest() and not in_use():
        sys.meta_path.insert(0, _Finder(made["libraries"]))


def in_use() -> bool:
    """Whether the hot modules run compiled."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def _source(module: str) -> Path:
    return PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")


def _digest() -> str:
    """What the sources, how they are compiled, and the Python that runs them come to."""
    digest = hashlib.sha256(f"{sys.version} {sysconfig.get_config_var('SOABI')}".encode() + Path(__file__).read_bytes())
    for module in MODULES:
        digest.update(module.encode() + b"\0" + _source(module).read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Compile the modules, unless that is done already."""
    if in_use():
        return
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    shutil.rmtree(BUILD, ignore_errors=True)
    digest = _digest()
    with tempfile.TemporaryDirectory() as scratch:
        sources = [str(_source(module)) for module in MODULES]
        extensions = mypycify(sources, opt_level="3", debug_level="0", target_dir=scratch)
        for extension in extensions:
            # A function that a library shows might be replaced by another's, so no call of it is ever inlined.
            extension.extra_compile_args.append("-fvisibility=hidden")
        command = build_ext(Distribution({"name": "exchange", "ext_modules": extensions}))
        command.build_lib, command.build_temp = str(BUILD), scratch
        command.ensure_finalized()
        command.run()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    libraries = {
        ".".join(path.relative_to(BUILD).parts).removesuffix(suffix): str(path.relative_to(BUILD))
        for path in sorted(BUILD.rglob(f"*{suffix}"))
    }
    # Last, and whole: a build that was cut off has none.
    MANIFEST.write_text(json.dumps({"digest": digest, "libraries": libraries}, indent=1), encoding="utf-8")
