"""The optional build of the hot modules: the same source, compiled by mypyc.

`make compile` writes the build to `.compiled` beside the package; this needs a C compiler. A wheel for one platform
(`make wheel`) has it inside the package. A process that calls `use`
before it imports a hot module loads the compiled modules. The command line does so; importing the package does not.
If a source has changed by a byte since the build, `use` does nothing and Python's own import goes on. A build that
does not match its sources never runs.

`python -m exchange.runtime.compiled MODULE [ARGUMENT ...]` runs another program's module on the build: the benchmark.
"""

import hashlib
import importlib.util
import json
import runpy
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
PACKAGED = "_compiled"  # in the package, when a wheel has brought it
CHECKOUT_BUILD = PACKAGE.parent / ".compiled"
BUILD = PACKAGE / PACKAGED if (PACKAGE / PACKAGED).is_dir() else CHECKOUT_BUILD
MANIFEST = BUILD / "manifest.json"
OPTIMIZE = "3"

# Every module on the path of an order, with two exceptions: modules that use aiohttp's classes, whose objects do not
# match their declared types, and msgspec's structs, which read annotations that a compiled class does not keep.
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
    "exchange.pipeline.open_orders",
    "exchange.pipeline.order_snapshots",
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
    "exchange.service.addresses",
    "exchange.service.limits",
    "exchange.service.principal",
    "exchange.service.signatures",
    "exchange.service.signers",
    "exchange.service.key_authenticator",
    "exchange.service.trading",
    "exchange.service.service",
    "exchange.api.native.malformed",
    "exchange.api.native.fields",
    "exchange.api.native.order_codec",
    "exchange.api.native.codec",
    "exchange.api.native.further",
    "exchange.api.native.encode",
    "exchange.api.native.placed",
    "exchange.api.native.feed_frames",
    *(
        f"exchange.api.binance.{stem}"
        for stem in (
            *("numbers", "symbols", "words", "parameters", "asked", "limits", "security"),
            *("pegs", "order_codec", "order_shapes", "order_calls", "order_fills", "running", "rest"),
        )
    ),
    "exchange.api.http.frames",
    "exchange.api.http.ws_frames",
    "exchange.api.http.websocket",
    "exchange.api.http.request",
    "exchange.api.http.response",
    "exchange.api.http.wire",
    "exchange.api.http.slot",
    "exchange.api.http.head",
    "exchange.api.http.head_reader",
    "exchange.api.http.admission",
    "exchange.api.http.request_id",
    "exchange.api.http.connection",
    "exchange.api.native.message_reader",
    "exchange.api.native.session",
    "exchange.api.native.decoding",
    "exchange.api.native.rest",
    "exchange.runtime.clock",
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
    """Load compiled modules from now on, if there is a build and it matches the sources.

    Call it before the first hot module is imported: a process must not mix compiled and interpreted modules.
    """
    if in_use() or not fits():
        return
    libraries = json.loads(MANIFEST.read_text(encoding="utf-8"))["libraries"]
    early = sorted(set(MODULES) & set(sys.modules))
    assert not early, f"imported before the compiled build was installed: {', '.join(early)}"
    sys.meta_path.insert(0, _Finder(libraries))


def fits() -> bool:
    """Whether there is a build that matches the sources."""
    try:
        return bool(json.loads(MANIFEST.read_text(encoding="utf-8"))["digest"] == _digest())
    except (OSError, ValueError):
        return False


def made(optimize: str = OPTIMIZE) -> bool:
    """Whether there is a build that matches the sources and was made with this optimization."""
    return fits() and json.loads(MANIFEST.read_text(encoding="utf-8")).get("optimize") == optimize


def in_use() -> bool:
    """Whether this process loads the compiled modules."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def _source(module: str) -> Path:
    return PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")


def _digest() -> str:
    """A digest of the sources, of this file (how they are compiled) and of the Python that runs them.

    Within a minor version of Python compiled modules stay usable.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor} {sysconfig.get_config_var('SOABI')}"
    digest = hashlib.sha256(python.encode() + Path(__file__).read_bytes())
    for module in MODULES:
        digest.update(module.encode() + b"\0" + _source(module).read_bytes())
    return digest.hexdigest()


def build(optimize: str = OPTIMIZE) -> None:
    """Compile the modules, unless there is a build that matches the sources and was made with this optimization.

    `optimize` is the compiler's -O: for tests of what the modules do, less of it takes a fraction of the time.
    """
    if made(optimize):
        return
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    shutil.rmtree(BUILD, ignore_errors=True)
    digest = _digest()
    with tempfile.TemporaryDirectory() as scratch:
        sources = [str(_source(module)) for module in MODULES]
        extensions = mypycify(sources, opt_level=optimize, debug_level="0", target_dir=scratch)
        for extension in extensions:
            # The compiler never inlines an exported function, because another library might replace it. The search for
            # warnings takes longer than a compilation without optimization.
            extension.extra_compile_args = [*extension.extra_compile_args, "-fvisibility=hidden", "-Wno-all"]
        command = build_ext(Distribution({"name": "exchange", "ext_modules": extensions}))
        command.build_lib, command.build_temp = str(BUILD), scratch
        command.parallel = True  # the code is one file, but each module is a library of its own that loads it
        command.ensure_finalized()
        command.run()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    libraries = {
        ".".join(path.relative_to(BUILD).parts).removesuffix(suffix): str(path.relative_to(BUILD))
        for path in sorted(BUILD.rglob(f"*{suffix}"))
    }
    # Written last: a build that was interrupted has no manifest, and is not used.
    MANIFEST.write_text(
        json.dumps({"digest": digest, "optimize": optimize, "libraries": libraries}, indent=1), encoding="utf-8"
    )


def launch(arguments: Sequence[str]) -> None:
    """Run a module as `__main__`, with the arguments that follow its name, on the build if there is one."""
    if not arguments:
        sys.exit("usage: python -m exchange.runtime.compiled MODULE [ARGUMENT ...]")
    use()
    sys.argv = list(arguments)
    # `__main__` of the process stays this module: a process that multiprocessing spawns imports it first, and would
    # otherwise import the program, and with it the hot modules, before it could call `use`.
    runpy.run_module(arguments[0], run_name="__main__")


if __name__ == "__main__":
    # Through the import, so that `in_use` of the module that the program imports knows of the finder.
    from exchange.runtime import compiled

    compiled.launch(sys.argv[1:])
