"""The table of calls: what each needs of who asks, what it weighs, and where it is over HTTP.

A call gets an Asked and gives what is sent, whichever way it was asked. Orders and cancels are direct: they get an
Answer, which they give the result in the step that makes it durable.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from exchange.api.binance.account_calls import AccountCalls
from exchange.api.binance.amend_calls import AmendCalls
from exchange.api.binance.asked import Asked
from exchange.api.binance.kline_calls import KlineCalls
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.list_calls import ListCalls
from exchange.api.binance.market_calls import MarketCalls
from exchange.api.binance.order_calls import Answer, OrderCalls
from exchange.api.binance.replace_calls import ReplaceCalls
from exchange.api.binance.security import Security
from exchange.api.binance.startup_calls import StartupCalls
from exchange.api.binance.symbols import Symbols
from exchange.api.binance.ticker_calls import TickerCalls
from exchange.api.binance.trade_calls import TradeCalls
from exchange.api.binance.user_stream_keys import ListenKeys
from exchange.service.read_lane import HISTORY, MEMORY
from exchange.service.service import Service
from exchange.service.tape import Tape

Operation = Callable[[Asked], Awaitable[Any]]
Direct = Callable[[Asked, Answer], None]
Weight = int | Callable[[dict[str, str]], int]

NONE: Final = Security.NONE
API_KEY: Final = Security.API_KEY
USER_DATA: Final = Security.USER_DATA
TRADE: Final = Security.TRADE


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `lane` is where it waits for its turn, for what only reads; `orders` counts against the user.

    `free`: it weighs something only if it fails.
    """

    operation: str
    security: Security = NONE
    weight: Weight = 1
    lane: str | None = None
    orders: int = 0
    cancels: bool = False
    free: bool = False

    def weight_of(self, values: dict[str, str]) -> int:
        """What a request with these parameters weighs."""
        return self.weight if isinstance(self.weight, int) else self.weight(values)


class Calls:
    """All operations by name."""

    def __init__(self, service: Service, symbols: Symbols, tape: Tape, limits: BinanceLimits, keys: ListenKeys) -> None:
        markets, orders = MarketCalls(service, symbols), OrderCalls(service, symbols)
        trades, tickers = TradeCalls(service, symbols, tape), TickerCalls(service, markets)
        klines, accounts = KlineCalls(service, symbols, tape), AccountCalls(service, symbols, limits)
        startup, amends = StartupCalls(service, symbols), AmendCalls(service, symbols)
        lists = ListCalls(service, symbols)
        self.direct: dict[str, Direct] = {"place": orders.place, "cancel": orders.cancel}
        self.operations: dict[str, Operation] = {
            "ping": markets.ping,
            "time": markets.time,
            "exchange_info": markets.exchange_info,
            "depth": markets.depth,
            "price": markets.price,
            "book_ticker": markets.book_ticker,
            "average_price": markets.average_price,
            "trades": trades.trades,
            "historical_trades": trades.historical_trades,
            "aggregates": trades.aggregates,
            "klines": klines.klines,
            "day": tickers.day,
            "trading_day": tickers.trading_day,
            "window": tickers.window,
            "test": orders.test,
            "cancel_all": orders.cancel_all,
            "cancel_replace": ReplaceCalls(service, symbols, orders).cancel_replace,
            "oco": lists.oco,
            "old_oco": lists.old_oco,
            "oto": lists.oto,
            "otoco": lists.otoco,
            "cancel_list": lists.cancel,
            "order_list": lists.order_list,
            "all_lists": lists.all_lists,
            "open_lists": lists.open_lists,
            "amend": amends.amend,
            "amendments": amends.amendments,
            "order": orders.order,
            "open_orders": orders.open_orders,
            "all_orders": orders.all_orders,
            "prevented_matches": orders.prevented_matches,
            "own_trades": trades.own_trades,
            "account": accounts.account,
            "commission": accounts.commission,
            "order_counts": accounts.order_counts,
            "filters": accounts.filters,
            "allocations": accounts.allocations,
            "start_user_stream": keys.start,
            "renew_user_stream": keys.renew,
            "stop_user_stream": keys.stop,
            "assets": startup.assets,
            "trade_fee": startup.trade_fee,
            "account_status": startup.account_status,
            "trading_status": startup.trading_status,
            "system_status": startup.system_status,
            "restrictions": startup.restrictions,
            "nothing": startup.nothing,
            "no_contracts": startup.no_contracts,
        }


