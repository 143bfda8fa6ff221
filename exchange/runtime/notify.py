"""Tells a service manager how far the exchange is: the protocol of systemd's `Type=notify`.

Nothing happens where there is no service manager, or where it cannot be reached.
"""

import contextlib
import os
import socket

VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1"
STOPPING = b"STOPPING=1"


def notify(state: bytes) -> None:
    """Send one message to the socket that the environment names."""
    address = os.environ.get(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(state, address)
