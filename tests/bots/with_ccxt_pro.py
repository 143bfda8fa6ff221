"""ccxt over sockets: every unified call that a spot exchange has an answer to."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bots.report import Report, pointed
from tests.bots.with_ccxt import explain

SYMBOL, OTHER = "BTC/USDT", "ETH/USDT"
PATIENCE_S = 30.0
SWAPS = "it is for swap markets, as the library says itself"
NOT_SUPPORTED = "the library says that it is not supported yet"
NO_TYPE = "the library reads the answer as one of a futures account"
UPDATES = 20  # of a book, which must go on without a new snapshot


def main(url: str) -> None:
    """Make all calls as alice."""
    asyncio.run(all_calls(url))


class Asking:
    """Makes calls that are awaited, a line each."""

    def __init__(self, report: Report) -> None:
        self.report = report

    async def passed(
        self, call: str, ask: Callable[[], Awaitable[Any]], right: Callable[[Any], bool] = lambda _: True
    ) -> Any:
        """See Report."""
        try:
            answer = await asyncio.wait_for(ask(), PATIENCE_S)
        except Exception as error:  # a client may raise anything
            self.report.add(call, "failed", f"{type(error).__name__}: {error}"[:300])
            return None
        return self.report.passed(call, lambda: answer, right)


async def all_calls(url: str) -> None:
    """Market data, then orders."""
    report, alice = Report(), pointed("ccxt.pro", url)["exchange"]
    asking = Asking(report)
    await asking.passed("loadMarkets", alice.load_markets, lambda markets: SYMBOL in markets)
    await market_data(asking, alice)
    await own(asking, alice)
    await requests(asking, alice)
    for call in ("fetchTickerWs", "fetchOrderBookWs"):
        report.explained(call, SWAPS)
    report.explained("fetchBalanceWs", NO_TYPE)
    for call in ("watchOrdersForSymbols", "fetchCurrenciesWs"):
        report.explained(call, NOT_SUPPORTED)
    named = {line["call"] for line in report.lines}
    for call, there in sorted(alice.has.items()):
        if there and call not in named and ("watch" in call or call.endswith("Ws")):
            explain(report, call)
    await alice.close()
    report.end()


async def market_data(asking: Asking, alice: Any) -> None:
    """What everybody sees."""
    several = [SYMBOL, OTHER]
    for call, ask in {
        "watchTrades": lambda: alice.watch_trades(SYMBOL),
        "watchTradesForSymbols": lambda: alice.watch_trades_for_symbols(several),
        "watchTicker": lambda: alice.watch_ticker(SYMBOL),
        "watchTickers": lambda: alice.watch_tickers(several),
        "watchBidsAsks": lambda: alice.watch_bids_asks(several),
        "watchOHLCV": lambda: alice.watch_ohlcv(SYMBOL, "1m"),
        "watchOHLCVForSymbols": lambda: alice.watch_ohlcv_for_symbols([[SYMBOL, "1m"], [OTHER, "5m"]]),
        "watchOrderBookForSymbols": lambda: alice.watch_order_book_for_symbols([OTHER, "SOL/USDT"]),
    }.items():
        await asking.passed(call, ask, bool)
    asked = alice.fetch_rest_order_book_safe
    snapshots = []

    async def counted(*arguments: Any) -> Any:
        snapshots.append(arguments)
        return await asked(*arguments)

    alice.fetch_rest_order_book_safe = counted

    async def book() -> Any:
        found = None
        for _ in range(UPDATES):
            found = await alice.watch_order_book(SYMBOL)
        return found

    await asking.passed(
        "watchOrderBook", book, lambda found: found["bids"][0][0] < found["asks"][0][0] and len(snapshots) <= 1
    )
    for call, ask in {
        "unWatchTrades": lambda: alice.un_watch_trades(SYMBOL),
        "unWatchTicker": lambda: alice.un_watch_ticker(SYMBOL),
        "unWatchOHLCV": lambda: alice.un_watch_ohlcv(SYMBOL, "1m"),
        "unWatchOrderBook": lambda: alice.un_watch_order_book(SYMBOL),
    }.items():
        await asking.passed(call, ask)


async def own(asking: Asking, alice: Any) -> None:
    """What alice sees of her own orders."""

    async def meanwhile(watching: Awaitable[Any], kind: str) -> Any:
        watched = asyncio.ensure_future(watching)
        await asyncio.sleep(2)  # the subscription
        if kind == "limit":
            made = await alice.create_order(SYMBOL, "limit", "buy", 0.01, await low(alice))
            await alice.cancel_order(made["id"], SYMBOL)
        else:
            await alice.create_order(SYMBOL, "market", "buy", 0.01)
        return await watched

    await asking.passed(
        "watchOrders", lambda: meanwhile(alice.watch_orders(SYMBOL), "limit"), lambda orders: orders[0]["id"]
    )
    await asking.passed(
        "watchBalance", lambda: meanwhile(alice.watch_balance(), "limit"), lambda found: "USDT" in found
    )
    await asking.passed(
        "watchMyTrades",
        lambda: meanwhile(alice.watch_my_trades(SYMBOL), "market"),
        lambda trades: trades[0]["amount"] > 0,
    )


async def requests(asking: Asking, alice: Any) -> None:
    """Requests on the WebSocket API."""
    price = await low(alice)
    made = await asking.passed(
        "createOrderWs",
        lambda: alice.create_order_ws(SYMBOL, "limit", "buy", 0.01, price),
        lambda order: order["status"] == "open",
    )
    order_id = made["id"]
    await asking.passed("createLimitOrderWs", lambda: alice.create_limit_order_ws(SYMBOL, "buy", 0.01, price))
    await asking.passed("createMarketOrderWs", lambda: alice.create_market_order_ws(SYMBOL, "buy", 0.01))
    await asking.passed(
        "fetchOrderWs", lambda: alice.fetch_order_ws(order_id, SYMBOL), lambda order: order["id"] == order_id
    )
    await asking.passed(
        "fetchOpenOrdersWs", lambda: alice.fetch_open_orders_ws(SYMBOL), lambda orders: len(orders) == 2
    )
    edited = await asking.passed(
        "editOrderWs",
        lambda: alice.edit_order_ws(order_id, SYMBOL, "limit", "buy", 0.02, price),
        lambda order: order["amount"] == 0.02,
    )
    await asking.passed(
        "cancelOrderWs",
        lambda: alice.cancel_order_ws(edited["id"], SYMBOL),
        lambda order: order["status"] == "canceled",
    )
    await asking.passed("cancelAllOrdersWs", lambda: alice.cancel_all_orders_ws(SYMBOL), bool)
    await asking.passed("fetchOrdersWs", lambda: alice.fetch_orders_ws(SYMBOL), bool)
    await asking.passed("fetchClosedOrdersWs", lambda: alice.fetch_closed_orders_ws(SYMBOL), bool)
    await asking.passed("fetchMyTradesWs", lambda: alice.fetch_my_trades_ws(SYMBOL), bool)
    await asking.passed("fetchTradesWs", lambda: alice.fetch_trades_ws(SYMBOL), bool)
    await asking.passed("fetchOHLCVWs", lambda: alice.fetch_ohlcv_ws(SYMBOL, "1m"), bool)


async def low(alice: Any) -> str:
    """A price at which nothing is sold."""
    last = (await alice.fetch_ticker(SYMBOL))["last"]
    found: str = alice.price_to_precision(SYMBOL, last * 0.8)
    return found


if __name__ == "__main__":
    main(sys.argv[1])
