"""ccxt over REST: every unified call that a spot exchange has an answer to."""

import sys
from functools import partial
from typing import Any

from tests.bots.report import Report, pointed

SYMBOL = "BTC/USDT"
FUTURES = "futures, margin or options: this is a spot exchange, and on Binance it needs an account for them"
MONEY = "deposits, withdrawals and transfers: there is no chain here; Binance's testnet has none of it either"
CONVERT = "Binance's conversion service is not its exchange"
# The words that name what is no part of a spot exchange.
ELSEWHERE = (
    *("ADL", "Borrow", "Funding", "Greeks", "Index", "Isolated", "Leverage", "Liquidations", "LongShort", "Margin"),
    *("Mark", "OpenInterest", "Option", "Position", "Premium", "ReduceOnly", "Settlement", "Cross"),
)
NO_MONEY = ("Deposit", "Withdraw", "withdraw", "Transfer", "transfer", "Ledger", "TransactionFee")
NO_CALLS = ("publicAPI", "privateAPI", "sandbox", "spot", "margin", "swap", "future", "option")


def main(url: str) -> None:
    """Make all calls as alice, and as bob whom she trades with."""
    report, alice = Report(), pointed("ccxt", url)["exchange"]
    bob = pointed("ccxt", url)["exchange"]
    bob.apiKey, bob.secret = "bob-key", "bob-secret"
    for exchange in (alice, bob):
        exchange.options["fetchOpenOrders"] = {"warnWithoutSymbol": False}
        exchange.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    report.passed("loadMarkets", alice.load_markets, lambda markets: SYMBOL in markets)
    bob.load_markets()
    data(report, alice)
    trading(report, alice, bob)
    named = {line["call"] for line in report.lines}
    for call, there in sorted(alice.has.items()):
        if there and call not in named and call not in NO_CALLS and not call.endswith("Ws") and "watch" not in call:
            explain(report, call)
    report.end()


def explain(report: Report, call: str) -> None:
    """Say why a call is not made; one without a reason has failed."""
    for words, why in ((ELSEWHERE, FUTURES), (NO_MONEY, MONEY), (("Convert",), CONVERT)):
        if any(word in call for word in words):
            report.explained(call, why)
            return
    report.add(call, "failed", "it is not called")


def data(report: Report, exchange: Any) -> None:
    """Market data."""
    report.passed("fetchMarkets", exchange.fetch_markets, bool)
    report.passed("fetchCurrencies", exchange.fetch_currencies, lambda found: "USDT" in found)
    report.passed("fetchTime", exchange.fetch_time)
    report.passed("fetchStatus", exchange.fetch_status, lambda status: status["status"] == "ok")
    for call in ("fetchOrderBook", "fetchL2OrderBook"):
        report.passed(call, partial(getattr(exchange, call), SYMBOL), lambda book: book["bids"] and book["asks"])
    report.passed("fetchTicker", lambda: exchange.fetch_ticker(SYMBOL), lambda ticker: ticker["last"] > 0)
    report.passed("fetchTickers", exchange.fetch_tickers, lambda tickers: SYMBOL in tickers)
    report.passed("fetchBidsAsks", exchange.fetch_bids_asks, lambda tickers: tickers[SYMBOL]["bid"] > 0)
    report.passed("fetchLastPrices", exchange.fetch_last_prices, lambda prices: prices[SYMBOL]["price"] > 0)
    report.passed("fetchTrades", lambda: exchange.fetch_trades(SYMBOL), bool)
    for interval in exchange.timeframes:
        call = "fetchOHLCV" if interval == "1m" else f"fetchOHLCV {interval}"
        report.passed(call, partial(exchange.fetch_ohlcv, SYMBOL, interval, limit=10), bool)
    report.passed("fetchTradingFee", lambda: exchange.fetch_trading_fee(SYMBOL), lambda fee: fee["taker"] == 0.001)
    report.passed("fetchTradingFees", exchange.fetch_trading_fees, lambda fees: SYMBOL in fees)
    report.passed("fetchTradingLimits", lambda: exchange.fetch_trading_limits([SYMBOL]), bool)


