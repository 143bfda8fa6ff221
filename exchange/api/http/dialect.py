"""A dialect beside the native one: the paths that are its own, and how it says that a request failed there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exchange.api.http.response import Response

Refuse = Callable[[BaseException, str, str], Response]
"""The reply to a request that failed: why, what was asked, and the request id."""

NoRoute = Callable[[str, Sequence[str], str], Response]
"""The reply to a request that no route takes: its path, the methods that the path takes, and the request id."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Its paths are those that begin with one of the prefixes."""

    prefixes: tuple[str, ...]
    refuse: Refuse
    no_route: NoRoute
