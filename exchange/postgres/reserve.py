"""Open files that are kept back, so that a server can be started when connections have taken all others."""

import contextlib
import os


class Reserve:
    """`count` open files, or as many as could be had; none until `fill`."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._files: list[int] = []

    def fill(self) -> None:
        """Keep files back, as many as there are up to `count`."""
        with contextlib.suppress(OSError):
            while len(self._files) < self._count:
                self._files.append(os.open(os.devnull, os.O_RDONLY))

    def release(self) -> None:
        """Let others have them."""
        while self._files:
            os.close(self._files.pop())
