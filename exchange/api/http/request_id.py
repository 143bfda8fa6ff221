"""Request ids: what a reply and the log lines about its request have in common.

A client may bring its own in `X-Request-Id`; what it brings is only taken when it may stand in a log and a header as it
is. Else there is one made of a prefix of this process and a count, which costs a fraction of a UUID.
"""

import itertools
import re
import secrets

HEADER = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """Names the requests of one process."""

    __slots__ = ("_numbers", "_prefix")

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def of(self, given: str | None) -> str:
        """The id of a request whose header has this value; call it once a request, for it may make a new one."""
        if given is not None and _SANE.fullmatch(given):
            return given
        return self.next()

    def next(self) -> str:
        """The id of a request that brings none."""
        return f"{self._prefix}-{next(self._numbers)}"
