"""The bare limit: HTTP parsed by httptools on uvloop, a body decoded by msgspec, a reply of the exchange's size.

It routes nothing, checks nothing and keeps nothing: what it reaches is what these libraries and the kernel cost, which
no exchange on them can beat. `limit` is the other limit, which also pays for aiohttp.

`POST` is answered as an order, `DELETE` as a canceled one, `GET /bytes?size=N` by N bytes.
"""

import asyncio
import signal
from pathlib import Path
from typing import cast

import click
import httptools
import msgspec
import orjson
import uvloop

from tests.bench.limit import Order, announce, reply_to


class Cancel(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `DELETE /order`."""

    user_id: str
    market: str
    order_id: str | None = None
    client_order_id: str | None = None


CANCELED = reply_to(Order("bench0001", "SOL_USDC", "buy", "limit", "0.05", "150.02", "c-1-12345"))
# The fields that the exchange sends, each as long as there.
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Server: Python/3.11 aiohttp/3.14.5\r\nX-Request-Id: 1a33191d-1234567\r\nContent-Length: %d\r\n\r\n"
)

_order = msgspec.json.Decoder(Order).decode
_cancel = msgspec.json.Decoder(Cancel).decode


class Bare(asyncio.Protocol):
    """One keep-alive connection. A broken request ends it."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._target = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A transport of uvloop is none of asyncio's classes, though it has all their methods.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._target += url

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer."""
        reply = self._reply(self._parser.get_method())
        self._transport.write(HEAD % len(reply) + reply)
        self._body = self._target = b""

    def _reply(self, method: bytes) -> bytes:
        if method == b"POST":
            return orjson.dumps(reply_to(_order(self._body)))
        if method == b"DELETE":
            _cancel(self._body)
            return orjson.dumps(CANCELED)
        return bytes(int(self._target.rpartition(b"size=")[2]))


async def serve(ready_file: Path) -> None:
    """Serve on a free port, named in `ready_file`, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(Bare, "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    announce(ready_file, f"http://{host}:{port}")
    await stop.wait()
    server.close()


@click.command()
@click.option(
    "--ready-file", type=click.Path(path_type=Path), required=True, help="Where to write the address, as JSON."
)
def main(ready_file: Path) -> None:
    """Serve the bare limit."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(ready_file))


if __name__ == "__main__":
    main()