def _of_depth(values: dict[str, str]) -> int:
    text = values.get("limit", "")
    limit = int(text) if text.isdecimal() and len(text) < 9 else 100
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def _by_symbol(one: int, all_of_them: int) -> Weight:
    return lambda values: one if "symbol" in values else all_of_them


def _of_day(values: dict[str, str]) -> int:
    if "symbol" in values:
        return 2
    symbols = values.get("symbols", "").count(",") + 1 if "symbols" in values else 101
    return 2 if symbols <= 20 else 40 if symbols <= 100 else 80


def _of_window(values: dict[str, str]) -> int:
    return min(4 * (values.get("symbols", "").count(",") + 1), 200)


def _of_own_trades(values: dict[str, str]) -> int:
    return 5 if "orderId" in values else 20


def _of_test(values: dict[str, str]) -> int:
    return 20 if values.get("computeCommissionRates", "").lower() == "true" else 1


def _of_prevented(values: dict[str, str]) -> int:
    return 2 if "preventedMatchId" in values else 20


API: Final[dict[tuple[str, str], Call]] = {
    ("GET", "/api/v3/ping"): Call("ping"),
    ("GET", "/api/v3/time"): Call("time"),
    ("GET", "/api/v3/exchangeInfo"): Call("exchange_info", weight=20, lane=MEMORY),
    ("GET", "/api/v3/depth"): Call("depth", weight=_of_depth, lane=MEMORY),
    ("GET", "/api/v3/trades"): Call("trades", weight=25, lane=HISTORY),
    ("GET", "/api/v3/historicalTrades"): Call("historical_trades", weight=25, lane=HISTORY),
    ("GET", "/api/v3/aggTrades"): Call("aggregates", weight=4, lane=HISTORY),
    ("GET", "/api/v3/klines"): Call("klines", weight=2, lane=HISTORY),
    ("GET", "/api/v3/uiKlines"): Call("klines", weight=2, lane=HISTORY),
    ("GET", "/api/v3/avgPrice"): Call("average_price", weight=2, lane=MEMORY),
    ("GET", "/api/v3/ticker/24hr"): Call("day", weight=_of_day, lane=MEMORY),
    ("GET", "/api/v3/ticker/tradingDay"): Call("trading_day", weight=_of_window, lane=MEMORY),
    ("GET", "/api/v3/ticker/price"): Call("price", weight=_by_symbol(2, 4), lane=MEMORY),
    ("GET", "/api/v3/ticker/bookTicker"): Call("book_ticker", weight=_by_symbol(2, 4), lane=MEMORY),
    ("GET", "/api/v3/ticker"): Call("window", weight=_of_window, lane=MEMORY),
    ("POST", "/api/v3/order"): Call("place", TRADE, orders=1, free=True),
    ("DELETE", "/api/v3/order"): Call("cancel", TRADE, cancels=True, free=True),
    ("GET", "/api/v3/order"): Call("order", USER_DATA, 4, HISTORY),
    ("POST", "/api/v3/order/test"): Call("test", TRADE, _of_test),
    ("POST", "/api/v3/order/cancelReplace"): Call("cancel_replace", TRADE, orders=1, free=True),
    ("PUT", "/api/v3/order/amend/keepPriority"): Call("amend", TRADE, 4),
    ("GET", "/api/v3/order/amendments"): Call("amendments", USER_DATA, 4, HISTORY),
    ("POST", "/api/v3/orderList/oco"): Call("oco", TRADE, orders=2, free=True),
    ("POST", "/api/v3/orderList/oto"): Call("oto", TRADE, orders=2, free=True),
    ("POST", "/api/v3/orderList/otoco"): Call("otoco", TRADE, orders=3, free=True),
    ("POST", "/api/v3/order/oco"): Call("old_oco", TRADE, orders=2, free=True),
    ("DELETE", "/api/v3/orderList"): Call("cancel_list", TRADE, cancels=True, free=True),
    ("GET", "/api/v3/orderList"): Call("order_list", USER_DATA, 4, HISTORY),
    ("GET", "/api/v3/allOrderList"): Call("all_lists", USER_DATA, 20, HISTORY),
    ("GET", "/api/v3/openOrderList"): Call("open_lists", USER_DATA, 6, HISTORY),
    ("GET", "/api/v3/openOrders"): Call("open_orders", USER_DATA, _by_symbol(6, 80), MEMORY),
    ("DELETE", "/api/v3/openOrders"): Call("cancel_all", TRADE, cancels=True, free=True),
    ("GET", "/api/v3/allOrders"): Call("all_orders", USER_DATA, 20, HISTORY),
    ("GET", "/api/v3/account"): Call("account", USER_DATA, 20, MEMORY),
    ("GET", "/api/v3/myTrades"): Call("own_trades", USER_DATA, _of_own_trades, HISTORY),
    ("GET", "/api/v3/rateLimit/order"): Call("order_counts", USER_DATA, 40),
    ("GET", "/api/v3/myPreventedMatches"): Call("prevented_matches", USER_DATA, _of_prevented, HISTORY),
    ("GET", "/api/v3/myAllocations"): Call("allocations", USER_DATA, 20),
    ("GET", "/api/v3/account/commission"): Call("commission", USER_DATA, 20),
    ("GET", "/api/v3/myFilters"): Call("filters", USER_DATA, 40),
    ("POST", "/api/v3/userDataStream"): Call("start_user_stream", API_KEY, 2),
    ("PUT", "/api/v3/userDataStream"): Call("renew_user_stream", API_KEY, 2),
    ("DELETE", "/api/v3/userDataStream"): Call("stop_user_stream", API_KEY, 2),
}

