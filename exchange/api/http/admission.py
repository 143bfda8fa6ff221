"""Whether a request may be sent from where it was: no web page may trade without its reader's knowledge.

The Host must be ours, and an Origin, where one is sent, must be ours or allowed.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from exchange.api.native.errors import ApiError
from exchange.config import LOOPBACK, Config
from exchange.service.limits import RateLimits


class Admission:
    """Decides from the headers."""

    def __init__(self, config: Config, limits: RateLimits) -> None:
        self.limits = limits
        self._hosts = {name.lower() for name in (*LOOPBACK, config.server.host, *config.server.allowed_hosts)}
        self._origins = set(config.server.allowed_origins)
        self._ports: set[int] = set()
        self._seen: dict[str, bool] = {}  # Host headers already judged; few differ

    def serves(self, *urls: str) -> None:
        """Where the exchange listens: a page of one of its ports may use the other."""
        self._ports = {port for url in urls if (port := urlsplit(url).port) is not None}

    def admit(
        self, address: str | None, headers: Mapping[str, str], *, changes: bool, cancels: bool = False
    ) -> int | None:
        """Count the request. Raise ApiError unless the Host is ours and, if anything would change, the Origin too.

        How many more requests the address may send at once; None if they are not counted.
        The names of the headers are in lower case.
        """
        left = self.limits.request(address, cancels=cancels)
        host = headers.get("host", "")
        known = self._seen.get(host)
        if known is None:
            known = _name(host) in self._hosts
            if len(self._seen) < 100:
                self._seen[host] = known
        if not known:
            raise ApiError("WRONG_HOST", "This Host is not served here; [server] allowed_hosts can name it.")
        if changes and "origin" in headers:
            self._admit_origin(headers["origin"], host)
        return left

    def _admit_origin(self, origin: str, host: str) -> None:
        ours = origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())
        if not ours and not self._is_other_port(origin) and origin not in self._origins:
            raise ApiError("FORBIDDEN", "This Origin may not trade here; [server] allowed_origins can name it.")

    def _is_other_port(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
            return parts.scheme in ("http", "https") and parts.hostname in self._hosts and parts.port in self._ports
        except ValueError:
            return False


def _name(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return (name if colon and port.isdigit() else host.lower()).strip("[]")
