"""One whole request, as a route gets it: the transport has checked its framing and its limits."""

from collections.abc import Mapping

from exchange.service.principal import Principal


class Request:
    """A request whose body has arrived.

    `target` and `raw_body` are the bytes as they were sent, for signatures; `path` and `query` are the parts of the
    target before and after the first `?`, not decoded. `headers` has lower-case names; a header that came several times
    has its values joined by `, `. `body` is `raw_body` without its content coding. `address` is the peer's, without a
    port. `request_id` is in the reply and in the log. `principal` is who sent it, once that is known.
    """

    __slots__ = (
        *("address", "body", "headers", "method", "path", "principal", "query", "raw_body", "request_id", "target"),
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        path: str,
        query: str,
        headers: Mapping[str, str],
        raw_body: bytes,
        body: bytes,
        address: str | None,
        request_id: str,
    ) -> None:
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.headers = headers
        self.raw_body = raw_body
        self.body = body
        self.address = address
        self.request_id = request_id
        self.principal: Principal | None = None