# Older libraries ask version 1 for what it had of the market.
V1: Final = {
    ("GET", f"/api/v1/{name}"): API["GET", f"/api/v3/{name}"]
    for name in (
        *("ping", "time", "exchangeInfo", "depth", "trades", "historicalTrades", "aggTrades", "klines"),
        "ticker/24hr",
    )
}

# What libraries ask when they start.
STARTUP: Final[dict[tuple[str, str], Call]] = {
    ("GET", "/sapi/v1/capital/config/getall"): Call("assets", USER_DATA, lane=MEMORY),
    ("GET", "/sapi/v1/asset/tradeFee"): Call("trade_fee", USER_DATA),
    ("GET", "/sapi/v1/account/status"): Call("account_status", USER_DATA),
    ("GET", "/sapi/v1/account/apiTradingStatus"): Call("trading_status", USER_DATA),
    ("GET", "/sapi/v1/account/apiRestrictions"): Call("restrictions", USER_DATA),
    ("GET", "/sapi/v1/system/status"): Call("system_status"),
    ("GET", "/sapi/v1/margin/allPairs"): Call("nothing", API_KEY),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Call("nothing", USER_DATA),
    ("GET", "/sapi/v1/margin/allAssets"): Call("nothing", API_KEY),
    ("GET", "/fapi/v1/exchangeInfo"): Call("no_contracts"),
    ("GET", "/dapi/v1/exchangeInfo"): Call("no_contracts"),
}

REST: Final = API | V1 | STARTUP
