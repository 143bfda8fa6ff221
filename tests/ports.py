"""Ports that a test chooses before something listens there, and that stay free while nothing does."""

import contextlib
import itertools
import os
import socket

# Below the ports that the system gives to whoever asks for any. Each process of tests begins elsewhere.
FIRST, COUNT, APART = 20_000, 10_000, 37
_turns = itertools.count(os.getpid() * APART)


def free_port() -> int:
    """One of this machine that nothing listens on, and that no other test has chosen."""
    for turn in itertools.islice(_turns, COUNT):
        port = FIRST + turn % COUNT
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")
