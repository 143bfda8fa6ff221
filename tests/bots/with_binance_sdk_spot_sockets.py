"""Binance's own library for Python, binance-sdk-spot, over sockets."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bots.report import Report, pointed
from tests.bots.with_ccxt_pro import Asking

SYMBOL = "BTCUSDT"
STREAMS: dict[str, dict[str, Any]] = {
    "agg_trade": {"symbol": "btcusdt"},
    "trade": {"symbol": "btcusdt"},
    "kline": {"symbol": "btcusdt", "interval": "1s"},
    "kline_offset": {"symbol": "btcusdt", "interval": "1m"},
    "mini_ticker": {"symbol": "btcusdt"},
    "all_mini_ticker": {},
    "ticker": {"symbol": "btcusdt"},
    "rolling_window_ticker": {"symbol": "btcusdt", "window_size": "1h"},
    "all_market_rolling_window_ticker": {"window_size": "1h"},
    "book_ticker": {"symbol": "btcusdt"},
    "avg_price": {"symbol": "btcusdt"},
    "partial_book_depth": {"symbol": "btcusdt", "levels": "5"},
    "diff_book_depth": {"symbol": "btcusdt"},
}
NOT_MADE = "Binance has it for some symbols only, and is silent for others"


def main(url: str) -> None:
    """Make all calls as alice."""
    asyncio.run(all_calls(url))


async def all_calls(url: str) -> None:
    """Streams, then the WebSocket API."""
    report, client = Report(), pointed("binance-sdk-spot over sockets", url)["client"]
    asking = Asking(report)
    streams = await client.websocket_streams.create_connection()
    for name, arguments in STREAMS.items():
        await asking.passed(name, heard(streams, name, arguments))
        await asyncio.sleep(0.5)  # no more messages than Binance takes
    for name in ("block_trade", "reference_price"):
        report.explained(name, NOT_MADE)
    await streams.close_connection(close_session=True)
    api = await client.websocket_api.create_connection()
    await requests(asking, api)
    await api.close_connection(close_session=True)
    report.end()


def heard(streams: Any, name: str, arguments: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    """Listens for an event."""

    async def ask() -> Any:
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        stream = await getattr(streams, name)(**arguments)
        stream.on("message", lambda said: None if found.done() else found.set_result(said))
        said = await found
        await stream.unsubscribe()
        return said

    return ask


async def requests(asking: Asking, api: Any) -> None:
    """Requests, and the user's stream."""
    events: list[Any] = []
    one = {"symbol": SYMBOL}

    def ask(call: str, **arguments: Any) -> Awaitable[Any]:
        async def made() -> Any:
            data = (await getattr(api, call)(**arguments)).data()
            assert "error" not in str(data)[:20], data
            return getattr(data, "result", data)

        return asking.passed(call, made)

    async def subscribe() -> Any:
        stream = (await api.user_data_stream_subscribe_signature()).stream
        stream.on("message", events.append)
        return stream

    await asking.passed("user_data_stream_subscribe_signature", subscribe)
    last = float((await ask("avg_price", **one)).price)
    terms = {
        **one,
        "side": "BUY",
        "type": "LIMIT",
        "time_in_force": "GTC",
        "quantity": 0.01,
        "price": round(last * 0.8, 2),
    }
    await ask("order_test", **terms)
    named = {**one, "order_id": (await ask("order_place", **terms)).order_id}
    await ask("order_status", **named)
    await ask("order_cancel", **named)
    for call in ("depth", "trades_recent", "trades_historical", "trades_aggregate", "ticker24hr", "ticker_price"):
        await ask(call, **one)
    for call in ("ticker_book", "ticker", "ticker_trading_day", "exchange_info", "open_orders_status", "all_orders"):
        await ask(call, **one)
    for call in ("my_trades", "my_allocations", "account_commission", "my_filters"):
        await ask(call, **one)
    for call in ("klines", "ui_klines"):
        await ask(call, **one, interval="1m")
    for call in (
        "ping",
        "time",
        "account_status",
        "account_rate_limits_orders",
        "session_status",
        "session_subscriptions",
    ):
        await ask(call)
    await asking.passed("executionReport", lambda: asyncio.sleep(1, events), lambda said: len(said) >= 3)


if __name__ == "__main__":
    main(sys.argv[1])
