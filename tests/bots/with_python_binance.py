"""python-binance's client over REST."""

import sys
from functools import partial
from typing import Any

from tests.bots.report import Report, pointed

SYMBOL = "BTCUSDT"


def main(url: str) -> None:
    """Make the calls."""
    report, client = Report(), pointed("python-binance", url)["client"]
    data(report, client)
    orders(report, client)
    account(report, client)
    report.end()


def data(report: Report, client: Any) -> None:
    """Market data."""
    one = {"symbol": SYMBOL}
    report.passed("ping", client.ping)
    report.passed("get_server_time", client.get_server_time, bool)
    report.passed("get_exchange_info", client.get_exchange_info, lambda info: len(info["symbols"]) > 5)
    report.passed("get_symbol_info", lambda: client.get_symbol_info(SYMBOL), bool)
    report.explained("get_products", "it is a page of Binance's web site, not of its API")
    for call in ("get_all_tickers", "get_orderbook_tickers", "get_ticker"):
        report.passed(call, getattr(client, call), lambda rows: len(rows) > 5)
    for call in (
        *("get_order_book", "get_recent_trades", "get_historical_trades", "get_aggregate_trades", "get_avg_price"),
        *("get_symbol_ticker", "get_orderbook_ticker", "get_symbol_ticker_window", "v3_get_ticker_trading_day"),
    ):
        report.passed(call, partial(getattr(client, call), **one), bool)
    report.passed("aggregate_trade_iter", lambda: next(client.aggregate_trade_iter(SYMBOL, last_id=1)), bool)
    for call in ("get_klines", "get_ui_klines"):
        report.passed(call, partial(getattr(client, call), **one, interval="1m"), bool)
    report.passed("get_historical_klines", lambda: client.get_historical_klines(SYMBOL, "1m", "1 hour ago UTC"), bool)
    report.passed(
        "get_historical_klines_generator",
        lambda: list(client.get_historical_klines_generator(SYMBOL, "1h", "1 day ago UTC")),
        bool,
    )


def orders(report: Report, client: Any) -> None:
    """Orders."""
    one = {"symbol": SYMBOL}
    low = f"{float(client.get_symbol_ticker(**one)['price']) * 0.8:.2f}"
    high = f"{float(low) / 0.8 * 1.2:.2f}"
    limit = one | {"quantity": "0.01", "price": low}
    terms = limit | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    made = report.passed("create_order", lambda: client.create_order(**terms), is_new)
    report.passed("create_test_order", lambda: client.create_test_order(**terms), lambda answer: answer == {})
    report.passed("order_limit", lambda: client.order_limit(**limit, side="BUY"), is_new)
    report.passed("order_limit_buy", lambda: client.order_limit_buy(**limit), is_new)
    report.passed("order_limit_sell", lambda: client.order_limit_sell(**one, quantity="0.01", price=high), is_new)
    report.passed("order_market", lambda: client.order_market(**one, side="BUY", quantity="0.01"), is_filled)
    report.passed("order_market_buy", lambda: client.order_market_buy(**one, quoteOrderQty="100"), is_filled)
    report.passed("order_market_sell", lambda: client.order_market_sell(**one, quantity="0.01"), is_filled)
    report.refused(
        "order_limit_buy beyond the balance",
        "insufficient balance",
        lambda: client.order_limit_buy(**one, quantity="100", price=low),
    )
    report.passed("get_order", lambda: client.get_order(**one, orderId=made["orderId"]), is_new)
    report.passed("get_open_orders", client.get_open_orders, lambda rows: len(rows) >= 4)
    report.passed("get_all_orders", lambda: client.get_all_orders(**one), lambda rows: len(rows) >= 7)
    replaced = {"cancelOrderId": made["orderId"], "cancelReplaceMode": "STOP_ON_FAILURE"}
    replacing = report.passed("cancel_replace_order", lambda: client.cancel_replace_order(**terms, **replaced), bool)
    new_id = replacing["newOrderResponse"]["orderId"] if replacing else 0
    report.passed("cancel_order", lambda: client.cancel_order(**one, orderId=new_id), bool)
    report.refused("cancel_order again", "Unknown order sent", lambda: client.cancel_order(**one, orderId=new_id))
    lists(report, client, low, high)
    report.passed("cancel_all_open_orders", lambda: client.cancel_all_open_orders(**one), lambda rows: len(rows) >= 3)


def lists(report: Report, client: Any, low: str, high: str) -> None:
    """Lists of orders."""
    common = {"symbol": SYMBOL, "quantity": "0.01"}
    sell = common | {"aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": low}
    buy = common | {"aboveType": "STOP_LOSS", "aboveStopPrice": high, "belowType": "LIMIT_MAKER", "belowPrice": low}
    report.passed("create_oco_order", lambda: client.create_oco_order(**sell, side="SELL"), runs)
    report.passed("order_oco_sell", lambda: client.order_oco_sell(**sell), runs)
    report.passed("order_oco_buy", lambda: client.order_oco_buy(**buy), runs)
    report.passed("get_open_oco_orders", client.get_open_oco_orders, lambda rows: len(rows) >= 3)


def account(report: Report, client: Any) -> None:
    """The account."""
    one = {"symbol": SYMBOL}
    report.passed("get_account", client.get_account, lambda found: found["canTrade"])
    report.passed("get_asset_balance", lambda: client.get_asset_balance("USDT"), lambda row: float(row["free"]) > 0)
    report.passed("get_my_trades", lambda: client.get_my_trades(**one), bool)
    report.passed("get_prevented_matches", lambda: client.get_prevented_matches(**one, orderId=1))
    report.passed("get_allocations", lambda: client.get_allocations(**one), lambda rows: rows == [])
    report.passed("get_current_order_count", client.get_current_order_count, bool)
    report.passed("v3_get_account_commission", lambda: client.v3_get_account_commission(**one), bool)
    report.passed("get_trade_fee", lambda: client.get_trade_fee(**one), bool)
    for call in (
        *("get_system_status", "get_account_status", "get_account_api_trading_status", "get_account_api_permissions"),
        "get_all_coins_info",
    ):
        report.passed(call, getattr(client, call), bool)


def runs(placed: Any) -> bool:
    """Whether a list of orders is open."""
    return bool(placed["listOrderStatus"] == "EXECUTING" and len(placed["orderReports"]) == 2)


def is_new(order: Any) -> bool:
    """Whether an order rests."""
    return bool(order["status"] == "NEW")


def is_filled(order: Any) -> bool:
    """Whether an order has filled."""
    return bool(order["status"] == "FILLED")


if __name__ == "__main__":
    main(sys.argv[1])
