"""Puts the compiled modules into the wheel, where `EXCHANGE_WHEEL=compiled` asks for it (`make wheel`).

The wheel is then for one platform and one minor version of Python. Without the variable it is for all: what
`pip install .` makes needs no compiler.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = "EXCHANGE_WHEEL"


class CompiledBuildHook(BuildHookInterface[Any]):
    """Called by hatchling. An sdist and an editable install have the sources alone."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what goes into the wheel besides the sources."""
        if version != "standard" or os.environ.get(WANTED) != "compiled":
            return
        sys.path.insert(0, self.root)
        from exchange.runtime import compiled

        compiled.build()
        for path in sorted(compiled.CHECKOUT_BUILD.rglob("*")):
            if path.suffix in (".so", ".json"):
                target = Path("exchange", compiled.PACKAGED) / path.relative_to(compiled.CHECKOUT_BUILD)
                build_data["force_include"][str(path)] = str(target)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
