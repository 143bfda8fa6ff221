"""Binance's own library for Python, binance-sdk-spot, over REST."""

import sys
from collections.abc import Callable
from typing import Any

from tests.bots.report import Report, pointed

SYMBOL = "BTCUSDT"
NONE = "Binance has it for some symbols or accounts only, and answers others with an error"
NOT_MADE = {
    **dict.fromkeys(("execution_rules", "reference_price", "reference_price_calculation"), NONE),
    **dict.fromkeys(("historical_block_trades", "sor_order", "sor_order_test"), NONE),
    **dict.fromkeys(("order_list_opo", "order_list_opoco"), "exchangeInfo says opoAllowed false"),
}
NO_CALLS = ("configuration", "send_request", "send_signed_request")


def lists(ask: Callable[..., Any], low: float) -> None:
    """Lists of orders."""
    one = {"symbol": SYMBOL}
    high = round(low / 0.8 * 1.2, 2)
    sell = one | {"side": "SELL", "quantity": 0.01}
    above, below = (
        {"above_type": "LIMIT_MAKER", "above_price": high},
        {"below_type": "STOP_LOSS", "below_stop_price": low},
    )
    listed = ask("order_list_oco", **sell, **above, **below)
    ask("order_oco", **sell, price=high, stop_price=low)
    working = one | {"working_type": "LIMIT", "working_side": "BUY", "working_price": low, "working_quantity": 0.01}
    working |= {"working_time_in_force": "GTC", "pending_side": "SELL", "pending_quantity": 0.01}
    ask("order_list_oto", **working, pending_type="LIMIT_MAKER", pending_price=high)
    legs = {f"pending_{name}": value for name, value in (above | below).items()}
    ask("order_list_otoco", **working, **legs | {"pending_below_stop_price": round(low * 0.9, 2)})
    ask("get_order_list", order_list_id=listed.order_list_id)
    ask("all_order_list")
    ask("open_order_list")
    ask("delete_order_list", **one, order_list_id=listed.order_list_id)


def main(url: str) -> None:
    """Make every call that the library has."""
    report, client = Report(), pointed("binance-sdk-spot", url)["client"]
    one = {"symbol": SYMBOL}

    def ask(call: str, **query: Any) -> Any:
        return report.passed(call, lambda: getattr(client, call)(**query).data())

    for call in (
        "ping",
        "time",
        "exchange_info",
        "ticker_price",
        "ticker_book_ticker",
        "get_account",
        "rate_limit_order",
    ):
        ask(call)
    for call in (
        *("depth", "get_trades", "historical_trades", "agg_trades", "avg_price", "ticker24hr", "ticker_trading_day"),
        *("ticker", "my_trades", "all_orders", "my_allocations", "account_commission", "my_filters"),
    ):
        ask(call, **one)
    for call in ("klines", "ui_klines"):
        ask(call, **one, interval="1m")
    low = round(float(client.avg_price(**one).data().price) * 0.8, 2)
    terms = one | {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": low}
    ask("order_test", **terms)
    made = ask("new_order", **terms)
    ask("get_order", **one, order_id=made.order_id)
    ask("get_open_orders", **one)
    ask("my_prevented_matches", **one, order_id=made.order_id)
    ask("order_amend_keep_priority", **one, order_id=made.order_id, new_qty=0.005)
    ask("order_amendments", **one, order_id=made.order_id)
    cancel = {"cancel_replace_mode": "STOP_ON_FAILURE", "cancel_order_id": made.order_id}
    replaced = ask("order_cancel_replace", **terms, **cancel)
    ask("delete_order", **one, order_id=replaced.new_order_response.order_id)
    lists(ask, low)
    client.new_order(**terms)
    ask("delete_open_orders", **one)
    named = {line["call"] for line in report.lines}
    for call in dir(client):
        if call.startswith("_") or call in named or call in NO_CALLS:
            continue
        if call in NOT_MADE:
            report.explained(call, NOT_MADE[call])
        else:
            report.add(call, "failed", "it is not called")
    report.end()


if __name__ == "__main__":
    main(sys.argv[1])
