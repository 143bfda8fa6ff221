"""The limit: a server of the same kind that decodes an order, answers one of the same size, and does nothing else.
Over WebSockets it sends back what it gets, to the same socket or to a crowd of others.

What it reaches is what aiohttp, uvloop, msgspec and orjson cost by themselves; the exchange adds the difference.
It answers an ioc order with two fills and a gtc order with none, about what an exchange answers to `flow.py`.
"""

import asyncio
import signal
from pathlib import Path

import click
import msgspec
import orjson
import uvloop
from aiohttp import web


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /order`."""

    user_id: str
    market: str
    side: str
    order_type: str
    quantity: str
    price: str | None = None
    client_order_id: str | None = None
    time_in_force: str = "gtc"
    post_only: bool = False


CROWD: web.AppKey[dict[web.WebSocketResponse, None]] = web.AppKey("crowd")

_decode = msgspec.json.Decoder(Order).decode

FILL = {
    "trade_id": "123456",
    "price": "150.02",
    "quantity": "0.03",
    "fee": "0",
    "fee_asset": "USDC",
    "liquidity": "taker",
    "timestamp": 1_750_000_000_000,
}


def reply_to(order: Order) -> dict[str, object]:
    """An order in the shape of the contract, as if it had rested or traded."""
    taken = order.time_in_force == "ioc"
    return {
        "order_id": "1234567",
        "client_order_id": order.client_order_id,
        "user_id": order.user_id,
        "market": order.market,
        "side": order.side,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "post_only": order.post_only,
        "price": order.price,
        "quantity": order.quantity,
        "executed_quantity": order.quantity if taken else "0",
        "executed_quote_quantity": "9.0012" if taken else "0",
        "status": "filled" if taken else "open",
        "expire_reason": None,
        "cancel_reason": None,
        "created_at": 1_750_000_000_000,
        "updated_at": 1_750_000_000_000,
        "fills": [FILL, FILL] if taken else [],
    }


async def place_order(request: web.Request) -> web.Response:
    """`POST /order` without an exchange behind it."""
    order = _decode(await request.read())
    return web.Response(body=orjson.dumps(reply_to(order)), content_type="application/json")


async def echo(request: web.Request) -> web.WebSocketResponse:
    """A WebSocket that sends every frame back."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def crowd(request: web.Request) -> web.WebSocketResponse:
    """A WebSocket among others: what one says, all the others get, one after the other."""
    members = request.app[CROWD]
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    members[socket] = None
    try:
        async for message in socket:
            for member in members:
                if member is not socket:
                    await member.send_str(message.data)
    finally:
        del members[socket]
    return socket


def announce(ready_file: Path, url: str) -> None:
    """Tell who started the server where it is."""
    ready_file.write_bytes(orjson.dumps({"url": url}))


async def serve(ready_file: Path) -> None:
    """Serve on a free port, named in `ready_file`, until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = web.Application()
    app.router.add_post("/order", place_order)
    app[CROWD] = {}
    app.router.add_get("/echo", echo)
    app.router.add_get("/crowd", crowd)
    # A generator that has gone leaves its idle sockets: they are cut at once, not waited for.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    announce(ready_file, f"http://{host}:{port}")
    await stop.wait()
    await runner.cleanup()


@click.command()
@click.option(
    "--ready-file", type=click.Path(path_type=Path), required=True, help="Where to write the address, as JSON."
)
def main(ready_file: Path) -> None:
    """Serve the limits."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(ready_file))


if __name__ == "__main__":
    main()