def trading(report: Report, alice: Any, bob: Any) -> None:
    """Orders of alice, and of bob who trades with her."""
    report.passed("fetchBalance", alice.fetch_balance, lambda balance: balance["USDT"]["free"] > 0)
    last = alice.fetch_ticker(SYMBOL)["last"]
    low = alice.price_to_precision(SYMBOL, last * 0.8)
    made = report.passed("createOrder", lambda: alice.create_order(SYMBOL, "limit", "buy", 0.01, low), is_open)
    report.passed("createLimitOrder", lambda: alice.create_limit_order(SYMBOL, "buy", 0.01, low), is_open)
    report.passed("createLimitBuyOrder", lambda: alice.create_limit_buy_order(SYMBOL, 0.01, low), is_open)
    high = alice.price_to_precision(SYMBOL, last * 1.2)
    report.passed("createLimitSellOrder", lambda: alice.create_limit_sell_order(SYMBOL, 0.01, high), is_open)
    post_only = report.passed(
        "createPostOnlyOrder", lambda: alice.create_post_only_order(SYMBOL, "limit", "buy", 0.01, low), bool
    )
    report.refused(
        "createPostOnlyOrder that would take",
        "OrderImmediatelyFillable",
        lambda: alice.create_post_only_order(SYMBOL, "limit", "buy", 0.01, high),
    )
    report.passed("createMarketOrder", lambda: bob.create_market_order(SYMBOL, "buy", 0.01), is_closed)
    report.passed("createMarketBuyOrder", lambda: bob.create_market_buy_order(SYMBOL, 0.01), is_closed)
    sold = report.passed("createMarketSellOrder", lambda: bob.create_market_sell_order(SYMBOL, 0.01), is_closed)
    for call, side in (
        ("createMarketOrderWithCost", ("buy",)),
        ("createMarketBuyOrderWithCost", ()),
        ("createMarketSellOrderWithCost", ()),
    ):
        report.passed(call, partial(getattr(bob, call), SYMBOL, *side, 100), is_closed)
    report.refused(
        "createOrder beyond the balance",
        "InsufficientFunds",
        lambda: alice.create_order(SYMBOL, "limit", "buy", 100, low),
    )
    waiting(report, alice, float(low), float(high))
    lists(report, alice, float(low), float(high))
    report.passed("fetchOrder", lambda: alice.fetch_order(made["id"], SYMBOL), is_open)
    report.passed("fetchOpenOrders", lambda: alice.fetch_open_orders(SYMBOL), lambda orders: len(orders) >= 4)
    report.passed("fetchOpenOrders of all symbols", alice.fetch_open_orders, lambda orders: len(orders) >= 4)
    edited = report.passed("editOrder", lambda: alice.edit_order(made["id"], SYMBOL, "limit", "buy", 0.02, low), bool)
    report.passed("cancelOrder", lambda: alice.cancel_order(edited["id"], SYMBOL), bool)
    report.refused("cancelOrder again", "OrderNotFound", lambda: alice.cancel_order(edited["id"], SYMBOL))
    report.passed("cancelAllOrders", lambda: alice.cancel_all_orders(SYMBOL), lambda orders: len(orders) >= 3)
    report.passed("fetchOrders", lambda: bob.fetch_orders(SYMBOL), bool)
    report.passed("fetchClosedOrders", lambda: bob.fetch_closed_orders(SYMBOL), bool)
    report.passed("fetchCanceledOrders", lambda: alice.fetch_canceled_orders(SYMBOL), bool)
    report.passed("fetchCanceledAndClosedOrders", lambda: alice.fetch_canceled_and_closed_orders(SYMBOL), bool)
    report.passed("fetchMyTrades", lambda: bob.fetch_my_trades(SYMBOL), bool)
    report.passed("fetchOrderTrades", lambda: bob.fetch_order_trades(sold["id"], SYMBOL), bool)
    report.refused("fetchOrder that is not there", "OrderNotFound", lambda: alice.fetch_order("1", SYMBOL))
    for call in ("cancelOrders", "createOrders", "editOrders", "fetchOpenOrder"):
        report.explained(call, "ccxt has it for futures only")
    assert post_only is None or post_only["id"]


def waiting(report: Report, alice: Any, low: float, high: float) -> None:
    """Orders that wait for a price."""
    price = alice.price_to_precision(SYMBOL, low * 0.99)
    stops = (
        report.passed(
            "createStopOrder", lambda: alice.create_stop_order(SYMBOL, "market", "sell", 0.01, None, low), bool
        ),
        report.passed(
            "createStopLimitOrder", lambda: alice.create_stop_limit_order(SYMBOL, "sell", 0.01, price, low), bool
        ),
    )
    report.passed(
        "createStopLossOrder",
        lambda: alice.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": low}),
        bool,
    )
    report.passed(
        "createTakeProfitOrder",
        lambda: alice.create_order(SYMBOL, "market", "sell", 0.01, None, {"takeProfitPrice": high}),
        bool,
    )
    report.passed(
        "createTriggerOrder",
        lambda: alice.create_trigger_order(SYMBOL, "limit", "sell", 0.01, price, low),
        bool,
    )
    for stop in stops:  # a market takes five of a user, as Binance's do
        alice.cancel_order(stop["id"], SYMBOL)
    report.passed(
        "createTrailingPercentOrder",
        lambda: alice.create_trailing_percent_order(
            SYMBOL, "limit", "sell", 0.01, price, 5, None, {"stopLossOrTakeProfit": "stopLoss"}
        ),
        bool,
    )


def lists(report: Report, alice: Any, low: float, high: float) -> None:
    """Lists of orders, which ccxt has no unified calls for: by the calls of Binance."""
    market = alice.market(SYMBOL)["id"]
    profit, loss = alice.price_to_precision(SYMBOL, high), alice.price_to_precision(SYMBOL, low)
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": profit, "belowType": "STOP_LOSS", "belowStopPrice": loss}
    terms = {"symbol": market, "side": "SELL", "quantity": "0.01"} | legs
    placed = report.passed("privatePostOrderListOco", lambda: alice.privatePostOrderListOco(terms), bool)
    report.passed("privateGetOpenOrderList", alice.privateGetOpenOrderList, bool)
    if placed is not None:
        named = {"symbol": market, "orderListId": placed["orderListId"]}
        report.passed("privateDeleteOrderList", lambda: alice.privateDeleteOrderList(named), bool)


def is_open(order: Any) -> bool:
    """Whether an order rests."""
    return bool(order["status"] == "open" and order["id"])


def is_closed(order: Any) -> bool:
    """Whether an order has filled."""
    return bool(order["status"] == "closed" and order["filled"] > 0)


if __name__ == "__main__":
    main(sys.argv[1])
