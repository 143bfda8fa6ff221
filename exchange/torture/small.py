"""`exchange` with partitions so small that a run of some minutes fills several: `python -m exchange.torture.small …`.

The torture runs every command in this way. So partitions are made, and old ones of the journal dropped, while all that
can break does. At SIGUSR1 a process that was given a file for it writes down where its threads and its tasks are.
"""

import asyncio
import faulthandler
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any, TextIO

ROWS = 500  # sequences of the journal, or ids, in one partition
STACKS = "TORTURE_STACKS"  # the variable that names the file


def _tell_stacks(file: TextIO) -> None:
    """On SIGUSR1: the threads at once, whatever they do, and the tasks as soon as the loop can."""

    def tell_tasks(number: int, frame: FrameType | None) -> None:
        try:
            tasks = asyncio.all_tasks()
        except RuntimeError:  # no loop runs
            return
        for task in tasks:
            file.write(f"{task.get_name()}: {' > '.join(_awaits(task.get_coro()))}\n")
        file.flush()

    signal.signal(signal.SIGUSR1, tell_tasks)
    faulthandler.register(signal.SIGUSR1, file=file, all_threads=True, chain=True)


def _awaits(coroutine: Any) -> Iterator[str]:
    """Where it waits, the innermost call last. `Task.print_stack` knows the outermost only."""
    while (frame := getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)) is not None:
        code = frame.f_code
        yield f"{code.co_qualname} ({os.path.basename(code.co_filename)}:{frame.f_lineno})"
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def run() -> None:
    """The command line."""
    if STACKS in os.environ:
        _tell_stacks(open(os.environ[STACKS], "a", encoding="utf-8"))  # noqa: SIM115 - as long as the process
    from exchange.cli import main
    from exchange.store import partitions

    partitions.ROWS = ROWS
    main()


if __name__ == "__main__":
    run()
