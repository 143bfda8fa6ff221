"""python-binance over sockets: BinanceSocketManager, the depth caches, the user's stream, and the WebSocket API."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tests.bots.report import Report, pointed
from tests.bots.with_ccxt_pro import Asking

SYMBOL = "BTCUSDT"
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
THREAD_S = 8.0


def main(url: str) -> None:
    """Make all calls as alice."""
    report, names = Report(), pointed("python-binance over sockets", url)
    asyncio.run(all_calls(report, names))
    threads(report, names)
    report.end()


async def all_calls(report: Report, names: dict[str, Any]) -> None:
    """What needs a loop."""
    asking = Asking(report)
    client = await names["AsyncClient"].create("alice-key", "alice-secret")
    manager = names["BinanceSocketManager"](client)
    for name, arguments in {
        "trade_socket": (SYMBOL,),
        "aggtrade_socket": (SYMBOL,),
        "kline_socket": (SYMBOL,),
        "symbol_miniticker_socket": (SYMBOL,),
        "symbol_ticker_socket": (SYMBOL,),
        "symbol_book_ticker_socket": (SYMBOL,),
        "miniticker_socket": (),
        "ticker_socket": (),
        "depth_socket": (SYMBOL,),
        "depth_socket 20": (SYMBOL, "20"),
        "depth_socket 100ms": (SYMBOL, None, 100),
        "multiplex_socket": (["btcusdt@trade", "ethusdt@kline_1m"],),
    }.items():
        make = getattr(manager, name.partition(" ")[0], None)
        if make is not None:
            await asking.passed(name, heard(make, *arguments), lambda said: "error" not in said)
    price = f"{float((await client.get_symbol_ticker(symbol=SYMBOL))['price']) * 0.8:.2f}"
    await asking.passed("user_socket", own(client, manager, price), lambda kinds: kinds[0] == "executionReport")
    await requests(asking, client, price)
    await client.close_connection()


def heard(make: Callable[..., Any], *arguments: Any) -> Callable[[], Awaitable[Any]]:
    """Listens for an event."""

    async def ask() -> Any:
        async with make(*arguments) as socket:
            return await socket.recv()

    return ask


def own(client: Any, manager: Any, price: str) -> Callable[[], Awaitable[list[str]]]:
    """Listens to the user while an order is placed and canceled."""

    async def ask() -> list[str]:
        async with manager.user_socket() as socket:
            await asyncio.sleep(1)
            made = await client.create_order(**ORDER, price=price)
            await client.cancel_order(symbol=SYMBOL, orderId=made["orderId"])
            return [(await socket.recv())["e"] for _ in range(4)]

    return ask


async def requests(asking: Asking, client: Any, price: str) -> None:
    """Requests on the WebSocket API."""
    one = {"symbol": SYMBOL}
    made = await asking.passed("ws_create_order", lambda: client.ws_create_order(**ORDER, price=price))
    named = one | {"orderId": made["orderId"]}
    for name, arguments in {
        "ws_create_test_order": ORDER | {"price": price},
        "ws_get_order": named,
        "ws_get_open_orders": one,
        "ws_get_all_orders": one,
        "ws_get_my_trades": one,
        "ws_get_account": {},
        "ws_get_order_book": one,
        "ws_get_recent_trades": one,
        "ws_get_historical_trades": one,
        "ws_get_aggregate_trades": one,
        "ws_get_klines": one | {"interval": "1m"},
        "ws_get_uiKlines": one | {"interval": "1m"},
        "ws_get_avg_price": one,
        "ws_get_ticker": one,
        "ws_get_trading_day_ticker": one,
        "ws_get_symbol_ticker": one,
        "ws_get_orderbook_ticker": one,
        "ws_get_exchange_info": one,
        "ws_get_time": {},
        "ws_ping": {},
        "ws_cancel_order": named,
    }.items():
        call = getattr(client, name, None)
        if call is not None:
            await asking.passed(name, partial(call, **arguments))


def threads(report: Report, names: dict[str, Any]) -> None:
    """What runs in threads of its own."""
    caches: list[Any] = []
    cache = names["ThreadedDepthCacheManager"](api_key="alice-key", api_secret="alice-secret")
    cache.start()
    cache.start_depth_cache(caches.append, symbol=SYMBOL)
    time.sleep(THREAD_S)
    report.passed("ThreadedDepthCacheManager", lambda: caches[-1].get_bids()[0][0] < caches[-1].get_asks()[0][0], bool)
    cache.stop()


if __name__ == "__main__":
    main(sys.argv[1])
