"""Request ids: what a reply and the log lines about its request have in common.

A client may bring its own in `X-Request-Id`; what it brings is only taken when it may stand in a log and a header as it
is. Else there is one made of a prefix of this process and a count, which costs a fraction of a UUID.
"""

import itertools
import re
import secrets

from aiohttp import hdrs, web
from multidict import istr

HEADER = istr("X-Request-Id")  # an istr is not folded again each time it is looked up
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def json_headers(request_id: str) -> dict[istr, str]:
    """The headers of an answer in JSON."""
    return {hdrs.CONTENT_TYPE: "application/json", HEADER: request_id}


class RequestIds:
    """Names the requests of one process."""

    __slots__ = ("_numbers", "_prefix")

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def of(self, request: web.BaseRequest) -> str:
        """The request's id; call it once a request, for it gives another one each time."""
        given = request.headers.get(HEADER)
        if given is not None and _SANE.fullmatch(given):
            return given
        return self.next()

    def next(self) -> str:
        """The id of a request that brings none."""
        return f"{self._prefix}-{next(self._numbers)}"
