"""binance-connector, Binance's earlier library for Python, over REST."""

import sys
from functools import partial
from typing import Any

from tests.bots.report import Report, pointed

SYMBOL = "BTCUSDT"


def main(url: str) -> None:
    """Make the calls of its spot part."""
    report, client = Report(), pointed("binance-connector", url)["client"]
    for call in ("ping", "time", "exchange_info", "account", "get_order_rate_limit"):
        report.passed(call, getattr(client, call))
    for call in (
        *("depth", "trades", "historical_trades", "agg_trades", "avg_price", "ticker_24hr", "trading_day_ticker"),
        *("ticker_price", "book_ticker", "rolling_window_ticker"),
    ):
        report.passed(call, partial(getattr(client, call), symbol=SYMBOL), bool)
    for call in ("klines", "ui_klines"):
        report.passed(call, partial(getattr(client, call), SYMBOL, "1m"), bool)
    two = [SYMBOL, "ETHUSDT"]
    report.passed("ticker_24hr of several symbols", lambda: client.ticker_24hr(symbols=two), is_two)
    report.passed("exchange_info of several", lambda: client.exchange_info(symbols=two), lambda info: info["symbols"])
    orders(report, client)
    for call in ("system_status", "coin_info", "trade_fee", "account_status", "api_trading_status"):
        report.passed(call, getattr(client, call), bool)
    report.end()


def orders(report: Report, client: Any) -> None:
    """Orders, and what is told of them."""
    low = round(float(client.avg_price(symbol=SYMBOL)["price"]) * 0.8, 2)
    terms = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": low}
    made = report.passed("new_order", lambda: client.new_order(**terms), lambda order: order["status"] == "NEW")
    report.passed("new_order_test", lambda: client.new_order_test(**terms), lambda answer: answer == {})
    report.passed("get_order", lambda: client.get_order(SYMBOL, orderId=made["orderId"]), bool)
    replace = {"cancelOrderId": made["orderId"], "timeInForce": "GTC", "quantity": 0.02, "price": low}
    report.passed(
        "cancel_and_replace",
        lambda: client.cancel_and_replace(SYMBOL, "BUY", "LIMIT", "STOP_ON_FAILURE", **replace),
        lambda answer: answer["newOrderResult"] == "SUCCESS",
    )
    for call in ("get_open_orders", "get_orders", "my_trades", "query_allocations", "query_commission_rates"):
        report.passed(call, partial(getattr(client, call), SYMBOL))
    report.passed("query_prevented_matches", lambda: client.query_prevented_matches(SYMBOL, orderId=made["orderId"]))
    report.passed("cancel_open_orders", lambda: client.cancel_open_orders(SYMBOL), bool)
    report.refused(
        "cancel_order that is not open", "-2011", lambda: client.cancel_order(SYMBOL, orderId=made["orderId"])
    )


def is_two(rows: Any) -> bool:
    """Whether there are two of them."""
    return len(rows) == 2


if __name__ == "__main__":
    main(sys.argv[1])
